//! Where a credential comes from: the environment, a file, the system's keyring, in this order.
//!
//! What must stay true: a credential is bound to its provider's host the moment it is read; a file that others can read
//! is refused; a keyring that hangs, is locked or does not exist costs at most three seconds and ends in a command that
//! helps. It refuses to take a credential from an argument or from the configuration itself.

use std::fmt;
use std::path::{Path, PathBuf};

use super::secret::Secret;
use crate::domain::{Problem, System};

/// Largest credential file; a certificate chain is smaller.
const MOST_BYTES: u64 = 64 * 1024;

/// Which credential is meant.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The profile's name: several profiles on one machine keep their keys apart.
    pub profile: &'a str,
    /// Whose.
    pub system: System,
    /// `api_key` or `webhook_secret`.
    pub field: &'a str,
    /// The address that it will be bound to.
    pub base_url: &'a str,
}

/// Which place answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This environment variable.
    Environment(String),
    /// This file.
    File(PathBuf),
    /// The system's keyring, under this service and user.
    Keyring {
        /// Service name: program, profile and host.
        service: String,
        /// User name: system and field.
        user: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Keyring { service, user } => write!(f, "keyring ({service}, {user})"),
        }
    }
}

impl Wanted<'_> {
    /// The environment variable: `TRUEUP_STRIPE_API_KEY`.
    pub fn variable(&self) -> String {
        format!("TRUEUP_{}_{}", self.system.as_str(), self.field).to_uppercase()
    }

    /// The keyring entry: service and user.
    pub fn entry(&self) -> (String, String) {
        let host = super::http::address::origin(self.base_url).unwrap_or_else(|| self.base_url.to_owned());
        let host = host.split_once("://").map_or(host.as_str(), |(_, host)| host).to_owned();
        (format!("trueup {} {host}", self.profile), format!("{}/{}", self.system, self.field))
    }

    fn place(&self) -> String {
        format!("sources.{}.{}", self.system, self.field)
    }

    fn bind(&self, value: &str) -> Secret {
        Secret::new(value, self.base_url)
    }
}

/// Finds a credential. `file` is `[sources.S] <F>_file`; `env` reads the environment.
///
/// # Errors
/// An evidence problem when no place has it, a usage problem when a place that should have it cannot be used (an empty
/// variable, a file that is missing, readable by others or empty). The hint is a command or variable that helps.
pub async fn find(
    wanted: &Wanted<'_>,
    file: Option<&Path>,
    env: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Result<(Secret, Origin), Problem> {
    let name = wanted.variable();
    if let Some(value) = env(&name) {
        if value.trim().is_empty() {
            return Err(Problem::usage(format!("{name} is set but empty"))
                .at(wanted.place())
                .hint(format!("put the credential into {name}, or unset it")));
        }
        return Ok((wanted.bind(&value), Origin::Environment(name)));
    }
    if let Some(path) = file {
        let value = read_file(path).map_err(|p| p.at(wanted.place()))?;
        return Ok((wanted.bind(&value), Origin::File(path.to_owned())));
    }
    let (service, user) = wanted.entry();
    match keyring::get(&service, &user).await {
        Ok(Some(value)) => Ok((wanted.bind(&value), Origin::Keyring { service, user })),
        Ok(None) => Err(Problem::evidence(format!("no {} for {}", wanted.field, wanted.system.title()))
            .at(wanted.place())
            .hint(format!("run `trueup login {}`, or set {name}", wanted.system))),
        Err(why) => Err(unusable(wanted, &why)),
    }
}

/// Keeps a credential in the system's keyring.
///
/// # Errors
/// When there is no keyring, it is locked, or it does not answer in three seconds.
pub async fn store(wanted: &Wanted<'_>, secret: &Secret) -> Result<Origin, Problem> {
    let (service, user) = wanted.entry();
    let Some(value) = secret.expose_for(wanted.base_url) else {
        return Err(Problem::bug("a credential would be kept for another host").at(wanted.place()));
    };
    keyring::set(&service, &user, value).await.map_err(|why| unusable(wanted, &why))?;
    Ok(Origin::Keyring { service, user })
}

/// Removes a credential from the system's keyring. Returns whether there was one.
///
/// # Errors
/// As [`store`].
pub async fn remove(wanted: &Wanted<'_>) -> Result<bool, Problem> {
    let (service, user) = wanted.entry();
    keyring::delete(&service, &user).await.map_err(|why| unusable(wanted, &why))
}

fn unusable(wanted: &Wanted<'_>, why: &str) -> Problem {
    let name = wanted.variable();
    let (system, field) = (wanted.system, wanted.field);
    let unlock = if cfg!(target_os = "macos") {
        "unlock it with `security unlock-keychain`, or "
    } else if why.contains("did not answer") || why.contains("locked") {
        "unlock the keyring in your desktop session, or "
    } else {
        ""
    };
    Problem::evidence(format!(
        "no {field} for {} in the environment or a file, and the keyring cannot be used",
        system.title()
    ))
    .at(wanted.place())
    .why(why)
    .hint(format!(
        "{unlock}run `export {name}=...`, or name a file of mode 0600 as `{field}_file` in [sources.{system}]"
    ))
}

/// Reads a credential from a file that nobody else may read.
fn read_file(path: &Path) -> Result<String, Problem> {
    let shown = path.display();
    let broken = |e: std::io::Error| {
        Problem::usage(format!("the credential file {shown} cannot be read"))
            .why(e.to_string())
            .hint(format!("check {shown}"))
    };
    let facts = std::fs::metadata(path).map_err(broken)?;
    if !facts.is_file() || facts.len() > MOST_BYTES {
        return Err(Problem::usage(format!("{shown} is not a credential file")).why("it is no ordinary small file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = facts.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Problem::usage(format!("the credential file {shown} may be read by others"))
                .why(format!("its mode is {mode:04o}"))
                .hint(format!("chmod 600 '{}'", shown.to_string().replace('\'', "'\\''"))));
        }
    }
    let value = std::fs::read_to_string(path).map_err(broken)?;
    if value.trim().is_empty() {
        return Err(Problem::usage(format!("the credential file {shown} is empty"))
            .hint(format!("put the credential into {shown}")));
    }
    Ok(value)
}

#[cfg(feature = "os-keyring")]
mod keyring {
    //! The system's keyring, kept at arm's length: its calls block, and may do so until somebody types a password.

    use std::time::Duration;

    use ::keyring::v1::{Entry, Error};

    /// Longest wait for it.
    const PATIENCE: Duration = Duration::from_secs(3);

    /// Runs one call on a thread of its own. Not on the runtime's blocking pool: a call that never comes back would
    /// keep the program from ending.
    async fn call<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, String> {
        let (answer, wait) = tokio::sync::oneshot::channel();
        std::thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || {
                let _ = answer.send(work().map_err(|e| words(&e)));
            })
            .map_err(|e| e.to_string())?;
        match tokio::time::timeout(PATIENCE, wait).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err("the keyring call broke off".to_owned()),
            Err(_) => Err("the keyring did not answer within 3 s; it may be locked".to_owned()),
        }
    }

    /// The keyring's own reason. Its errors name entries and stores, never a value, except for encodings.
    fn words(error: &Error) -> String {
        match error {
            Error::NoDefaultStore => match Entry::store_status() {
                Err(why) => format!("there is no keyring here: {}", words_of(why)),
                Ok(()) => "there is no keyring here".to_owned(),
            },
            Error::NoStorageAccess(_) => "the keyring is locked or refuses access".to_owned(),
            other => words_of(other),
        }
    }

    fn words_of(error: &Error) -> String {
        match error {
            Error::BadEncoding(_) => "the entry is not text".to_owned(),
            other => other.to_string(),
        }
    }

    /// The value, if there is one.
    pub(super) async fn get(service: &str, user: &str) -> Result<Option<String>, String> {
        let (service, user) = (service.to_owned(), user.to_owned());
        call(move || match Entry::new(&service, &user)?.get_password() {
            Ok(value) => Ok(Some(value)),
            Err(Error::NoEntry) => Ok(None),
            Err(other) => Err(other),
        })
        .await
    }

    /// Keeps a value.
    pub(super) async fn set(service: &str, user: &str, value: &str) -> Result<(), String> {
        let (service, user, value) = (service.to_owned(), user.to_owned(), value.to_owned());
        call(move || Entry::new(&service, &user)?.set_password(&value)).await
    }

    /// Removes a value; `false` when there was none.
    pub(super) async fn delete(service: &str, user: &str) -> Result<bool, String> {
        let (service, user) = (service.to_owned(), user.to_owned());
        call(move || match Entry::new(&service, &user)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(other) => Err(other),
        })
        .await
    }
}

#[cfg(not(feature = "os-keyring"))]
mod keyring {
    //! This build has no keyring.

    const NONE: &str = "this build of trueup has no keyring support";

    pub(super) async fn get(_: &str, _: &str) -> Result<Option<String>, String> {
        Err(NONE.to_owned())
    }

    pub(super) async fn set(_: &str, _: &str, _: &str) -> Result<(), String> {
        Err(NONE.to_owned())
    }

    pub(super) async fn delete(_: &str, _: &str) -> Result<bool, String> {
        Err(NONE.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted<'static> =
        Wanted { profile: "Acme", system: System::Stripe, field: "api_key", base_url: "https://api.stripe.com" };

    fn none(_: &str) -> Option<String> {
        None
    }

    fn file(name: &str, mode: u32, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("trueup-credential-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        path
    }

    #[tokio::test]
    async fn the_environment_comes_before_the_file() {
        let path = file("first", 0o600, "from-file\n");
        let env = |name: &str| (name == "TRUEUP_STRIPE_API_KEY").then(|| " from-env ".to_owned());
        let (secret, origin) = find(&WANTED, Some(&path), &env).await.unwrap();
        assert_eq!(secret.expose_for("https://api.stripe.com/v1"), Some("from-env"));
        assert_eq!(origin.to_string(), "environment variable TRUEUP_STRIPE_API_KEY");
        let (secret, origin) = find(&WANTED, Some(&path), &none).await.unwrap();
        assert_eq!(secret.expose_for("https://api.stripe.com/v1"), Some("from-file"));
        assert_eq!(secret.expose_for("https://evil.example"), None);
        assert_eq!(origin, Origin::File(path.clone()));
        std::fs::remove_file(path).unwrap();
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_file_that_others_may_read_is_refused_with_the_command_that_helps() {
        let path = file("open", 0o644, "canary-5c1");
        let problem = find(&WANTED, Some(&path), &none).await.unwrap_err();
        let text = problem.to_string();
        assert!(text.contains("0644") && text.contains("chmod 600"), "{text}");
        assert!(!text.contains("canary"), "{text}");
        std::fs::remove_file(path).unwrap();
    }

    #[tokio::test]
    async fn an_empty_place_is_told_and_not_passed_over() {
        let path = file("empty", 0o600, " \n");
        assert!(find(&WANTED, Some(&path), &none).await.unwrap_err().to_string().contains("is empty"));
        std::fs::remove_file(&path).unwrap();
        assert!(find(&WANTED, Some(&path), &none).await.unwrap_err().to_string().contains("cannot be read"));
        let empty = |_: &str| Some(String::new());
        assert!(find(&WANTED, None, &empty).await.unwrap_err().to_string().contains("set but empty"));
    }

    #[tokio::test]
    async fn a_locked_or_absent_keyring_answers_within_three_seconds_with_what_helps() {
        let wanted = Wanted { profile: "no such profile 4711", ..WANTED };
        let begin = std::time::Instant::now();
        let problem = find(&wanted, None, &none).await.unwrap_err();
        assert!(begin.elapsed().as_millis() < 3500, "{:?}", begin.elapsed());
        let hint = problem.hint.unwrap();
        assert!(hint.as_str().contains("TRUEUP_STRIPE_API_KEY"), "{hint}");
    }

    #[test]
    fn profiles_and_hosts_have_their_own_entries() {
        assert_eq!(WANTED.entry(), ("trueup Acme api.stripe.com".to_owned(), "stripe/api_key".to_owned()));
        let other = Wanted { base_url: "http://127.0.0.1:9000", ..WANTED };
        assert_eq!(other.entry().0, "trueup Acme 127.0.0.1:9000");
    }
}

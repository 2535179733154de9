//! Who this process is when it holds a lease: machine and process.

use crate::domain::Text;

/// `host-b, process 4711`.
pub fn this_process() -> Text {
    let named = std::env::var("HOSTNAME").ok().or_else(|| std::fs::read_to_string("/etc/hostname").ok());
    let host = named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let host = host.unwrap_or_else(|| "this machine".to_owned());
    Text::new(format!("{host}, process {}", std::process::id()))
}

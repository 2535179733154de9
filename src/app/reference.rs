//! The page of keys, made from the command table. `assets/keys.md` holds it; a test keeps the two equal.

use super::command::{Scope, TABLE};

/// `assets/keys.md`, and what `trueup keys` prints.
pub fn keys_markdown() -> String {
    let mut out = String::from(
        "# Keys\n\nMade from the command table; `trueup keys` prints it, `?` shows it, `:` finds every command by name.\n\
         Lower case is safe. While something is typed (a filter, the find box) letters are letters; `esc` ends it.\n\n\
         | key | command | what it does | where |\n| --- | --- | --- | --- |\n",
    );
    for spec in TABLE {
        let keys: Vec<String> = spec.keys.iter().map(|key| format!("`{key}`")).collect();
        let keys = if keys.is_empty() { "palette only".to_owned() } else { keys.join(" ") };
        out.push_str(&format!("| {keys} | {} | {} | {} |\n", spec.name, spec.doc, place(spec.scope)));
    }
    out
}

/// Where a scope is, in words.
pub const fn place(scope: Scope) -> &'static str {
    match scope {
        Scope::Anywhere => "everywhere",
        Scope::Rows => "on rows",
        Scope::Subject => "on rows and customers",
        Scope::Screen => "on a screen",
    }
}

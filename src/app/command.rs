//! The table of commands. Dispatch, footer, `?`, `:` and `assets/keys.md` are all derived from it.
//!
//! Lower case is safe. What would change the world is absent while trueup only reads; `a` says why.

/// Something that a person can tell the console to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Next row.
    Down,
    /// Previous row.
    Up,
    /// Half a page down.
    PageDown,
    /// Half a page up.
    PageUp,
    /// First row.
    Top,
    /// Last row; in a live tail: follow again.
    Bottom,
    /// Drill in.
    Open,
    /// One step back.
    Back,
    /// Back in history.
    HistoryBack,
    /// Forward in history.
    HistoryForward,
    /// Next pane.
    NextPane,
    /// Previous pane.
    PrevPane,
    /// A screen by its digit.
    Screen(u8),
    /// Type a filter (or into the find box).
    Filter,
    /// Every command by name.
    Palette,
    /// Mark the row.
    Mark,
    /// What could be done about it.
    Actions,
    /// Order by the next column.
    Sort,
    /// Turn the order around.
    SortReverse,
    /// Choose columns.
    Columns,
    /// Copy menu.
    Copy,
    /// Open the customer in the provider's own pages.
    Browse,
    /// Stop the picture.
    Freeze,
    /// Load and compare again now.
    Refresh,
    /// Hide personal data.
    Mask,
    /// Choose a theme.
    Theme,
    /// Choose a role.
    Role,
    /// Capture the mouse or leave it to the terminal.
    Mouse,
    /// Draw everything anew.
    Redraw,
    /// Step back to the shell.
    Suspend,
    /// Every key.
    Help,
    /// Leave.
    Quit,
}

/// Where a command makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    Anywhere,
    /// Where there are rows.
    Rows,
    /// On a customer and on rows.
    Subject,
    /// On a screen, not on a customer.
    Screen,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The command.
    pub command: Command,
    /// Its name in the palette.
    pub name: &'static str,
    /// Its keys.
    pub keys: &'static [&'static str],
    /// Two words for the footer.
    pub short: &'static str,
    /// One line for help.
    pub doc: &'static str,
    /// Where it makes sense.
    pub scope: Scope,
    /// Place in the footer; 0: not there.
    pub footer: u8,
}

const fn spec(
    command: Command,
    name: &'static str,
    keys: &'static [&'static str],
    short: &'static str,
    footer: u8,
    scope: Scope,
    doc: &'static str,
) -> Spec {
    Spec { command, name, keys, short, doc, scope, footer }
}

use Scope::{Anywhere, Rows, Screen, Subject};

/// Every command.
pub const TABLE: &[Spec] = &[
    spec(Command::Down, "down", &["j", "down"], "down", 0, Anywhere, "next row, or scroll down"),
    spec(Command::Up, "up", &["k", "up"], "up", 0, Anywhere, "previous row, or scroll up"),
    spec(Command::PageDown, "page down", &["ctrl-d", "pgdn"], "page", 0, Anywhere, "half a page down"),
    spec(Command::PageUp, "page up", &["ctrl-u", "pgup"], "page", 0, Anywhere, "half a page up"),
    spec(Command::Top, "top", &["g", "home"], "top", 0, Anywhere, "first row"),
    spec(Command::Bottom, "bottom", &["G", "end"], "last", 0, Anywhere, "last row; in a live tail: follow again"),
    spec(Command::Open, "open", &["enter"], "open", 2, Rows, "the customer, or every field of the row"),
    spec(Command::Back, "back", &["esc"], "back", 1, Anywhere, "clear the filter or marks, else return"),
    spec(Command::Actions, "actions", &["a"], "actions", 3, Subject, "what could be done, and what forbids it"),
    spec(Command::Filter, "filter", &["/"], "filter", 4, Screen, "rows where field = value; on Find: type"),
    spec(Command::Palette, "commands", &[":", "ctrl-p"], "commands", 5, Anywhere, "every command by name"),
    spec(Command::Copy, "copy", &["y"], "copy", 6, Subject, "copy one field"),
    spec(Command::Browse, "open in browser", &["o"], "open in browser", 7, Subject, "the provider's own page"),
    spec(Command::NextPane, "next pane", &["tab"], "pane", 0, Screen, "next pane"),
    spec(Command::PrevPane, "previous pane", &["backtab"], "pane", 0, Screen, "previous pane"),
    spec(Command::HistoryBack, "history back", &["["], "back", 0, Anywhere, "where you were before"),
    spec(Command::HistoryForward, "history forward", &["]"], "forward", 0, Anywhere, "and forward again"),
    spec(Command::Mark, "mark", &["space", "v"], "mark", 0, Rows, "mark the row; copy takes all marked ones"),
    spec(Command::Sort, "sort", &["s"], "sort", 0, Rows, "order by the next column"),
    spec(Command::SortReverse, "sort reverse", &["S"], "reverse", 0, Rows, "turn the order around"),
    spec(Command::Columns, "columns", &["c"], "columns", 0, Rows, "show and hide columns"),
    spec(Command::Freeze, "freeze", &["p"], "freeze", 0, Anywhere, "stop the picture; data goes on arriving"),
    spec(Command::Refresh, "refresh", &["r"], "refresh", 0, Anywhere, "load again, and ask every source again"),
    spec(Command::Mask, "mask", &["M"], "mask", 8, Anywhere, "hide names and e-mail addresses"),
    spec(Command::Theme, "theme", &["T"], "theme", 0, Anywhere, "choose colours"),
    spec(Command::Role, "role", &[], "role", 0, Anywhere, "look through another role's views"),
    spec(Command::Mouse, "mouse", &["m"], "mouse", 0, Anywhere, "capture the mouse, or give it back"),
    spec(Command::Redraw, "redraw", &["ctrl-l"], "redraw", 0, Anywhere, "draw everything anew"),
    spec(Command::Suspend, "suspend", &["ctrl-z"], "suspend", 0, Anywhere, "step back to the shell; fg returns"),
    spec(Command::Help, "help", &["?", "f1"], "help", 9, Anywhere, "every key, searchable"),
    spec(Command::Quit, "quit", &["q", "ctrl-c"], "leave", 0, Anywhere, "leave"),
    spec(Command::Screen(1), "screen 1", &["1"], "", 0, Anywhere, "open screen 1"),
    spec(Command::Screen(2), "screen 2", &["2"], "", 0, Anywhere, "open screen 2"),
    spec(Command::Screen(3), "screen 3", &["3"], "", 0, Anywhere, "open screen 3"),
    spec(Command::Screen(4), "screen 4", &["4"], "", 0, Anywhere, "open screen 4"),
    spec(Command::Screen(5), "screen 5", &["5"], "", 0, Anywhere, "open screen 5"),
    spec(Command::Screen(6), "screen 6", &["6"], "", 0, Anywhere, "open screen 6"),
    spec(Command::Screen(7), "screen 7", &["7"], "", 0, Anywhere, "open screen 7"),
    spec(Command::Screen(8), "screen 8", &["8"], "", 0, Anywhere, "open screen 8"),
    spec(Command::Screen(9), "screen 9", &["9"], "", 0, Anywhere, "open screen 9"),
];

/// The command that a key gives.
pub fn of_key(key: &str) -> Option<Command> {
    TABLE.iter().find(|spec| spec.keys.contains(&key)).map(|spec| spec.command)
}

/// The row of a command.
pub fn of(command: Command) -> Option<&'static Spec> {
    TABLE.iter().find(|spec| spec.command == command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_gives_two_commands_and_no_name_is_used_twice() {
        for (at, spec) in TABLE.iter().enumerate() {
            for other in &TABLE[at + 1..] {
                assert_ne!(spec.name, other.name);
                assert!(!spec.keys.iter().any(|key| other.keys.contains(key)), "{} {}", spec.name, other.name);
            }
            assert!(!spec.doc.is_empty());
        }
    }
}

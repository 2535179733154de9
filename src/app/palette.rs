//! What the palette and help offer, and how typing narrows it.

use super::command::{Command, Scope, Spec, TABLE};
use super::model::{Model, Place};
use super::overlay::{Act, Choice};

/// Every line of the palette that matches what was typed, the best first.
pub fn choices(model: &Model, typed: &str) -> Vec<Choice> {
    let mut all: Vec<Choice> = TABLE
        .iter()
        .filter(|spec| !matches!(spec.command, Command::Screen(_)))
        .map(|spec| Choice::new(spec.name, detail(spec), Act::Run(spec.command)))
        .collect();
    for (at, screen) in model.views().screens.iter().enumerate() {
        let label = format!("go {}", screen.title);
        all.push(Choice::new(label, format!("open the screen ({})", screen.number), Act::Screen(at)));
    }
    for role in &model.setup.roles {
        all.push(Choice::new(format!("role {role}"), "look through this role's views", Act::Role(role.clone())));
    }
    for theme in &model.setup.themes {
        all.push(Choice::new(format!("theme {theme}"), "take these colours", Act::Theme(theme.clone())));
    }
    if let Some((_, spec)) = model.focused_spec()
        && let crate::config::view::Of::Dataset(dataset) = spec.of
    {
        for field in dataset.fields() {
            all.push(Choice::new(format!("sort {}", field.name), field.doc, Act::Sort(field.name)));
        }
    }
    let mut scored: Vec<(i32, Choice)> =
        all.into_iter().filter_map(|choice| Some((score(typed, &choice.label)?, choice))).collect();
    scored.sort_by_key(|(score, _)| -score);
    scored.into_iter().map(|(_, choice)| choice).collect()
}

fn detail(spec: &Spec) -> String {
    if spec.keys.is_empty() { spec.doc.to_owned() } else { format!("{}  ({})", spec.doc, spec.keys.join(" ")) }
}

/// The rows of help that match, those that apply here first.
pub fn help(model: &Model, typed: &str) -> Vec<(&'static Spec, bool)> {
    let typed = typed.to_lowercase();
    let fits = |spec: &&Spec| {
        let text = format!("{} {} {}", spec.name, spec.doc, spec.keys.join(" ")).to_lowercase();
        typed.split_whitespace().all(|word| text.contains(word))
    };
    let mut rows: Vec<(&Spec, bool)> =
        TABLE.iter().filter(fits).map(|spec| (spec, applies(model, spec.scope))).collect();
    rows.sort_by_key(|(_, here)| !here);
    rows
}

/// Whether a command of that scope makes sense where the person is.
pub fn applies(model: &Model, scope: Scope) -> bool {
    let on_customer = matches!(model.place, Place::Customer(_));
    match scope {
        Scope::Anywhere => true,
        Scope::Screen => !on_customer,
        Scope::Rows => !on_customer && model.focused().is_some_and(|(_, pane)| !pane.items().is_empty()),
        Scope::Subject => on_customer || model.focused().is_some_and(|(_, pane)| !pane.items().is_empty()),
    }
}

/// How well the typed letters match, in order; `None` when they do not. Starts of words count more.
fn score(typed: &str, label: &str) -> Option<i32> {
    let label: Vec<char> = label.to_lowercase().chars().collect();
    let mut score = 0;
    let mut at = 0;
    for wanted in typed.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let found = at + label[at..].iter().position(|c| *c == wanted)?;
        score += if found == 0 || label[found - 1] == ' ' {
            12
        } else if found == at {
            8
        } else {
            1
        };
        score -= i32::try_from(found - at).unwrap_or(99).min(9);
        at = found + 1;
    }
    Some(score - i32::try_from(label.len()).unwrap_or(99) / 8)
}

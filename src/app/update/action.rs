//! What each command does.

use super::super::command::Command;
use super::super::effect::Effect;
use super::super::loadable::Loadable;
use super::super::model::{Frozen, Model, Place, Typing};
use super::super::overlay::{Act, Choice, Overlay};
use super::super::pane::MOST;
use crate::config::theme::Tone;
use crate::config::view::Of;
use crate::domain::{Row, Text, Time};
use crate::present::{Item, export};
use crate::query::Sort;

impl Model {
    pub(super) fn run(&mut self, command: Command, now: Time, effects: &mut Vec<Effect>) {
        let page = isize::try_from(self.focus_index().map_or(10, |pane| self.height(pane)) / 2).unwrap_or(10).max(1);
        match command {
            Command::Down => self.step(1),
            Command::Up => self.step(-1),
            Command::PageDown => self.step(page),
            Command::PageUp => self.step(-page),
            Command::Top => self.jump(false, now),
            Command::Bottom => self.jump(true, now),
            Command::Open => self.open(now),
            Command::Back => self.leave(now),
            Command::HistoryBack => self.walk(true, now),
            Command::HistoryForward => self.walk(false, now),
            Command::NextPane => self.turn(1),
            Command::PrevPane => self.turn(-1),
            Command::Screen(number) => match self.views().screens.iter().position(|screen| screen.number == number) {
                Some(at) => self.go(Place::Screen(at)),
                None => self.say(format!("there is no screen {number}"), Tone::Unknown, now),
            },
            Command::Filter => self.start_filter(now),
            Command::Palette => self.overlay = Some(Overlay::Palette { entry: Default::default(), at: 0 }),
            Command::Help => self.overlay = Some(Overlay::Help { entry: Default::default(), top: 0 }),
            Command::Mark => self.mark(),
            Command::Actions => self.offer_actions(now),
            Command::Sort => self.sort_next(now),
            Command::SortReverse => self.sort_reverse(now),
            Command::Columns => self.offer_columns(now),
            Command::Copy => self.offer_copies(now, effects),
            Command::Browse => self.browse(now, effects),
            Command::Freeze => match self.frozen {
                Some(_) => self.thaw(),
                None => self.frozen = Some(Frozen { at: now, stash: Vec::new() }),
            },
            Command::Refresh => {
                self.status.ask_again();
                self.customer.ask_again();
                self.panes.iter_mut().for_each(|pane| pane.feed.ask_again());
                effects.push(Effect::Recheck);
                self.say("asked every source again", Tone::Ok, now);
            }
            Command::Mask => self.masked = !self.masked,
            Command::Theme => {
                let themes = self.setup.themes.iter();
                let items = themes.map(|name| Choice::new(name, "", Act::Theme(name.clone()))).collect();
                let at = self.setup.themes.iter().position(|name| *name == self.setup.theme.name).unwrap_or_default();
                self.overlay = Some(Overlay::Menu { title: "Theme".into(), items, at, stays: true });
            }
            Command::Role => {
                let roles = self.setup.roles.iter();
                let items = roles.map(|name| Choice::new(name, "", Act::Role(name.clone()))).collect();
                let at = self.setup.roles.iter().position(|name| *name == self.views().role).unwrap_or_default();
                self.overlay = Some(Overlay::Menu { title: "Role".into(), items, at, stays: false });
            }
            Command::Mouse => {
                self.mouse = !self.mouse;
                effects.push(Effect::Mouse(self.mouse));
                let text = match self.mouse {
                    true => "mouse captured; hold shift to select text",
                    false => "mouse left to the terminal",
                };
                self.say(text, Tone::Ok, now);
            }
            Command::Redraw => effects.push(Effect::Redraw),
            Command::Suspend => effects.push(Effect::Suspend),
            Command::Quit => effects.push(Effect::Quit),
        }
    }

    /// Moves the cursor, or scrolls the customer's timeline.
    pub(super) fn step(&mut self, by: isize) {
        if matches!(self.place, Place::Customer(_)) {
            let last = self.moments().saturating_sub(1);
            self.scroll = self.scroll.saturating_add_signed(by).min(last);
            return;
        }
        let Some(pane) = self.focus_index() else { return };
        let height = self.height(pane);
        let Some(index) = self.panes[pane].index() else { return };
        self.stop_following(pane);
        let to = index.saturating_add_signed(by);
        self.panes[pane].put(to, height);
        self.reach(pane);
    }

    /// Near the last row that is loaded, more are asked for.
    fn reach(&mut self, pane: usize) {
        let of = self.views().panes[pane].of;
        let state = &mut self.panes[pane];
        let loaded: i64 = state.items().iter().map(Item::weight).sum();
        let near = state.index().is_some_and(|index| index + 20 >= state.items().len());
        if near && state.held.is_none() && loaded >= state.limit && state.limit < MOST && matches!(of, Of::Dataset(_)) {
            state.limit = (state.limit * 2).min(MOST);
            state.feed.touch();
        }
    }

    fn jump(&mut self, last: bool, now: Time) {
        if matches!(self.place, Place::Customer(_)) {
            self.scroll = if last { self.moments().saturating_sub(1) } else { 0 };
            return;
        }
        let Some(pane) = self.focus_index() else { return };
        if last && self.views().panes[pane].follow {
            self.panes[pane].follow();
            return self.say("following", Tone::Ok, now);
        }
        let height = self.height(pane);
        if last {
            let rows = self.panes[pane].items().len();
            self.panes[pane].put(rows.saturating_sub(1), height);
            self.reach(pane);
        } else if self.panes[pane].held.is_some() {
            self.panes[pane].put(0, height);
        } else {
            // The first row, whichever it will be.
            self.panes[pane].cursor = None;
            self.panes[pane].settle(height);
        }
    }

    fn open(&mut self, now: Time) {
        let Some(item) = self.current() else { return };
        if let Some(id) = item.customer() {
            return self.go(Place::Customer(id));
        }
        match (item, item.row()) {
            (Item::Row(row), _) | (_, Some(row)) => {
                let title = match row {
                    Row::Mismatch(m) => m.headline.to_string(),
                    row => row.dataset().as_str().trim_end_matches('s').to_owned(),
                };
                self.overlay = Some(Overlay::Fields { title, row: Box::new(row.clone()), top: 0 });
            }
            (Item::Queue(_), _) => self.go_to("jobs"),
            (Item::Traffic(_) | Item::Reason(_), _) => self.go_to("deliveries"),
            (Item::Silence(_), _) => self.unfold(),
            (Item::Hit(_), None) => self.say("nothing more is known about it", Tone::Unknown, now),
        }
    }

    /// Shows one by one the customers that were one row.
    fn unfold(&mut self) {
        let Some(pane) = self.focus_index() else { return };
        let own = self.panes[pane].filter.as_ref().map(|filter| format!("{} and ", filter.text)).unwrap_or_default();
        let class = crate::domain::Class::IncompleteEvidence;
        self.filter(pane, &format!("{own}class = {class}"));
    }

    /// Opens the screen that shows a pane, and gives it the focus.
    fn go_to(&mut self, pane: &str) {
        let Some(pane) = self.views().pane(pane) else { return };
        let here = self.screen_index();
        let shows = |at: &usize| self.views().screens[*at].panes().any(|p| p == pane);
        let screens = 0..self.views().screens.len();
        let Some(at) = Some(here).filter(shows).or_else(|| screens.into_iter().find(shows)) else { return };
        self.go(Place::Screen(at));
        self.focus_pane(pane);
    }

    /// One step out: complaint, filter, marks, stopped tail, customer, in this order.
    fn leave(&mut self, now: Time) {
        if self.banners.pop().is_some() {
            return;
        }
        if let Some(pane) = self.focus_index() {
            let state = &mut self.panes[pane];
            if state.filter.take().is_some() {
                state.feed.ask_anew();
                return;
            }
            if !state.marked.is_empty() {
                return state.marked.clear();
            }
            if state.held.is_some() {
                return state.follow();
            }
        }
        if matches!(self.place, Place::Customer(_)) {
            return self.walk(true, now);
        }
        self.say("this is the outermost place; q leaves", Tone::Unknown, now);
    }

    fn walk(&mut self, back: bool, now: Time) {
        let from = if back { self.back.pop() } else { self.forward.pop() };
        let Some(to) = from else {
            return self.say(if back { "nothing before this" } else { "nothing after this" }, Tone::Unknown, now);
        };
        let here = std::mem::replace(&mut self.place, to);
        if back {
            self.forward.push(here)
        } else {
            self.back.push(here)
        }
        self.arrived();
    }

    fn turn(&mut self, by: isize) {
        let Place::Screen(at) = self.place else { return };
        let Some(count) = self.views().screens.get(at).map(|screen| screen.panes().count()) else { return };
        if let Some(focus) = self.focus.get_mut(at) {
            let count = isize::try_from(count).unwrap_or(1).max(1);
            let next = (isize::try_from(*focus).unwrap_or_default() + by).rem_euclid(count);
            *focus = usize::try_from(next).unwrap_or_default();
        }
        self.settle();
    }

    fn start_filter(&mut self, now: Time) {
        let Some(pane) = self.focus_index() else { return };
        if self.find_pane().is_some_and(|find| find == pane) {
            self.typing = Some(Typing::Find);
        } else if self.dataset(pane).is_some() {
            let text = self.panes[pane].filter.as_ref().map_or("", |filter| filter.text.as_str());
            let entry = super::super::entry::Entry::new(text);
            self.typing = Some(Typing::Filter { pane, entry, problem: None });
        } else {
            self.say("these rows cannot be filtered; tab goes to the next pane", Tone::Unknown, now);
        }
    }

    fn mark(&mut self) {
        let Some(pane) = self.focus_index() else { return };
        let Some(key) = self.panes[pane].current().map(Item::key) else { return };
        let marked = &mut self.panes[pane].marked;
        if !marked.remove(&key) {
            marked.insert(key);
        }
        self.step(1);
    }

    /// Orders by the next column that is shown.
    fn sort_next(&mut self, now: Time) {
        let Some((pane, spec)) = self.focused_spec() else { return };
        let Of::Dataset(dataset) = spec.of else {
            return self.say("these rows have an order of their own", Tone::Unknown, now);
        };
        let state = &self.panes[pane];
        let fields: Vec<_> = state.columns(spec).iter().filter_map(|column| dataset.field(column.field.name)).collect();
        if fields.is_empty() {
            return;
        }
        let held = state.order(spec);
        let at = held.and_then(|sort| fields.iter().position(|field| *field == sort.field));
        let next = at.map_or(0, |at| (at + 1) % fields.len());
        let field = fields[next];
        self.order(Sort { field, descending: false }, now);
    }

    fn sort_reverse(&mut self, now: Time) {
        let Some((pane, spec)) = self.focused_spec() else { return };
        match self.panes[pane].order(spec) {
            Some(sort) => self.order(Sort { descending: !sort.descending, ..sort }, now),
            None => self.sort_next(now),
        }
    }

    /// Takes an order for the focused pane.
    pub(super) fn order(&mut self, sort: Sort, now: Time) {
        let Some(pane) = self.focus_index() else { return };
        let state = &mut self.panes[pane];
        state.sort = Some(sort);
        state.release();
        state.feed.ask_anew();
        let way = if sort.descending { "largest first" } else { "smallest first" };
        self.say(format!("ordered by {}, {way}; S turns it around", sort.field.name), Tone::Ok, now);
    }

    fn offer_actions(&mut self, now: Time) {
        let refusal = self.setup.refusal.to_string();
        let mut intents: Vec<String> = Vec::new();
        match (self.detail(), self.current()) {
            (Some(detail), _) => {
                intents.extend(detail.mismatches.iter().filter_map(|m| m.intent.as_ref()).map(ToString::to_string));
                intents.push("resync_customer".into());
            }
            (None, Some(item)) => match item.row() {
                Some(Row::Mismatch(m)) => {
                    intents.extend(m.intent.as_ref().map(ToString::to_string));
                    intents.extend(["acknowledge", "snooze"].map(String::from));
                }
                Some(Row::Customer(_)) => intents.push("resync_customer".into()),
                Some(Row::Delivery(_)) => intents.push("replay_delivery".into()),
                Some(Row::Job(_)) => intents.extend(["retry_job", "hold_job", "discard_job"].map(String::from)),
                Some(Row::Check(_)) => intents.push("recheck".into()),
                _ => {}
            },
            (None, None) => return self.say("there is no row to act on", Tone::Unknown, now),
        }
        intents.dedup();
        let refused = |intent: String| Choice::refused(intent.replace('_', " "), refusal.clone());
        let mut items: Vec<Choice> = intents.into_iter().map(refused).collect();
        items.push(Choice::new("look again now", "asks every source again", Act::Run(Command::Refresh)));
        items.push(Choice::new("copy", "one field of it", Act::Run(Command::Copy)));
        items.push(Choice::new("open in browser", "the provider's own page", Act::Run(Command::Browse)));
        self.overlay = Some(Overlay::Menu { title: "Actions".into(), items, at: 0, stays: false });
    }

    fn offer_columns(&mut self, now: Time) {
        let Some((pane, spec)) = self.focused_spec() else { return };
        let shown = self.panes[pane].columns(spec);
        let item = |(at, column): (usize, &crate::config::view::Column)| {
            let on = if shown.iter().any(|c| std::ptr::eq(*c, column)) { "shown" } else { "hidden" };
            Choice::new(column.field.name, format!("{on}: {}", column.field.doc), Act::Column(at))
        };
        let items: Vec<Choice> = spec.columns.iter().enumerate().map(item).collect();
        let at = match &self.overlay {
            Some(Overlay::Menu { title, at, .. }) if title == "Columns" => *at,
            _ => 0,
        };
        let _ = now;
        self.overlay = Some(Overlay::Menu { title: "Columns".into(), items, at, stays: true });
    }

    /// Shows or hides a column of the focused pane; the last one stays.
    pub(super) fn switch_column(&mut self, column: usize, now: Time) {
        let Some((pane, spec)) = self.focused_spec() else { return };
        let spec = spec.clone();
        let switched = &mut self.panes[pane].switched;
        if !switched.remove(&column) {
            switched.insert(column);
        }
        if self.panes[pane].columns(&spec).is_empty() {
            let switched = &mut self.panes[pane].switched;
            if !switched.remove(&column) {
                switched.insert(column);
            }
            self.say("the last column stays", Tone::Unknown, now);
        }
        self.offer_columns(now);
    }

    fn offer_copies(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let marked = self.focused().filter(|(_, pane)| !pane.marked.is_empty()).map(|(_, pane)| {
            let chosen = pane.items().iter().filter(|item| pane.marked.contains(&item.key()));
            chosen.map(|item| item.customer().unwrap_or_else(|| item.key()).to_string()).collect::<Vec<_>>()
        });
        if let Some(ids) = marked.filter(|ids| !ids.is_empty()) {
            return effects.push(Effect::Copy(ids.join("\n")));
        }
        let fields = match (self.detail(), self.current()) {
            (Some(detail), _) => export::copies(&Item::Row(Row::Customer(Box::new(detail.customer.clone())))),
            (None, Some(item)) => export::copies(item),
            (None, None) => Vec::new(),
        };
        if fields.is_empty() {
            return self.say("there is nothing to copy here", Tone::Unknown, now);
        }
        let masked = self.masked;
        let hide = |text: &str| if masked { crate::present::mask::prose(text, &[text]) } else { text.to_owned() };
        let item = |(label, text): (String, String)| {
            let shown = match label.as_str() {
                "name" | "e-mail" | "explanation" | "reason" => hide(&text),
                _ => text.clone(),
            };
            Choice::new(label, shown, Act::Copy(text))
        };
        let items = fields.into_iter().map(item).collect();
        self.overlay = Some(Overlay::Menu { title: "Copy".into(), items, at: 0, stays: false });
    }

    /// Opens a page of the customer: at once when there is one, by choice when there are several.
    fn browse(&mut self, now: Time, effects: &mut Vec<Effect>) {
        let links = &self.setup.links;
        let page = |system: crate::domain::System, id: &Text| {
            links.get(&system).map(|link| (system.title().to_owned(), link.replace("{id}", &escape(id.as_str()))))
        };
        let mut pages: Vec<(String, String)> = Vec::new();
        let customer = match (self.detail(), self.current().and_then(Item::row)) {
            (Some(detail), _) => Some(&detail.customer),
            (None, Some(Row::Customer(c))) => Some(c.as_ref()),
            (None, Some(Row::Check(c))) if c.target.as_str().starts_with("https://") => {
                pages.push((c.name.to_string(), c.target.to_string()));
                None
            }
            (None, Some(Row::Deploy(d))) => {
                let url = d.url.as_ref().filter(|url| url.as_str().starts_with("https://"));
                pages.extend(url.map(|url| (d.id.to_string(), url.to_string())));
                None
            }
            _ => None,
        };
        for view in customer.into_iter().flat_map(|customer| &customer.systems) {
            pages.extend(view.id.as_ref().and_then(|id| page(view.system, id)));
        }
        match pages.len() {
            0 => self.say("no page is known for this; on a customer, o offers its systems", Tone::Unknown, now),
            1 => effects.extend(pages.pop().map(|(_, url)| Effect::OpenUrl(url))),
            _ => {
                let item = |(title, url): (String, String)| Choice::new(title, url.clone(), Act::Open(url));
                let items = pages.into_iter().map(item).collect();
                self.overlay = Some(Overlay::Menu { title: "Open in browser".into(), items, at: 0, stays: false });
            }
        }
    }

    /// Whether something is on the screen that came before the store stopped answering.
    pub fn is_stale(&self) -> bool {
        matches!(self.status.shown, Loadable::Stale { .. } | Loadable::Failed { .. })
    }
}

/// An id as part of a web address: everything but letters, digits and `-._` is written as its bytes.
fn escape(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_foreign_id_cannot_change_where_a_link_leads() {
        assert_eq!(super::escape("cus_1/../../x?y=#z"), "cus_1%2F..%2F..%2Fx%3Fy%3D%23z");
    }
}

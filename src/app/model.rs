//! All state of the console. Changed only by [`super::update`], read by drawing.

use std::collections::BTreeMap;

use super::entry::Entry;
use super::loadable::Feed;
use super::msg::Msg;
use super::overlay::Overlay;
use super::pane::Pane;
use crate::config::settings::Environment;
use crate::config::theme::{Theme, Tone};
use crate::config::view::{self, Of, PaneSpec, Parse, ScreenSpec, Views};
use crate::domain::{Dataset, Problem, Status, System, Text, Time};
use crate::present::{Ctx, Detail, Item};

/// What the console is started with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The profile's name, shown in every frame.
    pub name: Text,
    /// Where the product runs, shown in every frame.
    pub environment: Environment,
    /// `read-only` or `acting`, shown in every frame.
    pub acting: Text,
    /// Why acting is refused, for the menu of actions.
    pub refusal: Text,
    /// The role's views.
    pub views: Views,
    /// Colours.
    pub theme: Theme,
    /// Personal data hidden from the first frame on.
    pub masked: bool,
    /// The simulated company.
    pub demo: bool,
    /// Only ASCII may be drawn.
    pub ascii: bool,
    /// Local time minus UTC, in seconds.
    pub offset_s: i32,
    /// How a filter is read.
    pub parse: Parse,
    /// Pages of a customer in a system, with `{id}` for the id there.
    pub links: BTreeMap<System, String>,
    /// Roles to choose from.
    pub roles: Vec<String>,
    /// Themes to choose from.
    pub themes: Vec<String>,
    /// The terminal's size: columns, rows.
    pub size: (u16, u16),
}

impl Setup {
    /// Read-only, nothing hidden, 80 x 24, UTC.
    pub fn new(name: impl AsRef<str>, environment: Environment, views: Views, theme: Theme) -> Self {
        Self {
            name: Text::new(name),
            environment,
            acting: Text::new("read-only"),
            refusal: Text::new("read-only: acting is not allowed in this profile"),
            roles: view::roles(&[]),
            themes: crate::config::theme::names().map(str::to_owned).collect(),
            views,
            theme,
            masked: false,
            demo: false,
            ascii: false,
            offset_s: 0,
            parse: crate::query::parse,
            links: BTreeMap::new(),
            size: (80, 24),
        }
    }
}

/// Who collects and compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Not known yet.
    Starting,
    /// This process.
    Here,
    /// Another one: its host.
    Elsewhere(Text),
    /// Nobody, and why.
    Nobody(Text),
}

/// Where the person is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A screen, by index.
    Screen(usize),
    /// A customer, by id.
    Customer(Text),
}

/// What is being typed outside of overlays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typing {
    /// A filter for a pane, with the complaint about what stands there now.
    Filter {
        /// Which pane.
        pane: usize,
        /// The line.
        entry: Entry,
        /// What is wrong with it.
        problem: Option<Problem>,
    },
    /// Into the find box.
    Find,
}

/// Something said for a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// What.
    pub text: Text,
    /// How it stands.
    pub tone: Tone,
    /// Until when.
    pub until: Time,
}

/// The picture stands still: since when, and what arrived meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct Frozen {
    /// Since when.
    pub at: Time,
    /// Answers that wait, in order.
    pub(super) stash: Vec<(Msg, Time)>,
}

/// All state.
#[derive(Clone, Debug)]
pub struct Model {
    /// What it was started with; theme and views change by messages.
    pub setup: Setup,
    /// The terminal's size: columns, rows.
    pub size: (u16, u16),
    /// Where the person is.
    pub place: Place,
    pub(super) back: Vec<Place>,
    pub(super) forward: Vec<Place>,
    /// The focused pane of each screen, as a position in its reading order.
    pub(super) focus: Vec<usize>,
    /// Every pane of the views, in their order.
    pub panes: Vec<Pane>,
    /// The header's figures.
    pub status: Feed<Status>,
    /// The customer of the customer screen.
    pub customer: Feed<Option<Detail>>,
    /// First line of the timeline drawn there.
    pub scroll: usize,
    /// What stands in the find box.
    pub find: Entry,
    /// What is being typed.
    pub typing: Option<Typing>,
    /// What floats.
    pub overlay: Option<Overlay>,
    /// What is said for a moment.
    pub toast: Option<Toast>,
    /// Complaints until they are put away, the newest last.
    pub banners: Vec<Problem>,
    /// The picture stands still.
    pub frozen: Option<Frozen>,
    /// Who collects.
    pub engine: Engine,
    /// The newest revision heard of.
    pub revision: i64,
    /// Personal data is hidden.
    pub masked: bool,
    /// The mouse is captured.
    pub mouse: bool,
    /// The terminal has the focus.
    pub awake: bool,
    pub(super) requests: u64,
}

impl Model {
    /// The state before anything happened.
    pub fn new(setup: Setup) -> Self {
        let panes = setup.views.panes.iter().map(Pane::new).collect();
        let focus = vec![0; setup.views.screens.len()];
        let mut model = Self {
            size: setup.size,
            place: Place::Screen(setup.views.first),
            back: Vec::new(),
            forward: Vec::new(),
            focus,
            panes,
            status: Feed::default(),
            customer: Feed::default(),
            scroll: 0,
            find: Entry::default(),
            typing: None,
            overlay: None,
            toast: None,
            banners: Vec::new(),
            frozen: None,
            engine: Engine::Starting,
            revision: 0,
            masked: setup.masked,
            mouse: false,
            awake: true,
            requests: 0,
            setup,
        };
        if model.find_pane().is_some() {
            model.typing = Some(Typing::Find);
        }
        model
    }

    /// The role's views.
    pub fn views(&self) -> &Views {
        &self.setup.views
    }

    /// What presentation depends on. While the picture is frozen, `now` stands still, too.
    pub fn ctx(&self, now: Time) -> Ctx {
        Ctx {
            now: self.frozen.as_ref().map_or(now, |frozen| frozen.at),
            offset_s: self.setup.offset_s,
            masked: self.masked,
            ascii: self.setup.ascii,
        }
    }

    /// The screen that the person is on, or came from.
    pub fn screen_index(&self) -> usize {
        match self.place {
            Place::Screen(at) => at,
            Place::Customer(_) => {
                let last = self.back.iter().rev().find_map(|place| match place {
                    Place::Screen(at) => Some(*at),
                    Place::Customer(_) => None,
                });
                last.unwrap_or(self.setup.views.first)
            }
        }
    }

    /// The same as what it is made of.
    pub fn screen(&self) -> Option<&ScreenSpec> {
        self.views().screens.get(self.screen_index())
    }

    /// The find pane of the screen that is open.
    pub fn find_pane(&self) -> Option<usize> {
        let Place::Screen(at) = self.place else { return None };
        self.views().screens.get(at)?.panes().find(|pane| self.views().panes[*pane].of == Of::Found)
    }

    /// The pane that has the focus, by index.
    pub fn focus_index(&self) -> Option<usize> {
        let Place::Screen(at) = self.place else { return None };
        let panes: Vec<usize> = self.views().screens.get(at)?.panes().collect();
        let focus = self.focus.get(at).copied().unwrap_or_default();
        panes.get(focus.min(panes.len().saturating_sub(1))).copied()
    }

    /// The pane that has the focus.
    pub fn focused(&self) -> Option<(usize, &Pane)> {
        let at = self.focus_index()?;
        Some((at, self.panes.get(at)?))
    }

    /// What the focused pane is made of.
    pub fn focused_spec(&self) -> Option<(usize, &PaneSpec)> {
        let at = self.focus_index()?;
        Some((at, self.views().panes.get(at)?))
    }

    /// The row under the cursor of the focused pane.
    pub fn current(&self) -> Option<&Item> {
        self.focused()?.1.current()
    }

    /// The customer on the screen.
    pub fn detail(&self) -> Option<&Detail> {
        match self.place {
            Place::Customer(_) => self.customer.data()?.as_ref(),
            Place::Screen(_) => None,
        }
    }

    /// The dataset that a filter of this pane speaks of.
    pub fn dataset(&self, pane: usize) -> Option<Dataset> {
        self.views().panes.get(pane)?.of.dataset()
    }

    /// Whether history has something before, and after.
    pub fn history(&self) -> (usize, usize) {
        (self.back.len(), self.forward.len())
    }
}

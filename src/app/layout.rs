//! Where everything stands for a size: pure arithmetic, used by moving (how many rows are a page) and by drawing.
//!
//! What must stay true: no area leaves the screen, areas do not overlap, the header is always there.

use super::loadable::Loadable;
use super::model::{Model, Place};
use crate::config::view::Narrow;

/// A rectangle of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// Left.
    pub x: u16,
    /// Top.
    pub y: u16,
    /// Columns.
    pub w: u16,
    /// Rows.
    pub h: u16,
}

impl Area {
    /// Whether a cell lies inside.
    pub const fn holds(&self, x: u16, y: u16) -> bool {
        x >= self.x && y >= self.y && x - self.x < self.w && y - self.y < self.h
    }

    /// Takes rows from the top.
    fn top(&mut self, rows: u16) -> Self {
        let rows = rows.min(self.h);
        let taken = Self { h: rows, ..*self };
        self.y += rows;
        self.h -= rows;
        taken
    }

    /// Takes rows from the bottom.
    fn bottom(&mut self, rows: u16) -> Self {
        let rows = rows.min(self.h);
        self.h -= rows;
        Self { y: self.y + self.h, h: rows, ..*self }
    }
}

/// A pane and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Which pane.
    pub pane: usize,
    /// Title and rows.
    pub area: Area,
    /// The rows alone.
    pub body: Area,
    /// Whether column labels stand under the title.
    pub labels: bool,
}

/// The whole screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// First line.
    pub header: Area,
    /// A complaint.
    pub banner: Option<Area>,
    /// The pulse line.
    pub pulse: Option<Area>,
    /// The find box.
    pub find: Option<Area>,
    /// Panes in reading order.
    pub panes: Vec<Placed>,
    /// The customer.
    pub customer: Option<Area>,
    /// Last line.
    pub footer: Area,
    /// Panes that have no room now; `tab` reaches them.
    pub hidden: usize,
}

/// Least rows of a pane: its title and two rows.
const LEAST: u16 = 3;
/// Cells between panes side by side.
const GUTTER: u16 = 2;
/// Below this panes stack.
pub const NARROW: u16 = 100;

/// Where everything stands now.
pub fn plan(model: &Model) -> Plan {
    let (w, h) = model.size;
    let mut rest = Area { x: 0, y: 0, w, h };
    let mut plan = Plan { header: rest.top(1), ..Plan::default() };
    plan.footer = rest.bottom(u16::from(h >= 3));
    if !model.banners.is_empty() && rest.h >= 3 {
        plan.banner = Some(rest.top(1));
    }
    let airy = h >= 24;
    let single = w < 60 || h < 15;
    let Place::Screen(at) = model.place else {
        if airy {
            rest.top(1);
            rest.bottom(u16::from(h >= 30));
        }
        plan.customer = Some(rest);
        return plan;
    };
    let Some(screen) = model.views().screens.get(at) else { return plan };
    if screen.pulse && rest.h >= 5 {
        if airy {
            rest.top(1);
        }
        plan.pulse = Some(rest.top(1));
    }
    if model.find_pane().is_some() && rest.h >= 3 {
        if airy {
            rest.top(1);
        }
        plan.find = Some(rest.top(1));
    }
    if airy {
        rest.top(1);
        rest.bottom(u16::from(h >= 30));
    }
    let focus = model.focus_index();
    let mut rows: Vec<(u16, Vec<(usize, u16)>)> = if single {
        vec![(1, focus.iter().map(|pane| (*pane, 1)).collect())]
    } else if w < NARROW {
        match screen.narrow {
            Narrow::Stack => {
                let each = |row: &crate::config::view::RowSpec| {
                    row.panes.iter().map(|pane| (row.weight, vec![*pane])).collect::<Vec<_>>()
                };
                screen.rows.iter().flat_map(each).collect()
            }
            Narrow::First => {
                screen.rows.iter().map(|r| (r.weight, r.panes.iter().take(1).copied().collect())).collect()
            }
        }
    } else {
        screen.rows.iter().map(|row| (row.weight, row.panes.clone())).collect()
    };
    let all = screen.panes().count();
    let gap = u16::from(airy);
    let need_of = |panes: &[(usize, u16)]| panes.iter().map(|(pane, _)| need(model, *pane)).max().unwrap_or(LEAST);
    // What has no room leaves from the end, but never the pane that has the focus.
    let room = |rows: &[(u16, Vec<(usize, u16)>)]| {
        rows.iter().fold(0_u16, |sum, (weight, panes)| sum + gap + least(*weight, need_of(panes))).saturating_sub(gap)
    };
    while rows.len() > 1 && room(&rows) > rest.h {
        let last = rows.iter().rposition(|(_, panes)| !panes.iter().any(|(pane, _)| Some(*pane) == focus));
        let Some(last) = last else { break };
        rows.remove(last);
    }
    let gaps = gap * u16::try_from(rows.len().saturating_sub(1)).unwrap_or_default();
    let needs: Vec<u16> = rows.iter().map(|(_, panes)| need_of(panes)).collect();
    let weights: Vec<u16> = rows.iter().map(|(weight, _)| *weight).collect();
    let heights = share(rest.h.saturating_sub(gaps), &needs, &weights);
    for (at, ((_, panes), height)) in rows.iter().zip(heights).enumerate() {
        if at > 0 {
            rest.top(gap);
        }
        let mut row = rest.top(height);
        let total: u32 = panes.iter().map(|(_, weight)| u32::from(*weight)).sum();
        let gutters = GUTTER * u16::try_from(panes.len().saturating_sub(1)).unwrap_or_default();
        let wide = row.w.saturating_sub(gutters);
        let (mut seen, mut given) = (0, 0);
        for (pane, weight) in panes {
            seen += u32::from(*weight);
            let upto = u16::try_from(u32::from(wide) * seen / total.max(1)).unwrap_or(wide);
            let area = Area { w: upto - given, ..row };
            row.x += area.w + GUTTER;
            given = upto;
            if area.h > 0 && area.w > 0 {
                plan.panes.push(placed(model, *pane, area));
            }
        }
    }
    plan.hidden = all.saturating_sub(plan.panes.len());
    plan
}

fn placed(model: &Model, pane: usize, area: Area) -> Placed {
    let mut body = area;
    body.top(1);
    let labels = model.views().panes[pane].labels && body.h >= 3;
    if labels {
        body.top(1);
    }
    Placed { pane, area, body, labels }
}

/// Rows that a pane would fill: title, labels, rows; what it says when there are none.
fn need(model: &Model, pane: usize) -> u16 {
    let spec = &model.views().panes[pane];
    let rows = model.panes[pane].items().len();
    let rows = match (rows, &model.panes[pane].feed.shown) {
        (0, Loadable::Failed { .. }) => 4,
        (0, _) => 3,
        (rows, _) => rows,
    };
    // A live tail takes what it gets: its height must not jump with the traffic.
    let rows = if spec.follow { usize::from(u16::MAX) } else { rows };
    u16::try_from(rows.saturating_add(1 + usize::from(spec.labels))).unwrap_or(u16::MAX)
}

/// What a row of panes gets before anybody gets more: the heavier, the more.
fn least(weight: u16, need: u16) -> u16 {
    (LEAST - 1 + weight.min(8)).min(need).max(LEAST.min(need))
}

/// Shares rows: everybody gets the least, then by weight until the need is met. What nobody needs stays blank.
fn share(total: u16, needs: &[u16], weights: &[u16]) -> Vec<u16> {
    let mut out: Vec<u16> = Vec::with_capacity(needs.len());
    let mut left = total;
    for (need, weight) in needs.iter().zip(weights) {
        let first = least(*weight, *need).min(left);
        out.push(first);
        left -= first;
    }
    while left > 0 {
        let hungry = (0..out.len())
            .filter(|at| out[*at] < needs[*at])
            .min_by_key(|at| (u32::from(out[*at]) * 1000 / u32::from(weights[*at].max(1)), *at));
        let Some(at) = hungry else { break };
        out[at] += 1;
        left -= 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_needs_are_met_and_the_rest_goes_to_who_can_use_it() {
        assert_eq!(share(20, &[100, 5, 4], &[1, 1, 1]), [11, 5, 4]);
        assert_eq!(share(30, &[8, 5, 4], &[4, 2, 2]), [8, 5, 4]);
        assert_eq!(share(2, &[8, 5], &[4, 2]), [2, 0]);
        assert_eq!(least(4, 100), 6);
    }

    proptest! {
        #[test]
        fn never_more_than_there_is(total in 0_u16..300, needs in prop::collection::vec(1_u16..400, 1..6)) {
            let weights = vec![1; needs.len()];
            let out = share(total, &needs, &weights);
            prop_assert!(out.iter().sum::<u16>() <= total);
            prop_assert!(out.iter().zip(&needs).all(|(got, need)| got <= need));
        }
    }
}

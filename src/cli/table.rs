//! Rows of cells, aligned by the width that a terminal gives them.
//!
//! What must stay true: columns stay aligned whatever is in them; in a terminal no line is longer than the terminal is
//! wide; what is cut ends in `…`.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::exit::Outcome;
use super::output::{Ink, Output};

/// Between two columns.
const GAP: &str = "  ";
/// No column is squeezed below this.
const LEAST: usize = 6;
/// A text of which so much is seen can be read.
const FAIR: usize = 20;

/// One cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// Its colour.
    pub ink: Option<Ink>,
    /// Numbers stand at the right.
    pub right: bool,
}

impl Cell {
    /// Text at the left.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ink: None, right: false }
    }

    /// In a colour.
    #[must_use]
    pub fn inked(mut self, ink: Ink) -> Self {
        self.ink = Some(ink);
        self
    }
}

/// One column: its title, and what happens to it in a narrow terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Its title.
    pub title: &'static str,
    /// Zero is always shown; of the others the highest goes first.
    pub rank: u8,
    /// Whether its text may be cut; words, numbers and times are shown whole or not at all.
    pub soft: bool,
}

impl Spec {
    /// Always shown, and cut where it must be.
    pub const fn soft(title: &'static str) -> Self {
        Self { title, rank: 0, soft: true }
    }

    /// Always shown, and whole.
    pub const fn hard(title: &'static str) -> Self {
        Self { title, rank: 0, soft: false }
    }

    /// Left out in a narrow terminal, the highest rank first.
    #[must_use]
    pub const fn rank(mut self, rank: u8) -> Self {
        self.rank = rank;
        self
    }
}

/// A table that is written as its rows arrive: widths come from the first rows.
pub struct Table {
    /// Columns that are shown: where their cells stand, title, width.
    shown: Vec<(usize, &'static str, usize)>,
}

impl Table {
    /// Measures titles and the first rows; fits them into the terminal.
    pub fn fit(specs: &[Spec], rows: &[Vec<Cell>], width: Option<usize>) -> Self {
        let natural = specs.iter().enumerate().map(|(at, spec)| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.text.width());
            (at, *spec, cells.chain([spec.title.width()]).max().unwrap_or_default())
        });
        Self::squeezed(natural.collect(), width)
    }

    /// A table without titles whose rows are not known yet: each column has a usual width.
    pub fn usual(columns: &[(Spec, usize)], width: Option<usize>) -> Self {
        let columns = columns.iter().enumerate().map(|(at, (spec, usual))| (at, *spec, *usual));
        let mut table = Self::squeezed(columns.collect(), width);
        table.shown.iter_mut().for_each(|(_, title, _)| *title = "");
        table
    }

    fn squeezed(mut columns: Vec<(usize, Spec, usize)>, width: Option<usize>) -> Self {
        if let Some(most) = width {
            let gaps = |columns: &[(usize, Spec, usize)]| GAP.len() * columns.len().saturating_sub(1);
            // Columns go until the rest can be read ...
            loop {
                let fair = |(_, spec, wide): &(usize, Spec, usize)| if spec.soft { (*wide).min(FAIR) } else { *wide };
                let needed = columns.iter().map(fair).sum::<usize>() + gaps(&columns);
                let first = columns.iter().enumerate().filter(|(_, (_, spec, _))| spec.rank > 0);
                match first.max_by_key(|(_, (_, spec, _))| spec.rank).map(|(at, _)| at) {
                    Some(at) if needed > most => drop(columns.remove(at)),
                    _ => break,
                }
            }
            // ... then texts are cut, the longest first; whole words only when nothing else is left to give.
            let room = most.saturating_sub(gaps(&columns));
            for soft in [true, false] {
                while columns.iter().map(|(_, _, wide)| wide).sum::<usize>() > room {
                    let may = columns.iter_mut().filter(|(_, spec, wide)| (spec.soft || !soft) && *wide > LEAST);
                    let Some((_, _, wide)) = may.max_by_key(|(_, _, wide)| *wide) else { break };
                    *wide -= 1;
                }
            }
        }
        Self { shown: columns.into_iter().map(|(at, spec, wide)| (at, spec.title, wide)).collect() }
    }

    /// Writes the titles.
    pub fn head(&self, out: &mut Output) -> Outcome<()> {
        let most = self.shown.iter().map(|(at, ..)| at + 1).max().unwrap_or_default();
        let mut cells = vec![Cell::default(); most];
        for (at, title, _) in &self.shown {
            cells[*at] = Cell::new(*title).inked(Ink::Dim);
        }
        self.row(&cells, out)
    }

    /// Writes one row.
    pub fn row(&self, cells: &[Cell], out: &mut Output) -> Outcome<()> {
        let mut line = String::new();
        for (nth, (at, _, width)) in self.shown.iter().enumerate() {
            let Some(cell) = cells.get(*at) else { continue };
            if nth > 0 {
                line.push_str(GAP);
            }
            // Past the first rows a cell may be longer than what was measured: nothing is cut unless there is a
            // terminal to be kept within.
            let text = if out.width.is_some() { cut(&cell.text, *width) } else { cell.text.clone() };
            let pad = " ".repeat(width.saturating_sub(text.width()));
            let inked = cell.ink.map_or_else(|| text.clone(), |ink| out.ink(&text, ink));
            if cell.right {
                line.extend([pad.as_str(), inked.as_str()]);
            } else {
                line.extend([inked.as_str(), pad.as_str()]);
            }
        }
        out.line(line)
    }
}

/// The beginning of a text that fits, with `…` when something is missing.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        let wide = cluster.width();
        if used + wide + 1 > width {
            break;
        }
        out.push_str(cluster);
        used += wide;
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Form;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);
    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn drawn(width: Option<usize>, rows: &[[&str; 3]]) -> Vec<String> {
        let page = Page::default();
        let mut out = Output::into_writers(Form::Human, width, Box::new(page.clone()), Box::new(std::io::sink()));
        let rows: Vec<Vec<Cell>> = rows.iter().map(|row| row.iter().map(|text| Cell::new(*text)).collect()).collect();
        let table = Table::fit(&["who", "what", "id"].map(Spec::soft), &rows, width);
        table.head(&mut out).unwrap();
        for row in &rows {
            table.row(row, &mut out).unwrap();
        }
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn columns_stay_aligned_under_wide_and_combining_characters() {
        let lines = drawn(None, &[["王小明", "x", "1"], ["Zoë", "x", "2"], ["👩‍👩‍👧 Family", "x", "3"]]);
        let at: Vec<usize> = lines[1..].iter().map(|line| line[..line.rfind('x').unwrap()].width()).collect();
        assert_eq!(at, [11, 11, 11]);
    }

    #[test]
    fn in_a_terminal_no_line_is_longer_than_it_is_wide() {
        let long = "a".repeat(300);
        for width in [40, 80, 200] {
            for line in drawn(Some(width), &[[&long, "short", &long], ["王", &long, "x"]]) {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn a_narrow_terminal_loses_columns_before_words() {
        let specs = [Spec::hard("state"), Spec::soft("who"), Spec::soft("why").rank(2), Spec::hard("id").rank(1)];
        let row = vec![
            ["✗ critical", "Ana Duarte", "a long reason that nobody can read in so little", "cus_1234567"]
                .map(Cell::new)
                .to_vec(),
        ];
        let shown = |width| {
            let table = Table::fit(&specs, &row, Some(width));
            table.shown.iter().map(|(_, title, wide)| (*title, *wide)).collect::<Vec<_>>()
        };
        assert_eq!(shown(120)[2], ("why", 47));
        assert_eq!(shown(60)[2], ("why", 23));
        assert_eq!(shown(40), [("state", 10), ("who", 10), ("id", 11)]);
        assert_eq!(shown(24), [("state", 10), ("who", 10)]);
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("王小明", 5), "王小…");
        assert_eq!(cut("王小明", 4), "王…");
    }
}

//! Rows of cells, aligned by the width that a terminal gives them.
//!
//! What must stay true: columns stay aligned whatever is in them; in a terminal no line is longer than the terminal is
//! wide; what is cut ends in `…`.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::exit::Outcome;
use super::mark::Ink;
use super::output::Output;

/// Between two columns.
const GAP: &str = "  ";
/// No column is squeezed below this.
const LEAST: usize = 6;

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

/// A table that is written as its rows arrive: widths come from the first rows.
pub struct Table {
    titles: Vec<&'static str>,
    widths: Vec<usize>,
}

impl Table {
    /// Measures titles and the first rows; fits them into the terminal.
    pub fn fit(titles: &[&'static str], rows: &[Vec<Cell>], width: Option<usize>) -> Self {
        let mut widths: Vec<usize> = titles.iter().map(|title| title.width()).collect();
        for row in rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        if let Some(most) = width {
            squeeze(&mut widths, most.saturating_sub(GAP.len() * titles.len().saturating_sub(1)));
        }
        Self { titles: titles.to_vec(), widths }
    }

    /// A table without titles whose rows are not known yet: each column has a usual width.
    pub fn usual(widths: &[usize], width: Option<usize>) -> Self {
        let mut widths = widths.to_vec();
        if let Some(most) = width {
            let gaps = GAP.len() * widths.len().saturating_sub(1);
            squeeze(&mut widths, most.saturating_sub(gaps));
        }
        Self { titles: Vec::new(), widths }
    }

    /// Writes the titles.
    pub fn head(&self, out: &mut Output) -> Outcome<()> {
        if self.titles.iter().all(|title| title.is_empty()) {
            return Ok(());
        }
        let cells: Vec<Cell> = self.titles.iter().map(|title| Cell::new(*title).inked(Ink::Dim)).collect();
        self.row(&cells, out)
    }

    /// Writes one row.
    pub fn row(&self, cells: &[Cell], out: &mut Output) -> Outcome<()> {
        let mut line = String::new();
        let last = cells.len().min(self.widths.len()).saturating_sub(1);
        for (at, (cell, width)) in cells.iter().zip(&self.widths).enumerate() {
            if at > 0 {
                line.push_str(GAP);
            }
            // Past the first rows a cell of the last column may be longer than what was measured: nothing is cut
            // unless there is a terminal to be kept within.
            let text = if out.width.is_some() { cut(&cell.text, *width) } else { cell.text.clone() };
            let pad = " ".repeat(width.saturating_sub(text.width()));
            let inked = cell.ink.map_or_else(|| text.clone(), |ink| out.ink(&text, ink));
            match (cell.right, at == last) {
                (true, _) => line.extend([pad.as_str(), inked.as_str()]),
                (false, true) => line.push_str(&inked),
                (false, false) => line.extend([inked.as_str(), pad.as_str()]),
            }
        }
        out.line(line)
    }
}

/// Takes cells away from the widest column until all fit.
fn squeeze(widths: &mut [usize], most: usize) {
    while widths.iter().sum::<usize>() > most {
        let Some(widest) = widths.iter_mut().max_by_key(|width| **width).filter(|width| **width > LEAST) else {
            return;
        };
        *widest -= 1;
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
        let table = Table::fit(&["who", "what", "id"], &rows, width);
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
        assert_eq!(cut("王小明", 5), "王小…");
        assert_eq!(cut("王小明", 4), "王…");
    }
}

//! Small lines: a series of numbers in as many cells.

/// The full block is left out: lines in neighbouring rows would run into each other.
const BARS: [char; 7] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇'];
const ASCII: [char; 7] = ['_', '.', '-', '=', '+', '*', '#'];

/// Draws a series in at most `width` cells, newest at the right. `None` is a gap (a run that failed). The lowest bar is
/// nought, so that a quiet source looks quiet. Neighbours that share a cell are added up (`sum`) or show the largest.
pub fn line(series: &[Option<u32>], width: usize, sum: bool, ascii: bool) -> String {
    if width == 0 {
        return String::new();
    }
    let cells: Vec<Option<u32>> = if series.len() <= width {
        series.to_vec()
    } else {
        (0..width)
            .map(|cell| {
                let (from, to) = (cell * series.len() / width, (cell + 1) * series.len() / width);
                let part = &series[from..to.max(from + 1)];
                let known = part.iter().flatten();
                match part.iter().any(Option::is_none) {
                    true => None,
                    false if sum => Some(known.fold(0, |all: u32, n| all.saturating_add(*n))),
                    false => known.max().copied(),
                }
            })
            .collect()
    };
    let top = cells.iter().flatten().max().copied().unwrap_or_default();
    let bars = if ascii { ASCII } else { BARS };
    cells
        .iter()
        .map(|cell| match cell {
            None => 'x',
            Some(_) if top == 0 => bars[0],
            Some(n) => {
                let step = (u64::from(*n) * 6).div_ceil(u64::from(top));
                bars[usize::try_from(step).unwrap_or(6).min(6)]
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nought_is_the_lowest_bar_and_the_most_the_highest() {
        assert_eq!(line(&[Some(0), Some(4), Some(8)], 9, false, false), "▁▄▇");
        assert_eq!(line(&[Some(0), Some(0)], 9, false, false), "▁▁");
        assert_eq!(line(&[Some(1), None], 9, false, false), "▇x");
        assert_eq!(line(&[], 9, false, false), "");
    }

    #[test]
    fn a_long_series_keeps_its_peaks() {
        let mut series = vec![Some(1); 100];
        series[57] = Some(90);
        let drawn = line(&series, 10, false, false);
        assert_eq!(drawn.chars().count(), 10);
        assert_eq!(drawn.chars().filter(|c| *c == '▇').count(), 1);
    }
}

//! Colours as numbers: reading them, their contrast, and how far apart they stay for people who see fewer hues.
//!
//! Pure arithmetic. The formulas are WCAG 2 contrast, OKLab (Ottosson 2020) and the dichromacy matrices of Machado,
//! Oliveira and Fernandes (2009, severity 1.0), applied in linear light.

/// A colour of a theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// One of the terminal's own sixteen.
    Ansi(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// The names of the terminal's own sixteen, in order.
pub const ANSI: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

impl Color {
    /// Reads `#rrggbb` or one of [`ANSI`].
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(index) = ANSI.iter().position(|name| *name == text) {
            return u8::try_from(index).ok().map(Self::Ansi);
        }
        let hex = text.strip_prefix('#').filter(|h| h.len() == 6 && h.is_ascii())?;
        let part = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        Some(Self::Rgb(part(0)?, part(2)?, part(4)?))
    }

    /// Linear light, when the numbers are known; the terminal's own colours are not.
    fn linear(self) -> Option<[f64; 3]> {
        let Self::Rgb(r, g, b) = self else { return None };
        Some([r, g, b].map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        }))
    }
}

/// WCAG contrast of two colours, 1 to 21; `None` when one of them is the terminal's own.
pub fn contrast(a: Color, b: Color) -> Option<f64> {
    let light = |c: Color| c.linear().map(|[r, g, b]| 0.2126 * r + 0.7152 * g + 0.0722 * b);
    let (a, b) = (light(a)?, light(b)?);
    Some((a.max(b) + 0.05) / (a.min(b) + 0.05))
}

/// How somebody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vision {
    /// All three kinds of cone.
    Full,
    /// No red cones.
    Protan,
    /// No green cones.
    Deutan,
    /// No blue cones.
    Tritan,
}

impl Vision {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Full, Self::Protan, Self::Deutan, Self::Tritan];

    fn sees(self, rgb: [f64; 3]) -> [f64; 3] {
        let m: [[f64; 3]; 3] = match self {
            Self::Full => return rgb,
            Self::Protan => {
                [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
            }
            Self::Deutan => {
                [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
            }
            Self::Tritan => {
                [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
            }
        };
        m.map(|row| (row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2]).clamp(0.0, 1.0))
    }
}

/// Distance of two colours in OKLab for one kind of vision; `None` when one of them is the terminal's own.
pub fn distance(a: Color, b: Color, vision: Vision) -> Option<f64> {
    let lab = |c: Color| c.linear().map(|rgb| oklab(vision.sees(rgb)));
    let (a, b) = (lab(a)?, lab(b)?);
    Some(a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>().sqrt())
}

fn oklab([r, g, b]: [f64; 3]) -> [f64; 3] {
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_on_white_is_the_largest_contrast() {
        let far = contrast(Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255)).unwrap();
        assert!((far - 21.0).abs() < 0.01);
        assert_eq!(Color::parse("#14171c"), Some(Color::Rgb(0x14, 0x17, 0x1c)));
        assert_eq!(Color::parse("bright-red"), Some(Color::Ansi(9)));
        assert_eq!(Color::parse("#12345"), None);
    }

    #[test]
    fn red_and_green_come_closer_without_green_cones() {
        let (red, green) = (Color::Rgb(0xd0, 0x40, 0x30), Color::Rgb(0x60, 0x90, 0x30));
        let full = distance(red, green, Vision::Full).unwrap();
        assert!(distance(red, green, Vision::Deutan).unwrap() < full / 2.0);
    }
}

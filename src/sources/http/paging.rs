//! Guards against lists that never end.
//!
//! What must stay true: a cursor that comes back, at any distance, is found without remembering all of them (Brent's
//! method: compare with a mark that moves at every power of two); the marks survive in the source's own cursor.

use serde::{Deserialize, Serialize};

/// Most pages of one list: at 100 rows a page, ten million rows.
const MOST_PAGES: u32 = 100_000;
/// Longest page cursor: ours holds it and must stay below 4 KiB.
const LONGEST: usize = 2000;

/// Where a list stands. Part of a source's cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Paging {
    /// The provider's cursor of the next page; `None` at the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    mark: u64,
    pages: u32,
}

impl Paging {
    /// Pages read so far.
    pub fn pages(&self) -> u32 {
        self.pages
    }

    /// Goes on to the next page.
    ///
    /// # Errors
    /// In words, why this list cannot be followed.
    pub fn go_on(&mut self, next: &str) -> Result<(), &'static str> {
        let print = fingerprint(next);
        if next.is_empty() || next.len() > LONGEST {
            return Err("the cursor of the next page is empty or too long");
        }
        if self.after.as_deref() == Some(next) || (self.pages > 0 && print == self.mark) {
            return Err("the list goes in circles: a page cursor came back");
        }
        self.pages += 1;
        if self.pages > MOST_PAGES {
            return Err("the list does not end");
        }
        if self.pages.is_power_of_two() {
            self.mark = print;
        }
        self.after = Some(next.to_owned());
        Ok(())
    }
}

/// FNV-1a: stable between versions, which the standard hasher is not.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_of_any_length_is_found_soon() {
        for length in [1_usize, 2, 3, 7, 100] {
            let mut paging = Paging::default();
            let steps = (0..).position(|i: usize| paging.go_on(&format!("c{}", i % length)).is_err()).unwrap();
            assert!(steps <= 4 * length + 2, "circle of {length} found after {steps}");
        }
    }

    #[test]
    fn a_long_list_without_a_circle_passes_and_its_state_stays_small() {
        let mut paging = Paging::default();
        for i in 0..5000 {
            paging.go_on(&format!("cus_{i:014}")).unwrap();
        }
        let text = serde_json::to_string(&paging).unwrap();
        assert!(text.len() < 120, "{text}");
        let back: Paging = serde_json::from_str(&text).unwrap();
        assert_eq!(back, paging);
        assert!(paging.go_on(&"x".repeat(3000)).is_err());
    }
}

//! Hiding personal data for screens that others see: e-mail addresses and names, also inside sentences.
//!
//! What must stay true: a masked text holds no whole address and none of the names that it was told of. Ids stay: they
//! are what two people need to speak about the same customer.

/// `a***@d***.example`. Text without an address in it is returned as it stands.
pub fn email(text: &str) -> String {
    let Some((user, host)) = text.split_once('@') else { return text.to_owned() };
    let (name, end) = host.rsplit_once('.').map_or((host, ""), |(name, end)| (name, end));
    let dot = if end.is_empty() { "" } else { "." };
    format!("{}@{}{dot}{end}", stars(user), stars(name))
}

/// `A*** D***`
pub fn name(text: &str) -> String {
    if text.contains('@') {
        return prose(text, &[]);
    }
    text.split_whitespace().map(stars).collect::<Vec<_>>().join(" ")
}

fn stars(word: &str) -> String {
    let first: String = word.chars().take(1).collect();
    format!("{first}***")
}

/// A sentence: every address in it, and every one of `names`, is hidden.
pub fn prose(text: &str, names: &[&str]) -> String {
    let known = || names.iter().copied().filter(|known| known.chars().count() > 2);
    // Addresses first: a name is often a part of one.
    let mut out = text.to_owned();
    for address in known().filter(|known| known.contains('@')) {
        out = replace(&out, address, &email(address));
    }
    if out.contains('@') {
        out = addresses(&out);
    }
    for person in known().filter(|known| !known.contains('@')) {
        out = replace(&out, person, &name(person));
        // A first name alone tells who it is, too.
        for part in person.split_whitespace().filter(|part| part.chars().count() > 2) {
            out = replace(&out, part, &stars(part));
        }
    }
    out
}

/// Hides everything that looks like an address.
fn addresses(text: &str) -> String {
    let part_of_address = |c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '-' | '+' | '%' | '*');
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let close = |word: &mut String, out: &mut String| {
        if word.contains('@') {
            let bare = word.trim_end_matches('.');
            out.push_str(&email(bare));
            out.push_str(&word[bare.len()..]);
        } else {
            out.push_str(word);
        }
        word.clear();
    };
    for c in text.chars() {
        if part_of_address(c) {
            word.push(c);
        } else {
            close(&mut word, &mut out);
            out.push(c);
        }
    }
    close(&mut word, &mut out);
    out
}

/// Replaces whole words, ignoring case.
fn replace(text: &str, needle: &str, with: &str) -> String {
    let (low, key) = (text.to_lowercase(), needle.to_lowercase());
    // Lower-casing may change lengths in rare scripts; then only the exact spelling is replaced.
    if low.len() != text.len() || key.is_empty() {
        return text.replace(needle, with);
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = low[at..].find(&key).map(|found| at + found) {
        let end = found + key.len();
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        if !text.is_char_boundary(found) || !text.is_char_boundary(end) {
            return text.replace(needle, with);
        }
        out.push_str(&text[at..found]);
        if inside(text[..found].chars().next_back()) || inside(text[end..].chars().next()) {
            out.push_str(&text[found..end]);
        } else {
            out.push_str(with);
        }
        at = end;
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_disappear_wherever_they_stand() {
        assert_eq!(email("ana@duarte.example"), "a***@d***.example");
        assert_eq!(name("Ana Duarte"), "A*** D***");
        assert_eq!(
            prose("Ana paid; ana@duarte.example wrote (cus_1). Anaheim stays.", &["Ana Duarte"]),
            "A*** paid; a***@d***.example wrote (cus_1). Anaheim stays."
        );
    }

    #[test]
    fn masking_twice_changes_nothing_more() {
        let once = prose("from ana@duarte.example.", &[]);
        assert_eq!(prose(&once, &[]), once);
    }
}

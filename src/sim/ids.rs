//! Ids that look like the providers' own, and lead back to a place in a table without an index.
//!
//! What must stay true: number -> id -> number is the identity for one seed, so that looking an id up costs nothing
//! and an id that was never given out leads nowhere.

/// The digits of Stripe's ids, in order of value.
pub(super) const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const WIDTH: usize = 11;
/// Odd, so that multiplying by it modulo 2^64 can be undone.
const MIX: u64 = 0xd6e8_feb8_6659_fd93;

/// The number of a portal customer; `hp_1000` is the first.
const FIRST_ACCOUNT: u32 = 1000;
/// HubSpot contact ids grow by uneven-looking steps.
const CONTACT: (u64, u64) = (30_104_000_551, 17);
/// HubSpot ticket ids.
const HUBSPOT_TICKET: (u64, u64) = (7_311_200_044, 13);
/// Zendesk user ids.
const DESK_USER: (u64, u64) = (360_114_000_207, 19);
/// Zendesk ticket ids are counted per account.
const DESK_TICKET: (u64, u64) = (4001, 1);

/// Makes and reads the ids of one seeded world.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids(u64);

impl Ids {
    /// The ids of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(super::random::Random::new(seed, "ids").next())
    }

    /// `cus_` and 14 digits, for instance.
    pub(super) fn stripe(self, prefix: &str, number: usize) -> String {
        let mut bits = (number as u64).wrapping_add(1).wrapping_mul(MIX) ^ self.salt(prefix);
        bits ^= bits >> 32;
        let mut digits = [b'0'; WIDTH];
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[(bits % 62) as usize];
            bits /= 62;
        }
        format!("{prefix}1Qh{}", String::from_utf8_lossy(&digits))
    }

    /// The number behind an id that [`Ids::stripe`] could have made.
    pub(super) fn stripe_number(self, prefix: &str, id: &str) -> Option<usize> {
        let digits = id.strip_prefix(prefix)?.strip_prefix("1Qh")?;
        if digits.len() != WIDTH {
            return None;
        }
        let mut bits: u64 = 0;
        for digit in digits.bytes() {
            let value = DIGITS.iter().position(|d| *d == digit)? as u64;
            bits = bits.checked_mul(62)?.checked_add(value)?;
        }
        bits ^= bits >> 32;
        let number = (bits ^ self.salt(prefix)).wrapping_mul(inverse(MIX));
        usize::try_from(number.wrapping_sub(1)).ok()
    }

    fn salt(self, prefix: &str) -> u64 {
        super::random::Random::new(self.0, prefix).next()
    }
}

/// The number that undoes multiplying by an odd `a` modulo 2^64 (Newton's iteration doubles the right bits).
fn inverse(a: u64) -> u64 {
    let mut x = a;
    for _ in 0..6 {
        x = x.wrapping_mul(2_u64.wrapping_sub(a.wrapping_mul(x)));
    }
    x
}

fn stepped((base, step): (u64, u64), number: usize) -> u64 {
    base + number as u64 * step
}

fn unstepped((base, step): (u64, u64), id: &str) -> Option<usize> {
    let past = id.parse::<u64>().ok()?.checked_sub(base)?;
    (past % step == 0).then(|| usize::try_from(past / step).ok()).flatten()
}

/// The portal's id of a customer.
pub(super) fn account(number: usize) -> String {
    format!("hp_{}", number + FIRST_ACCOUNT as usize)
}

/// The number behind a portal id.
pub(super) fn account_number(id: &str) -> Option<usize> {
    id.strip_prefix("hp_")?.parse::<usize>().ok()?.checked_sub(FIRST_ACCOUNT as usize)
}

/// The portal's id of a support request.
pub(super) fn request(number: usize) -> String {
    format!("req_{}", number + 501)
}

/// A HubSpot contact's id.
pub(super) fn contact(number: usize) -> u64 {
    stepped(CONTACT, number)
}

/// The number behind a HubSpot contact's id.
pub(super) fn contact_number(id: &str) -> Option<usize> {
    unstepped(CONTACT, id)
}

/// A HubSpot ticket's id.
pub(super) fn hubspot_ticket(number: usize) -> u64 {
    stepped(HUBSPOT_TICKET, number)
}

/// The number behind a HubSpot ticket's id.
pub(super) fn hubspot_ticket_number(id: &str) -> Option<usize> {
    unstepped(HUBSPOT_TICKET, id)
}

/// A Zendesk user's id.
pub(super) fn desk_user(number: usize) -> u64 {
    stepped(DESK_USER, number)
}

/// The number behind a Zendesk user's id.
pub(super) fn desk_user_number(id: &str) -> Option<usize> {
    unstepped(DESK_USER, id)
}

/// A Zendesk ticket's id.
pub(super) fn desk_ticket(number: usize) -> u64 {
    stepped(DESK_TICKET, number)
}

/// The number behind a Zendesk ticket's id.
pub(super) fn desk_ticket_number(id: &str) -> Option<usize> {
    unstepped(DESK_TICKET, id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_back_to_its_number_and_a_foreign_one_nowhere() {
        let ids = Ids::new(7);
        for number in [0, 1, 99, 123_456] {
            let id = ids.stripe("cus_", number);
            assert_eq!(id.len(), 18);
            assert_eq!(ids.stripe_number("cus_", &id), Some(number), "{id}");
            assert_ne!(ids.stripe_number("sub_", &id.replace("cus_", "sub_")), Some(number));
        }
        assert_eq!(ids.stripe_number("cus_", "cus_nonsense"), None);
        assert_eq!(account_number(&account(41)), Some(41));
        assert_eq!(contact_number(&contact(41).to_string()), Some(41));
        assert_eq!(contact_number("30104000552"), None);
    }
}

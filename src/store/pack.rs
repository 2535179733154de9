//! A gathered cluster packed into bytes, so that judging everybody again reads one narrow row a customer instead of
//! gathering half a dozen records each.
//!
//! What must stay true: unpacking gives back exactly what was packed, or nothing. Bytes that cannot be read are no
//! error: the cluster is gathered anew. A text that was written before is written as a number the second time; most
//! of a cluster is one name and one address repeated by every system.

use std::collections::{BTreeMap, HashMap};

use crate::domain::{Cluster, ClusterKey, Flag, Kind, Links, Money, Per, Record, State, System, Text, Time};

/// Raised whenever the form or the meaning of the bytes changes: what was packed before is then gathered anew.
pub(super) const FORM: i64 = 1;
/// Most records of a cluster that is worth packing.
const MOST: usize = 400;

/// Packs a cluster. `None` for one that other customers have a part in (a shared address, a crossed link): what is
/// said of it also depends on how the others were chosen.
pub(super) fn pack(cluster: &Cluster) -> Option<Vec<u8>> {
    let Cluster { key: _, portal, records, rivals } = cluster;
    if !rivals.is_empty() || records.len() > MOST {
        return None;
    }
    let mut writer = Writer::default();
    writer.number(u64::from(portal.is_some()));
    writer.number(records.len() as u64);
    portal.iter().chain(records).for_each(|record| writer.record(record));
    Some(writer.out)
}

/// Reads [`pack`] back.
pub(super) fn unpack(key: ClusterKey, bytes: &[u8]) -> Option<Cluster> {
    let mut reader = Reader { left: bytes, texts: Vec::new() };
    let portal = reader.number()? == 1;
    let count = usize::try_from(reader.number()?).ok().filter(|count| *count <= MOST)?;
    let portal = if portal { Some(reader.record()?) } else { None };
    let records = (0..count).map(|_| reader.record()).collect::<Option<Vec<_>>>()?;
    reader.left.is_empty().then_some(Cluster { key, portal, records, rivals: Vec::new() })
}

#[derive(Default)]
struct Writer<'a> {
    out: Vec<u8>,
    texts: HashMap<&'a str, u64>,
}

impl<'a> Writer<'a> {
    /// Seven bits a byte, the lowest first.
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    /// Small numbers of either sign stay short.
    fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)) as u64);
    }

    /// 0: absent; odd: one that was written before; even: its length, then its bytes.
    fn maybe(&mut self, text: Option<&'a str>) {
        let Some(text) = text else { return self.number(0) };
        if let Some(known) = self.texts.get(text) {
            return self.number(known * 2 + 1);
        }
        self.texts.insert(text, self.texts.len() as u64);
        self.number((text.len() as u64 + 1) * 2);
        self.out.extend_from_slice(text.as_bytes());
    }

    fn text(&mut self, text: &'a str) {
        self.maybe(Some(text));
    }

    fn texts(&mut self, texts: &'a [Text]) {
        self.number(texts.len() as u64);
        texts.iter().for_each(|text| self.text(text.as_str()));
    }

    fn time(&mut self, time: Option<Time>) {
        self.number(u64::from(time.is_some()));
        if let Some(time) = time {
            self.signed(time.ms());
        }
    }

    fn record(&mut self, record: &'a Record) {
        // Named one by one, so that a new fact cannot be forgotten here.
        let Record {
            system,
            kind,
            id,
            version,
            seen_at,
            deleted,
            email,
            name,
            state,
            word,
            plan,
            plan_keys,
            money,
            parent,
            links: Links { portal, billing, crm, support },
            flags,
            tags,
            created_at,
            updated_at,
            trial_ends_at,
            period_ends_at,
            ended_at,
            attributes,
        } = record;
        self.text(system.as_str());
        self.text(kind.as_str());
        self.text(id.as_str());
        self.signed(*version);
        self.signed(seen_at.ms());
        self.number(u64::from(*deleted));
        for text in [email, name, word, plan, parent, portal, billing, crm, support] {
            self.maybe(text.as_ref().map(Text::as_str));
        }
        self.maybe(state.map(State::as_str));
        self.texts(plan_keys);
        self.maybe(money.as_ref().map(|money| money.currency.as_str()));
        if let Some(Money { amount, currency: _, per }) = money {
            self.signed(*amount);
            self.maybe(per.map(Per::as_str));
        }
        self.number(flags.len() as u64);
        flags.iter().for_each(|flag| self.text(flag.as_str()));
        self.texts(tags);
        for time in [created_at, updated_at, trial_ends_at, period_ends_at, ended_at] {
            self.time(*time);
        }
        self.number(attributes.len() as u64);
        for (name, value) in attributes {
            self.text(name.as_str());
            self.text(value.as_str());
        }
    }
}

struct Reader<'a> {
    left: &'a [u8],
    texts: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.left.split_first()?;
            self.left = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// The outer `None`: unreadable. The inner: absent.
    fn maybe(&mut self) -> Option<Option<&'a str>> {
        let mark = self.number()?;
        if mark == 0 {
            return Some(None);
        }
        if mark % 2 == 1 {
            return self.texts.get(usize::try_from(mark / 2).ok()?).copied().map(Some);
        }
        let length = usize::try_from(mark / 2 - 1).ok()?;
        let (text, rest) = self.left.split_at_checked(length)?;
        self.left = rest;
        let text = std::str::from_utf8(text).ok()?;
        self.texts.push(text);
        Some(Some(text))
    }

    fn text(&mut self) -> Option<&'a str> {
        self.maybe()?
    }

    fn maybe_text(&mut self) -> Option<Option<Text>> {
        Some(self.maybe()?.map(Text::new))
    }

    /// How many follow; each takes at least a byte.
    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok().filter(|count| *count <= self.left.len())
    }

    fn texts(&mut self) -> Option<Vec<Text>> {
        (0..self.count()?).map(|_| self.text().map(Text::new)).collect()
    }

    fn time(&mut self) -> Option<Option<Time>> {
        if self.number()? == 0 {
            return Some(None);
        }
        Some(Some(Time::from_ms(self.signed()?)))
    }

    fn record(&mut self) -> Option<Record> {
        let system = System::parse(self.text()?)?;
        let kind = Kind::parse(self.text()?)?;
        let id = Text::new(self.text()?);
        let (version, seen_at, deleted) = (self.signed()?, Time::from_ms(self.signed()?), self.number()? == 1);
        let (email, name, word) = (self.maybe_text()?, self.maybe_text()?, self.maybe_text()?);
        let (plan, parent) = (self.maybe_text()?, self.maybe_text()?);
        let (portal, billing) = (self.maybe_text()?, self.maybe_text()?);
        let (crm, support) = (self.maybe_text()?, self.maybe_text()?);
        let state = match self.maybe()? {
            Some(word) => Some(State::parse(word)?),
            None => None,
        };
        let plan_keys = self.texts()?;
        let money = match self.maybe_text()? {
            Some(currency) => {
                let amount = self.signed()?;
                let per = match self.maybe()? {
                    Some(word) => Some(Per::parse(word)?),
                    None => None,
                };
                Some(Money { amount, currency, per })
            }
            None => None,
        };
        let flags = (0..self.count()?).map(|_| Flag::parse(self.text()?)).collect::<Option<Vec<_>>>()?;
        let tags = self.texts()?;
        let (created_at, updated_at, trial_ends_at) = (self.time()?, self.time()?, self.time()?);
        let (period_ends_at, ended_at) = (self.time()?, self.time()?);
        let attributes = (0..self.count()?)
            .map(|_| Some((Text::new(self.text()?), Text::new(self.text()?))))
            .collect::<Option<BTreeMap<_, _>>>()?;
        Some(Record {
            system,
            kind,
            id,
            version,
            seen_at,
            deleted,
            email,
            name,
            state,
            word,
            plan,
            plan_keys,
            money,
            parent,
            links: Links { portal, billing, crm, support },
            flags,
            tags,
            created_at,
            updated_at,
            trial_ends_at,
            period_ends_at,
            ended_at,
            attributes,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn text() -> impl Strategy<Value = Text> {
        prop_oneof!["[a-c]{0,3}", "\\PC{0,40}", Just("ana@acme.example".to_owned())].prop_map(Text::new)
    }

    fn time() -> impl Strategy<Value = Option<Time>> {
        option::of((0..4_000_000_000_000_i64).prop_map(Time::from_ms))
    }

    prop_compose! {
        fn record()(
            (system, kind, id) in (select(System::ALL), select(Kind::ALL), text()),
            (version, seen, deleted) in (any::<i64>(), 0..4_000_000_000_000_i64, any::<bool>()),
            texts in vec(option::of(text()), 9),
            (state, plan_keys) in (option::of(select(State::ALL)), vec(text(), 0..3)),
            money in option::of((any::<i64>(), text(), option::of(select(Per::ALL)))),
            (flags, tags) in (vec(select(Flag::ALL), 0..3), vec(text(), 0..3)),
            times in vec(time(), 5),
            attributes in btree_map(text(), text(), 0..3),
        ) -> Record {
            let [email, name, word, plan, parent, portal, billing, crm, support] = texts.try_into().unwrap();
            let [created_at, updated_at, trial_ends_at, period_ends_at, ended_at] = times.try_into().unwrap();
            Record {
                version, deleted, email, name, state, word, plan, plan_keys, parent,
                links: Links { portal, billing, crm, support },
                money: money.map(|(amount, currency, per)| Money { amount, currency, per }),
                flags, tags, created_at, updated_at, trial_ends_at, period_ends_at, ended_at, attributes,
                ..Record::new(system, kind, id, Time::from_ms(seen))
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_is_unpacked(portal in option::of(record()), records in vec(record(), 0..5)) {
            let key = ClusterKey::Portal("1".into());
            let cluster = Cluster { key: key.clone(), portal, records, rivals: Vec::new() };
            prop_assert_eq!(unpack(key, &pack(&cluster).unwrap()), Some(cluster));
        }

        #[test]
        fn bytes_that_nobody_packed_are_refused_without_harm(bytes in vec(any::<u8>(), 0..200), records in vec(record(), 0..3)) {
            let key = ClusterKey::Portal("1".into());
            let _ = unpack(key.clone(), &bytes);
            let whole = pack(&Cluster { key: key.clone(), portal: None, records, rivals: Vec::new() }).unwrap();
            for end in 0..whole.len() {
                prop_assert_eq!(unpack(key.clone(), &whole[..end]), None);
            }
        }
    }

    #[test]
    fn a_cluster_that_others_have_a_part_in_is_not_packed() {
        let rival = Record::new(System::Portal, Kind::Person, "2", Time::from_ms(0));
        let key = ClusterKey::Portal("1".into());
        assert_eq!(pack(&Cluster { key, portal: None, records: Vec::new(), rivals: vec![rival] }), None);
    }
}

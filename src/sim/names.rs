//! Who the invented people are: a table of names from many places, and how a name becomes an address.
//!
//! Every domain ends in `.example` (RFC 2606), so that no letter could ever reach anybody. A name that is not written
//! in Latin letters carries its romanised form after `|`.

use super::random::Random;

/// Names that go together.
pub(super) struct Region {
    /// ISO 3166 code, kept as an attribute of the customer.
    pub country: &'static str,
    /// ISO 4217 code that they pay in.
    pub currency: &'static str,
    /// Whether the family name comes first and nothing stands between.
    pub joined: bool,
    given: &'static str,
    family: &'static str,
}

const fn region(
    country: &'static str,
    currency: &'static str,
    joined: bool,
    given: &'static str,
    family: &'static str,
) -> Region {
    Region { country, currency, joined, given, family }
}

/// Where customers come from; earlier ones more often.
pub(super) const REGIONS: &[Region] = &[
    region(
        "US",
        "usd",
        false,
        "Grace Owen Maya Caleb Naomi Theo Ruth Silas Dana Jonah Imani Wes Carmen Elliot",
        "Whitaker Okafor Brennan Castillo Hollis Marsh Ibarra Lindqvist Fontenot Abbott Nakamura Vance Pruitt Sandoval",
    ),
    region(
        "PT",
        "eur",
        false,
        "Ana Rui Inês João Beatriz Tomás Mafalda Gonçalo Leonor Duarte",
        "Duarte Costa Simões Magalhães Brandão Conceição Teixeira Falcão Guimarães Antunes",
    ),
    region(
        "DE",
        "eur",
        false,
        "Jürgen Anneliese Björn Käthe Lukas Greta Matthias Änne Ruben Friederike",
        "Müller Großmann Weiß Köhler Brückner Schäfer Hövelmann Jäger Lindner Österreicher",
    ),
    region(
        "GB",
        "gbp",
        false,
        "Imogen Rhys Saoirse Alasdair Priya Hamish Nia Declan Zara Fergus",
        "O’Neill Llewellyn MacAllister Pemberton Ahmed Ashworth Featherstone Quayle Adeyemi Thistlewood",
    ),
    region(
        "FR",
        "eur",
        false,
        "Zoé Loïc Anaïs Rémi Éloïse Maël Inès Gaëtan Margaux Hélène",
        "Lefèvre Château Béranger d’Aubigné Coëffard Noël Garçon Mériaux Vaillancourt Trœsch",
    ),
    region(
        "JP",
        "jpy",
        true,
        "芽衣|Mei 健太|Kenta 美咲|Misaki 翔|Sho さくら|Sakura 大輔|Daisuke 陽子|Yoko 蓮|Ren",
        "田中|Tanaka 佐藤|Sato 小林|Kobayashi 渡辺|Watanabe 山本|Yamamoto 高橋|Takahashi 井上|Inoue 長谷川|Hasegawa",
    ),
    region(
        "NG",
        "usd",
        false,
        "Chidinma Babatunde Ngozi Emeka Adaeze Olúwaṣeun Ifeoma Tobenna",
        "Okonkwo Adébáyọ̀ Nwosu Eze Olawale Balogun Ọlátúnjí Chukwu",
    ),
    region(
        "IN",
        "usd",
        false,
        "Aarav Lakshmi Rohan Ishita Vikram Ananya Kabir Meenakshi",
        "Iyer Chatterjee Venkataraghavan Deshpande Kulkarni Raghunathan Mehta Banerjee",
    ),
    region(
        "SE",
        "eur",
        false,
        "Åsa Göran Linnéa Nils Märta Torbjörn Sigrid Håkan",
        "Ångström Sjöberg Lindström Åkesson Hägglund Nyström Öberg Bergqvist",
    ),
    region(
        "PL",
        "eur",
        false,
        "Łukasz Małgorzata Paweł Zofia Wojciech Żaneta Michał Agnieszka",
        "Wiśniewska Kowalczyk Zieliński Dąbrowska Szczęsny Górski Pająk Święcicka",
    ),
    region(
        "KR",
        "usd",
        true,
        "지우|Jiwoo 민준|Minjun 서연|Seoyeon 도윤|Doyun 하은|Haeun 준호|Junho",
        "김|Kim 이|Lee 박|Park 최|Choi 정|Jung 윤|Yoon",
    ),
    region(
        "BR",
        "usd",
        false,
        "Thaís Vinícius Letícia Caetano Marília Otávio Raíssa Benício",
        "Araújo Gonçalves Figueirêdo Sampaio Mourão Cordeiro Assunção Vilaça",
    ),
    region(
        "TW",
        "usd",
        true,
        "小明|Xiaoming 怡君|Yijun 志豪|Zhihao 雅婷|Yating 冠宇|Guanyu 淑芬|Shufen",
        "王|Wang 陳|Chen 林|Lin 黃|Huang 張|Chang 吳|Wu",
    ),
    region(
        "CZ",
        "eur",
        false,
        "Jiří Zdeňka Ondřej Kateřina Přemysl Vendulka",
        "Dvořák Nováková Růžička Šťastný Hřebíček Žižková",
    ),
    region("TR", "usd", false, "Ayşe Çağlar Gülşen İlker Özlem Uğur", "Yıldız Çelik Öztürk Şahin Günaydın Karaoğlu"),
    region(
        "GR",
        "eur",
        false,
        "Ελένη|Eleni Νίκος|Nikos Δήμητρα|Dimitra Γιώργος|Giorgos",
        "Παπαδοπούλου|Papadopoulou Κωστόπουλος|Kostopoulos Βλάχος|Vlachos Ιωάννου|Ioannou",
    ),
    region(
        "AE",
        "usd",
        false,
        "محمد|Mohammed ليلى|Layla يوسف|Yousef نور|Noor",
        "الهاشمي|AlHashimi المنصوري|AlMansoori حداد|Haddad القاسمي|AlQasimi",
    ),
];

/// What firms that buy furniture and harbour goods call themselves, before their form.
pub(super) const FIRMS: &str = "Kestrel Lumen Fjordline Saltmarsh Tidewater Brightwood Cormorant Ebbe Larkspur Nordlys Quayside Rowan \
    Sandpiper Tallow Umbra Vesper Windrose Yarrow Alder Birchbark Copperline Driftwood Elmgrove Fernhill Gannet Heron \
    Inlet Juniper Kelp Lodestar Mooring Northpier Oakum Petrel Quillon Ropewalk Spindrift Thornbury Undertow Varnish";

/// What stands behind a firm's name, by country where it matters.
pub(super) const FORMS: &[(&str, &str)] = &[
    ("US", "Studio|Supply Co.|Interiors|Workshop|Collective|& Sons"),
    ("DE", "GmbH|Werkstätten|Möbel KG|& Söhne"),
    ("GB", "Ltd|Joinery|Chandlery|& Daughters"),
    ("FR", "Ateliers|SARL|Ébénisterie|& Fils"),
    ("PT", "Lda|Carpintaria|Móveis"),
    ("SE", "AB|Snickeri|Möbler"),
    ("JP", "Kagu|Works|Kōbō"),
];

/// Customers that a demonstration should meet first: given to the first planted mismatches, in this order.
pub(super) const HEROES: &[(&str, &str, &str)] = &[
    ("Ana Duarte", "ana@duarte.example", "PT"),
    ("Kestrel GmbH", "rechnung@kestrel.example", "DE"),
    ("Tom Okafor", "tom.okafor@okaforyachts.example", "GB"),
    ("Lumen Studio", "hello@lumenstudio.example", "US"),
    ("田中 芽衣", "mei.tanaka@hamabe-kagu.example", "JP"),
    ("Łucja Wiśniewska", "lucja@wisniewska-meble.example", "PL"),
    (
        "Maximiliane Freifrau von Hohenlohe-Schillingsfürst, Möbelmanufaktur & Söhne",
        "max.vhs@hohenlohe-moebel.example",
        "DE",
    ),
    ("Björn Ångström", "bjorn@angstrom-batvarv.example", "SE"),
    ("Anaïs d’Aubigné", "anais@ateliers-daubigne.example", "FR"),
    ("Ifeoma Nwosu", "ifeoma@nwosu-interiors.example", "NG"),
    ("王小明", "xiaoming.wang@dongang.example", "TW"),
    ("O’Neill & Daughters", "accounts@oneill-joinery.example", "GB"),
    ("Rui Costa", "rui.costa@costa-moveis.example", "PT"),
    ("Lakshmi Venkataraghavan", "lakshmi@teakwell.example", "IN"),
    ("김지우", "jiwoo.kim@haneulwood.example", "KR"),
    ("Thaís Figueirêdo", "thais@figueiredo-decks.example", "BR"),
    ("Zdeňka Hřebíčková", "zdenka@hrebicek.example", "CZ"),
    ("Çağlar Yıldız", "caglar@yildizmarin.example", "TR"),
    ("Saltmarsh Supply Co.", "ap@saltmarsh.example", "US"),
    ("محمد الهاشمي", "m.alhashimi@dhowworks.example", "AE"),
];

/// A made-up customer's name, address and home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Persona {
    /// As they write it.
    pub name: String,
    /// Where letters go; unique only after [`Names::unique`].
    pub email: String,
    /// ISO 3166.
    pub country: &'static str,
    /// ISO 4217, lower case.
    pub currency: &'static str,
}

/// Gives out personas, no two with the same address.
#[derive(Debug, Default)]
pub(super) struct Names {
    given_out: std::collections::HashMap<String, u32>,
}

impl Names {
    /// The next persona.
    pub(super) fn next(&mut self, random: &mut Random) -> Persona {
        let at = random.below(REGIONS.len()).min(random.below(REGIONS.len() + 4));
        let region = &REGIONS[at];
        let firm = random.percent(28.0);
        let (name, local, domain) = if firm { firm_name(region, random) } else { person_name(region, random) };
        let (country, currency) = (region.country, region.currency);
        Persona { name, email: self.unique(&local, &domain), country, currency }
    }

    /// A fixed persona.
    pub(super) fn hero(&mut self, number: usize) -> Option<Persona> {
        let (name, email, country) = HEROES.get(number)?;
        let (local, domain) = email.split_once('@')?;
        let currency = REGIONS.iter().find(|r| r.country == *country).map_or("usd", |r| r.currency);
        Some(Persona { name: (*name).to_owned(), email: self.unique(local, domain), country, currency })
    }

    fn unique(&mut self, local: &str, domain: &str) -> String {
        let email = format!("{local}@{domain}");
        let count = self.given_out.entry(email.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { email } else { format!("{local}{count}@{domain}") }
    }
}

fn word(list: &'static str, random: &mut Random) -> (&'static str, &'static str) {
    let count = list.split_whitespace().count();
    let word = list.split_whitespace().nth(random.below(count)).unwrap_or_default();
    word.split_once('|').unwrap_or((word, word))
}

fn person_name(region: &'static Region, random: &mut Random) -> (String, String, String) {
    let (given, given_latin) = word(region.given, random);
    let (family, family_latin) = word(region.family, random);
    let name = if region.joined { format!("{family}{given}") } else { format!("{given} {family}") };
    let (given, family) = (slug(given_latin), slug(family_latin));
    let (firm, _) = word(FIRMS, random);
    let (local, domain) = match random.below(3) {
        0 => (given, format!("{family}.example")),
        1 => (format!("{given}.{family}"), format!("{}.example", slug(firm))),
        _ => (format!("{}{family}", &given[..given.len().min(1)]), "post.example".to_owned()),
    };
    (name, local, domain)
}

fn firm_name(region: &'static Region, random: &mut Random) -> (String, String, String) {
    let forms = FORMS.iter().find(|(country, _)| *country == region.country).map_or("Studio|Works|Trading", |f| f.1);
    let forms: Vec<&str> = forms.split('|').collect();
    let form = random.pick(&forms);
    let (firm, _) = word(FIRMS, random);
    // Half of the firms are somebody's: it keeps thousands of them apart.
    let owner = word(region.family, random).1;
    let title = if random.percent(50.0) { format!("{owner} {firm}") } else { firm.to_owned() };
    let local = random.pick(&["hello", "accounts", "billing", "office", "ap"]);
    (format!("{title} {form}"), local.to_owned(), format!("{}.example", slug(&title)))
}

/// Letters that an address may hold: accents go, what has no plain form goes too.
pub(super) fn slug(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => out.push(c),
            'à'..='ã' | 'å' | 'ą' | 'ā' => out.push('a'),
            'ä' | 'æ' => out.push_str("ae"),
            'ö' | 'œ' | 'ø' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'ß' => out.push_str("ss"),
            'ç' | 'č' | 'ć' => out.push('c'),
            'ď' => out.push('d'),
            'è'..='ë' | 'ę' | 'ě' | 'ē' => out.push('e'),
            'ğ' => out.push('g'),
            'ì'..='ï' | 'ı' => out.push('i'),
            'ł' => out.push('l'),
            'ñ' | 'ň' | 'ń' => out.push('n'),
            'ò'..='õ' | 'ō' | 'ọ' => out.push('o'),
            'ř' => out.push('r'),
            'š' | 'ś' | 'ş' | 'ṣ' => out.push('s'),
            'ť' => out.push('t'),
            'ù'..='û' | 'ů' | 'ū' => out.push('u'),
            'ý' | 'ÿ' => out.push('y'),
            'ž' | 'ź' | 'ż' => out.push('z'),
            ' ' | '-' if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            _ => {}
        }
    }
    out.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_persona_has_an_address_of_its_own_in_a_reserved_domain() {
        let (mut names, mut random) = (Names::default(), Random::new(1, "names"));
        let mut seen = std::collections::HashSet::new();
        for _ in 0..5_000 {
            let persona = names.next(&mut random);
            assert!(persona.email.ends_with(".example") && persona.email.is_ascii(), "{}", persona.email);
            assert!(!persona.email.starts_with('@'), "{persona:?}");
            assert!(seen.insert(persona.email.clone()), "{}", persona.email);
        }
    }

    #[test]
    fn accents_become_plain_letters() {
        assert_eq!(slug("Großmann"), "grossmann");
        assert_eq!(slug("Łukasz Święcicka"), "lukasz-swiecicka");
    }
}

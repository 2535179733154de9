//! The closed sets of words in a view file, and the fields that panes have beside those of their dataset.

use crate::domain::{Dataset, Field, FieldKind};

/// What a pane shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Rows of a dataset.
    Dataset(Dataset),
    /// Delivery health, one row a source.
    Traffic,
    /// Jobs grouped by source, kind, state and error.
    Queues,
    /// Deliveries grouped by why they fail.
    Reasons,
    /// What the find box found.
    Found,
}

const fn field(name: &'static str, kind: FieldKind, doc: &'static str) -> Field {
    Field { name, kind, doc }
}

const MARK: Field = field("mark", FieldKind::Text, "glyph and word of how it stands");
const COMMON: &[Field] = &[MARK];
const PERSON: &[Field] = &[MARK, field("who", FieldKind::Text, "name, else e-mail, else id")];
const CUSTOMERS: &[Field] = &[
    MARK,
    field("who", FieldKind::Text, "name, else e-mail, else id"),
    field("spread", FieldKind::Text, "what each system says, in a few words"),
];
const CHECKS: &[Field] = &[
    MARK,
    field("spark", FieldKind::List, "recent latencies as a small line"),
    field("seen_at", FieldKind::Time, "when it last ran"),
];
const TRAFFIC: &[Field] = &[
    MARK,
    field("source", FieldKind::Text, "who sends"),
    field("spark", FieldKind::List, "events over the window as a small line"),
    field("total", FieldKind::Number, "events in the window"),
    field("failing", FieldKind::Number, "share not delivered, in hundredths of a percent"),
    field("latency_ms", FieldKind::Duration, "median time of the receiver"),
    field("last_at", FieldKind::Time, "newest event"),
];
const QUEUES: &[Field] = &[
    MARK,
    field("count", FieldKind::Number, "jobs in the group"),
    field("what", FieldKind::Text, "queue and kind"),
    field("last_error", FieldKind::Text, "what went wrong last"),
    field("oldest", FieldKind::Time, "since when the oldest waits"),
    field("next", FieldKind::Time, "when the next one runs"),
];
const REASONS: &[Field] = &[
    MARK,
    field("count", FieldKind::Number, "deliveries in the group"),
    field("status", FieldKind::Number, "HTTP status"),
    field("source", FieldKind::Text, "who sends"),
    field("reason", FieldKind::Text, "why it is not delivered"),
    field("oldest", FieldKind::Time, "since when"),
    field("newest", FieldKind::Time, "most recent"),
];
const FOUND: &[Field] = &[
    MARK,
    field("who", FieldKind::Text, "name, else e-mail, else id"),
    field("email", FieldKind::Text, "e-mail address"),
    field("id", FieldKind::Text, "the portal's id"),
    field("plan", FieldKind::Text, "the portal's plan"),
    field("state", FieldKind::Text, "the state that the portal grants"),
    field("by", FieldKind::Text, "what matched"),
    field("money", FieldKind::Money, "what the customer pays"),
];

impl Of {
    /// Every word that `of` takes.
    pub const WORDS: &'static [&'static str] = &[
        "customers",
        "mismatches",
        "deliveries",
        "jobs",
        "checks",
        "deploys",
        "sources",
        "traffic",
        "queues",
        "reasons",
        "found",
    ];

    /// What the word names. Datasets that nothing fills yet are not offered.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "traffic" => Some(Self::Traffic),
            "queues" => Some(Self::Queues),
            "reasons" => Some(Self::Reasons),
            "found" => Some(Self::Found),
            _ if Self::WORDS.contains(&word) => Dataset::parse(word).map(Self::Dataset),
            _ => None,
        }
    }

    /// The dataset whose rows are loaded and that `where` speaks of; `None` for traffic and found.
    pub const fn dataset(self) -> Option<Dataset> {
        match self {
            Self::Dataset(dataset) => Some(dataset),
            Self::Queues => Some(Dataset::Jobs),
            Self::Reasons => Some(Dataset::Deliveries),
            Self::Traffic | Self::Found => None,
        }
    }

    /// Fields that columns may show beside those of the dataset.
    pub const fn extra(self) -> &'static [Field] {
        match self {
            Self::Dataset(Dataset::Mismatches) => PERSON,
            Self::Dataset(Dataset::Customers) => CUSTOMERS,
            Self::Dataset(Dataset::Checks) => CHECKS,
            Self::Dataset(_) => COMMON,
            Self::Traffic => TRAFFIC,
            Self::Queues => QUEUES,
            Self::Reasons => REASONS,
            Self::Found => FOUND,
        }
    }

    /// Every field that a column may show.
    pub fn fields(self) -> impl Iterator<Item = &'static Field> {
        let own: &'static [Field] = match self {
            Self::Dataset(dataset) => dataset.fields(),
            _ => &[],
        };
        self.extra().iter().chain(own)
    }

    /// The field of that name.
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().find(|f| f.name == name)
    }
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As it stands.
    Text,
    /// Shortened in the middle.
    Id,
    /// `3h`
    Age,
    /// `14:02:11`
    Clock,
    /// `in 12s`
    Next,
    /// `$49/mo`
    Money,
    /// `84ms`
    Latency,
    /// `0.3 %`, from hundredths of a percent.
    Percent,
    /// `1,204`
    Count,
    /// An HTTP status.
    Status,
    /// Glyph and word.
    Mark,
    /// A small line.
    Spark,
}

impl Format {
    const TABLE: &'static [(&'static str, Self)] = &[
        ("text", Self::Text),
        ("id", Self::Id),
        ("age", Self::Age),
        ("clock", Self::Clock),
        ("next", Self::Next),
        ("money", Self::Money),
        ("latency", Self::Latency),
        ("percent", Self::Percent),
        ("count", Self::Count),
        ("status", Self::Status),
        ("mark", Self::Mark),
        ("spark", Self::Spark),
    ];

    /// Every word.
    pub fn words() -> impl Iterator<Item = &'static str> {
        Self::TABLE.iter().map(|(word, _)| *word)
    }

    /// What the word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::TABLE.iter().find(|(w, _)| *w == word).map(|(_, format)| *format)
    }

    /// What a field is written as when nothing is said.
    pub fn of(field: &Field) -> Self {
        match (field.name, field.kind) {
            ("mark", _) => Self::Mark,
            ("spark", _) => Self::Spark,
            ("status", FieldKind::Number) => Self::Status,
            ("uptime" | "failing", _) => Self::Percent,
            (_, FieldKind::Number) => Self::Count,
            (_, FieldKind::Duration) => Self::Latency,
            (_, FieldKind::Time) => Self::Age,
            (_, FieldKind::Money) => Self::Money,
            (_, FieldKind::Text | FieldKind::Word(_) | FieldKind::List) => Self::Text,
        }
    }

    /// Whether values of that field can be written so.
    pub fn fits(self, field: &Field) -> bool {
        match self {
            Self::Mark => field.name == "mark",
            Self::Spark => field.name == "spark",
            Self::Text => !matches!(field.name, "mark" | "spark"),
            Self::Id => field.kind == FieldKind::Text && field.name != "mark",
            Self::Age | Self::Clock | Self::Next => field.kind == FieldKind::Time,
            Self::Money => field.kind == FieldKind::Money,
            Self::Latency => field.kind == FieldKind::Duration,
            Self::Percent | Self::Count | Self::Status => field.kind == FieldKind::Number,
        }
    }

    /// Whether it stands on the right of its column.
    pub const fn right(self) -> bool {
        matches!(
            self,
            Self::Age | Self::Money | Self::Latency | Self::Percent | Self::Count | Self::Status | Self::Next
        )
    }
}

/// How strongly a column is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As text.
    Plain,
    /// What the eye should find.
    Strong,
    /// Secondary.
    Muted,
}

/// What happens to a screen below 100 columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Narrow {
    /// Panes stand below each other.
    Stack,
    /// Only the first pane of each row stays.
    First,
}

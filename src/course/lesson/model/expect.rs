//! Expectations on answers: rows, JSON values, numbers.

use super::common::Template;

/// The answer that a statement or an SQL check must give. All that is given must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SqlExpect {
    /// The rows as text, NULL as `null`, in order. Only whole numbers may stand without quotes.
    pub rows: Option<Vec<Vec<Option<Template>>>>,
    /// The number of rows.
    pub count: Option<u64>,
    /// A regular expression on the printed result or command tag.
    pub matches: Option<String>,
    /// The error it must end with; its absence means success.
    pub sqlstate: Option<String>,
    /// Numbers in what is printed.
    pub numbers: Vec<NumberInText>,
}

/// What a number must be. YAML: `at_least`, `at_most`, `times`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NumberBound {
    pub at_least: Option<Template>,
    pub at_most: Option<Template>,
    /// A factor of both; 1 by default.
    pub times: f64,
}

/// A number that a pattern finds in a text, by its first group.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberInText {
    pub pattern: String,
    pub bound: NumberBound,
}

impl NumberBound {
    /// Returns the texts that may hold references.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.at_least.iter().chain(&self.at_most).map(|template| template.0.as_str())
    }
}

/// The answer that an invocation must give.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LambdaExpect {
    /// Assertions on the response, YAML: `expect: [{path: $.balance, equals: 90}, …]`.
    pub response: Vec<JsonExpect>,
    /// A regular expression that the function's error must match; absence means success (YAML: `error`).
    pub error: Option<String>,
}

/// One assertion on a JSON document.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonExpect {
    /// JSONPath, `$.balance`.
    pub path: String,
    pub is: JsonIs,
}

#[derive(Debug, Clone, PartialEq)]
pub enum JsonIs {
    /// YAML: `equals: VALUE`, any YAML value; strings in it may hold references.
    Equals(serde_json::Value),
    /// YAML: `matches: REGEX`, on the value as text.
    Matches(String),
    /// YAML: `number: {equals: "${capture.before}", plus: -10}`; `plus` defaults to 0.
    Number { equals: Template, plus: i64 },
    /// YAML: `exists: true` or `false`.
    Exists(bool),
}

//! Expectations on an answer, as it is written: rows, JSON values, numbers.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::scalars::{FigureText, JsonPathText, Pattern, PlainTemplate, SqlState};

/// The answer that a statement must give; all that is given must hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an SQL expectation")]
pub struct SqlExpectYaml {
    /// The rows in order; values as the console prints them, NULL as `null`.
    #[serde(default)]
    pub rows: Option<Vec<Vec<CellYaml>>>,
    /// The number of rows.
    #[serde(default)]
    pub count: Option<u64>,
    /// A pattern that the printed result or the command tag must match.
    #[serde(default)]
    pub matches: Option<Pattern>,
    /// The error it must end with; without it, success.
    #[serde(default)]
    pub sqlstate: Option<SqlState>,
    /// Numbers in what is printed, and what they must be.
    #[serde(default)]
    pub numbers: Vec<NumberInTextYaml>,
}

/// A number in a text, and what it must be: `at_least`, `at_most`, or both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a number in a text")]
pub struct NumberInTextYaml {
    /// A pattern whose first group is the number.
    pub pattern: Pattern,
    #[serde(default)]
    pub at_least: Option<AmountYaml>,
    #[serde(default)]
    pub at_most: Option<AmountYaml>,
    /// What `at_least` and `at_most` are multiplied by; 1 by default.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub times: Option<f64>,
}

/// A figure of a load, and what it must be: `at_least`, `at_most`, or both.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a bound of a figure")]
pub struct FigureBoundYaml {
    pub figure: FigureText,
    #[serde(default)]
    pub at_least: Option<AmountYaml>,
    #[serde(default)]
    pub at_most: Option<AmountYaml>,
    /// What `at_least` and `at_most` are multiplied by; 1 by default.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub times: Option<f64>,
}

/// A number, or a reference to a value that is one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum AmountYaml {
    Number(f64),
    Template(PlainTemplate),
}

/// A value as the console prints it: text or a whole number (anything else in quotes), or null.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CellYaml {
    Text(PlainTemplate),
    Number(i64),
    Null(()),
}

/// One assertion on a JSON document: a path, and exactly one of `equals`, `matches`, `number`, `exists`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "an assertion", extend("x-exactly-one-of" = ASSERTIONS))]
pub struct AssertionYaml {
    pub path: JsonPathText,
    /// Any value; text in it may hold references.
    #[serde(default, deserialize_with = "given")]
    pub equals: Option<serde_json::Value>,
    /// On the value as text.
    #[serde(default)]
    pub matches: Option<Pattern>,
    #[serde(default)]
    pub number: Option<NumberYaml>,
    #[serde(default)]
    pub exists: Option<bool>,
}

/// The keys of an assertion that say what must hold.
pub const ASSERTIONS: [&str; 4] = ["equals", "matches", "number", "exists"];

/// A number relative to another: `{equals: "${capture.before}", plus: -10}`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a number")]
pub struct NumberYaml {
    pub equals: NumberOrTemplateYaml,
    /// Added to it; 0 by default.
    #[serde(default)]
    pub plus: Option<i64>,
}

/// A whole number, or a reference to a value that is one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum NumberOrTemplateYaml {
    Number(i64),
    Template(PlainTemplate),
}

/// Tells `equals: null` from no `equals` at all.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
}

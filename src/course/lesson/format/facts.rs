//! `facts.yaml` as it is written: what the lessons state about the world outside, and when that was looked up.

use schemars::JsonSchema;
use serde::Deserialize;

use super::scalars::{DateText, Id, Text};

/// `facts.yaml`: statements that may change without the course, each with its source and when it was looked up.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a table of facts")]
pub struct FactsYaml {
    #[schemars(length(min = 1))]
    pub facts: Vec<FactYaml>,
}

/// One statement that the lessons make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a fact")]
pub struct FactYaml {
    /// The statement, as a sentence.
    pub says: Text,
    /// The place where it was read: an address, or the name of what was measured.
    pub source: Text,
    /// The day it was looked up.
    pub checked: DateText,
    /// The chapters that state it.
    #[serde(default)]
    pub chapters: Vec<Id>,
}

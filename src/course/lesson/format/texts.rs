//! Texts of a course in another language as they are written: `locales/LANGUAGE/course.yaml` and a file for each chapter.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::scalars::Text;

/// `locales/LANGUAGE/course.yaml`: the course's own texts in another language.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "the course's texts")]
pub struct CourseTextsYaml {
    #[serde(default)]
    pub title: Option<Text>,
    #[serde(default)]
    pub costs: Option<Text>,
    /// Options that are chosen, by the ids of the choices.
    #[serde(default)]
    pub choices: BTreeMap<String, ChoiceTextsYaml>,
    /// The advice (`fix`) of the prerequisites, by their names.
    #[serde(default)]
    pub prerequisites: BTreeMap<String, Text>,
}

/// A choice's texts in another language.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a choice's texts")]
pub struct ChoiceTextsYaml {
    #[serde(default)]
    pub title: Option<Text>,
    /// The titles of the options, by their ids.
    #[serde(default)]
    pub options: BTreeMap<String, Text>,
}

/// `locales/LANGUAGE/chNN.yaml`: a chapter's texts in another language. What is left out stays as it is.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a chapter's texts")]
pub struct ChapterTextsYaml {
    #[serde(default)]
    pub title: Option<Text>,
    /// All of them, in the order of the chapter.
    #[serde(default)]
    pub goals: Option<Vec<Text>>,
    /// By the ids of the steps.
    #[serde(default)]
    pub steps: BTreeMap<String, StepTextsYaml>,
    /// By the ids of the checks.
    #[serde(default)]
    pub checks: BTreeMap<String, CheckTextsYaml>,
}

/// A step's texts in another language.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a step's texts")]
pub struct StepTextsYaml {
    #[serde(default)]
    pub title: Option<Text>,
    /// Markdown, for everyone.
    #[serde(default)]
    pub say: Option<Text>,
    /// Markdown, for the presenter only.
    #[serde(default)]
    pub notes: Option<Text>,
    #[serde(default)]
    pub while_running: Option<Text>,
    #[serde(default)]
    pub after: Option<Text>,
    #[serde(default)]
    pub elsewhere: Option<Text>,
    /// All of them, in the order of the step.
    #[serde(default)]
    pub hints: Option<Vec<Text>>,
    /// The notes on its changes, by file: all of a file, from its top to its end.
    #[serde(default)]
    pub changes: BTreeMap<String, Vec<Text>>,
}

/// A check's texts in another language.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a check's texts")]
pub struct CheckTextsYaml {
    #[serde(default)]
    pub title: Option<Text>,
    #[serde(default)]
    pub on_fail: Option<Text>,
    /// All of them, in the order of the check.
    #[serde(default)]
    pub hints: Option<Vec<Text>>,
}

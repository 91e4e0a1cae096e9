//! Long-running processes as they are written: what starts one, when it is ready, what stops it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::command::{AllYaml, CommandYaml};
use super::scalars::{CaptureSource, Id, Pattern, Text, UrlTemplate};

/// A process that goes on when its step is over: until a later `stop`, another `serve` of its name, or the chapter's end.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a long-running process")]
pub struct ServeYaml {
    /// The name that it is shown and stopped by.
    pub name: Id,
    pub run: CommandYaml,
    /// Directory below the working directory; its root by default.
    #[serde(default)]
    pub cwd: Option<Text>,
    /// The sign that it is ready, for which the step waits; without it, that it runs.
    #[serde(default)]
    pub ready: Option<ReadyYaml>,
    /// Values to keep from what it prints until it is ready, by name.
    #[serde(default)]
    pub capture: BTreeMap<String, CaptureSource>,
}

/// The sign that a process is ready: exactly one of `output`, `port`, `http`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a sign of readiness", extend("x-exactly-one-of" = READY_SIGNS))]
pub struct ReadyYaml {
    /// A pattern that its output must match.
    #[serde(default)]
    pub output: Option<Pattern>,
    /// A port of this machine that must answer.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: Option<u32>,
    /// An address that must answer with a status below 400.
    #[serde(default)]
    pub http: Option<UrlTemplate>,
}

/// The keys of a sign of readiness.
pub const READY_SIGNS: [&str; 3] = ["output", "port", "http"];

/// `all` processes that run, or their names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StopYaml {
    All(AllYaml),
    Names(Vec<Id>),
}

//! A check over HTTP as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::expect::AssertionYaml;
use super::scalars::{JsonTemplate, Pattern, PlainTemplate, UrlTemplate};

/// One request over HTTP, and what must be answered. Redirects are not followed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a check over HTTP")]
pub struct HttpCheckYaml {
    pub url: UrlTemplate,
    /// `GET` by default, `POST` where something is sent.
    #[serde(default)]
    pub method: Option<HttpMethodYaml>,
    /// Headers to send, by name.
    #[serde(default)]
    pub headers: BTreeMap<String, PlainTemplate>,
    /// JSON to send, with its content type.
    #[serde(default)]
    pub json: Option<JsonTemplate>,
    /// Text to send.
    #[serde(default)]
    pub body: Option<PlainTemplate>,
    /// The status that must come; any from 200 to 299 by default.
    #[serde(default)]
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<u32>,
    /// Patterns that headers of the answer must match, by name.
    #[serde(default)]
    pub answer_headers: BTreeMap<String, Pattern>,
    /// A pattern that the answer's text must match.
    #[serde(default)]
    pub matches: Option<Pattern>,
    /// Assertions on the answer as JSON.
    #[serde(default)]
    pub expect: Vec<AssertionYaml>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethodYaml {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

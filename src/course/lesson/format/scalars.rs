//! The values of a lesson file that are one scalar in YAML, each with the form that `shape` checks it for.

use schemars::JsonSchema;
use serde::Deserialize;

/// Declares a type that is one scalar in YAML, with the form that `shape` checks it for.
macro_rules! scalars {
    ($($(#[$meta:meta])* $name:ident($inner:ty) = $kind:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(extend("x-kind" = $kind))]
        pub struct $name(pub $inner);
    )*};
}

scalars! {
    /// Some text.
    Text(String) = "text";
    /// A name: lower-case letters, digits and hyphens, beginning with a letter.
    Id(String) = "id";
    /// The name of a directory: letters, digits, `.`, `_` and `-`, beginning with a letter or a digit.
    DirectoryName(String) = "directory";
    /// The name of a CloudFormation stack: letters, digits and hyphens, beginning with a letter.
    StackName(String) = "stack";
    /// The name or ARN of a Lambda function, with `${…}` references.
    FunctionTemplate(String) = "function";
    /// A number of minutes; fractions are allowed.
    Minutes(f64) = "minutes";
    /// A day, `2026-11-28`.
    DateText(String) = "date";
    /// A duration such as `90s`, `2m` or `1m 30s`, at most a day.
    DurationText(String) = "duration";
    /// How far a clock is moved: `+16m`, `+1h 1m`, `-90s`.
    SpanText(String) = "span";
    /// A figure of a load: `failed`, `per_second`, `p50_ms`, `p99_ms`, or `sum($.path)`, `mean($.path)`, `max($.path)` of a
    /// number in the answers.
    FigureText(String) = "figure";
    /// A regular expression (the syntax of the Rust crate regex).
    Pattern(String) = "pattern";
    /// A JSONPath, `$.balance`.
    JsonPathText(String) = "path";
    /// Five letters and digits, `40001`.
    SqlState(String) = "sqlstate";
    /// A range of versions, `>=20`.
    VersionRange(String) = "version";
    /// SQL with `${…}` references, which are quoted as SQL literals.
    SqlTemplate(String) = "sql";
    /// JSON with `${…}` references, which are quoted as JSON.
    JsonTemplate(String) = "json";
    /// A shell command with `${…}` references, which are quoted as shell words.
    ShellTemplate(String) = "shell";
    /// The address of a PostgreSQL server, `postgres://ROLE@HOST:5432/DATABASE`.
    DatabaseUrlText(String) = "database_url";
    /// The name of an environment variable, `DATABASE_URL`.
    VariableName(String) = "variable";
    /// A web address with `${…}` references, which are quoted for their place in it.
    UrlTemplate(String) = "url";
    /// A pattern, whose first group is the value, or all of it; or, of JSON, a JSONPath, `$.id`.
    CaptureSource(String) = "capture";
    /// Text with `${…}` references.
    PlainTemplate(String) = "plain";
}

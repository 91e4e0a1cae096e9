//! Variables (`\set`): names, values, and those that steer the console. Pure.

use std::collections::BTreeMap;

use crate::scan::VariableQuoting;
use crate::servererror::{ShowContext, Verbosity};
use workshop_base::sql;

/// The part of the input that is repeated (`\set ECHO`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Echo {
    #[default]
    None,
    /// Statements as they are sent.
    Queries,
    /// Statements that failed.
    Errors,
    /// Every line of input.
    All,
}

/// The variables of a console. Those with a meaning cannot be given a value that has none.
#[derive(Debug, Clone)]
pub struct Vars {
    values: BTreeMap<String, String>,
}

/// The names that mean something, with the values they take, for completion and checking.
pub const KNOWN: &[(&str, Takes)] = &[
    ("AUTOCOMMIT", Takes::Bool),
    ("COMP_KEYWORD_CASE", Takes::OneOf(&["lower", "upper", "preserve-lower", "preserve-upper"])),
    ("CONFIRM_DESTRUCTIVE", Takes::Bool),
    ("ECHO", Takes::OneOf(&["none", "errors", "queries", "all"])),
    ("ECHO_HIDDEN", Takes::OneOf(&["on", "off", "noexec"])),
    ("FETCH_COUNT", Takes::Number),
    ("HIDE_TABLEAM", Takes::Bool),
    ("HIDE_TOAST_COMPRESSION", Takes::Bool),
    ("HISTCONTROL", Takes::OneOf(&["none", "ignorespace", "ignoredups", "ignoreboth"])),
    ("HISTFILE", Takes::Text),
    ("HISTSIZE", Takes::Number),
    ("IGNOREEOF", Takes::Number),
    ("ON_ERROR_ROLLBACK", Takes::OneOf(&["off"])),
    ("ON_ERROR_STOP", Takes::Bool),
    ("PROMPT1", Takes::Text),
    ("PROMPT2", Takes::Text),
    ("PROMPT3", Takes::Text),
    ("QUIET", Takes::Bool),
    ("SHOW_CONTEXT", Takes::OneOf(&["never", "errors", "always"])),
    ("SINGLELINE", Takes::Bool),
    ("VERBOSITY", Takes::OneOf(&["default", "verbose", "terse", "sqlstate"])),
    ("WATCH_INTERVAL", Takes::Text),
];

/// The values that a variable takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Bool,
    Number,
    Text,
    OneOf(&'static [&'static str]),
}

impl Default for Vars {
    fn default() -> Self {
        let start = [
            ("AUTOCOMMIT", "on"),
            ("COMP_KEYWORD_CASE", "preserve-upper"),
            ("ECHO", "none"),
            ("ECHO_HIDDEN", "off"),
            ("ERROR", "false"),
            ("FETCH_COUNT", "0"),
            ("HIDE_TABLEAM", "off"),
            ("HIDE_TOAST_COMPRESSION", "off"),
            ("HISTCONTROL", "none"),
            ("HISTSIZE", "5000"),
            ("IGNOREEOF", "0"),
            ("LAST_ERROR_MESSAGE", ""),
            ("LAST_ERROR_SQLSTATE", "00000"),
            ("ON_ERROR_ROLLBACK", "off"),
            ("ON_ERROR_STOP", "off"),
            ("PROMPT1", "%/%R%x%# "),
            ("PROMPT2", "%/%R%x%# "),
            ("PROMPT3", ">> "),
            ("QUIET", "off"),
            ("ROW_COUNT", "0"),
            ("SHOW_CONTEXT", "errors"),
            ("SINGLELINE", "off"),
            ("SQLSTATE", "00000"),
            ("VERBOSITY", "default"),
        ];
        Vars { values: start.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect() }
    }
}

impl Vars {
    /// Returns the value of a variable that is set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Goes through the variables that are set, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// Sets a variable. The error is psql's text for the mistake.
    ///
    /// # Errors
    /// When the name is no name, or the value means nothing to a variable that has a meaning.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        if !is_name(name) {
            return Err(format!("invalid variable name: \"{name}\""));
        }
        let known = KNOWN.iter().find(|(k, _)| *k == name);
        let value = match known.map(|(_, takes)| takes) {
            Some(Takes::Bool) => match boolean(value) {
                Some(on) => if on { "on" } else { "off" }.to_owned(),
                None => {
                    return Err(format!("unrecognized value \"{value}\" for \"{name}\": Boolean expected"));
                }
            },
            Some(Takes::Number) if name == "IGNOREEOF" && value.parse::<i32>().is_err() => "10".to_owned(),
            Some(Takes::Number) if value.parse::<i32>().is_err() => {
                return Err(format!("invalid value \"{value}\" for \"{name}\": integer expected"));
            }
            Some(Takes::OneOf(choices)) => {
                let lower = value.to_ascii_lowercase();
                match choices.iter().find(|c| **c == lower) {
                    Some(choice) => (*choice).to_owned(),
                    None if name == "ON_ERROR_ROLLBACK" => return Err(NO_SAVEPOINTS.to_owned()),
                    None if name == "ECHO_HIDDEN" && boolean(value).is_some() => {
                        if boolean(value) == Some(true) { "on" } else { "off" }.to_owned()
                    }
                    None => {
                        return Err(format!(
                            "unrecognized value \"{value}\" for \"{name}\"\nAvailable values are: {}.",
                            choices.join(", ")
                        ));
                    }
                }
            }
            Some(Takes::Number | Takes::Text) | None => value.to_owned(),
        };
        self.values.insert(name.to_owned(), value);
        Ok(())
    }

    /// Sets a variable that the console itself keeps.
    pub fn put(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// Forgets a variable. As in psql, a switch goes off, and what else has a meaning goes back to its beginning; but a prompt
    /// is empty then.
    pub fn unset(&mut self, name: &str) {
        let takes = KNOWN.iter().find(|(known, _)| *known == name).map(|(_, takes)| takes);
        let left = match takes {
            Some(Takes::Bool) => Some("off".to_owned()),
            Some(_) if name.starts_with("PROMPT") => Some(String::new()),
            Some(_) => Vars::default().values.remove(name),
            None => None,
        };
        match left {
            Some(value) => self.put(name, value),
            None => drop(self.values.remove(name)),
        }
    }

    /// Tells whether a variable is `on`.
    pub fn on(&self, name: &str) -> bool {
        self.get(name) == Some("on")
    }

    /// Returns what ECHO repeats.
    pub fn echo(&self) -> Echo {
        match self.get("ECHO") {
            Some("queries") => Echo::Queries,
            Some("errors") => Echo::Errors,
            Some("all") => Echo::All,
            _ => Echo::None,
        }
    }

    /// Returns how much of an error VERBOSITY shows.
    pub fn verbosity(&self) -> Verbosity {
        match self.get("VERBOSITY") {
            Some("verbose") => Verbosity::Verbose,
            Some("terse") => Verbosity::Terse,
            Some("sqlstate") => Verbosity::Sqlstate,
            _ => Verbosity::Default,
        }
    }

    /// Returns when SHOW_CONTEXT shows the context of a message.
    pub fn context(&self) -> ShowContext {
        match self.get("SHOW_CONTEXT") {
            Some("never") => ShowContext::Never,
            Some("always") => ShowContext::Always,
            _ => ShowContext::Errors,
        }
    }

    /// Rows printed at a time; nothing set means that the console decides.
    pub fn fetch_count(&self) -> Option<usize> {
        self.get("FETCH_COUNT").and_then(|v| v.parse().ok()).filter(|n| *n > 0)
    }

    /// A variable's value, quoted for its place in a statement.
    pub fn quoted(&self, name: &str, quoting: VariableQuoting) -> Option<String> {
        let value = self.get(name);
        match quoting {
            VariableQuoting::Plain => value.map(str::to_owned),
            VariableQuoting::Literal => value.map(|value| match sql::quote_literal(value) {
                // As libpq writes it: the prefix must not stand right behind a word.
                escaped if escaped.starts_with('E') => format!(" {escaped}"),
                plain => plain,
            }),
            VariableQuoting::Identifier => value.map(sql::quote_identifier),
            VariableQuoting::Test => Some(if value.is_some() { "TRUE" } else { "FALSE" }.to_owned()),
        }
    }
}

/// `on`, `off`, `true`, `false`, `yes`, `no`, `1`, `0` and their beginnings; nothing counts as on.
pub fn boolean(value: &str) -> Option<bool> {
    let v = value.to_ascii_lowercase();
    match v.as_str() {
        "" => Some(true),
        "1" | "on" => Some(true),
        "0" | "of" | "off" => Some(false),
        _ if "true".starts_with(&v) || "yes".starts_with(&v) => Some(true),
        _ if "false".starts_with(&v) || "no".starts_with(&v) => Some(false),
        _ => None,
    }
}

/// Tells whether a variable can have this name: letters, digits and `_`.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii())
}

const NO_SAVEPOINTS: &str = "ON_ERROR_ROLLBACK needs savepoints, and Aurora DSQL has none: \
                             after an error, ROLLBACK and run the transaction again";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_where_they_mean_something() {
        let mut vars = Vars::default();
        vars.set("ON_ERROR_STOP", "1").unwrap();
        assert!(vars.on("ON_ERROR_STOP"));
        assert!(vars.set("ON_ERROR_STOP", "maybe").is_err());
        assert!(vars.set("ECHO", "loud").unwrap_err().contains("none, errors, queries, all"));
        assert!(vars.set("FETCH_COUNT", "x").is_err());
        assert!(vars.set("ON_ERROR_ROLLBACK", "on").unwrap_err().contains("savepoints"));
        assert!(vars.set("a b", "x").is_err());
        vars.unset("ON_ERROR_STOP");
        assert!(!vars.on("ON_ERROR_STOP"));
        vars.unset("AUTOCOMMIT");
        assert_eq!(vars.get("AUTOCOMMIT"), Some("off"));
        vars.unset("ECHO");
        assert_eq!(vars.get("ECHO"), Some("none"));
    }

    #[test]
    fn a_value_cannot_break_out_of_its_quotes() {
        let mut vars = Vars::default();
        vars.set("x", "it's \\ \"q\"").unwrap();
        assert_eq!(vars.quoted("x", VariableQuoting::Literal).unwrap(), " E'it''s \\\\ \"q\"'");
        assert_eq!(vars.quoted("x", VariableQuoting::Identifier).unwrap(), "\"it's \\ \"\"q\"\"\"");
        assert_eq!(vars.quoted("nope", VariableQuoting::Literal), None);
    }
}

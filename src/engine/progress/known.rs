//! What references in texts for people stand for, as far as events have told.

use std::borrow::Cow;

use serde_json::Value;

use super::state::Progress;
use workshop_course::lesson::model::Course;
use workshop_course::lesson::template::{self, Reference};

impl Progress {
    /// Names the files of the project in a text by their place in it.
    pub fn in_project<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let workdir = self.workdir.as_ref().map(|dir| format!("{}/", dir.display()));
        match workdir.filter(|dir| dir.len() > 2 && text.contains(dir.as_str())) {
            Some(dir) => Cow::Owned(text.replace(&dir, "")),
            None => Cow::Borrowed(text),
        }
    }

    /// Returns the value that a reference stands for; None as long as that is not known.
    pub fn value(&self, course: &Course, reference: &Reference) -> Option<Value> {
        match reference {
            Reference::Capture(name) => self.captures.get(name).cloned(),
            other => self.known(course, other).map(Value::from),
        }
    }

    /// Returns what a reference stands for as a text; None as long as that is not known.
    pub fn known(&self, course: &Course, reference: &Reference) -> Option<String> {
        match reference {
            Reference::Output(key) => self.outputs.get(key).map(|output| output.value.clone()),
            Reference::Stack => course.stack.clone(),
            Reference::Function => {
                let inner = |inner: &Reference| match inner {
                    Reference::Function => None,
                    other => self.known(course, other),
                };
                course.function.as_ref().map(|name| template::in_prose(&name.0, inner).into_owned())
            }
            Reference::Capture(name) => self.captures.get(name).map(|value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            }),
            Reference::Region => self.reached.as_ref().map(|place| place.region.clone()),
            Reference::Account => self.reached.as_ref().map(|place| place.account.clone()),
            Reference::Variable(name) => course.variables.get(name).cloned(),
            Reference::Choice(name) => course.chosen.get(name).cloned(),
            Reference::ClusterEndpoint | Reference::ClusterIdentifier | Reference::Caller | Reference::Generated(_) => {
                None
            }
        }
    }

    /// Returns a text for people with its references filled in, as far as their values are known.
    pub fn filled<'t>(&self, course: &Course, text: &'t str) -> Cow<'t, str> {
        template::in_prose(text, |reference| self.known(course, reference))
    }
}

//! The builder of one chapter: where it reports to, and the references it meets on the way.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::lesson::lens::Lens;
use crate::lesson::model::Template;
use crate::lesson::template::{self, Reference, TemplateSyntax};
use workshop_base::problem::{Problem, Spot};

/// A reference to a captured value, for `rules` to prove that it is captured before.
pub struct Use {
    pub owner: Owner,
    pub capture: String,
    pub spot: Spot,
}

/// What uses a captured value: a step or a check, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Step(usize),
    Check(usize),
}

pub struct Builder<'p> {
    pub problems: &'p mut Vec<Problem>,
    pub uses: Vec<Use>,
    pub owner: Owner,
    /// Files of whose changes one is named wrongly, which was reported: whether another is left out cannot be known.
    pub doubtful: BTreeSet<String>,
}

impl Builder<'_> {
    pub(super) fn template(&mut self, lens: Lens<'_>, text: &str) -> Template {
        if !lens.is_broken() {
            for reference in template::references(text) {
                let Reference::Capture(capture) = reference else { continue };
                let spot = lens.spot_of(&format!("${{capture.{capture}}}"), 0);
                self.uses.push(Use { owner: self.owner, capture, spot });
            }
        }
        Template(text.to_owned())
    }

    /// Checks the texts in a free value, which `shape` does not look into.
    pub(super) fn templates_in(&mut self, lens: Lens<'_>, value: &Value) {
        match value {
            Value::String(text) => {
                for error in template::check(text, TemplateSyntax::Plain) {
                    let spot = error.snippet().map_or(lens.spot(), |snippet| lens.spot_of(&snippet, 0));
                    self.problems.push(Problem::course(&error).hint(error.hint()).at(spot));
                }
                self.template(lens, text);
            }
            Value::Array(items) => items.iter().for_each(|item| self.templates_in(lens, item)),
            Value::Object(map) => map.values().for_each(|item| self.templates_in(lens, item)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

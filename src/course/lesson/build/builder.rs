//! The builder of one chapter: where it reports to, and the references it meets on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::convert::as_it_stands;
use crate::code::tree::Reading;
use crate::lesson::format::{CommandYaml, Text};
use crate::lesson::images;
use crate::lesson::lens::Lens;
use crate::lesson::model::Template;
use crate::lesson::template::{self, Occurrences, Reference, TemplateError, TemplateSyntax};
use workshop_base::problem::{Problem, Spot};

/// A reference, for `rules` to prove that it will have a value.
pub struct Use {
    pub owner: Owner,
    pub reference: Reference,
    pub spot: Spot,
}

/// The roles that the console's sessions are connected as, by session: they stay open from chapter to chapter. None is
/// the database's usual one.
pub type Sessions = BTreeMap<String, Option<String>>;

/// The places at which changes are named: by the index of the step, the file, and the place of the change in it.
pub type ChangePlaces = BTreeMap<(usize, String, usize), Spot>;

/// The holder of a reference: a step or a check, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Step(usize),
    Check(usize),
}

pub struct Builder<'p> {
    pub problems: &'p mut Vec<Problem>,
    /// The directory of the lessons.
    pub lessons: &'p Path,
    pub uses: Vec<Use>,
    pub owner: Owner,
    /// Files of whose changes one is named wrongly, which was reported: whether another is left out cannot be known.
    pub doubtful: BTreeSet<String>,
    /// The place at which each change is named, by its step, file and place in the file.
    pub named: ChangePlaces,
    /// The places of each `match` of a part of a change that is not the text of one change alone.
    pub unclear: Vec<Spot>,
    /// Files in the snapshot's directory that are not part of it.
    pub left_out: &'p Reading,
    pub sessions: &'p mut Sessions,
    /// Who connects where nobody is named; None where only the database's address says it.
    pub usual_role: Option<String>,
    /// The values that earlier statements of the step that is built have captured.
    pub captured: BTreeSet<String>,
}

impl Builder<'_> {
    /// Takes a template, and notes what it refers to.
    pub(super) fn template(&mut self, lens: Lens<'_>, text: &str) -> Template {
        lens.report_slips(self.problems, text, &template::unmarked(text));
        if !lens.is_broken() {
            let mut occurrences = Occurrences::default();
            for reference in template::references(text) {
                let written = format!("${{{reference}}}");
                let nth = occurrences.next(text, &written);
                if matches!(&reference, Reference::Capture(name) if self.captured.contains(name)) {
                    continue;
                }
                let spot = lens.spot_of(&written, nth);
                self.uses.push(Use { owner: self.owner, reference, spot });
            }
        }
        Template(text.to_owned())
    }

    /// Takes the command line of this machine's operating system; what the others refer to is noted as well.
    pub(super) fn command(&mut self, lens: Lens<'_>, run: &CommandYaml) -> Template {
        for (os, line) in run.lines() {
            self.template(os.map_or(lens, |os| lens.key(os)), &line.0);
        }
        Template(run.on(std::env::consts::OS).0.clone())
    }

    /// Takes a text for people: what it refers to must have a value, and all else in it is only text.
    pub(super) fn prose(&mut self, lens: Lens<'_>, text: &str) -> String {
        self.template(lens, text);
        images::check(text, lens, self.lessons, self.problems);
        let misspelt: Vec<TemplateError> = template::misspelt(text).into_iter().map(TemplateError::Unknown).collect();
        lens.report_slips(self.problems, text, &misspelt);
        text.to_owned()
    }

    /// Takes a title, in which nothing is filled in.
    pub fn title(&mut self, lens: Lens<'_>, text: &Text) -> String {
        nothing_is_filled_in(lens, &text.0, self.problems);
        as_it_stands(text)
    }

    /// As [`Builder::prose`], for a text that may be left out.
    pub(super) fn prose_option(&mut self, lens: Lens<'_>, text: Option<&Text>) -> Option<String> {
        text.map(|text| self.prose(lens, &text.0))
    }

    /// As [`Builder::prose`], for a list of texts.
    pub(super) fn prose_list(&mut self, lens: Lens<'_>, texts: &[Text]) -> Vec<String> {
        texts.iter().enumerate().map(|(i, text)| self.prose(lens.item(i), &text.0)).collect()
    }

    /// Takes the values that a step keeps, by name.
    pub(super) fn captures<'t>(
        &mut self,
        lens: Lens<'_>,
        raw: impl IntoIterator<Item = (&'t String, &'t String)>,
    ) -> Vec<(String, String)> {
        let mut captures = Vec::new();
        for (name, source) in raw {
            self.capture_name(lens.key(name), name);
            captures.push((name.clone(), source.clone()));
        }
        captures
    }

    /// Reports a name that no reference could have.
    pub(super) fn capture_name(&mut self, lens: Lens<'_>, name: &str) {
        if Reference::parse(&format!("capture.{name}")).is_none() {
            let problem = Problem::course(format_args!("`{name}` cannot be referred to"));
            lens.report(self.problems, problem.expected("a name of letters, digits and underscores"));
        }
    }

    /// Checks the texts in a free value, which `shape` does not look into.
    pub(super) fn templates_in(&mut self, lens: Lens<'_>, value: &Value) {
        match value {
            Value::String(text) => {
                lens.report_slips(self.problems, text, &template::check(text, TemplateSyntax::Plain));
                self.template(lens, text);
            }
            Value::Array(items) => items.iter().for_each(|item| self.templates_in(lens, item)),
            Value::Object(map) => map.values().for_each(|item| self.templates_in(lens, item)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Reports a reference in a text that is shown or run as it stands.
pub(super) fn nothing_is_filled_in(lens: Lens<'_>, text: &str, problems: &mut Vec<Problem>) {
    let named = template::references(text).iter().map(|reference| format!("${{{reference}}}")).next();
    let meant = named.or_else(|| template::misspelt(text).first().map(|name| format!("${{{name}}}")));
    if let Some(reference) = meant.filter(|_| !lens.is_broken()) {
        let problem = Problem::course(format_args!("`{reference}` stays as it stands: nothing is filled in here"))
            .hint("references are filled in in `say`, `notes`, `hints` and what runs; a literal `${` is written `$${`");
        let nth = Occurrences::default().next(text, &reference);
        problems.push(problem.at(lens.spot_of(&reference, nth)));
    }
}

//! A way to walk a lesson file by keys and items while its values are read from elsewhere, so that
//! any rule can say where it was broken.
//!
//! Invariant: a lens on a value that `shape` found wrong, or below one, is mute: one fault, one report.

use super::model::Origin;
use super::sound::Sound;
use super::template::{Occurrences, TemplateError};
use workshop_base::problem::{Problem, Spot};
use workshop_yaml::{Document, Node, YamlValue};

#[derive(Clone, Copy)]
pub struct Lens<'a> {
    document: &'a Document,
    sound: &'a Sound,
    node: &'a Node,
    broken: bool,
}

impl<'a> Lens<'a> {
    /// Looks at a document from its root.
    pub fn new(document: &'a Document, sound: &'a Sound, root: &'a Node) -> Self {
        Lens { document, sound, node: root, broken: sound.is_broken(root) }
    }

    /// The value of a key; the mapping itself when the key is not there.
    pub fn key(self, key: &str) -> Self {
        match self.node.get(key) {
            Some(node) => self.on(node),
            None => Lens { broken: self.broken || self.sound.is_missing(self.node, key), ..self },
        }
    }

    /// The value of a key, if it is there.
    pub fn entry(self, key: &str) -> Option<Self> {
        self.node.get(key).map(|node| self.on(node))
    }

    /// An item of a list; the list itself when it is not there.
    pub fn item(self, index: usize) -> Self {
        match &self.node.value {
            YamlValue::List(items) => items.get(index).map_or(self, |node| self.on(node)),
            YamlValue::Plain(_) | YamlValue::Text(_) | YamlValue::Map(_) | YamlValue::Refused => self,
        }
    }

    fn on(self, node: &'a Node) -> Self {
        Lens { node, broken: self.broken || self.sound.is_broken(node), ..self }
    }

    /// Returns true where something was wrong already: then nothing more is said.
    pub fn is_broken(self) -> bool {
        self.broken
    }

    /// Returns true for a list of which something could not be read.
    pub fn is_incomplete(self) -> bool {
        self.sound.is_incomplete(self.node)
    }

    /// Returns the place of the value, for a problem.
    pub fn spot(self) -> Spot {
        self.document.spot(self.node.at)
    }

    /// Returns where the `nth` piece like this stands in the value.
    pub fn spot_of(self, snippet: &str, nth: usize) -> Spot {
        self.document.spot(self.document.find(self.node.at, snippet, nth))
    }

    /// Returns the file and line of the value, for the model.
    pub fn origin(self) -> Origin {
        Origin { file: self.document.file_of(self.node.at).clone(), line: self.spot().line }
    }

    /// Reports a problem at the value, unless something was wrong with it already.
    pub fn report(self, problems: &mut Vec<Problem>, problem: Problem) {
        if !self.broken {
            problems.push(problem.at(self.spot()));
        }
    }

    /// Reports what is wrong with a template, each slip where it stands in the value, whose text is given.
    pub fn report_slips(self, problems: &mut Vec<Problem>, text: &str, slips: &[TemplateError]) {
        let mut occurrences = Occurrences::default();
        for slip in slips.iter().filter(|_| !self.broken) {
            let spot = occurrences.of(slip, text).map_or(self.spot(), |(piece, nth)| self.spot_of(&piece, nth));
            problems.push(Problem::course(slip).hint(slip.hint()).at(spot));
        }
    }
}

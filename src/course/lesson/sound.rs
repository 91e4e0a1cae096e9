//! A document as it goes on after it was held against its schema: what was wrong in it is remembered.

use std::collections::HashSet;

use serde_yaml::Value as Yaml;

use workshop_base::problem::Problem;
use workshop_yaml::Node;

/// A document made sound.
#[derive(Debug, Default)]
pub struct Sound {
    pub value: Yaml,
    /// True when anything had to be replaced.
    pub repaired: bool,
    /// Nodes whose value was replaced, by address: nodes do not move while their document lives.
    broken: HashSet<usize>,
    /// Lists with items that could not be read, by address.
    incomplete: HashSet<usize>,
    /// Keys that should have been there.
    missing: HashSet<(usize, String)>,
    pub problems: Vec<Problem>,
}

impl Sound {
    /// Makes a document in which nothing was found wrong.
    pub fn whole(value: Yaml) -> Sound {
        Sound { value, ..Sound::default() }
    }

    /// Notes a node whose value was replaced.
    pub fn distrust(&mut self, node: &Node) {
        self.broken.insert(address(node));
    }

    /// Notes a key that a mapping should have.
    pub fn misses(&mut self, node: &Node, key: &str) {
        self.missing.insert((address(node), key.to_owned()));
    }

    /// Notes a list of which something is missing.
    pub fn lacks_items(&mut self, list: &Node) {
        self.incomplete.insert(address(list));
    }

    /// Returns true for a list of which something is missing: what holds of it as a whole is not known.
    pub fn is_incomplete(&self, list: &Node) -> bool {
        self.incomplete.contains(&address(list))
    }

    /// Returns true for a node whose value was replaced.
    pub fn is_broken(&self, node: &Node) -> bool {
        self.broken.contains(&address(node))
    }

    /// Returns true for a key that a mapping should have.
    pub fn is_missing(&self, node: &Node, key: &str) -> bool {
        self.missing.contains(&(address(node), key.to_owned()))
    }
}

fn address(node: &Node) -> usize {
    std::ptr::from_ref(node) as usize
}

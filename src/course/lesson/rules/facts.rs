//! The facts of a chapter besides its model.

use std::collections::BTreeSet;

use crate::code::tree::Reading;
use crate::lesson::build::{ChangePlaces, Use};
use crate::lesson::course_names::CourseNames;
use crate::lesson::lens::Lens;
use crate::lesson::model::Target;

/// The facts of a chapter besides its model.
pub struct ChapterFacts<'a> {
    /// The place where each step is written.
    pub steps: &'a [Lens<'a>],
    /// The same of each check.
    pub checks: &'a [Lens<'a>],
    pub names: &'a CourseNames,
    pub uses: &'a [Use],
    /// The places at which the steps name their changes.
    pub named: &'a ChangePlaces,
    /// False when it is not known which steps are for the chosen options, which was reported.
    pub options_are_known: bool,
    /// The files of whose changes it is not known which the steps mean; None when a snapshot could not be read, so that
    /// the diff means nothing.
    pub doubtful: Option<&'a BTreeSet<String>>,
    /// Files in the snapshot's directory that are not part of it.
    pub left_out: &'a Reading,
    pub cloud: &'a Cloud,
}

/// The things in the cloud that the course names.
pub struct Cloud {
    pub stack: bool,
    pub function: bool,
    /// There is one, whatever of it is named.
    pub any: bool,
    /// Statements ask another database than a cluster of the stack.
    pub own_database: bool,
    /// The targets that the course runs on; empty: both.
    pub targets: Vec<Target>,
}

/// A key that a course does not have, and what it could hold.
pub(super) type MissingKey = (&'static str, &'static str);

impl Cloud {
    pub(super) fn missing_stack(&self) -> Option<MissingKey> {
        (!self.stack).then_some(("stack", "SmallStack"))
    }

    pub(super) fn missing_function(&self) -> Option<MissingKey> {
        (!self.function).then_some(("function", "small"))
    }

    /// Tells whether the course runs on a target.
    pub(super) fn runs_on(&self, target: Target) -> bool {
        self.targets.is_empty() || self.targets.contains(&target)
    }

    pub(super) fn has_no_database(&self) -> bool {
        !self.own_database && !self.stack
    }
}

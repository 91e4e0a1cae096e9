//! Own edits where they meet the course's: the learner is asked, sees both, and says with which to go on.
//!
//! Nothing is put aside in silence. Who asks for the same again, as one who has nothing but a clicker does, goes on with their
//! own.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::workspace::{Collision, Workspace};
use crate::config::Mode;
use crate::event::StepRef;
use crate::files::{self, Merging};
use crate::journal::{DesiredFiles, Journal};
use workshop_course::code::tree::{FileContent, SourceFile, Tree};

impl Workspace {
    /// Returns the paths where own edits would have to give way to these files, the first time. The second time it is settled
    /// that the learner goes on with their own. `at_hand` is the step where the learner is.
    pub(super) fn collide(&mut self, files: &Tree, at_hand: Option<&StepRef>) -> Option<Vec<String>> {
        let found = self.find_collision(files, at_hand);
        let open: BTreeMap<String, String> =
            found.files.into_iter().filter(|(_, sides)| !self.settled.contains_key(sides)).collect();
        if open.is_empty() {
            return None;
        }
        if self.collision.as_ref().is_some_and(|told| told.files == open) {
            self.settle(true);
            return None;
        }
        let paths = open.keys().cloned().collect();
        self.collision = Some(Collision { files: open, course: found.course });
        Some(paths)
    }

    /// Tells whether the learner was asked, and has not answered.
    pub(super) fn has_collision(&self) -> bool {
        self.collision.is_some()
    }

    /// Returns what the learner was asked about: the files with a digest of both sides, and the course's side.
    pub(super) fn collision(&self) -> (BTreeMap<String, String>, Tree) {
        let Collision { files, course } = self.collision.clone().unwrap_or_default();
        (files, course)
    }

    /// Decides what was asked last: with the learner's own lines, or with the course's.
    pub(super) fn settle(&mut self, own: bool) {
        if let Some(collision) = self.collision.take() {
            self.settled.extend(collision.files.into_values().map(|sides| (sides, own)));
        }
    }

    /// Finds the files whose own edits do not go along with what the course has there next.
    fn find_collision(&self, files: &Tree, at_hand: Option<&StepRef>) -> Collision {
        let mut collision = Collision::default();
        if self.config.mode != Mode::Interactive {
            return collision;
        }
        let wanted = files::wanted(&self.config.course, files);
        let stay = self.in_other_words(at_hand, &wanted);
        for (path, want) in wanted {
            let Some(want) = want.filter(|_| !stay.contains(&path)) else { continue };
            // What was never written here is somebody else's, and asked about as that, but for a file of the learner's own.
            let written = self.journal.as_ref().is_some_and(|journal| journal.has_written(&path));
            let is_own = self.is_own_file(&path);
            let Some(text) = want.text().filter(|_| written || is_own) else { continue };
            if let Some(own) = self.own_bytes(&path) {
                collision.files.insert(path.clone(), sides(&path, &own, text));
                collision.course.insert(path, want);
                continue;
            }
            let Some(kept) = self.own_text(&path) else { continue };
            let collides = match self.stands_for(&path) {
                // Whatever it began with, it was not a text of the course's.
                None if is_own => kept != text,
                _ => self.merging(&path, &kept, text) == Merging::Collide,
            };
            if collides {
                collision.files.insert(path.clone(), sides(&path, &kept, text));
                collision.course.insert(path, want);
            }
        }
        collision
    }

    /// Finds the files that stay, because the learner has written in other words what this step makes of them.
    pub(super) fn in_other_words(&self, at_step: Option<&StepRef>, wanted: &DesiredFiles) -> Vec<String> {
        let course = &self.config.course;
        let Some(at_step) = at_step else { return Vec::new() };
        let mut stay = files::done_in_other_words(course, &self.config.workdir, at_step);
        // Of another place of the course it is not the same.
        let after = files::after(course, at_step).map(|files| files::wanted(course, &files)).unwrap_or_default();
        stay.retain(|path| wanted.get(path).is_some() && wanted.get(path) == after.get(path));
        stay
    }

    /// Parts what is to be written into what replaces a file whole, and what keeps the learner's own lines.
    pub(super) fn with_own_lines(&self, wanted: &DesiredFiles) -> (DesiredFiles, DesiredFiles) {
        let (mut whole, mut merged) = (DesiredFiles::new(), DesiredFiles::new());
        for (path, want) in wanted {
            // The course does not have it yet: it is the learner's.
            if want.is_none() && self.is_own_file(path) {
                continue;
            }
            let stays = |own: String| Some(self.settled.get(&sides(path, &own, want.as_ref()?.text()?)) == Some(&true));
            if self.own_bytes(path).and_then(stays) == Some(true) {
                continue;
            }
            let both = want.as_ref().and_then(|want| {
                let kept = self.own_text(path)?;
                let text = want.text()?;
                let is_settled = || self.settled.get(&sides(path, &kept, text)) == Some(&true);
                if self.is_own_file(path) && self.stands_for(path).is_none() {
                    let own = SourceFile { content: FileContent::Text(kept.clone()), executable: want.executable };
                    return is_settled().then_some(own);
                }
                let both = match self.merging(path, &kept, text) {
                    Merging::Nothing => return None,
                    Merging::Together(both) => both,
                    Merging::Collide if is_settled() => {
                        files::own_first(&self.config.course, path, &kept, text, self.stands_for(path).as_deref())
                    }
                    Merging::Collide => return None,
                };
                Some(SourceFile { content: FileContent::Text(both), executable: want.executable })
            });
            match both {
                Some(both) => merged.insert(path.clone(), Some(both)),
                None => whole.insert(path.clone(), want.clone()),
            };
        }
        (whole, merged)
    }

    /// Returns what a text of the learner's that was put aside becomes in the course's that stands there now; None where the two
    /// meet, and it was not settled that theirs stays.
    pub(super) fn along(&self, path: &str, kept: &str, now: &str) -> Option<String> {
        let course = &self.config.course;
        let own_stays = self.settled.get(&sides(path, kept, now)).copied();
        match files::merging(course, path, kept, now, None) {
            _ if own_stays == Some(false) => None,
            Merging::Together(both) => Some(both),
            Merging::Nothing => Some(now.to_owned()),
            Merging::Collide if own_stays == Some(true) => Some(files::own_first(course, path, kept, now, None)),
            Merging::Collide => None,
        }
    }

    /// Returns the text of a file that is the learner's; None when it is the course's, or not there.
    fn own_text(&self, path: &str) -> Option<String> {
        let journal = self.journal.as_ref().filter(|journal| !journal.is_ours(path))?;
        journal.workdir_text(path)
    }

    /// Tells whether the learner has a file of their own where the course adds one on its way: the workshop has written none
    /// there, or has taken it away again, and it is no part of the project that the course begins with.
    pub(super) fn is_own_file(&self, path: &str) -> bool {
        let is_there = |journal: &Journal| journal.has_written(path) && journal.stands_for(path).is_some();
        let written = self.journal.as_ref().is_none_or(is_there);
        !written && self.config.course.chapters.first().is_some_and(|first| !first.snapshot.contains_key(path))
    }

    /// A digest of a file of the learner's that is no text: nothing of it goes along with another.
    fn own_bytes(&self, path: &str) -> Option<String> {
        self.journal.as_ref()?.own_bytes(path)
    }

    fn stands_for(&self, path: &str) -> Option<String> {
        self.journal.as_ref()?.stands_for(path)
    }

    fn merging(&self, path: &str, kept: &str, want: &str) -> Merging {
        files::merging(&self.config.course, path, kept, want, self.stands_for(path).as_deref())
    }
}

/// Names both sides of a file where they meet.
fn sides(path: &str, own: &str, course: &str) -> String {
    hex::encode(&Sha256::digest([path, "\0", own, "\0", course].concat())[..16])
}

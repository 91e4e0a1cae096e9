//! Own edits where they meet the course's: the learner is asked, sees both, and says with which to go on.
//!
//! Nothing is put aside in silence. Who asks for the same again, as one who has nothing but a clicker does, goes on with their
//! own.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::requests::Refused;
use super::state::{Collision, Driver};
use crate::command::Refusal;
use crate::config::Mode;
use crate::event::{EventKind, StepRef};
use crate::files::{self, Merging};
use crate::journal::DesiredFiles;
use workshop_course::code::tree::{FileContent, SourceFile, Tree};

impl Driver {
    /// Asks before own edits would have to give way. Who asks for the same again goes on with their own.
    pub(super) fn may_collide(&mut self, files: &Tree) -> Result<(), Refused> {
        let found = self.collision(files);
        let open: BTreeMap<String, String> =
            found.files.into_iter().filter(|(_, sides)| !self.settled.contains_key(sides)).collect();
        if open.is_empty() {
            return Ok(());
        }
        if self.collision.as_ref().is_some_and(|told| told.files == open) {
            self.settle(true);
            return Ok(());
        }
        let paths: Vec<String> = open.keys().cloned().collect();
        let reason = format!(
            "your own lines in {} are where the course changes them next. Ask again to go on with yours, or take the \
             course's: yours are put aside then and can be brought back",
            paths.join(", ")
        );
        self.collision = Some(Collision { files: open, course: found.course });
        self.emit(EventKind::EditsCollide { files: paths });
        Err((Refusal::OwnEdits, reason))
    }

    /// Decides what was asked last: with the learner's own lines, or with the course's.
    pub(super) fn settle(&mut self, own: bool) {
        if let Some(collision) = self.collision.take() {
            self.settled.extend(collision.files.into_values().map(|sides| (sides, own)));
        }
    }

    /// Finds the files whose own edits do not go along with what the course has there next.
    fn collision(&self, files: &Tree) -> Collision {
        let mut collision = Collision::default();
        if self.setup.mode != Mode::Interactive {
            return collision;
        }
        let wanted = files::wanted(&self.setup.course, files);
        let stay = self.in_other_words(None, &wanted);
        for (path, want) in wanted {
            let Some(want) = want.filter(|_| !stay.contains(&path)) else { continue };
            // What was never written here is somebody else's, and asked about as that.
            let written = self.journal.as_ref().is_some_and(|journal| journal.has_written(&path));
            let Some(kept) = self.own_text(&path).filter(|_| written) else { continue };
            let Some(text) = want.text() else { continue };
            if self.merging(&path, &kept, text) == Merging::Collide {
                collision.files.insert(path.clone(), sides(&path, &kept, text));
                collision.course.insert(path, want);
            }
        }
        collision
    }

    /// Finds the files that stay, because the learner has written in other words what the step makes of them: that of
    /// `at_step`, or the one at hand.
    pub(super) fn in_other_words(&self, at_step: Option<&StepRef>, wanted: &DesiredFiles) -> Vec<String> {
        let course = &self.setup.course;
        let at_hand = || {
            let (chapter, step) = self.current()?;
            Some(StepRef { chapter: chapter.number, step: step.id.clone() })
        };
        let Some(at_step) = at_step.cloned().or_else(at_hand) else { return Vec::new() };
        let mut stay = files::done_in_other_words(course, &self.setup.workdir, &at_step);
        // Of another place of the course it is not the same.
        let after = files::after(course, &at_step).map(|files| files::wanted(course, &files)).unwrap_or_default();
        stay.retain(|path| wanted.get(path).is_some() && wanted.get(path) == after.get(path));
        stay
    }

    /// Returns the text of a file that is the learner's; None when it is the course's, or not there.
    fn own_text(&self, path: &str) -> Option<String> {
        let journal = self.journal.as_ref().filter(|journal| !journal.is_ours(path))?;
        journal.workdir_text(path)
    }

    fn merging(&self, path: &str, kept: &str, want: &str) -> Merging {
        let stands_for = self.journal.as_ref().and_then(|journal| journal.stands_for(path));
        files::merging(&self.setup.course, path, kept, want, stands_for.as_deref())
    }

    /// Parts what is to be written into what replaces a file whole, and what keeps the learner's own lines.
    pub(super) fn with_own_lines(&self, wanted: &DesiredFiles) -> (DesiredFiles, DesiredFiles) {
        let (mut whole, mut merged) = (DesiredFiles::new(), DesiredFiles::new());
        for (path, want) in wanted {
            let both = want.as_ref().and_then(|want| {
                let kept = self.own_text(path)?;
                let text = want.text()?;
                let both = match self.merging(path, &kept, text) {
                    Merging::Nothing => return None,
                    Merging::Together(both) => both,
                    Merging::Collide if self.settled.get(&sides(path, &kept, text)) == Some(&true) => {
                        let stands_for = self.journal.as_ref().and_then(|journal| journal.stands_for(path));
                        files::own_first(&self.setup.course, path, &kept, text, stands_for.as_deref())
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
}

fn sides(path: &str, own: &str, course: &str) -> String {
    let digest = Sha256::digest([path, "\0", own, "\0", course].concat().as_bytes());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

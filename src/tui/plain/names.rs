//! What typed words name: chapters, steps, checks, differences and hunks. Pure.

use super::state::Plain;
use crate::tui::present::diff::of_chapter;
use workshop_course::lesson::model::{Chapter, Step, StepAction};
use workshop_engine::command::{Command, Scope};
use workshop_engine::event::{CheckRef, DiffOf, StepRef};

/// Said to whoever names something before the course is there.
pub(super) const STILL_STARTING: &str = "Still starting.";

/// The direction of what a step or a chapter changes: written, or taken back.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Change {
    Apply,
    Undo,
}

impl Plain {
    /// The chapter and the step at hand.
    fn at_hand(&self) -> Result<(&Chapter, &Step, StepRef), String> {
        let here = self.here().zip(self.step_ref());
        here.map(|((chapter, _, step), at)| (chapter, step, at)).ok_or_else(|| STILL_STARTING.to_owned())
    }

    /// Understands `go 2`, `go 2.3`, `go 2 STEP`.
    ///
    /// # Errors
    /// What to say when there is no such place.
    pub(super) fn place(&self, rest: &str) -> Result<Command, String> {
        let mut words = rest.split(|c: char| c.is_whitespace() || c == '.').filter(|w| !w.is_empty());
        let chapter = words.next().and_then(|w| w.parse::<u32>().ok()).and_then(|n| self.course.chapter(n));
        let Some(chapter) = chapter else {
            return Err("go CHAPTER, go CHAPTER.STEP: outline lists them.".to_owned());
        };
        let step = match words.next() {
            None => None,
            Some(word) => {
                let by_number = word.parse::<usize>().ok().and_then(|n| chapter.steps.get(n.checked_sub(1)?));
                match by_number.or_else(|| chapter.step(word)) {
                    Some(step) => Some(step.id.clone()),
                    None => return Err(format!("Chapter {} has no step {word}.", chapter.number)),
                }
            }
        };
        Ok(Command::GoTo { chapter: chapter.number, step })
    }

    /// Understands `check` and `check ID ...`.
    ///
    /// # Errors
    /// What to say when there is no such check.
    pub(super) fn checks(&self, rest: &str) -> Result<Command, String> {
        let (chapter, _, _) = self.at_hand()?;
        let mut checks = Vec::new();
        for id in rest.split_whitespace() {
            if chapter.check(id).is_none() {
                let all: Vec<&str> = chapter.checks.iter().map(|c| c.id.as_str()).collect();
                return Err(match all.is_empty() {
                    true => format!("There is no check {id}: chapter {} has none.", chapter.number),
                    false => format!("There is no check {id} here, but {}.", all.join(", ")),
                });
            }
            checks.push(CheckRef { chapter: chapter.number, check: id.to_owned() });
        }
        Ok(Command::Check { checks, must_fail: false })
    }

    /// Understands `diff`, `diff chapter`, `diff mine` and `diff own`.
    ///
    /// # Errors
    /// What to say to anything else.
    pub(super) fn difference(&self, rest: &str) -> Result<Command, String> {
        let (chapter, step, here) = self.at_hand()?;
        let number = chapter.number;
        let of = match rest {
            "mine" => DiffOf::Mine { chapter: number },
            "own" => DiffOf::Collision,
            "" if matches!(step.action, StepAction::Edit(_)) => DiffOf::Step(here),
            "" | "chapter" => of_chapter(&self.course, number),
            _ => return Err("diff, diff chapter, diff mine, or diff own.".to_owned()),
        };
        Ok(Command::ShowDiff { of })
    }

    /// Understands `apply`, `apply chapter`, `apply 2`, and the same of `undo`: hunks are counted as `diff` shows them.
    ///
    /// # Errors
    /// What to say when there is no such hunk.
    pub(super) fn change(&self, rest: &str, change: Change) -> Result<Command, String> {
        let (chapter, step, here) = self.at_hand()?;
        let scope = match rest {
            "" | "step" => Scope::Step(here),
            "chapter" => Scope::Chapter(chapter.number),
            number => {
                let StepAction::Edit(edit) = &step.action else {
                    return Err("This step changes no files.".to_owned());
                };
                let mut hunks: Vec<(&str, usize)> = edit.hunks.iter().map(|h| (h.file.as_str(), h.index)).collect();
                hunks.sort_unstable();
                let hunk = number.parse::<usize>().ok().and_then(|n| hunks.get(n.checked_sub(1)?));
                let Some((file, index)) = hunk else {
                    return Err(format!("There are hunks 1 to {}; diff shows them.", hunks.len()));
                };
                let (file, index) = ((*file).to_owned(), *index);
                return Ok(match change {
                    Change::Apply => Command::ApplyHunk { file, index },
                    Change::Undo => Command::UndoHunk { file, index },
                });
            }
        };
        Ok(match change {
            Change::Apply => Command::Apply { scope },
            Change::Undo => Command::Undo { scope },
        })
    }
}

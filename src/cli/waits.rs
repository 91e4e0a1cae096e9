//! The waits that the lessons plan, held against what the steps of a proof took.

use std::collections::BTreeMap;
use std::fs;

use workshop_base::duration;
use workshop_base::problem::{Problem, Spot};
use workshop_base::text::sanitize;
use workshop_course::lesson::model::{Chapter, Course, Origin, Step, Target};
use workshop_engine::event::{Event, EventKind, StepRef};

/// Waits may be planned so many times as long as they are. Whoever plans more talks to a deploy that is long over.
const AT_MOST: f64 = 1.5;

/// Milliseconds that the steps of a run took which came out as declared.
#[derive(Debug, Default)]
pub struct MeasuredWaits {
    took: BTreeMap<StepRef, u64>,
    /// Of the deploy that runs, so far: of a proof's the types are looked at after it, which nobody waits for on stage.
    phases: u64,
}

impl MeasuredWaits {
    /// Takes an event of the run.
    pub fn take(&mut self, event: &Event) {
        match &event.kind {
            EventKind::StepStarted { .. } => self.phases = 0,
            EventKind::PhaseFinished { took_ms, .. } => self.phases += took_ms,
            EventKind::StepFinished { at_step, verdict, took_ms, .. } if verdict.is_good() => {
                let waited = if self.phases > 0 { self.phases.min(*took_ms) } else { *took_ms };
                self.took.insert(at_step.clone(), waited);
            }
            _ => {}
        }
    }

    /// Returns a warning for each chapter whose waits on a target are planned longer than 1.5 times what they took: what is
    /// planned and what it took, step by step.
    pub fn planned_too_long(&self, course: &Course, target: Target) -> Vec<Problem> {
        course.chapters.iter().filter_map(|chapter| self.too_long(chapter, target)).collect()
    }

    fn too_long(&self, chapter: &Chapter, target: Target) -> Option<Problem> {
        let waits: Vec<(&Step, u64, u64)> = chapter
            .steps
            .iter()
            .filter_map(|step| {
                let planned = u64::try_from(step.wait.on(target)?.as_millis()).ok()?;
                let took = self.took.get(&StepRef { chapter: chapter.number, step: step.id.clone() })?;
                Some((step, planned, *took))
            })
            .collect();
        let (planned, took) = waits.iter().fold((0, 0), |(all, of), (_, planned, took)| (all + planned, of + took));
        if planned as f64 <= took as f64 * AT_MOST {
            return None;
        }
        let each = waits.iter().map(|(step, planned, took)| {
            let (planned, took) = (duration::took(*planned), duration::took(*took));
            format!("`{}` {planned} for {took}", sanitize(&step.id))
        });
        let worst = waits.iter().max_by_key(|(_, planned, took)| planned.saturating_sub(*took))?.0;
        let message = format!(
            "chapter {} plans to wait for {} on the target `{target}`, and waited for {}: {}",
            chapter.number,
            duration::took(planned),
            duration::took(took),
            each.collect::<Vec<_>>().join(", ")
        );
        let problem = Problem::course(message)
            .hint("plan what it takes with `wait`, or prove on the machine that you present from");
        Some(match spot(&worst.origin) {
            Some(spot) => problem.at(spot),
            None => problem,
        })
    }
}

/// Returns the line of a lesson file, if it is on the disk.
fn spot(origin: &Origin) -> Option<Spot> {
    let text = fs::read_to_string(&origin.file).ok()?;
    let excerpt = text.lines().nth((origin.line as usize).checked_sub(1)?)?.to_owned();
    let column = excerpt.len() - excerpt.trim_start().len();
    let length = u32::try_from(excerpt.trim().chars().count()).ok()?.max(1);
    Some(Spot { column: u32::try_from(column).ok()? + 1, excerpt, length, ..origin.spot() })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::tui::fixture;
    use workshop_course::lesson::model::ActionKind;
    use workshop_engine::event::{Phase, Verdict};

    fn warnings(planned: Duration, took_ms: &[(Verdict, u64)]) -> Vec<String> {
        let mut course = Arc::unwrap_or_clone(fixture::course());
        let at = course.chapters.iter().position(|chapter| chapter.step("deploy").is_some()).unwrap();
        let chapter = &mut course.chapters[at];
        let step = chapter.steps.iter_mut().find(|step| step.id == "deploy").unwrap();
        step.wait.local = Some(planned);
        let at_step = StepRef { chapter: chapter.number, step: "deploy".into() };
        let mut measured = MeasuredWaits::default();
        for (verdict, took_ms) in took_ms {
            let (at_step, verdict, took_ms) = (at_step.clone(), *verdict, *took_ms);
            let kind = EventKind::StepFinished { at_step, attempt: 1, verdict, took_ms, failure: None };
            measured.take(&Event { seq: 1, at: 1, kind });
        }
        assert_eq!(measured.planned_too_long(&course, Target::Aws), [], "nothing is planned there");
        measured.planned_too_long(&course, Target::Local).into_iter().map(|told| told.message).collect()
    }

    #[test]
    fn a_chapter_that_plans_more_than_it_waits_is_told() {
        let two = Duration::from_secs(2);
        let told = warnings(two, &[(Verdict::Pass, 1_300)]);
        assert_eq!(
            told,
            ["chapter 1 plans to wait for 2.0 s on the target `local`, and waited for 1.3 s: `deploy` 2.0 s for 1.3 s"]
        );
        assert_eq!(warnings(two, &[(Verdict::Pass, 1_334)]), [""; 0]);
        assert_eq!(warnings(two, &[(Verdict::Fail, 100)]), [""; 0], "what fails has not taken its time");
        assert_eq!(warnings(two, &[(Verdict::Fail, 100), (Verdict::Pass, 9_000)]), [""; 0]);
        assert_eq!(warnings(two, &[]), [""; 0]);
    }

    #[test]
    fn of_a_deploy_its_phases_are_the_wait() {
        let at_step = StepRef { chapter: 1, step: "deploy".into() };
        let phase =
            |phase, took_ms| EventKind::PhaseFinished { at_step: at_step.clone(), phase, took_ms, failed: false };
        let started = EventKind::StepStarted {
            at_step: at_step.clone(),
            attempt: 1,
            action: ActionKind::Deploy,
            expects_failure: false,
            usual_ms: None,
        };
        let finished = EventKind::StepFinished {
            at_step: at_step.clone(),
            attempt: 1,
            verdict: Verdict::Pass,
            took_ms: 60_000,
            failure: None,
        };
        let mut measured = MeasuredWaits::default();
        for kind in
            [phase(Phase::Synth, 9_000), started, phase(Phase::Synth, 700), phase(Phase::Resources, 300), finished]
        {
            measured.take(&Event { seq: 1, at: 1, kind });
        }
        assert_eq!(measured.took, [(at_step, 1_000)].into());
    }
}

//! The waits that a lesson plans for, and what they add to a talk.

use std::time::Duration;

use super::common::Target;
use super::course::Chapter;
use super::step::Step;

/// How long an action is planned to take on each target (YAML: `wait`); None where nothing is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlannedWait {
    pub local: Option<Duration>,
    pub aws: Option<Duration>,
}

impl PlannedWait {
    /// Returns the wait on a target.
    pub fn on(&self, target: Target) -> Option<Duration> {
        match target {
            Target::Local => self.local,
            Target::Aws => self.aws,
        }
    }
}

impl Chapter {
    /// Returns the time on stage that its steps take on a target: what is said, and the waits that are longer.
    pub fn stage_time(&self, target: Target) -> Duration {
        let said: Duration = self.steps.iter().map(Step::stage_budget).sum();
        let silent = silences(&self.steps, target).into_iter().filter(|(step, _)| self.steps[*step].on_stage);
        said + silent.map(|(_, silence)| silence).sum::<Duration>()
    }

    /// Plans the steps, and with them the chapter, for a target: what one waits for is talked through, and what goes beyond
    /// the step's minutes is added to them.
    pub(super) fn plan_waits(&mut self, target: Target) {
        for (step, silence) in silences(&self.steps, target) {
            let step = &mut self.steps[step];
            step.budget += silence;
            if step.on_stage {
                self.budget += silence;
            }
        }
    }
}

/// Returns what the waits on a target go beyond the minutes, with the step to which it is added: of several actions, whose
/// minutes are the whole step's, the last.
fn silences(steps: &[Step], target: Target) -> Vec<(usize, Duration)> {
    let mut found = Vec::new();
    let (mut said, mut waited) = (Duration::ZERO, Duration::ZERO);
    for (i, step) in steps.iter().enumerate() {
        said += step.budget;
        waited += step.wait.on(target).filter(|_| step.runs_on(target)).unwrap_or_default();
        let goes_on = step.part.as_ref().is_some_and(|part| part.number < part.of) && i + 1 < steps.len();
        if goes_on {
            continue;
        }
        if waited > said {
            found.push((i, waited - said));
        }
        (said, waited) = (Duration::ZERO, Duration::ZERO);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::load;

    fn course(steps: &str) -> crate::lesson::model::Course {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: String| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("snapshots/ch00/a.txt", "a".into());
        write("lessons/course.yaml", "title: T\ncode: T1\nslot: 10\nchapters: [ch00]\n".into());
        write("lessons/ch00.yaml", format!("snapshot: ch00\ntitle: C\nminutes: 2\nsteps:\n{steps}"));
        load::load(&root.path().join("lessons"), &root.path().join("snapshots")).unwrap()
    }

    const STEPS: &str = r#"
  - {id: copy, title: A, minutes: 1, say: x, edit: all}
  - {id: long, title: A, minutes: 0.5, say: x, shell: {run: a}, wait: {aws: 45s, local: 2s}}
  - id: parts
    title: A
    minutes: 0.5
    say: x
    actions: [{shell: {run: a}, wait: {aws: 40s}}, {shell: {run: b}, wait: {aws: 5s}}]
  - {id: own, title: A, minutes: 1, on_stage: false, say: x, shell: {run: a}, wait: 2m}
  - id: here
    title: A
    minutes: 0
    say: x
    targets: [local]
    elsewhere: y
    shell: {run: a}
    wait: {local: 3s}
"#;

    #[test]
    fn a_wait_takes_what_is_not_talked_through() {
        let course = course(STEPS);
        let seconds = |target| {
            let course = course.clone().on(target);
            let chapter = &course.chapters[0];
            let steps: Vec<u64> = chapter.steps.iter().map(|step| step.budget.as_secs()).collect();
            assert_eq!(chapter.budget, chapter.stage_time(target), "planned once");
            assert_eq!(chapter.budget, chapter.steps.iter().map(Step::stage_budget).sum());
            (chapter.budget.as_secs(), steps)
        };
        assert_eq!(seconds(Target::Local), (123, vec![60, 30, 15, 15, 120, 3]));
        assert_eq!(seconds(Target::Aws), (150, vec![60, 45, 15, 30, 120, 0]));
        assert_eq!(course.stage_time(Target::Aws).as_secs(), 150);
        assert_eq!(course.chapters[0].budget.as_secs(), 120, "what is written stays");
    }

    #[test]
    fn where_none_of_several_actions_runs_the_step_says_what_it_says_of_all() {
        let step = r#"
  - {id: copy, title: A, minutes: 2, say: x, edit: all}
  - id: here
    title: Whole
    minutes: 0
    say: Of all.
    targets: [local]
    elsewhere: Not here.
    actions: [{title: First, say: Of one., notes: Of one., shell: {run: a}}, {shell: {run: b}}]
"#;
        let course = course(step).on(Target::Aws);
        let [_, step] = course.chapters[0].steps.as_slice() else { panic!("two steps") };
        assert_eq!((step.title.as_str(), step.say.as_str()), ("Whole", "Of all.\n\nNot here."));
        assert_eq!(step.notes, None);
    }
}

//! The stage clock: time spent against time planned. Pure arithmetic over [`Progress`] and the course.
//!
//! Invariant: a pause stops the clock, and the end of the slot moves with it; time spent on a step adds up
//! when one comes back to it. Only chapters on stage count for the slot.

pub use workshop_base::duration::{latency, minutes, took};
use workshop_course::lesson::model::{Chapter, Course, Step};
use workshop_engine::event::StepRef;
use workshop_engine::progress::Progress;

/// All in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    pub step_spent: u64,
    pub step_budget: u64,
    pub chapter_spent: u64,
    pub chapter_budget: u64,
    pub on_stage: bool,
    pub slot_spent: u64,
    pub slot: u64,
    /// Behind the plan when positive, ahead when negative. Within the current step's budget it is 0.
    pub behind: i64,
    /// What this step took the last time, if it was done before, and how far the talk is behind that time.
    pub step_last: Option<u64>,
    pub behind_last: Option<i64>,
    /// When the slot ends if nothing pauses it; 1970-based.
    pub ends_at: u64,
    pub paused: bool,
}

/// None before the position is known.
pub fn pace(course: &Course, progress: &Progress, now: u64) -> Option<Pace> {
    let position = progress.position.as_ref()?;
    let chapter = course.chapter(position.chapter)?;
    let step = chapter.step(&position.step)?;
    let here = StepRef { chapter: position.chapter, step: position.step.clone() };
    let slot = course.slot.as_millis() as u64;
    let on_stage: Vec<_> = course.chapters.iter().filter(|c| c.on_stage).collect();
    let slot_spent: u64 = on_stage.iter().map(|c| progress.spent_on_chapter(c.number, now)).sum();
    let step_budget = step.budget.as_millis() as u64;
    let last = |step: &StepRef| progress.pacing.last.get(step).copied();
    let behind = |takes: &dyn Fn(&StepRef, &Step) -> u64| match chapter.on_stage {
        true => slot_spent as i64 - nearest(slot_spent, planned(&on_stage, progress, &here, takes)),
        false => 0,
    };
    let planned = |_: &StepRef, step: &Step| step.stage_budget().as_millis() as u64;
    let was_given =
        chapter.on_stage && progress.pacing.last.keys().any(|at| on_stage.iter().any(|c| c.number == at.chapter));
    Some(Pace {
        step_spent: progress.spent_on_step(&here, now),
        step_budget,
        chapter_spent: progress.spent_on_chapter(chapter.number, now),
        chapter_budget: chapter.budget.as_millis() as u64,
        on_stage: chapter.on_stage,
        slot_spent,
        slot,
        behind: behind(&planned),
        step_last: last(&here),
        behind_last: was_given.then(|| behind(&|at, step| last(at).unwrap_or_else(|| planned(at, step)))),
        ends_at: now + slot.saturating_sub(slot_spent),
        paused: progress.pacing.paused,
    })
}

/// When the plan has the talk where it is: from when to when, since the slot began. Who has gone back to show something
/// again is still as far as before: what counts is the later of this step and the one after the last that was done
/// while the clock ran. A talk that was begun further on has its plan begin there.
fn planned(
    on_stage: &[&Chapter],
    progress: &Progress,
    here: &StepRef,
    takes: &dyn Fn(&StepRef, &Step) -> u64,
) -> (u64, u64) {
    let (mut at, mut reached, mut done_before, mut begun) = (0, (0, 0), false, false);
    for chapter in on_stage {
        for step in &chapter.steps {
            let this = StepRef { chapter: chapter.number, step: step.id.clone() };
            begun |= this == *here || progress.pacing.spent.contains_key(&this);
            if !begun {
                continue;
            }
            let budget = takes(&this, step);
            if this == *here || done_before {
                reached = (at, at + budget);
            }
            at += budget;
            done_before = progress.is_done(&this) && progress.pacing.spent.contains_key(&this);
        }
    }
    match done_before {
        true => (at, at),
        false => reached,
    }
}

/// The time within a span that is nearest to the given one.
fn nearest(time: u64, (from, to): (u64, u64)) -> i64 {
    time.clamp(from, to) as i64
}

/// Whole minutes of a budget: `3 of 10 min`, `1 min of 1:30`, `0 min of 30 s`.
pub fn of_budget(spent: u64, budget: u64) -> String {
    let unit = if budget.is_multiple_of(60_000) { "" } else { " min" };
    format!("{}{unit} of {}", spent / 60_000, self::budget(budget))
}

/// A budget: `10 min`, `1:30`, `30 s`. Empty when there is none.
pub fn budget(ms: u64) -> String {
    match (ms / 60_000, ms % 60_000 / 1000) {
        (0, 0) => String::new(),
        (0, s) => format!("{s} s"),
        (m, 0) => format!("{m} min"),
        _ => minutes(ms),
    }
}

/// `2 min behind`, `on time`, `1 min ahead`: whole minutes, for a screen that should stay calm.
pub fn behind_in_words(behind: i64) -> String {
    match behind / 60_000 {
        0 => "on time".to_owned(),
        m if m > 0 => format!("{m} min behind"),
        m => format!("{} min ahead", -m),
    }
}

/// `1:20 behind`, for the presenter.
pub fn behind_exactly(behind: i64) -> String {
    match behind / 1000 {
        0 => "on time".to_owned(),
        s if s > 0 => format!("{} behind", minutes(behind as u64)),
        _ => format!("{} ahead", minutes(behind.unsigned_abs())),
    }
}

/// `1:20 behind last time`, `as last time`, `1:20 ahead of last time`
pub fn beside_last_time(behind: i64) -> String {
    match behind / 1000 {
        0 => "as last time".to_owned(),
        s if s > 0 => format!("{} last time", behind_exactly(behind)),
        _ => format!("{} of last time", behind_exactly(behind)),
    }
}

/// When the slot ends, `ends 14:45`; past its end, how long ago that was: `over by 3 min`.
pub fn end_in_words(pace: &Pace, offset: i32) -> String {
    match pace.slot_spent.checked_sub(pace.slot).map(|over| over / 60_000) {
        None => format!("ends {}", time_of_day(pace.ends_at, offset)),
        Some(0) => "the slot is over".to_owned(),
        Some(over) => format!("over by {over} min"),
    }
}

/// Milliseconds until whole minutes of the clock are others; None while nothing of it changes.
pub fn next_minute(pace: &Pace) -> Option<u64> {
    let until = |at: u64| 60_000 - at % 60_000;
    // The end of the slot moves with a pause, and with nothing else.
    let on_stage = match pace.paused {
        true => vec![pace.ends_at],
        false => vec![pace.slot_spent, pace.behind.rem_euclid(60_000) as u64],
    };
    let everywhere = [pace.step_spent, pace.chapter_spent].into_iter().filter(|_| !pace.paused);
    everywhere.chain(on_stage.into_iter().filter(|_| pace.on_stage)).map(until).min()
}

/// Time of day, `14:45`, in the zone given as an offset from UTC in seconds.
pub fn time_of_day(at: u64, offset: i32) -> String {
    let minutes = (at as i64 / 1000 + i64::from(offset)).rem_euclid(86_400) / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Date and time as a person writes them, `2026-11-25 14:45`, in the zone given as an offset from UTC in seconds.
pub fn date(at: u64, offset: i32) -> String {
    let local = jiff::Timestamp::from_second(at as i64 / 1000 + i64::from(offset));
    local.map(|time| time.strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
}

/// Date and time for the name of a file, `20261125-144507`, in the zone given as an offset from UTC in seconds.
pub fn stamp(at: u64, offset: i32) -> String {
    let local = jiff::Timestamp::from_second(at as i64 / 1000 + i64::from(offset));
    local.map(|time| time.strftime("%Y%m%d-%H%M%S").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;
    use workshop_course::lesson::model::ActionKind;
    use workshop_engine::event::{Position, Verdict};
    use workshop_engine::progress::StepState;

    #[test]
    fn durations_read_well() {
        assert_eq!(minutes(65_000), "1:05");
        assert_eq!(minutes(3_723_000), "1:02:03");
        assert_eq!(budget(600_000), "10 min");
        assert_eq!(of_budget(185_000, 600_000), "3 of 10 min");
        assert_eq!(of_budget(65_000, 90_000), "1 min of 1:30");
        assert_eq!(of_budget(20_000, 30_000), "0 min of 30 s");
        assert_eq!(took(312), "312 ms");
        assert_eq!(took(2_340), "2.3 s");
        assert_eq!(took(61_000), "1:01");
        assert_eq!(behind_in_words(125_000), "2 min behind");
        assert_eq!(behind_in_words(-59_000), "on time");
        assert_eq!(behind_exactly(80_000), "1:20 behind");
        assert_eq!(behind_exactly(-80_000), "1:20 ahead");
        assert_eq!(time_of_day(1_763_880_139_000, 3600), "07:42");
        assert_eq!(stamp(1_763_880_139_000, 3600), "20251123-074219");
    }

    /// The course's clock with this position, after these steps of chapter 1 were done in so many seconds each.
    fn behind_at(position: &str, done: &[(&str, u64)]) -> i64 {
        let mut progress = Progress::default();
        let step = |id: &str| StepRef { chapter: 1, step: id.into() };
        for (id, seconds) in done {
            progress.pacing.spent.insert(step(id), seconds * 1000);
            let state = StepState {
                attempt: 1,
                was_done: false,
                action: ActionKind::Read,
                expects_failure: false,
                usual_ms: None,
                started: 0,
                verdict: Some(Verdict::Pass),
                took_ms: Some(1),
                failure: None,
            };
            progress.steps.insert(step(id), state);
        }
        progress.position = Some(Position { chapter: 1, step: position.into() });
        pace(&fixture::course(), &progress, 0).unwrap().behind / 1000
    }

    #[test]
    fn the_last_time_is_a_plan_beside_the_plan() {
        let mut progress = Progress::default();
        let step = |id: &str| StepRef { chapter: 1, step: id.into() };
        progress.position = Some(Position { chapter: 1, step: "deploy".into() });
        progress.pacing.spent.insert(step("cluster"), 150_000);
        let first = pace(&fixture::course(), &progress, 0).unwrap();
        assert_eq!((first.step_last, first.behind_last), (None, None));
        // Planned are 120 and 90 seconds.
        progress.pacing.last = [(step("cluster"), 180_000), (step("deploy"), 75_000)].into();
        let pace = pace(&fixture::course(), &progress, 0).unwrap();
        assert_eq!((pace.behind, pace.step_last, pace.behind_last), (0, Some(75_000), Some(-30_000)));
    }

    #[test]
    fn going_back_to_show_something_again_is_not_falling_behind() {
        // The plan: cluster until 120 s, deploy until 210 s, refused until 270 s.
        assert_eq!(behind_at("refused", &[("cluster", 120), ("deploy", 90)]), 0);
        assert_eq!(behind_at("cluster", &[("cluster", 120), ("deploy", 90)]), 0);
        assert_eq!(behind_at("cluster", &[("cluster", 210), ("deploy", 90)]), 30);
        assert_eq!(behind_at("cluster", &[("cluster", 60), ("deploy", 90)]), -60);
        assert_eq!(behind_at("deploy", &[("cluster", 150)]), 0);
    }

    #[test]
    fn the_end_of_the_slot_is_told_before_it_and_after() {
        let at = 1_763_880_139_000;
        let pace = |spent: u64| Pace { slot: 600_000, slot_spent: spent, ends_at: at, ..Pace::default() };
        assert_eq!(end_in_words(&pace(599_000), 3600), "ends 07:42");
        assert_eq!(end_in_words(&pace(600_000), 3600), "the slot is over");
        assert_eq!(end_in_words(&pace(785_000), 3600), "over by 3 min");
        let on_stage = Pace { on_stage: true, step_spent: 5_000, behind: -1_000, ..pace(90_000) };
        assert_eq!(next_minute(&on_stage), Some(1_000), "it is behind then");
        assert_eq!(next_minute(&Pace { behind: 0, ..on_stage }), Some(30_000));
        assert_eq!(next_minute(&Pace { paused: true, ..on_stage }), Some(60_000 - at % 60_000));
        assert_eq!(next_minute(&Pace { paused: true, on_stage: false, ..on_stage }), None);
    }

    #[test]
    fn a_talk_that_begins_further_on_is_not_ahead() {
        assert_eq!(behind_at("deploy", &[]), 0);
        assert_eq!(behind_at("refused", &[("deploy", 180)]), 30);
    }
}

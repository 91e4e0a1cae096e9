//! `workshop rehearse`: the minutes of a talk as it was last given, beside those that are planned.

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use regex::Regex;

use super::args::CommonOptions;
use super::output::say;
use super::places::CourseDirs;
use super::{course, places, target};
use workshop_base::duration;
use workshop_base::problem::{Problem, Result};
use workshop_base::text::sanitize;
use workshop_course::lesson::model::{Chapter, Course, Step};
use workshop_course::lesson::{lint, load};
use workshop_engine::event::StepRef;

/// Milliseconds spent on each step.
type StepTimes = BTreeMap<StepRef, u64>;

/// Minutes are written in quarters.
const QUARTER: u64 = 15_000;

/// Shows what each step took in the session of the working directory beside what is planned for it on its target; with
/// `write` the lesson files plan from then on what it took. Returns the exit code.
///
/// # Errors
/// When the course is not valid, nothing was rehearsed in the directory, or a lesson file cannot be written.
pub fn run(common: &CommonOptions, write: bool) -> Result<u8> {
    let dirs = if write { places::authors_course(common)? } else { places::course(common)? };
    let course = course::read(common)?;
    let workdir = places::workdir(common)?;
    let spent = workshop_engine::spent(&workdir)?.unwrap_or_default();
    if spent.values().all(|ms| *ms == 0) {
        return Err(Problem::usage(format!("nothing was rehearsed in {}", workdir.display()))
            .hint("give the talk once with `workshop`, its clock running, then ask again"));
    }
    let common = target::remembered(common, &workdir)?;
    let planned = course.clone().on(target::of(&common, &course));
    say(&table(&planned, &spent))?;
    if write {
        let changed = rewrite(&course, &planned, &spent, &dirs)?;
        say(&match changed.as_slice() {
            [] => "the lesson files plan that already\n".to_owned(),
            files => format!("written: {}\n", files.join(", ")),
        })?;
    }
    Ok(0)
}

fn table(course: &Course, spent: &StepTimes) -> String {
    let mut out = String::from("planned   took\n");
    for chapter in &course.chapters {
        let took: u64 = chapter.steps.iter().filter_map(|step| spent.get(&reference(chapter, step))).sum();
        let planned = duration::minutes(millis(chapter.budget));
        let title = sanitize(&chapter.title);
        out.push_str(&format!("{planned:>7} {:>6}  chapter {}: {title}\n", duration::minutes(took), chapter.number));
        for step in &chapter.steps {
            let took = spent.get(&reference(chapter, step)).map(|ms| duration::minutes(*ms));
            let (planned, took) = (duration::minutes(millis(step.budget)), took.unwrap_or_else(|| "-".to_owned()));
            out.push_str(&format!("{planned:>7} {took:>6}    {}\n", sanitize(&step.title)));
        }
    }
    out
}

fn reference(chapter: &Chapter, step: &Step) -> StepRef {
    StepRef { chapter: chapter.number, step: step.id.clone() }
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Writes the minutes into the chapter files of what was rehearsed, and names those that are others now. If the course
/// were not valid afterwards, they are as before. `planned` is the course on the target of the rehearsal.
fn rewrite(course: &Course, planned: &Course, spent: &StepTimes, dirs: &CourseDirs) -> Result<Vec<String>> {
    let mut before: BTreeMap<std::path::PathBuf, String> = BTreeMap::new();
    let put_back = |before: &BTreeMap<std::path::PathBuf, String>| {
        before.iter().for_each(|(path, text)| drop(fs::write(path, text)));
    };
    for chapter in &course.chapters {
        let path = &chapter.origin.file;
        let unread = |e: std::io::Error| {
            Problem::usage(format!("{} cannot be written: {e}", path.display())).hint("make the lesson files writable")
        };
        let text = fs::read_to_string(path).map_err(unread)?;
        let new = chapter_text(&text, chapter, planned.chapter(chapter.number), spent);
        if new != text {
            before.insert(path.clone(), text);
            if let Err(error) = fs::write(path, new) {
                put_back(&before);
                return Err(unread(error));
            }
        }
    }
    if let Err(problems) = load::load(&dirs.lessons, &dirs.snapshots) {
        put_back(&before);
        return Err(Problem::course(format!("the minutes were not written: {}", lint::plain(&problems).trim_end()))
            .hint("write them by hand: the table says what each step took"));
    }
    Ok(before.keys().map(|path| path.display().to_string()).collect())
}

/// A key with its number, in a line of its own or among others in braces.
static MINUTES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(^\s*(?:- )?|[{,]\s*)(minutes:\s*)([0-9.]+)").expect("tested"));

/// A chapter file with the minutes that its steps took; the chapter's own are their sum. Nothing else is changed, and
/// nothing of a step that only waited: how long its text takes to say is not known then.
fn chapter_text(text: &str, chapter: &Chapter, on_target: Option<&Chapter>, spent: &StepTimes) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let mut sum = 0;
    // A step of an included file is shared: what it took here is not what it takes everywhere.
    let own = |step: &&Step| step.origin.file == chapter.origin.file;
    sum += chapter.steps.iter().filter(|step| !own(step)).map(|step| millis(step.stage_budget())).sum::<u64>();
    let steps: Vec<&Step> = chapter.steps.iter().filter(own).collect();
    let starts: Vec<usize> = steps.iter().map(|step| (step.origin.line as usize).saturating_sub(1)).collect();
    let mut any = false;
    for (i, step) in steps.into_iter().enumerate() {
        let waits = on_target.and_then(|chapter| chapter.step(&step.id)).map_or(0, |step| millis(step.budget));
        let only_waited = |ms: u64| waits > millis(step.budget) && ms <= waits;
        let took = spent.get(&reference(chapter, step)).filter(|ms| **ms > 0 && !only_waited(**ms));
        let planned = took.map_or(millis(step.budget), |ms| (ms + QUARTER / 2).max(QUARTER) / QUARTER * QUARTER);
        // What learners take by themselves is no part of the chapter's.
        sum += if step.on_stage { planned } else { 0 };
        if planned == millis(step.budget) {
            continue;
        }
        let end = starts.get(i + 1).copied().unwrap_or(lines.len());
        any |= lines[starts[i]..end].iter_mut().any(|line| put_minutes(line, planned));
    }
    if any {
        // The chapter's own stands at the margin.
        let own = lines.iter_mut().find(|line| line.starts_with("minutes:"));
        own.map(|line| put_minutes(line, sum));
    }
    lines.join("\n")
}

/// Puts the first `minutes` of a line to a number of milliseconds; false when it has none.
fn put_minutes(line: &mut String, ms: u64) -> bool {
    let new = MINUTES
        .replace(line, |found: &regex::Captures<'_>| format!("{}{}{}", &found[1], &found[2], ms as f64 / 60_000.0));
    let has = MINUTES.is_match(line);
    *line = new.into_owned();
    has
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chapters_minutes_are_those_of_its_steps_on_stage() {
        let mut chapter = crate::tui::fixture::course().chapters[1].clone();
        chapter.steps.truncate(2);
        for (step, (line, minutes, on_stage)) in chapter.steps.iter_mut().zip([(3, 2, true), (5, 1, false)]) {
            (step.origin.line, step.on_stage) = (line, on_stage);
            (step.budget, step.origin.file) =
                (std::time::Duration::from_secs(60 * minutes), chapter.origin.file.clone());
        }
        let text = "minutes: 2\nsteps:\n  - id: a\n    minutes: 2\n  - id: b\n    minutes: 1\n    on_stage: false\n";
        let spent = chapter.steps.iter().zip([180_000, 90_000]).map(|(step, ms)| (reference(&chapter, step), ms));
        let new = chapter_text(text, &chapter, None, &spent.collect());
        let own: Vec<&str> = new.lines().filter(|line| line.contains("minutes")).collect();
        assert_eq!(own, ["minutes: 3", "    minutes: 3", "    minutes: 1.5"]);
    }

    #[test]
    fn a_line_keeps_all_but_its_minutes() {
        let put = |line: &str, ms| {
            let mut line = line.to_owned();
            put_minutes(&mut line, ms).then_some(line)
        };
        assert_eq!(put("    minutes: 2 # generous", 90_000).as_deref(), Some("    minutes: 1.5 # generous"));
        assert_eq!(
            put("  - {id: a, minutes: 0.5, say: x}", 60_000).as_deref(),
            Some("  - {id: a, minutes: 1, say: x}")
        );
        assert_eq!(put("minutes: 10", 615_000).as_deref(), Some("minutes: 10.25"));
        assert_eq!(put("    say: minutes: 3", 1), None);
    }
}

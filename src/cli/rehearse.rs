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
use workshop_base::files;
use workshop_base::problem::{Problem, Result};
use workshop_base::text::sanitize;
use workshop_course::lesson::model::{Chapter, Course, Origin, Step};
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
    let dirs = if write { places::course_to_write(common)? } else { places::course(common)? };
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
        before.iter().for_each(|(path, text)| drop(files::rewrite(path, text.as_bytes())));
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
            if let Err(error) = files::rewrite(path, new.as_bytes()) {
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
    // Several actions of one step share its minutes.
    let steps = chapter.steps.chunk_by(|_, next| next.part.as_ref().is_some_and(|part| part.number > 1));
    // A step of an included file is shared: what it took here is not what it takes everywhere.
    let (steps, others): (Vec<&[Step]>, Vec<&[Step]>) =
        steps.partition(|step| written_at(step).is_some_and(|origin| origin.file == chapter.origin.file));
    let mut sum = millis(others.into_iter().flatten().map(Step::stage_budget).sum());
    let line = |step: &&[Step]| written_at(step).map_or(0, |origin| (origin.line as usize).saturating_sub(1));
    let starts: Vec<usize> = steps.iter().map(line).collect();
    let mut any = false;
    for (i, step) in steps.into_iter().enumerate() {
        let budget = millis(step.iter().map(|part| part.budget).sum());
        let on_target = step.iter().filter_map(|part| on_target?.step(&part.id));
        let waits = millis(on_target.map(|part| part.budget).sum());
        let took: u64 = step.iter().filter_map(|part| spent.get(&reference(chapter, part))).sum();
        let only_waited = waits > budget && took <= waits;
        let rehearsed = took > 0 && !only_waited;
        let planned = if rehearsed { (took + QUARTER / 2).max(QUARTER) / QUARTER * QUARTER } else { budget };
        if step.iter().all(|part| part.on_stage) {
            sum += planned;
        }
        if planned == budget {
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

/// Returns where the lesson has a step, be it one of several actions.
fn written_at(step: &[Step]) -> Option<&Origin> {
    let first = step.first()?;
    Some(first.part.as_ref().map_or(&first.origin, |part| &part.origin))
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

    const LESSON: &str = "\
snapshot: ch00
title: C
minutes: 4
steps:
  - {id: copy, title: A, minutes: 1, say: x, edit: all}
  - id: two
    title: A
    minutes: 1
    say: x
    actions: [{shell: {run: a}}, {shell: {run: b}}]
  - id: more
    title: A
    minutes: 2
    say: x
    actions:
      - {shell: {run: a}}
      - {shell: {run: b}}
  - {id: own, title: A, minutes: 3, say: x, on_stage: false, shell: {run: a}}
";

    #[test]
    fn several_actions_share_their_steps_minutes_and_what_is_not_on_stage_counts_for_itself() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("lessons/ch00.yaml", LESSON);
        write("lessons/course.yaml", "title: T\ncode: T1\nslot: 30\nchapters: [ch00]\n");
        write("snapshots/ch00/a.txt", "a");
        let course = load::load(&root.path().join("lessons"), &root.path().join("snapshots")).unwrap();
        let took = [("two", 20), ("two-2", 70), ("more", 100), ("more-2", 20), ("own", 60)];
        let at = |id: &str| StepRef { chapter: 0, step: id.to_owned() };
        let spent = took.iter().map(|(id, seconds)| (at(id), seconds * 1000)).collect();
        let on_target = course.clone().on(workshop_course::lesson::model::Target::Local);
        let text = chapter_text(LESSON, &course.chapters[0], on_target.chapter(0), &spent);
        let expected = LESSON.replacen("minutes: 4", "minutes: 4.5", 1).replace("minutes: 3", "minutes: 1");
        assert_eq!(text, expected.replacen("    minutes: 1\n", "    minutes: 1.5\n", 1));
        write("lessons/ch00.yaml", &text);
        assert!(load::load(&root.path().join("lessons"), &root.path().join("snapshots")).is_ok());
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

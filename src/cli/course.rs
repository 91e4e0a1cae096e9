//! Commands on the course as it is written: nothing is run.

use std::io::IsTerminal;

use super::args::Common;
use super::{places, say, wants_color};
use crate::headless::github;
use crate::headless::report::{self, Format, Wanted};
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::text::sanitize;
use workshop_course::code::{diff, unified};
use workshop_course::lesson::model::{Chapter, Course};
use workshop_course::lesson::{lint, load, schema};

/// Reads the course, or shows all that is wrong with it.
///
/// # Errors
/// When there is no course, or it is not valid: then every problem has been written to stderr.
pub fn read(common: &Common) -> Result<Course> {
    let places = places::course(common)?;
    load::load(&places.lessons, &places.snapshots).map_err(|problems| invalid(common, &problems))
}

/// Reads the course to try it out, and says whether its snapshots are other than its lessons say: then that has
/// been written to stderr.
///
/// # Errors
/// As [`read`], when it cannot be tried out.
pub fn read_to_prove(common: &Common) -> Result<(Course, bool)> {
    let places = places::course(common)?;
    let (course, problems) = load::load_to_prove(&places.lessons, &places.snapshots);
    let Some(course) = course else { return Err(invalid(common, &problems)) };
    if !problems.is_empty() {
        eprint!("{}", lint::render(&problems, wants_color(common.color, std::io::stderr().is_terminal())));
        eprintln!("the snapshots are not what the lessons say; going on to show what that comes to\n");
    }
    Ok((course, !problems.is_empty()))
}

fn invalid(common: &Common, problems: &[Problem]) -> Problem {
    eprint!("{}", lint::render(problems, wants_color(common.color, std::io::stderr().is_terminal())));
    Problem::new(Kind::Course, "the course is not valid")
        .hint("mend the lesson files or the snapshots, then run `workshop lint`")
}

pub fn lint(common: &Common) -> Result<u8> {
    let places = places::course(common)?;
    let loaded = load::load(&places.lessons, &places.snapshots);
    let problems = loaded.as_ref().err().map(Vec::as_slice).unwrap_or_default();
    let human = Wanted { format: if common.plain { Format::Plain } else { Format::Human }, file: None };
    let mut wanted = common.format.clone();
    if wanted.iter().all(|w| w.file.is_some()) {
        wanted.push(human);
    }
    report::distinct(&wanted)?;
    for Wanted { format, file } in &wanted {
        let text = match format {
            // Who reads a person's report reads what is well, too.
            Format::Human if problems.is_empty() => continue,
            Format::Human => lint::render(problems, wants_color(common.color, std::io::stdout().is_terminal())),
            Format::Plain => lint::plain(problems),
            Format::Json => lint::json(problems),
            Format::Github => github::annotations(problems),
            Format::Junit | Format::Tap => {
                return Err(Problem::usage("lint reports as human, plain, json or github")
                    .hint("junit and tap report what --check and prove run"));
            }
        };
        match file {
            None => say(&text)?,
            Some(path) => std::fs::write(path, text).map_err(|e| {
                Problem::usage(format!("{} cannot be written: {e}", path.display()))
                    .hint("name a file in a directory that is there")
            })?,
        }
    }
    let Ok(course) = loaded else { return Ok(Kind::Course.exit_code()) };
    if !wanted.iter().any(|w| w.file.is_none() && matches!(w.format, Format::Human | Format::Plain)) {
        return Ok(0);
    }
    let (steps, checks) =
        course.chapters.iter().fold((0, 0), |(s, c), chapter| (s + chapter.steps.len(), c + chapter.checks.len()));
    let minutes = course.chapters.iter().filter(|c| c.on_stage).map(|c| c.budget.as_secs()).sum::<u64>() / 60;
    say(&format!(
        "{}: {} chapters, {steps} steps, {checks} checks, {minutes} of {} minutes: no problems\n",
        sanitize(&course.title),
        course.chapters.len(),
        course.slot.as_secs() / 60,
    ))?;
    Ok(0)
}

pub fn schema() -> Result<u8> {
    let text = serde_json::to_string_pretty(&schema::schema())
        .map_err(|e| Problem::course(format!("the schema cannot be written: {e}")))?;
    say(&format!("{text}\n"))?;
    Ok(0)
}

/// A chapter by its number, or by the name of its file and snapshot.
///
/// # Errors
/// When there is none.
fn named<'a>(course: &'a Course, name: &str) -> Result<&'a Chapter> {
    if let Some(chapter) = course.chapters.iter().find(|chapter| chapter.id == name) {
        return Ok(chapter);
    }
    match name.parse() {
        Ok(number) => chapter(course, number),
        Err(_) => Err(Problem::usage(format!("there is no chapter `{name}`")).hint(
            "name it by its number, or as its snapshot is named: `workshop diff 0 1`, `workshop diff ch00 ch01`",
        )),
    }
}

/// A chapter by its number.
///
/// # Errors
/// When there is none.
pub fn chapter(course: &Course, number: u32) -> Result<&Chapter> {
    course.chapter(number).ok_or_else(|| {
        let last = course.chapters.last().map_or(0, |c| c.number);
        Problem::usage(format!("there is no chapter {number}")).hint(format!("chapters go from 0 to {last}"))
    })
}

/// Prints the difference between two chapters' snapshots; exit code 0 also when they differ, since that is
/// what was asked for.
pub fn diff(common: &Common, from: &str, to: &str) -> Result<u8> {
    let course = read(common)?;
    let (before, after) = (&named(&course, from)?.snapshot, &named(&course, to)?.snapshot);
    let terminal = std::io::stdout().is_terminal();
    let color = wants_color(common.color, terminal);
    for file in diff::diff_trees(before, after) {
        let text = unified::unified(&file);
        // A pipe gets the bytes as they are, so that `patch` can take them.
        let text = if terminal { sanitize(&text).into_owned() } else { text };
        say(&if color { painted(&text) } else { text })?;
    }
    Ok(0)
}

/// Added green, removed red, places cyan.
fn painted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 256);
    for line in text.lines() {
        let code = match line {
            l if l.starts_with("+++") || l.starts_with("---") => "1",
            l if l.starts_with("@@") => "36",
            l if l.starts_with('+') => "32",
            l if l.starts_with('-') => "31",
            _ => "",
        };
        match code {
            "" => out.push_str(line),
            code => out.push_str(&format!("\u{1b}[{code}m{line}\u{1b}[0m")),
        }
        out.push('\n');
    }
    out
}

//! Commands on the course as it is written: nothing is run.

use std::io::IsTerminal as _;
use std::path::Path;

use super::args::CommonOptions;
use super::output::{colors_stderr, colors_stdout, say, under_actions, warn};
use super::{agreement, choices, output, places, propagate, synth};
use crate::headless::github;
use crate::headless::types::{self, ReportFormat, ReportRequest};
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::text::{counted, sanitize};
use workshop_course::code::tree::Tree;
use workshop_course::code::{diff, unified};
use workshop_course::lesson::locale::{self, Translation};
use workshop_course::lesson::model::{Chapter, Course, Target};
use workshop_course::lesson::{chain, facts, lint, listing, load, schema};

/// Reads the course, or shows all that is wrong with it.
///
/// # Errors
/// When there is no course, or it is not valid: then every problem has been written to stderr.
pub fn read(common: &CommonOptions) -> Result<Course> {
    let mut dirs = places::course(common)?;
    dirs.chosen = choices::chosen(common, &dirs.lessons)?;
    read_from(common, &dirs)
}

/// As [`read`], from a place that is known.
///
/// # Errors
/// When it is not valid: then every problem has been written to stderr.
pub fn read_from(common: &CommonOptions, dirs: &places::CourseDirs) -> Result<Course> {
    dirs.load().map_err(|problems| invalid(common, &problems))
}

/// Reads a course whose commands are going to be run, after asking whether they may.
///
/// # Errors
/// As [`read`], and when it is not agreed to.
pub fn read_to_open(common: &CommonOptions, dirs: &places::CourseDirs) -> Result<Course> {
    let dirs = places::CourseDirs { chosen: choices::ask(common, dirs)?, ..dirs.clone() };
    let course = read_from(common, &dirs)?;
    agreement::ask(&course, &dirs, common.agree)?;
    Ok(course)
}

/// A course to be tried out.
pub struct CourseToProve {
    /// The course; where it cannot be tried out, all that is wrong with it.
    pub course: std::result::Result<Course, Vec<Problem>>,
    /// In what the snapshots are other than the lessons say.
    pub drift: Vec<Problem>,
}

/// Reads the course to try it out; what is wrong with it has then been written to stderr.
///
/// # Errors
/// When `--choose` names what the course does not have.
pub fn read_to_prove(common: &CommonOptions, dirs: &places::CourseDirs) -> Result<CourseToProve> {
    let chosen = choices::chosen(common, &dirs.lessons)?;
    let (mut course, mut problems) = load::load_to_prove(&dirs.lessons, &dirs.snapshots, &chosen);
    let drift = if course.is_some() { problems.clone() } else { Vec::new() };
    if let (Some(course), Some(locale)) = (&mut course, &dirs.locale) {
        locale::translate(course, locale, &mut problems);
    }
    let course = course.filter(|_| problems.iter().all(|problem| problem.kind == Kind::Failed));
    if !problems.is_empty() {
        warn(&lint::render(&problems, colors_stderr(common.color)));
    }
    if course.is_some() && !drift.is_empty() {
        warn("the snapshots are not what the lessons say; going on to show what that comes to\n\n");
    }
    Ok(CourseToProve { course: course.ok_or(problems), drift })
}

/// Writes every problem of a course to stderr, and returns the one that ends the command.
pub fn invalid(common: &CommonOptions, problems: &[Problem]) -> Problem {
    warn(&lint::render(problems, colors_stderr(common.color)));
    Problem::new(Kind::Course, "the course is not valid")
        .hint("mend the lesson files or the snapshots, then run `workshop lint`")
}

/// Reports every problem of the course, and returns the exit code: 0 without any, else 2.
///
/// # Errors
/// When there is no course here, when a report cannot be written or is of a format that lint has none for, and, with
/// `synth`, when the CDK cannot be run.
pub fn lint(common: &CommonOptions, synth: bool) -> Result<u8> {
    if !common.choose.is_empty() {
        return Err(Problem::usage("lint looks at every option: --choose does nothing here")
            .hint("leave it out; `workshop prove --choose NAME=OPTION` tries one out"));
    }
    let dirs = places::authors_course(common)?;
    let known = locale::locales(&dirs.lessons);
    let mut languages: Vec<Translation> = known.into_iter().map(Translation::new).collect();
    let each = |course: &Course| languages.iter_mut().for_each(|language| language.take(course));
    let mut loaded = load::load_each(&dirs.lessons, &dirs.snapshots, each);
    let forgotten = propagate::forgotten(&dirs.lessons, &dirs.snapshots);
    if !forgotten.is_empty() {
        let problems = loaded.err().unwrap_or_default();
        loaded = Err(forgotten.into_iter().chain(problems).collect());
    }
    let translated = wrong_texts(&languages, &dirs);
    if loaded.is_ok() && !translated.is_empty() {
        loaded = Err(translated);
    }
    if let Ok(course) = &loaded {
        // The CDK's application is a program of the course's.
        if synth {
            agreement::ask(course, &dirs, common.agree)?;
        }
        let refused = synth::unsupported(course, synth)?;
        if !refused.is_empty() {
            loaded = Err(refused);
        }
    }
    let problems = loaded.as_ref().err().map(Vec::as_slice).unwrap_or_default();
    let warnings = loaded.as_ref().map(warnings_of).unwrap_or_default();
    let requests = types::complete(&common.format, common.plain, under_actions())?;
    for ReportRequest { format, file } in &requests {
        let text = match format {
            // Who reads a person's report reads what is well, too.
            ReportFormat::Human if problems.is_empty() => continue,
            ReportFormat::Human => lint::render(problems, colors_stdout(common.color)),
            ReportFormat::Plain => lint::plain(problems),
            ReportFormat::Json => lint::json(problems),
            ReportFormat::Github => github::annotations("error", problems) + &github::annotations("warning", &warnings),
            ReportFormat::Junit | ReportFormat::Tap => {
                return Err(Problem::usage("lint reports as human, plain, json or github")
                    .hint("junit and tap report what --check and prove run"));
            }
        };
        match file {
            None if under_actions() && format.is_for_people() => say(&github::inert(&text))?,
            None => say(&text)?,
            Some(path) => std::fs::write(path, text).map_err(|e| unwritable(path, &e))?,
        }
    }
    let course = match &loaded {
        Ok(course) => course,
        // A text that is not translated is no fault of the course: whoever asked for the language is told.
        Err(problems) if dirs.locale.is_some() && problems.iter().all(|p| p.kind == Kind::Failed) => {
            return Ok(Kind::Failed.exit_code());
        }
        Err(_) => return Ok(Kind::Course.exit_code()),
    };
    warn(&lint::render_warnings(&warnings, colors_stderr(common.color)));
    if !requests.iter().any(|request| request.file.is_none() && request.format.is_for_people()) {
        return Ok(0);
    }
    let (steps, checks) =
        course.chapters.iter().fold((0, 0), |(s, c), chapter| (s + chapter.steps.len(), c + chapter.checks.len()));
    say(&format!(
        "{}: {}, {}, {}, {} of {} minutes: no problems\n",
        sanitize(&course.title),
        counted(course.chapters.len(), "chapter"),
        counted(steps, "step"),
        counted(checks, "check"),
        planned_minutes(course),
        course.slot.as_secs() / 60,
    ))?;
    Ok(0)
}

/// Returns what is wrong with the course's texts in other languages, and what the one that was asked for lacks.
fn wrong_texts(languages: &[Translation], dirs: &places::CourseDirs) -> Vec<Problem> {
    let wrong = languages.iter().flat_map(Translation::problems);
    let missing = languages.iter().flat_map(|language| language.missing(dirs.locale.as_deref()));
    let lost = listing::texts_without_a_language(&dirs.lessons.join(locale::LOCALES));
    lost.into_iter().chain(wrong).chain(missing).collect()
}

/// Returns what does not make a course invalid, and should be looked at.
fn warnings_of(course: &Course) -> Vec<Problem> {
    let outdated = facts::outdated(course, jiff::Zoned::now().date());
    outdated.into_iter().chain(propagate::unshared(course)).collect()
}

/// Says that a report's file cannot be written.
pub fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::usage(format!("{} cannot be written: {error}", path.display()))
        .hint("name a file in a directory that is there")
}

/// Writes the JSON Schema of the lesson files.
///
/// # Errors
/// When standard output cannot be written.
pub fn schema() -> Result<u8> {
    let text = serde_json::to_string_pretty(&schema::schema())
        .map_err(|e| Problem::course(format!("the schema cannot be written: {e}")))?;
    say(&format!("{text}\n"))?;
    Ok(0)
}

/// Finds a chapter by its number.
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
/// what was asked for. The course need not be valid: who writes it looks here for what a step can name.
///
/// # Errors
/// When a lesson file cannot be read, and when the course has no such chapter or a snapshot is not there.
pub fn diff(common: &CommonOptions, from: &str, to: &str) -> Result<u8> {
    let dirs = places::course(common)?;
    let names = chain::snapshots_in_order(&dirs.lessons)?;
    let chosen = choices::chosen(common, &dirs.lessons)?;
    let snapshot = |chapter: &str| -> Result<Tree> {
        let Some(at) = chain::position(&names, chapter) else {
            // One that is not valid may not name its chapters.
            read_from(common, &dirs)?;
            let last = names.len().saturating_sub(1);
            return Err(Problem::usage(format!("there is no chapter `{chapter}`")).hint(format!(
                "chapters go from 0 to {last}, and are named by their snapshots, too: `workshop diff 0 1`, `workshop diff \
                 ch00 ch01`"
            )));
        };
        let directory = dirs.snapshots.join(&names[at]);
        chain::snapshot(&dirs.lessons, &directory, &chosen).map_err(Problem::usage)
    };
    let (before, after) = (snapshot(from)?, snapshot(to)?);
    let terminal = std::io::stdout().is_terminal();
    let color = output::wants_color(common.color, terminal);
    // git and patch pass over what stands before the first file and after the last.
    let _fence = output::ActionsFence::open();
    for file in diff::diff_trees(&before, &after) {
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
    // A line that is taken away and begins with `--` looks like the name of a file.
    let mut is_head = true;
    for line in text.lines() {
        is_head &= !line.starts_with("@@");
        let code = match line {
            l if is_head && (l.starts_with("+++") || l.starts_with("---")) => "1",
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

/// Returns the whole minutes that are planned on stage: of each target where the waits make them different.
fn planned_minutes(course: &Course) -> String {
    let targets = [Target::Local, Target::Aws].into_iter().filter(|target| course.runs_on(*target));
    let planned: Vec<(Target, u64)> =
        targets.map(|target| (target, course.stage_time(target).as_secs() / 60)).collect();
    match planned.as_slice() {
        [(first, on_first), (other, on_other)] if on_first != on_other => {
            format!("{on_first} ({first}) and {on_other} ({other})")
        }
        planned => planned.first().map_or(0, |(_, minutes)| *minutes).to_string(),
    }
}

//! Looking, not trusting: where files, stack and database are, and whether the machine has what is needed.

use std::time::Duration;

use regex::Regex;
use semver::{Version, VersionReq};

use super::cloud::{CloudTarget, Report};
use super::context::StepContext;
use super::deploy;
use super::event::{ChapterMatch, EventKind, Preparation, StepRef, Verdict};
use super::expect::{self, Mismatch};
use super::files;
use super::messages::ProbeResults;
use super::values::{Values, database_site};
use workshop_base::problem::{Problem, Result};
use workshop_base::process::{self, ExitCause, ProcessSpec};
use workshop_base::text;
use workshop_course::lesson::model::{Chapter, CheckKind, Course, Prerequisite, StepAction, Target, Template};
use workshop_course::lesson::template;
use workshop_psql::report::StatementResult;

/// The time that one probe of the world may take: they are answers of one call each.
const PROBE: Duration = Duration::from_secs(20);
/// The time that a prerequisite may take to print its version.
const VERSION: Duration = Duration::from_secs(20);

/// Asks everything. What cannot be asked is unknown; nothing is changed.
/// `deployed` is after which step the stack was last deployed and what its newest event was then, `unseen` a deploy
/// whose end was not seen, and when it began.
pub async fn locate(
    ctx: &StepContext,
    deployed: Option<(StepRef, String)>,
    unseen: Option<(StepRef, u64)>,
) -> ProbeResults {
    let course = &ctx.setup.course;
    let files = files::place(course, &files::current(course, &ctx.setup.workdir));
    let mut found = ProbeResults {
        files,
        stack: ChapterMatch::Unknown,
        database: ChapterMatch::Unknown,
        under_way: None,
        unseen: Vec::new(),
    };
    let Ok(world) = ctx.world().await else { return found };
    if let Some((at_step, begun)) = unseen
        && let Some(StepAction::Deploy(what)) = at_step.of(course).map(|s| &s.action)
    {
        let known = deployed.as_ref().map(|(_, event)| event.as_str());
        let told = tokio::time::timeout(PROBE, deploy::look_back(ctx, &at_step, what, begun, known)).await;
        if let Ok(Ok(news)) = told {
            found.unseen = news;
        }
    }
    let asked = tokio::time::timeout(PROBE, stack(course, world.as_ref(), deployed)).await;
    if let Ok(Ok((place, under_way))) = asked {
        (found.stack, found.under_way) = (place, under_way);
    }
    if let Ok(place) = tokio::time::timeout(PROBE, database(course, world.as_ref(), &found.files)).await {
        found.database = place;
    }
    found
}

async fn stack(
    course: &Course,
    world: &dyn CloudTarget,
    deployed: Option<(StepRef, String)>,
) -> Result<(ChapterMatch, Option<String>)> {
    let Some(name) = &course.stack else { return Ok((ChapterMatch::Unknown, None)) };
    let Some(stack) = world.stack(name.clone()).await? else { return Ok((ChapterMatch::Nothing, None)) };
    let under_way = stack.in_progress().then(|| stack.status.clone());
    if let Some((step, event)) = deployed
        && newest_event(world, name).await? == Some(event)
    {
        let left = deploys_after(course, &step);
        let place = match left {
            0 => ChapterMatch::Chapter(step.chapter),
            differs => ChapterMatch::Near { chapter: step.chapter, differs },
        };
        return Ok((place, under_way));
    }
    // Someone else's deploy, or another working directory's: what the chapters' own checks say of a stack.
    let outputs: Vec<String> = stack.outputs.iter().map(|o| o.key.clone()).collect();
    let types: Vec<String> = world.stack_resources(name.clone()).await?.into_iter().map(|r| r.resource_type).collect();
    let fits = course.chapters.iter().rev().find(|chapter| {
        let mut said = chapter.checks.iter().filter_map(|check| match &check.kind {
            CheckKind::Stack { name: None, status, outputs: wants, resources } => Some(
                (status.is_empty() || status.contains(&stack.status))
                    && wants.iter().all(|w| outputs.contains(w))
                    && resources.iter().all(|r| types.contains(r)),
            ),
            CheckKind::Lambda { .. }
            | CheckKind::Stack { .. }
            | CheckKind::Sql { .. }
            | CheckKind::File { .. }
            | CheckKind::Command { .. }
            | CheckKind::Http(_)
            | CheckKind::Plan { .. } => None,
        });
        said.next().is_some_and(|first| first && said.all(|fits| fits))
    });
    let place =
        fits.map_or(ChapterMatch::Unknown, |chapter| ChapterMatch::Near { chapter: chapter.number, differs: 0 });
    Ok((place, under_way))
}

/// The id of the stack's newest event.
///
/// # Errors
/// When it cannot be asked.
pub async fn newest_event(world: &dyn CloudTarget, stack: &str) -> Result<Option<String>> {
    Ok(world.stack_events(stack.to_owned(), None).await?.pop().map(|event| event.id))
}

/// Counts the deploys of the chapter that come after a step.
fn deploys_after(course: &Course, step: &StepRef) -> u32 {
    let Some(chapter) = course.chapter(step.chapter) else { return 0 };
    let after = chapter.steps.iter().skip_while(|s| s.id != step.step).skip(1);
    u32::try_from(after.filter(|s| s.action.deploys()).count()).unwrap_or(u32::MAX)
}

/// The latest chapter whose own questions to the database are answered as they should be. Chapters after it that ask
/// nothing leave the database as it is: then the one that the files are at counts.
async fn database(course: &Course, world: &dyn CloudTarget, files: &ChapterMatch) -> ChapterMatch {
    // Where nothing is asked, it is nowhere: that is no news.
    if !course.asks_database() {
        return ChapterMatch::Unknown;
    }
    let site = match database_site(world, course).await {
        Ok(site) => site,
        Err(problem) if problem.kind == workshop_base::problem::Kind::Failed => return ChapterMatch::Nothing,
        Err(_) => return ChapterMatch::Unknown,
    };
    let mut silent = 0;
    for chapter in course.chapters.iter().rev() {
        let mut fits = true;
        let mut asked = 0;
        for question in questions(chapter) {
            asked += 1;
            let role = question.role.unwrap_or_else(|| site.role.clone());
            let Ok(result) = world.query(site.host.clone(), role, question.sql).await else {
                return ChapterMatch::Unknown;
            };
            fits &= matches!((question.answered)(&result), Ok(None));
        }
        match (asked, fits) {
            (0, _) => silent += 1,
            (_, true) => return ChapterMatch::Chapter(nearest(chapter.number, silent, files)),
            (_, false) => silent = 0,
        }
    }
    ChapterMatch::Nothing
}

/// A question of a check to the database, and what speaks against an answer.
struct Question<'a> {
    /// None: the usual one.
    role: Option<String>,
    sql: String,
    answered: Box<Answered<'a>>,
}

type Answered<'a> = dyn Fn(&StatementResult) -> Result<Option<Mismatch>> + Send + 'a;

/// Those questions of a chapter's checks that a probe may ask: that need nothing of what other checks capture, and
/// that run no query for the sake of its plan.
fn questions(chapter: &Chapter) -> impl Iterator<Item = Question<'_>> {
    let alone = |query: &Template| template::references(&query.0).is_empty();
    chapter.checks.iter().filter_map(move |check| match &check.kind {
        CheckKind::Sql { role, query, expect } if alone(query) && expect.numbers.is_empty() => Some(Question {
            role: role.clone(),
            sql: query.0.clone(),
            answered: Box::new(|result| expect::sql(expect, result, &expect::print(result), &Values::default())),
        }),
        // Of numbers, where something stands need not speak.
        CheckKind::Plan { query, analyze: false, matches, rejects, numbers: _ } if alone(query) => Some(Question {
            role: None,
            sql: format!("EXPLAIN {}", query.0),
            answered: Box::new(|result| {
                let expected = expect::ExpectedPlan { must: matches, must_not: rejects, numbers: &[] };
                expect::plan(result, &expected, &Values::default())
            }),
        }),
        CheckKind::Lambda { .. }
        | CheckKind::Sql { .. }
        | CheckKind::Stack { .. }
        | CheckKind::File { .. }
        | CheckKind::Command { .. }
        | CheckKind::Http(_)
        | CheckKind::Plan { .. } => None,
    })
}

/// Of a chapter and so many after it, the one that the files are at, or the nearest to it.
fn nearest(chapter: u32, after: u32, files: &ChapterMatch) -> u32 {
    match files {
        ChapterMatch::Chapter(files) | ChapterMatch::Near { chapter: files, .. } => {
            (*files).clamp(chapter, chapter + after)
        }
        ChapterMatch::Nothing | ChapterMatch::Unknown => chapter,
    }
}

/// Looks at each prerequisite and tells of it.
///
/// # Errors
/// When one is missing or too old: the first, with its fix.
pub async fn preflight(course: &Course, target: Target, report: &Report) -> Result<()> {
    let needed: Vec<&Prerequisite> =
        course.prerequisites.iter().filter(|p| p.targets.is_empty() || p.targets.contains(&target)).collect();
    let names = needed.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
    report.preparing(Preparation::Preflight, &names, 0, Some(needed.len() as u64), "prerequisites");
    // All at once: npm alone takes a third of a second to say its version.
    let looks = futures::future::join_all(needed.iter().map(|p| look_at(p))).await;
    let mut first = None;
    for (prerequisite, (verdict, found)) in needed.into_iter().zip(looks) {
        let fix = (verdict != Verdict::Pass).then(|| prerequisite.fix.clone());
        if let Some(fix) = &fix {
            first.get_or_insert_with(|| Problem::environment(format!("{}: {found}", prerequisite.name)).hint(fix));
        }
        report.emit(EventKind::Preflight { name: prerequisite.name.clone(), verdict, found, fix });
    }
    first.map_or(Ok(()), Err)
}

/// Answers what [`preflight`] tells, for those who want to know just that.
pub async fn look(course: &Course, target: Target) -> Vec<EventKind> {
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    // What is missing is in the events.
    let _ = preflight(course, target, &Report::new(move |kind| drop(told.send(kind)))).await;
    std::iter::from_fn(|| heard.try_recv().ok()).collect()
}

async fn look_at(prerequisite: &Prerequisite) -> (Verdict, String) {
    let job = ProcessSpec::shell(&prerequisite.command, "/", VERSION);
    let (ended, out, err) = match process::output(job).await {
        Ok(answer) => answer,
        Err(error) => return (Verdict::Error, error.to_string()),
    };
    if let ExitCause::Exited(code) = ended.cause
        && let Some(why) = text::not_run(Some(code))
    {
        let program = prerequisite.command.split(' ').next().unwrap_or_default();
        return (Verdict::Error, format!("`{program}` {why}"));
    }
    let lines: Vec<&str> = out.iter().chain(&err).map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    let printed = lines.first().copied().unwrap_or_default().to_owned();
    if !ended.success() {
        return (Verdict::Error, if printed.is_empty() { "it cannot be run".to_owned() } else { printed });
    }
    let (Some(version), Ok(range)) = (version_in(&lines), VersionReq::parse(&prerequisite.version)) else {
        return (Verdict::Error, format!("no version in {printed:?}"));
    };
    match range.matches(&version) {
        true => (Verdict::Pass, version.to_string()),
        false => (Verdict::Fail, format!("{version}, and the course needs {}", prerequisite.version)),
    }
}

/// Begins the line in which Java tells of the options that it was given by the environment.
const OPTIONS: &str = "Picked up ";

/// The version number in what a tool prints: the first with a dot in the first line that has a number which is no part of a
/// word, since a name can have one in it (`k3d version v5.6.0`), or that number alone; else any number. What it leaves
/// out is 0. Gradle draws a line before its own, and Java tells of its options.
fn version_in(lines: &[&str]) -> Option<Version> {
    let first = |pattern: &str, line: &str| {
        let found = Regex::new(pattern).ok()?.captures(line)?;
        let number = |part: Option<regex::Match<'_>>| part.map_or(Some(0), |part| part.as_str().parse().ok());
        found.iter().skip(1).map(number).collect::<Option<Vec<u64>>>()
    };
    let lines: Vec<&str> = lines.iter().copied().filter(|line| !line.starts_with(OPTIONS)).collect();
    let of_line = |line: &&str| first(r"(\d+)\.(\d+)(?:\.(\d+))?", line).or_else(|| first(r"\b[vV]?(\d+)", line));
    let found = lines.iter().find_map(of_line).or_else(|| lines.iter().find_map(|line| first(r"(\d+)", line)))?;
    let part = |i: usize| found.get(i).copied().unwrap_or(0);
    Some(Version::new(part(0), part(1), part(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prerequisite(command: &str, version: &str) -> Prerequisite {
        Prerequisite {
            name: "Tool".into(),
            command: command.into(),
            version: version.into(),
            targets: Vec::new(),
            fix: "install it".into(),
        }
    }

    #[test]
    fn versions_are_found_in_what_tools_print() {
        for (text, version) in [
            ("v20.20.2", "20.20.2"),
            ("psql (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)", "15.13.0"),
            ("aws-cli/2.17.3 Python/3.11", "2.17.3"),
            ("17", "17.0.0"),
            ("openjdk 21 2023-09-19", "21.0.0"),
            ("k3d version v5.6.0", "5.6.0"),
            ("k6 v0.49.0 (go1.21.6, linux/amd64)", "0.49.0"),
            ("go version go1.22.1 linux/amd64", "1.22.1"),
            ("OpenSSH_9.2p1 Debian-2+deb12u2, OpenSSL 3.0.11", "9.2.0"),
            ("Python 3.12.0rc1", "3.12.0"),
        ] {
            assert_eq!(version_in(&[text]).unwrap().to_string(), version);
        }
        assert_eq!(version_in(&["none"]), None);
        for options in
            ["_JAVA_OPTIONS: -Xmx512m", "JAVA_TOOL_OPTIONS: -Dfile.encoding=UTF-8", "X: -XX:MaxRAMPercentage=75.0"]
        {
            let told = format!("Picked up {options}");
            assert_eq!(version_in(&[&told, "openjdk 17.0.9"]).unwrap().major, 17, "{told}");
        }
    }

    #[test]
    fn a_chapter_that_asks_nothing_of_the_database_is_told_by_its_files() {
        for (files, told) in [
            (ChapterMatch::Chapter(4), 4),
            (ChapterMatch::Near { chapter: 3, differs: 2 }, 3),
            (ChapterMatch::Chapter(5), 4),
            (ChapterMatch::Chapter(1), 3),
            (ChapterMatch::Unknown, 3),
        ] {
            assert_eq!(nearest(3, 1, &files), told, "{files:?}");
        }
    }

    #[tokio::test]
    async fn a_prerequisite_is_there_too_old_or_missing() {
        assert_eq!(look_at(&prerequisite("echo v20.1.0", ">=20")).await, (Verdict::Pass, "20.1.0".into()));
        assert_eq!(
            look_at(&prerequisite("echo v18.1.0", ">=20")).await,
            (Verdict::Fail, "18.1.0, and the course needs >=20".into())
        );
        let framed = "printf '\\n-----\\nGradle 8.5\\n-----\\n'";
        assert_eq!(look_at(&prerequisite(framed, ">=8")).await, (Verdict::Pass, "8.5.0".into()));
        let (verdict, found) = look_at(&prerequisite("no-such-tool --version", ">=1")).await;
        assert_eq!((verdict, found.as_str()), (Verdict::Error, "`no-such-tool` was not found on PATH"));
    }
}

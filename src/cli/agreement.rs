//! Agreement to a course that is somebody else's: it runs commands of its own on this machine, as whoever opens it.
//!
//! Agreed to is a place: a course that one works on changes with every save. What was fetched is agreed to as it was
//! fetched, since its place holds one commit. The course that the program ships, wherever it lies, needs no agreement.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::places::CourseDirs;
use super::{output, shipped, target};
use workshop_base::database_url::DatabaseUrl;
use workshop_base::problem::{Kind, Problem, Result};
use workshop_course::lesson::load;
use workshop_course::lesson::model::{CheckKind, Course, CourseDatabase, ReadyWhen, StepAction, Template};
use workshop_course::lesson::template::{Reference, TemplateSyntax};

/// Asks once whether a course may be opened, where somebody is there to answer. A script or a pipe has named the course
/// that it wants to run; only what was fetched from elsewhere needs `--agree` there.
///
/// # Errors
/// When it is not agreed to.
pub fn ask(course: &Course, dirs: &CourseDirs, agreed: bool) -> Result<()> {
    let (list, home) = (list()?, home(dirs));
    if !is_needed(dirs)? {
        return Ok(());
    }
    if !agreed {
        let asked = output::can_ask();
        match (asked, &dirs.fetched) {
            (true, _) if answer(course, dirs, &home)? => {}
            (true, _) => return Err(Problem::new(Kind::Interrupted, "the course was not opened")),
            (false, None) => return Ok(()),
            (false, Some(url)) => {
                return Err(Problem::usage(format!("nobody is here to agree to what {url} runs on this machine"))
                    .hint("read its lessons, then pass --agree"));
            }
        }
    }
    record(&list, &home).map_err(|e| {
        Problem::environment(format!("{} cannot be written: {e}", list.display()))
            .hint("set WORKSHOP_CACHE to a directory that can be written")
    })
}

/// Tells whether a course is somebody else's, and was not agreed to yet.
///
/// # Errors
/// When there is no place for the cache.
pub fn is_needed(dirs: &CourseDirs) -> Result<bool> {
    Ok(!is_listed(&list()?, &home(dirs)) && !shipped::is_shipped(&dirs.lessons))
}

fn home(dirs: &CourseDirs) -> PathBuf {
    fs::canonicalize(&dirs.lessons).unwrap_or_else(|_| dirs.lessons.clone())
}

fn list() -> Result<PathBuf> {
    Ok(target::cache()?.join("agreed"))
}

/// Takes a course as agreed to: whoever has just made it need not be asked. That it cannot be remembered is no reason to
/// stop: they are asked then.
pub fn give(lessons: &Path) {
    if let (Ok(cache), Ok(home)) = (target::cache(), fs::canonicalize(lessons)) {
        let _ = record(&cache.join("agreed"), &home);
    }
}

fn answer(course: &Course, dirs: &CourseDirs, home: &Path) -> Result<bool> {
    let mut text = format!(
        "This course has not been opened here before:\n\n  {}\n  in {}\n\nIt runs commands of its own on this machine, as you.\nSome at once, to see what is there; others with its steps:\n\n",
        course.title,
        home.display()
    );
    let commands = commands_of_all(course, dirs);
    // All of them, and whole: what is not shown is not agreed to.
    commands.iter().flat_map(|command| command.lines()).for_each(|line| text.push_str(&format!("  {line}\n")));
    output::yes(&format!("{text}\nOpen it?"))
}

/// The commands of a course with whatever is chosen in it: another option may be chosen later, and nobody is asked then.
fn commands_of_all(course: &Course, dirs: &CourseDirs) -> Vec<String> {
    let mut all = commands(course);
    let whole = || load::load_every_option(&dirs.lessons, &dirs.snapshots);
    let whole = if course.choices.is_empty() { None } else { whole() };
    all.extend(whole.iter().flat_map(commands));
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|command| seen.insert(command.clone()));
    all
}

/// The commands that a course runs by itself, with its steps and in its checks, those that it runs at once first.
fn commands(course: &Course) -> Vec<String> {
    let shell = |run: &Template| shown(course, run, TemplateSyntax::Shell);
    let mut all: Vec<String> = course.prerequisites.iter().map(|needed| needed.command.trim().to_owned()).collect();
    all.extend(course.setup.iter().chain(&course.teardown).map(|command| shell(&command.run)));
    all.extend(match &course.database {
        CourseDatabase::Url(url) => DatabaseUrl::parse(url).ok().map(|url| format!("(connects to {url})")),
        CourseDatabase::UrlFrom(name) => Some(format!("(connects to the database that {name} names)")),
        // `COPY … TO PROGRAM`, `archive_command`, functions in C: no list of words would find them all.
        CourseDatabase::Postgres => {
            Some("(starts a PostgreSQL, and is its superuser: its statements can run programs, too)".to_owned())
        }
        CourseDatabase::Cluster => None,
    });
    for step in course.chapters.iter().flat_map(|chapter| &chapter.steps) {
        match &step.action {
            StepAction::Shell(action) => all.push(shell(&action.run) + &read(course, action.stdin.as_ref())),
            StepAction::Serve(serve) => {
                all.push(shell(&serve.run));
                if let Some(ReadyWhen::Http(url)) = &serve.ready {
                    all.extend(asked_elsewhere(course, url));
                }
            }
            // psql's `\!`, `\o |`, `\copy … program` and others run commands, too.
            StepAction::Sql(sql) => {
                let meta = sql.statements.iter().filter(|statement| statement.run.0.contains('\\'));
                all.extend(meta.map(|statement| shown(course, &statement.run, TemplateSyntax::Sql)));
            }
            StepAction::Deploy(deploy) if deploy.template.is_some() => all.push("aws cloudformation …".to_owned()),
            StepAction::Deploy(_) => all.push("npx cdk …".to_owned()),
            _ => {}
        }
    }
    for check in course.chapters.iter().flat_map(|chapter| &chapter.checks) {
        match &check.kind {
            CheckKind::Command { run, stdin, .. } => all.push(shell(run) + &read(course, stdin.as_ref())),
            CheckKind::Http(http) => all.extend(asked_elsewhere(course, &http.url)),
            _ => {}
        }
    }
    all
}

/// Returns a text as it is run, with the course's variables in it; what is known only then by its name.
fn shown(course: &Course, text: &Template, syntax: TemplateSyntax) -> String {
    let known = |reference: &Reference| match reference {
        Reference::Variable(name) => course.variables.get(name).map(|value| value.as_str().into()),
        _ => None,
    };
    text.shown(syntax, known).trim().to_owned()
}

/// Returns what a command reads, below it: a shell runs that.
fn read(course: &Course, stdin: Option<&Template>) -> String {
    let text = stdin.map(|text| shown(course, text, TemplateSyntax::Plain)).unwrap_or_default();
    text.lines().map(|line| format!("\n< {line}")).collect()
}

/// Tells of a request to another machine than this.
fn asked_elsewhere(course: &Course, url: &Template) -> Option<String> {
    let url = shown(course, url, TemplateSyntax::Url);
    let host = url.split_once("://").map_or("", |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or_default();
    let is_here = ["127.0.0.1", "localhost", "[::1]"].iter().any(|here| {
        host.strip_prefix(here).is_some_and(|port| port.is_empty() || port.starts_with(':') && !port.contains('@'))
    });
    (!is_here).then(|| format!("(sends a request to {url})"))
}

fn is_listed(list: &Path, home: &Path) -> bool {
    let listed = fs::read_to_string(list).unwrap_or_default();
    listed.lines().any(|line| Path::new(line) == home)
}

fn record(list: &Path, home: &Path) -> std::io::Result<()> {
    if is_listed(list, home) {
        return Ok(());
    }
    fs::create_dir_all(list.parent().unwrap_or(Path::new(".")))?;
    let mut file = fs::OpenOptions::new().create(true).append(true).open(list)?;
    writeln!(file, "{}", PathBuf::from(home).display())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAPTER: &str = "\
snapshot: ch00
title: C
minutes: 0
steps:
  - {id: copy, title: A, minutes: 0, say: x, edit: all}
  - {id: js, title: A, minutes: 0, say: x, when: {language: js}, shell: {run: first}}
  - {id: both, title: A, minutes: 0, say: x, when: {language: py, os: mac}, shell: {run: hidden}}
  - {id: both, title: A, minutes: 0, say: x, when: {language: py, c9: [d], c3: [d]}, shell: {run: \"hidden, too\"}}
checks:
  - {id: sure, title: A, when: {c1: d, c2: d, c4: d}, command: {run: in a check}}
";

    #[test]
    fn the_commands_of_every_option_are_shown() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let two = |one: &str, other: &str| format!("[{{id: {one}, title: A}}, {{id: {other}, title: B}}]");
        // More combinations than could be looked at one by one.
        let more: String =
            (0..24).map(|n| format!("  - {{id: c{n}, title: C, options: {}}}\n", two("c", "d"))).collect();
        write(
            "lessons/course.yaml",
            &format!(
                "title: T\ncode: T1\nslot: 1\nchapters: [ch00]\nchoices:\n  - {{id: language, title: L, options: {}}}\n  - \
                 {{id: os, title: O, options: {}}}\n{more}",
                two("js", "py"),
                two("linux", "mac")
            ),
        );
        write("lessons/ch00.yaml", CHAPTER);
        write("snapshots/ch00/a.txt", "a");
        let (lessons, snapshots) = (root.path().join("lessons"), root.path().join("snapshots"));
        let chosen = std::collections::BTreeMap::new();
        let dirs = CourseDirs { lessons, snapshots, fetched: None, locale: None, chosen };
        assert_eq!(commands_of_all(&dirs.load().unwrap(), &dirs), ["first", "hidden", "hidden, too", "in a check"]);
        write(
            "lessons/course.yaml",
            "title: T\ncode: T1\nslot: 1\nchapters: [ch00]\ndatabase: postgres\nvariables: {LINE: echo hi, PORT: 80}\n",
        );
        write("lessons/ch00.yaml", HIDDEN);
        let shown = [
            "(starts a PostgreSQL, and is its superuser: its statements can run programs, too)",
            "sh -c 'echo hi'",
            "sh\n< echo one\n< echo hi",
            "(sends a request to http://10.0.0.1:80/)",
            "cat\n< two",
            "(sends a request to http://localhost@example.org/)",
        ];
        assert_eq!(commands_of_all(&dirs.load().unwrap(), &dirs), shown);
    }

    /// Whatever runs, and does not stand in a command line.
    const HIDDEN: &str = "\
snapshot: ch00
title: C
minutes: 0
steps:
  - {id: copy, title: A, minutes: 0, say: x, edit: all}
  - {id: var, title: A, minutes: 0, say: x, shell: {run: \"sh -c ${var.LINE}\"}}
  - {id: stdin, title: A, minutes: 0, say: x, shell: {run: sh, stdin: \"echo one\\n${var.LINE}\\n\"}}
checks:
  - {id: there, title: A, http: {url: \"http://10.0.0.1:${var.PORT}/\"}}
  - {id: here, title: A, http: {url: \"http://127.0.0.1:${var.PORT}/\"}}
  - {id: reads, title: A, command: {run: cat, stdin: two}}
  - {id: like, title: A, http: {url: \"http://localhost@example.org/\"}}
";
}

//! `workshop course …`: courses installed, listed and removed.

use super::find::courses_in;
use super::store::{InstalledCourse, Library};
use crate::cli::output::say;
use crate::cli::subcommands::LibraryCommand;
use crate::cli::target;
use workshop_base::problem::{Problem, Result};
use workshop_base::text::{sanitize, shell_word};

/// Carries out a command on the installed courses, and returns the exit code.
///
/// # Errors
/// When a course cannot be had, there is none of that name, or the cache cannot be written.
pub fn run(command: &LibraryCommand) -> Result<u8> {
    let library = Library::new(&target::cache()?);
    match command {
        LibraryCommand::Install { source } => {
            let course = library.install(source)?;
            say(&described(&course))?;
            let name = shell_word(&course.name);
            say(&format!("open it with `workshop --course {}`; it asks before it runs anything\n", sanitize(&name)))?;
        }
        LibraryCommand::List => {
            let all = library.list();
            if all.is_empty() {
                say("no courses are installed; `workshop course install URL|DIR|FILE` installs one\n")?;
            }
            all.iter().try_for_each(|course| say(&described(course)))?;
        }
        LibraryCommand::Remove { name } => {
            let course = library.find(name).or_else(|| titled(&library, name)).ok_or_else(|| {
                Problem::usage(format!("no course `{name}` is installed")).hint(
                    "`workshop course list` names them: a course's name stands before the colon, its title behind it",
                )
            })?;
            library.remove(&course)?;
            say(&format!("removed {}\n", sanitize(&course.name)))?;
        }
    }
    Ok(0)
}

/// Finds the one course that has a title.
fn titled(library: &Library, title: &str) -> Option<InstalledCourse> {
    let has = |course: &InstalledCourse| courses_in(&course.home).iter().any(|choice| choice.title == title);
    let mut found = library.list().into_iter().filter(has);
    found.next().filter(|_| found.next().is_none())
}

/// Says in a few lines what an installed course is.
fn described(course: &InstalledCourse) -> String {
    let about = &course.about;
    let titles: Vec<String> = courses_in(&course.home).into_iter().map(|choice| choice.title).collect();
    let commit = about.commit.as_ref().map(|commit| format!("\n  commit {commit}")).unwrap_or_default();
    let installed = jiff::Timestamp::from_second(about.installed).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let day = installed.to_zoned(jiff::tz::TimeZone::system()).date();
    let text = format!(
        "{}: {}\n  from {}{commit}\n  sha256 {}, installed {day}\n",
        course.name,
        titles.join(", "),
        about.source,
        about.hash
    );
    sanitize(&text).into_owned()
}

//! Places: the course's files, and the directory that the learner works in.

use std::path::{Path, PathBuf};

use super::args::CommonOptions;
use super::library::{self, CourseChoice, InstalledCourse, Library, choices_of, courses_in, is_lessons, lessons_of};
use super::{archive, git_clone, output, shipped, target};
use workshop_base::problem::{Problem, Result};
use workshop_course::lesson::choices::Chosen;
use workshop_course::lesson::model::Course;
use workshop_course::lesson::{chain, load, locale};

/// The learner's directory when nothing else is said, as the course names it.
pub const WORKDIR: &str = "my-dsql-app";
/// Marks a directory as ours.
pub const MARK: &str = ".workshop";

/// The directories of a course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseDirs {
    pub lessons: PathBuf,
    pub snapshots: PathBuf,
    /// The address that it was fetched from.
    pub fetched: Option<String>,
    /// The language that its texts are wanted in, one that it has; None: its own.
    pub locale: Option<String>,
    /// What was chosen of it; of what is not among it, the first.
    pub chosen: Chosen,
}

impl CourseDirs {
    fn new(lessons: PathBuf, common: &CommonOptions) -> Result<CourseDirs> {
        // `.` and `..` name nothing that something could be beside.
        let named = lessons.file_name().map_or_else(|| std::fs::canonicalize(&lessons).ok(), |_| None);
        let beside = || named.as_ref().unwrap_or(&lessons).parent().unwrap_or(Path::new(".")).join("snapshots");
        let snapshots = common.snapshots.clone().unwrap_or_else(beside);
        let known = locale::locales(&lessons);
        let locale = match &common.locale {
            None => None,
            Some(wanted) => Some(locale::nearest(wanted, &known).map(str::to_owned).ok_or_else(|| {
                let own = format!(
                    "leave --locale out for the course's own language; its author begins one with {}",
                    lessons.join("locales").join(wanted).join("course.yaml").display()
                );
                Problem::usage(format!("the course has no texts in `{wanted}`")).hint(match known.as_slice() {
                    [] => format!("it has one language only: {own}"),
                    known => format!("it has {}; {own}", known.join(", ")),
                })
            })?),
        };
        Ok(CourseDirs { lessons, snapshots, fetched: None, locale, chosen: Chosen::new() })
    }

    /// Returns the same in the language of the shell, where none was named and the course has it: for who reads it.
    pub fn in_the_shells_language(self) -> CourseDirs {
        let wanted = ["LC_ALL", "LC_MESSAGES", "LANG"];
        let wanted = wanted.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        let of_shell =
            wanted.and_then(|wanted| locale::nearest(&wanted, &locale::locales(&self.lessons)).map(str::to_owned));
        CourseDirs { locale: self.locale.or(of_shell), ..self }
    }

    /// Reads the course.
    ///
    /// # Errors
    /// With all that is wrong with it.
    pub fn load(&self) -> std::result::Result<Course, Vec<Problem>> {
        load::load_in(&self.lessons, &self.snapshots, &self.chosen, self.locale.as_deref())
    }
}

/// Finds the course: as told, else in the current directory or one above it, else the one that the program ships.
///
/// # Errors
/// When there is none where it was told to be, and when the shipped one cannot be laid out.
pub fn course(common: &CommonOptions) -> Result<CourseDirs> {
    if let Some(found) = own_course(common)? {
        return Ok(found);
    }
    match shipped::lay_out(&target::cache()?)? {
        Some(home) => CourseDirs::new(home.join("lessons"), common),
        None => Err(nowhere()),
    }
}

/// Finds the course that its author works on: as [`course`], but never the one that the program ships.
///
/// # Errors
/// When there is none.
pub fn authors_course(common: &CommonOptions) -> Result<CourseDirs> {
    own_course(common)?.ok_or_else(nowhere)
}

/// Returns the course whose files are going to be written. One that was fetched stays as it was agreed to.
///
/// # Errors
/// As [`authors_course`], and when it is kept for its address.
pub fn course_to_write(common: &CommonOptions) -> Result<CourseDirs> {
    let dirs = authors_course(common)?;
    match &dirs.fetched {
        None => Ok(dirs),
        Some(source) => {
            Err(Problem::usage(format!("the course of {source} is kept as it was fetched: nothing is written there"))
                .hint("name a directory of your own, a clone say: `--course DIR`"))
        }
    }
}

fn own_course(common: &CommonOptions) -> Result<Option<CourseDirs>> {
    if let Some(named) = &common.course {
        return named_course(common, named).map(Some);
    }
    let lessons = match &common.lessons {
        Some(dir) if is_lessons(dir) => Some(dir.clone()),
        Some(dir) => {
            return Err(Problem::usage(format!("there is no course.yaml in {}", dir.display()))
                .hint("pass --lessons with the directory that holds course.yaml"));
        }
        None => std::env::current_dir().ok().and_then(|here| lessons_above(&here)),
    };
    lessons.map(|lessons| CourseDirs::new(lessons, common)).transpose()
}

/// The course in the directory that `--course` names, or its `course.yaml`.
fn named_course(common: &CommonOptions, named: &str) -> Result<CourseDirs> {
    let home = PathBuf::from(named);
    // In the directory of another sort of file, an archive that is not read say, may be another course.
    if home.is_file() && home.extension().is_none_or(|end| end != "yaml" && end != "yml") {
        return Err(Problem::usage(format!("{named} is no course, and no archive that can be unpacked"))
            .expected("a course.yaml, or a .tar.gz, .tgz, .tar or .zip file")
            .hint("unpack it, and pass the directory"));
    }
    let home = if home.is_file() { home.parent().unwrap_or(Path::new("")).to_owned() } else { home };
    let home = if home.as_os_str().is_empty() { PathBuf::from(".") } else { home };
    let lessons = lessons_of(&home).ok_or_else(|| no_course(named))?;
    Ok(CourseDirs { fetched: common.fetched.clone(), ..CourseDirs::new(lessons, common)? })
}

fn no_course(named: &str) -> Problem {
    Problem::usage(format!("there is no course in {named}")).expected("a lessons/course.yaml or a course.yaml there").hint(
        "name the directory that holds lessons/ and snapshots/, an archive of it, an address that git fetches from, or an \
         installed course (`workshop course list`)",
    )
}

/// Returns the options with `--course` as a directory that holds one course: what it names is looked up among the
/// installed ones, fetched or unpacked if need be, and where there are several, somebody is asked. With `opens`, for who
/// names none and stands in none, the installed ones are offered, too.
///
/// # Errors
/// When it cannot be had, when there is none, and when there are several and nobody is there to choose.
pub fn chosen(common: CommonOptions, opens: bool) -> Result<CommonOptions> {
    let Some(named) = common.course.clone() else {
        return if opens { offered(common) } else { Ok(common) };
    };
    let path = Path::new(&named);
    let is_archive = path.is_file() && archive::is_archive(path);
    let library = Library::new(&target::cache()?);
    let (home, fetched) = match () {
        // A file may be another one by now; what an address has is asked for once, and with `course install` again.
        () if is_archive => (library.install(&named)?.home, Some(named.clone())),
        () if git_clone::is_url(&named) => {
            let course = library.of_source(&named).map_or_else(|| library.install(&named), Ok)?;
            (course.home, Some(named.clone()))
        }
        () if path.exists() => (path.to_owned(), None),
        () => match library.find(&named) {
            Some(course) => (course.home, Some(course.about.source)),
            None => return Err(no_course(&named)),
        },
    };
    if home.is_file() || lessons_of(&home).is_some() {
        return Ok(CommonOptions { course: Some(text(&home)?), fetched, ..common });
    }
    let choices = courses_in(&home);
    if choices.is_empty() {
        return Err(no_course(&named));
    }
    let choice = library::choose(choices)?;
    Ok(CommonOptions { course: choice.home.as_deref().map(text).transpose()?, fetched, ..common })
}

/// Asks who names no course and stands in none which of the installed ones, or the shipped one, is meant.
fn offered(common: CommonOptions) -> Result<CommonOptions> {
    let asked = output::can_ask();
    let installed = if asked { Library::new(&target::cache()?).list() } else { Vec::new() };
    if installed.is_empty() || own_course(&common)?.is_some() || begun_here(&common)? {
        return Ok(common);
    }
    let of = |course: &InstalledCourse| {
        choices_of(course).into_iter().map(|choice| (course.about.source.clone(), choice)).collect::<Vec<_>>()
    };
    let found: Vec<(String, CourseChoice)> = installed.iter().flat_map(of).collect();
    let shipped = !shipped::files().is_empty();
    let shipped = shipped.then(|| CourseChoice {
        title: "the course that is built in".into(),
        name: "built-in".into(),
        home: None,
    });
    let choice = library::choose(shipped.into_iter().chain(found.iter().map(|(_, choice)| choice.clone())).collect())?;
    let Some(home) = choice.home.as_deref() else { return Ok(common) };
    let fetched = found.iter().find(|(_, one)| *one == choice).map(|(source, _)| source.clone());
    Ok(CommonOptions { course: Some(text(home)?), fetched, ..common })
}

/// Returns true where somebody has begun the shipped course: they are not asked again.
fn begun_here(common: &CommonOptions) -> Result<bool> {
    Ok(is_ours(&workdir(common)?))
}

fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Problem::usage(format!("{} is not UTF-8", path.display())).hint("give the directory another name")
    })
}

fn nowhere() -> Problem {
    Problem::usage("no course was found here")
        .hint("run it where the course is, or pass --lessons with the directory that holds course.yaml")
}

/// In the current directory it goes by its short name, by which every problem then names it.
fn lessons_above(here: &Path) -> Option<PathBuf> {
    if is_lessons(&here.join("lessons")) {
        return Some(PathBuf::from("lessons"));
    }
    here.ancestors().map(|dir| dir.join("lessons")).find(|lessons| is_lessons(lessons))
}

/// Returns true for a directory that holds a workshop's work.
pub fn is_ours(dir: &Path) -> bool {
    dir.join(MARK).is_dir()
}

/// Returns the learner's directory: as told, else this one if it is ours, else one below it with the name that the course
/// gives it, unless that is not yet ours and one above is: whoever works in `my-dsql-app/cdk` is still in the workshop. Absolute.
///
/// # Errors
/// When the current directory is gone.
pub fn workdir(common: &CommonOptions) -> Result<PathBuf> {
    let here = || {
        std::env::current_dir().map_err(|e| {
            Problem::environment(format!("the current directory cannot be read: {e}"))
                .hint("change to another directory, or pass --workdir with a whole path")
        })
    };
    Ok(match &common.workdir {
        Some(dir) if dir.is_absolute() => dir.clone(),
        Some(dir) => here()?.join(dir),
        None => nearest(here()?, &workdir_name(common)),
    })
}

/// The name that the course gives to its learners' directory; the shipped course's where there is no other.
fn workdir_name(common: &CommonOptions) -> String {
    let dirs = own_course(common).ok().flatten();
    dirs.and_then(|dirs| chain::workdir_name(&dirs.lessons)).unwrap_or_else(|| WORKDIR.to_owned())
}

fn nearest(here: PathBuf, name: &str) -> PathBuf {
    let below = here.join(name);
    if is_ours(&here) {
        return here;
    }
    let above = || here.ancestors().skip(1).find(|dir| was_begun(dir)).map(Path::to_owned);
    let above = if is_ours(&below) { None } else { above() };
    above.unwrap_or(below)
}

/// Returns true when a workshop or a sandbox was begun in a directory. Only the mark, in a home or a temporary directory say, does
/// not make everything below it ours.
fn was_begun(dir: &Path) -> bool {
    ["session.json", "sandbox", "database"].iter().any(|begun| dir.join(MARK).join(begun).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workshop_is_found_from_beside_it_from_within_and_from_further_in() {
        let root = tempfile::tempdir().expect("a directory");
        let work = root.path().join(WORKDIR);
        std::fs::create_dir_all(work.join("cdk/lib")).expect("made");
        std::fs::create_dir_all(root.path().join("elsewhere")).expect("made");
        assert_eq!(nearest(root.path().to_owned(), WORKDIR), work, "nothing was begun: it will be, below");
        std::fs::create_dir(work.join(MARK)).expect("made");
        assert_eq!(nearest(root.path().to_owned(), WORKDIR), work, "from beside it");
        std::fs::create_dir_all(root.path().join(MARK)).expect("made");
        std::fs::create_dir_all(work.join(MARK).join("sandbox")).expect("made");
        for here in [work.clone(), work.join("cdk"), work.join("cdk/lib")] {
            assert_eq!(nearest(here.clone(), WORKDIR), work, "from {}", here.display());
        }
        let elsewhere = root.path().join("elsewhere");
        assert_eq!(nearest(elsewhere.clone(), WORKDIR), elsewhere.join(WORKDIR), "another's is not taken");
    }
}

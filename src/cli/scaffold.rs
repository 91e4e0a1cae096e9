//! `workshop new`: the beginning of a course, which lints, proves and can be presented as it is.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::agreement;
use super::output::say;
use super::shipped::{self, ShippedFile};
use workshop_base::problem::{Problem, Result};
use workshop_base::text::{sanitize, shell_word};
use workshop_course::lesson::{lint, load, schema};

/// Files of the new course, by their paths below it.
type CourseFiles = BTreeMap<String, String>;

/// The names that a new course goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CourseNaming {
    /// `Queues by hand`
    title: String,
    /// `queues-by-hand`: what packages and functions may be called.
    name: String,
    /// `QueuesByHand`: what stacks and classes may be called.
    class: String,
    /// `QUEUES`
    code: String,
}

/// Writes a new course into a directory that is not there or empty but for a `.git`, checks it, and says how to go on. With `cloud` it
/// deploys a Lambda function with the AWS CDK, else it needs Node alone. Returns the exit code.
///
/// # Errors
/// When the directory holds something, or cannot be written.
pub fn run(dir: &Path, title: Option<&str>, cloud: bool) -> Result<u8> {
    // Of `.` it is that of the directory it stands for.
    let whole = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let last = whole.file_name().map(|name| name.to_string_lossy().into_owned());
    let naming = CourseNaming::new(title, &last.unwrap_or_default())?;
    // A repository that was just made or cloned is as good as empty.
    let holds = |entry: io::Result<fs::DirEntry>| entry.map_or(true, |entry| entry.file_name() != ".git");
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.any(holds)) {
        return Err(Problem::usage(format!("{} holds something already", dir.display()))
            .hint("name a directory that is not there yet: it is made"));
    }
    let mut files = if cloud { cloud_course(&naming, shipped::files())? } else { plain_course(&naming) };
    files.insert(".gitignore".to_owned(), "# Where you try the course out.\n/my-*/\n".to_owned());
    write(dir, &files).map_err(|e| {
        Problem::usage(format!("{} cannot be written: {e}", dir.display())).hint("name a directory that you may write")
    })?;
    if let Err(problems) = load::load(&dir.join("lessons"), &dir.join("snapshots")) {
        return Err(Problem::course(format!("the new course is not valid:\n{}", lint::plain(&problems)))
            .hint("this is a fault of workshop: please report it"));
    }
    agreement::give(&dir.join("lessons"));
    say(&format!(
        "{} is a course of two chapters: {}\n\n  cd {}\n  workshop lint     every mistake, with file, line and column\n  \
         workshop prove    the course proved: each check fails before its chapter and passes after it\n  workshop          \
         the course presented\n\nlessons/ says what is told and done, snapshots/ holds the project as each chapter leaves it.\n",
        sanitize(&dir.display().to_string()),
        sanitize(&naming.title),
        sanitize(&shell_word(&dir.display().to_string())),
    ))?;
    Ok(0)
}

impl CourseNaming {
    /// Derives names from a title, and from a directory's name where there is none, or one that gives no names. A title stays
    /// as it is.
    fn new(title: Option<&str>, directory: &str) -> Result<CourseNaming> {
        let title =
            title.map(|title| title.replace(char::is_control, " ").split_whitespace().collect::<Vec<_>>().join(" "));
        let title = title.filter(|title| !title.is_empty());
        let Some(words) = title.as_deref().and_then(words_of).or_else(|| words_of(directory)) else {
            let from = title.as_deref().unwrap_or(directory);
            return Err(Problem::usage(format!("`{from}` gives no name for packages and stacks"))
                .expected("a title or a directory that begins with a letter of a to z")
                .hint("name it: `workshop new DIR --title \"Queues by hand\"`"));
        };
        let capital = |word: &String| format!("{}{}", word[..1].to_uppercase(), &word[1..]);
        let spoken = title.or_else(|| directory.contains(' ').then(|| directory.trim().to_owned()));
        let title = spoken.unwrap_or_else(|| format!("{}{}", capital(&words[0]), &words.join(" ")[words[0].len()..]));
        let cut = |text: String| text.chars().take(40).collect::<String>().trim_end_matches('-').to_owned();
        Ok(CourseNaming {
            title,
            name: cut(words.join("-")),
            class: cut(words.iter().map(capital).collect()),
            // "An API with Express" is API.
            code: words
                .iter()
                .find(|word| word.len() > 2)
                .unwrap_or(&words[0])
                .to_uppercase()
                .chars()
                .take(12)
                .collect(),
        })
    }

    /// Puts the names into a template. A title stands in quotes of YAML there.
    fn fill(&self, template: &str) -> String {
        let title = self.title.replace('\\', r"\\").replace('"', "\\\"");
        let stack = format!("{}Stack", self.class);
        // The title last: what stands in it is the author's.
        let names = [("name", &self.name), ("stack", &stack), ("code", &self.code), ("title", &title)];
        names.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
    }
}

/// The words of a name in letters of a to z and digits; none where they could begin no name.
fn words_of(from: &str) -> Option<Vec<String>> {
    let letters = |c: char| if c.is_ascii_alphanumeric() { c } else { ' ' };
    let plain: String = from.chars().map(letters).collect();
    let words: Vec<String> = plain.split_whitespace().map(str::to_lowercase).collect();
    words.first().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_alphabetic())).then_some(words)
}

fn plain_course(naming: &CourseNaming) -> CourseFiles {
    let files = [
        ("lessons/course.yaml", include_str!("templates/plain/course.yaml")),
        ("lessons/ch00.yaml", include_str!("templates/plain/ch00.yaml")),
        ("lessons/ch01.yaml", include_str!("templates/plain/ch01.yaml")),
        ("snapshots/ch00/package.json", include_str!("templates/plain/package.json")),
        ("snapshots/ch00/greetings.js", include_str!("templates/plain/greetings0.js")),
        ("snapshots/ch00/test.js", include_str!("templates/plain/test0.js")),
        ("snapshots/ch01/package.json", include_str!("templates/plain/package.json")),
        ("snapshots/ch01/greetings.js", include_str!("templates/plain/greetings1.js")),
        ("snapshots/ch01/test.js", include_str!("templates/plain/test1.js")),
    ];
    files.iter().map(|(path, text)| ((*path).to_owned(), naming.fill(text))).collect()
}

/// The lessons of a cloud course over the shipped course's starter: its versions are pinned and kept up there.
fn cloud_course(naming: &CourseNaming, shipped: &[ShippedFile]) -> Result<CourseFiles> {
    let lessons = [
        ("lessons/course.yaml", include_str!("templates/cloud/course.yaml")),
        ("lessons/ch00.yaml", include_str!("templates/cloud/ch00.yaml")),
        ("lessons/ch01.yaml", include_str!("templates/cloud/ch01.yaml")),
    ];
    let mut files: CourseFiles = lessons.iter().map(|(path, text)| ((*path).to_owned(), naming.fill(text))).collect();
    let starter = shipped.iter().filter_map(|file| Some((file.path.strip_prefix("snapshots/ch00/")?, file.bytes)));
    // Those two are about the shipped course's database.
    let starter = starter.filter(|(path, _)| !matches!(*path, "helper.js" | "lambda/src/db.ts"));
    let renamed = |text: &str| {
        let names = [
            ("DAT401 - Amazon Aurora DSQL: a developer perspective", naming.title.replace(['\'', '\\'], "")),
            ("ReinventDat401", naming.class.clone()),
            ("reinvent-dat401", naming.name.clone()),
            ("dat401", naming.name.clone()),
        ];
        names.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    };
    for (path, bytes) in starter {
        let (path, text) = (renamed(path), renamed(&String::from_utf8_lossy(bytes)));
        let after = if path == "lambda/src/index.ts" { text.replace("`Hello ", "`Goodbye ") } else { text.clone() };
        files.insert(format!("snapshots/ch00/{path}"), text);
        files.insert(format!("snapshots/ch01/{path}"), after);
    }
    match files.contains_key("snapshots/ch00/lambda/src/index.ts") {
        true => Ok(files),
        false => Err(Problem::environment("this program ships no starter for a course with AWS")
            .hint("leave --cloud out, or use a program that was built from the whole repository")),
    }
}

fn write(dir: &Path, files: &CourseFiles) -> io::Result<()> {
    let schema = serde_json::to_string_pretty(&schema::schema()).map_err(io::Error::other)? + "\n";
    let all = files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    for (path, text) in all.chain([("lesson.schema.json", schema.as_str())]) {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap_or(dir))?;
        fs::OpenOptions::new().write(true).create_new(true).open(&path)?.write_all(text.as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_a_title_or_a_directory() {
        let all = |n: CourseNaming| [n.title, n.name, n.class, n.code];
        let named = |from| CourseNaming::new(None, from).map(all).map_err(|p| p.message);
        let titled = |title| CourseNaming::new(Some(title), "queues").map(all).map_err(|p| p.message);
        let four = |names: [&str; 4]| Ok(names.map(str::to_owned));
        assert_eq!(named("queues-by-hand"), four(["Queues by hand", "queues-by-hand", "QueuesByHand", "QUEUES"]));
        let quoted = named("Queues: \"by\" hand");
        assert_eq!(quoted, four(["Queues: \"by\" hand", "queues-by-hand", "QueuesByHand", "QUEUES"]));
        assert_eq!(named("An API with Express").unwrap()[3], "API");
        assert_eq!(
            CourseNaming::new(Some("Say {{name}}"), "x").unwrap().fill("{{title}} {{name}}"),
            "Say {{name}} say-name"
        );
        assert_eq!(titled("gRPC"), four(["gRPC", "grpc", "Grpc", "GRPC"]), "as it was given");
        assert_eq!(
            titled("キュー入門"),
            four(["キュー入門", "queues", "Queues", "QUEUES"]),
            "the directory has letters"
        );
        assert_eq!(titled("  Queues\nby hand ").unwrap()[0], "Queues by hand", "one line");
        assert!(named("2026").is_err() && named("…").is_err() && named("").is_err());
        assert!(CourseNaming::new(Some("キュー"), "2026").is_err());
    }
}

//! The chapter files that `course.yaml` lists, and those that it does not.

use std::fs;
use std::path::{Path, PathBuf};

use super::format::CourseYaml;
use super::kinds;
use super::lens::Lens;
use super::lesson_text::top_of;
use workshop_base::problem::Problem;

/// The chapters' files in order; `None` for those that are not there, which are reported.
pub fn chapter_files(
    raw: &CourseYaml,
    lens: Lens<'_>,
    lessons: &Path,
    problems: &mut Vec<Problem>,
) -> Vec<Option<PathBuf>> {
    let mut files = Vec::new();
    for (number, name) in raw.chapters.iter().enumerate() {
        let lens = lens.key("chapters").item(number);
        if raw.chapters[..number].iter().any(|earlier| earlier.0 == name.0) {
            let problem = Problem::course(format_args!("chapter `{}` is listed twice", name.0));
            lens.report(problems, problem.expected("each chapter once, a file of its own for each"));
            files.push(None);
            continue;
        }
        let counted = name.0.strip_prefix("ch").and_then(|digits| digits.parse::<usize>().ok());
        if counted.is_some_and(|counted| counted != number) {
            let problem = Problem::course(format_args!("`{}` is chapter {number} in this order", name.0))
                .expected(format!("`ch{number:02}`"))
                .hint("chapters are numbered from 0 in order; `--chapter` takes that number");
            lens.report(problems, problem);
        }
        let file = lessons.join(format!("{}.yaml", name.0));
        let present = file.is_file();
        if !present {
            let mut problem = Problem::course(format_args!("there is no {}", file.display()));
            problem.hint = misnamed(lessons, &name.0).or_else(|| {
                let names = yaml_files(lessons);
                // What is listed already is not what was meant.
                let is_free =
                    |name: &&str| !NOT_CHAPTERS.contains(name) && !raw.chapters.iter().any(|listed| listed.0 == **name);
                let names: Vec<&str> = names.iter().map(String::as_str).filter(is_free).collect();
                kinds::did_you_mean(&name.0, &names)
            });
            problem.hint.get_or_insert_with(|| format!("make the file, or take `{}` out of `chapters`", name.0));
            lens.report(problems, problem);
        }
        files.push(present.then_some(file));
    }
    files
}

/// A chapter that nobody teaches is a chapter that was forgotten.
pub fn unlisted_files(lessons: &Path, raw: &CourseYaml, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    // What is meant by a name that is none is not known.
    if (0..raw.chapters.len()).any(|i| lens.key("chapters").item(i).is_broken() && !ends_as_a_file(&raw.chapters[i].0))
    {
        return;
    }
    for name in yaml_files(lessons) {
        if !NOT_CHAPTERS.contains(&name.as_str())
            && !raw.chapters.iter().any(|chapter| without_ending(&chapter.0) == name)
        {
            let problem = Problem::course(format_args!("{name}.yaml is not among the chapters"));
            let hint = format!("add `{name}` to `chapters`, or move the file away");
            lens.key("chapters").report(problems, problem.hint(hint));
        }
    }
    unlisted_yml(lessons, raw, lens, problems);
}

/// Files that are called as no chapter is, and that no listed chapter is looked for in.
fn unlisted_yml(lessons: &Path, raw: &CourseYaml, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    let mut names = file_names(lessons);
    names.sort_unstable();
    for file in names.iter().filter(|name| !name.starts_with('.')) {
        let Some(stem) = file.strip_suffix(".yml") else { continue };
        let listed = raw.chapters.iter().any(|chapter| without_ending(&chapter.0) == stem);
        if !listed && !names.contains(&format!("{stem}.yaml")) && is_lesson(lessons, stem) {
            let add =
                if NOT_CHAPTERS.contains(&stem) { String::new() } else { format!(" and add `{stem}` to `chapters`") };
            let problem = Problem::course(format_args!("{file} is not read: lesson files end in `.yaml`"));
            let hint = format!("rename it to `{stem}.yaml`{add}, or move the file away");
            lens.key("chapters").report(problems, problem.hint(hint));
        }
    }
}

/// Tells whether `STEM.yml` is meant for a file of the course; other tools' own may stand beside those.
fn is_lesson(lessons: &Path, stem: &str) -> bool {
    let text = std::fs::read_to_string(lessons.join(format!("{stem}.yml"))).unwrap_or_default();
    let has_key = |line: &str| ["steps:", "snapshot:"].iter().any(|key| line.starts_with(key));
    NOT_CHAPTERS.contains(&stem) || text.lines().any(has_key)
}

fn ends_as_a_file(name: &str) -> bool {
    without_ending(name) != name
}

/// Somebody may list a chapter by its file, which is reported by itself.
fn without_ending(name: &str) -> &str {
    name.strip_suffix(".yaml").or(name.strip_suffix(".yml")).unwrap_or(name)
}

/// Files beside the chapters that are none.
const NOT_CHAPTERS: [&str; 2] = ["course", "facts"];

/// Returns what to do when a file is there under another name than `NAME.yaml`, as `NAME.yml` or `Name.YAML`.
pub fn misnamed(lessons: &Path, name: &str) -> Option<String> {
    let wanted = format!("{name}.yaml");
    let mut found: Vec<String> = file_names(lessons)
        .into_iter()
        .filter(|file| {
            let file = file.to_lowercase();
            let stem = file.strip_suffix(".txt").unwrap_or(&file);
            *stem == wanted || stem.strip_suffix(".yml").or(stem.strip_suffix(".json")) == Some(name)
        })
        .filter(|file| *file != wanted)
        .collect();
    found.sort_unstable();
    found.first().map(|file| format!("the file is called `{file}`: rename it to `{wanted}`"))
}

/// The names of the lesson files, without `.yaml`.
pub fn yaml_files(directory: &Path) -> Vec<String> {
    let names = file_names(directory).into_iter();
    let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned)).collect();
    // Emacs locks the file that it has open with a link `.#NAME`, macOS packs `._NAME` beside one.
    names.retain(|name| !name.starts_with('.'));
    names.sort_unstable();
    names
}

/// Reports each file that lies where the directories of languages are: it is of none of them.
pub fn texts_without_a_language(locales: &Path) -> Vec<Problem> {
    let lies_there = |name: &String| (name.ends_with(".yaml") || name.ends_with(".yml")) && !name.starts_with('.');
    let mut names: Vec<String> = file_names(locales).into_iter().filter(lies_there).collect();
    names.retain(|name| locales.join(name).is_file());
    names.sort_unstable();
    let problem = |name: &String| {
        let file = locales.join(name);
        let language = without_ending(name);
        Problem::course(format_args!("{} is not read: the texts of a language are in a directory", file.display()))
            .expected(format!("a file for the course and one for each chapter in `locales/{language}`"))
            .hint(format!(
                "of the course it is `locales/{language}/course.yaml`, of chapter 0 `locales/{language}/ch00.yaml`"
            ))
            .at(top_of(&file))
    };
    names.iter().map(problem).collect()
}

fn file_names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}

//! The chapter files that `course.yaml` lists, and those that it does not.

use std::fs;
use std::path::{Path, PathBuf};

use super::format::CourseYaml;
use super::kinds;
use super::lens::Lens;
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
            lens.report(problems, Problem::course(format_args!("chapter `{}` is listed twice", name.0)));
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
            let names = yaml_files(lessons);
            let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != "course").collect();
            let mut problem = Problem::course(format_args!("there is no {}", file.display()));
            problem.hint = kinds::did_you_mean(&name.0, &names);
            lens.report(problems, problem);
        }
        files.push(present.then_some(file));
    }
    files
}

/// A chapter that nobody teaches is a chapter that was forgotten.
pub fn unlisted_files(lessons: &Path, raw: &CourseYaml, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    for name in yaml_files(lessons) {
        if name != "course" && !raw.chapters.iter().any(|chapter| chapter.0 == name) {
            let problem = Problem::course(format_args!("{name}.yaml is not among the chapters"));
            let hint = format!("add `{name}` to `chapters`, or move the file away");
            lens.key("chapters").report(problems, problem.hint(hint));
        }
    }
}

fn yaml_files(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".yaml").or(name.strip_suffix(".yml")).map(str::to_owned))
        .collect();
    names.sort_unstable();
    names
}

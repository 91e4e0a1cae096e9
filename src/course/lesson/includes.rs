//! Parts of lessons in files of their own: an item `include: FILE` of `steps` or `checks` stands for the items of that
//! file.
//!
//! Invariant: what comes from another file keeps its places there, so that whatever is wrong is told where it stands.

use std::path::{Path, PathBuf};

use super::lesson_text::{read_text, top_of};
use super::{kinds, listing};
use crate::code::tree::is_inside;
use workshop_base::problem::Problem;
use workshop_yaml::{self as yaml, Document, Node, YamlValue};

/// The lists whose items may be elsewhere.
const LISTS: [&str; 2] = ["steps", "checks"];

/// Puts the items of included files in the place of what includes them. Returns the lists of which something is missing, as it
/// could not be read: what holds of them as a whole is not known.
pub fn expand(document: &mut Document, root: &mut Node, problems: &mut Vec<Problem>) -> Vec<String> {
    let lessons = document.file.parent().unwrap_or(Path::new("")).to_owned();
    let mut incomplete = Vec::new();
    let YamlValue::Map(entries) = &mut root.value else { return incomplete };
    for (key, list) in entries.iter_mut().filter(|(key, _)| LISTS.contains(&key.name.as_str())) {
        let YamlValue::List(items) = &mut list.value else { continue };
        let before = problems.len();
        let mut all = Vec::new();
        for item in std::mem::take(items) {
            match included(&item) {
                None => all.push(item),
                Some(name) => {
                    says_nothing_else(&item, document, problems);
                    all.extend(read(&lessons, name, document, problems));
                }
            }
        }
        *items = all;
        if problems.len() > before {
            incomplete.push(key.name.clone());
        }
    }
    incomplete
}

/// The lesson files in the folder of a file that is not there, as `FOLDER/FILE`.
fn files_beside(file: &Path) -> Vec<String> {
    let Some((folder, name)) = file.parent().and_then(|folder| Some((folder, folder.file_name()?))) else {
        return Vec::new();
    };
    let names = listing::yaml_files(folder).into_iter();
    names.map(|stem| format!("{}/{stem}.yaml", name.to_string_lossy())).collect()
}

/// The value of `include`, of an item that has it.
fn included(item: &Node) -> Option<&Node> {
    item.get("include")
}

/// Reports what stands beside an `include`: it would be of no step.
fn says_nothing_else(item: &Node, document: &Document, problems: &mut Vec<Problem>) {
    let YamlValue::Map(entries) = &item.value else { return };
    for (key, _) in entries.iter().filter(|(key, _)| key.name != "include") {
        let problem = Problem::course(format_args!("`{}` stands beside an `include`, where it says nothing", key.name))
            .expected("`include` alone")
            .hint(format!("write `{}` into the items of the file", key.name));
        problems.push(problem.at(document.spot(key.at)));
    }
}

fn read(lessons: &Path, name: &Node, document: &mut Document, problems: &mut Vec<Problem>) -> Vec<Node> {
    let spot = document.spot(name.at);
    let mut refuse = |problem: Problem| {
        problems.push(problem.at(spot.clone()));
        Vec::new()
    };
    let YamlValue::Text(path) = &name.value else {
        return refuse(Problem::course("`include` names no file").expected("a path such as `parts/install.yaml`"));
    };
    let in_a_folder = Path::new(path).components().count() > 1;
    if !is_inside(path) || !path.ends_with(".yaml") || !in_a_folder {
        return refuse(
            Problem::course(format_args!("`{path}` cannot be included"))
                .expected("a file `….yaml` in a folder beside the chapters, such as `parts/install.yaml`"),
        );
    }
    let file: PathBuf = lessons.join(path);
    if !file.is_file() {
        let known = files_beside(&file);
        let near = kinds::did_you_mean(path, &known.iter().map(String::as_str).collect::<Vec<_>>());
        let hint = near.unwrap_or_else(|| {
            "make the file, a list of steps or of checks; its path is read from the folder of the chapters".to_owned()
        });
        return refuse(Problem::course(format_args!("there is no {}", file.display())).hint(hint));
    }
    let text = match read_text(&file) {
        Ok(text) => text,
        Err(problem) => {
            problems.push(problem);
            return Vec::new();
        }
    };
    let top = top_of(&file);
    let (part, root, found) = yaml::read(file, &text);
    let plain = found.is_empty();
    problems.extend(found);
    let empty = || {
        let problem = Problem::course("an included file holds nothing");
        problem.expected("a list of steps, or of checks: items that begin with `- id: …`").at(top)
    };
    let Some(mut root) = root else {
        problems.extend(plain.then(empty));
        return Vec::new();
    };
    if matches!(&root.value, YamlValue::List(items) if items.is_empty()) {
        problems.push(empty());
        return Vec::new();
    }
    let top = part.spot(root.at);
    document.include(part, &mut root);
    match root.value {
        YamlValue::List(items) => {
            for item in &items {
                if let Some(nested) = included(item) {
                    let problem = Problem::course("an included file includes nothing itself");
                    let problem = problem.expected("an `include` in the chapter for each file");
                    problems.push(problem.at(document.spot(nested.at)));
                }
            }
            items.into_iter().filter(|item| included(item).is_none()).collect()
        }
        _ => {
            let problem = Problem::course("an included file is a list of steps, or of checks");
            problems.push(problem.expected("items that begin with `- id: …`").at(top));
            Vec::new()
        }
    }
}

//! Choices: which option is taken, and what of a course is for it.

use std::collections::BTreeMap;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::build::as_it_stands;
use super::format::{ChoiceYaml, CourseYaml, StepYaml, WhenYaml};
use super::kinds;
use super::lens::Lens;
use super::model::{Choice, ChoiceOption};
use crate::code::tree::Tree;
use workshop_base::problem::Problem;

/// The option that is chosen, by choice.
pub type Chosen = BTreeMap<String, String>;

/// Builds the choices of a course; what names two things alike is reported.
pub(super) fn choices(raw: &CourseYaml, lens: Lens<'_>, problems: &mut Vec<Problem>) -> Vec<Choice> {
    let lens = lens.key("choices");
    for (i, choice) in raw.choices.iter().enumerate() {
        let lens = lens.item(i);
        if raw.choices[..i].iter().any(|earlier| earlier.id.0 == choice.id.0) {
            let problem = Problem::course(format_args!("there are two choices `{}`", choice.id.0));
            lens.key("id").report(problems, problem.hint("give one of them another id"));
        }
        for (j, option) in choice.options.iter().enumerate() {
            let lens = lens.key("options").item(j);
            if choice.options[..j].iter().any(|earlier| earlier.id.0 == option.id.0) {
                let problem = Problem::course(format_args!("there are two options `{}` of this choice", option.id.0));
                lens.key("id").report(problems, problem.hint("give one of them another id"));
            }
            for (k, pattern) in option.files.iter().enumerate() {
                if let Err(error) = GitignoreBuilder::new("").add_line(None, &pattern.0) {
                    let problem = Problem::course(format_args!("not a pattern of files: {error}"));
                    lens.key("files").item(k).report(problems, problem.expected("one as in a `.gitignore`"));
                }
            }
        }
    }
    raw.choices.iter().map(built).collect()
}

fn built(raw: &ChoiceYaml) -> Choice {
    let option = |option: &super::format::OptionYaml| ChoiceOption {
        id: option.id.0.clone(),
        title: as_it_stands(&option.title),
        files: option.files.iter().map(|pattern| pattern.0.clone()).collect(),
    };
    Choice { id: raw.id.0.clone(), title: as_it_stands(&raw.title), options: raw.options.iter().map(option).collect() }
}

/// Returns the option of each choice: the one that is asked for, if there is such, else the first. `asked` is None for all
/// options of each at once: what is for any of them is there then.
pub fn resolved(choices: &[Choice], asked: Option<&Chosen>) -> Chosen {
    let Some(asked) = asked else {
        return choices.iter().map(|choice| (choice.id.clone(), EVERY.to_owned())).collect();
    };
    let of = |choice: &Choice| {
        let asked = asked.get(&choice.id).filter(|id| choice.option(id).is_some());
        let id = asked.cloned().or_else(|| choice.options.first().map(|option| option.id.clone()))?;
        Some((choice.id.clone(), id))
    };
    choices.iter().filter_map(of).collect()
}

/// Stands for every option of a choice; no option has such an id.
const EVERY: &str = "*";

/// Tells whether what is for these options is for the chosen ones. Choices and options that there are not are reported.
fn holds(
    when: &BTreeMap<String, WhenYaml>,
    (choices, chosen): (&[Choice], &Chosen),
    lens: Lens<'_>,
    problems: &mut Vec<Problem>,
) -> bool {
    let mut holds = true;
    for (name, options) in when {
        let lens = lens.key("when").key(name);
        let Some(choice) = choices.iter().find(|choice| choice.id == *name) else {
            let known: Vec<&str> = choices.iter().map(|choice| choice.id.as_str()).collect();
            let mut problem = Problem::course(format_args!("the course has no choice `{name}`"));
            problem.hint =
                kinds::did_you_mean(name, &known).or_else(|| Some("add it to `choices` of course.yaml".into()));
            lens.report(problems, problem);
            continue;
        };
        let ids: Vec<&str> = match options {
            WhenYaml::One(id) => vec![&id.0],
            WhenYaml::Any(ids) => ids.iter().map(|id| id.0.as_str()).collect(),
        };
        let known: Vec<&str> = choice.options.iter().map(|option| option.id.as_str()).collect();
        for id in ids.iter().filter(|id| !known.contains(*id)) {
            let mut problem = Problem::course(format_args!("choice `{name}` has no option `{id}`"));
            problem.hint = kinds::did_you_mean(id, &known);
            lens.report(problems, problem.expected(kinds::one_of(&known)));
        }
        holds &= chosen.get(name).is_some_and(|chosen| chosen == EVERY || ids.contains(&chosen.as_str()));
    }
    holds
}

/// Returns the items of a list that are for the chosen options, each with its place in the list.
pub(super) fn kept<T>(
    items: Vec<T>,
    when: impl Fn(&T) -> &BTreeMap<String, WhenYaml>,
    options: (&[Choice], &Chosen),
    lens: Lens<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<(usize, T)> {
    let all = items.into_iter().enumerate();
    all.filter(|(i, item)| holds(when(item), options, lens.item(*i), problems)).collect()
}

/// Reports a chapter that has no steps for the chosen options: nobody would come past it.
pub(super) fn some_steps_are_kept(
    steps: &[(usize, StepYaml)],
    whole: usize,
    lens: Lens<'_>,
    problems: &mut Vec<Problem>,
) {
    if steps.is_empty() && whole > 0 {
        let problem = Problem::course("no step of this chapter is for the chosen options");
        lens.report(problems, problem.expected("a step for every option, be it one to read"));
    }
}

/// Takes the files of options out that are not chosen. One that a chosen option has as well stays.
pub(super) fn keep_chosen(files: &mut Tree, choices: &[Choice], chosen: &Chosen) {
    let of = |wanted: bool| {
        let options = choices.iter().flat_map(|choice| {
            let is_chosen = |id: &String| chosen.get(&choice.id).is_some_and(|chosen| chosen == EVERY || chosen == id);
            choice.options.iter().filter(move |option| is_chosen(&option.id) == wanted)
        });
        patterns(options.flat_map(|option| &option.files))
    };
    let (ours, others) = (of(true), of(false));
    if others.is_empty() {
        return;
    }
    let has = |patterns: &Gitignore, path: &str| patterns.matched_path_or_any_parents(path, false).is_ignore();
    files.retain(|path, _| has(&ours, path) || !has(&others, path));
}

fn patterns<'p>(lines: impl Iterator<Item = &'p String>) -> Gitignore {
    let mut builder = GitignoreBuilder::new("");
    for line in lines {
        // One that is none was reported.
        let _ = builder.add_line(None, line);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

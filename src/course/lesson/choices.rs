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

/// More ways to choose than these are not all looked at.
const MOST_WAYS: usize = 64;
/// So many of those with one or two options are.
const MOST_PAIRS: usize = 256;

/// Returns the ways to choose besides the first option of each, by those that are not the first: fewer of them come before
/// more. Where there are very many, those with one such, and of those with two as many as make 256.
pub fn besides_the_first(choices: &[Choice]) -> Vec<Chosen> {
    let all = choices.iter().try_fold(1, |all: usize, choice| all.checked_mul(choice.options.len().max(1)));
    let too_many = all.is_none_or(|all| all > MOST_WAYS);
    let mut ways = vec![Chosen::new()];
    for choice in choices {
        let with = |way: &Chosen| {
            let others = choice.options.iter().skip(1).map(|option| (choice.id.clone(), option.id.clone()));
            others.map(|other| way.clone().into_iter().chain([other]).collect()).collect::<Vec<Chosen>>()
        };
        let more: Vec<Chosen> = ways.iter().filter(|way| !too_many || way.len() < 2).flat_map(with).collect();
        ways.extend(more);
    }
    ways.sort_by_key(Chosen::len);
    let alone = ways.iter().filter(|way| way.len() == 1).count();
    ways.truncate(1 + alone.max(MOST_PAIRS));
    ways.split_off(1)
}

/// The problems of a course with something to choose, each told once for the fewest options that it comes with.
#[derive(Debug, Default)]
pub(super) struct ChoiceProblems(Vec<(Chosen, Problem)>);

impl ChoiceProblems {
    /// Begins with what is wrong where nothing was chosen.
    pub fn of_the_first(problems: Vec<Problem>) -> ChoiceProblems {
        ChoiceProblems(problems.into_iter().map(|problem| (Chosen::new(), problem)).collect())
    }

    /// Adds what is wrong with other options, but for what comes with some of them already.
    pub fn add(&mut self, chosen: Chosen, problems: Vec<Problem>) {
        let within = |fewer: &Chosen| fewer.iter().all(|(name, option)| chosen.get(name) == Some(option));
        let known = |problem: &Problem| self.0.iter().any(|(fewer, told)| told == problem && within(fewer));
        let new: Vec<Problem> = problems.into_iter().filter(|problem| !known(problem)).collect();
        self.0.extend(new.into_iter().map(|problem| (chosen.clone(), problem)));
    }

    /// Returns the problems, those of other options with their names.
    pub fn told(self) -> Vec<Problem> {
        let told = |(chosen, mut problem): (Chosen, Problem)| {
            let options: Vec<String> = chosen.iter().map(|(name, option)| format!("{name} is {option}")).collect();
            if !options.is_empty() {
                problem.message.push_str(&format!(" (where {})", options.join(" and ")));
            }
            problem
        };
        self.0.into_iter().map(told).collect()
    }
}

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

/// Reports each pattern of an option that names no file in any snapshot: the file may have another name by now, and would be
/// everybody's. What cannot be read may have it.
pub(super) fn patterns_name_files(
    raw: &CourseYaml,
    lens: Lens<'_>,
    trees: &[Option<Tree>],
    problems: &mut Vec<Problem>,
) {
    let Some(trees) = trees.iter().map(Option::as_ref).collect::<Option<Vec<&Tree>>>() else { return };
    for (i, choice) in raw.choices.iter().enumerate() {
        for (j, option) in choice.options.iter().enumerate() {
            for (k, pattern) in option.files.iter().enumerate() {
                let matcher = patterns(std::iter::once(&pattern.0));
                let names = |path: &String| matcher.matched_path_or_any_parents(path, false).is_ignore();
                if !pattern.0.starts_with('!') && !trees.iter().any(|tree| tree.keys().any(names)) {
                    let problem = Problem::course(format_args!("no snapshot has a file like `{}`", pattern.0))
                        .expected("a pattern of files, as in a `.gitignore`")
                        .hint("a file that no option names is there for all of them");
                    let lens = lens.key("choices").item(i).key("options").item(j).key("files").item(k);
                    lens.report(problems, problem);
                }
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(of: &[usize]) -> Vec<Choice> {
        let option = |n: usize| ChoiceOption { id: format!("o{n}"), title: String::new(), files: Vec::new() };
        let choice = |(i, options): (usize, &usize)| Choice {
            id: format!("c{i}"),
            title: String::new(),
            options: (0..*options).map(option).collect(),
        };
        of.iter().enumerate().map(choice).collect()
    }

    #[test]
    fn every_combination_is_looked_at_and_of_very_many_any_two() {
        let ways = |of: &[usize]| besides_the_first(&choices(of)).into_iter().map(|way| way.len()).collect::<Vec<_>>();
        assert_eq!(ways(&[]), [0; 0]);
        assert_eq!(ways(&[2, 3]), [1, 1, 1, 2, 2]);
        assert_eq!(ways(&[2; 6]).len(), 63);
        let many = ways(&[2; 20]);
        assert_eq!((many.len(), many.iter().max()), (20 + 190, Some(&2)));
        let more = ways(&[10; 10]);
        assert_eq!((more.len(), more.iter().filter(|options| **options == 1).count()), (256, 90));
    }
}

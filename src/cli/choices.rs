//! The options that a learner has chosen: on the command line, in the session of the directory, or when they are asked.

use std::io::{BufRead as _, Write as _};
use std::path::Path;

use super::args::CommonOptions;
use super::output::can_ask;
use super::places::{self, CourseDirs};
use workshop_base::problem::{Problem, Result};
use workshop_base::text::sanitize;
use workshop_course::lesson::choices::Chosen;
use workshop_course::lesson::model::Choice;
use workshop_course::lesson::{chain, locale};

/// Returns what was chosen of a course: `--choose` before the session's. What was never chosen is not among it.
///
/// # Errors
/// When `--choose` names what the course does not have, and when a newer workshop has saved the session.
pub fn chosen(common: &CommonOptions, lessons: &Path) -> Result<Chosen> {
    let choices = chain::choices_of(lessons);
    let mut chosen = Chosen::new();
    if !choices.is_empty() {
        let begun = workshop_engine::begun(&places::workdir(common)?)?;
        chosen.extend(begun.into_iter().flat_map(|begun| begun.choices));
    }
    for asked in &common.choose {
        let (name, option) = asked.split_once('=').ok_or_else(|| {
            Problem::usage(format!("--choose {asked} says no option")).hint("write it as --choose NAME=OPTION")
        })?;
        let known = |what: &str, ids: Vec<&str>| match ids.as_slice() {
            [] => Problem::usage(format!("there is nothing to choose in this course: {what}")),
            ids => Problem::usage(what).expected(ids.join(", ")),
        };
        let Some(choice) = choices.iter().find(|choice| choice.id == name) else {
            let ids = choices.iter().map(|choice| choice.id.as_str()).collect();
            return Err(
                known(&format!("the course has no choice `{name}`"), ids).hint("leave --choose out, or name one")
            );
        };
        if choice.option(option).is_none() {
            let ids = choice.options.iter().map(|option| option.id.as_str()).collect();
            return Err(known(&format!("`{name}` cannot be `{option}`"), ids).hint("name one of its options"));
        }
        chosen.insert(name.to_owned(), option.to_owned());
    }
    Ok(chosen)
}

/// As [`chosen`], and asks for what was never chosen, where somebody is there to answer.
///
/// # Errors
/// As [`chosen`], and when the answer cannot be read.
pub fn ask(common: &CommonOptions, dirs: &CourseDirs) -> Result<Chosen> {
    let mut chosen = chosen(common, &dirs.lessons)?;
    if !can_ask() {
        return Ok(chosen);
    }
    let choices = chain::choices_of(&dirs.lessons);
    let choices = match &dirs.locale {
        Some(locale) => locale::choices(choices, &dirs.lessons, locale),
        None => choices,
    };
    for choice in choices {
        if !chosen.contains_key(&choice.id)
            && let Some(option) = answer(&choice)?
        {
            chosen.insert(choice.id, option);
        }
    }
    Ok(chosen)
}

/// Asks until one of the options is named; nothing is the first.
fn answer(choice: &Choice) -> Result<Option<String>> {
    let unread = |e: std::io::Error| Problem::environment(format!("the answer cannot be read: {e}")).hint("try again");
    let mut text = format!("{}\n", choice.title);
    for (number, option) in (1..).zip(&choice.options) {
        text.push_str(&format!("  {number}  {}\n", option.title));
    }
    loop {
        write!(std::io::stderr(), "{}Which? [1] ", sanitize(&text)).map_err(unread)?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line).map_err(unread)? == 0 {
            return Ok(None);
        }
        if let Some(option) = meant(choice, line.trim()) {
            return Ok(Some(option));
        }
    }
}

/// The option that an answer means: by its number, its id or its title.
fn meant(choice: &Choice, answer: &str) -> Option<String> {
    let number = if answer.is_empty() { Some(1) } else { answer.parse::<usize>().ok() };
    let by_number = number.and_then(|number| choice.options.get(number.checked_sub(1)?));
    let named = |option: &&workshop_course::lesson::model::ChoiceOption| {
        option.id == answer || option.title.eq_ignore_ascii_case(answer)
    };
    by_number.or_else(|| choice.options.iter().find(named)).map(|option| option.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use workshop_course::lesson::model::ChoiceOption;

    #[test]
    fn an_answer_is_a_number_a_name_or_nothing() {
        let option = |id: &str, title: &str| ChoiceOption { id: id.into(), title: title.into(), files: Vec::new() };
        let options = vec![option("ts", "TypeScript"), option("py", "Python")];
        let choice = Choice { id: "language".into(), title: "Language".into(), options };
        for (answer, id) in
            [("", Some("ts")), ("2", Some("py")), ("py", Some("py")), ("python", Some("py")), ("3", None), ("0", None)]
        {
            assert_eq!(meant(&choice, answer).as_deref(), id, "{answer}");
        }
    }
}

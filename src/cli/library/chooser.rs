//! Which course, when there are several.

use std::io::{BufRead as _, Write as _};

use super::find::CourseChoice;
use crate::cli::output::can_ask;
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::text::sanitize;

/// Asks which of some courses is meant. One alone is meant.
///
/// # Errors
/// When nobody is there to answer, or no answer was given.
pub fn choose(mut choices: Vec<CourseChoice>) -> Result<CourseChoice> {
    if choices.len() == 1 {
        return Ok(choices.remove(0));
    }
    if !can_ask() {
        let names: Vec<String> = choices.iter().map(|choice| sanitize(&choice.name).into_owned()).collect();
        return Err(Problem::usage(format!("there are {} courses, and nobody is here to choose one", choices.len()))
            .hint(format!("name it: --course {}", names.join(", or --course "))));
    }
    let unread = |e: std::io::Error| Problem::environment(format!("the answer cannot be read: {e}")).hint("try again");
    let mut text = String::from("Which course?\n\n");
    for (number, choice) in (1..).zip(&choices) {
        text.push_str(&format!("  {number}  {}  ({})\n", sanitize(&choice.title), sanitize(&choice.name)));
    }
    write!(std::io::stderr(), "{text}").map_err(unread)?;
    loop {
        write!(std::io::stderr(), "\nIts number or name: ").map_err(unread)?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line).map_err(unread)? == 0 || line.trim() == "q" {
            return Err(Problem::new(Kind::Interrupted, "no course was chosen"));
        }
        match chosen(&choices, line.trim()) {
            Some(index) => return Ok(choices.swap_remove(index)),
            None => write!(std::io::stderr(), "a number from 1 to {}, or q to leave", choices.len()).map_err(unread)?,
        }
    }
}

/// Finds what was answered: a number, a name, or the beginning of one name or title.
fn chosen(choices: &[CourseChoice], answer: &str) -> Option<usize> {
    if let Ok(number) = answer.parse::<usize>() {
        return number.checked_sub(1).filter(|index| *index < choices.len());
    }
    if let Some(index) = choices.iter().position(|choice| choice.name == answer) {
        return Some(index);
    }
    let answer = answer.to_lowercase();
    let begins = |choice: &CourseChoice| {
        choice.name.to_lowercase().starts_with(&answer) || choice.title.to_lowercase().starts_with(&answer)
    };
    let mut found = choices.iter().enumerate().filter(|(_, choice)| !answer.is_empty() && begins(choice));
    match (found.next(), found.next()) {
        (Some((index, _)), None) => Some(index),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_a_name_or_its_beginning_choose() {
        let choice = |name: &str, title: &str| CourseChoice { title: title.into(), name: name.into(), home: None };
        let choices = [choice("dsql", "Aurora DSQL"), choice("queues", "Queues by hand"), choice("quick", "Sorting")];
        let found = |answer| chosen(&choices, answer);
        assert_eq!([found("1"), found("3"), found("0"), found("4")], [Some(0), Some(2), None, None]);
        assert_eq!(
            [found("queues"), found("aur"), found("que"), found("qu"), found("")],
            [Some(1), Some(0), Some(1), None, None]
        );
        assert_eq!(choose(choices[..1].to_vec()).unwrap(), choices[0]);
    }
}

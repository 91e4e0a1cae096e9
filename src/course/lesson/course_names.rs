//! The variables and choices of a course, by which its texts may mean them.

use super::kinds;
use workshop_base::problem::{Problem, Spot};

/// The names that references to a course's own may have; None where they could not be read, which was reported.
#[derive(Debug, Default)]
pub struct CourseNames {
    pub variables: Option<Vec<String>>,
    pub choices: Option<Vec<String>>,
}

/// Reports a name of the course's own that it does not have.
pub fn unknown(what: &str, name: &str, known: Option<&[String]>, spot: &Spot, problems: &mut Vec<Problem>) {
    let Some(known) = known else { return };
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    if known.contains(&name) {
        return;
    }
    let mut problem = Problem::course(format_args!("the course has no {what} `{name}`"));
    problem.hint = kinds::did_you_mean(name, &known).or_else(|| {
        let key = if what == "variable" { "var" } else { what };
        Some(format!("add it to `{what}s` of course.yaml; the text itself is written `$${{{key}.{name}}}`"))
    });
    problems.push(problem.at(spot.clone()));
}

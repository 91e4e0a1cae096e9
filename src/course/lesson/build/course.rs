//! What a course has besides its chapters: variables, and commands outside the steps.

use std::collections::BTreeMap;
use std::time::Duration;

use super::convert::timeout;
use crate::lesson::course_names::{CourseNames, unknown};
use crate::lesson::format::*;
use crate::lesson::lens::Lens;
use crate::lesson::model::*;
use crate::lesson::template::{self, Reference};
use workshop_base::problem::Problem;

/// A command outside the steps may take so long when the course does not say.
const USUAL: Duration = Duration::from_secs(300);

/// What a course has besides its chapters.
pub struct CourseParts {
    pub names: CourseNames,
    pub variables: BTreeMap<String, String>,
    pub setup: Vec<CourseCommand>,
    pub teardown: Vec<CourseCommand>,
}

impl CourseParts {
    /// Builds them; names that no reference could have, and references without a value, are reported.
    pub fn of(raw: &CourseYaml, lens: Lens<'_>, choices: &[Choice], problems: &mut Vec<Problem>) -> CourseParts {
        let mut variables = BTreeMap::new();
        for (name, value) in &raw.variables {
            if Reference::parse(&format!("var.{name}")).is_none() {
                let problem = Problem::course(format_args!("`{name}` cannot be referred to"));
                let problem = problem.expected("a name of letters, digits and underscores");
                lens.key("variables").key(name).report(problems, problem);
            }
            let value = match value {
                VariableYaml::Text(text) => text.0.clone(),
                VariableYaml::Number(number) => number.to_string(),
            };
            variables.insert(name.clone(), value);
        }
        let names = CourseNames {
            variables: variables.keys().cloned().collect(),
            choices: choices.iter().map(|choice| choice.id.clone()).collect(),
        };
        let mut commands = |key: &str, raw: &[CourseCommandYaml]| {
            let lens = lens.key(key);
            let all = raw.iter().enumerate();
            all.map(|(i, raw)| command(raw, lens.item(i), &names, problems)).collect::<Vec<_>>()
        };
        let (setup, teardown) = (commands("setup", &raw.setup), commands("teardown", &raw.teardown));
        CourseParts { names, variables, setup, teardown }
    }
}

fn command(raw: &CourseCommandYaml, lens: Lens<'_>, names: &CourseNames, problems: &mut Vec<Problem>) -> CourseCommand {
    let run = raw.run.on(std::env::consts::OS).0.clone();
    let at = lens.key("run");
    for reference in template::references(&run).into_iter().filter(|_| !at.is_broken()) {
        let spot = at.spot_of(&format!("${{{reference}}}"), 0);
        match &reference {
            Reference::Variable(name) => unknown("variable", name, &names.variables, &spot, problems),
            Reference::Choice(name) => unknown("choice", name, &names.choices, &spot, problems),
            Reference::Region | Reference::Account | Reference::Stack => {}
            _ => {
                let problem = Problem::course(format_args!("`${{{reference}}}` has no value outside the steps"));
                let problem =
                    problem.expected("`${var.NAME}`, `${choice.NAME}`, `${stack}`, `${region}` or `${account}`");
                problems.push(problem.at(spot));
            }
        }
    }
    let first = run.trim().lines().next().unwrap_or_default().to_owned();
    CourseCommand {
        title: raw.title.as_ref().map_or(first, |title| title.0.clone()),
        run: Template(run),
        timeout: timeout(raw.timeout.as_ref()).unwrap_or(USUAL),
    }
}

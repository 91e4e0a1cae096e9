//! What a course has besides its chapters: variables, and commands outside the steps.

use std::collections::BTreeMap;
use std::time::Duration;

use super::builder::nothing_is_filled_in;
use super::convert::{as_it_stands, timeout};
use crate::lesson::course_names::{CourseNames, unknown};
use crate::lesson::format::*;
use crate::lesson::lens::Lens;
use crate::lesson::model::*;
use crate::lesson::template::{self, Occurrences, Reference};
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
                VariableYaml::Text(text) => {
                    nothing_is_filled_in(lens.key("variables").key(name), &text.0, problems);
                    as_it_stands(text)
                }
                VariableYaml::Number(number) => number.to_string(),
            };
            variables.insert(name.clone(), value);
        }
        let is_read = |key: &str| !lens.key(key).is_broken();
        let names = CourseNames {
            variables: is_read("variables").then(|| variables.keys().cloned().collect()),
            choices: is_read("choices").then(|| choices.iter().map(|choice| choice.id.clone()).collect()),
        };
        let mut commands = |key: &str, raw: &[CourseCommandYaml]| {
            let lens = lens.key(key);
            let all = raw.iter().enumerate();
            all.map(|(i, raw)| command(raw, lens.item(i), &names, problems)).collect::<Vec<_>>()
        };
        let (setup, teardown) = (commands("setup", &raw.setup), commands("teardown", &raw.teardown));
        texts_that_stay(raw, lens, problems);
        CourseParts { names, variables, setup, teardown }
    }
}

/// Reports references in what a course says of itself, which is shown and run as it stands. A name without a dot is a
/// variable of the shell's in a command.
fn texts_that_stay(raw: &CourseYaml, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    let mut stays = |lens: Lens<'_>, text: &Text| nothing_is_filled_in(lens, &text.0, problems);
    stays(lens.key("title"), &raw.title);
    raw.costs.iter().for_each(|costs| stays(lens.key("costs"), costs));
    for (i, needed) in raw.prerequisites.iter().enumerate() {
        let lens = lens.key("prerequisites").item(i);
        for (key, text) in [("name", &needed.name), ("command", &needed.command), ("fix", &needed.fix)] {
            let dotted = template::references(&text.0).iter().any(|reference| reference.to_string().contains('.'));
            if key != "command" || dotted {
                stays(lens.key(key), text);
            }
        }
    }
    for (i, choice) in raw.choices.iter().enumerate() {
        let lens = lens.key("choices").item(i);
        stays(lens.key("title"), &choice.title);
        for (j, option) in choice.options.iter().enumerate() {
            stays(lens.key("options").item(j).key("title"), &option.title);
        }
    }
    for (key, commands) in [("setup", &raw.setup), ("teardown", &raw.teardown)] {
        for (i, command) in commands.iter().enumerate() {
            let lens = lens.key(key).item(i).key("title");
            command.title.iter().for_each(|title| stays(lens, title));
        }
    }
}

fn command(raw: &CourseCommandYaml, lens: Lens<'_>, names: &CourseNames, problems: &mut Vec<Problem>) -> CourseCommand {
    let run = raw.run.on(std::env::consts::OS).0.clone();
    let at = lens.key("run");
    let mut referred = Vec::new();
    for (os, line) in raw.run.lines() {
        let at = os.map_or(at, |os| at.key(os));
        at.report_slips(problems, &line.0, &template::unmarked(&line.0));
        let mut occurrences = Occurrences::default();
        let references = template::references(&line.0).into_iter().filter(|_| !at.is_broken());
        referred.extend(references.map(|reference| {
            let written = format!("${{{reference}}}");
            (at.spot_of(&written, occurrences.next(&line.0, &written)), reference)
        }));
    }
    for (spot, reference) in referred {
        match &reference {
            Reference::Variable(name) => unknown("variable", name, names.variables.as_deref(), &spot, problems),
            Reference::Choice(name) => unknown("choice", name, names.choices.as_deref(), &spot, problems),
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
        title: raw.title.as_ref().map_or(first, as_it_stands),
        run: Template(run),
        timeout: timeout(raw.timeout.as_ref()).unwrap_or(USUAL),
    }
}

//! Everything that is referred to has somewhere to come from.

use super::facts::{ChapterFacts, MissingKey};
use crate::lesson::build::Use;
use crate::lesson::course_names::unknown;
use crate::lesson::kinds;
use crate::lesson::model::*;
use crate::lesson::template::Reference;
use workshop_base::problem::Problem;

/// A course that names no stack cannot deploy it, nor ask what is in it.
pub fn what_is_used_is_named(chapter: &Chapter, facts: &ChapterFacts<'_>, problems: &mut Vec<Problem>) {
    steps_use_what_is_named(chapter, facts, problems);
    checks_use_what_is_named(chapter, facts, problems);
    references_have_values(facts, problems);
}

fn names_none(what: &str, (key, example): MissingKey) -> Problem {
    Problem::course(format_args!("{what}: the course names no {key}"))
        .hint(format!("add `{key}:` to course.yaml, as in `{key}: {example}`"))
}

fn no_database() -> Problem {
    Problem::course("this asks a database, and the course has none").hint(
        "add `database: postgres` to course.yaml for a PostgreSQL of its own, `database: {url: …}` for one that is \
         there, or `stack: NAME` for the DSQL cluster of a stack",
    )
}

fn steps_use_what_is_named(chapter: &Chapter, facts: &ChapterFacts<'_>, problems: &mut Vec<Problem>) {
    for (step, lens) in chapter.steps.iter().zip(facts.steps) {
        if facts.cloud.has_no_database() && matches!(step.action, StepAction::Sql(_)) {
            lens.key("sql").report(problems, no_database());
        }
        let (what, key, missing) = match &step.action {
            StepAction::Deploy(deploy) if deploy.action != DeployAction::Bootstrap && deploy.stack.is_none() => {
                ("this deploys a stack", "deploy", facts.cloud.missing_stack())
            }
            StepAction::Invoke(invoke) if invoke.function.is_none() => {
                ("this invokes a function", "invoke", facts.cloud.missing_function())
            }
            StepAction::Load(load) if load.function.is_none() => {
                ("this invokes a function", "load", facts.cloud.missing_function())
            }
            StepAction::Read
            | StepAction::Edit(_)
            | StepAction::Sql(_)
            | StepAction::Shell(_)
            | StepAction::Check(_)
            | StepAction::Simulate(_)
            | StepAction::Serve(_)
            | StepAction::Stop(_)
            | StepAction::Invoke(_)
            | StepAction::Load(_)
            | StepAction::Deploy(_) => continue,
        };
        if let Some(missing) = missing {
            lens.key(key).report(problems, names_none(what, missing));
        }
    }
}

fn checks_use_what_is_named(chapter: &Chapter, facts: &ChapterFacts<'_>, problems: &mut Vec<Problem>) {
    for (check, lens) in chapter.checks.iter().zip(facts.checks) {
        let (what, key, missing) = match &check.kind {
            CheckKind::Lambda { function: None, .. } => {
                ("this invokes a function", "lambda", facts.cloud.missing_function())
            }
            CheckKind::Stack { name: None, .. } => ("this looks at a stack", "stack", facts.cloud.missing_stack()),
            CheckKind::Sql { .. } | CheckKind::Plan { .. } => {
                let key = if matches!(check.kind, CheckKind::Sql { .. }) { "sql" } else { "plan" };
                if facts.cloud.has_no_database() {
                    lens.key(key).report(problems, no_database());
                }
                continue;
            }
            CheckKind::Lambda { .. }
            | CheckKind::Stack { .. }
            | CheckKind::File { .. }
            | CheckKind::Command { .. }
            | CheckKind::Http(_) => continue,
        };
        if let Some(missing) = missing {
            lens.key(key).report(problems, names_none(what, missing));
        }
    }
}

fn references_have_values(facts: &ChapterFacts<'_>, problems: &mut Vec<Problem>) {
    for used in facts.uses {
        let missing = match used.reference {
            Reference::Output(ref name) if name.contains('.') => None,
            Reference::Output(_) | Reference::Stack | Reference::ClusterEndpoint | Reference::ClusterIdentifier => {
                facts.cloud.missing_stack()
            }
            Reference::Function => facts.cloud.missing_function(),
            Reference::Generated(_) => {
                let problem = Problem::course(format_args!("`${{{}}}` has no value here", used.reference))
                    .expected("a name of the `generate` of a load, in that load's payload");
                problems.push(problem.at(used.spot.clone()));
                None
            }
            Reference::Variable(ref name) => {
                unknown("variable", name, facts.names.variables.as_deref(), &used.spot, problems);
                None
            }
            Reference::Choice(ref name) => {
                unknown("choice", name, facts.names.choices.as_deref(), &used.spot, problems);
                None
            }
            Reference::Region | Reference::Account | Reference::Caller if !facts.cloud.any => {
                let problem = Problem::course(format_args!(
                    "`${{{}}}` will have no value: the course has no cloud",
                    used.reference
                ))
                .hint(format!(
                    "add `cloud: true` to course.yaml if it uses AWS without a stack of its own; {}",
                    as_text(&used.reference)
                ));
                problems.push(problem.at(used.spot.clone()));
                None
            }
            Reference::Region | Reference::Account | Reference::Caller | Reference::Capture(_) => None,
        };
        if let Some(missing) = missing {
            let what = format!("`${{{}}}` will have no value", used.reference);
            let mut problem = names_none(&what, missing);
            problem.hint = problem.hint.map(|hint| format!("{hint}; {}", as_text(&used.reference)));
            problems.push(problem.at(used.spot.clone()));
        }
    }
}

/// Says how to write what is no reference: code of another language has its own.
fn as_text(reference: &Reference) -> String {
    format!("the text itself is written `$${{{reference}}}`")
}

/// An output that nothing in the project names will never have a value. Names that the CDK makes end in a hash, and
/// those that a project puts together can be declared by a `stack` check.
pub fn outputs_are_somewhere(chapter: &Chapter, uses: &[Use], problems: &mut Vec<Problem>) {
    let declared: Vec<&str> = chapter
        .checks
        .iter()
        .filter_map(|check| match &check.kind {
            CheckKind::Stack { outputs, .. } => Some(outputs.iter().map(String::as_str)),
            _ => None,
        })
        .flatten()
        .collect();
    let hashed = |name: &str| {
        let tail = name.len().checked_sub(8).and_then(|from| name.get(from..)).unwrap_or_default();
        !tail.is_empty() && tail.chars().all(|c| c.is_ascii_digit() || ('A'..='F').contains(&c))
    };
    let texts =
        || chapter.snapshot.iter().filter(|(path, _)| !path.ends_with("-lock.json")).filter_map(|(_, f)| f.text());
    for used in uses {
        let Reference::Output(name) = &used.reference else { continue };
        let name = name.rsplit('.').next().unwrap_or(name);
        if declared.contains(&name) || hashed(name) || texts().any(|text| holds_word(text, name)) {
            continue;
        }
        let mut known: Vec<&str> = texts().flat_map(declared_outputs).chain(declared.iter().copied()).collect();
        known.sort_unstable();
        known.dedup();
        let mut problem = Problem::course(format_args!("nothing in the chapter's snapshot is called `{name}`"));
        problem.hint = kinds::did_you_mean(name, &known).or_else(|| {
            Some(
                "an output whose name is put together in code is listed in the `outputs` of a `stack` check".to_owned(),
            )
        });
        if !known.is_empty() {
            problem = problem.expected(format!("an output of the stack: {}", kinds::list(&known)));
        }
        problems.push(problem.at(used.spot.clone()));
    }
}

fn holds_word(text: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word)
        .any(|(at, _)| !part(text[..at].chars().next_back()) && !part(text[at + word.len()..].chars().next()))
}

/// The outputs that a text declares as the CDK does: `new CfnOutput(this, 'Name', …)`.
fn declared_outputs(text: &str) -> impl Iterator<Item = &str> {
    text.split("CfnOutput(").skip(1).filter_map(|rest| {
        let (_, after) = rest.split_once(',')?;
        let name = after.trim_start().strip_prefix(['\'', '"', '`'])?;
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        Some(&name[..end])
    })
}

//! The values that lessons refer to with `${…}`, as they are at one moment.

use std::collections::BTreeMap;

use serde_json::Value;

use super::cloud::{CloudTarget, DatabaseSite};
use crate::aws::cluster::{self, endpoint_of};
use workshop_base::problem::{Problem, Result};
use workshop_course::lesson::model::{Chapter, Course, CourseDatabase, Template};
use workshop_course::lesson::template::{self, Reference, TemplateError, TemplateSyntax};
use workshop_psql::token::ADMIN;

/// Known values by what refers to them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Values {
    known: BTreeMap<Reference, Value>,
    /// The titles of what keeps a value, by the value's name.
    kept_by: BTreeMap<String, String>,
}

impl Values {
    /// Makes the values that need no asking: the course's own, and what was captured.
    pub fn new(course: &Course, captures: BTreeMap<String, Value>) -> Values {
        let mut values = Values::default();
        if let Some(stack) = &course.stack {
            values.set(Reference::Stack, stack.as_str());
        }
        values.known.extend(
            course
                .variables
                .iter()
                .map(|(name, value)| (Reference::Variable(name.clone()), Value::from(value.as_str()))),
        );
        values.known.extend(
            course.chosen.iter().map(|(name, value)| (Reference::Choice(name.clone()), Value::from(value.as_str()))),
        );
        values.known.extend(captures.into_iter().map(|(name, value)| (Reference::Capture(name), value)));
        values
    }

    /// Learns from a chapter what keeps which value.
    pub fn learn_keepers(&mut self, chapter: &Chapter) {
        for check in &chapter.checks {
            self.kept_by.extend(check.capture.iter().map(|(name, _)| (name.clone(), check.title.clone())));
        }
        for step in &chapter.steps {
            let captures = step.action.captures().into_iter();
            self.kept_by.extend(captures.map(|name| (name.to_owned(), step.title.clone())));
        }
    }

    /// Sets the value that a reference has.
    pub fn set(&mut self, reference: Reference, value: impl Into<Value>) {
        self.known.insert(reference, value.into());
    }

    /// Asks the world for what these references need, and no more.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn ask(&mut self, world: &dyn CloudTarget, stack: Option<&str>, needs: &[Reference]) -> Result<()> {
        self.set(Reference::Region, world.region());
        if needs.contains(&Reference::Account) {
            self.set(Reference::Account, world.account());
        }
        let others = needs.iter().filter_map(|need| match need {
            Reference::Output(name) => Some(name.split_once('.')?.0),
            _ => None,
        });
        for other in others.collect::<std::collections::BTreeSet<_>>() {
            for output in world.stack(other.to_owned()).await?.map(|s| s.outputs).unwrap_or_default() {
                self.set(Reference::Output(format!("{other}.{}", output.key)), output.value);
            }
        }
        if needs.contains(&Reference::Caller) {
            self.set(Reference::Caller, world.caller_arn()?);
        }
        let Some(stack) = stack else { return Ok(()) };
        if needs.iter().any(|r| matches!(r, Reference::Output(_))) {
            for output in world.stack(stack.to_owned()).await?.map(|s| s.outputs).unwrap_or_default() {
                self.set(Reference::Output(output.key), output.value);
            }
        }
        if needs.iter().any(|r| matches!(r, Reference::ClusterEndpoint | Reference::ClusterIdentifier))
            && let Some(identifier) = cluster(world, stack).await?
        {
            self.set(Reference::ClusterEndpoint, endpoint_of(&identifier, &world.region()));
            self.set(Reference::ClusterIdentifier, identifier);
        }
        Ok(())
    }

    /// A template filled in for a place.
    ///
    /// # Errors
    /// When a reference has no value, or one that cannot be quoted for the place.
    pub fn fill(&self, template: &Template, syntax: TemplateSyntax) -> Result<String> {
        template::render(template, syntax, |reference| self.known.get(reference).cloned()).map_err(|e| self.told(e))
    }

    /// Fills a template in for a place without quoting.
    ///
    /// # Errors
    /// As [`Values::fill`].
    pub fn plain(&self, template: &Template) -> Result<String> {
        self.fill(template, TemplateSyntax::Plain)
    }

    /// A JSON value whose strings may hold references; one that is only a reference keeps its type.
    ///
    /// # Errors
    /// As [`Values::fill`].
    pub fn json_value(&self, value: &Value) -> Result<Value> {
        template::render_value(value, &|reference: &Reference| self.known.get(reference).cloned())
            .map_err(|e| self.told(e))
    }

    /// Says what to do about a value that is missing, as far as it is known what keeps it.
    fn told(&self, error: TemplateError) -> Problem {
        let keeper = match &error {
            TemplateError::NoValue(name) => name.strip_prefix("capture.").and_then(|name| self.kept_by.get(name)),
            _ => None,
        };
        match keeper {
            Some(title) => Problem::failed(&error).hint(format!("run “{title}” first")),
            None => error.into(),
        }
    }
}

/// The identifier of the stack's cluster, if it has one.
async fn cluster(world: &dyn CloudTarget, stack: &str) -> Result<Option<String>> {
    if world.stack(stack.to_owned()).await?.is_none() {
        return Ok(None);
    }
    let resources = world.stack_resources(stack.to_owned()).await?;
    let found = resources.into_iter().find(|r| r.resource_type == cluster::RESOURCE && !r.status.starts_with("DELETE"));
    Ok(found.and_then(|r| r.physical_id).filter(|id| !id.is_empty()))
}

/// Finds the database that a course's statements ask.
///
/// # Errors
/// When its stack has no cluster yet, and when the target was given no database.
pub async fn database_site(world: &dyn CloudTarget, course: &Course) -> Result<DatabaseSite> {
    match course.database {
        CourseDatabase::Cluster if course.stack.is_none() => Err(Problem::course("the course has no database").hint(
            "add `database: postgres` to course.yaml, `database: {url: …}` for one that is there, or `stack: NAME`",
        )),
        CourseDatabase::Cluster => {
            let host = cluster_host(world, course.deployed_stack()?).await?;
            Ok(DatabaseSite { host, role: ADMIN.to_owned() })
        }
        CourseDatabase::Postgres | CourseDatabase::Url(_) | CourseDatabase::UrlFrom(_) => world
            .database()
            .ok_or_else(|| Problem::environment("the course's database is not there").hint("start the workshop again")),
    }
}

/// The endpoint of the course's cluster.
///
/// # Errors
/// When the stack has none yet.
pub async fn cluster_host(world: &dyn CloudTarget, stack: &str) -> Result<String> {
    match cluster(world, stack).await? {
        Some(identifier) => Ok(endpoint_of(&identifier, &world.region())),
        None => Err(Problem::failed(format!("stack {stack} has no DSQL cluster"))
            .hint("a deploy makes it: run the step that deploys the chapter which adds the cluster")),
    }
}

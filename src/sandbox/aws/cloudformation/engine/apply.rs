//! The first phase: what the template wants is created, updated or replaced, as soon as what it needs is there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::cancel::{cancel_running, fail, finish_cancelled};
use super::operation::{Created, EngineContext, enrol, operation};
use super::rollback::failed;
use crate::aws::cloudformation::conditions::Evaluation;
use crate::aws::cloudformation::model::{
    OnFailure, OperationKind, OperationPhase, PendingDelete, Resource, ResourceJob, Stack, StackDefinition,
    StackOutput, StackStatus, Verb,
};
use crate::aws::cloudformation::resolve::{Scope, comparable};
use crate::aws::cloudformation::resource_types;
use crate::aws::cloudformation::schema;
use crate::aws::cloudformation::template::section;
use crate::aws::cloudformation::validate::dependencies;

/// A resource's dependencies and policies as its definition has them.
fn described(resource: &mut Resource, definition: &Value, needs: &[String]) {
    resource.metadata = definition.get("Metadata").cloned().unwrap_or(Value::Null);
    resource.deletion_policy = definition["DeletionPolicy"].as_str().map(str::to_owned);
    resource.replace_policy = definition["UpdateReplacePolicy"].as_str().map(str::to_owned);
    resource.depends_on = needs.to_vec();
}

fn scope<'a>(
    target: &'a StackDefinition,
    resources: &'a BTreeMap<String, Resource>,
    unknown: &'a BTreeSet<String>,
    (name, id): (&'a str, &'a str),
    env: &'a EngineContext<'_>,
    evaluation: &'a Evaluation,
) -> Scope<'a> {
    Scope {
        template: &target.template,
        parameters: &target.parameters,
        resources,
        unknown,
        exports: &env.exports,
        ssm: &env.ssm,
        stack_name: name,
        stack_id: id,
        account: env.account,
        region: env.region,
        evaluation,
    }
}

/// Lists the resources that the template wants, with those that each needs.
///
/// # Errors
/// CloudFormation's sentence for a condition that cannot be evaluated.
pub(super) fn wanted(scope: &Scope<'_>) -> Result<BTreeMap<String, Vec<String>>, String> {
    let mut names = BTreeSet::new();
    for (name, member) in section(scope.template, "Resources") {
        if scope.included(member)? {
            names.insert(name.clone());
        }
    }
    Ok(dependencies(scope.template, &names))
}

enum Decision {
    Nothing,
    Start(Verb, Value),
    Fail(Verb, Value, String),
}

/// Starts what can start of the first phase; true when there may be more to do at once.
pub(super) fn apply(stack: &mut Stack, env: &mut EngineContext<'_>, jobs: &mut Vec<(u64, ResourceJob)>) -> bool {
    let operation = self::operation(stack);
    // What is not to be taken back goes on where nothing depends on what has failed (CloudFormation user guide, "Choose how
    // to handle failures when provisioning resources", 2026-11).
    let goes_on = operation.on_failure == OnFailure::Nothing;
    if operation.cancelled.is_some() || !operation.failed.is_empty() && !goes_on {
        if operation.running.is_empty() {
            failed(stack, env);
            return stack.operation.is_some();
        }
        cancel_running(stack, env);
        return false;
    }
    let target = operation.target.clone();
    // Nobody says of an express deploy, which goes without rollback by itself, that it replaces nothing.
    let keeps =
        operation.on_failure == OnFailure::Nothing && operation.kind == OperationKind::Update && !operation.express;
    let retags = target.tags != stack.target.tags;
    let none = BTreeSet::new();
    let evaluation = Evaluation::default();
    let names = (stack.name.clone(), stack.id.clone());
    let all = match wanted(&scope(&target, &stack.resources, &none, (&names.0, &names.1), env, &evaluation)) {
        Ok(all) => all,
        Err(reason) => {
            self::operation(stack).cancelled = Some(reason);
            return true;
        }
    };
    let mut progress = false;
    for (name, needs) in &all {
        let operation = stack.operation.as_ref().expect("an operation is under way");
        let busy = operation.done.contains(name)
            || operation.failed.contains_key(name)
            || operation.running.values().any(|job| job.logical_id == *name);
        if busy || !needs.iter().all(|need| operation.done.contains(need)) {
            continue;
        }
        progress = true;
        let definition = &target.template["Resources"][name];
        let existing = stack.resources.get(name).filter(|r| r.exists()).cloned();
        let decision = decide(
            name,
            definition,
            existing.as_ref(),
            UpdateTerms { keeps, retags },
            &scope(&target, &stack.resources, &none, (&names.0, &names.1), env, &evaluation),
        );
        match decision {
            Decision::Nothing => {
                if let Some(resource) = stack.resources.get_mut(name) {
                    described(resource, definition, needs);
                }
                self::operation(stack).done.insert(name.clone());
            }
            Decision::Start(verb, properties) => {
                jobs.push(launch(stack, verb, name, definition, needs, properties, existing, env));
            }
            Decision::Fail(verb, properties, reason) => {
                let (id, job) = launch(stack, verb, name, definition, needs, properties, existing, env);
                self::operation(stack).running.remove(&id);
                finish_apply(stack, job, Err(reason), env);
                return true;
            }
        }
    }
    let operation = self::operation(stack);
    if !operation.running.is_empty() {
        // Resources that needed no work may have freed others.
        return progress;
    }
    if all.keys().all(|name| operation.done.contains(name)) {
        commit(stack, &all, env);
        return stack.operation.is_some();
    }
    if !progress && !operation.failed.is_empty() {
        failed(stack, env);
        return stack.operation.is_some();
    }
    progress
}

/// The reason of an update that would replace a resource and is not to be taken back, as the CDK's CLI looks for it
/// (aws/aws-cdk-cli, `CFN_REPLACEMENT_WITH_ROLLBACK_DISABLED_REASON`).
const NOT_REPLACED: &str = "Replacement type updates not supported on stack with disable-rollback.";

/// The terms of an update that all its resources share.
#[derive(Debug, Clone, Copy)]
struct UpdateTerms {
    /// It is not to be taken back should it fail.
    keeps: bool,
    /// The stack's own tags change.
    retags: bool,
}

/// Says what is to be done for one resource.
fn decide(
    name: &str,
    definition: &Value,
    existing: Option<&Resource>,
    terms: UpdateTerms,
    scope: &Scope<'_>,
) -> Decision {
    let verb = if existing.is_some() { Verb::Update } else { Verb::Create };
    let properties = match scope.resolve(&definition["Properties"]) {
        Ok(properties) => properties.filter(|p| !p.is_null()).unwrap_or(Value::Object(Map::new())),
        Err(reason) => return Decision::Fail(verb, Value::Object(Map::new()), reason),
    };
    let kind_name = definition["Type"].as_str().unwrap_or_default();
    let Some(kind) = resource_types::kind(kind_name) else {
        return Decision::Fail(verb, properties, format!("Unrecognized resource type: {kind_name}"));
    };
    if let Some(violation) = kind.violation(name, &properties) {
        return Decision::Fail(verb, properties, violation);
    }
    let Some(existing) = existing else { return Decision::Start(Verb::Create, properties) };
    let (old, new) = (comparable(existing.properties.clone()), comparable(properties.clone()));
    let retags = terms.retags && resource_types::keeps_tags(kind_name);
    if old == new && !retags && existing.status != StackStatus::UpdateFailed {
        return Decision::Nothing;
    }
    let replaced = kind
        .properties
        .iter()
        .any(|p| p.replaces == schema::UpdateBehavior::Always && old.get(p.name) != new.get(p.name));
    if !replaced {
        return Decision::Start(Verb::Update, properties);
    }
    if terms.keeps {
        return Decision::Fail(Verb::Update, properties, NOT_REPLACED.into());
    }
    if let Some(named) = kind.named_by
        && new.get(named).is_some()
        && old.get(named) == new.get(named)
    {
        let custom = new[named].as_str().unwrap_or_default();
        let reason = format!(
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {custom} and update the stack again."
        );
        return Decision::Fail(Verb::Update, properties, reason);
    }
    Decision::Start(Verb::Replace, properties)
}

#[expect(clippy::too_many_arguments, reason = "the facts of one job, all different")]
fn launch(
    stack: &mut Stack,
    verb: Verb,
    name: &str,
    definition: &Value,
    needs: &[String],
    properties: Value,
    previous: Option<Resource>,
    env: &mut EngineContext<'_>,
) -> (u64, ResourceJob) {
    let kind = definition["Type"].as_str().unwrap_or_default();
    let mut shown = previous.clone().unwrap_or_else(|| Resource::new(kind));
    shown.properties = properties.clone();
    let (status, reason) = match verb {
        Verb::Create => (StackStatus::CreateInProgress, None),
        Verb::Update => (StackStatus::UpdateInProgress, None),
        Verb::Replace => (
            StackStatus::UpdateInProgress,
            Some("Requested update requires the creation of a new physical resource; hence creating one."),
        ),
        Verb::Delete => (StackStatus::DeleteInProgress, None),
    };
    stack.resource_event(name, &shown, status, reason, env.now, env.ids);
    let entry = stack.resources.entry(name.to_owned()).or_insert_with(|| Resource::new(kind));
    if verb == Verb::Create {
        *entry = Resource { properties: properties.clone(), ..Resource::new(kind) };
        described(entry, definition, needs);
    }
    entry.status = status;
    entry.updated = env.now;
    let operation = operation(stack);
    let job = ResourceJob {
        verb,
        logical_id: name.into(),
        kind: kind.into(),
        properties,
        previous,
        physical_id: None,
        express: operation.express,
        import_existing: operation.import_existing,
        cancelled: false,
        pending_delete: None,
    };
    enrol(operation, job)
}

/// Takes the result of a job of the first phase.
pub(super) fn finish_apply(
    stack: &mut Stack,
    job: ResourceJob,
    result: Result<Created, String>,
    env: &mut EngineContext<'_>,
) {
    let name = job.logical_id.clone();
    let creating = job.verb == Verb::Create;
    match result {
        result if job.cancelled => finish_cancelled(stack, job, result),
        Ok(made) => {
            let definition = operation(stack).target.template["Resources"][&name].clone();
            let mut resource = stack.resources.get(&name).cloned().unwrap_or_else(|| Resource::new(&job.kind));
            let needs = match job.verb {
                Verb::Create => resource.depends_on.clone(),
                Verb::Update | Verb::Replace | Verb::Delete => needs_of(stack, &name, env),
            };
            described(&mut resource, &definition, &needs);
            resource.physical_id = Some(made.physical_id);
            resource.attributes = made.attributes;
            resource.properties = job.properties;
            resource.status = if creating { StackStatus::CreateComplete } else { StackStatus::UpdateComplete };
            resource.reason = None;
            resource.updated = env.now;
            if let (Verb::Replace, Some(old)) = (job.verb, &job.previous) {
                operation(stack).pending_deletes.push(PendingDelete::of(&name, old, true));
            }
            stack.resource_event(&name, &resource, resource.status, None, env.now, env.ids);
            stack.resources.insert(name.clone(), resource);
            operation(stack).done.insert(name);
        }
        Err(reason) => fail(stack, &job, reason, env),
    }
}

fn needs_of(stack: &Stack, name: &str, env: &EngineContext<'_>) -> Vec<String> {
    let Some(operation) = &stack.operation else { return Vec::new() };
    let (none, evaluation) = (BTreeSet::new(), Evaluation::default());
    let scope = scope(&operation.target, &stack.resources, &none, (&stack.name, &stack.id), env, &evaluation);
    wanted(&scope).ok().and_then(|mut all| all.remove(name)).unwrap_or_default()
}

/// Everything wanted is there: outputs, then what is no longer wanted.
fn commit(stack: &mut Stack, all: &BTreeMap<String, Vec<String>>, env: &mut EngineContext<'_>) {
    let target = operation(stack).target.clone();
    let none = BTreeSet::new();
    let evaluation = Evaluation::default();
    let names = (stack.name.clone(), stack.id.clone());
    let outputs =
        outputs(&scope(&target, &stack.resources, &none, (&names.0, &names.1), env, &evaluation), &stack.outputs);
    match outputs.and_then(|outputs| still_imported(&stack.outputs, outputs, env)) {
        Err(reason) => {
            operation(stack).cancelled = Some(reason);
            return;
        }
        Ok(outputs) => stack.outputs = outputs,
    }
    let gone: Vec<String> = stack.resources.keys().filter(|name| !all.contains_key(*name)).cloned().collect();
    let pending_deletes: Vec<PendingDelete> = gone
        .iter()
        .filter_map(|name| stack.resources.get(name).filter(|r| r.exists()).map(|r| PendingDelete::of(name, r, false)))
        .collect();
    // What is left over from an earlier failure has nothing behind it.
    stack.resources.retain(|name, resource| all.contains_key(name) || resource.exists());
    stack.target = target;
    stack.disable_rollback = operation(stack).on_failure == OnFailure::Nothing;
    operation(stack).pending_deletes.extend(pending_deletes);
    operation(stack).phase = OperationPhase::Cleanup;
    operation(stack).done.clear();
    if operation(stack).kind == OperationKind::Update {
        stack.set_status(StackStatus::UpdateCompleteCleanupInProgress, None, env.now, env.ids);
    }
}

/// Refuses that an output goes or changes which another stack imports.
fn still_imported(
    old: &[StackOutput],
    new: Vec<StackOutput>,
    env: &EngineContext<'_>,
) -> Result<Vec<StackOutput>, String> {
    for output in old {
        let Some((name, importer)) = output.export.as_ref().and_then(|name| env.importers.get_key_value(name)) else {
            continue;
        };
        match new.iter().find(|now| now.export.as_ref() == Some(name)) {
            Some(now) if now.value == output.value => {}
            Some(_) => return Err(format!("Export {name} cannot be updated as it is in use by {importer}.")),
            None => return Err(format!("Export {name} cannot be deleted as it is in use by {importer}.")),
        }
    }
    Ok(new)
}

/// Evaluates the outputs. `own` are the stack's so far, whose exports it may keep.
///
/// # Errors
/// CloudFormation's sentence for a value that cannot be had, or an export of another stack's name.
pub(super) fn outputs(scope: &Scope<'_>, own: &[StackOutput]) -> Result<Vec<StackOutput>, String> {
    let mut found = Vec::new();
    for (key, definition) in section(scope.template, "Outputs") {
        if !scope.included(definition)? {
            continue;
        }
        let export = match definition["Export"].get("Name") {
            Some(name) => Some(scope.text(name)?),
            None => None,
        };
        if let Some(name) = &export
            && let Some(taken) = scope.exports.get(name)
            && !own.iter().any(|output| output.export.as_ref() == Some(name))
        {
            return Err(format!("Export with name {name} is already exported by stack {}.", taken.stack));
        }
        found.push(StackOutput {
            key: key.clone(),
            value: scope.text(&definition["Value"])?,
            description: definition["Description"].as_str().map(str::to_owned),
            export,
        });
    }
    Ok(found)
}

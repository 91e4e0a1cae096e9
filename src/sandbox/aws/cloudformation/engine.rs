//! What happens to a stack, step by step: create, update, replacement, delete, and the way back.
//!
//! A state machine without I/O. [`pump`] hands out the jobs that can start now, [`finish`] takes their
//! results; in between, the whole operation is part of the stack's saved state, so that a restart can pick
//! it up. Life of an update:
//! 1. Apply: every wanted resource, as soon as what it needs is done, is created, updated or replaced.
//! 2. Clear: what is no longer wanted, and what was replaced, is deleted, dependents first.
//!
//! A failure in 1 waits for the jobs that run, then
//! 3. Restore: what was changed gets its old properties back.
//! 4. Clear: what was created is deleted.
//!
//! Invariant: one operation at a time per stack; a failed one leaves the stack as it was before it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::resolve::{Scope, comparable};
use super::schema;
use super::stack::{Output, Resource, Stack, Status, Target};
use super::template::section;
use super::validate::dependencies;
use crate::sandbox::aws::ids::Ids;
use crate::sandbox::aws::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    Create,
    Update,
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    Apply,
    Restore,
    Clear,
}

/// What to do when an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnFailure {
    Rollback,
    /// Stay as it is, for `cdk rollback` or another try.
    Nothing,
    /// Delete the stack (only for a create).
    Delete,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    pub kind: Kind,
    pub phase: Phase,
    /// The client's token, shown in events.
    pub token: Option<String>,
    pub target: Target,
    /// The resources before anything was changed.
    pub before: BTreeMap<String, Resource>,
    pub running: BTreeMap<u64, Job>,
    next: u64,
    /// Logical ids that are through in this phase.
    done: BTreeSet<String>,
    failed: BTreeMap<String, Verb>,
    doomed: Vec<Doomed>,
    rolling_back: bool,
    /// Why it is being cancelled.
    pub cancelled: Option<String>,
    pub on_failure: OnFailure,
    /// Resources count as done before they are ready.
    pub express: bool,
    /// Take over what exists already under the same name.
    pub import_existing: bool,
    /// Logical ids to leave alone when deleting.
    retain: BTreeSet<String>,
    /// Logical ids not to restore.
    skip: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verb {
    Create,
    Update,
    Replace,
    Delete,
}

/// One resource's work, for a handler to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub verb: Verb,
    pub logical_id: String,
    pub kind: String,
    pub properties: Value,
    /// What is there: to be updated, or deleted.
    pub previous: Option<Resource>,
    /// Known as soon as the resource has a name, before it is ready.
    pub physical_id: Option<String>,
    pub express: bool,
    pub import_existing: bool,
    /// Index in the list of what is to be deleted.
    doomed: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Doomed {
    logical_id: String,
    resource: Resource,
    /// Another resource lives under the logical id.
    superseded: bool,
    state: DoomedState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum DoomedState {
    Waiting,
    Running,
    Gone,
    Failed,
}

/// What a handler answers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Made {
    pub physical_id: String,
    pub attributes: Map<String, Value>,
}

/// What the machine needs of the world.
pub struct Env<'a> {
    pub now: Instant,
    pub ids: &'a mut Ids,
    pub account: &'a str,
    pub region: &'a str,
    pub exports: BTreeMap<String, String>,
    pub ssm: BTreeMap<String, String>,
}

/// How an operation is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    pub token: Option<String>,
    pub on_failure: OnFailure,
    pub express: bool,
    pub import_existing: bool,
}

/// Begins to create or update a stack. The target has been validated.
pub fn begin(stack: &mut Stack, target: Target, options: Options, env: &mut Env<'_>) {
    let update = !matches!(stack.status, Status::ReviewInProgress);
    // After a failure without rollback, the way back still leads to the last good state.
    let before = stack.suspended.take().map_or_else(|| stack.resources.clone(), |operation| operation.before);
    let kind = if update { Kind::Update } else { Kind::Create };
    let operation = Operation {
        token: options.token,
        target,
        before,
        on_failure: options.on_failure,
        express: options.express,
        import_existing: options.import_existing,
        ..blank(kind, Phase::Apply, stack.target.clone())
    };
    start(stack, operation, if update { Status::UpdateInProgress } else { Status::CreateInProgress }, env);
    if update {
        stack.updated = Some(env.now);
    }
}

/// Begins to delete a stack.
pub fn begin_delete(stack: &mut Stack, token: Option<String>, retain: BTreeSet<String>, env: &mut Env<'_>) {
    stack.suspended = None;
    let operation = Operation {
        token,
        retain,
        doomed: stack
            .resources
            .iter()
            .filter(|(_, r)| r.exists())
            .map(|(name, r)| Doomed::of(name, r, false))
            .collect(),
        ..blank(Kind::Delete, Phase::Clear, stack.target.clone())
    };
    start(stack, operation, Status::DeleteInProgress, env);
}

/// Takes a failed operation back: `RollbackStack` and `ContinueUpdateRollback`. False when there is none.
pub fn begin_rollback(stack: &mut Stack, token: Option<String>, skip: BTreeSet<String>, env: &mut Env<'_>) -> bool {
    let Some(mut operation) = stack.suspended.take() else { return false };
    operation.token = token;
    operation.on_failure = OnFailure::Rollback;
    operation.skip = skip;
    stack.operation_id = env.ids.uuid();
    stack.operation = Some(operation);
    turn_back(stack, Some("User Initiated"), env);
    true
}

fn blank(kind: Kind, phase: Phase, target: Target) -> Operation {
    Operation {
        kind,
        phase,
        token: None,
        target,
        before: BTreeMap::new(),
        running: BTreeMap::new(),
        next: 0,
        done: BTreeSet::new(),
        failed: BTreeMap::new(),
        doomed: Vec::new(),
        rolling_back: false,
        cancelled: None,
        on_failure: OnFailure::Rollback,
        express: false,
        import_existing: false,
        retain: BTreeSet::new(),
        skip: BTreeSet::new(),
    }
}

fn start(stack: &mut Stack, operation: Operation, status: Status, env: &mut Env<'_>) {
    stack.operation_id = env.ids.uuid();
    stack.operation = Some(operation);
    stack.set_status(status, Some("User Initiated"), env.now, env.ids);
}

impl Doomed {
    fn of(logical_id: &str, resource: &Resource, superseded: bool) -> Self {
        Doomed { logical_id: logical_id.into(), resource: resource.clone(), superseded, state: DoomedState::Waiting }
    }

    fn pending(&self) -> bool {
        matches!(self.state, DoomedState::Waiting | DoomedState::Running)
    }
}

/// The jobs that can start now. Moves on to the next phase, and to the end, when nothing is left to do.
pub fn pump(stack: &mut Stack, env: &mut Env<'_>) -> Vec<(u64, Job)> {
    let mut jobs = Vec::new();
    while let Some(operation) = stack.operation.as_ref() {
        let phase = operation.phase;
        let more = match phase {
            Phase::Apply => apply(stack, env, &mut jobs),
            Phase::Restore => restore(stack, env, &mut jobs),
            Phase::Clear => clear(stack, env, &mut jobs),
        };
        if !more {
            break;
        }
    }
    jobs
}

/// Takes the result of a job.
pub fn finish(stack: &mut Stack, id: u64, result: Result<Made, String>, env: &mut Env<'_>) {
    let Some(job) = operation(stack).running.remove(&id) else { return };
    match (job.doomed, operation(stack).phase) {
        (Some(index), _) => finish_delete(stack, index, result.map(|_| ()), env),
        (None, Phase::Restore) => finish_restore(stack, job, result, env),
        (None, Phase::Apply | Phase::Clear) => finish_apply(stack, job, result, env),
    }
}

/// Notes the name of a resource that is on its way, so that nothing is forgotten should we be stopped.
pub fn initiated(stack: &mut Stack, id: u64, physical_id: &str, env: &mut Env<'_>) {
    let Some(job) = stack.operation.as_mut().and_then(|o| o.running.get_mut(&id)) else { return };
    job.physical_id = Some(physical_id.to_owned());
    let resource = Resource {
        physical_id: job.physical_id.clone(),
        properties: job.properties.clone(),
        ..Resource::new(&job.kind)
    };
    let logical_id = job.logical_id.clone();
    let status = if job.verb == Verb::Replace { Status::UpdateInProgress } else { Status::CreateInProgress };
    if job.verb == Verb::Create
        && let Some(entry) = stack.resources.get_mut(&logical_id)
    {
        entry.physical_id = resource.physical_id.clone();
    }
    stack.resource_event(&logical_id, &resource, status, Some("Resource creation Initiated"), env.now, env.ids);
}

/// After a restart: jobs that ran when the process ended. Creations count as failed, the rest starts again.
pub fn recover(stack: &mut Stack, env: &mut Env<'_>) {
    let Some(operation) = stack.operation.as_mut() else { return };
    let running = std::mem::take(&mut operation.running);
    for (id, job) in running {
        let applying = job.doomed.is_none() && stack.operation.as_ref().is_some_and(|o| o.phase == Phase::Apply);
        if let Some(index) = job.doomed {
            self::operation(stack).doomed[index].state = DoomedState::Waiting;
        } else if applying {
            if let (Verb::Create | Verb::Replace, Some(_)) = (job.verb, &job.physical_id) {
                let resource = Resource { physical_id: job.physical_id.clone(), ..Resource::new(&job.kind) };
                let doomed = Doomed::of(&job.logical_id, &resource, true);
                self::operation(stack).doomed.push(doomed);
            }
            self::operation(stack).running.insert(id, job);
            finish(stack, id, Err("the sandbox was stopped while this was under way".into()), env);
        }
    }
}

fn operation(stack: &mut Stack) -> &mut Operation {
    stack.operation.as_mut().expect("called only while an operation is under way")
}

/// A resource's dependencies and policies as its definition has them.
fn described(resource: &mut Resource, definition: &Value, needs: &[String]) {
    resource.metadata = definition.get("Metadata").cloned().unwrap_or(Value::Null);
    resource.deletion_policy = definition["DeletionPolicy"].as_str().map(str::to_owned);
    resource.replace_policy = definition["UpdateReplacePolicy"].as_str().map(str::to_owned);
    resource.depends_on = needs.to_vec();
}

fn scope<'a>(
    target: &'a Target,
    resources: &'a BTreeMap<String, Resource>,
    unknown: &'a BTreeSet<String>,
    (name, id): (&'a str, &'a str),
    env: &'a Env<'_>,
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
    }
}

/// What the template wants, with what each needs.
fn wanted(scope: &Scope<'_>) -> Result<BTreeMap<String, Vec<String>>, String> {
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

fn apply(stack: &mut Stack, env: &mut Env<'_>, jobs: &mut Vec<(u64, Job)>) -> bool {
    let operation = self::operation(stack);
    if !operation.failed.is_empty() || operation.cancelled.is_some() {
        if operation.running.is_empty() {
            failed(stack, env);
            return stack.operation.is_some();
        }
        return false;
    }
    let target = operation.target.clone();
    let none = BTreeSet::new();
    let names = (stack.name.clone(), stack.id.clone());
    let all = match wanted(&scope(&target, &stack.resources, &none, (&names.0, &names.1), env)) {
        Ok(all) => all,
        Err(reason) => {
            self::operation(stack).cancelled = Some(reason);
            return true;
        }
    };
    let mut progress = false;
    for (name, needs) in &all {
        let operation = stack.operation.as_ref().expect("an operation is under way");
        let busy = operation.done.contains(name) || operation.running.values().any(|job| job.logical_id == *name);
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
            &scope(&target, &stack.resources, &none, (&names.0, &names.1), env),
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
                let (id, _) = launch(stack, verb, name, definition, needs, properties, existing, env);
                finish(stack, id, Err(reason), env);
                return true;
            }
        }
    }
    let operation = self::operation(stack);
    if all.keys().all(|name| operation.done.contains(name)) && operation.running.is_empty() {
        commit(stack, &all, env);
        return stack.operation.is_some();
    }
    // Resources that needed no work may have freed others.
    progress
}

fn decide(name: &str, definition: &Value, existing: Option<&Resource>, scope: &Scope<'_>) -> Decision {
    let verb = if existing.is_some() { Verb::Update } else { Verb::Create };
    let properties = match scope.resolve(&definition["Properties"]) {
        Ok(properties) => properties.filter(|p| !p.is_null()).unwrap_or(Value::Object(Map::new())),
        Err(reason) => return Decision::Fail(verb, Value::Object(Map::new()), reason),
    };
    let kind_name = definition["Type"].as_str().unwrap_or_default();
    let Some(kind) = schema::kind(kind_name) else {
        return Decision::Fail(verb, properties, format!("Unrecognized resource type: {kind_name}"));
    };
    if let Some(violation) = kind.violation(name, &properties) {
        return Decision::Fail(verb, properties, violation);
    }
    let Some(existing) = existing else { return Decision::Start(Verb::Create, properties) };
    let (old, new) = (comparable(existing.properties.clone()), comparable(properties.clone()));
    if old == new && existing.status != Status::UpdateFailed {
        return Decision::Nothing;
    }
    let replaced =
        kind.properties.iter().any(|p| p.replaces == schema::Change::Always && old.get(p.name) != new.get(p.name));
    if !replaced {
        return Decision::Start(Verb::Update, properties);
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
    env: &mut Env<'_>,
) -> (u64, Job) {
    let kind = definition["Type"].as_str().unwrap_or_default();
    let mut shown = previous.clone().unwrap_or_else(|| Resource::new(kind));
    shown.properties = properties.clone();
    let (status, reason) = match verb {
        Verb::Create => (Status::CreateInProgress, None),
        Verb::Update => (Status::UpdateInProgress, None),
        Verb::Replace => (
            Status::UpdateInProgress,
            Some("Requested update requires the creation of a new physical resource; hence creating one."),
        ),
        Verb::Delete => (Status::DeleteInProgress, None),
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
    let job = Job {
        verb,
        logical_id: name.into(),
        kind: kind.into(),
        properties,
        previous,
        physical_id: None,
        express: operation.express,
        import_existing: operation.import_existing,
        doomed: None,
    };
    enrol(operation, job)
}

fn enrol(operation: &mut Operation, job: Job) -> (u64, Job) {
    operation.next += 1;
    operation.running.insert(operation.next, job.clone());
    (operation.next, job)
}

fn finish_apply(stack: &mut Stack, job: Job, result: Result<Made, String>, env: &mut Env<'_>) {
    let name = job.logical_id.clone();
    let creating = job.verb == Verb::Create;
    match result {
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
            resource.status = if creating { Status::CreateComplete } else { Status::UpdateComplete };
            resource.reason = None;
            resource.updated = env.now;
            if let (Verb::Replace, Some(old)) = (job.verb, &job.previous) {
                operation(stack).doomed.push(Doomed::of(&name, old, true));
            }
            stack.resource_event(&name, &resource, resource.status, None, env.now, env.ids);
            stack.resources.insert(name.clone(), resource);
            operation(stack).done.insert(name);
        }
        Err(reason) => {
            let status = if creating { Status::CreateFailed } else { Status::UpdateFailed };
            let mut shown = job.previous.clone().unwrap_or_else(|| Resource::new(&job.kind));
            shown.properties = job.properties;
            stack.resource_event(&name, &shown, status, Some(&reason), env.now, env.ids);
            if let Some(resource) = stack.resources.get_mut(&name) {
                resource.status = status;
                resource.reason = Some(reason);
            }
            operation(stack).failed.insert(name, job.verb);
        }
    }
}

fn needs_of(stack: &Stack, name: &str, env: &Env<'_>) -> Vec<String> {
    let Some(operation) = &stack.operation else { return Vec::new() };
    let none = BTreeSet::new();
    let scope = scope(&operation.target, &stack.resources, &none, (&stack.name, &stack.id), env);
    wanted(&scope).ok().and_then(|mut all| all.remove(name)).unwrap_or_default()
}

/// Everything wanted is there: outputs, then what is no longer wanted.
fn commit(stack: &mut Stack, all: &BTreeMap<String, Vec<String>>, env: &mut Env<'_>) {
    let target = operation(stack).target.clone();
    let none = BTreeSet::new();
    let names = (stack.name.clone(), stack.id.clone());
    let outputs = outputs(&scope(&target, &stack.resources, &none, (&names.0, &names.1), env), &stack.outputs);
    match outputs {
        Err(reason) => {
            operation(stack).cancelled = Some(reason);
            return;
        }
        Ok(outputs) => stack.outputs = outputs,
    }
    let gone: Vec<String> = stack.resources.keys().filter(|name| !all.contains_key(*name)).cloned().collect();
    let doomed: Vec<Doomed> = gone
        .iter()
        .filter_map(|name| stack.resources.get(name).filter(|r| r.exists()).map(|r| Doomed::of(name, r, false)))
        .collect();
    // What is left over from an earlier failure has nothing behind it.
    stack.resources.retain(|name, resource| all.contains_key(name) || resource.exists());
    stack.target = target;
    stack.disable_rollback = operation(stack).on_failure == OnFailure::Nothing;
    operation(stack).doomed.extend(doomed);
    operation(stack).phase = Phase::Clear;
    operation(stack).done.clear();
    if operation(stack).kind == Kind::Update {
        stack.set_status(Status::UpdateCompleteCleanupInProgress, None, env.now, env.ids);
    }
}

fn outputs(scope: &Scope<'_>, own: &[Output]) -> Result<Vec<Output>, String> {
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
            && scope.exports.contains_key(name)
            && !own.iter().any(|output| output.export.as_ref() == Some(name))
        {
            return Err(format!("Export with name {name} is already exported by another stack."));
        }
        found.push(Output {
            key: key.clone(),
            value: scope.text(&definition["Value"])?,
            description: definition["Description"].as_str().map(str::to_owned),
            export,
        });
    }
    Ok(found)
}

/// Nothing runs any more and something has failed: stop here, or go back.
fn failed(stack: &mut Stack, env: &mut Env<'_>) {
    let operation = operation(stack);
    let list = |creates: bool| -> Vec<String> {
        operation
            .failed
            .iter()
            .filter(|(_, verb)| (**verb == Verb::Create) == creates)
            .map(|(n, _)| n.clone())
            .collect()
    };
    let mut reason = String::new();
    for (verb, names) in [("create", list(true)), ("update", list(false))] {
        if !names.is_empty() {
            reason.push_str(&format!("The following resource(s) failed to {verb}: [{}]. ", names.join(", ")));
        }
    }
    if let Some(why) = &operation.cancelled {
        reason.push_str(why);
    }
    match (operation.on_failure, operation.kind) {
        (OnFailure::Nothing, kind) => {
            let status = if kind == Kind::Create { Status::CreateFailed } else { Status::UpdateFailed };
            stack.disable_rollback = true;
            stack.set_status(status, Some(&reason), env.now, env.ids);
            stack.suspended = stack.operation.take();
        }
        (OnFailure::Delete, Kind::Create) => {
            let token = operation.token.clone();
            stack.operation = None;
            begin_delete(stack, token, BTreeSet::new(), env);
        }
        (OnFailure::Rollback, Kind::Create) => {
            turn_back(stack, Some(&format!("{reason}Rollback requested by user.")), env);
        }
        (OnFailure::Rollback | OnFailure::Delete, Kind::Update | Kind::Delete) => turn_back(stack, Some(&reason), env),
    }
}

fn turn_back(stack: &mut Stack, reason: Option<&str>, env: &mut Env<'_>) {
    let operation = operation(stack);
    operation.rolling_back = true;
    operation.cancelled = None;
    operation.failed.clear();
    operation.done.clear();
    let kind = operation.kind;
    // The old resources stay, whatever was meant to replace them.
    let before = &operation.before;
    operation.doomed.retain(|d| before.get(&d.logical_id).is_none_or(|b| b.physical_id != d.resource.physical_id));
    operation.phase = Phase::Restore;
    let status = if kind == Kind::Create { Status::RollbackInProgress } else { Status::UpdateRollbackInProgress };
    stack.set_status(status, reason, env.now, env.ids);
}

fn restore(stack: &mut Stack, env: &mut Env<'_>, jobs: &mut Vec<(u64, Job)>) -> bool {
    let before = operation(stack).before.clone();
    let mut progress = false;
    for (name, old) in before.iter().filter(|(_, old)| old.exists()) {
        let operation = operation(stack);
        let busy = operation.failed.contains_key(name)
            || operation.done.contains(name)
            || operation.running.values().any(|job| job.logical_id == *name);
        let needs = old.depends_on.iter().filter(|need| before.get(*need).is_some_and(Resource::exists));
        if busy || !needs.into_iter().all(|need| operation.done.contains(need)) {
            continue;
        }
        progress = true;
        let skipped = operation.skip.contains(name);
        let current = stack.resources.get(name).cloned();
        match current {
            Some(current) if current.physical_id == old.physical_id => {
                let touched = comparable(current.properties.clone()) != comparable(old.properties.clone())
                    || matches!(current.status, Status::UpdateFailed | Status::UpdateInProgress);
                if !touched || skipped {
                    stack.resources.insert(name.clone(), old.clone());
                    self::operation(stack).done.insert(name.clone());
                    continue;
                }
                stack.resource_event(name, old, Status::UpdateInProgress, None, env.now, env.ids);
                let job = Job {
                    verb: Verb::Update,
                    logical_id: name.clone(),
                    kind: old.kind.clone(),
                    properties: old.properties.clone(),
                    previous: Some(current),
                    physical_id: None,
                    express: false,
                    import_existing: false,
                    doomed: None,
                };
                jobs.push(enrol(self::operation(stack), job));
            }
            current => {
                // Replaced, or removed from the list by nothing yet: the old one still stands.
                if let Some(new) = current.filter(|r| r.exists() && r.physical_id.is_some()) {
                    self::operation(stack).doomed.push(Doomed::of(name, &new, true));
                    stack.resource_event(name, old, Status::UpdateComplete, None, env.now, env.ids);
                }
                stack.resources.insert(name.clone(), old.clone());
                self::operation(stack).done.insert(name.clone());
            }
        }
    }
    let operation = operation(stack);
    if !operation.running.is_empty() {
        return progress;
    }
    if !operation.failed.is_empty() {
        let names: Vec<String> = operation.failed.keys().cloned().collect();
        let reason = format!("The following resource(s) failed to update: [{}]. ", names.join(", "));
        stack.set_status(Status::UpdateRollbackFailed, Some(&reason), env.now, env.ids);
        stack.suspended = stack.operation.take();
        return false;
    }
    let all_done = before.iter().filter(|(_, old)| old.exists()).all(|(name, _)| operation.done.contains(name));
    if !all_done {
        return progress;
    }
    let kind = operation.kind;
    nothing_made(stack, &before, env);
    let created: Vec<Doomed> = stack
        .resources
        .iter()
        .filter(|(name, r)| r.exists() && !before.get(*name).is_some_and(Resource::exists))
        .map(|(name, r)| Doomed::of(name, r, false))
        .collect();
    let operation = self::operation(stack);
    operation.doomed.extend(created);
    operation.phase = Phase::Clear;
    operation.done.clear();
    if kind == Kind::Update {
        stack.set_status(Status::UpdateRollbackCompleteCleanupInProgress, None, env.now, env.ids);
    }
    true
}

/// Resources whose creation failed have nothing behind them; the way back says so.
fn nothing_made(stack: &mut Stack, before: &BTreeMap<String, Resource>, env: &mut Env<'_>) {
    let failed: Vec<(String, Resource)> = stack
        .resources
        .iter()
        .filter(|(name, r)| r.status == Status::CreateFailed && !before.get(*name).is_some_and(Resource::exists))
        .map(|(name, r)| (name.clone(), r.clone()))
        .collect();
    for (name, resource) in failed {
        stack.resource_event(&name, &resource, Status::DeleteComplete, None, env.now, env.ids);
        if let Some(resource) = stack.resources.get_mut(&name) {
            resource.status = Status::DeleteComplete;
        }
    }
}

fn finish_restore(stack: &mut Stack, job: Job, result: Result<Made, String>, env: &mut Env<'_>) {
    let name = job.logical_id;
    let Some(mut old) = operation(stack).before.get(&name).cloned() else { return };
    match result {
        Ok(made) => {
            old.physical_id = Some(made.physical_id);
            old.attributes = made.attributes;
            old.status = Status::UpdateComplete;
            old.updated = env.now;
            stack.resource_event(&name, &old, Status::UpdateComplete, None, env.now, env.ids);
            stack.resources.insert(name.clone(), old);
            operation(stack).done.insert(name);
        }
        Err(reason) => {
            stack.resource_event(&name, &old, Status::UpdateFailed, Some(&reason), env.now, env.ids);
            if let Some(resource) = stack.resources.get_mut(&name) {
                resource.status = Status::UpdateFailed;
                resource.reason = Some(reason);
            }
            operation(stack).failed.insert(name, Verb::Update);
        }
    }
}

fn clear(stack: &mut Stack, env: &mut Env<'_>, jobs: &mut Vec<(u64, Job)>) -> bool {
    let mut progress = false;
    for index in 0..operation(stack).doomed.len() {
        let operation = operation(stack);
        let one = operation.doomed[index].clone();
        let needed =
            operation.doomed.iter().enumerate().any(|(at, other)| {
                at != index && other.pending() && other.resource.depends_on.contains(&one.logical_id)
            });
        if one.state != DoomedState::Waiting || needed {
            continue;
        }
        progress = true;
        if kept(operation, &one) {
            operation.doomed[index].state = DoomedState::Gone;
            stack.resource_event(&one.logical_id, &one.resource, Status::DeleteSkipped, None, env.now, env.ids);
            forget(stack, &one, Status::DeleteSkipped, env.now);
            continue;
        }
        operation.doomed[index].state = DoomedState::Running;
        let job = Job {
            verb: Verb::Delete,
            logical_id: one.logical_id.clone(),
            kind: one.resource.kind.clone(),
            properties: one.resource.properties.clone(),
            previous: Some(one.resource.clone()),
            physical_id: one.resource.physical_id.clone(),
            express: operation.express,
            import_existing: false,
            doomed: Some(index),
        };
        jobs.push(enrol(operation, job));
        stack.resource_event(&one.logical_id, &one.resource, Status::DeleteInProgress, None, env.now, env.ids);
        if let Some(resource) = stack.resources.get_mut(&one.logical_id).filter(|_| !one.superseded) {
            resource.status = Status::DeleteInProgress;
        }
    }
    let operation = operation(stack);
    if operation.running.is_empty() && !operation.doomed.iter().any(Doomed::pending) {
        end(stack, env);
        return false;
    }
    progress
}

/// Whether a policy, or the caller, says to leave it where it is.
fn kept(operation: &Operation, one: &Doomed) -> bool {
    let policy = if one.superseded && !operation.rolling_back {
        one.resource.replace_policy.as_deref()
    } else {
        one.resource.deletion_policy.as_deref()
    };
    match policy {
        Some("Retain") => !one.superseded || !operation.rolling_back,
        Some("RetainExceptOnCreate") => !operation.rolling_back,
        _ => operation.retain.contains(&one.logical_id),
    }
}

fn forget(stack: &mut Stack, one: &Doomed, status: Status, now: Instant) {
    if one.superseded {
        return;
    }
    let update = operation(stack).kind == Kind::Update;
    if update {
        stack.resources.remove(&one.logical_id);
    } else if let Some(resource) = stack.resources.get_mut(&one.logical_id) {
        resource.status = status;
        resource.updated = now;
    }
}

fn finish_delete(stack: &mut Stack, index: usize, result: Result<(), String>, env: &mut Env<'_>) {
    let one = operation(stack).doomed[index].clone();
    match result {
        Ok(()) => {
            operation(stack).doomed[index].state = DoomedState::Gone;
            stack.resource_event(&one.logical_id, &one.resource, Status::DeleteComplete, None, env.now, env.ids);
            forget(stack, &one, Status::DeleteComplete, env.now);
        }
        Err(reason) => {
            operation(stack).doomed[index].state = DoomedState::Failed;
            stack.resource_event(&one.logical_id, &one.resource, Status::DeleteFailed, Some(&reason), env.now, env.ids);
            if let Some(resource) = stack.resources.get_mut(&one.logical_id).filter(|_| !one.superseded) {
                resource.status = Status::DeleteFailed;
                resource.reason = Some(reason);
            }
        }
    }
}

fn end(stack: &mut Stack, env: &mut Env<'_>) {
    let operation = operation(stack);
    let stuck: Vec<String> =
        operation.doomed.iter().filter(|d| d.state == DoomedState::Failed).map(|d| d.logical_id.clone()).collect();
    let stuck =
        (!stuck.is_empty()).then(|| format!("The following resource(s) failed to delete: [{}]. ", stuck.join(", ")));
    let status = match (operation.kind, operation.rolling_back, &stuck) {
        (Kind::Create, false, _) => Status::CreateComplete,
        (Kind::Create, true, None) => Status::RollbackComplete,
        (Kind::Create, true, Some(_)) => Status::RollbackFailed,
        (Kind::Update, false, _) => Status::UpdateComplete,
        (Kind::Update, true, _) => Status::UpdateRollbackComplete,
        (Kind::Delete, _, None) => Status::DeleteComplete,
        (Kind::Delete, _, Some(_)) => Status::DeleteFailed,
    };
    let before = std::mem::take(&mut operation.before);
    if status == Status::RollbackComplete {
        stack.outputs.clear();
    }
    if status == Status::UpdateRollbackComplete {
        stack.resources.retain(|name, _| before.contains_key(name));
    }
    if status == Status::DeleteComplete {
        stack.deleted = Some(env.now);
        stack.outputs.clear();
        stack.change_sets.clear();
    }
    stack.set_status(status, stuck.as_deref(), env.now, env.ids);
    stack.operation = None;
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;

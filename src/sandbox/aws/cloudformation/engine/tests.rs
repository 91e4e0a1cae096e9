//! The engine driven by a made-up world: a map of what exists, and a list of what must fail.

use serde_json::json;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::*;
use crate::aws::cloudformation::model::{OnFailure, ResourceJob, Stack, StackDefinition, StackStatus, Verb};
use crate::aws::cloudformation::template;
use crate::aws::ids::Ids;
use crate::aws::time::Instant;

struct Bench {
    stack: Stack,
    ids: Ids,
    now: u64,
    /// Physical ids that exist.
    world: BTreeSet<String>,
    /// `verb LogicalId` that must fail.
    failing: Vec<&'static str>,
    made: u32,
    /// Who imports what the stack exports.
    importers: BTreeMap<String, String>,
}

fn target(resources: Value) -> StackDefinition {
    let template = json!({ "Resources": resources });
    StackDefinition {
        text: template.to_string(),
        template,
        parameters: BTreeMap::new(),
        role_arn: None,
        capabilities: Vec::new(),
        tags: BTreeMap::new(),
    }
}

fn options(on_failure: OnFailure) -> OperationOptions {
    OperationOptions { token: None, on_failure, express: false, import_existing: false }
}

impl Bench {
    fn new() -> Self {
        let mut ids = Ids::seeded(1);
        let stack = Stack::new("s", "123456789012", "us-east-1", target(json!({})), Instant(0), &mut ids);
        Bench { stack, ids, now: 0, world: BTreeSet::new(), failing: Vec::new(), made: 0, importers: BTreeMap::new() }
    }

    fn env<T>(&mut self, run: impl FnOnce(&mut Stack, &mut EngineContext<'_>) -> T) -> T {
        self.now += 1;
        let mut env = EngineContext {
            now: Instant(self.now),
            ids: &mut self.ids,
            account: "123456789012",
            region: "us-east-1",
            exports: BTreeMap::new(),
            importers: self.importers.clone(),
            ssm: BTreeMap::new(),
        };
        run(&mut self.stack, &mut env)
    }

    fn perform(&mut self, job: &ResourceJob) -> Result<Created, String> {
        let verb = match job.verb {
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Replace => "replace",
            Verb::Delete => "delete",
        };
        let key = format!("{verb} {}", job.logical_id);
        if self.failing.iter().any(|f| *f == key) {
            return Err(format!("no luck with {key}"));
        }
        let old = job.previous.as_ref().and_then(|r| r.physical_id.clone());
        let physical_id = match job.verb {
            Verb::Create | Verb::Replace => {
                self.made += 1;
                let id = format!("{}-{}", job.logical_id, self.made);
                self.world.insert(id.clone());
                id
            }
            Verb::Update => old.expect("an update is of something"),
            Verb::Delete => {
                let id = old.expect("a delete is of something");
                assert!(self.world.remove(&id), "{id} was deleted twice");
                id
            }
        };
        Ok(Created {
            physical_id: physical_id.clone(),
            attributes: Map::from_iter([("Arn".to_owned(), json!(format!("arn:{physical_id}")))]),
        })
    }

    /// To the end; the most jobs that ran at once.
    fn settle(&mut self) -> usize {
        let mut running: Vec<(u64, ResourceJob)> = Vec::new();
        let mut most = 0;
        loop {
            running.extend(self.env(pump));
            most = most.max(running.len());
            if running.is_empty() {
                assert!(
                    self.stack.operation.is_none(),
                    "stuck in {:?}",
                    self.stack.operation.as_ref().map(|o| o.phase)
                );
                return most;
            }
            let (id, job) = running.remove(0);
            let result = self.perform(&job);
            self.env(|stack, env| finish(stack, id, result, env));
        }
    }

    fn deploy(&mut self, resources: Value, on_failure: OnFailure) -> usize {
        self.env(|stack, env| begin(stack, target(resources), options(on_failure), env));
        self.settle()
    }

    fn delete(&mut self) {
        self.env(|stack, env| begin_delete(stack, None, BTreeSet::new(), env));
        self.settle();
    }

    /// The events since a point, as `LogicalId STATUS`.
    fn story(&self, since: usize) -> Vec<String> {
        self.stack.events[since..].iter().map(|e| format!("{} {}", e.logical_id, e.status.as_str())).collect()
    }

    fn exists(&self) -> Vec<&str> {
        self.world.iter().map(String::as_str).collect()
    }
}

fn parameter(value: &str) -> Value {
    json!({"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}})
}

fn named(name: &str, value: &str) -> Value {
    json!({"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Type": "String", "Value": value}})
}

fn after(mut resource: Value, other: &str) -> Value {
    resource["DependsOn"] = json!(other);
    resource
}

#[test]
fn a_create_runs_side_by_side_and_in_order() {
    let mut bench = Bench::new();
    let most = bench.deploy(
        json!({"A": parameter("1"), "B": parameter("1"), "C": after(parameter("1"), "A")}),
        OnFailure::Rollback,
    );
    assert_eq!(most, 2);
    assert_eq!(bench.stack.status, StackStatus::CreateComplete);
    assert_eq!(
        bench.story(0),
        [
            "s CREATE_IN_PROGRESS",
            "A CREATE_IN_PROGRESS",
            "B CREATE_IN_PROGRESS",
            "A CREATE_COMPLETE",
            "C CREATE_IN_PROGRESS",
            "B CREATE_COMPLETE",
            "C CREATE_COMPLETE",
            "s CREATE_COMPLETE"
        ]
    );
}

#[test]
fn a_failed_create_leaves_nothing() {
    let mut bench = Bench::new();
    bench.failing = vec!["create C"];
    bench.deploy(
        json!({"A": parameter("1"), "B": after(parameter("1"), "A"), "C": after(parameter("1"), "B")}),
        OnFailure::Rollback,
    );
    assert_eq!(bench.stack.status, StackStatus::RollbackComplete);
    assert!(bench.exists().is_empty());
    let story = bench.story(0);
    let at = |what: &str| story.iter().position(|e| e == what).unwrap_or_else(|| panic!("{what}: {story:?}"));
    assert!(at("B DELETE_COMPLETE") < at("A DELETE_IN_PROGRESS"));
    let reason =
        bench.stack.events.iter().find(|e| e.status == StackStatus::RollbackInProgress).unwrap().reason.clone();
    assert_eq!(reason.unwrap(), "The following resource(s) failed to create: [C]. Rollback requested by user.");
}

#[test]
fn an_update_touches_only_what_changed() {
    let mut bench = Bench::new();
    bench.deploy(json!({"A": parameter("1"), "B": parameter("1"), "C": parameter("1")}), OnFailure::Rollback);
    let since = bench.stack.events.len();
    bench.deploy(json!({"A": parameter("1"), "B": parameter("2"), "D": parameter("1")}), OnFailure::Rollback);
    assert_eq!(
        bench.story(since),
        [
            "s UPDATE_IN_PROGRESS",
            "B UPDATE_IN_PROGRESS",
            "D CREATE_IN_PROGRESS",
            "B UPDATE_COMPLETE",
            "D CREATE_COMPLETE",
            "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "C DELETE_IN_PROGRESS",
            "C DELETE_COMPLETE",
            "s UPDATE_COMPLETE"
        ]
    );
    assert_eq!(bench.exists(), ["A-1", "B-2", "D-4"]);
    assert_eq!(bench.stack.resources.keys().collect::<Vec<_>>(), ["A", "B", "D"]);
}

#[test]
fn a_replacement_comes_before_the_old_one_goes() {
    let mut bench = Bench::new();
    bench.deploy(json!({"A": named("one", "1")}), OnFailure::Rollback);
    let since = bench.stack.events.len();
    bench.deploy(json!({"A": named("two", "1")}), OnFailure::Rollback);
    assert_eq!(
        bench.story(since)[1..],
        [
            "A UPDATE_IN_PROGRESS",
            "A UPDATE_COMPLETE",
            "s UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "A DELETE_IN_PROGRESS",
            "A DELETE_COMPLETE",
            "s UPDATE_COMPLETE"
        ]
    );
    assert_eq!(bench.exists(), ["A-2"]);
    assert_eq!(bench.stack.resources["A"].physical_id.as_deref(), Some("A-2"));
}

#[test]
fn a_failed_update_restores_what_was() {
    let mut bench = Bench::new();
    bench.deploy(json!({"A": named("one", "1"), "B": parameter("1"), "Gone": parameter("1")}), OnFailure::Rollback);
    let before = bench.stack.resources.clone();
    let old = bench.stack.target.clone();
    bench.failing = vec!["create Z"];
    let wanted = json!({"A": named("two", "1"), "B": parameter("2"), "N": parameter("1"),
        "Z": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "z"}, "DependsOn": ["A", "B", "N"]}});
    let since = bench.stack.events.len();
    bench.deploy(wanted, OnFailure::Rollback);
    assert_eq!(bench.stack.status, StackStatus::UpdateRollbackComplete, "{:?}", bench.story(since));
    assert_eq!(bench.exists(), ["A-1", "B-2", "Gone-3"]);
    assert_eq!(bench.stack.target, old);
    for (name, resource) in &before {
        let now = &bench.stack.resources[name];
        assert_eq!((&now.properties, &now.physical_id), (&resource.properties, &resource.physical_id), "{name}");
    }
    assert_eq!(bench.stack.resources.len(), before.len());
}

#[test]
fn properties_are_checked_before_anything_is_made() {
    let mut bench = Bench::new();
    bench.deploy(
        json!({"A": {"Type": "AWS::SSM::Parameter", "Properties": {"Typ": "String", "Value": "1"}}}),
        OnFailure::Rollback,
    );
    assert_eq!(bench.stack.status, StackStatus::RollbackComplete);
    let failed = bench.stack.events.iter().find(|e| e.status == StackStatus::CreateFailed).unwrap();
    let reason = failed.reason.as_deref().unwrap();
    assert!(
        reason.contains("#: extraneous key [Typ] is not permitted")
            && reason.contains("#: required key [Type] not found"),
        "{reason}"
    );
    assert_eq!(bench.made, 0);
}

#[test]
fn a_custom_name_cannot_be_replaced_by_itself() {
    let mut bench = Bench::new();
    let key = |name: &str, mutable: &str| json!({"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": name, "EncryptionConfiguration": {"EncryptionType": mutable}}});
    bench.deploy(json!({"A": key("r", "AES256")}), OnFailure::Rollback);
    bench.deploy(json!({"A": key("r", "KMS")}), OnFailure::Rollback);
    assert_eq!(bench.stack.status, StackStatus::UpdateRollbackComplete);
    assert!(bench.stack.events.iter().any(|e| e.reason.as_deref().is_some_and(|r| r.contains("Rename r and update"))));
}

#[test]
fn outputs_that_cannot_be_had_fail_the_operation() {
    let mut bench = Bench::new();
    let mut wanted = target(json!({"A": parameter("1")}));
    wanted.template["Outputs"] = json!({"O": {"Value": {"Fn::ImportValue": "missing"}}});
    bench.env(|stack, env| begin(stack, wanted, options(OnFailure::Rollback), env));
    bench.settle();
    assert_eq!(bench.stack.status, StackStatus::RollbackComplete);
    assert!(bench.exists().is_empty());
    assert!(
        bench.stack.events.iter().any(|e| e.reason.as_deref().is_some_and(|r| r.contains("No export named missing")))
    );
}

#[test]
fn what_another_stack_imports_can_neither_change_nor_go() {
    let exporting = |value: &str| {
        let mut wanted = target(json!({"A": parameter("1")}));
        wanted.template["Outputs"] = json!({"O": {"Value": value, "Export": {"Name": "the-export"}}});
        wanted
    };
    let mut bench = Bench::new();
    bench.env(|stack, env| begin(stack, exporting("x"), options(OnFailure::Rollback), env));
    bench.settle();
    bench.importers.insert("the-export".into(), "other".into());
    for (wanted, verb) in [(exporting("y"), "updated"), (target(json!({"A": parameter("1")})), "deleted")] {
        bench.env(|stack, env| begin(stack, wanted, options(OnFailure::Rollback), env));
        bench.settle();
        assert_eq!(bench.stack.status, StackStatus::UpdateRollbackComplete);
        assert_eq!(bench.stack.outputs[0].value, "x");
        let reason = format!("Export the-export cannot be {verb} as it is in use by other. ");
        assert!(bench.stack.events.iter().any(|e| e.reason.as_deref() == Some(&reason)), "{reason}");
    }
    bench.env(|stack, env| begin(stack, exporting("x"), options(OnFailure::Rollback), env));
    bench.settle();
    assert_eq!(bench.stack.status, StackStatus::UpdateComplete);
}

#[test]
fn cancelling_an_update_takes_it_back() {
    let mut bench = Bench::new();
    bench.deploy(json!({"A": parameter("1")}), OnFailure::Rollback);
    bench.env(|stack, env| {
        begin(
            stack,
            target(json!({"A": parameter("2"), "B": after(parameter("1"), "A")})),
            options(OnFailure::Rollback),
            env,
        )
    });
    let jobs = bench.env(pump);
    bench.stack.operation.as_mut().unwrap().cancelled = Some("User Initiated".into());
    for (id, job) in jobs {
        let result = bench.perform(&job);
        bench.env(|stack, env| finish(stack, id, result, env));
    }
    bench.settle();
    assert_eq!(bench.stack.status, StackStatus::UpdateRollbackComplete);
    assert_eq!(bench.stack.resources["A"].properties["Value"], "1");
    assert_eq!(bench.exists(), ["A-1"]);
}

/// What a restart does: the state goes through its text, and what ran counts as failed.
#[test]
fn an_operation_survives_a_restart_at_every_point() {
    let first = json!({"A": parameter("1"), "Old": named("x", "1")});
    let second = json!({"A": parameter("2"), "Old": named("y", "1"), "B": after(parameter("1"), "A"), "C": after(parameter("1"), "B")});
    for stop_after in 0..12 {
        let mut bench = Bench::new();
        bench.deploy(first.clone(), OnFailure::Rollback);
        bench.env(|stack, env| begin(stack, target(second.clone()), options(OnFailure::Rollback), env));
        let mut running = Vec::new();
        for _ in 0..stop_after {
            running.extend(bench.env(pump));
            if running.is_empty() {
                break;
            }
            let (id, job): (u64, ResourceJob) = running.remove(0);
            let result = bench.perform(&job);
            bench.env(|stack, env| finish(stack, id, result, env));
        }
        running.extend(bench.env(pump));
        // The process ends here: what ran has not happened.
        bench.stack = serde_json::from_str(&serde_json::to_string(&bench.stack).unwrap()).unwrap();
        bench.env(recover);
        bench.settle();
        let (status, expected) = match bench.stack.status {
            StackStatus::UpdateComplete => ("complete", 4),
            StackStatus::UpdateRollbackComplete => ("rolled back", 2),
            other => panic!("stopped after {stop_after}: {other:?}"),
        };
        assert_eq!(bench.world.len(), expected, "stopped after {stop_after}, {status}: {:?}", bench.world);
    }
}

#[test]
fn a_condition_that_does_not_hold_leaves_a_resource_out() {
    let text =
        json!({"Resources": {"A": parameter("1")}, "Conditions": {"No": {"Fn::Equals": ["a", "b"]}}}).to_string();
    let mut wanted = target(json!({}));
    wanted.template = template::parse(&text).unwrap();
    wanted.template["Resources"]["B"] = json!({"Type": "AWS::CDK::Metadata", "Condition": "No"});
    let mut bench = Bench::new();
    bench.env(|stack, env| begin(stack, wanted, options(OnFailure::Rollback), env));
    bench.settle();
    assert_eq!(bench.stack.resources.keys().collect::<Vec<_>>(), ["A"]);
}

#[path = "failure_tests.rs"]
mod failures;

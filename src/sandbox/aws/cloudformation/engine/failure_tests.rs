//! Operations that fail and are not taken back, and what becomes of what they leave.

use super::*;

#[test]
fn without_rollback_it_stays_and_can_be_taken_back_or_on() {
    let start = json!({"A": parameter("1")});
    let next = json!({"A": parameter("2"), "Z": after(parameter("1"), "A")});
    for forward in [true, false] {
        let mut bench = Bench::new();
        bench.deploy(start.clone(), OnFailure::Rollback);
        bench.failing = vec!["create Z"];
        bench.deploy(next.clone(), OnFailure::Nothing);
        assert_eq!(bench.stack.status, StackStatus::UpdateFailed);
        bench.failing.clear();
        if forward {
            bench.deploy(next.clone(), OnFailure::Nothing);
            assert_eq!(bench.stack.status, StackStatus::UpdateComplete);
            assert_eq!(bench.exists(), ["A-1", "Z-2"]);
        } else {
            assert!(bench.env(|stack, env| begin_rollback(stack, None, BTreeSet::new(), env)));
            bench.settle();
            assert_eq!(bench.stack.status, StackStatus::UpdateRollbackComplete);
            assert_eq!(bench.stack.resources["A"].properties["Value"], "1");
            assert_eq!(bench.exists(), ["A-1"]);
        }
    }
}

#[test]
fn a_rollback_that_fails_can_be_continued() {
    let mut bench = Bench::new();
    bench.deploy(json!({"A": parameter("1")}), OnFailure::Rollback);
    // The update of A fails, and so does taking it back.
    bench.failing = vec!["update A"];
    bench.deploy(json!({"A": parameter("2")}), OnFailure::Rollback);
    assert_eq!(bench.stack.status, StackStatus::UpdateRollbackFailed);
    bench.failing.clear();
    assert!(bench.env(|stack, env| begin_rollback(stack, None, BTreeSet::new(), env)));
    bench.settle();
    assert_eq!(bench.stack.status, StackStatus::UpdateRollbackComplete);
}

#[test]
fn a_delete_goes_backwards_and_keeps_what_is_to_be_kept() {
    let mut bench = Bench::new();
    let mut is_retained = parameter("1");
    is_retained["DeletionPolicy"] = json!("Retain");
    bench.deploy(json!({"A": parameter("1"), "B": after(parameter("1"), "A"), "K": is_retained}), OnFailure::Rollback);
    bench.failing = vec!["delete A"];
    bench.delete();
    assert_eq!(bench.stack.status, StackStatus::DeleteFailed);
    assert_eq!(bench.stack.reason.as_deref(), Some("The following resource(s) failed to delete: [A]. "));
    bench.failing.clear();
    bench.delete();
    assert_eq!(bench.stack.status, StackStatus::DeleteComplete);
    assert_eq!(bench.exists(), ["K-2"].map(|_| bench.stack.resources["K"].physical_id.as_deref().unwrap()));
    assert_eq!(bench.stack.resources["K"].status, StackStatus::DeleteSkipped);
}

#[test]
fn what_is_on_its_way_when_another_fails_is_cancelled() {
    let mut bench = Bench::new();
    bench.failing = vec!["create A"];
    bench.deploy(
        json!({"A": parameter("1"), "B": parameter("1"), "C": after(parameter("1"), "B")}),
        OnFailure::Rollback,
    );
    assert_eq!(
        bench.story(0),
        [
            "s CREATE_IN_PROGRESS",
            "A CREATE_IN_PROGRESS",
            "B CREATE_IN_PROGRESS",
            "A CREATE_FAILED",
            "B CREATE_FAILED",
            "s ROLLBACK_IN_PROGRESS",
            "A DELETE_COMPLETE",
            "B DELETE_IN_PROGRESS",
            "B DELETE_COMPLETE",
            "s ROLLBACK_COMPLETE"
        ]
    );
    let reasons: Vec<&str> = bench.stack.events[4..6].iter().filter_map(|event| event.reason.as_deref()).collect();
    let all = "The following resource(s) failed to create: [A, B]. Rollback requested by user.";
    assert_eq!(reasons, ["Resource creation cancelled", all]);
    assert!(bench.exists().is_empty());
    assert_eq!(bench.stack.resources["B"].status, StackStatus::DeleteComplete);

    // Updates and replacements go back, and so does what was made beside them.
    let mut bench = Bench::new();
    bench.deploy(json!({"A": parameter("1"), "B": parameter("1"), "R": named("one", "1")}), OnFailure::Rollback);
    bench.failing = vec!["create AA"];
    let since = bench.stack.events.len();
    let wanted = json!({"AA": parameter("1"), "A": parameter("1"), "B": parameter("2"), "N": parameter("1"), "R": named("two", "1")});
    bench.deploy(wanted, OnFailure::Rollback);
    assert_eq!(bench.stack.status, StackStatus::UpdateRollbackComplete, "{:?}", bench.story(since));
    assert_eq!(bench.exists(), ["A-1", "B-2", "R-3"]);
    let told: Vec<Option<&str>> = bench.stack.events[since..]
        .iter()
        .filter(|event| event.status == StackStatus::UpdateFailed)
        .map(|event| event.reason.as_deref())
        .collect();
    assert_eq!(told, [Some("Resource update cancelled"); 2]);
    assert_eq!(bench.stack.resources["B"].properties["Value"], "1");
    assert_eq!(bench.stack.resources["R"].physical_id.as_deref(), Some("R-3"));
}

#[test]
fn without_rollback_other_paths_go_on() {
    let mut bench = Bench::new();
    bench.failing = vec!["create A"];
    let wanted = json!({"A": parameter("1"), "B": parameter("1"), "C": after(parameter("1"), "B"), "D": after(parameter("1"), "A")});
    bench.deploy(wanted.clone(), OnFailure::Nothing);
    assert_eq!(bench.stack.status, StackStatus::CreateFailed);
    assert_eq!(bench.stack.reason.as_deref(), Some("The following resource(s) failed to create: [A]. "));
    assert_eq!(bench.exists(), ["B-1", "C-2"]);
    bench.failing.clear();
    bench.deploy(wanted, OnFailure::Nothing);
    assert_eq!(bench.stack.status, StackStatus::UpdateComplete);
    assert_eq!(bench.exists(), ["A-3", "B-1", "C-2", "D-4"]);
}

/// What an operation without rollback had half made when the sandbox was stopped, the next one deletes.
#[test]
fn what_an_operation_left_half_made_is_deleted_by_the_next() {
    for deleted in [false, true] {
        let mut bench = Bench::new();
        bench.env(|stack, env| {
            begin(stack, target(json!({"A": parameter("1")})), options(OnFailure::Nothing), env);
        });
        let (id, job) = bench.env(pump).remove(0);
        let made = bench.perform(&job).unwrap();
        bench.env(|stack, env| initiated(stack, id, &made.physical_id, env));
        bench.env(recover);
        bench.settle();
        assert_eq!(bench.stack.status, StackStatus::CreateFailed);
        assert_eq!(bench.exists(), ["A-1"]);
        match deleted {
            true => bench.delete(),
            false => drop(bench.deploy(json!({"A": parameter("1")}), OnFailure::Nothing)),
        }
        assert_eq!(bench.exists(), if deleted { vec![] } else { vec!["A-2"] });
    }
}

#[test]
fn without_rollback_nothing_is_replaced() {
    let mut bench = Bench::new();
    bench.deploy(json!({"A": named("one", "1")}), OnFailure::Rollback);
    bench.deploy(json!({"A": named("two", "1")}), OnFailure::Nothing);
    assert_eq!(bench.stack.status, StackStatus::UpdateFailed);
    assert_eq!(
        bench.stack.resources["A"].reason.as_deref(),
        Some("Replacement type updates not supported on stack with disable-rollback.")
    );
    assert_eq!(bench.exists(), ["A-1"]);
    // A create has nothing to replace, and an update that can be taken back may.
    bench.deploy(json!({"A": named("two", "1")}), OnFailure::Rollback);
    assert_eq!((bench.stack.status, bench.exists()), (StackStatus::UpdateComplete, vec!["A-2"]));
    // Express goes without rollback by itself.
    let express = OperationOptions { express: true, ..options(OnFailure::Nothing) };
    bench.env(|stack, env| begin(stack, target(json!({"A": named("three", "1")})), express, env));
    bench.settle();
    assert_eq!((bench.stack.status, bench.exists()), (StackStatus::UpdateComplete, vec!["A-3"]));
}

#[test]
fn what_an_update_cannot_delete_is_no_longer_the_stack_s() {
    let mut bench = Bench::new();
    bench.deploy(json!({"A": parameter("1"), "B": parameter("1")}), OnFailure::Rollback);
    bench.failing = vec!["delete B"];
    bench.deploy(json!({"A": parameter("2")}), OnFailure::Rollback);
    assert_eq!(bench.stack.status, StackStatus::UpdateComplete);
    assert_eq!(bench.stack.reason.as_deref(), Some("Update successful. One or more resources could not be deleted."));
    assert_eq!(bench.stack.resources.keys().collect::<Vec<_>>(), ["A"]);
    assert_eq!(bench.exists(), ["A-1", "B-2"]);
    // On the way back it was no success.
    bench.failing = vec!["create D", "delete C"];
    bench.deploy(json!({"A": parameter("2"), "C": parameter("1"), "D": parameter("1")}), OnFailure::Rollback);
    assert_eq!(bench.stack.status, StackStatus::UpdateRollbackComplete);
    assert!(bench.stack.reason.as_deref().is_some_and(|reason| reason.contains("[C]")), "{:?}", bench.stack.reason);
}

/// A fault of the sandbox's own breaks an operation off; what ran then is waited for by nobody.
#[test]
fn what_was_given_up_can_be_taken_back() {
    let mut bench = Bench::new();
    bench.deploy(json!({"A": parameter("1")}), OnFailure::Rollback);
    bench.env(|stack, env| begin(stack, target(json!({"A": parameter("2")})), options(OnFailure::Rollback), env));
    assert_eq!(bench.env(pump).len(), 1);
    bench.env(give_up);
    assert_eq!(bench.stack.status, StackStatus::UpdateFailed);
    assert!(bench.env(|stack, env| begin_rollback(stack, None, BTreeSet::new(), env)));
    bench.settle();
    assert_eq!(bench.stack.status, StackStatus::UpdateRollbackComplete);
}

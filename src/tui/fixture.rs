//! A small course for the tests of the screen: one of everything.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use workshop_course::lesson::model::*;

fn origin() -> Origin {
    Origin { file: PathBuf::from("lessons/ch01.yaml"), line: 7 }
}

fn step(id: &str, title: &str, seconds: u64, action: StepAction, say: &str) -> Step {
    Step {
        id: id.into(),
        title: title.into(),
        budget: Duration::from_secs(seconds),
        on_stage: true,
        say: say.into(),
        notes: None,
        while_running: None,
        after: None,
        optional: false,
        targets: Vec::new(),
        elsewhere: None,
        part: None,
        hints: Vec::new(),
        action,
        expect: StepExpect::Success,
        timeout: Duration::from_secs(60),
        wait: PlannedWait::default(),
        origin: origin(),
    }
}

fn check(id: &str, title: &str) -> Check {
    Check {
        id: id.into(),
        title: title.into(),
        kind: CheckKind::File { path: "a.ts".into(), is: FileIs::EqualsSnapshot },
        eventually: None,
        timeout: Duration::from_secs(10),
        capture: Vec::new(),
        on_fail: Some("The *role* is missing.".into()),
        hints: vec!["Look at the policy.".into(), "It is `dsql:DbConnect`.".into()],
        origin: origin(),
    }
}

fn statement(session: &str, run: &str) -> SqlStatement {
    SqlStatement {
        session: session.into(),
        role: Some("admin".into()),
        run: Template(run.into()),
        expect: SqlExpect::default(),
        capture: Vec::new(),
        capture_printed: Vec::new(),
    }
}

fn chapter(number: u32, title: &str, on_stage: bool, steps: Vec<Step>, checks: Vec<Check>) -> Chapter {
    Chapter {
        number,
        id: format!("ch0{number}"),
        title: title.into(),
        budget: steps.iter().map(|s| s.budget).sum(),
        on_stage,
        goals: vec!["read a refusal".into(), "repair it".into()],
        steps,
        checks,
        snapshot: Default::default(),
        diff: Default::default(),
        origin: origin(),
    }
}

pub fn course() -> Arc<Course> {
    let edit = EditAction {
        hunks: vec![
            EditHunk { file: "cdk/stack.ts".into(), index: 0, note: None },
            EditHunk { file: "cdk/stack.ts".into(), index: 1, note: Some("The whole database.".into()) },
        ],
    };
    let mut deploy = step(
        "deploy",
        "Deploy the cluster",
        90,
        StepAction::Deploy(DeployAction::Deploy.into()),
        "Run `npx cdk deploy`.",
    );
    deploy.while_running = Some("Tell them how *little* there is to configure.".into());
    deploy.notes = Some("Do not apologise for the wait.".into());
    let mut refused =
        step("refused", "See the refusal", 60, StepAction::Check(vec!["connects".into()]), "Now it says no.");
    refused.expect = StepExpect::Failure(ExpectedFailure {
        matches: "access denied".into(),
        sqlstate: Some("08006".into()),
        repaired_by: "grant".into(),
    });
    let mut grant =
        step("grant", "Grant the permission", 60, StepAction::Edit(EditAction { hunks: Vec::new() }), "Repair it.");
    grant.hints = vec!["It is an IAM policy.".into(), "`dsql:DbConnectAdmin`".into()];
    let storm = LoadAction {
        function: None,
        payload: Template("{}".into()),
        generate: Vec::new(),
        warm_up: 0,
        invocations: 300,
        concurrency: 8,
        success_at_least: 1.0,
        expect: Vec::new(),
        capture: Vec::new(),
    };
    let intro = "Welcome.\n\n- one\n- two\n\n| tool | version |\n|---|--:|\n| Node | 20 |\n\n```ts\nconst a = 1;\n```";
    Arc::new(Course {
        title: "Amazon Aurora DSQL".into(),
        code: "DAT401".into(),
        slot: Duration::from_secs(45 * 60),
        target: Target::Local,
        workdir: "my-stack".into(),
        stack: Some("Stack".into()),
        function: Some(Template("function".into())),
        variables: Default::default(),
        setup: Vec::new(),
        teardown: Vec::new(),
        choices: Vec::new(),
        chosen: Default::default(),
        targets: Vec::new(),
        cloud: false,
        database: workshop_course::lesson::model::CourseDatabase::Cluster,
        costs: None,
        prerequisites: Vec::new(),
        facts: Vec::new(),
        chapters: vec![
            chapter(0, "Get started", false, vec![step("intro", "Welcome", 60, StepAction::Read, intro)], Vec::new()),
            chapter(
                1,
                "Create a cluster",
                true,
                vec![
                    step(
                        "cluster",
                        "Add a cluster",
                        120,
                        StepAction::Edit(edit),
                        "A cluster has **hardly** anything to set.",
                    ),
                    deploy,
                    refused,
                    grant,
                    step("prove", "Prove it", 60, StepAction::Check(vec!["connects".into()]), "Now it works."),
                ],
                vec![check("connects", "The function connects"), check("grants", "The role may connect")],
            ),
            chapter(
                2,
                "Conflicts",
                true,
                vec![
                    step(
                        "conflict",
                        "Two writers",
                        120,
                        StepAction::Sql(SqlAction {
                            statements: vec![
                                statement("A", "begin;"),
                                statement("B", "begin;"),
                                statement("A", "update accounts set balance = 1 where id = 1;"),
                            ],
                        }),
                        "Watch both.",
                    ),
                    step("storm", "Many at once", 0, StepAction::Load(storm), "None is lost."),
                ],
                Vec::new(),
            ),
        ],
        lessons: PathBuf::from("lessons"),
        snapshots: PathBuf::from("snapshots"),
    })
}

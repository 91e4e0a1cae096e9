//! Commands around a course, deploys of other stacks, and templates that a target does not have all of.

use std::collections::BTreeMap;

use super::*;
use workshop_course::lesson::model::{CourseCommand, DeployAction, DeployStep, StepAction, Template, TemplateDeploy};

fn command(title: &str, run: &str) -> CourseCommand {
    CourseCommand { title: title.into(), run: Template(run.into()), timeout: Duration::from_secs(5) }
}

fn with(change: impl FnOnce(&mut Course)) -> Bench {
    let mut bench = Bench::new();
    let mut course = (*bench.course).clone();
    change(&mut course);
    bench.course = Arc::new(course);
    bench
}

#[tokio::test]
async fn what_a_course_needs_is_made_before_its_first_step() {
    let bench = with(|course| {
        course.variables = BTreeMap::from([("WHO".into(), "you".into())]);
        course.setup = vec![command("Greet", "echo ${var.WHO} > greeting"), command("Again", "cat greeting > again")];
    });
    let mut run = bench.start(Mode::Scratch);
    run.until(|e| matches!(e, EventKind::Prepared { task: Preparation::Setup, .. })).await;
    assert_eq!((bench.read("greeting").unwrap(), bench.read("again").unwrap()), ("you\n".into(), "you\n".into()));
    let told = run.seen.iter().filter_map(|event| match &event.kind {
        EventKind::Preparing { label, done, total, .. } => Some((label.as_str(), *done, *total)),
        _ => None,
    });
    let told: Vec<_> = told.filter(|(label, ..)| ["Greet", "Again"].contains(label)).collect();
    assert_eq!(told, [("Greet", 0, Some(2)), ("Again", 1, Some(2)), ("Again", 2, Some(2))]);
    run.quit().await;
}

#[tokio::test]
async fn a_command_around_a_course_that_fails_says_why() {
    let bench = with(|course| {
        course.setup = vec![command("Break", "echo no such thing >&2; exit 3"), command("Never", "touch never")];
        course.teardown = vec![
            command("Clean", "touch clean"),
            command("Break too", "exit 4"),
            command("Last", "touch last; exit 5"),
        ];
    });
    let mut run = bench.start(Mode::Scratch);
    let failed = run.until(|e| matches!(e, EventKind::PrepareFailed { task: Preparation::Setup, .. })).await;
    let said = serde_json::to_string(&failed).unwrap();
    assert!(said.contains(r"Break: exit code 3\n  no such thing"), "{said}");
    assert_eq!(bench.read("never"), None);
    run.quit().await;
    let mut notes = Vec::new();
    let (setup, stop) = (bench.setup(Mode::Scratch), CancellationToken::new());
    let ended = crate::setup::teardown(&setup, &stop, |kind| {
        if let EventKind::Output { stream: Stream::Note, lines, .. } = kind {
            notes.extend(lines);
        }
    });
    let problem = ended.await.unwrap_err();
    assert!(problem.message.contains("Break too: exit code 4"), "{}", problem.message);
    assert!(bench.read("clean").is_some() && bench.read("last").is_some(), "the others are run all the same");
    assert!(notes.iter().any(|note| note.contains("Last: exit code 5")), "{notes:?}");
}

#[tokio::test]
async fn commands_that_end_a_course_tell_how_far_they_are_and_can_be_stopped() {
    let bench =
        with(|course| course.teardown = vec![command("Wait", "echo here; sleep 100"), command("Never", "touch never")]);
    let (stop, mut told) = (CancellationToken::new(), Vec::new());
    std::fs::create_dir_all(bench.workdir()).unwrap();
    let setup = bench.setup(Mode::Scratch);
    let ended = crate::setup::teardown(&setup, &stop, |kind| match kind {
        EventKind::Preparing { label, done, total, .. } => told.push((label, done, total)),
        EventKind::Output { lines, .. } if lines == ["here"] => stop.cancel(),
        _ => {}
    });
    let problem = ended.await.unwrap_err();
    assert_eq!(problem.kind, workshop_base::problem::Kind::Interrupted, "{problem}");
    assert_eq!(told.last(), Some(&("Wait".to_owned(), 0, Some(2))));
    assert!(bench.read("never").is_none());
}

fn deploys(deploy: DeployStep) -> Bench {
    with(|course| {
        let step = course.chapters[1].steps.iter_mut().find(|s| s.id == "deploy").unwrap();
        step.action = StepAction::Deploy(deploy);
        step.timeout = Duration::from_secs(5);
    })
}

fn template(parameters: &[(&str, &str)]) -> DeployStep {
    let parameters = parameters.iter().map(|(name, value)| ((*name).into(), Template((*value).into()))).collect();
    DeployStep {
        stack: Some("Net".into()),
        template: Some(TemplateDeploy { file: "net.yaml".into(), parameters }),
        ..DeployStep::from(DeployAction::Deploy)
    }
}

#[tokio::test]
async fn a_template_is_deployed_without_the_cdk_and_its_outputs_have_its_stacks_name() {
    let bench = deploys(template(&[("Cidr", "10.0.0.0/16"), ("Who", "it's ${region}")]));
    bench.world.deploys();
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    run.go_to(1, "deploy").await;
    assert_eq!(run.run().await, (Verdict::Pass, None));
    let launched = bench.world.launched.lock().unwrap().clone();
    let region = bench.world.region();
    assert_eq!(
        launched,
        [format!(
            "cloudformation deploy --stack-name Net --template-file net.yaml --no-fail-on-empty-changeset --capabilities \
             CAPABILITY_IAM CAPABILITY_NAMED_IAM CAPABILITY_AUTO_EXPAND --parameter-overrides Cidr=10.0.0.0/16 Who=it's {region}"
        )]
    );
    assert_eq!(run.progress.outputs["Net.DSQL"].value, "it's a value");
    assert!(!run.progress.outputs.contains_key("DSQL"));
    run.quit().await;
}

#[tokio::test]
async fn a_template_that_the_target_does_not_have_is_refused_before_anything_is_changed() {
    let bench = deploys(template(&[]));
    let mut setup = bench.setup(Mode::Scratch);
    setup.template_check = Some(Arc::new(|text: &str| {
        text.contains("SQS").then(|| Problem::failed("Queue: no SQS here").hint("elsewhere"))
    }));
    let (handle, events) = crate::start(setup);
    let mut run = Run::of(handle, events);
    run.opened().await;
    run.go_to(1, "deploy").await;
    bench.write("net.yaml", "Resources: {Queue: {Type: AWS::SQS::Queue}}\n");
    let (verdict, failure) = run.run().await;
    let failure = failure.unwrap();
    assert_eq!((verdict, failure.actual.as_str()), (Verdict::Fail, "Queue: no SQS here"));
    assert!(bench.world.launched.lock().unwrap().is_empty(), "not even started");
    assert!(failure.hints.contains(&"elsewhere".to_owned()), "{:?}", failure.hints);
    run.quit().await;
}

#[tokio::test]
async fn the_cdks_project_is_where_its_file_is_or_where_the_step_says() {
    for (files, cwd, at) in [
        (&[("infra/cdk.json", "{}")][..], None, "infra"),
        (&[("cdk.json", "{}"), ("infra/cdk.json", "{}")], None, ""),
        (&[("cdk.json", "{}"), ("infra/cdk.json", "{}")], Some("infra"), "infra"),
    ] {
        let mut bench = Bench::with(files);
        let mut course = (*bench.course).clone();
        let step = course.chapters[1].steps.iter_mut().find(|s| s.id == "deploy").unwrap();
        let deploy = DeployStep { cwd: cwd.map(str::to_owned), ..DeployStep::from(DeployAction::Deploy) };
        step.action = StepAction::Deploy(deploy);
        bench.course = Arc::new(course);
        bench.world.deploys();
        let mut run = bench.start(Mode::Scratch);
        run.opened().await;
        run.go_to(1, "deploy").await;
        assert_eq!(run.run().await, (Verdict::Pass, None));
        assert_eq!(*bench.world.cwds.lock().unwrap(), [bench.workdir().join(at)]);
        run.quit().await;
    }
}

#[tokio::test]
async fn what_the_cdk_makes_is_looked_at_before_it_is_uploaded_and_what_it_left_is_not() {
    let bench = Bench::new();
    let stack = bench.course.stack.clone().unwrap();
    let start = |bench: &Bench| {
        let mut setup = bench.setup(Mode::Scratch);
        let refuse = |text: &str| text.contains("SQS").then(|| Problem::failed("Queue: no SQS here"));
        setup.template_check = Some(Arc::new(refuse));
        let (handle, events) = crate::start(setup);
        Run::of(handle, events)
    };
    let mut run = start(&bench);
    run.opened().await;
    run.go_to(1, "deploy").await;
    std::fs::create_dir_all(bench.workdir().join("cdk.out")).unwrap();
    bench.write(&format!("cdk.out/{stack}.template.json"), "{\"Type\": \"AWS::SQS::Queue\"}");
    bench.world.launch(&[Act::Print("Bundling asset"), Act::Exit(1)]);
    let (_, failure) = run.run().await;
    assert!(failure.unwrap().actual.contains("exit code 1"), "it has not been made again");
    bench.world.launch(&[Act::Print("✨  Synthesis time: 3.1s"), Act::Hang]);
    let (verdict, failure) = run.run().await;
    assert_eq!((verdict, failure.unwrap().actual.as_str()), (Verdict::Fail, "Queue: no SQS here"));
    let phases = &run.progress.deploy.as_ref().unwrap().phases;
    let phases: Vec<_> = phases.iter().map(|phase| (phase.phase, phase.failed)).collect();
    assert_eq!(phases, [(Phase::Synth, true)], "nothing of it was uploaded");
    run.quit().await;
}

#[tokio::test]
async fn nothing_is_taken_down_under_a_run() {
    let bench = with(|course| course.teardown = vec![command("Clean", "touch clean")]);
    let mut run = bench.start(Mode::Interactive);
    run.opened().await;
    let (setup, stop) = (bench.setup(Mode::Interactive), CancellationToken::new());
    let problem = crate::setup::teardown(&setup, &stop, |_| {}).await.unwrap_err();
    assert!(problem.message.starts_with("another workshop is running in"), "{problem}");
    assert_eq!(bench.read("clean"), None);
    run.quit().await;
    crate::setup::teardown(&setup, &stop, |_| {}).await.unwrap();
    assert!(bench.read("clean").is_some());
}

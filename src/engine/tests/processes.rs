//! Long-running processes, checks over HTTP, and what a command reads and prints.

use super::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use workshop_course::lesson::model::{
    Check, CheckKind, ExpectedFailure, HttpBody, HttpCheck, JsonExpect, JsonIs, Origin, ReadyWhen, ServeAction,
    ShellAction, StepAction, Template,
};

/// The small course, with these actions in the place of its steps `shell` and `more`.
fn with_actions(first: StepAction, second: StepAction) -> Bench {
    let mut bench = Bench::new();
    let mut course = (*bench.course).clone();
    for (id, action) in [("shell", first), ("more", second)] {
        let step = course.chapters[1].steps.iter_mut().find(|s| s.id == id).unwrap();
        step.action = action;
        step.timeout = Duration::from_secs(5);
    }
    bench.course = Arc::new(course);
    bench
}

fn serve(run: &str, ready: Option<ReadyWhen>) -> ServeAction {
    ServeAction { name: "api".into(), run: Template(run.into()), cwd: String::new(), ready, capture: Vec::new() }
}

async fn at(bench: &Bench, step: &str) -> Run {
    let mut run = bench.start(Mode::Scratch);
    run.opened().await;
    run.go_to(1, step).await;
    run
}

async fn ended(run: &mut Run) -> ProcessEnd {
    match run.until(|e| matches!(e, EventKind::ProcessEnded { .. })).await {
        EventKind::ProcessEnded { end, .. } => end,
        _ => unreachable!(),
    }
}

/// A process prints its own id first: whether it is gone can be asked of the system.
async fn gone(pid: &serde_json::Value) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid.as_i64().unwrap()).unwrap()).unwrap();
    for _ in 0..500 {
        let zombie = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
            .is_ok_and(|stat| stat.contains(") Z "));
        if zombie || rustix::process::test_kill_process(pid).is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("process {pid:?} goes on");
}

const UP: &str = "echo pid=$$; echo up; sleep 1000 & wait";

fn up() -> ServeAction {
    ServeAction {
        capture: vec![("pid".into(), "pid=([0-9]+)".into())],
        ..serve(UP, Some(ReadyWhen::Output("^up$|\nup".into())))
    }
}

#[tokio::test]
async fn a_process_goes_on_when_its_step_is_over_and_ends_with_its_chapter() {
    let bench = with_actions(StepAction::Serve(up()), StepAction::Read);
    let mut run = at(&bench, "shell").await;
    assert_eq!(run.run().await, (Verdict::Pass, None));
    assert_eq!(run.progress.served["api"].ready.as_deref(), Some("it said so"));
    let pid = run.progress.captures["pid"].clone();
    run.go_to(1, "test").await;
    assert!(run.progress.served["api"].is_running(), "it goes on in its chapter");
    run.go_to(0, "look").await;
    assert_eq!(ended(&mut run).await, ProcessEnd::Stopped);
    gone(&pid).await;
    run.quit().await;
}

#[tokio::test]
async fn a_process_ends_with_the_run_and_a_later_one_says_so() {
    let bench = with_actions(StepAction::Serve(up()), StepAction::Read);
    let mut run = at(&bench, "shell").await;
    run.run().await;
    let pid = run.progress.captures["pid"].clone();
    let seen = run.quit().await;
    gone(&pid).await;
    assert!(seen.iter().any(|e| matches!(e.kind, EventKind::ProcessEnded { end: ProcessEnd::Stopped, .. })));
    assert!(matches!(seen.last().unwrap().kind, EventKind::Closed { .. }));
}

#[tokio::test]
async fn a_process_is_stopped_by_a_step_and_started_anew_by_its_name() {
    let bench = with_actions(StepAction::Serve(up()), StepAction::Stop(vec!["api".into()]));
    let mut run = at(&bench, "shell").await;
    run.run().await;
    let first = run.progress.captures["pid"].clone();
    assert_eq!(run.run().await, (Verdict::Pass, None));
    gone(&first).await;
    let second = run.progress.captures["pid"].clone();
    assert_ne!(first, second);
    run.go_to(1, "more").await;
    assert_eq!(run.run().await, (Verdict::Pass, None));
    assert_eq!(run.progress.served["api"].ended, Some(ProcessEnd::Stopped), "before the step is over");
    gone(&second).await;
    run.quit().await;
}

#[tokio::test]
async fn one_that_ends_before_it_is_ready_fails_its_step_with_what_it_printed() {
    let ready = Some(ReadyWhen::Output("up".into()));
    let bench = with_actions(StepAction::Serve(serve("echo no such port >&2; exit 3", ready)), StepAction::Read);
    let mut run = at(&bench, "shell").await;
    let (verdict, failure) = run.run().await;
    let failure = failure.unwrap();
    assert_eq!((verdict, failure.expected.as_str()), (Verdict::Fail, "api prints what matches /up/"));
    assert_eq!(failure.actual, "it ended with exit code 3");
    assert_eq!(failure.output, ["no such port"]);
    run.quit().await;

    // Without a sign to wait for, a command that is misspelt is seen all the same.
    let bench = with_actions(StepAction::Serve(serve("no-such-program-here", None)), StepAction::Read);
    let mut run = at(&bench, "shell").await;
    let (verdict, failure) = run.run().await;
    assert_eq!((verdict, failure.unwrap().actual.as_str()), (Verdict::Fail, "it ended with exit code 127"));
    run.quit().await;
}

#[tokio::test]
async fn one_that_is_never_ready_is_given_up_and_stopped() {
    let ready = Some(ReadyWhen::Output("never".into()));
    let mut bench = with_actions(StepAction::Serve(serve(UP, ready)), StepAction::Read);
    let mut course = (*bench.course).clone();
    course.chapters[1].steps.iter_mut().find(|s| s.id == "shell").unwrap().timeout = Duration::from_millis(300);
    bench.course = Arc::new(course);
    let mut run = at(&bench, "shell").await;
    let (verdict, failure) = run.run().await;
    assert_eq!((verdict, failure.unwrap().actual.as_str()), (Verdict::Fail, "not ready after 0.3 s"));
    assert_eq!(run.progress.served["api"].ended, Some(ProcessEnd::Stopped));
    run.quit().await;
}

#[tokio::test]
async fn one_that_dies_says_so_and_so_does_what_fails_without_it() {
    let shell = ShellAction {
        run: Template("exit 1".into()),
        cwd: String::new(),
        installs: false,
        matches: None,
        stdin: None,
        capture: Vec::new(),
    };
    let ready = Some(ReadyWhen::Output("up".into()));
    let bench = with_actions(StepAction::Serve(serve("echo up; sleep 0.2; exit 4", ready)), StepAction::Shell(shell));
    let mut run = at(&bench, "shell").await;
    assert_eq!(run.run().await, (Verdict::Pass, None));
    assert_eq!(ended(&mut run).await, ProcessEnd::Exited(4));
    run.go_to(1, "more").await;
    let (_, failure) = run.run().await;
    assert_eq!(failure.unwrap().hints[0], "api runs no more: it ended with exit code 4; run “Shell” again");
    run.quit().await;
}

#[tokio::test]
async fn a_port_and_an_address_are_signs_too_and_a_port_that_is_taken_is_none() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let bench = with_actions(StepAction::Serve(serve(UP, Some(ReadyWhen::Port(port)))), StepAction::Read);
    let mut run = at(&bench, "shell").await;
    let (verdict, failure) = run.run().await;
    assert_eq!((verdict, failure.unwrap().actual.as_str()), (Verdict::Fail, "something listens there already"));
    drop(taken);
    // The process of this test listens for it, a moment later.
    let listening = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        TcpListener::bind(("127.0.0.1", port)).await.unwrap()
    });
    assert_eq!(run.run().await.0, Verdict::Pass);
    assert_eq!(run.progress.served["api"].ready, Some(format!("port {port} answers")));
    drop(listening.await.unwrap());
    run.quit().await;

    let (port, _asked) = answering(vec![(503, "starting"), (200, "ok")]).await;
    let url = format!("http://127.0.0.1:{port}/health");
    let bench =
        with_actions(StepAction::Serve(serve(UP, Some(ReadyWhen::Http(Template(url.clone()))))), StepAction::Read);
    let mut run = at(&bench, "shell").await;
    assert_eq!(run.run().await.0, Verdict::Pass);
    assert_eq!(run.progress.served["api"].ready, Some(format!("{url} answers 200")));
    run.quit().await;
}

/// A server that gives these answers, one after the other, and what it was asked.
async fn answering(answers: Vec<(u16, &'static str)>) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let all = asked.clone();
    tokio::spawn(async move {
        for (status, body) in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 8192];
            let n = socket.read(&mut request).await.unwrap();
            all.lock().unwrap().push(String::from_utf8_lossy(&request[..n]).into_owned());
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (port, asked)
}

fn http_check(id: &str, http: HttpCheck, capture: &[(&str, &str)]) -> Check {
    Check {
        id: id.into(),
        title: id.into(),
        kind: CheckKind::Http(http),
        eventually: None,
        timeout: Duration::from_secs(5),
        capture: capture.iter().map(|(name, source)| ((*name).to_owned(), (*source).to_owned())).collect(),
        on_fail: None,
        hints: Vec::new(),
        origin: Origin { file: "ch01.yaml".into(), line: 1 },
    }
}

#[tokio::test]
async fn a_request_is_sent_with_its_values_and_held_against_what_it_must_answer() {
    let answers = vec![
        (201, r#"{"id": "a/b", "balance": 90}"#),
        (200, r#"{"balance": 90}"#),
        (404, "no such thing"),
        (200, "not json"),
    ];
    let (port, asked) = answering(answers).await;
    let base = HttpCheck {
        method: "GET".into(),
        url: Template(format!("http://127.0.0.1:{port}/accounts")),
        headers: Vec::new(),
        body: None,
        status: None,
        answer_headers: Vec::new(),
        matches: None,
        expect: Vec::new(),
    };
    let create = HttpCheck {
        method: "POST".into(),
        headers: vec![("x-who".into(), Template("me".into()))],
        body: Some(HttpBody::Json(Template(r#"{"stack": "${stack}"}"#.into()))),
        status: Some(201),
        answer_headers: vec![("content-type".into(), "json".into())],
        ..base.clone()
    };
    let is = |path: &str, value: i64| JsonExpect { path: path.into(), is: JsonIs::Equals(value.into()) };
    let read = HttpCheck {
        url: Template(format!("http://127.0.0.1:{port}/accounts/${{capture.id}}")),
        expect: vec![is("$.balance", 90)],
        ..base.clone()
    };
    let json = HttpCheck { expect: vec![is("$.balance", 90)], ..base.clone() };
    let mut bench = Bench::new();
    let mut course = (*bench.course).clone();
    course.chapters[1].checks = vec![
        http_check("create", create, &[("id", "$.id")]),
        http_check("read", read, &[]),
        http_check("gone", base.clone(), &[]),
        http_check("json", json, &[]),
        http_check("nobody", HttpCheck { url: Template("http://127.0.0.1:1/x".into()), ..base }, &[]),
    ];
    bench.course = Arc::new(course);
    let mut run = at(&bench, "change").await;
    let mut came = Vec::new();
    for check in ["create", "read", "gone", "json", "nobody"] {
        run.check(vec![CheckRef { chapter: 1, check: check.into() }]).await;
        let state = &run.progress.checks[&CheckRef { chapter: 1, check: check.into() }];
        let failure = state.failure.as_ref();
        came.push(failure.map_or(String::new(), |f| format!("{}: {}", f.expected, f.actual)));
        if check == "create" {
            assert_eq!(failure, None);
        }
    }
    assert_eq!(
        came,
        [
            String::new(),
            String::new(),
            "a status from 200 to 299: status 404".to_owned(),
            "an answer in JSON: not json".to_owned(),
            "an answer from http://127.0.0.1:1/x: there is none: Connection refused".to_owned(),
        ]
    );
    let asked = asked.lock().unwrap().clone();
    assert!(
        asked[0].contains("x-who: me\r\n") && asked[0].contains("content-type: application/json\r\n"),
        "{}",
        asked[0]
    );
    assert!(asked[0].ends_with(r#"{"stack": "TheStack"}"#), "{}", asked[0]);
    assert!(asked[1].starts_with("GET /accounts/a%2Fb HTTP/1.1\r\n"), "a value stays in its place: {}", asked[1]);
    let gone = &run.progress.checks[&CheckRef { chapter: 1, check: "gone".into() }].failure;
    let record = gone.as_ref().unwrap();
    assert_eq!(
        record.reproduce.as_deref(),
        Some(format!("curl -i -X GET 'http://127.0.0.1:{port}/accounts'").as_str())
    );
    assert!(record.output.contains(&"no such thing".to_owned()), "{:?}", record.output);
    run.quit().await;
}

#[tokio::test]
async fn a_command_reads_what_it_is_given_and_its_json_is_kept() {
    let shell = ShellAction {
        run: Template("echo reading; read name; printf '{\"name\": \"%s\", \"n\": 4}' \"$name\"".into()),
        cwd: String::new(),
        installs: false,
        matches: None,
        stdin: Some(Template("${stack} it's\n".into())),
        capture: vec![("name".into(), "$.name".into()), ("n".into(), "$.n".into())],
    };
    let bench = with_actions(StepAction::Shell(shell), StepAction::Read);
    let mut run = at(&bench, "shell").await;
    assert_eq!(run.run().await, (Verdict::Pass, None));
    assert_eq!(run.progress.captures["name"], serde_json::json!("TheStack it's"));
    assert_eq!(run.progress.captures["n"], serde_json::json!(4));
    run.quit().await;
}

#[test]
fn patterns_look_at_the_lines_of_what_is_printed() {
    let printed = "first\nid: 7\nok\n";
    assert_eq!(crate::expect::matches("^ok$", printed).unwrap(), None);
    assert!(crate::expect::matches("^k$", printed).unwrap().is_some());
    assert_eq!(crate::captures::captured("^id: (.*)$", printed).unwrap(), Some(7.into()));
    let declared = ExpectedFailure { matches: "^id: .$".into(), sqlstate: None, repaired_by: "x".into() };
    assert!(crate::expect::is_declared(&declared, None, printed));
}

#[tokio::test]
async fn a_long_line_of_json_is_kept_whole_and_told_in_pieces() {
    let run = r#"printf '{"s": "é'; head -c 200000 /dev/zero | tr '\0' x; printf '", "n": 4}\n'"#;
    let shell = ShellAction {
        run: Template(run.into()),
        cwd: String::new(),
        installs: false,
        matches: Some(r#"^.*x", "n": 4\}$"#.into()),
        stdin: None,
        capture: vec![("n".into(), "$.n".into())],
    };
    let bench = with_actions(StepAction::Shell(shell), StepAction::Read);
    let mut run = at(&bench, "shell").await;
    assert_eq!(run.run().await, (Verdict::Pass, None));
    assert_eq!(run.progress.captures["n"], serde_json::json!(4));
    let told = run.seen.iter().filter_map(|event| match &event.kind {
        EventKind::Output { stream: Stream::Stdout, lines, .. } => Some(lines),
        _ => None,
    });
    let told: Vec<&String> = told.flatten().collect();
    assert_eq!(told.iter().map(|line| line.len()).sum::<usize>(), 200_000 + r#"{"s": "é", "n": 4}"#.len());
    assert!(told.iter().all(|line| line.len() <= 16 * 1024), "a screen is not to show more at once");
    run.quit().await;
}

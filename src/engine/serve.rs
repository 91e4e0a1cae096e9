//! Starting and stopping the long-running processes of a lesson: a step is over when its process is ready, and the process
//! goes on.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::by_hand;
use super::captures;
use super::cloud::millis;
use super::context::StepContext;
use super::event::{EventKind, Failure, ProcessEnd};
use super::expect::{self, ActionOutcome};
use super::http::HttpRequest;
use super::processes::{self, ProcessState};
use super::values::Values;
use workshop_base::problem::Result;
use workshop_course::lesson::model::{ReadyWhen, ServeAction, Step};
use workshop_course::lesson::template::TemplateSyntax;

/// The pause between two looks at a port or an address.
const LOOK: Duration = Duration::from_millis(100);
/// A process that nothing is known of but that it runs is looked at for so long: a command that is misspelt ends at once.
const FIRST_MOMENT: Duration = Duration::from_millis(300);
/// One answer of a server that is still starting may take so long.
const ANSWER: Duration = Duration::from_secs(5);

/// The sign of readiness, with its values in it.
enum Sign {
    Running,
    Output(String),
    Port(u16),
    Http(HttpRequest),
}

/// Starts a process and waits until it is ready.
///
/// # Errors
/// The outcome that is not "done": it ended first, its time was over, the port is taken, it was cancelled.
pub async fn run(ctx: &StepContext, step: &Step, serve: &ServeAction) -> Result<(), ActionOutcome> {
    let begun = Instant::now();
    let url = match &serve.ready {
        Some(ReadyWhen::Http(url)) => Some(url.0.as_str()),
        Some(ReadyWhen::Output(_) | ReadyWhen::Port(_)) | None => None,
    };
    let values = ctx.within(step.timeout, ctx.values([serve.run.0.as_str()].into_iter().chain(url))).await??;
    let line = values.fill(&serve.run, TemplateSyntax::Shell)?;
    let sign = sign(serve.ready.as_ref(), &values)?;
    let world = ctx.within(step.timeout, ctx.world()).await??;
    let cwd = super::files::below(&ctx.setup.workdir, &serve.cwd)?;
    let Some(at_step) = ctx.at_step.clone() else { return Ok(()) };
    ctx.within(step.timeout, ctx.processes.stop(&[serve.name.as_str()])).await?;
    if let Sign::Port(port) = sign
        && answers(port).await
    {
        return Err(ActionOutcome::failed(Failure {
            expected: format!("port {port} is free for {}", serve.name),
            actual: "something listens there already".to_owned(),
            hints: vec![format!("find out what with `lsof -i :{port}` and stop it")],
            ..Failure::default()
        }));
    }
    let command = world.mask(line.clone());
    ctx.sink.emit(EventKind::ProcessStarted { name: serve.name.clone(), at_step: at_step.clone(), command });
    let forward = ctx.pump_of_process(&world, &serve.name);
    let job = processes::served(&ctx.setup.workdir, &line, cwd);
    let mut state = ctx.processes.start(&serve.name, at_step.clone(), world, job, forward).await;
    let limit = step.timeout.saturating_sub(begun.elapsed());
    let waited = tokio::select! {
        biased;
        () = ctx.cancel.cancelled() => Err(ActionOutcome::Cancelled),
        ready = tokio::time::timeout(limit, until_ready(&mut state, &sign)) => match ready {
            Ok(ready) => ready.map_err(|end| not_ready(serve, &line, &state, &end.to_string())),
            Err(_) => Err(not_ready(serve, &line, &state, &format!("not ready after {} s", step.timeout.as_secs_f64()))),
        },
    };
    match waited {
        Ok(by) => {
            ctx.sink.emit(EventKind::ProcessReady { name: serve.name.clone(), took_ms: millis(begun.elapsed()), by })
        }
        Err(outcome) => {
            ctx.processes.stop(&[serve.name.as_str()]).await;
            return Err(outcome);
        }
    }
    let printed = printed(&state);
    ctx.keep(&serve.capture, |source| captures::captured(source, &printed))
}

/// Stops processes by name; without names, all that run.
///
/// # Errors
/// The outcome that is not "done": it was cancelled, or they do not end in time.
pub async fn stop(ctx: &StepContext, step: &Step, names: &[String]) -> Result<(), ActionOutcome> {
    let running = ctx.processes.running();
    let all: Vec<&str> = match names {
        [] => running.iter().map(String::as_str).collect(),
        names => names.iter().map(String::as_str).collect(),
    };
    ctx.within(step.timeout, ctx.processes.stop(&all)).await
}

fn sign(ready: Option<&ReadyWhen>, values: &Values) -> Result<Sign> {
    Ok(match ready {
        None => Sign::Running,
        Some(ReadyWhen::Output(pattern)) => Sign::Output(pattern.clone()),
        Some(ReadyWhen::Port(port)) => Sign::Port(*port),
        Some(ReadyWhen::Http(url)) => Sign::Http(HttpRequest::get(values.fill(url, TemplateSyntax::Url)?)),
    })
}

/// Waits for the sign. Says by what it was ready, or how it ended before.
async fn until_ready(state: &mut watch::Receiver<ProcessState>, sign: &Sign) -> Result<String, ProcessEnd> {
    let begun = Instant::now();
    loop {
        let end = state.borrow_and_update().end.clone();
        match sign {
            // One that has ended is not ready, whatever it said before.
            Sign::Output(pattern)
                if end.is_none() && expect::matches(pattern, &printed(state)).is_ok_and(|miss| miss.is_none()) =>
            {
                return Ok("it said so".to_owned());
            }
            Sign::Port(port) if end.is_none() && answers(*port).await => return Ok(format!("port {port} answers")),
            Sign::Http(request) if end.is_none() => {
                if let Ok(Ok(Ok(answer))) = tokio::time::timeout(ANSWER, request.send()).await
                    && (200..400).contains(&answer.status)
                {
                    return Ok(format!("{} answers {}", request.url, answer.status));
                }
            }
            Sign::Running if begun.elapsed() >= FIRST_MOMENT => return Ok("it runs".to_owned()),
            Sign::Running if end == Some(ProcessEnd::Exited(0)) => return Ok("it has ended already".to_owned()),
            Sign::Output(_) | Sign::Port(_) | Sign::Http(_) | Sign::Running => {}
        }
        if let Some(end) = end {
            return Err(end);
        }
        // What it prints is looked at as it comes; a port and an address are asked again and again.
        let _ = tokio::time::timeout(LOOK, state.changed()).await;
    }
}

async fn answers(port: u16) -> bool {
    for host in ["127.0.0.1", "::1"] {
        if matches!(tokio::time::timeout(LOOK, TcpStream::connect((host, port))).await, Ok(Ok(_))) {
            return true;
        }
    }
    false
}

fn printed(state: &watch::Receiver<ProcessState>) -> String {
    state.borrow().printed.lock().map(|printed| printed.text.clone()).unwrap_or_default()
}

fn not_ready(serve: &ServeAction, line: &str, state: &watch::Receiver<ProcessState>, why: &str) -> ActionOutcome {
    let output: Vec<String> =
        state.borrow().printed.lock().map(|printed| printed.tail.iter().cloned().collect()).unwrap_or_default();
    let expected = match &serve.ready {
        None => format!("{} goes on running", serve.name),
        Some(ReadyWhen::Output(pattern)) => format!("{} prints what matches /{pattern}/", serve.name),
        Some(ReadyWhen::Port(port)) => format!("{} listens on port {port}", serve.name),
        Some(ReadyWhen::Http(url)) => format!("{} answers at {}", serve.name, url.0),
    };
    let text = format!("{why}\n{}\n{}", printed(state), output.join("\n"));
    let reproduce = Some(by_hand::in_directory(&serve.cwd, line));
    let failure = Failure { expected, actual: why.to_owned(), reproduce, output, ..Failure::default() };
    ActionOutcome::Failed { failure: Box::new(failure), text }
}

//! A storm of invocations on the local target: chapter 4's function, which transfers money and tries again after a conflict,
//! called with a thousand in flight over a thousand accounts. Beside another build of the workshop in the same run.
//!
//! `cargo bench --bench storm -- OTHER/target/release/workshop` takes about five minutes: each walks to chapter 4 first, by
//! plain lines, and then the two take turns, called by one client. Linux only: memory and the processor's time are read from
//! `/proc`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops where it is")]

mod common;
#[path = "common/session.rs"]
#[allow(dead_code, reason = "shared with the benchmark of edits, which uses all of it")]
mod session;
#[path = "../tests/it/support.rs"]
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use common::{Goal, figure, heading, ms, quantile};
use futures::StreamExt as _;
use session::Session;
use workshop_engine::aws::{Clients, Environment, invoke};

const CHAPTER: u64 = 4;
const IN_FLIGHT: usize = 1_000;
/// Invocations of one turn, and turns of each; then one large storm of ours alone.
const INVOCATIONS: usize = 2_000;
const TURNS: usize = 3;
const LARGE: usize = 10_000;
/// Between two looks at the memory.
const LOOK: Duration = Duration::from_millis(500);

fn main() {
    let other = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let other: Option<PathBuf> = other.map(|program| fs::canonicalize(program).unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    heading(&format!("invocations with {IN_FLIGHT} in flight"));
    let mut ours = Caller::of(&runtime, Session::ours(CHAPTER));
    let mut other = other.map(|exe| Caller::of(&runtime, Session::other(&exe, CHAPTER)));
    for _ in 0..TURNS {
        ours.storm(&runtime, INVOCATIONS);
        if let Some(other) = &mut other {
            other.storm(&runtime, INVOCATIONS);
        }
    }
    let beside = |of: fn(&Storm) -> f64| other.as_ref().map(|other| ("the other build", median(&other.storms, of)));
    let rate = Storm::rate as fn(&Storm) -> f64;
    figure("invocations a second, median", "/s", median(&ours.storms, rate), beside(rate), &Goal::RatioAtLeast(2.0));
    let each = Storm::processor_of_each as fn(&Storm) -> f64;
    figure("processor's time of each, median", "ms", median(&ours.storms, each), beside(each), &Goal::None);
    let functions = Storm::functions_of_each as fn(&Storm) -> f64;
    figure("  of it Node.js and PostgreSQL", "ms", median(&ours.storms, functions), beside(functions), &Goal::None);
    if let Some(other) = other {
        other.session.end();
    }
    let large = ours.storm(&runtime, LARGE);
    figure(&format!("{LARGE} invocations"), "/s", large.rate(), None, &Goal::None);
    figure("  slowest tenth from", "ms", ms(quantile(&large.times, 0.9)), None, &Goal::None);
    figure("  memory of all processes", "MiB", large.memory, None, &Goal::AtMost(1536.0));
    ours.session.end();
}

fn median(storms: &[Storm], of: fn(&Storm) -> f64) -> f64 {
    let mut all: Vec<f64> = storms.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// What a storm took.
#[derive(Clone)]
struct Storm {
    took: Duration,
    /// Of the workshop and all that it started, in seconds.
    processor: f64,
    /// Of the functions and the database alone.
    functions: f64,
    /// Of each invocation as its caller sees it, in order of length.
    times: Vec<Duration>,
    /// Of all processes at most, each shared page counted once, in MiB.
    memory: f64,
}

impl Storm {
    fn rate(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64()
    }

    fn processor_of_each(&self) -> f64 {
        self.processor * 1000.0 / self.times.len() as f64
    }

    fn functions_of_each(&self) -> f64 {
        self.functions * 1000.0 / self.times.len() as f64
    }
}

/// A workshop at the end of the chapter, and who calls its function.
struct Caller {
    session: Session,
    clients: Clients,
    function: String,
    /// Of the invocations so far.
    number: usize,
    storms: Vec<Storm>,
}

impl Caller {
    fn of(runtime: &tokio::runtime::Runtime, session: Session) -> Caller {
        let mut shell = support::command("sh");
        shell.args(["-c", "eval \"$(\"$0\" sandbox env)\"; env"]).arg(session.exe()).current_dir(session.dir.path());
        let told = String::from_utf8(shell.output().unwrap().stdout).unwrap();
        let environment: BTreeMap<String, String> =
            told.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        let (clients, function) = runtime.block_on(async {
            let clients = Clients::connect(&Environment(environment)).await.unwrap();
            let functions = clients.lambda.list_functions().send().await.unwrap();
            let function = functions.functions()[0].function_name().unwrap().to_owned();
            (clients, function)
        });
        Caller { session, clients, function, number: 0, storms: Vec::new() }
    }

    /// Calls so often, with as many in flight as are allowed; none is lost.
    fn storm(&mut self, runtime: &tokio::runtime::Runtime, invocations: usize) -> Storm {
        // Node's newer versions name their process by its thread.
        let of_functions = |name: &str| !name.starts_with("workshop");
        let before = (self.session.processor(), self.session.processor_of(of_functions));
        let begun = Instant::now();
        let calls = (self.number..self.number + invocations).map(|number| {
            // Each pair of accounts as often as any other; never an account with itself.
            let (payer, payee) = (number * 7 % 500 + 1, number * 13 % 490 + 511);
            let payload = format!(r#"{{"payer_id": {payer}, "payee_id": {payee}, "amount": 1}}"#);
            let (clients, function) = (&self.clients, &self.function);
            async move {
                let called = Instant::now();
                let answer = invoke::invoke(clients, function, &payload).await.unwrap();
                assert_eq!(answer.function_error, None, "{}", answer.response);
                called.elapsed()
            }
        });
        let (mut times, memory) = runtime.block_on(async {
            let mut memory = 0.0_f64;
            let calls = futures::stream::iter(calls).buffer_unordered(IN_FLIGHT).collect::<Vec<Duration>>();
            tokio::pin!(calls);
            loop {
                tokio::select! {
                    times = &mut calls => return (times, memory),
                    () = tokio::time::sleep(LOOK) => memory = memory.max(self.session.memory()),
                }
            }
        });
        times.sort_unstable();
        let took = begun.elapsed();
        self.number += invocations;
        let processor = self.session.processor() - before.0;
        let functions = self.session.processor_of(of_functions) - before.1;
        let storm = Storm { took, processor, functions, times, memory };
        self.storms.push(storm.clone());
        storm
    }
}

//! The world for real: children with the target's environment, AWS through its SDKs, the console.
//!
//! The local target and an account are reached the same way; only the [`Environment`] differs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::cloud::{BoxFuture, CloudTarget, Lines, SessionNews, SessionSink, SqlEnd, SqlSession};
use super::model::{SqlCandidate, SqlPrompts};
use crate::aws::invoke::{self, Invocation};
use crate::aws::stack::{self, Stack, StackEvent, StackResource};
use crate::aws::{Clients, Environment};
use workshop_base::problem::{Problem, Result};
use workshop_base::process::{self, ProcessExit, ProcessSpec};
use workshop_base::surroundings;
use workshop_psql::cancel::Canceller;
use workshop_psql::complete::Candidate;
use workshop_psql::console::{Console, ConsoleOptions, ConsoleOutcome};
use workshop_psql::query;
use workshop_psql::report::{SessionEvent, Sink, SqlLine, StatementResult};
use workshop_psql::session::Connector;

/// The pause between two looks at a changing stack: the sandbox answers at once; an account throttles.
const POLL_LOCAL: Duration = Duration::from_millis(150);
const POLL_AWS: Duration = Duration::from_secs(2);

/// Variables whose values must never be shown.
const SECRET: &[&str] = &["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD"];
/// Stands for a secret.
const MASKED: &str = "…";

/// A target that is reached by its environment variables.
pub struct AwsTarget {
    environment: Environment,
    clients: Clients,
    account: String,
    /// The directory that file names in the console begin at.
    workdir: PathBuf,
    secrets: Secrets,
    /// Lives as long as this target does: the sandbox stays while someone holds it.
    held: Mutex<Option<Held>>,
}

/// Holds what a target lives on until it is dropped, and ends by itself when that has gone away.
pub type Held = BoxFuture<'static, ()>;

/// Reaches a target by its environment variables, and holds for it what it lives on. The first call says whether
/// the credentials are good.
///
/// # Errors
/// Without a region, without credentials or with expired ones, without a network.
pub async fn connect(environment: Environment, held: Option<Held>, workdir: &Path) -> Result<AwsTarget> {
    let clients = Clients::connect(&environment).await?;
    let account = clients.caller().await?.account;
    let (secrets, workdir) = (Secrets::new(&environment), workdir.to_owned());
    Ok(AwsTarget { environment, clients, account, workdir, secrets, held: Mutex::new(held) })
}

impl AwsTarget {
    fn is_local(&self) -> bool {
        self.environment.get("AWS_ENDPOINT_URL").is_some()
    }

    /// Connects to a cluster of this target.
    pub fn connector(&self, host: String) -> Connector {
        connector(&self.environment, &self.clients, host)
    }
}

/// Returns what connects to the database of a host name: the sandbox listens elsewhere than the name leads.
pub fn connector(environment: &Environment, clients: &Clients, host: String) -> Connector {
    let mut connector = Connector::new(host, Arc::new(clients.clone()));
    connector.hostaddr = environment.get("PGHOSTADDR").map(str::to_owned);
    if let Some(port) = environment.get("PGPORT").and_then(|p| p.parse().ok()) {
        connector.port = port;
    }
    connector.ca = environment.get("PGSSLROOTCERT").filter(|ca| *ca != "system").map(PathBuf::from);
    connector
}

impl CloudTarget for AwsTarget {
    fn child(
        &self,
        mut job: ProcessSpec,
        cancel: CancellationToken,
        lines: Lines,
    ) -> BoxFuture<'_, Result<ProcessExit>> {
        let mut env: BTreeMap<String, String> = self.environment.0.clone();
        env.append(&mut job.env);
        job.env = env;
        if self.is_local() {
            keep_local(
                &mut job,
                std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))),
            );
        }
        Box::pin(async move { process::run(job, &cancel, lines).await.map_err(start_problem) })
    }

    fn region(&self) -> String {
        self.clients.region.clone()
    }

    fn lost(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            match &mut *self.held.lock().await {
                Some(held) => held.await,
                None => std::future::pending().await,
            }
        })
    }

    fn account(&self) -> String {
        self.account.clone()
    }

    fn poll_every(&self) -> Duration {
        if self.is_local() { POLL_LOCAL } else { POLL_AWS }
    }

    fn stack(&self, name: String) -> BoxFuture<'_, Result<Option<Stack>>> {
        Box::pin(async move { Ok(stack::describe(&self.clients, &name).await?) })
    }

    fn stack_events(&self, name: String, since: Option<String>) -> BoxFuture<'_, Result<Vec<StackEvent>>> {
        Box::pin(async move { Ok(stack::events(&self.clients, &name, since.as_deref()).await?) })
    }

    fn stack_resources(&self, name: String) -> BoxFuture<'_, Result<Vec<StackResource>>> {
        Box::pin(async move { Ok(stack::resources(&self.clients, &name).await?) })
    }

    fn cancel_update(&self, name: String) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { Ok(stack::cancel_update(&self.clients, &name).await?) })
    }

    fn bootstrapped(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move { Ok(stack::bootstrapped(&self.clients).await?) })
    }

    fn invoke(&self, function: String, payload: String) -> BoxFuture<'_, Result<Invocation>> {
        Box::pin(async move { Ok(invoke::invoke(&self.clients, &function, &payload).await?) })
    }

    fn query(&self, host: String, role: String, sql: String) -> BoxFuture<'_, Result<StatementResult>> {
        let connector = self.connector(host);
        Box::pin(async move {
            Ok(match query::rows(&connector, &role, &sql).await {
                Ok(result) => result,
                Err(error) => StatementResult { error: Some(error), ..StatementResult::default() },
            })
        })
    }

    fn session(&self, host: String, role: String) -> Box<dyn SqlSession> {
        // A front end owns the terminal: nothing that the console starts may write to it.
        let options = ConsoleOptions { shell: false, directory: self.workdir.clone(), ..ConsoleOptions::default() };
        let console = Console::new(self.connector(host), role, options);
        Box::new(ConsoleSession { canceller: console.canceller(), console })
    }

    fn mask(&self, text: String) -> String {
        self.secrets.mask(text)
    }
}

/// Keeps a child on the local target, whatever the user's own environment has: see [`surroundings`].
fn keep_local(job: &mut ProcessSpec, vars: impl Iterator<Item = (String, std::ffi::OsString)>) {
    let mut proxies: [Option<String>; 2] = [None, None];
    for (name, value) in vars {
        if surroundings::leads_away(&name) {
            job.env_remove.push(name);
            continue;
        }
        let Some(value) = value.to_str() else { continue };
        match name.as_str() {
            "NO_PROXY" => proxies[0] = Some(value.to_owned()),
            "no_proxy" => proxies[1] = Some(value.to_owned()),
            "PYTHONPATH" => {
                if let Some(ours) = job.env.get_mut(&name) {
                    *ours = surroundings::path_beside(ours, value);
                }
            }
            _ => {}
        }
    }
    let [upper, lower] = proxies;
    let both = surroundings::no_proxies(upper.as_deref(), lower.as_deref());
    job.env.extend(both.map(|(name, value)| (name.to_owned(), value)));
}

fn start_problem(error: process::ProcessError) -> Problem {
    let hint = match &error {
        process::ProcessError::NotFound { program } if matches!(program.as_str(), "npx" | "npm" | "node") => {
            "install Node.js 20 or newer, with npm; `workshop doctor` looks at everything that is needed"
        }
        process::ProcessError::NotFound { .. } | process::ProcessError::Start { .. } => {
            "see that it is installed and on PATH"
        }
        process::ProcessError::Wait { .. } => "run it again",
    };
    Problem::environment(&error).hint(hint)
}

struct ConsoleSession {
    console: Console,
    canceller: Canceller,
}

impl SqlSession for ConsoleSession {
    fn run<'a>(&'a mut self, input: &'a str, sink: SessionSink) -> BoxFuture<'a, SqlEnd> {
        Box::pin(async move {
            let mut lines = ToSession(sink);
            let outcome = self.console.run(input, &mut lines).await;
            self.ended(outcome, lines).await
        })
    }

    fn retry(&mut self, sink: SessionSink) -> BoxFuture<'_, SqlEnd> {
        Box::pin(async move {
            let mut lines = ToSession(sink);
            match self.console.retry_transaction(&mut lines).await {
                Some(outcome) => self.ended(outcome, lines).await,
                None => {
                    lines.lines(vec![(SqlLine::Hint, NOTHING_TO_RETRY.to_owned())]).await;
                    SqlEnd { tx: self.console.tx(), ..SqlEnd::default() }
                }
            }
        })
    }

    fn complete<'a>(
        &'a mut self,
        text: &'a str,
        cursor: usize,
        sink: SessionSink,
    ) -> BoxFuture<'a, (usize, Vec<SqlCandidate>)> {
        Box::pin(async move {
            let (from, found) = self.console.candidates(text, cursor, &mut ToSession(sink)).await;
            let candidate = |c: Candidate| SqlCandidate { text: c.text, kind: c.kind.word().to_owned() };
            (from, found.into_iter().map(candidate).collect())
        })
    }

    fn set_columns(&mut self, columns: Option<usize>) {
        self.console.set_columns(columns);
    }

    fn canceller(&self) -> Arc<dyn Fn() + Send + Sync> {
        let canceller = self.canceller.clone();
        Arc::new(move || {
            let canceller = canceller.clone();
            // Its own task: who cancels must not wait for a second connection. If that fails, the console
            // gives its connection up by itself.
            tokio::spawn(async move {
                let _ = canceller.cancel().await;
            });
        })
    }
}

impl ConsoleSession {
    async fn ended(&mut self, outcome: ConsoleOutcome, mut lines: ToSession) -> SqlEnd {
        if outcome.edit.is_some() {
            lines.lines(vec![(SqlLine::Hint, NO_EDITOR.to_owned())]).await;
        }
        let (first, more) = self.console.prompts();
        SqlEnd {
            results: outcome.results,
            tx: outcome.tx,
            error: outcome.error,
            prompts: Some(SqlPrompts { first, more }),
            ..SqlEnd::default()
        }
    }
}

struct ToSession(SessionSink);

impl ToSession {
    async fn send(&mut self, news: SessionNews) {
        // The session's task ends when nobody listens any more.
        let _ = self.0.0.send(news).await;
    }
}

impl Sink for ToSession {
    async fn lines(&mut self, lines: Vec<(SqlLine, String)>) {
        self.send(SessionNews::Lines(lines)).await;
    }

    async fn event(&mut self, event: SessionEvent) {
        let news = match event {
            SessionEvent::Opened { role, host } => SessionNews::Opened { role, host },
            SessionEvent::Lost { loss, reason } => SessionNews::Lost { loss, reason },
        };
        self.send(news).await;
    }
}

/// Finds what must not be shown: the values of secret variables, and signatures in tokens and signed URLs.
struct Secrets {
    values: Vec<String>,
    signed: Option<Regex>,
}

impl Secrets {
    fn new(environment: &Environment) -> Secrets {
        let values = SECRET.iter().filter_map(|name| environment.get(name)).map(str::to_owned).collect();
        let signed = Regex::new(r"(?i)(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s\x22']+").ok();
        Secrets { values, signed }
    }

    fn mask(&self, mut text: String) -> String {
        for value in &self.values {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), MASKED);
            }
        }
        match &self.signed {
            Some(signed) if signed.is_match(&text) => signed.replace_all(&text, format!("${{1}}{MASKED}")).into_owned(),
            _ => text,
        }
    }
}

const NOTHING_TO_RETRY: &str = "there is no transaction that ended in a conflict";
const NO_EDITOR: &str = "\\e needs a console of its own: workshop sql";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_of_the_local_target_hears_of_no_other() {
        let mut job = ProcessSpec::shell("", "/", Duration::from_secs(1));
        let ours = [("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), ("PGPORT", "5433"), ("PYTHONPATH", "/ours")];
        job.env.extend(ours.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let theirs = [
            ("AWS_ENDPOINT_URL_S3", "https://s3.example"),
            ("AWS_ENDPOINT_URL", "https://example"),
            ("AWS_USE_FIPS_ENDPOINT", "true"),
            ("CDK_DEFAULT_ACCOUNT", "1"),
            ("NODE_ENV", "production"),
            ("HTTP_PROXY", "http://proxy:1"),
            ("NO_PROXY", "corp.example"),
            ("PYTHONPATH", "/theirs"),
            ("PATH", "/bin"),
        ];
        keep_local(&mut job, theirs.map(|(name, value)| (name.to_owned(), value.into())).into_iter());
        let removed =
            ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_USE_FIPS_ENDPOINT", "CDK_DEFAULT_ACCOUNT", "NODE_ENV"];
        assert_eq!(job.env_remove, removed);
        for name in ["NO_PROXY", "no_proxy"] {
            assert_eq!(job.env[name], "corp.example,127.0.0.1,localhost,.localhost,::1");
        }
        assert_eq!(job.env["PYTHONPATH"], "/ours:/theirs");
        // What is set outlives what is removed.
        assert_eq!(job.env["AWS_ENDPOINT_URL"], "http://127.0.0.1:1");
    }

    #[test]
    fn secrets_do_not_get_through() {
        let environment = Environment(BTreeMap::from([
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "wJalrXUtnFEMI".to_owned()),
            ("AWS_REGION".to_owned(), "us-east-1".to_owned()),
        ]));
        let secrets = Secrets::new(&environment);
        let said = secrets.mask("export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI in us-east-1".to_owned());
        assert_eq!(said, "export AWS_SECRET_ACCESS_KEY=… in us-east-1");
        let token = "h.dsql.us-east-1.on.aws/?Action=DbConnectAdmin&X-Amz-Credential=AKIA/x&X-Amz-Signature=0abc&X-Amz-Expires=900";
        assert_eq!(
            secrets.mask(format!("PGPASSWORD={token} psql")),
            "PGPASSWORD=h.dsql.us-east-1.on.aws/?Action=DbConnectAdmin&X-Amz-Credential=…&X-Amz-Signature=…&X-Amz-Expires=900 psql"
        );
    }
}

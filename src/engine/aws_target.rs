//! The world for real: children with the target's environment, AWS through its SDKs, the console.
//!
//! The local target and an account are reached the same way; only the [`Environment`] differs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::cloud::{BoxFuture, CloudTarget, DatabaseSite, Lines, SqlSession, TargetControls};
use super::console_session::ConsoleSession;
use super::own_database::OwnDatabase;
use super::remedies;
use super::secrets::Secrets;
use crate::aws::invoke::{self, Invocation};
use crate::aws::stack::{self, Stack, StackEvent, StackResource};
use crate::aws::{Clients, Environment, patiently};
use workshop_base::problem::{Problem, Result};
use workshop_base::process::{self, Priority, ProcessExit, ProcessSpec};
use workshop_base::surroundings;
use workshop_psql::query;
use workshop_psql::report::StatementResult;
use workshop_psql::session::Connector;

/// The pause between two looks at a changing stack: the sandbox answers at once; an account throttles.
const POLL_LOCAL: Duration = Duration::from_millis(150);
const POLL_AWS: Duration = Duration::from_secs(2);

/// A target that is reached by its environment variables.
pub struct AwsTarget {
    environment: Environment,
    clients: Clients,
    account: String,
    /// The ARN of whoever the credentials belong to.
    caller: String,
    controls: Option<Arc<dyn TargetControls>>,
    /// The directory that file names in the console begin at.
    workdir: PathBuf,
    secrets: Secrets,
    /// The course's own, where it has one besides the stack's cluster.
    database: Option<OwnDatabase>,
    /// Lives as long as this target does: the sandbox stays while someone holds it.
    held: Mutex<Option<Held>>,
    /// The share of the processor that its children get.
    priority: Priority,
}

/// Holds what a target lives on until it is dropped, and ends by itself when that has gone away.
pub type Held = BoxFuture<'static, ()>;

/// Reaches a target by its environment variables, and holds for it what it lives on. The first call says whether
/// the credentials are good.
///
/// # Errors
/// Without a region, without credentials or with expired ones, without a network.
pub async fn connect(
    mut environment: Environment,
    held: Option<Held>,
    controls: Option<Arc<dyn TargetControls>>,
    workdir: &Path,
    database: Option<OwnDatabase>,
) -> Result<AwsTarget> {
    let clients = Clients::connect(&environment).await?;
    let caller = clients.caller().await?;
    let secrets = Secrets::new(&environment, database.as_ref().and_then(OwnDatabase::password));
    if let Some(database) = &database {
        // The way to the cluster.
        environment.0.retain(|name, _| !name.starts_with("PG"));
        environment.0.extend(database.variables());
    }
    Ok(AwsTarget {
        environment,
        clients,
        account: caller.account,
        caller: caller.arn,
        controls,
        workdir: workdir.to_owned(),
        secrets,
        database,
        held: Mutex::new(held),
        priority: Priority::Normal,
    })
}

/// Returns the ARN of a user, or of the role that a session is one of: `assumed-role/NAME/SESSION` is no principal that
/// a database role can be tied to.
///
/// # Errors
/// For a role of IAM Identity Center, whose path is not in its session's ARN.
fn principal_of(caller: &str) -> Result<String> {
    let Some((head, rest)) = caller.split_once(":assumed-role/") else { return Ok(caller.to_owned()) };
    let (role, _) = rest.split_once('/').unwrap_or((rest, ""));
    if role.starts_with("AWSReservedSSO_") {
        let problem = Problem::failed(format!("the ARN of role {role} is not known from its session's"));
        return Err(problem.hint(format!(
            "ask for it with `aws iam get-role --role-name {role} --query Role.Arn`, and run the statement by hand"
        )));
    }
    Ok(format!("{}:role/{role}", head.replacen(":sts:", ":iam:", 1)))
}

impl AwsTarget {
    /// Has its children yield the processor to everybody else.
    #[must_use]
    pub fn in_background(self) -> AwsTarget {
        AwsTarget { priority: Priority::Low, ..self }
    }

    fn is_local(&self) -> bool {
        self.environment.get("AWS_ENDPOINT_URL").is_some()
    }

    /// Connects to a cluster of this target, or to the course's own database.
    pub fn connector(&self, host: String) -> Connector {
        match self.database.as_ref().filter(|own| own.site.host == host) {
            Some(own) => own.connector.clone(),
            None => connector(&self.environment, &self.clients, host),
        }
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
        job.priority = job.priority.max(self.priority);
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

    fn network(&self) -> Option<BoxFuture<'_, Result<()>>> {
        // The sandbox is on this machine.
        if self.controls.is_some() {
            return None;
        }
        Some(Box::pin(async move { Ok(self.clients.reach().await?) }))
    }

    fn works(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { Ok(self.clients.work().await?) })
    }

    fn throttled(&self) -> Option<watch::Receiver<u64>> {
        Some(self.clients.throttling.subscribe())
    }

    fn account(&self) -> String {
        self.account.clone()
    }

    fn caller_arn(&self) -> Result<String> {
        principal_of(&self.caller)
    }

    fn controls(&self) -> Option<Arc<dyn TargetControls>> {
        self.controls.clone()
    }

    fn poll_every(&self) -> Duration {
        if self.is_local() { POLL_LOCAL } else { POLL_AWS }
    }

    fn stack(&self, name: String) -> BoxFuture<'_, Result<Option<Stack>>> {
        Box::pin(async move { Ok(patiently(|| stack::describe(&self.clients, &name)).await?) })
    }

    fn stack_events(&self, name: String, since: Option<String>) -> BoxFuture<'_, Result<Vec<StackEvent>>> {
        Box::pin(async move { Ok(patiently(|| stack::events(&self.clients, &name, since.as_deref())).await?) })
    }

    fn stack_resources(&self, name: String) -> BoxFuture<'_, Result<Vec<StackResource>>> {
        Box::pin(async move { Ok(patiently(|| stack::resources(&self.clients, &name)).await?) })
    }

    fn cancel_update(&self, name: String) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { Ok(patiently(|| stack::cancel_update(&self.clients, &name)).await?) })
    }

    fn bootstrapped(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move { Ok(patiently(|| stack::bootstrapped(&self.clients)).await?) })
    }

    fn invoke(&self, function: String, payload: String) -> BoxFuture<'_, Result<Invocation>> {
        Box::pin(async move { Ok(invoke::invoke(&self.clients, &function, &payload).await?) })
    }

    fn query(&self, host: String, role: String, sql: String) -> BoxFuture<'_, Result<StatementResult>> {
        Box::pin(answered(self.connector(host), role, sql))
    }

    fn session(&self, host: String, role: String) -> Box<dyn SqlSession> {
        let hints = self.database.is_none();
        Box::new(ConsoleSession::new(self.connector(host), role, self.workdir.clone(), hints))
    }

    fn database(&self) -> Option<DatabaseSite> {
        self.database.as_ref().map(|own| own.site.clone())
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

/// Asks one query on a connection of its own; a refused connection is an answer, too.
///
/// # Errors
/// Never: what goes wrong is in the answer.
pub(super) async fn answered(connector: Connector, role: String, sql: String) -> Result<StatementResult> {
    Ok(match query::rows(&connector, &role, &sql).await {
        Ok(result) => result,
        Err(error) => StatementResult { error: Some(error), ..StatementResult::default() },
    })
}

/// Says why a child could not be started.
pub(super) fn start_problem(error: process::ProcessError) -> Problem {
    let hint = match &error {
        process::ProcessError::NotFound { program } if matches!(program.as_str(), "npx" | "npm" | "node") => {
            "install Node.js 20 or newer, with npm; `workshop doctor` looks at everything that is needed"
        }
        process::ProcessError::NoDirectory { .. } => remedies::GONE,
        process::ProcessError::NotFound { .. } | process::ProcessError::Start { .. } => {
            "see that it is installed and on PATH"
        }
        process::ProcessError::Wait { .. } => "run it again",
    };
    Problem::environment(&error).hint(hint)
}

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
    fn the_principal_of_a_session_is_its_role() {
        let role = principal_of("arn:aws:sts::123456789012:assumed-role/dev/me@example.com").unwrap();
        assert_eq!(role, "arn:aws:iam::123456789012:role/dev");
        let user = "arn:aws:iam::123456789012:user/workshop";
        assert_eq!(principal_of(user).unwrap(), user);
        let sso = principal_of("arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_1a2b/me").unwrap_err();
        assert!(sso.hint.unwrap().contains("aws iam get-role --role-name AWSReservedSSO_Admin_1a2b"));
    }
}

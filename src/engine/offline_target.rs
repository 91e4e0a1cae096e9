//! The target of a course without a cloud: children with the person's own environment, and perhaps a database.
//!
//! Invariant: nothing here knows AWS: no region, no account, no credentials are asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::aws_target::{Held, answered, start_problem};
use super::cloud::{BoxFuture, CloudTarget, DatabaseSite, Lines, SqlSession};
use super::console_session::ConsoleSession;
use super::own_database::OwnDatabase;
use super::secrets::Secrets;
use crate::aws::Environment;
use crate::aws::invoke::Invocation;
use crate::aws::stack::{Stack, StackEvent, StackResource};
use workshop_base::database_url::{DatabaseUrl, UrlTls};
use workshop_base::problem::{Problem, Result};
use workshop_base::process::{self, ProcessExit, ProcessSpec};
use workshop_psql::report::StatementResult;
use workshop_psql::session::Connector;

/// A machine, and the database of the course if it has one.
pub struct OfflineTarget {
    database: Option<OwnDatabase>,
    workdir: PathBuf,
    secrets: Secrets,
    /// Lives as long as this target does: a database of the course's own stays while someone holds it.
    held: Mutex<Option<Held>>,
}

impl OfflineTarget {
    /// Makes the target of a working directory. `shell` is what the person's shell has: its secrets are handed to every
    /// command, and told of none.
    pub fn new(
        database: Option<OwnDatabase>,
        held: Option<Held>,
        workdir: &Path,
        shell: &Environment,
    ) -> OfflineTarget {
        let secrets = Secrets::new(shell, database.as_ref().and_then(OwnDatabase::password));
        OfflineTarget { database, workdir: workdir.to_owned(), secrets, held: Mutex::new(held) }
    }

    fn own(&self) -> Result<&OwnDatabase> {
        self.database.as_ref().ok_or_else(|| {
            Problem::course("the course has no database")
                .hint("add `database: postgres` to course.yaml, or `database: {url: …}` for one that is there")
        })
    }
}

impl CloudTarget for OfflineTarget {
    fn child(
        &self,
        mut job: ProcessSpec,
        cancel: CancellationToken,
        lines: Lines,
    ) -> BoxFuture<'_, Result<ProcessExit>> {
        if let Some(database) = &self.database {
            let mut env: BTreeMap<String, String> = database.variables().into_iter().collect();
            env.append(&mut job.env);
            job.env = env;
            // The way to another server that the person's shell has.
            let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
            job.env_remove.extend(names.filter(|name| name.starts_with("PG") && !name.starts_with("PG_")));
        }
        Box::pin(async move { process::run(job, &cancel, lines).await.map_err(start_problem) })
    }

    fn region(&self) -> String {
        String::new()
    }

    fn account(&self) -> String {
        String::new()
    }

    fn caller_arn(&self) -> Result<String> {
        Err(no_cloud())
    }

    fn poll_every(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn stack(&self, _: String) -> BoxFuture<'_, Result<Option<Stack>>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn stack_events(&self, _: String, _: Option<String>) -> BoxFuture<'_, Result<Vec<StackEvent>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn stack_resources(&self, _: String) -> BoxFuture<'_, Result<Vec<StackResource>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn cancel_update(&self, _: String) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn bootstrapped(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(std::future::ready(Err(no_cloud())))
    }

    fn invoke(&self, _: String, _: String) -> BoxFuture<'_, Result<Invocation>> {
        Box::pin(std::future::ready(Err(no_cloud())))
    }

    fn query(&self, _: String, role: String, sql: String) -> BoxFuture<'_, Result<StatementResult>> {
        match self.own() {
            Ok(own) => Box::pin(answered(own.connector.clone(), role, sql)),
            Err(problem) => Box::pin(std::future::ready(Err(problem))),
        }
    }

    fn session(&self, _: String, role: String) -> Box<dyn SqlSession> {
        // Where there is no database, nobody comes this far: it is asked first where that is.
        let connector = self.database.as_ref().map_or_else(nowhere, |own| own.connector.clone());
        Box::new(ConsoleSession::new(connector, role, self.workdir.clone(), false))
    }

    fn database(&self) -> Option<DatabaseSite> {
        self.database.as_ref().map(|own| own.site.clone())
    }

    fn lost(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            match &mut *self.held.lock().await {
                Some(held) => held.await,
                None => std::future::pending().await,
            }
        })
    }

    fn mask(&self, text: String) -> String {
        self.secrets.mask(text)
    }
}

fn no_cloud() -> Problem {
    Problem::course("the course has no cloud")
        .hint("add `stack: NAME`, `function: NAME` or `cloud: true` to course.yaml")
}

/// Leads to no server.
fn nowhere() -> Connector {
    let url = DatabaseUrl {
        host: "/nowhere".to_owned(),
        port: 5432,
        user: None,
        password: None,
        database: None,
        tls: UrlTls::Off,
        ca: None,
    };
    Connector::to_server(&url, "nobody")
}

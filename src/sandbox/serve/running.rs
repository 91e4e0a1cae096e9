//! What a process of the sandbox runs: the local cloud, or a plain database.

use std::collections::BTreeMap;

use super::services::Services;
use crate::clock::SandboxClock;
use crate::control::{SandboxKind, SandboxOptions, SandboxStatus};
use crate::launch::Spawner;
use crate::postgres::{PlainDatabase, PostgresConfig};
use crate::progress::ProgressSink;
use crate::state::{SandboxPaths, path_problem};
use workshop_base::problem::Result;

/// Everything that is up.
pub(super) enum RunningServices {
    Cloud(Box<Services>),
    Database(Box<PlainDatabase>),
}

impl RunningServices {
    /// Brings up what the process is for.
    ///
    /// # Errors
    /// As [`Services::start`] and [`PlainDatabase::start`].
    pub async fn start(
        places: &SandboxPaths,
        options: &SandboxOptions,
        clock: &SandboxClock,
        report: &ProgressSink,
    ) -> Result<RunningServices> {
        match options.kind {
            SandboxKind::Cloud => {
                let services = Services::start(places, options, clock, report).await?;
                Ok(RunningServices::Cloud(Box::new(services)))
            }
            SandboxKind::Database => {
                let spawner = Spawner::new(options.exe.clone()).map_err(|error| path_problem(&options.exe, &error))?;
                let config = PostgresConfig {
                    cache: places.cache.clone(),
                    data: places.postgres(),
                    run: places.run.clone(),
                    log: places.log().join("postgres.log"),
                    spawner,
                };
                let access = places.access();
                let database = PlainDatabase::start(config, &access, options.database_port, report).await?;
                Ok(RunningServices::Database(Box::new(database)))
            }
        }
    }

    /// Returns the variables by which programs reach it.
    pub fn variables(&self) -> BTreeMap<String, String> {
        match self {
            RunningServices::Cloud(services) => services.access.variables(),
            RunningServices::Database(database) => database.variables(),
        }
    }

    /// Returns the port of AWS calls; 0 where there are none.
    pub fn endpoint_port(&self) -> u16 {
        match self {
            RunningServices::Cloud(services) => services.port,
            RunningServices::Database(_) => 0,
        }
    }

    /// Returns the port that databases are reached at.
    pub fn database_port(&self) -> u16 {
        match self {
            RunningServices::Cloud(services) => services.access.dsql_port,
            RunningServices::Database(database) => database.port(),
        }
    }

    /// Fills in what it knows of itself.
    pub fn describe(&self, status: SandboxStatus) -> SandboxStatus {
        match self {
            RunningServices::Cloud(services) => SandboxStatus {
                endpoint: services.access.endpoint_url.clone(),
                dsql_port: services.access.dsql_port,
                region: services.access.region.clone(),
                account: services.cloud.account(),
                postgres: services.servers.version().into(),
                node: services.node.clone(),
                ca: services.access.ca.clone(),
                clusters: services.cloud.clusters().into_iter().map(|cluster| cluster.endpoint).collect(),
                unreadable: services.cloud.aside().map(ToString::to_string),
                ..status
            },
            RunningServices::Database(database) => {
                SandboxStatus { postgres: database.version().into(), dsql_port: database.port(), ..status }
            }
        }
    }

    /// Ends it in order.
    pub async fn stop(self) {
        match self {
            RunningServices::Cloud(services) => services.stop().await,
            RunningServices::Database(database) => database.stop().await,
        }
    }
}

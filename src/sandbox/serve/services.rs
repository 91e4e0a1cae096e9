//! All that a sandbox consists of: started side by side, stopped in order.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::prerequisites::{bind, bind_or_any, node_version, port_of, port_problem, region};
use super::replacing::finish_replacing;
use crate::aws::Cloud;
use crate::clock::SandboxClock;
use crate::control::SandboxOptions;
use crate::env::{self, Access};
use crate::interfaces::Functions;
use crate::lambda::{self, Lambda};
use crate::launch::{Spawner, Sweeper};
use crate::postgres::{self, Servers};
use crate::progress::ProgressSink;
use crate::state::{self, SandboxPaths, path_problem};
use crate::tls;
use workshop_base::files;
use workshop_base::problem::{Problem, Result};
use workshop_dsql::jobs::Pace;

/// The port of every cluster on AWS, which some clients cannot be told otherwise.
const DSQL_PORT: u16 = 5432;
/// Time that requests and sessions under way have to end.
pub(super) const GRACE: Duration = Duration::from_secs(2);
/// The account of every sandbox: the one that AWS's own documentation uses.
const ACCOUNT: &str = "123456789012";

/// A sandbox that is up.
pub(super) struct Services {
    pub(super) access: Access,
    /// Of the endpoint.
    pub(super) port: u16,
    pub(super) node: String,
    pub(super) cloud: Arc<Cloud>,
    pub(super) lambda: Lambda,
    pub(super) servers: Servers,
    sweeper: Sweeper,
    pub(super) endpoint: (CancellationToken, JoinHandle<()>),
    pub(super) proxy: (CancellationToken, JoinHandle<()>),
}

/// The ports of the last run: what was exported to a shell stays true as long as they are free.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Ports {
    endpoint: u16,
    dsql: u16,
}
impl Services {
    /// Starts everything, side by side.
    ///
    /// # Errors
    /// When a port is taken, PostgreSQL or Node.js cannot be had, a file cannot be written, or the state cannot be read.
    pub(super) async fn start(
        places: &SandboxPaths,
        options: &SandboxOptions,
        clock: &SandboxClock,
        report: &ProgressSink,
    ) -> Result<Services> {
        let (endpoint, proxy, ports) = listen(places, options).await?;
        let region = region(places, options.region.as_deref())?;
        let tls_dir = places.state.join("tls");
        let tls = tls::prepare(&tls_dir, &region, SystemTime::now()).map_err(|error| path_problem(&tls_dir, &error))?;
        lay_out(places)?;
        let spawner = Spawner::new(options.exe.clone()).map_err(|error| path_problem(&options.exe, &error))?;
        let sweeper = Sweeper::start(&options.exe, &places.run).map_err(|error| path_problem(&options.exe, &error))?;
        let endpoint_url = format!("http://127.0.0.1:{}", ports.endpoint);
        let (node, servers, lambda) = tokio::try_join!(
            node_version(),
            databases(places, &spawner, report),
            functions(lambda::LambdaConfig {
                run: places.run.clone(),
                logs: places.log().join("lambda"),
                cache: places.cache.clone(),
                workdir: places.workdir.clone(),
                region: region.clone(),
                endpoint_url: endpoint_url.clone(),
                dsql_port: ports.dsql,
                ca: tls.ca.clone(),
                spawner: spawner.clone(),
                clock: clock.reader(),
            }),
        )?;
        let databases = Arc::new(servers.clone());
        let opening = async {
            let functions: Arc<dyn Functions> = Arc::new(lambda.clone());
            let dir = places.cloud();
            Cloud::open(&dir, &region, ACCOUNT, functions, databases.clone(), clock.reader()).await.map_err(|error| {
                Problem::environment(error).hint("`workshop sandbox reset` starts anew, with an empty account")
            })
        };
        let (cloud, ()) = tokio::try_join!(opening, async { servers.start_all().await.map_err(Problem::from) })?;
        finish_replacing(places, &cloud, &servers).await?;
        lambda.set_issuer(cloud.clone());
        servers.prepare_spare();
        lambda.prepare_newest();

        let credential = cloud.user_credential();
        let access = Access {
            region,
            endpoint_url,
            access_key_id: credential.access_key_id,
            secret_access_key: credential.secret_access_key,
            dsql_port: ports.dsql,
            ca: tls.ca,
            bundle: tls.bundle,
            node_ca: tls.node,
            state: places.state.clone(),
        };
        let endpoint = serve_endpoint(cloud.clone(), endpoint);
        let proxy_stop = CancellationToken::new();
        let proxying = tokio::spawn(workshop_dsql::serve(
            proxy,
            tls.server,
            cloud.clone(),
            databases,
            clock.time(),
            Pace::default(),
            proxy_stop.clone(),
        ));
        Ok(Services {
            access,
            port: ports.endpoint,
            node,
            cloud,
            lambda,
            servers,
            sweeper,
            endpoint,
            proxy: (proxy_stop, proxying),
        })
    }

    /// Endpoint, functions, proxy, PostgreSQL: nobody loses what they still stand on.
    pub(super) async fn stop(self) {
        let Services { cloud, lambda, servers, sweeper, endpoint, proxy, .. } = self;
        let end = async |(stop, mut task): (CancellationToken, JoinHandle<()>), what: &str| {
            stop.cancel();
            if tokio::time::timeout(GRACE, &mut task).await.is_err() {
                tracing::warn!(what, "cut off");
                task.abort();
                let _ = task.await;
            }
        };
        end(endpoint, "the endpoint").await;
        let _ = tokio::time::timeout(GRACE, cloud.close()).await;
        lambda.shutdown().await;
        sweeper.end().await;
        end(proxy, "the proxy").await;
        servers.shutdown().await;
    }
}

/// Takes the ports: those that were asked for, else those of the last run.
async fn listen(places: &SandboxPaths, options: &SandboxOptions) -> Result<(TcpListener, TcpListener, Ports)> {
    let file = places.state.join("ports.json");
    let last: Ports = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    let exactly = async |port: u16| bind(port).await.map_err(|error| port_problem(port, &error));
    let endpoint = match options.port {
        Some(port) => exactly(port).await?,
        None => bind_or_any(last.endpoint).await?,
    };
    let proxy = match options.database_port {
        Some(port) => exactly(port).await?,
        // What was exported to a shell stays true; else the port that clients have built in.
        None if last.dsql != 0 => bind_or_any(last.dsql).await?,
        None => bind_or_any(DSQL_PORT).await?,
    };
    let ports = Ports { endpoint: port_of(&endpoint)?, dsql: port_of(&proxy)? };
    state::write_json(&file, &ports).map_err(|error| path_problem(&file, &error))?;
    Ok((endpoint, proxy, ports))
}

/// Writes the files that lead Node.js and Python to the proxy.
fn lay_out(places: &SandboxPaths) -> Result<()> {
    let python = places.state.join(env::PYTHON).join("sitecustomize.py");
    for (file, text) in [(places.state.join(env::PRELOAD), lambda::PRELOAD), (python, env::SITECUSTOMIZE)] {
        files::replace(&file, text.as_bytes()).map_err(|error| path_problem(&file, &error))?;
    }
    Ok(())
}

/// Answers AWS calls until the token is cancelled.
fn serve_endpoint(cloud: Arc<Cloud>, listener: TcpListener) -> (CancellationToken, JoinHandle<()>) {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let serving = tokio::spawn(async move {
        if let Err(error) = cloud.serve(listener, stopped).await {
            tracing::error!(%error, "the endpoint has ended");
        }
    });
    (stop, serving)
}

async fn databases(places: &SandboxPaths, spawner: &Spawner, report: &ProgressSink) -> Result<Servers> {
    let config = postgres::PostgresConfig {
        cache: places.cache.clone(),
        data: places.postgres(),
        run: places.run.clone(),
        log: places.log().join("postgres.log"),
        spawner: spawner.clone(),
    };
    Ok(Servers::open(config, report).await?)
}

async fn functions(config: lambda::LambdaConfig) -> Result<Lambda> {
    let run = config.run.clone();
    Lambda::start(config).await.map_err(|error| path_problem(&run, &error))
}

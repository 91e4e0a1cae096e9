//! The functions of a sandbox and their environments, from the first call of one to its last.

use std::collections::HashMap;
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::api::RuntimeApi;
use super::bundle;
use super::environment::Environment;
use super::launch::Launcher;
use super::machine;
use super::node::newest_runtime;
use super::pool::{Assignment, EnvironmentId, NextWork, Pool};
use super::sdk::Sdk;
use super::types::{CONCURRENCY, FunctionVersion, LambdaConfig, PAYLOAD_LIMIT, PendingInvocation, safe_name};
use crate::interfaces::{BoxFuture, FunctionSpec, Functions, Invocation, InvokeResult, Issuer, LambdaError};

/// An idle environment is ended after this; AWS keeps them for some minutes.
const IDLE_LIMIT: Duration = Duration::from_secs(300);
/// An environment whose credentials expire within this is replaced.
const RENEW_BEFORE: Duration = Duration::from_secs(20 * 60);

/// The Lambda service. Cheap to clone.
#[derive(Clone)]
pub struct Lambda {
    inner: Arc<LambdaInner>,
}

struct LambdaInner {
    launcher: Launcher,
    /// Processes of one function at most.
    limit: usize,
    functions: Mutex<HashMap<String, Arc<DeployedFunction>>>,
    tasks: Mutex<JoinSet<()>>,
    closing: CancellationToken,
    versions: AtomicU64,
}

/// One function: its newest code and its environments.
struct DeployedFunction {
    state: Mutex<FunctionState>,
}

struct FunctionState {
    version: Arc<FunctionVersion>,
    pool: Pool<PendingInvocation>,
    /// The way to each environment; dropping it ends an idle one.
    environments: HashMap<EnvironmentId, mpsc::UnboundedSender<PendingInvocation>>,
}

impl Lambda {
    /// Starts the Runtime API. Needs an issuer before the first invocation.
    ///
    /// # Errors
    /// When loopback has no free port, or the run directory cannot be written to.
    pub async fn start(config: LambdaConfig) -> std::io::Result<Lambda> {
        let (api, serving) = RuntimeApi::bind().await?;
        let launcher = Launcher::new(config, api)?;
        let closing = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let closing = closing.clone();
            async move {
                tokio::select! {
                    ended = serving => tracing::error!(?ended, "the Runtime API has ended"),
                    () = closing.cancelled() => {}
                }
            }
        });
        Ok(Lambda {
            inner: Arc::new(LambdaInner {
                launcher,
                limit: machine::environments(),
                functions: Mutex::default(),
                tasks: Mutex::new(tasks),
                closing,
                versions: AtomicU64::new(0),
            }),
        })
    }

    /// Says who gives functions their roles' credentials. Only the first counts.
    pub fn set_issuer(&self, issuer: Arc<dyn Issuer>) {
        self.inner.launcher.set_issuer(issuer);
    }

    /// Begins to fetch the Node.js of the newest runtime, where this machine has another: nobody's first call has to wait for
    /// it, and it is there without a network later.
    pub fn prepare_newest(&self) {
        self.inner.fetch_ahead(&newest_runtime());
    }

    /// Ends every environment; calls under way fail.
    pub async fn shutdown(&self) {
        self.inner.closing.cancel();
        lock(&self.inner.functions).clear();
        let tasks = std::mem::take(&mut *lock(&self.inner.tasks));
        tasks.join_all().await;
    }
}

impl Functions for Lambda {
    fn put(&self, spec: FunctionSpec) -> BoxFuture<'_, Result<(), LambdaError>> {
        Box::pin(async move {
            let inner = &self.inner;
            inner.fetch_ahead(&spec.runtime);
            let version = Arc::new(inner.unpack(spec).await?);
            let name = version.spec.key();
            let function = {
                let mut functions = lock(&inner.functions);
                let Some(known) = functions.get(&name) else {
                    let pool = Pool::new(inner.limit, CONCURRENCY - inner.limit);
                    let state = FunctionState { version, pool, environments: HashMap::new() };
                    functions.insert(name, Arc::new(DeployedFunction { state: Mutex::new(state) }));
                    return Ok(());
                };
                known.clone()
            };
            let starts = {
                let mut state = lock(&function.state);
                // One that was put later was ready sooner, and stays.
                if state.version.number > version.number {
                    return Ok(());
                }
                state.version = version;
                // Idle environments end when their senders go, busy ones when they have answered.
                state.environments.clear();
                state.pool.replace().1
            };
            for (id, pending) in starts {
                inner.open(&function, id, pending);
            }
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> BoxFuture<'_, ()> {
        let function = lock(&self.inner.functions).remove(name);
        Box::pin(async move {
            if let Some(function) = function {
                lock(&function.state).environments.clear();
            }
        })
    }

    fn invoke(&self, key: &str, call: Invocation) -> BoxFuture<'_, Result<InvokeResult, LambdaError>> {
        let name = key.to_string();
        Box::pin(async move {
            let Invocation { arn, payload, request_id, client_context } = call;
            let function = lock(&self.inner.functions).get(&name).cloned();
            let function = function.ok_or_else(|| LambdaError::NotFound(name.clone()))?;
            if payload.len() > PAYLOAD_LIMIT {
                return Err(LambdaError::TooLarge);
            }
            // A call without a payload is an empty object, as on AWS.
            let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
            if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
                return Err(LambdaError::BadPayload(error.to_string()));
            }
            let (reply, answer) = oneshot::channel();
            let came = Instant::now();
            let pending = PendingInvocation { request_id, arn, payload, client_context, reply, came };
            self.inner.dispatch(&function, pending)?;
            // Without an answer the sandbox is stopping.
            answer.await.unwrap_or(Err(LambdaError::TooManyRequests))
        })
    }
}

impl LambdaInner {
    /// Begins to fetch the runtime's Node.js, so that it is there when the function is first called.
    fn fetch_ahead(&self, runtime: &str) {
        let (nodes, runtime, closing) = (self.launcher.nodes.clone(), runtime.to_string(), self.closing.clone());
        nodes.try_again(&runtime);
        lock(&self.tasks).spawn(async move {
            tokio::select! {
                _ = nodes.provide(&runtime) => {}
                () = closing.cancelled() => {}
            }
        });
    }

    /// Unpacks a function's code and provides the SDK that it leaves out.
    async fn unpack(&self, spec: FunctionSpec) -> Result<FunctionVersion, LambdaError> {
        let config = &self.launcher.config;
        let number = self.versions.fetch_add(1, Ordering::Relaxed);
        let dir = config.run.join("functions").join(format!("{}-{number}", safe_name(&spec.key())));
        let (code, to) = (spec.code.clone(), dir.clone());
        let unpacked = tokio::task::spawn_blocking(move || {
            let _ = fs::remove_dir_all(&to);
            bundle::unpack(&code, &to).map(|()| bundle::left_out(&to))
        });
        let version = FunctionVersion { spec, number, dir, told: AtomicBool::new(false) };
        let packages = match unpacked.await {
            Ok(outcome) => outcome.map_err(LambdaError::BadCode)?,
            Err(error) => return Err(LambdaError::BadCode(error.to_string())),
        };
        let sdk = Sdk {
            workdir: config.workdir.clone(),
            cache: config.cache.clone(),
            node_modules: config.run.join("node_modules"),
        };
        if let Err(error) = sdk.provide(&packages).await {
            // The function says what it misses when it is called.
            tracing::warn!(function = version.spec.name, error, "the runtime's SDK is incomplete");
        }
        Ok(version)
    }

    fn dispatch(
        self: &Arc<Self>,
        function: &Arc<DeployedFunction>,
        mut pending: PendingInvocation,
    ) -> Result<(), LambdaError> {
        loop {
            let mut state = lock(&function.state);
            match state.pool.request(pending) {
                Assignment::Give(id, given) => {
                    let sent = match state.environments.get(&id) {
                        Some(to) => to.send(given).map_err(|unsent| unsent.0),
                        None => Err(given),
                    };
                    let Err(unsent) = sent else { return Ok(()) };
                    // It ended this moment; whoever waits gets the next.
                    pending = unsent;
                    let next = state.pool.ended(id);
                    drop(state);
                    if let Some((id, waiting)) = next {
                        self.open(function, id, waiting);
                    }
                }
                Assignment::Start(id, pending) => {
                    drop(state);
                    self.open(function, id, pending);
                    return Ok(());
                }
                Assignment::Queued => return Ok(()),
                Assignment::Refused(_) => return Err(LambdaError::TooManyRequests),
            }
        }
    }

    /// Starts an environment for a call; it lives on for others.
    fn open(self: &Arc<Self>, function: &Arc<DeployedFunction>, id: EnvironmentId, pending: PendingInvocation) {
        let (inner, function) = (self.clone(), function.clone());
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let closing = inner.closing.clone();
            let mut environment = None;
            tokio::select! {
                () = inner.live(&function, id, pending, &mut environment) => {}
                () = closing.cancelled() => {}
            }
            if let Some(environment) = environment {
                environment.end().await;
            }
            if closing.is_cancelled() {
                return;
            }
            let next = {
                let mut state = lock(&function.state);
                state.environments.remove(&id);
                state.pool.ended(id)
            };
            if let Some((id, pending)) = next {
                inner.open(&function, id, pending);
            }
        });
    }

    /// Runs the calls of one environment, from its first to its last. It is put into `place` as soon as it runs, for
    /// whoever ends it.
    async fn live(
        self: &Arc<Self>,
        function: &Arc<DeployedFunction>,
        id: EnvironmentId,
        pending: PendingInvocation,
        place: &mut Option<Environment>,
    ) {
        let (to, mut jobs) = mpsc::unbounded_channel();
        let version = {
            let mut state = lock(&function.state);
            state.environments.insert(id, to);
            state.version.clone()
        };
        let clock = &self.launcher.config.clock;
        let (environment, expires) = match self.launcher.start(&version).await {
            Ok((started, expires)) => (place.insert(started), expires),
            Err(error) => {
                let _ = pending.reply.send(Err(error));
                return;
            }
        };
        if let Err(outcome) = environment.init(&pending, &version, clock()).await {
            let _ = pending.reply.send(Ok(outcome.result));
            return;
        }
        let mut pending = pending;
        let mut fresh = true;
        loop {
            let outcome = if fresh { environment.invoke(&pending, &version, clock()).await } else { None };
            let Some(outcome) = outcome else {
                // Gone before it got the call, or too old for it: another environment takes it.
                let next = lock(&function.state).pool.ended(id);
                if let Some((id, waiting)) = next {
                    self.open(function, id, waiting);
                }
                if let Err(error) = self.dispatch(function, pending) {
                    tracing::warn!(%error, "a call was lost");
                }
                break;
            };
            // Before the caller hears of it: its next call is to find this environment idle.
            let after = outcome.alive.then(|| lock(&function.state).pool.finished(id));
            let _ = pending.reply.send(Ok(outcome.result));
            let Some(after) = after else { break };
            pending = match after {
                NextWork::Run(pending) => pending,
                NextWork::Wait => match self.wait(function, id, environment, &mut jobs).await {
                    Some(pending) => pending,
                    None => break,
                },
                NextWork::End(next) => {
                    if let Some((id, waiting)) = next {
                        self.open(function, id, waiting);
                    }
                    break;
                }
            };
            fresh = expires.is_none_or(|expires| clock() + RENEW_BEFORE < expires);
        }
    }

    /// Waits for the next call of an idle environment; None when it is to end.
    async fn wait(
        &self,
        function: &DeployedFunction,
        id: EnvironmentId,
        environment: &mut Environment,
        jobs: &mut mpsc::UnboundedReceiver<PendingInvocation>,
    ) -> Option<PendingInvocation> {
        let idle = tokio::time::sleep(IDLE_LIMIT);
        tokio::pin!(idle);
        loop {
            tokio::select! {
                biased;
                pending = jobs.recv() => return pending,
                alive = environment.idle() => if !alive && lock(&function.state).pool.retire(id) {
                    return None;
                } else if !alive {
                    // A call is on its way; `invoke` finds the process gone and passes it on.
                    return jobs.recv().await;
                },
                () = &mut idle => if lock(&function.state).pool.retire(id) {
                    return None;
                } else {
                    return jobs.recv().await;
                },
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

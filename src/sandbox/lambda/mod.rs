//! The Lambda service: deployed bundles in real Node processes that speak the Runtime API.
//!
//! Life of an invocation: the endpoint calls [`Functions::invoke`]; [`pool`] picks an idle environment,
//! starts a new one or lets it wait; [`environment`] hands it to the runtime through [`api`], follows the
//! log, the answer, the exit and the clock, and reports as AWS does.
//!
//! Invariant: a function runs as its role and sees nothing of the user's own AWS configuration.

mod api;
mod bundle;
mod environment;
mod pool;
mod report;
mod sdk;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::api::RuntimeApi;
use self::environment::Environment;
use self::pool::{Assignment, EnvironmentId, NextWork, Pool};
use self::sdk::Sdk;
use super::child::DeathSignal;
use super::interfaces::{
    BoxFuture, Credential, FunctionSpec, Functions, InvokeResult, Issuer, LambdaError, TimeSource,
};
use super::launch::{Launch, Spawner};

/// The Node.js side, file by file.
const RUNTIME: [(&str, &str); 10] = [
    ("bootstrap.mjs", include_str!("runtime/bootstrap.mjs")),
    ("classic.mjs", include_str!("runtime/classic.mjs")),
    ("context.mjs", include_str!("runtime/context.mjs")),
    ("current.mjs", include_str!("runtime/current.mjs")),
    ("log.mjs", include_str!("runtime/log.mjs")),
    ("module.mjs", include_str!("runtime/module.mjs")),
    ("paths.mjs", include_str!("runtime/paths.mjs")),
    ("preload.cjs", PRELOAD),
    ("stream.mjs", include_str!("runtime/stream.mjs")),
    ("wire.mjs", include_str!("runtime/wire.mjs")),
];
/// Sends cluster host names to the proxy; the user's own programs load it too.
pub const PRELOAD: &str = include_str!("runtime/preload.cjs");

/// The largest payload of a call, in bytes. Source: AWS Lambda developer guide, "Lambda quotas".
pub const PAYLOAD_LIMIT: usize = 6_291_456;
/// An idle environment is ended after this; AWS keeps them for some minutes.
const IDLE_LIMIT: Duration = Duration::from_secs(300);
/// How long the credentials of an environment are good for; it is replaced before they expire.
const CREDENTIALS: Duration = Duration::from_secs(6 * 3600);
const RENEW_BEFORE: Duration = Duration::from_secs(20 * 60);
/// Callers that wait for an environment, for one function.
const QUEUE_LIMIT: usize = 1_000;

/// What the functions of a sandbox are given.
#[derive(Clone)]
pub struct LambdaConfig {
    /// For bundles and links; reached by nobody else.
    pub run: PathBuf,
    /// One log file a function.
    pub logs: PathBuf,
    pub cache: PathBuf,
    pub workdir: PathBuf,
    pub region: String,
    /// `http://127.0.0.1:PORT`
    pub endpoint_url: String,
    pub dsql_port: u16,
    /// The sandbox's certificate authority.
    pub ca: PathBuf,
    pub spawner: Spawner,
    pub clock: TimeSource,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Lambda {
    inner: Arc<Inner>,
}

struct Inner {
    config: LambdaConfig,
    /// Processes of one function at most.
    limit: usize,
    api: RuntimeApi,
    issuer: OnceLock<Arc<dyn Issuer>>,
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
    /// How each environment gets its work; dropping this ends an idle one.
    environments: HashMap<EnvironmentId, mpsc::UnboundedSender<PendingInvocation>>,
}

/// Code and configuration as they were put once. Unpacked code goes with its last user.
struct FunctionVersion {
    spec: FunctionSpec,
    dir: PathBuf,
}

impl Drop for FunctionVersion {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// One call, on its way to an environment and back.
struct PendingInvocation {
    request_id: String,
    payload: Bytes,
    reply: oneshot::Sender<Result<InvokeResult, LambdaError>>,
}

impl Lambda {
    /// Starts the Runtime API. Needs an issuer before the first invocation.
    pub async fn start(config: LambdaConfig) -> std::io::Result<Lambda> {
        let runtime = config.run.join("runtime");
        for dir in [config.run.join("functions"), config.run.join("node_modules"), runtime.clone(), config.logs.clone()]
        {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        for (name, text) in RUNTIME {
            fs::write(runtime.join(name), text)?;
        }
        let (api, serving) = RuntimeApi::bind().await?;
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
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Ok(Lambda {
            inner: Arc::new(Inner {
                config,
                limit: (2 * cores).clamp(10, 32),
                api,
                issuer: OnceLock::new(),
                functions: Mutex::default(),
                tasks: Mutex::new(tasks),
                closing,
                versions: AtomicU64::new(0),
            }),
        })
    }

    /// Who gives functions their roles' credentials. Only the first counts.
    pub fn set_issuer(&self, issuer: Arc<dyn Issuer>) {
        let _ = self.inner.issuer.set(issuer);
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
            let number = inner.versions.fetch_add(1, Ordering::Relaxed);
            let dir = inner.config.run.join("functions").join(format!("{}-{number}", safe_name(&spec.name)));
            let (code, to) = (spec.code.clone(), dir.clone());
            let unpacked = tokio::task::spawn_blocking(move || {
                let _ = fs::remove_dir_all(&to);
                bundle::unpack(&code, &to).map(|()| bundle::left_out(&to))
            });
            let packages = match unpacked.await {
                Ok(outcome) => outcome.map_err(LambdaError::BadCode)?,
                Err(error) => return Err(LambdaError::BadCode(error.to_string())),
            };
            let sdk = Sdk {
                workdir: inner.config.workdir.clone(),
                cache: inner.config.cache.clone(),
                node_modules: inner.config.run.join("node_modules"),
            };
            if let Err(error) = sdk.provide(&packages).await {
                // The function says what it misses when it is called.
                tracing::warn!(function = spec.name, error, "the runtime's SDK is incomplete");
            }
            let name = spec.name.clone();
            let version = Arc::new(FunctionVersion { spec, dir });
            let known = lock(&inner.functions).get(&name).cloned();
            let Some(function) = known else {
                let pool = Pool::new(inner.limit, QUEUE_LIMIT);
                let state = FunctionState { version, pool, environments: HashMap::new() };
                let function = Arc::new(DeployedFunction { state: Mutex::new(state) });
                lock(&inner.functions).insert(name, function);
                return Ok(());
            };
            let starts = {
                let mut state = lock(&function.state);
                state.version = version;
                // Idle environments end when their senders go, busy ones when they have answered.
                state.environments.clear();
                state.pool.replace().1
            };
            for (id, job) in starts {
                inner.open(&function, id, job);
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

    fn invoke(&self, name: &str, payload: Bytes) -> BoxFuture<'_, Result<InvokeResult, LambdaError>> {
        let name = name.to_string();
        Box::pin(async move {
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
            self.inner.dispatch(&function, PendingInvocation { request_id: request_id(), payload, reply })?;
            // Without an answer the sandbox is stopping.
            answer.await.unwrap_or(Err(LambdaError::TooManyRequests))
        })
    }
}

impl Inner {
    fn dispatch(
        self: &Arc<Self>,
        function: &Arc<DeployedFunction>,
        mut job: PendingInvocation,
    ) -> Result<(), LambdaError> {
        loop {
            let mut state = lock(&function.state);
            match state.pool.request(job) {
                Assignment::Give(id, given) => {
                    let sent = match state.environments.get(&id) {
                        Some(to) => to.send(given).map_err(|unsent| unsent.0),
                        None => Err(given),
                    };
                    let Err(unsent) = sent else { return Ok(()) };
                    // It ended this moment; whoever waits gets the next.
                    job = unsent;
                    let next = state.pool.ended(id);
                    drop(state);
                    if let Some((id, waiting)) = next {
                        self.open(function, id, waiting);
                    }
                }
                Assignment::Start(id, job) => {
                    drop(state);
                    self.open(function, id, job);
                    return Ok(());
                }
                Assignment::Queued => return Ok(()),
                Assignment::Refused(_) => return Err(LambdaError::TooManyRequests),
            }
        }
    }

    /// Starts an environment for a call; it lives on for others.
    fn open(self: &Arc<Self>, function: &Arc<DeployedFunction>, id: EnvironmentId, job: PendingInvocation) {
        let (inner, function) = (self.clone(), function.clone());
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let closing = inner.closing.clone();
            let mut environment = None;
            tokio::select! {
                () = inner.live(&function, id, job, &mut environment) => {}
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
            if let Some((id, job)) = next {
                inner.open(&function, id, job);
            }
        });
    }

    /// The calls of one environment, from its first to its last. It is put into `place` as soon as it
    /// runs, for whoever ends it.
    async fn live(
        self: &Arc<Self>,
        function: &Arc<DeployedFunction>,
        id: EnvironmentId,
        job: PendingInvocation,
        place: &mut Option<Environment>,
    ) {
        let (to, mut jobs) = mpsc::unbounded_channel();
        let version = {
            let mut state = lock(&function.state);
            state.environments.insert(id, to);
            state.version.clone()
        };
        let (environment, expires) = match self.start(&version).await {
            Ok((started, expires)) => (place.insert(started), expires),
            Err(error) => {
                let _ = job.reply.send(Err(error));
                return;
            }
        };
        if let Err(outcome) = environment.init(&job, &version, (self.config.clock)()).await {
            let _ = job.reply.send(Ok(outcome.result));
            return;
        }
        let mut job = job;
        let mut fresh = true;
        loop {
            let now = (self.config.clock)();
            let outcome = if fresh { environment.invoke(&job, &version, now).await } else { None };
            let Some(outcome) = outcome else {
                // Gone before it got the call, or too old for it: another environment takes it.
                let next = lock(&function.state).pool.ended(id);
                if let Some((id, waiting)) = next {
                    self.open(function, id, waiting);
                }
                if let Err(error) = self.dispatch(function, job) {
                    tracing::warn!(%error, "a call was lost");
                }
                break;
            };
            // Before the caller hears of it: its next call is to find this environment idle.
            let after = outcome.alive.then(|| lock(&function.state).pool.finished(id));
            let _ = job.reply.send(Ok(outcome.result));
            let Some(after) = after else { break };
            job = match after {
                NextWork::Run(job) => job,
                NextWork::Wait => match self.wait(function, id, environment, &mut jobs).await {
                    Some(job) => job,
                    None => break,
                },
                NextWork::End(next) => {
                    if let Some((id, waiting)) = next {
                        self.open(function, id, waiting);
                    }
                    break;
                }
            };
            fresh = expires.is_none_or(|expires| (self.config.clock)() + RENEW_BEFORE < expires);
        }
    }

    /// The next call of an idle environment; None when it is to end.
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
                job = jobs.recv() => return job,
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

    async fn start(&self, version: &FunctionVersion) -> Result<(Environment, Option<SystemTime>), LambdaError> {
        let spec = &version.spec;
        let refused = || LambdaError::Role;
        let issuer = self.issuer.get().ok_or_else(refused)?;
        let credential = issuer.assume(&spec.role_arn, &spec.name, CREDENTIALS).ok_or_else(refused)?;
        let (registration, runtime) = self.api.register();
        let launch = Launch {
            program: "node".into(),
            args: vec![
                format!("--max-old-space-size={}", (spec.memory_mb * 9 / 10).max(32)).into(),
                "--require".into(),
                self.config.run.join("runtime/preload.cjs").into(),
                self.config.run.join("runtime/bootstrap.mjs").into(),
            ],
            env: self.environment(version, &credential, &registration.address),
            dir: version.dir.clone(),
            user: None,
            signal: DeathSignal::Kill,
            stdout: Stdio::null(),
            stderr: Stdio::null(),
        };
        let log = self.config.logs.join(format!("{}.log", safe_name(&spec.name)));
        let log = workshop_base::files::append(&log).ok();
        let started = Environment::start(&self.config.spawner, launch, registration, runtime, log).await;
        started
            .map(|environment| (environment, credential.expires))
            .map_err(|error| LambdaError::Start(error.to_string()))
    }

    /// The function's own variables first: the runtime's cannot be overridden.
    fn environment(&self, version: &FunctionVersion, credential: &Credential, api: &str) -> Vec<(OsString, OsString)> {
        let FunctionVersion { spec, dir } = version;
        let mut env: Vec<(OsString, OsString)> =
            spec.environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let inherited = ["PATH", "TMPDIR", "LD_LIBRARY_PATH"];
        env.extend(inherited.iter().filter_map(|name| Some(((*name).into(), std::env::var_os(name)?))));
        let nowhere = self.config.run.join("none");
        let stream = format!("{}/[$LATEST]{:032x}", date((self.config.clock)()), rand::random::<u128>());
        let set: [(&str, OsString); 29] = [
            ("AWS_LAMBDA_RUNTIME_API", api.into()),
            ("_HANDLER", spec.handler.clone().into()),
            ("LAMBDA_TASK_ROOT", dir.into()),
            ("LAMBDA_RUNTIME_DIR", self.config.run.join("runtime").into()),
            ("AWS_LAMBDA_FUNCTION_NAME", spec.name.clone().into()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".into()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", spec.memory_mb.to_string().into()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", spec.name).into()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", stream.into()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".into()),
            ("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", spec.runtime).into()),
            ("AWS_REGION", self.config.region.clone().into()),
            ("AWS_DEFAULT_REGION", self.config.region.clone().into()),
            ("AWS_ACCESS_KEY_ID", credential.access_key_id.clone().into()),
            ("AWS_SECRET_ACCESS_KEY", credential.secret_access_key.clone().into()),
            ("AWS_SESSION_TOKEN", credential.session_token.clone().unwrap_or_default().into()),
            ("AWS_ENDPOINT_URL", self.config.endpoint_url.clone().into()),
            ("AWS_CONFIG_FILE", nowhere.clone().into()),
            ("AWS_SHARED_CREDENTIALS_FILE", nowhere.into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("NODE_EXTRA_CA_CERTS", (&self.config.ca).into()),
            ("NODE_PATH", self.config.run.join("node_modules").into()),
            ("WORKSHOP_DSQL_PORT", self.config.dsql_port.to_string().into()),
            ("TZ", ":UTC".into()),
            ("LANG", "en_US.UTF-8".into()),
            ("LC_ALL", "C.UTF-8".into()),
            ("NO_COLOR", "1".into()),
            ("NODE_DISABLE_COLORS", "1".into()),
            ("PWD", dir.into()),
        ];
        env.retain(|(name, _)| !set.iter().any(|(ours, _)| name == ours));
        env.extend(set.into_iter().map(|(name, value)| (name.into(), value)));
        env
    }
}

/// FunctionVersion 4, as AWS's are.
fn request_id() -> String {
    let bits = rand::random::<u128>() & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// A function's name as part of a file's name.
fn safe_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' }).collect()
}

/// `2026/11/23`
fn date(now: SystemTime) -> String {
    report::stamp(now).chars().take(10).map(|c| if c == '-' { '/' } else { c }).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_version_4() {
        let id = request_id();
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
    }

    #[test]
    fn names_stay_in_their_directory() {
        assert_eq!(safe_name("../a b"), "___a_b");
    }
}

//! The sandbox's own process: everything wired together, from its start to its end.
//!
//! The life of a run: the lock on the state is taken; the control socket opens; PostgreSQL, the functions
//! and the endpoint come up side by side ([`Parts::start`]); clients hold it; with the last of them, on
//! request or on a signal it goes down in the order endpoint, functions, proxy, PostgreSQL.
//!
//! Invariants: one process per state; what a client was told to connect to takes connections; nothing of
//! it runs or lies about after its end but the state.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::aws::Cloud;
use super::clock::Clock;
use super::control::{self, Hello, Options, Reply, Request, Status, trouble};
use super::dsql::jobs::Pace;
use super::env::{self, Access};
use super::lambda::{self, Lambda};
use super::launch::Spawner;
use super::postgres::account::open_dir;
use super::postgres::{self, Servers};
use super::progress::{Progress, Report};
use super::seams::Functions;
use super::state::{self, Lock, Places};
use super::{dsql, tls};
use crate::problem::{Problem, Result};

/// The account of every sandbox: the one that AWS's own documentation uses.
const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-east-1";
/// The oldest Node.js that runs the course.
const OLDEST_NODE: u64 = 20;
/// Whoever started it has this long to connect.
const FIRST_USER: Duration = Duration::from_secs(20);
/// A lock that another process is about to give back is waited for this long.
const HANDOVER: Duration = Duration::from_secs(20);
/// How long requests and sessions under way may take to end.
const GRACE: Duration = Duration::from_secs(2);
/// A log longer than this is set aside at the start, in bytes.
const LOG_LIMIT: u64 = 8 << 20;

/// How one process is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    pub workdir: PathBuf,
    pub options: Options,
    /// Stay without users.
    pub keep: bool,
}

/// The first argument of a process that is to become a sandbox.
pub const ARGUMENT: &str = "__sandbox";

impl Run {
    /// The arguments after [`ARGUMENT`].
    pub fn to_args(&self) -> Vec<OsString> {
        let mut args = vec![self.workdir.clone().into(), self.options.cache.clone().into()];
        if let Some(region) = &self.options.region {
            args.extend(["--region".into(), region.into()]);
        }
        if let Some(port) = self.options.port {
            args.extend(["--port".into(), port.to_string().into()]);
        }
        if self.keep {
            args.push("--keep".into());
        }
        args
    }

    fn parse(exe: PathBuf, args: impl IntoIterator<Item = OsString>) -> Option<Run> {
        let mut args = args.into_iter();
        let (workdir, cache) = (args.next()?.into(), args.next()?.into());
        let options = Options { exe, cache, region: None, port: None };
        let mut run = Run { workdir, options, keep: false };
        while let Some(name) = args.next() {
            match name.to_str()? {
                "--region" => run.options.region = Some(args.next()?.into_string().ok()?),
                "--port" => run.options.port = Some(args.next()?.to_str()?.parse().ok()?),
                "--keep" => run.keep = true,
                _ => return None,
            }
        }
        Some(run)
    }
}

/// Becomes the sandbox, apart from any terminal: what [`super::control`] starts. Its only output is a
/// line on stdout that says whether it came up.
pub fn detached(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let run = std::env::current_exe().ok().and_then(|exe| Run::parse(exe, args));
    let Some(run) = run else {
        eprintln!("{ARGUMENT} is for the sandbox's own use");
        return ExitCode::from(2);
    };
    // Fails only for the leader of a group, which a started child is not.
    let _ = rustix::process::setsid();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            hello(&Hello::Problem(Problem::environment(format!("the sandbox cannot run: {error}"))));
            return ExitCode::from(3);
        }
    };
    let ended = runtime.block_on(serve(run));
    runtime.shutdown_timeout(GRACE);
    match ended {
        Ok(_) => ExitCode::SUCCESS,
        Err(problem) => {
            hello(&Hello::Problem(problem.clone()));
            ExitCode::from(problem.kind.exit_code())
        }
    }
}

/// Runs the sandbox in the foreground until a signal or `stop` ends it.
pub async fn main(workdir: &Path, options: &Options) -> Result<u8> {
    let state = workdir.join(".workshop/sandbox");
    fs::create_dir_all(&state).map_err(|error| trouble(&state, &error))?;
    let run = Run { workdir: workdir.to_path_buf(), options: options.clone(), keep: true };
    match serve(run).await? {
        Hello::Up | Hello::Problem(_) => Ok(0),
        Hello::Taken => Err(Problem::environment("the sandbox of this directory runs already")
            .hint("stop it with `workshop sandbox stop`")),
    }
}

fn hello(hello: &Hello) {
    let mut line = serde_json::to_vec(hello).expect("plain data");
    line.push(b'\n');
    // Whoever started it may be gone.
    let _ = io::stdout().write_all(&line).and_then(|()| io::stdout().flush());
}

/// Where the start is.
#[derive(Debug, Clone)]
enum Phase {
    Starting(Option<Progress>),
    Ready(BTreeMap<String, String>),
    Failed(Problem),
}

#[derive(Debug, Clone, Copy, Default)]
struct Users {
    now: usize,
    /// Whether there ever was one.
    any: bool,
    kept: bool,
}

/// What the connections share.
struct Daemon {
    places: Places,
    clock: Clock,
    started: SystemTime,
    phase: watch::Sender<Phase>,
    users: watch::Sender<Users>,
    parts: Mutex<Option<Parts>>,
    stop: CancellationToken,
}

async fn serve(run: Run) -> Result<Hello> {
    let Run { workdir, options, keep } = run;
    let places = Places::new(&workdir, options.cache.clone()).map_err(|error| trouble(&workdir, &error))?;
    for dir in [&places.state, &places.log(), &places.cache] {
        fs::create_dir_all(dir).map_err(|error| trouble(dir, &error))?;
    }
    let Some(_lock) = take(&places).await? else {
        hello(&Hello::Taken);
        return Ok(Hello::Taken);
    };
    log_to(&places.log().join("sandbox.log"));
    control::end_forgotten(&places).await;
    // Whatever a crash left there is of no use.
    match fs::remove_dir_all(&places.run) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(trouble(&places.run, &error)),
        _ => {}
    }
    open_dir(&places.run).map_err(|error| trouble(&places.run, &error))?;
    let socket = places.control_socket();
    let listener = UnixListener::bind(&socket).map_err(|error| trouble(&socket, &error))?;
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o600)).map_err(|error| trouble(&socket, &error))?;
    let mut signals = Signals::new().map_err(|error| trouble(&socket, &error))?;
    hello(&Hello::Up);

    let daemon = Arc::new(Daemon {
        places,
        clock: Clock::new(),
        started: SystemTime::now(),
        phase: watch::Sender::new(Phase::Starting(None)),
        users: watch::Sender::new(Users { kept: keep, ..Users::default() }),
        parts: Mutex::new(None),
        stop: CancellationToken::new(),
    });
    let accepting = tokio::spawn(accept(listener, daemon.clone()));
    let starting = tokio::spawn({
        let daemon = daemon.clone();
        async move { daemon.start(&options).await }
    });
    daemon.last(&mut signals).await;
    tracing::info!("stopping");
    accepting.abort();
    let _ = fs::remove_file(&socket);
    // A start under way is given up; its children go with it.
    if matches!(*daemon.phase.borrow(), Phase::Starting(_)) {
        starting.abort();
    }
    let _ = starting.await;
    if let Some(parts) = daemon.parts.lock().await.take() {
        parts.stop().await;
    }
    let _ = fs::remove_file(daemon.places.sandbox_json());
    let _ = fs::remove_dir_all(&daemon.places.run);
    tracing::info!("stopped");
    Ok(Hello::Up)
}

/// The lock on the state; None when a sandbox that answers has it.
async fn take(places: &Places) -> Result<Option<Lock>> {
    let path = places.lock();
    let deadline = tokio::time::Instant::now() + HANDOVER;
    loop {
        if let Some(lock) = Lock::try_take(&path).map_err(|error| trouble(&path, &error))? {
            return Ok(Some(lock));
        }
        if UnixStream::connect(places.control_socket()).await.is_ok() {
            return Ok(None);
        }
        if tokio::time::Instant::now() > deadline {
            return Err(Problem::environment("another sandbox of this directory neither answers nor goes away")
                .hint(format!("look for it with `fuser {}`", path.display())));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn log_to(path: &Path) {
    if fs::metadata(path).is_ok_and(|meta| meta.len() > LOG_LIMIT) {
        let _ = fs::rename(path, path.with_extension("log.old"));
    }
    let Ok(file) = fs::OpenOptions::new().create(true).append(true).open(path) else { return };
    let filter = tracing_subscriber::EnvFilter::try_from_env("WORKSHOP_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(std::sync::Mutex::new(file))
        .try_init();
}

struct Signals {
    term: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    /// Taken so that a closed terminal does not end it.
    _hangup: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _hangup: signal(SignalKind::hangup())?,
        })
    }
}

impl Daemon {
    /// Returns when there is no reason to go on.
    async fn last(&self, signals: &mut Signals) {
        let mut users = self.users.subscribe();
        let mut phase = self.phase.subscribe();
        let first = tokio::time::sleep(FIRST_USER);
        tokio::pin!(first);
        let mut late = false;
        loop {
            let Users { now, any, kept } = *users.borrow_and_update();
            let failed = matches!(*phase.borrow_and_update(), Phase::Failed(_));
            // Nobody is left, and nobody is to come. A start that failed stays for whoever is to hear of it.
            if now == 0 && (any || late) && (!kept || failed) {
                return;
            }
            tokio::select! {
                _ = signals.term.recv() => return,
                _ = signals.interrupt.recv() => return,
                () = self.stop.cancelled() => return,
                _ = users.changed() => {}
                _ = phase.changed() => {}
                () = &mut first, if !late => late = true,
            }
        }
    }

    async fn start(&self, options: &Options) {
        let phase = self.phase.clone();
        let report = Report::new(move |step| {
            phase.send_if_modified(|phase| match phase {
                Phase::Starting(last) => {
                    *last = Some(step.clone());
                    true
                }
                Phase::Ready(_) | Phase::Failed(_) => false,
            });
        });
        let outcome = match Parts::start(&self.places, options, &self.clock, &report).await {
            Ok(parts) => {
                let variables = parts.access.variables();
                let described = state::write_json(&self.places.sandbox_json(), &self.describe(&parts));
                *self.parts.lock().await = Some(parts);
                described.map(|()| variables).map_err(|error| trouble(&self.places.sandbox_json(), &error))
            }
            Err(problem) => Err(problem),
        };
        let took = self.started.elapsed().unwrap_or_default();
        self.phase.send_replace(match outcome {
            Ok(variables) => {
                tracing::info!(?took, "ready");
                Phase::Ready(variables)
            }
            Err(problem) => {
                tracing::error!(%problem, "the start failed");
                Phase::Failed(problem)
            }
        });
    }

    fn describe(&self, parts: &Parts) -> Status {
        let users = *self.users.borrow();
        let saved = fs::read_dir(self.places.saved()).into_iter().flatten().flatten();
        let mut saved: Vec<String> = saved.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        saved.retain(|name| name_is_fine(name));
        saved.sort();
        Status {
            pid: std::process::id(),
            started: jiff::Timestamp::try_from(self.started).map(|time| format!("{time:.0}")).unwrap_or_default(),
            version: env!("CARGO_PKG_VERSION").into(),
            endpoint: parts.access.endpoint_url.clone(),
            dsql_port: parts.access.dsql_port,
            region: parts.access.region.clone(),
            account: parts.cloud.account(),
            postgres: parts.servers.version().into(),
            node: parts.node.clone(),
            ca: parts.access.ca.clone(),
            control: self.places.control_socket(),
            clusters: parts.cloud.clusters().into_iter().map(|cluster| cluster.endpoint).collect(),
            users: users.now,
            kept: users.kept,
            clock_offset_ms: self.clock.offset_ms(),
            saved,
        }
    }

    async fn answer(&self, request: Request) -> Result<Reply> {
        let parts = self.parts.lock().await;
        let parts = parts
            .as_ref()
            .ok_or_else(|| Problem::environment("the sandbox is still starting").hint("try again in a moment"))?;
        Ok(match request {
            Request::Status => Reply::Status(Box::new(self.describe(parts))),
            Request::Env => Reply::Ready(match parts.cloud.clusters().first() {
                Some(cluster) => parts.access.with_cluster(&cluster.endpoint, self.clock.now()),
                None => parts.access.variables(),
            }),
            Request::Advance(by) => Reply::Clock(self.clock.advance_ms(by)),
            Request::SetClock(to) => {
                self.clock.set_offset_ms(to);
                Reply::Clock(to)
            }
            Request::Save(name) => {
                parts.save(&self.places, &name).await?;
                Reply::Done
            }
            Request::Restore(name) => {
                parts.restore(&self.places, &name).await?;
                Reply::Done
            }
            Request::Hold | Request::Keep { .. } | Request::Stop => Reply::Done,
        })
    }
}

async fn accept(listener: UnixListener, daemon: Arc<Daemon>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Ends with its client, or with the process: a client sees the end in its connection's.
        tokio::spawn(connection(stream, daemon.clone()));
    }
}

async fn connection(stream: UnixStream, daemon: Arc<Daemon>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let reply = match serde_json::from_str(&line) {
            Ok(Request::Hold) => {
                let _user = User::new(&daemon);
                if until_ready(&daemon, &mut writer).await {
                    until_closed(lines).await;
                }
                return;
            }
            Ok(Request::Keep { port }) => {
                let _user = User::new(&daemon);
                if let Err(problem) = daemon.same_port(port).await {
                    let _ = send(&mut writer, &Reply::Problem(problem)).await;
                } else {
                    daemon.users.send_modify(|users| users.kept = true);
                    until_ready(&daemon, &mut writer).await;
                }
                return;
            }
            Ok(Request::Stop) => {
                daemon.stop.cancel();
                std::future::pending().await
            }
            Ok(request) => daemon.answer(request).await.unwrap_or_else(Reply::Problem),
            Err(error) => Reply::Problem(Problem::usage(format!("the sandbox does not understand: {error}"))),
        };
        if !send(&mut writer, &reply).await {
            return;
        }
    }
}

impl Daemon {
    /// A running sandbox does not move to another port.
    async fn same_port(&self, wanted: Option<u16>) -> Result<()> {
        let parts = self.parts.lock().await;
        match (wanted, parts.as_ref()) {
            (Some(wanted), Some(parts)) if parts.port != wanted => {
                Err(Problem::usage(format!("the sandbox runs already, on port {}", parts.port))
                    .hint("stop it first with `workshop sandbox stop`"))
            }
            _ => Ok(()),
        }
    }
}

/// Counts one user for as long as it lives.
struct User {
    users: watch::Sender<Users>,
}

impl User {
    fn new(daemon: &Daemon) -> User {
        daemon.users.send_modify(|users| {
            users.now += 1;
            users.any = true;
        });
        User { users: daemon.users.clone() }
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.users.send_modify(|users| users.now -= 1);
    }
}

/// Passes progress on until the start is over; false when it failed or the client went away.
async fn until_ready(daemon: &Daemon, writer: &mut OwnedWriteHalf) -> bool {
    let mut phase = daemon.phase.subscribe();
    loop {
        let now = phase.borrow_and_update().clone();
        let (reply, over) = match now {
            Phase::Starting(None) => (None, None),
            Phase::Starting(Some(step)) => (Some(Reply::Progress(step)), None),
            Phase::Ready(variables) => (Some(Reply::Ready(variables)), Some(true)),
            Phase::Failed(problem) => (Some(Reply::Failed(problem)), Some(false)),
        };
        if let Some(reply) = reply
            && !send(writer, &reply).await
        {
            return false;
        }
        if let Some(over) = over {
            return over;
        }
        if phase.changed().await.is_err() {
            return false;
        }
    }
}

async fn until_closed(mut lines: tokio::io::Lines<BufReader<OwnedReadHalf>>) {
    while let Ok(Some(_)) = lines.next_line().await {}
}

async fn send(writer: &mut OwnedWriteHalf, reply: &Reply) -> bool {
    let mut line = serde_json::to_vec(reply).expect("a reply is plain data");
    line.push(b'\n');
    writer.write_all(&line).await.is_ok()
}

/// A sandbox that is up.
struct Parts {
    access: Access,
    /// Of the endpoint.
    port: u16,
    node: String,
    cloud: Arc<Cloud>,
    lambda: Lambda,
    servers: Servers,
    endpoint: (CancellationToken, JoinHandle<()>),
    proxy: (CancellationToken, JoinHandle<()>),
}

/// The ports of the last run: what was exported to a shell stays true as long as they are free.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Ports {
    endpoint: u16,
    dsql: u16,
}

impl Parts {
    async fn start(places: &Places, options: &Options, clock: &Clock, report: &Report) -> Result<Parts> {
        let file = places.state.join("ports.json");
        let last: Ports = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let endpoint = match options.port {
            Some(port) => bind(port).await.map_err(|error| port_problem(port, &error))?,
            None => bind_or_any(last.endpoint).await?,
        };
        let proxy = bind_or_any(last.dsql).await?;
        let ports = Ports { endpoint: port_of(&endpoint)?, dsql: port_of(&proxy)? };
        state::write_json(&file, &ports).map_err(|error| trouble(&file, &error))?;
        let region = region(places, options.region.as_deref())?;
        let tls_dir = places.state.join("tls");
        let tls = tls::prepare(&tls_dir, &region, SystemTime::now()).map_err(|error| trouble(&tls_dir, &error))?;
        let preload = places.state.join(env::PRELOAD);
        fs::write(&preload, lambda::PRELOAD).map_err(|error| trouble(&preload, &error))?;

        let spawner = Spawner::new(options.exe.clone()).map_err(|error| trouble(&options.exe, &error))?;
        let endpoint_url = format!("http://127.0.0.1:{}", ports.endpoint);
        let (node, servers, lambda) = tokio::try_join!(
            node_version(),
            databases(places, &spawner, report),
            functions(lambda::Config {
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
        lambda.set_issuer(cloud.clone());
        servers.prepare_spare();

        let credential = cloud.user_credential();
        let access = Access {
            region,
            endpoint_url,
            access_key_id: credential.access_key_id,
            secret_access_key: credential.secret_access_key,
            dsql_port: ports.dsql,
            ca: tls.ca,
            state: places.state.clone(),
        };
        let (endpoint_stop, proxy_stop) = (CancellationToken::new(), CancellationToken::new());
        let serving = tokio::spawn({
            let (cloud, stop) = (cloud.clone(), endpoint_stop.clone());
            async move {
                if let Err(error) = cloud.serve(endpoint, stop).await {
                    tracing::error!(%error, "the endpoint has ended");
                }
            }
        });
        let proxying = tokio::spawn(dsql::serve(
            proxy,
            tls.server,
            cloud.clone(),
            databases,
            clock.reader(),
            Pace::default(),
            proxy_stop.clone(),
        ));
        Ok(Parts {
            access,
            port: ports.endpoint,
            node,
            cloud,
            lambda,
            servers,
            endpoint: (endpoint_stop, serving),
            proxy: (proxy_stop, proxying),
        })
    }

    /// Endpoint, functions, proxy, PostgreSQL: nobody loses what they still stand on.
    async fn stop(self) {
        let Parts { cloud, lambda, servers, endpoint, proxy, .. } = self;
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
        end(proxy, "the proxy").await;
        servers.shutdown().await;
    }

    async fn save(&self, places: &Places, name: &str) -> Result<()> {
        self.quiet(name)?;
        let (to, beside) = (places.saved().join(name), places.saved().join(".making"));
        clear(&beside)?;
        fs::create_dir_all(&beside).map_err(|error| trouble(&beside, &error))?;
        self.cloud.save().map_err(Problem::environment)?;
        self.servers.save(&beside.join("postgres")).await?;
        copy(&places.cloud(), &beside.join("cloud")).map_err(|error| trouble(&beside, &error))?;
        clear(&to)?;
        fs::rename(&beside, &to).map_err(|error| trouble(&to, &error))
    }

    async fn restore(&self, places: &Places, name: &str) -> Result<()> {
        self.quiet(name)?;
        let from = places.saved().join(name);
        if !from.is_dir() {
            return Err(Problem::usage(format!("nothing is saved as `{name}`"))
                .hint("`workshop sandbox status` lists what is saved"));
        }
        let (cloud, beside) = (places.cloud(), places.state.join("cloud.making"));
        clear(&beside)?;
        copy(&from.join("cloud"), &beside).map_err(|error| trouble(&beside, &error))?;
        self.servers.restore(&from.join("postgres")).await?;
        clear(&cloud)?;
        fs::rename(&beside, &cloud).map_err(|error| trouble(&cloud, &error))?;
        self.cloud.reload().await.map_err(Problem::environment)?;
        self.servers.prepare_spare();
        Ok(())
    }

    /// Only a state that stands still can be saved or replaced.
    fn quiet(&self, name: &str) -> Result<()> {
        if !name_is_fine(name) {
            return Err(Problem::usage(format!("`{name}` is no name for a saved state"))
                .hint("use letters, digits, dots, dashes and underscores"));
        }
        if self.cloud.busy() {
            return Err(Problem::environment("a stack operation is under way").hint("wait until it has ended"));
        }
        Ok(())
    }
}

fn name_is_fine(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && name.len() <= 64 && !name.starts_with('.') && name.chars().all(plain)
}

fn clear(dir: &Path) -> Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(trouble(dir, &error)),
        _ => Ok(()),
    }
}

/// A directory of plain files and directories.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

async fn databases(places: &Places, spawner: &Spawner, report: &Report) -> Result<Servers> {
    let config = postgres::Config {
        cache: places.cache.clone(),
        data: places.postgres(),
        run: places.run.clone(),
        log: places.log().join("postgres.log"),
        spawner: spawner.clone(),
    };
    Ok(Servers::open(config, report).await?)
}

async fn functions(config: lambda::Config) -> Result<Lambda> {
    let run = config.run.clone();
    Lambda::start(config).await.map_err(|error| trouble(&run, &error))
}

/// The installed Node.js, which functions and the CDK need.
async fn node_version() -> Result<String> {
    let install = "install Node.js 20 or newer, with npm, from https://nodejs.org";
    let output = tokio::process::Command::new("node").arg("--version").output().await;
    let output =
        output.map_err(|error| Problem::environment(format!("Node.js was not found ({error})")).hint(install))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_string();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u64>().ok());
    match major {
        Some(major) if major >= OLDEST_NODE => Ok(version),
        Some(_) => Err(Problem::environment(format!("Node.js {version} is too old")).hint(install)),
        None => Err(Problem::environment("`node --version` did not answer").hint(install)),
    }
}

/// The region of the state, which stays what it was first.
fn region(places: &Places, wanted: Option<&str>) -> Result<String> {
    let file = places.state.join("region");
    match (fs::read_to_string(&file), wanted) {
        (Ok(given), Some(wanted)) if given.trim() != wanted => {
            Err(Problem::usage(format!("this sandbox is in {}, not in {wanted}", given.trim()))
                .hint("leave --region out, or start anew with `workshop sandbox reset`"))
        }
        (Ok(given), _) => Ok(given.trim().to_string()),
        (Err(_), wanted) => {
            let region = wanted.unwrap_or(REGION).to_string();
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if region.is_empty() || !region.chars().all(plain) {
                return Err(Problem::usage(format!("`{region}` is no region")).hint("write it like us-east-1"));
            }
            state::write_private(&file, region.as_bytes()).map_err(|error| trouble(&file, &error))?;
            Ok(region)
        }
    }
}

async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", port)).await
}

async fn bind_or_any(last: u16) -> Result<TcpListener> {
    match bind(last).await {
        Ok(listener) => Ok(listener),
        Err(_) => bind(0).await.map_err(|error| port_problem(0, &error)),
    }
}

fn port_of(listener: &TcpListener) -> Result<u16> {
    listener.local_addr().map(|address| address.port()).map_err(|error| port_problem(0, &error))
}

fn port_problem(port: u16, error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::AddrInUse => Problem::environment(format!("port {port} is taken"))
            .hint("stop what listens there, or leave --port out to get a free one"),
        io::ErrorKind::PermissionDenied => Problem::environment(format!("port {port} is not for ordinary programs"))
            .hint("use a port above 1023, or leave --port out"),
        _ => Problem::environment(format!("127.0.0.1:{port} cannot be listened on: {error}")).hint("try again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_survives_the_command_line() {
        let options =
            Options { exe: "/x".into(), cache: "/c d".into(), region: Some("eu-west-1".into()), port: Some(8080) };
        for (options, keep) in [(options.clone(), true), (Options { region: None, port: None, ..options }, false)] {
            let run = Run { workdir: "/w".into(), options, keep };
            assert_eq!(Run::parse("/x".into(), run.to_args()), Some(run));
        }
        assert_eq!(Run::parse("/x".into(), ["/w", "/c", "--port"].map(OsString::from)), None);
    }

    #[test]
    fn names_of_saved_states_are_file_names() {
        assert!(name_is_fine("chapter-3"));
        for wrong in ["", ".making", "../x", "a/b", "ä"] {
            assert!(!name_is_fine(wrong), "{wrong}");
        }
    }
}

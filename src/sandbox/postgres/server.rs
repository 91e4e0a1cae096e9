//! One running PostgreSQL server: started, watched, stopped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::oneshot;

use super::account::ServerAccount;
use super::admin;
use super::install::Binaries;
use super::types::{DATABASE, PORT, PgError};
use crate::child::DeathSignal;
use crate::interfaces::PgServer;
use crate::launch::{Launch, Running, Spawner};
use workshop_base::bounded_log::BoundedLog;

/// The server's words once it takes connections.
const READY: &str = "database system is ready to accept connections";
/// A start takes 30 ms; recovery after a crash some more.
const START_LIMIT: Duration = Duration::from_secs(30);
const FAST_STOP: Duration = Duration::from_secs(5);
const IMMEDIATE_STOP: Duration = Duration::from_secs(6);
/// Bytes of the servers' log before it is set aside: every statement that fails leaves a line.
const LOG_LIMIT: u64 = 8 << 20;
/// Lines of the log kept for the message about a failed start.
const KEPT_LINES: usize = 8;

#[derive(Debug)]
pub struct PostgresServer {
    running: Running,
    socket_dir: PathBuf,
    data: PathBuf,
    superuser: &'static str,
    port: u16,
}

/// The places of one server.
#[derive(Debug, Clone)]
pub struct ServerSite {
    pub data: PathBuf,
    pub socket_dir: PathBuf,
    pub log: PathBuf,
    pub superuser: &'static str,
    /// The port on loopback; None: it is reached through its socket alone.
    pub port: Option<u16>,
}

impl PostgresServer {
    /// Starts the server on existing data and returns once it takes connections.
    ///
    /// # Errors
    /// When it ends instead of taking connections, with its last lines, or takes longer than half a minute.
    pub async fn start(
        site: &ServerSite,
        binaries: &Binaries,
        account: ServerAccount,
        spawner: &Spawner,
    ) -> Result<PostgresServer, PgError> {
        clear_leftover(&site.data).await;
        account.private_dir(&site.socket_dir).map_err(|e| PgError::io(&site.socket_dir, e))?;
        let mut log = BoundedLog::open(&site.log, LOG_LIMIT).map_err(|e| PgError::io(&site.log, e))?;
        let port = site.port.unwrap_or(PORT);
        let listen = ["-c", if site.port.is_some() { "listen_addresses=127.0.0.1" } else { "listen_addresses=" }];
        let mut running = spawner
            .start(Launch {
                program: binaries.bin.join("postgres"),
                args: ["-D".into(), site.data.clone().into_os_string(), "-k".into(), site.socket_dir.clone().into()]
                    .into_iter()
                    .chain(["-p".into(), port.to_string().into()])
                    .chain(listen.map(Into::into))
                    .collect(),
                env: admin::server_env(),
                dir: site.data.clone(),
                user: account.switch(),
                signal: DeathSignal::Quit,
                stdout: Stdio::null(),
                stderr: Stdio::piped(),
            })
            .await
            .map_err(|e| PgError::io(&binaries.bin, e))?;
        let stderr = running.stderr();
        let (ready, started) = oneshot::channel();
        let (last, said) = oneshot::channel();
        // Ends by itself with the server, which holds the other end of the pipe.
        tokio::spawn(async move {
            let mut ready = Some(ready);
            let mut kept: Vec<String> = Vec::new();
            let Some(stderr) = stderr else { return };
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                log.add(&format!("{line}\n"));
                if line.contains(READY)
                    && let Some(ready) = ready.take()
                {
                    let _ = ready.send(());
                }
                if ready.is_some() {
                    kept.push(line);
                    if kept.len() > KEPT_LINES {
                        kept.remove(0);
                    }
                }
            }
            let _ = last.send(kept.join("; "));
        });
        match tokio::time::timeout(START_LIMIT, started).await {
            Ok(Ok(())) => Ok(PostgresServer {
                running,
                socket_dir: site.socket_dir.clone(),
                data: site.data.clone(),
                superuser: site.superuser,
                port,
            }),
            Ok(Err(_)) => Err(PgError::Start(said.await.unwrap_or_default())),
            Err(_) => Err(PgError::Start(format!("not ready after {} seconds", START_LIMIT.as_secs()))),
        }
    }

    /// Returns how it is reached.
    pub fn address(&self) -> PgServer {
        PgServer {
            socket_dir: self.socket_dir.clone(),
            port: self.port,
            superuser: self.superuser.into(),
            database: DATABASE.into(),
            data: self.data.clone(),
        }
    }

    /// Tells if its process has ended.
    pub fn ended(&mut self) -> bool {
        self.running.ended()
    }

    /// Returns the id of its first process.
    pub fn pid(&self) -> i32 {
        self.running.pid()
    }

    /// Ends sessions, writes everything out, stops.
    pub async fn stop(mut self) {
        for (signal, limit) in [(Signal::INT, FAST_STOP), (Signal::QUIT, IMMEDIATE_STOP)] {
            self.running.signal(signal);
            if tokio::time::timeout(limit, self.running.wait()).await.is_ok() {
                return;
            }
        }
        self.running.kill();
        let _ = self.running.wait().await;
    }

    /// Stops without writing anything out: its data is to be deleted.
    pub async fn abandon(mut self) {
        self.running.signal(Signal::QUIT);
        if tokio::time::timeout(IMMEDIATE_STOP, self.running.wait()).await.is_err() {
            self.running.kill();
            let _ = self.running.wait().await;
        }
    }
}

/// After a crash of the sandbox its server is going down or, where the kernel has no tie, still up;
/// or its number belongs to somebody else by now, which PostgreSQL would take for itself.
async fn clear_leftover(data: &Path) {
    let lock = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&lock) else { return };
    let Some(pid) = text.lines().next().and_then(|line| line.trim().parse().ok()).and_then(Pid::from_raw) else {
        return;
    };
    let mut asked = false;
    for _ in 0..1_000 {
        if !is_server_of(pid, data).await {
            let _ = fs::remove_file(&lock);
            return;
        }
        if !asked {
            let _ = rustix::process::kill_process(pid, Signal::QUIT);
            asked = true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let _ = rustix::process::kill_process(pid, Signal::KILL);
}

/// Tells if this process is a server on this directory, by its command line.
async fn is_server_of(pid: Pid, data: &Path) -> bool {
    let pid = pid.as_raw_nonzero().get();
    let command = if cfg!(target_os = "linux") {
        fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
    } else {
        let ps = tokio::process::Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output().await;
        ps.map(|output| output.stdout).unwrap_or_default()
    };
    String::from_utf8_lossy(&command).contains(&*data.to_string_lossy())
}

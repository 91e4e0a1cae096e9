//! The sandbox as a process of its own, with one cluster: what can be killed, and whose memory can be read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_sdk_dsql::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use workshop_sandbox::control::{self, SandboxOptions};

use super::ledger::{self, Plan, Tally};
use super::raw::Raw;

/// How the SDKs' clients reach it.
pub fn http() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(aws_smithy_http_client::tls::Provider::Rustls(
            aws_smithy_http_client::tls::rustls_provider::CryptoMode::Ring,
        ))
        .build_https()
}

pub struct Real {
    dir: tempfile::TempDir,
    options: SandboxOptions,
}

impl Real {
    /// Starts it without a cluster.
    pub async fn empty() -> Real {
        let dir = tempfile::tempdir().expect("a directory");
        let options = SandboxOptions {
            exe: crate::support::exe(),
            cache: crate::support::cache(),
            region: None,
            port: None,
            database_port: None,
            kind: Default::default(),
            background: false,
        };
        let real = Real { dir, options };
        real.up().await;
        real
    }

    pub async fn start() -> Real {
        let real = Real::empty().await;
        let env = real.env().await;
        let keys = Credentials::new(&env["AWS_ACCESS_KEY_ID"], &env["AWS_SECRET_ACCESS_KEY"], None, None, "test");
        let config = aws_sdk_dsql::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(env["AWS_REGION"].clone()))
            .endpoint_url(&env["AWS_ENDPOINT_URL"])
            .credentials_provider(keys)
            .http_client(http())
            .build();
        aws_sdk_dsql::Client::from_conf(config).create_cluster().send().await.expect("a cluster");
        real
    }

    /// The variables that reach it.
    pub async fn env(&self) -> BTreeMap<String, String> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match control::env(self.dir.path(), &self.options).await {
                Ok(env) => return env,
                Err(problem) => assert!(Instant::now() < deadline, "{problem}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Starts it, or finds it running.
    pub async fn up(&self) {
        control::start(self.dir.path(), &self.options, |_| {}).await.expect("started");
    }

    /// A new connection as admin, once there is somebody to connect to.
    pub async fn connect(&self) -> Raw {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(raw) = self.try_connect().await {
                return raw;
            }
            assert!(Instant::now() < deadline, "the sandbox does not come back");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn try_connect(&self) -> Option<Raw> {
        let env = control::env(self.dir.path(), &self.options).await.ok()?;
        let (host, password) = (env.get("PGHOST")?, env.get("PGPASSWORD")?);
        let ca = CertificateDer::from_pem_file(&env["PGSSLROOTCERT"]).ok()?;
        let address = format!("{}:{}", env["PGHOSTADDR"], env["PGPORT"]).parse().ok()?;
        Raw::to(address, &ca, host, "admin", password).await.ok()
    }

    pub async fn pid(&self) -> i32 {
        self.try_pid().await.expect("running")
    }

    pub async fn try_pid(&self) -> Option<i32> {
        let status = control::status(self.dir.path(), &self.options).await.ok()??;
        i32::try_from(status.pid).ok()
    }

    pub async fn kill(&self) {
        let pid = self.pid().await;
        kill_process(Pid::from_raw(pid).expect("a pid"), Signal::KILL).expect("killed");
        crate::support::until("it is gone", || !crate::support::alive(pid)).await;
    }

    #[allow(dead_code, reason = "measured by the benchmark")]
    /// Resident memory of the proxy's process now, and at its peak, in KiB.
    pub async fn memory(&self) -> (u64, u64) {
        memory_of(self.pid().await)
    }

    pub async fn end(self) {
        control::stop(self.dir.path(), &self.options).await.expect("stopped");
        control::reset(self.dir.path(), &self.options).await.expect("reset");
    }
}

/// Resident memory of a process now, and at its peak, in KiB; nothing of one that is gone.
pub fn memory_of(pid: i32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let of = |name: &str| status.lines().find_map(|l| l.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
    (of("VmRSS:").unwrap_or(0), of("VmHWM:").unwrap_or(0))
}

/// A test that fails must not leave a sandbox behind.
impl Drop for Real {
    fn drop(&mut self) {
        let text = std::fs::read(self.dir.path().join(".workshop/sandbox/sandbox.json")).unwrap_or_default();
        if let Ok(status) = serde_json::from_slice::<control::SandboxStatus>(&text)
            && let Some(pid) = i32::try_from(status.pid).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

/// Twenty workers transfer money for so long; so often meanwhile the sandbox is killed and started again. Panics if
/// anything was lost or done twice; what happened, in a line.
pub async fn transfers(rows: u64, time: Duration, kills: u32) -> String {
    let real = Real::start().await;
    let mut raw = real.connect().await;
    ledger::prepare(&mut raw, rows).await;
    let plan = Plan { rows, idle: Duration::ZERO, until: Instant::now() + time, noted: true };
    let workers = futures::future::join_all((0..20).map(|w| ledger::worker(w, plan, async || real.connect().await)));
    let killer = async {
        let mut back = Duration::ZERO;
        for _ in 0..kills {
            tokio::time::sleep(time / (kills + 1)).await;
            real.kill().await;
            let began = Instant::now();
            real.up().await;
            back = back.max(began.elapsed());
        }
        back
    };
    let (tallies, back) = tokio::join!(workers, killer);
    let mut total = Tally::default();
    tallies.into_iter().for_each(|tally| total.add(tally));
    let mut raw = real.connect().await;
    assert!(total.commits > 0);
    assert_eq!(total.lost > 0, kills > 0, "{total:?}");
    ledger::balance(&mut raw, rows, &total, true).await;
    real.end().await;
    let again = match kills {
        0 => String::new(),
        _ => format!("; killed {kills} times, {} connections made again, back within {back:?}", total.lost),
    };
    format!(
        "{} commits, {} conflicts in {time:?}, slowest statement {:?}{again}",
        total.commits, total.conflicts, total.slowest
    )
}

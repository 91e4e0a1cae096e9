//! What the connections of a running sandbox share: where its start is, who uses it, and when it ends.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::replacing::name_is_fine;
use super::running::RunningServices;
use super::services::GRACE;
use crate::clock::SandboxClock;
use crate::control::protocol::{ControlReply, ControlRequest};
use crate::control::{SandboxOptions, SandboxStatus};
use crate::interfaces::{Authority, ClusterInfo};
use crate::progress::{ProgressSink, StartProgress};
use crate::state::{self, SandboxPaths, path_problem};
use workshop_base::problem::{Problem, Result};
use workshop_dsql::conditions::{Conditions, SandboxConditions};

/// Whoever started it has this long to connect.
const FIRST_USER: Duration = Duration::from_secs(20);
/// Milliseconds that the clock may be moved: what comes after the year 9999 has no date in AWS's formats.
const FARTHEST_MS: i64 = 10 * 365 * 86_400_000;

/// The pause between two tries to put it under conditions.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

#[derive(Debug, Clone)]
pub(super) enum StartPhase {
    Starting(Option<StartProgress>),
    Ready(BTreeMap<String, String>),
    Failed(Problem),
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Users {
    pub(super) now: usize,
    /// There was one, some time.
    pub(super) any: bool,
    pub(super) kept: bool,
}

/// Shared by the connections.
pub(super) struct Daemon {
    pub(super) places: SandboxPaths,
    pub(super) clock: SandboxClock,
    pub(super) started: SystemTime,
    pub(super) phase: watch::Sender<StartPhase>,
    pub(super) users: watch::Sender<Users>,
    pub(super) services: Mutex<Option<RunningServices>>,
    pub(super) stop: CancellationToken,
}

pub(super) struct Signals {
    term: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    /// Taken so that a closed terminal does not end it.
    _hangup: tokio::signal::unix::Signal,
}

impl Signals {
    /// Begins to take signals.
    ///
    /// # Errors
    /// When the process may handle none.
    pub(super) fn new() -> io::Result<Signals> {
        Ok(Signals {
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _hangup: signal(SignalKind::hangup())?,
        })
    }
}
impl Daemon {
    /// Returns when there is no reason to go on.
    pub(super) async fn last(&self, signals: &mut Signals) {
        let mut users = self.users.subscribe();
        let mut phase = self.phase.subscribe();
        let first = tokio::time::sleep(FIRST_USER);
        tokio::pin!(first);
        let mut late = false;
        loop {
            let Users { now, any, kept } = *users.borrow_and_update();
            let failed = matches!(*phase.borrow_and_update(), StartPhase::Failed(_));
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

    /// Brings the services up, and tells those who wait how that ended.
    pub(super) async fn start(&self, options: &SandboxOptions) {
        let phase = self.phase.clone();
        let report = ProgressSink::new(move |step| {
            phase.send_if_modified(|phase| match phase {
                StartPhase::Starting(last) => {
                    *last = Some(step.clone());
                    true
                }
                StartPhase::Ready(_) | StartPhase::Failed(_) => false,
            });
        });
        let outcome = match RunningServices::start(&self.places, options, &self.clock, &report).await {
            Ok(services) => {
                let variables = services.variables();
                let described = state::write_json(&self.places.sandbox_json(), &self.describe(&services));
                *self.services.lock().await = Some(services);
                described.map(|()| variables).map_err(|error| path_problem(&self.places.sandbox_json(), &error))
            }
            Err(problem) => Err(problem),
        };
        let took = self.started.elapsed().unwrap_or_default();
        self.phase.send_replace(match outcome {
            Ok(variables) => {
                tracing::info!(?took, "ready");
                StartPhase::Ready(variables)
            }
            Err(problem) => {
                tracing::error!(%problem, "the start failed");
                StartPhase::Failed(problem)
            }
        });
    }

    fn describe(&self, services: &RunningServices) -> SandboxStatus {
        let users = *self.users.borrow();
        let saved = fs::read_dir(self.places.saved()).into_iter().flatten().flatten();
        let mut saved: Vec<String> = saved.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        saved.retain(|name| name_is_fine(name));
        saved.sort();
        let now = SandboxStatus {
            pid: std::process::id(),
            started: jiff::Timestamp::try_from(self.started).map(|time| format!("{time:.0}")).unwrap_or_default(),
            version: env!("CARGO_PKG_VERSION").into(),
            control: self.places.control_socket(),
            users: users.now,
            kept: users.kept,
            clock_offset_ms: self.clock.offset_ms(),
            saved,
            ..SandboxStatus::default()
        };
        services.describe(now)
    }

    /// Answers one request of a client.
    ///
    /// # Errors
    /// When the sandbox is still starting, or the request is refused.
    pub(super) async fn answer(&self, request: ControlRequest) -> Result<ControlReply> {
        let services = self.services.lock().await;
        let running = services
            .as_ref()
            .ok_or_else(|| Problem::environment("the sandbox is still starting").hint("try again in a moment"))?;
        let services = match running {
            RunningServices::Cloud(services) => services,
            RunningServices::Database(database) => {
                return match request {
                    ControlRequest::Status => Ok(ControlReply::Status(Box::new(self.describe(running)))),
                    ControlRequest::Env => Ok(ControlReply::Ready(database.variables())),
                    ControlRequest::Hold | ControlRequest::Keep { .. } | ControlRequest::Stop => Ok(ControlReply::Done),
                    ControlRequest::Advance(_)
                    | ControlRequest::SetClock(_)
                    | ControlRequest::Save(_)
                    | ControlRequest::Restore(_)
                    | ControlRequest::Simulate(_)
                    | ControlRequest::Clear => Err(of_database_alone()),
                };
            }
        };
        Ok(match request {
            ControlRequest::Status => ControlReply::Status(Box::new(self.describe(running))),
            ControlRequest::Env => ControlReply::Ready(match nearest(&services.cloud.clusters()) {
                Some(cluster) => services.access.with_cluster(&cluster.endpoint, SystemTime::now()),
                None => services.access.variables(),
            }),
            ControlRequest::Advance(by) => {
                self.may_move(by)?;
                let offset = self.clock.advance_ms(by);
                self.clock.settled().await;
                ControlReply::Clock(offset)
            }
            ControlRequest::SetClock(to) => {
                self.clock.set_offset_ms(to);
                ControlReply::Clock(to)
            }
            ControlRequest::Save(name) => {
                services.save(&self.places, &name).await?;
                ControlReply::Done
            }
            ControlRequest::Restore(name) => {
                services.restore(&self.places, &name).await?;
                ControlReply::Done
            }
            ControlRequest::Clear => {
                services.clear(&self.places).await?;
                ControlReply::Done
            }
            ControlRequest::Hold | ControlRequest::Keep { .. } | ControlRequest::Simulate(_) | ControlRequest::Stop => {
                ControlReply::Done
            }
        })
    }

    /// Puts the sandbox under conditions until what this returns is dropped.
    ///
    /// # Errors
    /// When the sandbox is still starting, when somebody else has set some, and when the clock would go too far.
    pub(super) async fn simulate(&self, wanted: &SandboxConditions) -> Result<HeldConditions> {
        let conditions = {
            let services = self.services.lock().await;
            let starting = || Problem::environment("the sandbox is still starting").hint("try again in a moment");
            match services.as_ref().ok_or_else(starting)? {
                RunningServices::Cloud(services) => services.cloud.conditions(),
                RunningServices::Database(_) => return Err(of_database_alone()),
            }
        };
        self.may_move(wanted.clock_ms)?;
        // Those of whoever has just hung up are about to end.
        let soon = tokio::time::Instant::now() + GRACE;
        while !conditions.begin(wanted) {
            if tokio::time::Instant::now() < soon {
                tokio::time::sleep(LOOK_AGAIN).await;
                continue;
            }
            return Err(Problem::usage("somebody else has put the sandbox under conditions already")
                .hint("they end with the step that set them, or with that workshop"));
        }
        let before_ms = self.clock.offset_ms();
        let held = HeldConditions { conditions, clock: self.clock.clone(), moved: wanted.clock_ms != 0, before_ms };
        if held.moved {
            self.clock.advance_ms(wanted.clock_ms);
            self.clock.settled().await;
        }
        Ok(held)
    }

    fn may_move(&self, by_ms: i64) -> Result<()> {
        if self.clock.offset_ms().saturating_add(by_ms).saturating_abs() > FARTHEST_MS {
            return Err(Problem::usage("the sandbox's clock stays within ten years of this machine's")
                .hint("move it less far, or set it right again with `workshop sandbox clock 0`"));
        }
        Ok(())
    }

    /// Refuses other ports than a running sandbox has: it does not move.
    ///
    /// # Errors
    /// When it runs on another port.
    pub(super) async fn same_ports(&self, endpoint: Option<u16>, database: Option<u16>) -> Result<()> {
        let services = self.services.lock().await;
        let Some(services) = services.as_ref() else { return Ok(()) };
        for (wanted, port, what) in
            [(endpoint, services.endpoint_port(), "on"), (database, services.database_port(), "its database on")]
        {
            if wanted.is_some_and(|wanted| wanted != port) {
                return Err(Problem::usage(format!("the sandbox runs already, {what} port {port}"))
                    .hint("stop it first with `workshop sandbox stop`"));
            }
        }
        Ok(())
    }
}

/// Conditions that hold until this is dropped.
pub(super) struct HeldConditions {
    conditions: Conditions,
    clock: SandboxClock,
    moved: bool,
    before_ms: i64,
}

impl Drop for HeldConditions {
    fn drop(&mut self) {
        self.conditions.end();
        if self.moved {
            self.clock.set_offset_ms(self.before_ms);
        }
    }
}

/// Returns the cluster that a person most likely means: the newest that takes connections, else the newest that may come to.
fn nearest(newest_first: &[ClusterInfo]) -> Option<&ClusterInfo> {
    let of_status = |status: &str| newest_first.iter().find(|cluster| cluster.status == status);
    of_status("ACTIVE").or_else(|| newest_first.iter().find(|cluster| cluster.status != "FAILED"))
}

/// Says that a database without the cloud cannot do something.
fn of_database_alone() -> Problem {
    Problem::usage("a database on its own has no such thing").hint("ask the sandbox instead")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_that_has_failed_is_named_to_nobody() {
        let cluster = |identifier: &str, status: &str| ClusterInfo {
            identifier: identifier.into(),
            arn: String::new(),
            region: "us-east-1".into(),
            endpoint: format!("{identifier}.dsql.us-east-1.on.aws"),
            status: status.into(),
        };
        let named = |statuses: &[&str]| {
            let clusters: Vec<_> =
                statuses.iter().zip(["a", "b", "c"]).map(|(status, id)| cluster(id, status)).collect();
            nearest(&clusters).map(|cluster| cluster.identifier.clone())
        };
        assert_eq!(named(&["FAILED", "CREATING", "ACTIVE"]).as_deref(), Some("c"));
        assert_eq!(named(&["FAILED", "CREATING"]).as_deref(), Some("b"));
        assert_eq!(named(&["FAILED"]), None);
    }
}

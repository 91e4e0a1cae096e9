//! The sandbox as the engine directs it: the conditions that it is put under.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use workshop_base::problem::Result;
use workshop_course::lesson::model::{FaultKind, LimitSet, SimulateAction};
use workshop_dsql::conditions::{ConnectionLimits, SandboxConditions, SandboxFault};
use workshop_engine::cloud::{BoxFuture, HeldConditions, TargetControls};
use workshop_sandbox::control::{self, SandboxOptions, Simulation};

/// Directs the sandbox of a working directory.
pub struct SandboxControls {
    workdir: PathBuf,
    options: SandboxOptions,
}

impl SandboxControls {
    /// Makes what directs the sandbox of a working directory.
    pub fn new(workdir: &Path, options: &SandboxOptions) -> SandboxControls {
        SandboxControls { workdir: workdir.to_owned(), options: options.clone() }
    }
}

impl TargetControls for SandboxControls {
    fn simulate(&self, conditions: SimulateAction) -> BoxFuture<'_, Result<Box<dyn HeldConditions>>> {
        Box::pin(async move {
            let held = control::simulate(&self.workdir, &self.options, wanted(&conditions)).await?;
            Ok(Box::new(Held(held)) as Box<dyn HeldConditions>)
        })
    }
}

struct Held(Simulation);

impl HeldConditions for Held {
    fn end(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.0.end())
    }
}

/// What a lesson wants, in the sandbox's words.
fn wanted(conditions: &SimulateAction) -> SandboxConditions {
    let fault = |fault: &FaultKind| match fault {
        FaultKind::WakingUp => SandboxFault::WakingUp,
        FaultKind::LostBeforeCommit => SandboxFault::LostBeforeCommit,
        FaultKind::LostAfterCommit => SandboxFault::LostAfterCommit,
        FaultKind::Throttled => SandboxFault::Throttled,
    };
    let limits = |limits: LimitSet| {
        let usual = ConnectionLimits::default();
        ConnectionLimits {
            at_once: limits.connections.unwrap_or(usual.at_once),
            per_second: limits.connections_per_second.unwrap_or(usual.per_second),
            burst: limits.connection_burst.unwrap_or(usual.burst),
        }
    };
    let faults: BTreeMap<_, _> = conditions.faults.iter().map(|(kind, times)| (fault(kind), *times)).collect();
    SandboxConditions { clock_ms: conditions.clock_ms, faults, limits: conditions.limits.map(limits) }
}

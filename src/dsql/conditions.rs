//! Conditions that somebody puts the sandbox under for a while: its clock moved, faults to come, limits made smaller.
//!
//! Invariant: they end with whoever has set them, however that ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// What the sandbox is put under. Without anything it is as always.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SandboxConditions {
    /// Milliseconds that the clock is moved by, from where it stands.
    #[serde(default)]
    pub clock_ms: i64,
    /// How many times each fault comes.
    #[serde(default)]
    pub faults: BTreeMap<SandboxFault, u32>,
    /// Limits of connections in place of the service's.
    #[serde(default)]
    pub limits: Option<ConnectionLimits>,
}

/// How many connections a cluster takes: at once, new ones per second, and how many of these may be saved up. By default
/// the service's own (AWS user guide, quotas, read 2026-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionLimits {
    pub at_once: u32,
    pub per_second: u32,
    pub burst: u32,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        ConnectionLimits { at_once: 10_000, per_second: 100, burst: 1_000 }
    }
}

/// Something that goes wrong in a cloud now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxFault {
    /// A new connection is refused: the cluster is waking up.
    WakingUp,
    /// A connection is lost at COMMIT, and nothing was committed.
    LostBeforeCommit,
    /// A connection is lost at COMMIT, and all was committed.
    LostAfterCommit,
    /// An invocation of a function is refused: too many requests.
    Throttled,
}

/// The conditions of one sandbox, as its services ask for them. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Conditions(Arc<Mutex<CurrentConditions>>);

#[derive(Debug, Default)]
struct CurrentConditions {
    faults: BTreeMap<SandboxFault, u32>,
    limits: ConnectionLimits,
    /// Somebody has set them, and is still there.
    held: bool,
}

impl Conditions {
    /// Sets faults and limits; false, and nothing is done, when somebody else has set some.
    pub fn begin(&self, wanted: &SandboxConditions) -> bool {
        self.with(|now| {
            if now.held {
                return false;
            }
            let limits = wanted.limits.unwrap_or_default();
            *now = CurrentConditions { faults: wanted.faults.clone(), limits, held: true };
            true
        })
    }

    /// Takes them all back.
    pub fn end(&self) {
        self.with(|now| *now = CurrentConditions::default());
    }

    /// Tells whether a fault is due, and counts it.
    pub fn strikes(&self, fault: SandboxFault) -> bool {
        self.with(|now| match now.faults.get_mut(&fault) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            Some(_) | None => false,
        })
    }

    /// Returns the limits of connections that hold now.
    pub fn limits(&self) -> ConnectionLimits {
        self.with(|now| now.limits)
    }

    fn with<T>(&self, look: impl FnOnce(&mut CurrentConditions) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_comes_as_often_as_it_was_asked_for_and_goes_with_who_asked() {
        let conditions = Conditions::default();
        let faults = BTreeMap::from([(SandboxFault::WakingUp, 2)]);
        assert!(!conditions.strikes(SandboxFault::WakingUp));
        assert!(conditions.begin(&SandboxConditions { faults: faults.clone(), ..SandboxConditions::default() }));
        assert!(!conditions.begin(&SandboxConditions::default()), "somebody has set some");
        assert!(conditions.strikes(SandboxFault::WakingUp));
        assert!(!conditions.strikes(SandboxFault::Throttled));
        conditions.end();
        assert!(!conditions.strikes(SandboxFault::WakingUp));
        assert!(conditions.begin(&SandboxConditions { faults, ..SandboxConditions::default() }));
    }
}

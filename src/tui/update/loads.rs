//! The loads as they went, for their panel.

use crate::tui::model::*;
use workshop_engine::event::EventKind;

/// Takes in the figures of a load: of the one that runs, or of a new one.
pub fn went_on(m: &mut Model, kind: &EventKind) {
    let EventKind::LoadProgress {
        at_step,
        done,
        failed,
        total,
        per_second,
        p50_ms,
        p90_ms,
        p99_ms,
        max_ms,
        latencies,
        latencies_failed,
        ..
    } = kind
    else {
        return;
    };
    let sample = LoadSample {
        done: *done,
        failed: *failed,
        per_second: *per_second,
        p50_ms: *p50_ms,
        p90_ms: *p90_ms,
        p99_ms: *p99_ms,
        max_ms: *max_ms,
    };
    let goes_on = |run: &&mut LoadRun| run.at_step == *at_step && !run.over;
    if m.loads.last_mut().filter(goes_on).is_none() {
        m.loads.push(LoadRun {
            at_step: at_step.clone(),
            total: *total,
            samples: Vec::new(),
            latencies: Vec::new(),
            latencies_failed: Vec::new(),
            over: false,
        });
        let gone = m.loads.len().saturating_sub(LOADS);
        m.loads.drain(..gone);
    }
    if let Some(run) = m.loads.last_mut() {
        run.samples.push(sample);
        run.latencies.clone_from(latencies);
        run.latencies_failed.clone_from(latencies_failed);
    }
}

/// A step begins: what is measured from now on is no part of the load before it.
pub fn step_began(m: &mut Model) {
    m.load.top = 0;
    if let Some(run) = m.loads.last_mut() {
        run.over = true;
    }
}

/// Loads kept: the one at hand, and those to compare it with.
const LOADS: usize = 4;

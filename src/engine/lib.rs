//! The lesson engine: carries out steps and checks, and tells what happens as events.
//!
//! The life of a step:
//!
//! 1. A front end sends [`command::Command::Run`], with an id of its own, through its [`config::Handle`].
//! 2. The driver (`driver`), one task that owns all state, refuses it while another step runs.
//! 3. An edit it does itself: it owns the `journal`, which keeps what the learner had.
//! 4. Any other action becomes a task (`step`) with a context (`context`): configuration, target, cancellation.
//! 5. The task fills `${…}` in (`values`), asks the target ([`cloud`]) and tells what happens to the driver. Beside it
//!    the network before the target is watched (`network`).
//! 6. A deploy follows CloudFormation's events (`deploy`) while the compiler looks at the types (`types`);
//!    checks attempt and compare (`checks`, `attempt`, `expect`).
//! 7. The task ends with an outcome; what the lesson expects makes it a verdict.
//! 8. The driver numbers every event, folds it into [`progress::Progress`], records it (`record`) and sends
//!    it to the front end, which holds the same fold.
//!
//! Invariant: nothing here knows that a terminal exists, or that the local target is ours.

pub mod aws;
pub mod aws_target;
pub mod checkpoint;
pub mod cloud;
pub mod command;
pub mod config;
pub mod event;
pub mod install;
pub mod model;
pub mod offline_target;
pub mod own_database;
pub mod progress;
pub mod requests;
pub mod walk;
mod walk_limits;

mod attempt;
mod bring;
mod by_hand;
mod captures;
mod cause;
mod checks;
mod console_session;
mod context;
mod deploy;
mod deploy_command;
mod deploy_events;
mod deploy_guards;
mod driver;
mod expect;
mod files;
mod http;
mod http_check;
mod journal;
mod kept;
mod load;
mod load_run;
mod messages;
mod mismatch;
mod network;
mod numbers;
mod output;
mod probes;
mod processes;
mod record;
mod remedies;
mod saved_states;
mod secrets;
mod serve;
mod sessions;
mod setup;
mod stack_since;
mod standby;
mod step;
mod types;
mod types_known;
mod values;
mod waking;
mod watch;

pub use config::{Clock, EngineConfig, Handle, Mode, StandbyConfig, TemplateCheck};
pub use driver::start;
pub use messages::CourseReading;
pub use model::AwsSelection;
pub use probes::look as preflight;
pub use processes::end_left_below;
pub use record::{Begun, begun, holds_files, spent};
pub use requests::Requests;
pub use saved_states::left_a_stack;
pub use setup::teardown;
pub use values::{cluster_host, database_site};
pub use walk::{Beginning, Ended, Keep, Plan, walk};

#[cfg(test)]
mod tests;

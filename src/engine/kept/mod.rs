//! The CDK kept in memory: one process of the project's own CDK for the deploys of a run, and one for its application.
//!
//! Starting the CDK and loading its library takes most of an update deploy. What is kept is the project's own: the same
//! program with the same arguments in the same environment, which asks for the application as it always does. `host.cjs`
//! holds the program, `app.cjs` the application, `client.cjs` is the command line by which the first reaches the second.
//! `npx.sh` stands before npx on their PATH.
//!
//! Invariant: a command that cannot be run so is run as a person would run it; nothing is kept past the run, past a
//! command that failed, or past a change of what was loaded.

mod app_line;
mod host;
mod scripts;

pub use app_line::AppLine;
pub use host::{KeptCdk, KeptCommand};

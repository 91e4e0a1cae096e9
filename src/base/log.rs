//! The program's own log: what of it is written, and that it never ends what only wanted to log.

use std::io::Write;
use std::sync::Mutex;

pub use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

/// Says what is written, in place of the level that is usual: `debug`, or a level for each part,
/// `warn,workshop_dsql=trace`.
const VARIABLE: &str = "WORKSHOP_LOG";

/// Writes the log to `file` from now on: records of `usual` and above, unless `WORKSHOP_LOG` says otherwise. A second call
/// keeps the first one's file.
pub fn write_to<W: Write + Send + 'static>(file: W, usual: LevelFilter) {
    let asked = std::env::var(VARIABLE).ok().and_then(|text| text.parse::<Targets>().ok());
    let targets = asked.unwrap_or_else(|| Targets::new().with_default(usual));
    // A log that cannot be written (the disk is full) would be told on stderr, which a screen or the log itself may be.
    let lines = fmt::layer().with_ansi(false).log_internal_errors(false).with_writer(Mutex::new(file));
    let _ = registry().with(lines.with_filter(targets)).try_init();
}

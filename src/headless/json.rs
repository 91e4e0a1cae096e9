//! One JSON object per event and line: the events themselves, for programs.

use std::io::{self, Write};

use super::types::Reporter;
use workshop_base::text::json_escaped;
use workshop_engine::event::{Event, EventKind};
use workshop_engine::progress::Progress;

/// Writes events as they are; what a terminal would obey of them as `\u` escapes.
pub struct Json {
    out: Box<dyn Write + Send>,
}

impl Json {
    /// Makes a reporter that writes to `out`.
    pub fn new(out: Box<dyn Write + Send>) -> Json {
        Json { out }
    }
}

impl Reporter for Json {
    fn event(&mut self, event: &Event, _: &Progress) -> io::Result<()> {
        // A diff is an answer to a viewer, not something that happened.
        if matches!(event.kind, EventKind::Diff { .. }) {
            return Ok(());
        }
        let line = serde_json::to_string(event)?;
        writeln!(self.out, "{}", json_escaped(&line))?;
        self.out.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

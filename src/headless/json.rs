//! One JSON object per event and line: the events themselves, for programs.

use std::io::{self, Write};

use super::report::Reporter;
use workshop_engine::event::{Event, EventKind};
use workshop_engine::progress::Progress;

pub struct Json {
    out: Box<dyn Write + Send>,
}

impl Json {
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
        serde_json::to_writer(&mut self.out, event)?;
        self.out.write_all(b"\n")?;
        self.out.flush()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

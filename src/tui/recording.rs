//! A recording of the screen as an asciicast, version 2 (docs.asciinema.org, "asciicast v2"): what asciinema plays and
//! others turn into pictures.
//!
//! What is recorded is what was shown: what was hidden on the screen is hidden in it.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::json;

/// Writes frames with their times, each on a line of its own.
pub struct Recording {
    out: Box<dyn Write + Send>,
    size: (u16, u16),
    marked: String,
}

impl Recording {
    /// Begins a recording of a terminal of this size, in columns and rows; `at` is its beginning in seconds since
    /// 1970-01-01 UTC.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(mut out: Box<dyn Write + Send>, size: (u16, u16), title: &str, at: u64) -> io::Result<Recording> {
        let env = json!({ "TERM": "xterm-256color" });
        let head =
            json!({ "version": 2, "width": size.0, "height": size.1, "timestamp": at, "title": title, "env": env });
        writeln!(out, "{head}")?;
        Ok(Recording { out, size, marked: String::new() })
    }

    /// Adds the bytes of a frame, shown this long after the beginning, to a terminal of this size.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn frame(&mut self, after: Duration, size: (u16, u16), bytes: &[u8]) -> io::Result<()> {
        if std::mem::replace(&mut self.size, size) != size {
            self.event(after, "r", &format!("{}x{}", size.0, size.1))?;
        }
        self.event(after, "o", &String::from_utf8_lossy(bytes))?;
        // A talk that ends in a crash is recorded up to there.
        self.out.flush()
    }

    /// Marks the beginning of a part, this long after the beginning: players jump from mark to mark. The same as the last
    /// one is none.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn mark(&mut self, after: Duration, label: &str) -> io::Result<()> {
        if self.marked == label {
            return Ok(());
        }
        self.marked = label.to_owned();
        self.event(after, "m", label)
    }

    fn event(&mut self, after: Duration, code: &str, data: &str) -> io::Result<()> {
        let seconds = after.as_millis() as f64 / 1000.0;
        writeln!(self.out, "{}", json!([seconds, code, data]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_recording_is_a_header_and_a_line_for_each_frame_and_each_new_size() {
        let out = Shared::default();
        let mut recording = Recording::begin(Box::new(out.clone()), (80, 24), "A \"talk\"", 1_796_032_800).unwrap();
        recording.frame(Duration::from_millis(16), (80, 24), b"\x1b[2Jone").unwrap();
        recording.frame(Duration::from_millis(1_250), (120, 40), "zwei é".as_bytes()).unwrap();
        recording.mark(Duration::from_secs(2), "1.2 Deploy").unwrap();
        recording.mark(Duration::from_secs(3), "1.2 Deploy").unwrap();
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            (&lines[0]["version"], &lines[0]["width"], &lines[0]["title"]),
            (&json!(2), &json!(80), &json!("A \"talk\""))
        );
        assert_eq!(lines[1], json!([0.016, "o", "\u{1b}[2Jone"]));
        assert_eq!(lines[2], json!([1.25, "r", "120x40"]));
        assert_eq!(lines[3], json!([1.25, "o", "zwei é"]));
        assert_eq!(lines[4], json!([2.0, "m", "1.2 Deploy"]));
        assert_eq!(lines.len(), 5);
    }
}

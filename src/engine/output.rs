//! Output of children on its way to the front ends: whole in a log file, bounded in the events.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::sync::Arc;

use tokio::time::Instant;

use super::cloud::CloudTarget;
use super::config::{EngineConfig, Mode};
use super::event::{EventKind, StepRef, Stream};
use super::messages::EventSink;
use workshop_base::private_dir::{OURS, PrivateDir};
use workshop_base::process::OutputPipe;

/// The lines that may become events in a second, and at once.
const RATE: f64 = 5_000.0;
const BURST: f64 = 10_000.0;
/// A longer line counts as several, bytes: what is told is kept in memory and in the record, and shall stay small
/// there also when the lines are not.
const LINE: usize = 256;
/// The number of last lines that a failure shows.
const TAIL: usize = 20;
/// A longer line is told, and kept among the last, in pieces of this many bytes.
const PIECE: usize = 16 * 1024;
/// No log file grows past this, bytes.
const LOG_LIMIT: u64 = 64 * 1024 * 1024;
/// The last line of a log file that would.
const FULL: &str = "… the log file ends here, at 64 MB: what follows is not written down";

/// Bytes of a command's output that its pattern is matched with: from its beginning.
const MATCHED: usize = 1 << 20;

/// The part of a child's output that stays for the verdict on it, however much it prints.
#[derive(Debug, Default)]
pub struct CapturedOutput {
    /// Its beginning, as far as [`MATCHED`].
    pub text: String,
    pub tail: VecDeque<String>,
}

impl CapturedOutput {
    /// Takes a line in.
    pub fn line(&mut self, line: String) {
        if self.text.len() < MATCHED {
            // Between lines, not behind the last: `$` is the end of what was printed.
            if !self.tail.is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(&line);
        }
        in_pieces(line).into_iter().for_each(|piece| keep_last(&mut self.tail, piece));
    }
}

/// Cuts a line that is longer than [`PIECE`]. No piece holds more memory than its text.
fn in_pieces(line: String) -> Vec<String> {
    if line.len() <= PIECE {
        return vec![line];
    }
    let mut pieces = Vec::new();
    let mut rest = line.as_str();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        pieces.push(piece.to_owned());
        rest = after;
    }
    pieces
}

/// Adds a line to the last [`TAIL`].
fn keep_last(tail: &mut VecDeque<String>, line: String) {
    if tail.len() == TAIL {
        tail.pop_front();
    }
    tail.push_back(line);
}

/// What prints.
#[derive(Debug, Clone)]
pub enum OutputSource {
    /// A step's child, or nobody's in particular.
    Step(Option<StepRef>),
    /// A long-running process, by name.
    Process(String),
}

/// Takes a child's lines: tells them, writes them down, remembers the last.
pub struct OutputForwarder {
    sink: EventSink,
    source: OutputSource,
    /// Knows the secrets that must not be shown.
    world: Arc<dyn CloudTarget>,
    log: Option<BufWriter<File>>,
    logged: u64,
    tail: VecDeque<String>,
    budget: f64,
    filled: Instant,
    dropped: u64,
}

impl OutputForwarder {
    /// Makes one for a step, with a file of this name in `.workshop/log`, where the run may write.
    pub fn new(
        sink: EventSink,
        source: OutputSource,
        setup: &EngineConfig,
        world: Arc<dyn CloudTarget>,
        log: &str,
    ) -> OutputForwarder {
        let log = match setup.mode {
            Mode::CheckOnly => None,
            Mode::Interactive | Mode::Scratch | Mode::Standby => {
                let dir = PrivateDir::open(&setup.workdir, OURS).and_then(|ours| ours.below("log"));
                // Without the file there is still the panel: a log is not worth stopping for.
                dir.and_then(|dir| dir.create(log)).ok().map(BufWriter::new)
            }
        };
        OutputForwarder {
            sink,
            source,
            world,
            log,
            logged: 0,
            tail: VecDeque::new(),
            budget: BURST,
            filled: Instant::now(),
            dropped: 0,
        }
    }

    /// Takes lines of a child's pipe.
    pub fn child(&mut self, pipe: OutputPipe, lines: Vec<String>) {
        let stream = match pipe {
            OutputPipe::Stdout => Stream::Stdout,
            OutputPipe::Stderr => Stream::Stderr,
        };
        self.lines(stream, lines);
    }

    /// The runner's own word.
    pub fn note(&mut self, line: impl Into<String>) {
        self.lines(Stream::Note, vec![line.into()]);
    }

    /// Takes lines of a stream: masks secrets, writes them down, remembers the last, and tells them, as far as they do not
    /// come too fast.
    pub fn lines(&mut self, stream: Stream, mut lines: Vec<String>) {
        for line in &mut lines {
            *line = self.world.mask(std::mem::take(line));
        }
        for line in &lines {
            self.write_down(line);
        }
        let mut lines: Vec<String> = lines.into_iter().flat_map(in_pieces).collect();
        for line in lines.iter().skip(lines.len().saturating_sub(TAIL)).filter(|l| !l.trim().is_empty()) {
            keep_last(&mut self.tail, line.clone());
        }
        let now = Instant::now();
        self.budget = (self.budget + (now - self.filled).as_secs_f64() * RATE).min(BURST);
        self.filled = now;
        #[expect(clippy::cast_precision_loss, reason = "a batch is what was read at once")]
        let cost = lines.iter().map(|line| 1 + line.len() / LINE).sum::<usize>() as f64;
        if cost > self.budget {
            self.dropped += lines.len() as u64;
            return;
        }
        self.budget -= cost;
        self.tell_dropped();
        if !lines.is_empty() {
            let lines = std::mem::take(&mut lines);
            self.tell(stream, lines);
        }
    }

    fn tell(&self, stream: Stream, lines: Vec<String>) {
        self.sink.emit(match &self.source {
            OutputSource::Step(at_step) => EventKind::Output { at_step: at_step.clone(), stream, lines },
            OutputSource::Process(name) => EventKind::ProcessOutput { name: name.clone(), stream, lines },
        });
    }

    /// The last lines that say something.
    pub fn tail(&self) -> Vec<String> {
        self.tail.iter().cloned().collect()
    }

    fn tell_dropped(&mut self) {
        if self.dropped > 0 {
            self.sink.emit(EventKind::OutputDropped { count: std::mem::take(&mut self.dropped) });
        }
    }

    fn write_down(&mut self, line: &str) {
        let Some(log) = &mut self.log else { return };
        self.logged += line.len() as u64 + 1;
        let full = self.logged > LOG_LIMIT;
        let line = if full { FULL } else { line };
        if writeln!(log, "{line}").is_err() || full {
            self.log = None;
        }
        if full {
            self.tell(Stream::Note, vec![FULL.to_owned()]);
        }
    }
}

impl Drop for OutputForwarder {
    fn drop(&mut self) {
        self.tell_dropped();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_an_output_is_its_beginning_and_its_last_lines() {
        let mut kept = CapturedOutput::default();
        ["a", "", "b"].into_iter().for_each(|line| kept.line(line.to_owned()));
        assert_eq!(kept.text, "a\n\nb", "a pattern's `$` is its end");
        (0..100_000).for_each(|n| kept.line(format!("{n:0100}")));
        assert!(kept.text.len() < MATCHED + 200, "{}", kept.text.len());
        assert_eq!((kept.tail.len(), kept.tail.back().unwrap().ends_with("99999")), (TAIL, true));
    }
}

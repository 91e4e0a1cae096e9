//! The place where the console's text goes: the sink, or the file or program of `\o` and `\g`.
//!
//! Invariant: pieces end at line ends wherever there are any, so that a sink of lines never sees half of one.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use futures::future::BoxFuture;
use tokio::io::AsyncWriteExt;

use crate::files;
use crate::report::{Paging, SessionEvent, Sink, SqlLine, StatementResult};
use crate::servererror::ServerMessage;
use crate::wire::reason;

/// A [`Sink`] of any kind, so that the console is compiled once.
pub trait AnySink: Send {
    fn text<'a>(&'a mut self, kind: SqlLine, text: &'a str) -> BoxFuture<'a, ()>;
    fn event(&mut self, event: SessionEvent) -> BoxFuture<'_, ()>;
    fn begin_page(&mut self, page: Paging);
    fn end_page(&mut self) -> BoxFuture<'_, ()>;
    fn is_screen(&self) -> bool;
    fn flush(&mut self);
}

impl<S: Sink> AnySink for S {
    fn text<'a>(&'a mut self, kind: SqlLine, text: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(Sink::text(self, kind, text))
    }

    fn event(&mut self, event: SessionEvent) -> BoxFuture<'_, ()> {
        Box::pin(Sink::event(self, event))
    }

    fn begin_page(&mut self, page: Paging) {
        Sink::begin_page(self, page);
    }

    fn end_page(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(Sink::end_page(self))
    }

    fn is_screen(&self) -> bool {
        Sink::is_screen(self)
    }

    fn flush(&mut self) {
        Sink::flush(self);
    }
}

/// The surroundings of one run: what it writes to and leaves behind.
pub struct RunContext<'a> {
    pub sink: &'a mut dyn AnySink,
    pub results: Vec<StatementResult>,
    /// The first error of the run.
    pub error: Option<ServerMessage>,
    /// The file that is read and the line in it, for messages.
    pub place: Option<(String, u64)>,
    /// A person is typing: errors then never end the run.
    pub interactive: bool,
    /// It was told that the output of this statement cannot be written.
    pub is_output_lost: bool,
}

impl<'a> RunContext<'a> {
    /// Begins a run that has left nothing behind yet.
    pub fn new(sink: &'a mut dyn AnySink, interactive: bool) -> RunContext<'a> {
        RunContext { sink, results: Vec::new(), error: None, place: None, interactive, is_output_lost: false }
    }

    /// Says a text to the sink; an empty one is nothing to say.
    pub async fn say(&mut self, kind: SqlLine, text: &str) {
        if !text.is_empty() {
            self.sink.text(kind, text).await;
        }
    }

    /// A message of the console itself, with the place in the file that it is about.
    pub async fn complain(&mut self, text: &str) {
        let mark = if self.place.is_some() { "error: " } else { "" };
        let text = format!("{}{mark}{}\n", self.prefix(), text.trim_end_matches('\n'));
        self.say(SqlLine::Error, &text).await;
    }

    /// Tells that the output cannot be written, once a statement: it comes in many pieces.
    pub async fn complain_output(&mut self, error: &std::io::Error) {
        if !std::mem::replace(&mut self.is_output_lost, true) {
            self.complain(&format!("could not write the output: {}", reason(error))).await;
        }
    }

    /// Something that was passed over.
    pub async fn warn(&mut self, text: &str) {
        let mark = if self.place.is_some() { "warning: " } else { "" };
        let text = format!("{}{mark}{text}\n", self.prefix());
        self.say(SqlLine::Error, &text).await;
    }

    /// `file:line: ` while a file is read.
    pub fn prefix(&self) -> String {
        self.place.as_ref().map(|(file, line)| format!("{file}:{line}: ")).unwrap_or_default()
    }
}

/// The file or program that results go to instead of the sink.
pub enum OutputTarget {
    File {
        file: std::fs::File,
        /// What stood in it stands there still: a statement that fails leaves it so.
        is_kept: bool,
    },
    /// A program that reads them, started by the shell.
    Program(Box<tokio::process::Child>),
}

impl OutputTarget {
    /// Opens `name`, whose text goes when something [`begins`](Self::begin) there, or starts the program behind a `|`.
    ///
    /// # Errors
    /// When the file cannot be written or the shell cannot be started.
    pub fn open(name: &str, directory: &Path) -> std::io::Result<OutputTarget> {
        match name.strip_prefix('|') {
            Some(command) => {
                let child = tokio::process::Command::new("sh")
                    .args(["-c", command])
                    .current_dir(directory)
                    .stdin(Stdio::piped())
                    .kill_on_drop(true)
                    .spawn()?;
                Ok(OutputTarget::Program(Box::new(child)))
            }
            None => {
                let file = files::writable(&files::path(directory, name))?;
                Ok(OutputTarget::File { file, is_kept: true })
            }
        }
    }

    /// Returns it with nothing in its file any more.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn begun(mut self) -> std::io::Result<OutputTarget> {
        self.begin()?;
        Ok(self)
    }

    /// Takes away what stood in the file, once.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn begin(&mut self) -> std::io::Result<()> {
        if let OutputTarget::File { file, is_kept } = self
            && std::mem::take(is_kept)
            && file.metadata()?.is_file()
        {
            file.set_len(0)?;
        }
        Ok(())
    }

    /// Writes all of it. As in psql, a program that has seen enough is told no more, and is no error.
    ///
    /// # Errors
    /// When the disk is full, or the program has gone.
    pub async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.begin()?;
        match self {
            OutputTarget::File { file, .. } => file.write_all(bytes),
            OutputTarget::Program(child) => {
                let Some(stdin) = &mut child.stdin else { return Ok(()) };
                match stdin.write_all(bytes).await {
                    Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                        child.stdin = None;
                        Ok(())
                    }
                    written => written,
                }
            }
        }
    }

    /// Closes it, and waits for a program to finish.
    ///
    /// # Errors
    /// When the last bytes cannot be written.
    pub async fn close(self) -> std::io::Result<()> {
        match self {
            OutputTarget::File { file, .. } => file.sync_data().or(Ok(())),
            OutputTarget::Program(mut child) => {
                drop(child.stdin.take());
                child.wait().await.map(|_| ())
            }
        }
    }
}

/// Text on its way to a target, flushed in large pieces at line ends.
#[derive(Default)]
pub struct OutputBuffer {
    pub bytes: Vec<u8>,
    /// Something has been flushed: it can no longer be taken back.
    pub flushed: bool,
}

/// Bytes gathered before they are passed on.
pub const PIECE: usize = 64 * 1024;

impl OutputBuffer {
    /// Tells whether enough has been gathered to be passed on.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= PIECE
    }

    /// Passes on all whole lines, or everything when there are none or `all` is asked for.
    ///
    /// # Errors
    /// When the target cannot be written.
    pub async fn flush(
        &mut self,
        target: Option<&mut OutputTarget>,
        cx: &mut RunContext<'_>,
        all: bool,
    ) -> std::io::Result<()> {
        let end = match (all, self.bytes.iter().rposition(|&b| b == b'\n')) {
            (false, Some(at)) => at + 1,
            (true, _) | (false, None) => self.bytes.len(),
        };
        if end == 0 {
            return Ok(());
        }
        self.flushed = true;
        let result = match target {
            Some(target) => target.write(&self.bytes[..end]).await,
            None => {
                cx.say(SqlLine::Row, &String::from_utf8_lossy(&self.bytes[..end])).await;
                Ok(())
            }
        };
        self.bytes.drain(..end);
        result
    }
}

/// The reason why a front end that owns the screen starts no programs.
pub(crate) const NO_SHELL: &str = "programs are not started from here: use the shell, or workshop sql";

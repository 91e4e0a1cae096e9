//! The terminal's bytes, waited for.
//!
//! Invariant: while a child owns the terminal nothing is read: one that is merely not asked would go on reading, and eat
//! what is typed for the child.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::decode::{Decoder, TerminalInput};
use crate::tui::model::Msg;
use crate::tui::timer::sleep_until;

/// Keys, pastes, the mouse and sizes, as messages.
#[derive(Default)]
pub struct Input {
    source: Option<TerminalSource>,
}

struct TerminalSource {
    bytes: AsyncFd<OwnedFd>,
    resized: Signal,
    decoder: Decoder,
    /// When what has begun is taken as it is.
    settles: Option<Instant>,
    ready: VecDeque<Msg>,
}

impl Input {
    /// Begins to read standard input.
    ///
    /// # Errors
    /// When standard input cannot be waited for.
    pub fn open() -> io::Result<Input> {
        let own = rustix::io::dup(rustix::stdio::stdin())?;
        #[expect(
            deprecated,
            reason = "what replaces it is unsafe code; it asks for a descriptor that stays, as this does"
        )]
        let bytes = AsyncFd::new(own)?;
        let source = TerminalSource {
            bytes,
            resized: signal(SignalKind::window_change())?,
            decoder: Decoder::default(),
            settles: None,
            ready: VecDeque::new(),
        };
        Ok(Input { source: Some(source) })
    }

    /// Stops reading, before the terminal is given to a child.
    pub fn close(&mut self) {
        self.source = None;
    }

    /// Waits for the next message; for ever while nothing is read. None: the terminal is gone.
    pub async fn next(&mut self) -> Option<Msg> {
        match &mut self.source {
            Some(source) => source.next().await,
            None => std::future::pending().await,
        }
    }
}

impl TerminalSource {
    /// May be dropped and called again at any time: what has been read is kept.
    async fn next(&mut self) -> Option<Msg> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Some(message);
            }
            let events = tokio::select! {
                biased;
                readable = self.bytes.readable() => {
                    let mut readable = readable.ok()?;
                    let gone = readable.ready().is_read_closed();
                    let mut buffer = [0; 4096];
                    // The descriptor is the shell's as well, and would block: it is read when it says that it holds
                    // something, and waited for when it does not.
                    let read = readable.try_io(|fd| match rustix::io::ioctl_fionread(fd)? {
                        0 => Err(io::ErrorKind::WouldBlock.into()),
                        _ => Ok(rustix::io::read(fd, &mut buffer)?),
                    });
                    match read {
                        Ok(Ok(0)) => return None,
                        Ok(Ok(count)) => {
                            let events = self.decoder.feed(&buffer[..count], Instant::now());
                            self.settles = self.decoder.patience().map(|wait| Instant::now() + wait);
                            events
                        }
                        Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                        Ok(Err(_)) => return None,
                        Err(_) if gone => return None,
                        Err(_) => continue,
                    }
                }
                Some(()) = self.resized.recv() => {
                    let (width, height) = crossterm::terminal::size().ok()?;
                    return Some(Msg::Resize(width, height));
                }
                () = sleep_until(self.settles) => {
                    self.settles = None;
                    self.decoder.settle(Instant::now())
                }
            };
            self.ready.extend(events.into_iter().map(message));
        }
    }
}

fn message(event: TerminalInput) -> Msg {
    match event {
        TerminalInput::Key(key) => Msg::Key(key),
        TerminalInput::Paste(text) => Msg::Paste(text),
        TerminalInput::Mouse(mouse) => Msg::Mouse(mouse),
        TerminalInput::Focus(focused) => Msg::Focus(focused),
        TerminalInput::Background(rgb) => Msg::Background(rgb),
    }
}

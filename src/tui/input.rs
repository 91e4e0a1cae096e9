//! Keys, pastes and sizes from the terminal.
//!
//! Invariant: while a child owns the terminal the stream does not exist: one that is merely not asked
//! would go on reading, and eat what is typed for the child.

use std::time::Duration;

use crossterm::event::{Event, EventStream, KeyEventKind};
use futures::StreamExt;

use super::model::Msg;

#[derive(Default)]
pub struct Input {
    stream: Option<EventStream>,
}

impl Input {
    pub fn open() -> Input {
        // A stream that was dropped leaves a wake-up for its reader behind. Read together with the first key it would
        // take that key with it, until the next one is typed: so it is read here.
        let _ = crossterm::event::poll(Duration::ZERO);
        Input { stream: Some(EventStream::new()) }
    }

    /// Before the terminal is lent.
    pub fn close(&mut self) {
        self.stream = None;
    }

    /// The next message; None when the terminal is gone. Waits for ever while closed.
    pub async fn next(&mut self) -> Option<Msg> {
        let Some(stream) = &mut self.stream else { return std::future::pending().await };
        loop {
            match stream.next().await? {
                // Terminals that report more than presses would type everything twice.
                Ok(Event::Key(key)) if key.kind == KeyEventKind::Press => return Some(Msg::Key(key)),
                Ok(Event::Paste(text)) => return Some(Msg::Paste(text)),
                Ok(Event::Resize(width, height)) => return Some(Msg::Resize(width, height)),
                Ok(Event::Key(_) | Event::FocusGained | Event::FocusLost | Event::Mouse(_)) => {}
                Err(_) => return None,
            }
        }
    }
}

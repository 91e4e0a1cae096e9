//! The rows of a card, and which of them give way.

use ratatui::text::{Line, Span};

use super::spans::fit_spans;
use crate::tui::theme;

/// Stands between keys that share a row.
const GAP: &str = "   ";

/// The card's rows: first what there is to read, then the keys.
#[derive(Debug, Clone, Default)]
pub struct Card {
    pub body: Vec<Line<'static>>,
    pub keys: Vec<Line<'static>>,
}

impl Card {
    /// Makes a card that has no keys.
    pub fn reading(body: Vec<Line<'static>>) -> Card {
        Card { body, keys: Vec::new() }
    }

    /// Returns at most so many rows. What does not fit is left out of the reading: the keys stay, in one row where they fit
    /// into one of so many columns.
    pub fn rows(self, most: usize, width: usize) -> Vec<Line<'static>> {
        let Card { mut body, mut keys } = self;
        let fit = || keys.iter().map(|key| key.width() + GAP.len()).sum::<usize>() <= width;
        if body.len() + keys.len() > most && keys.len() > 1 && fit() {
            let spans = keys.drain(..).flat_map(|key| key.spans.into_iter().chain([Span::raw(GAP)]));
            keys = vec![Line::from(spans.collect::<Vec<_>>())];
        }
        if body.len() + keys.len() > most {
            keys.truncate(most);
            let room = most - keys.len();
            body.truncate(room.saturating_sub(1).max(room.min(1)));
            match room {
                0 => {}
                // What there is one row for is what it came to.
                1 => body.iter_mut().for_each(|first| {
                    let room = width.saturating_sub(2);
                    // One that is cut ends with the mark.
                    let more = (first.width() <= room).then(|| Span::styled(" …", theme::DIM));
                    let spans = fit_spans(std::mem::take(&mut first.spans), room);
                    first.spans = spans.into_iter().chain(more).collect();
                }),
                _ => body.push(Line::styled("…", theme::DIM)),
            }
        }
        body.extend(keys);
        body
    }
}

//! The rows of a card, and which of them give way.

use ratatui::text::Line;

use crate::tui::theme;

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

    /// Returns at most so many rows. What does not fit is left out of the reading: the keys stay.
    pub fn rows(self, most: usize) -> Vec<Line<'static>> {
        let Card { mut body, mut keys } = self;
        if body.len() + keys.len() > most {
            keys.truncate(most);
            let room = most - keys.len();
            body.truncate(room.saturating_sub(1));
            if room > 0 {
                body.push(Line::styled("…", theme::DIM));
            }
        }
        body.extend(keys);
        body
    }
}

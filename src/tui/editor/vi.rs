//! What vi's commands do with the text, beyond what other keys do.

use workshop_base::text::graphemes;

use super::text::{Edit, Editor};

impl Editor {
    /// Kills so many words, to the right or to the left of the cursor.
    pub fn delete_words(&mut self, times: usize, right: bool) {
        let (from, row) = (self.at, self.row);
        (0..times).for_each(|_| if right { self.word_right() } else { self.word_left() });
        let range = match self.row == row {
            true => from.min(self.at)..from.max(self.at),
            // No further than the line.
            false if right => from..self.lines[row].len(),
            false => 0..from,
        };
        (self.row, self.at) = (row, from);
        self.before(Edit::Other);
        self.at = range.start;
        self.killed = self.lines[row].drain(range).collect();
    }

    /// Goes to a character in the line, `f` onto it or `t` beside it, forwards or (`F`, `T`) backwards, past so many others
    /// of it. Says whether there is one.
    pub fn find(&mut self, how: char, letter: char, times: usize) -> bool {
        let (line, beside) = (&self.lines[self.row], how.eq_ignore_ascii_case(&'t'));
        let at = match how.is_lowercase() {
            true => {
                // What the cursor stands before is here already.
                let from = self.character_behind();
                let found = line[from..].match_indices(letter).nth(times.saturating_sub(1));
                found.map(|(at, _)| from + at).map(|at| if beside { before(line, at) } else { at })
            }
            false => {
                let found = line[..self.at].rmatch_indices(letter).nth(times.saturating_sub(1));
                found.map(|(at, found)| if beside { at + found.len() } else { at })
            }
        };
        if let Some(at) = at {
            (self.at, self.last) = (at, None);
        }
        at.is_some()
    }

    /// Kills from here to where [`Editor::find`] goes, what it goes onto included. Says whether there is such a place.
    pub fn kill_to_found(&mut self, how: char, letter: char, times: usize) -> bool {
        let from = self.at;
        if !self.find(how, letter, times) {
            return false;
        }
        let to = if how.is_lowercase() { self.character_behind() } else { self.at };
        let range = if how.is_lowercase() { from..to } else { to..from };
        self.at = from;
        self.before(Edit::Other);
        self.at = range.start;
        self.killed = self.lines[self.row].drain(range).collect();
        true
    }

    /// Puts a character in the place of so many at the cursor, which ends on the last; nothing where they are fewer.
    pub fn replace(&mut self, letter: char, times: usize) {
        let rest = &self.lines[self.row][self.at..];
        let Some((last, _, _)) = graphemes(rest).nth(times.saturating_sub(1)) else { return };
        let end = self.at + last + graphemes(&rest[last..]).next().map_or(0, |(_, grapheme, _)| grapheme.len());
        self.before(Edit::Other);
        let text = letter.to_string().repeat(times);
        self.lines[self.row].replace_range(self.at..end, &text);
        self.at += text.len() - letter.len_utf8();
    }

    /// Gives so many letters from the cursor on the other case, and goes behind them.
    pub fn swap_case(&mut self, times: usize) {
        let end = self.lines[self.row][self.at..].char_indices().nth(times);
        let end = end.map_or(self.lines[self.row].len(), |(at, _)| self.at + at);
        if end == self.at {
            return;
        }
        self.before(Edit::Other);
        let swapped = |c: char| match c.is_uppercase() {
            true => c.to_lowercase().collect::<String>(),
            false => c.to_uppercase().collect(),
        };
        let text: String = self.lines[self.row][self.at..end].chars().map(swapped).collect();
        self.lines[self.row].replace_range(self.at..end, &text);
        self.at += text.len();
    }

    /// Does a kill, and puts back what it took and the cursor: what was killed is copied.
    pub fn copied(&mut self, kill: impl FnOnce(&mut Editor)) {
        let (row, at, edits) = (self.row, self.at, self.undo.len());
        kill(self);
        if self.undo.len() > edits {
            self.undo();
        }
        (self.row, self.at) = (row, at);
    }
}

/// Returns where the character before this place in a line begins.
fn before(line: &str, at: usize) -> usize {
    line[..at].char_indices().next_back().map_or(at, |(before, _)| before)
}

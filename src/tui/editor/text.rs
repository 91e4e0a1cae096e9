//! The text being typed: lines and a cursor. Pure.
//!
//! Invariant: the cursor stands on a character boundary of an existing line; no edit costs more than the
//! line it touches, so that a pasted megabyte can be typed on.

use workshop_base::text::graphemes;

/// Code points that one character on a screen may have, as far as is looked: families of emoji have seven, and accents
/// can be piled up.
const NEAR: usize = 64;

/// A multi-line entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Editor {
    /// Never empty.
    pub(super) lines: Vec<String>,
    pub(super) row: usize,
    /// Byte offset into `lines[row]`.
    pub(super) at: usize,
    /// The text that the last kill took, for `yank`.
    pub(super) killed: String,
    /// The text before each of the last edits, the newest last.
    undo: Vec<Earlier>,
    /// The kind of the last edit: what is typed in one go is undone in one go.
    pub(super) last: Option<Edit>,
}

/// The text before an edit, and where the cursor stood.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Earlier {
    lines: Vec<String>,
    row: usize,
    at: usize,
}

/// The kinds of edits that go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    /// Characters of a word.
    Typed,
    Erased,
    Other,
}

/// Edits that can be undone.
const UNDONE: usize = 200;
/// Bytes of a text beyond which edits are not kept: each would be a copy of it.
const UNDO_BYTES: usize = 64 * 1024;

impl Default for Editor {
    fn default() -> Self {
        Editor { lines: vec![String::new()], row: 0, at: 0, killed: String::new(), undo: Vec::new(), last: None }
    }
}

impl Editor {
    /// Returns the whole text, its lines joined by newlines.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }
    /// Returns the lines; there is always one.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
    /// Returns the line of the cursor, from 0.
    pub fn row(&self) -> usize {
        self.row
    }
    /// Byte offset of the cursor into its line.
    pub fn at(&self) -> usize {
        self.at
    }
    /// Byte offset of the cursor into the whole text.
    pub fn offset(&self) -> usize {
        self.lines[..self.row].iter().map(|line| line.len() + 1).sum::<usize>() + self.at
    }
    /// Says whether there is nothing but blanks.
    pub fn is_blank(&self) -> bool {
        self.lines.iter().all(|line| line.trim().is_empty())
    }
    /// Returns the part of the line of the cursor that stands before it.
    pub fn before_cursor(&self) -> &str {
        &self.lines[self.row][..self.at]
    }

    /// Empties it; what was killed can be put back still, and nothing can be undone any more.
    pub fn clear(&mut self) {
        *self = Editor { killed: std::mem::take(&mut self.killed), ..Editor::default() };
    }

    /// Puts a text in place of what is there, with the cursor at its end; undoing brings back what was there.
    pub fn set(&mut self, text: &str) {
        self.before(Edit::Other);
        (self.lines, self.row, self.at) = (vec![String::new()], 0, 0);
        self.put(text);
    }

    /// Takes back the last edit. Tells whether there was one.
    pub fn undo(&mut self) -> bool {
        self.last = None;
        let Some(earlier) = self.undo.pop() else { return false };
        (self.lines, self.row, self.at) = (earlier.lines, earlier.row, earlier.at);
        true
    }

    /// Keeps the text for `undo`, before an edit that does not go on with the one before it.
    pub(super) fn before(&mut self, edit: Edit) {
        let goes_on = self.last == Some(edit) && edit != Edit::Other;
        self.last = Some(edit);
        if goes_on {
            return;
        }
        if self.lines.iter().map(String::len).sum::<usize>() > UNDO_BYTES {
            self.undo.clear();
            return;
        }
        if self.undo.len() == UNDONE {
            self.undo.remove(0);
        }
        self.undo.push(Earlier { lines: self.lines.clone(), row: self.row, at: self.at });
    }

    /// Typed or pasted. Line ends of every kind become newlines; other control characters are left out.
    pub fn insert(&mut self, text: &str) {
        let mut characters = text.chars();
        let word = matches!((characters.next(), characters.next()), (Some(c), None) if !c.is_whitespace());
        self.before(if word { Edit::Typed } else { Edit::Other });
        self.put(text);
    }

    fn put(&mut self, text: &str) {
        let text: String = text
            .replace("\r\n", "\n")
            .chars()
            .map(|c| if c == '\r' { '\n' } else { c })
            .filter(|c| matches!(c, '\n' | '\t') || !c.is_control())
            .collect();
        let tail = self.lines[self.row].split_off(self.at);
        let mut parts = text.split('\n');
        self.lines[self.row].push_str(parts.next().unwrap_or_default());
        let added: Vec<String> = parts.map(str::to_owned).collect();
        let count = added.len();
        self.lines.splice(self.row + 1..self.row + 1, added);
        self.row += count;
        self.at = self.lines[self.row].len();
        self.lines[self.row].push_str(&tail);
    }

    /// Breaks the line at the cursor.
    pub fn newline(&mut self) {
        self.insert("\n");
    }

    /// Removes the character before the cursor, as a screen shows characters, or joins two lines.
    pub fn backspace(&mut self) {
        self.before(Edit::Erased);
        let start = self.character_before();
        if start < self.at {
            self.lines[self.row].drain(start..self.at);
            self.at = start;
        } else if self.row > 0 {
            let tail = self.lines.remove(self.row);
            self.row -= 1;
            self.at = self.lines[self.row].len();
            self.lines[self.row].push_str(&tail);
        }
    }

    /// Removes the character at the cursor, or joins two lines.
    pub fn delete(&mut self) {
        self.before(Edit::Erased);
        let end = self.character_behind();
        if self.at < end {
            self.lines[self.row].drain(self.at..end);
        } else if self.row + 1 < self.lines.len() {
            let next = self.lines.remove(self.row + 1);
            self.lines[self.row].push_str(&next);
        }
    }

    /// Kills the word before the cursor, with the blanks behind it.
    pub fn delete_word(&mut self) {
        let start = word_start(self.before_cursor());
        if start == self.at {
            return self.backspace();
        }
        self.before(Edit::Other);
        self.killed = self.lines[self.row].drain(start..self.at).collect();
        self.at = start;
    }

    /// Kills from the cursor to the end of the word; at the end of a line, deletes the line break.
    pub fn delete_word_right(&mut self) {
        if self.at == self.lines[self.row].len() {
            return self.delete();
        }
        self.before(Edit::Other);
        let start = self.at;
        self.word_right();
        self.killed = self.lines[self.row].drain(start..self.at).collect();
        self.at = start;
    }

    /// Kills the line up to the cursor.
    pub fn kill_to_start(&mut self) {
        self.before(Edit::Other);
        self.killed = self.lines[self.row].drain(..self.at).collect();
        self.at = 0;
    }

    /// Kills the line from the cursor on; at its end, deletes the line break.
    pub fn kill_to_end(&mut self) {
        if self.at == self.lines[self.row].len() {
            return self.delete();
        }
        self.before(Edit::Other);
        self.killed = self.lines[self.row].split_off(self.at);
    }

    /// Puts back what the last kill took.
    pub fn yank(&mut self) {
        let killed = self.killed.clone();
        self.insert(&killed);
    }

    /// Goes a character back, over the start of a line into the one before.
    pub fn left(&mut self) {
        self.last = None;
        let start = self.character_before();
        if start < self.at {
            self.at = start;
        } else if self.row > 0 {
            self.row -= 1;
            self.at = self.lines[self.row].len();
        }
    }

    /// Goes a character on, over the end of a line into the next.
    pub fn right(&mut self) {
        self.last = None;
        let end = self.character_behind();
        if end > self.at {
            self.at = end;
        } else if self.row + 1 < self.lines.len() {
            self.row += 1;
            self.at = 0;
        }
    }

    /// Returns where the character before the cursor begins: what a screen shows as one, combining marks and all.
    pub(super) fn character_before(&self) -> usize {
        let before = self.before_cursor();
        // A character that a screen shows as one is short: only the end is looked at.
        let near = before.char_indices().rev().take(NEAR).last().map_or(0, |(at, _)| at);
        graphemes(&before[near..]).next_back().map_or(self.at, |(at, ..)| near + at)
    }

    /// Returns where the character at the cursor ends.
    pub(super) fn character_behind(&self) -> usize {
        let behind = &self.lines[self.row][self.at..];
        let near = behind.char_indices().nth(NEAR).map_or(behind.len(), |(at, _)| at);
        graphemes(&behind[..near]).next().map_or(self.at, |(_, grapheme, _)| self.at + grapheme.len())
    }

    /// Goes to the start of the word before.
    pub fn word_left(&mut self) {
        if self.at == 0 {
            return self.left();
        }
        self.at = word_start(self.before_cursor());
    }

    /// Goes behind the end of the next word.
    pub fn word_right(&mut self) {
        let rest = &self.lines[self.row][self.at..];
        if rest.is_empty() {
            return self.right();
        }
        let gap = rest.find(|c: char| c.is_alphanumeric()).unwrap_or(rest.len());
        let word = rest[gap..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len() - gap);
        self.at += gap + word;
    }

    /// Goes to the start of the line.
    pub fn home(&mut self) {
        self.at = 0;
    }
    /// Goes to the end of the line.
    pub fn end(&mut self) {
        self.at = self.lines[self.row].len();
    }

    /// Goes a line up; says whether there was one.
    pub fn up(&mut self) -> bool {
        self.row > 0 && {
            self.go_to_row(self.row - 1);
            true
        }
    }
    /// Goes a line down; says whether there was one.
    pub fn down(&mut self) -> bool {
        self.row + 1 < self.lines.len() && {
            self.go_to_row(self.row + 1);
            true
        }
    }

    fn go_to_row(&mut self, row: usize) {
        self.last = None;
        let column: usize = graphemes(self.before_cursor()).map(|(_, _, width)| width).sum();
        self.row = row;
        let mut used = 0;
        let fits = graphemes(&self.lines[row]).find(|(_, _, width)| {
            used += width;
            used > column
        });
        self.at = fits.map_or(self.lines[row].len(), |(at, ..)| at);
    }

    /// Takes a completion: the text from `from` (offset into the whole text) to the cursor becomes `with`.
    pub fn complete(&mut self, from: usize, with: &str) {
        let start = from.saturating_sub(self.offset() - self.at).min(self.at);
        if !self.lines[self.row].is_char_boundary(start) {
            return;
        }
        self.before(Edit::Other);
        self.lines[self.row].replace_range(start..self.at, "");
        self.at = start;
        self.put(with);
    }
}

/// Returns where the word before the end of `text` begins; blanks behind it belong to it.
fn word_start(text: &str) -> usize {
    let word = text.trim_end_matches(|c: char| !c.is_alphanumeric());
    let rest = word.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_over_lines() {
        let mut e = Editor::default();
        e.insert("select\r\n  1\x1b;");
        assert_eq!(e.text(), "select\n  1;");
        e.home();
        e.backspace();
        assert_eq!(e.text(), "select  1;");
        assert_eq!(e.offset(), 6);
        e.delete_word();
        assert_eq!(e.text(), "  1;");
        e.yank();
        assert_eq!(e.text(), "select  1;");
    }

    #[test]
    fn the_cursor_walks_over_characters_and_lines() {
        let mut e = Editor::default();
        e.insert("é世\nab");
        e.left();
        e.left();
        e.left();
        assert_eq!((e.row(), e.at()), (0, "é世".len()));
        e.left();
        assert_eq!(e.at(), 2);
        // Below the second column, not behind the first character.
        assert!(e.down() && !e.down());
        assert_eq!(e.at(), 1);
        assert!(e.up() && !e.up());
    }

    #[test]
    fn what_a_screen_shows_as_one_character_is_one() {
        for character in ["e\u{301}", "👍🏽", "👩\u{200d}👩\u{200d}👧\u{200d}👦", "🇩🇪", "한", "क्षि"]
        {
            let mut e = Editor::default();
            e.insert(&format!("a{character}b"));
            e.left();
            e.left();
            assert_eq!(e.at(), 1, "{character}");
            e.right();
            assert_eq!(e.at(), 1 + character.len(), "{character}");
            e.backspace();
            assert_eq!(e.text(), "ab", "{character}");
            e.undo();
            e.home();
            e.right();
            e.delete();
            assert_eq!(e.text(), "ab", "{character}");
        }
    }

    #[test]
    fn edits_are_undone_word_by_word() {
        let mut e = Editor::default();
        for c in "select one".chars() {
            e.insert(&c.to_string());
        }
        e.backspace();
        e.backspace();
        assert_eq!(e.text(), "select o");
        assert!(e.undo());
        assert_eq!(e.text(), "select one");
        assert!(e.undo());
        assert_eq!(e.text(), "select ");
        e.insert("two\nlines");
        e.kill_to_start();
        e.complete(0, "x");
        for text in ["select two\n", "select two\nlines", "select ", "select", ""] {
            assert!(e.undo());
            assert_eq!(e.text(), text);
        }
        assert!(!e.undo());
        e.set("other");
        e.set("another");
        assert!(e.undo());
        assert_eq!(e.text(), "other");
    }

    #[test]
    fn a_completion_replaces_the_word() {
        let mut e = Editor::default();
        e.insert("select 1;\nselect * from acc");
        e.complete(e.offset() - 3, "accounts");
        assert_eq!(e.text(), "select 1;\nselect * from accounts");
    }

    #[test]
    fn a_pasted_megabyte_is_taken() {
        let mut e = Editor::default();
        e.insert(&"x".repeat(1 << 20));
        e.insert(&"insert into t values (1);\n".repeat(40_000));
        e.insert("y");
        e.backspace();
        assert_eq!(e.lines().len(), 40_001);
    }
}

//! The text being typed: lines and a cursor. Pure.
//!
//! Invariant: the cursor stands on a character boundary of an existing line; no edit costs more than the
//! line it touches, so that a pasted megabyte can be typed on.

/// A multi-line entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Editor {
    /// Never empty.
    lines: Vec<String>,
    row: usize,
    /// Byte offset into `lines[row]`.
    at: usize,
    /// The text that the last kill took, for `yank`.
    killed: String,
}

impl Default for Editor {
    fn default() -> Self {
        Editor { lines: vec![String::new()], row: 0, at: 0, killed: String::new() }
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

    /// Empties the text; what was killed can still be put back.
    pub fn clear(&mut self) {
        *self = Editor { killed: std::mem::take(&mut self.killed), ..Editor::default() };
    }

    /// Replaces the text; the cursor stands at its end.
    pub fn set(&mut self, text: &str) {
        self.clear();
        self.insert(text);
    }

    /// Typed or pasted. Line ends of every kind become newlines; other control characters are left out.
    pub fn insert(&mut self, text: &str) {
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

    /// Deletes the character before the cursor; at the start of a line, the line break.
    pub fn backspace(&mut self) {
        if let Some(c) = self.before_cursor().chars().next_back() {
            self.at -= c.len_utf8();
            self.lines[self.row].remove(self.at);
        } else if self.row > 0 {
            let tail = self.lines.remove(self.row);
            self.row -= 1;
            self.at = self.lines[self.row].len();
            self.lines[self.row].push_str(&tail);
        }
    }

    /// Deletes the character at the cursor; at the end of a line, the line break.
    pub fn delete(&mut self) {
        if self.at < self.lines[self.row].len() {
            self.lines[self.row].remove(self.at);
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
        self.killed = self.lines[self.row].drain(start..self.at).collect();
        self.at = start;
    }

    /// Kills the line up to the cursor.
    pub fn kill_to_start(&mut self) {
        self.killed = self.lines[self.row].drain(..self.at).collect();
        self.at = 0;
    }

    /// Kills the line from the cursor on; at its end, deletes the line break.
    pub fn kill_to_end(&mut self) {
        if self.at == self.lines[self.row].len() {
            return self.delete();
        }
        self.killed = self.lines[self.row].split_off(self.at);
    }

    /// Puts back what the last kill took.
    pub fn yank(&mut self) {
        let killed = self.killed.clone();
        self.insert(&killed);
    }

    /// Goes a character back, over the start of a line into the one before.
    pub fn left(&mut self) {
        match self.before_cursor().chars().next_back() {
            Some(c) => self.at -= c.len_utf8(),
            None if self.row > 0 => {
                self.row -= 1;
                self.at = self.lines[self.row].len();
            }
            None => {}
        }
    }

    /// Goes a character on, over the end of a line into the next.
    pub fn right(&mut self) {
        match self.lines[self.row][self.at..].chars().next() {
            Some(c) => self.at += c.len_utf8(),
            None if self.row + 1 < self.lines.len() => {
                self.row += 1;
                self.at = 0;
            }
            None => {}
        }
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
        let column = self.before_cursor().chars().count();
        self.row = row;
        self.at = self.lines[row].char_indices().nth(column).map_or(self.lines[row].len(), |(at, _)| at);
    }

    /// Takes a completion: the text from `from` (offset into the whole text) to the cursor becomes `with`.
    pub fn complete(&mut self, from: usize, with: &str) {
        let start = from.saturating_sub(self.offset() - self.at).min(self.at);
        if !self.lines[self.row].is_char_boundary(start) {
            return;
        }
        self.lines[self.row].replace_range(start..self.at, "");
        self.at = start;
        self.insert(with);
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
        assert!(e.down() && !e.down());
        assert_eq!(e.at(), 1);
        assert!(e.up() && !e.up());
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

//! vi's motions, and what its commands do with the text that they go over. All within the line of the cursor.

use std::ops::Range;

use workshop_base::text::graphemes;

use super::text::{Edit, Editor};

/// A way through the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViMotion {
    Left,
    Right,
    /// To the next word's beginning.
    Word,
    /// Onto the last character of the word, or of the next one.
    WordEnd,
    WordBack,
    /// Onto the last character of the word at the cursor, also from there.
    ThisWord,
    LineStart,
    /// To the first character that is no blank.
    FirstText,
    LineEnd,
    WholeLine,
    /// Onto (`f`) or beside (`t`) a character, backwards for capitals.
    Find {
        how: char,
        letter: char,
    },
}

impl ViMotion {
    /// Tells whether the character that it goes onto is meant, too.
    fn takes_its_end(self) -> bool {
        match self {
            ViMotion::WordEnd | ViMotion::ThisWord => true,
            ViMotion::Find { how, .. } => how.is_lowercase(),
            _ => false,
        }
    }
}

impl Editor {
    /// Goes so many steps. Says whether there was such a place.
    pub fn vi_go(&mut self, motion: ViMotion, times: usize) -> bool {
        let target = self.target(motion, times);
        if let Some(at) = target {
            (self.at, self.last) = (at, None);
        }
        target.is_some()
    }

    /// Kills what the motion goes over. Says whether there was such a place.
    pub fn vi_kill(&mut self, motion: ViMotion, times: usize) -> bool {
        let Some(range) = self.passed(motion, times) else { return false };
        self.before(Edit::Other);
        self.at = range.start;
        self.killed = self.lines[self.row].drain(range).collect();
        true
    }

    /// Copies what the motion goes over, for `p`.
    pub fn vi_copy(&mut self, motion: ViMotion, times: usize) {
        if let Some(range) = self.passed(motion, times) {
            self.killed = self.lines[self.row][range].to_owned();
        }
    }

    /// Puts back what was killed or copied, behind the character at the cursor or before it; the cursor ends on its last.
    pub fn vi_put(&mut self, behind: bool, times: usize) {
        if behind {
            self.at = self.character_behind();
        }
        let text = self.killed.repeat(times);
        if !text.is_empty() {
            self.insert(&text);
            self.at = self.character_before();
        }
    }

    /// Goes behind the character at the cursor, to type there.
    pub fn vi_append(&mut self) {
        self.at = self.character_behind();
    }

    /// Goes back onto the last character, as no command works behind it.
    pub fn vi_settle(&mut self) {
        if self.at == self.lines[self.row].len() {
            self.at = self.character_before();
        }
    }

    /// Goes a character back within the line, as the end of typing does.
    pub fn vi_step_back(&mut self) {
        self.at = self.character_before();
    }

    /// Puts a character in the place of so many at the cursor, which ends on the last; nothing where they are fewer.
    pub fn vi_replace(&mut self, letter: char, times: usize) {
        let rest = &self.lines[self.row][self.at..];
        let Some((last, grapheme, _)) = graphemes(rest).nth(times.saturating_sub(1)) else { return };
        let end = self.at + last + grapheme.len();
        self.before(Edit::Other);
        let text = letter.to_string().repeat(times);
        self.lines[self.row].replace_range(self.at..end, &text);
        self.at += text.len() - letter.len_utf8();
    }

    /// Gives so many letters from the cursor on the other case, and goes behind them.
    pub fn vi_swap_case(&mut self, times: usize) {
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

    /// Finds what a motion goes over: its first byte, and the first behind it.
    fn passed(&self, motion: ViMotion, times: usize) -> Option<Range<usize>> {
        if motion == ViMotion::WholeLine {
            return Some(0..self.lines[self.row].len());
        }
        let target = self.target(motion, times)?;
        let line = &self.lines[self.row];
        let end = graphemes(&line[target..]).next().map_or(target, |(_, grapheme, _)| target + grapheme.len());
        let range = match motion.takes_its_end() {
            true => self.at.min(target)..end,
            false => self.at.min(target)..self.at.max(target),
        };
        (!range.is_empty()).then_some(range)
    }

    /// Finds where a motion leads to: the byte at which that character begins, or the end of the line.
    fn target(&self, motion: ViMotion, times: usize) -> Option<usize> {
        let line = &self.lines[self.row];
        let again = |from: usize, step: &dyn Fn(usize) -> usize| (0..times).fold(from, |at, _| step(at));
        let to = match motion {
            ViMotion::Left => graphemes(&line[..self.at]).rev().nth(times.saturating_sub(1)).map_or(0, |(at, ..)| at),
            ViMotion::Right => graphemes(&line[self.at..]).nth(times).map_or(line.len(), |(at, ..)| self.at + at),
            ViMotion::Word => again(self.at, &|at| next_word(line, at)),
            ViMotion::WordEnd => again(self.at, &|at| word_end(line, at)),
            ViMotion::ThisWord => (1..times).fold(this_word(line, self.at), |at, _| word_end(line, at)),
            ViMotion::WordBack => again(self.at, &|at| word_back(line, at)),
            ViMotion::LineStart | ViMotion::WholeLine => 0,
            ViMotion::FirstText => line.find(|c: char| !c.is_whitespace()).unwrap_or(0),
            ViMotion::LineEnd => line.len(),
            ViMotion::Find { how, letter } => return find(line, self.at, how, letter, times),
        };
        Some(to)
    }
}

/// The sort of a character: blanks, words, and what is neither.
fn sort(c: char) -> u8 {
    match c {
        c if c.is_whitespace() => 0,
        c if c.is_alphanumeric() || c == '_' => 1,
        _ => 2,
    }
}

/// Finds where the next word begins; the end of the line where there is none.
fn next_word(line: &str, at: usize) -> usize {
    let Some(here) = line[at..].chars().next() else { return at };
    let behind = line[at..].find(|c| sort(c) != sort(here)).map_or(line.len(), |n| at + n);
    line[behind..].find(|c| sort(c) != 0).map_or(line.len(), |n| behind + n)
}

/// Finds the last character of the word, or, at its end, of the next one.
fn word_end(line: &str, at: usize) -> usize {
    let from = at + line[at..].chars().next().map_or(0, char::len_utf8);
    let Some(begins) = line[from..].find(|c| sort(c) != 0).map(|n| from + n) else { return last(line, at) };
    let of = line[begins..].chars().next().map_or(0, sort);
    let end = line[begins..].find(|c| sort(c) != of).map_or(line.len(), |n| begins + n);
    before(line, end)
}

/// Finds the last character of the word here.
fn this_word(line: &str, at: usize) -> usize {
    let Some(here) = line[at..].chars().next() else { return at };
    let end = line[at..].find(|c| sort(c) != sort(here)).map_or(line.len(), |n| at + n);
    before(line, end)
}

/// Finds where the word begins, or, at its beginning, the one before.
fn word_back(line: &str, at: usize) -> usize {
    let text = line[..at].trim_end();
    let Some(of) = text.chars().next_back().map(sort) else { return 0 };
    text.trim_end_matches(|c| sort(c) == of).len()
}

/// Finds a character, past so many others of it.
fn find(line: &str, at: usize, how: char, letter: char, times: usize) -> Option<usize> {
    let beside = how.eq_ignore_ascii_case(&'t');
    let nth = times.saturating_sub(1);
    if how.is_lowercase() {
        // What the cursor stands on is here already.
        let from = at + line[at..].chars().next().map_or(0, char::len_utf8);
        let found = from + line[from..].match_indices(letter).nth(nth)?.0;
        return Some(if beside { before(line, found) } else { found });
    }
    let (found, text) = line[..at].rmatch_indices(letter).nth(nth)?;
    Some(if beside { found + text.len() } else { found })
}

/// Finds where the character before this place in a line begins.
fn before(line: &str, at: usize) -> usize {
    line[..at].char_indices().next_back().map_or(at, |(before, _)| before)
}

/// Finds the last character of a line, from this one on.
fn last(line: &str, at: usize) -> usize {
    before(line, line.len()).max(at)
}

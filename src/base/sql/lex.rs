//! The lexer. Works on bytes: all that it looks for is ASCII, and other characters are parts of words, as PostgreSQL
//! has it.

use std::ops::Range;

/// The kinds of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    Space,
    /// `-- …`, without the newline that ends it.
    LineComment,
    /// `/* … */`, with those inside it.
    BlockComment,
    /// An unquoted word: a keyword or a name.
    Word,
    /// `"name"`, `U&"name"`
    QuotedName,
    /// `'text'` with its prefix, `$tag$text$tag$`.
    Text,
    Number,
    /// `$1`
    Param,
    /// One byte of anything else: punctuation, a part of an operator.
    Symbol(u8),
}

/// A token, by its place in the text it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    /// Byte offsets. A text of more than 4 GiB is no statement.
    pub start: u32,
    pub end: u32,
}

impl Token {
    /// Returns its bytes in the text.
    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Returns it as it stands in `sql`, the text it was read from.
    pub fn text(self, sql: &str) -> &str {
        &sql[self.range()]
    }

    /// Tells whether it is this word, unquoted and in any case.
    pub fn is(self, sql: &str, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text(sql).eq_ignore_ascii_case(word)
    }

    /// Tells whether it is white space or a comment.
    pub fn is_trivia(self) -> bool {
        matches!(self.kind, TokenKind::Space | TokenKind::LineComment | TokenKind::BlockComment)
    }

    /// Returns the name that a word or a quoted name stands for: folded to lower case, or without its quotes.
    pub fn name(self, sql: &str) -> Option<String> {
        match self.kind {
            TokenKind::Word => Some(self.text(sql).to_lowercase()),
            TokenKind::QuotedName => {
                let text = self.text(sql);
                let inner = &text[text.find('"')? + 1..];
                Some(inner.strip_suffix('"').unwrap_or(inner).replace("\"\"", "\""))
            }
            _ => None,
        }
    }
}

/// The text or comment that is open at a position.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LexState {
    #[default]
    Code,
    /// `'…'`; with `escapes` a backslash takes the next character along (`E'…'`).
    Literal {
        escapes: bool,
    },
    QuotedName,
    LineComment,
    /// Its depth: block comments nest.
    BlockComment(u32),
    /// `$tag$ … $tag$`, with what closes it.
    Dollar(String),
}

impl LexState {
    /// Returns what is open behind `text`, when this was open before it.
    pub fn after(self, text: &str) -> LexState {
        let mut lexer = Lexer::resume(text, 0, self);
        while lexer.next().is_some() {}
        lexer.state
    }
}

/// Returns what is open at a byte offset of `sql`; offsets inside a character or behind the end are moved back.
pub fn state_at(sql: &str, at: usize) -> LexState {
    let mut at = at.min(sql.len());
    while !sql.is_char_boundary(at) {
        at -= 1;
    }
    LexState::Code.after(&sql[..at])
}

/// Reads tokens one by one. Together they cover the whole text.
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    sql: &'a str,
    at: usize,
    state: LexState,
}

impl<'a> Lexer<'a> {
    /// Begins with a text of its own.
    pub fn new(sql: &'a str) -> Lexer<'a> {
        Lexer::resume(sql, 0, LexState::Code)
    }

    /// Goes on at a byte offset (on a character's boundary) of a text, with what was open there.
    pub fn resume(sql: &'a str, at: usize, state: LexState) -> Lexer<'a> {
        Lexer { sql, at, state }
    }

    /// Returns what is open behind the token that was read last.
    pub fn state(&self) -> &LexState {
        &self.state
    }

    /// Gives back what is open, to go on with another text.
    pub fn into_state(self) -> LexState {
        self.state
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let bytes = self.sql.as_bytes();
        let start = self.at;
        if start >= bytes.len() {
            return None;
        }
        let (kind, end) = match std::mem::take(&mut self.state) {
            LexState::Code => self.code(bytes, start),
            open => self.rest_of(open, bytes, start),
        };
        self.at = end;
        Some(Token { kind, start: start as u32, end: end as u32 })
    }
}

impl Lexer<'_> {
    /// Reads a token that begins at `at`; returns its kind and its end.
    fn code(&mut self, b: &[u8], at: usize) -> (TokenKind, usize) {
        let next = b.get(at + 1).copied();
        match b[at] {
            c if is_space(c) => {
                (TokenKind::Space, at + b[at..].iter().position(|c| !is_space(*c)).unwrap_or(b.len() - at))
            }
            b'-' if next == Some(b'-') => self.rest_of(LexState::LineComment, b, at + 2),
            b'/' if next == Some(b'*') => self.rest_of(LexState::BlockComment(1), b, at + 2),
            b'\'' => self.rest_of(LexState::Literal { escapes: false }, b, at + 1),
            b'"' => self.rest_of(LexState::QuotedName, b, at + 1),
            b'$' if next.is_some_and(|c| c.is_ascii_digit()) => {
                (TokenKind::Param, run(b, at + 1, |c| c.is_ascii_digit()))
            }
            b'$' => match dollar_tag(b, at) {
                Some(end) => self.rest_of(LexState::Dollar(self.sql[at..end].to_owned()), b, end),
                None => (TokenKind::Symbol(b'$'), at + 1),
            },
            b'0'..=b'9' => (TokenKind::Number, number_end(b, at)),
            b'.' if next.is_some_and(|c| c.is_ascii_digit()) => (TokenKind::Number, number_end(b, at)),
            c if is_word_start(c) => {
                let end = run(b, at, is_word_part);
                match self.prefixed(b, at, end) {
                    Some(found) => found,
                    None => (TokenKind::Word, end),
                }
            }
            c => (TokenKind::Symbol(c), at + 1),
        }
    }

    /// Reads `E'…'` and its like, when the word from `at` to `end` is the prefix of a quote.
    fn prefixed(&mut self, b: &[u8], at: usize, end: usize) -> Option<(TokenKind, usize)> {
        if end != at + 1 {
            return None;
        }
        match (b[at].to_ascii_lowercase(), b.get(end), b.get(end + 1)) {
            (b'e', Some(b'\''), _) => Some(self.rest_of(LexState::Literal { escapes: true }, b, end + 1)),
            (b'b' | b'x' | b'n', Some(b'\''), _) => {
                Some(self.rest_of(LexState::Literal { escapes: false }, b, end + 1))
            }
            (b'u', Some(b'&'), Some(b'\'')) => Some(self.rest_of(LexState::Literal { escapes: false }, b, end + 2)),
            (b'u', Some(b'&'), Some(b'"')) => Some(self.rest_of(LexState::QuotedName, b, end + 2)),
            _ => None,
        }
    }

    /// Reads on in what is open, from `at`; what does not close stays open.
    fn rest_of(&mut self, open: LexState, b: &[u8], at: usize) -> (TokenKind, usize) {
        let (kind, end) = match &open {
            LexState::Code => return self.code(b, at),
            LexState::Literal { escapes } => (TokenKind::Text, literal_end(b, at, *escapes)),
            LexState::QuotedName => (TokenKind::QuotedName, quoted_end(b, at, b'"', false)),
            LexState::LineComment => (TokenKind::LineComment, line_end(b, at)),
            LexState::BlockComment(depth) => {
                let (end, left) = comment_end(b, at, *depth);
                if left > 0 {
                    self.state = LexState::BlockComment(left);
                }
                return (TokenKind::BlockComment, end);
            }
            LexState::Dollar(tag) => (
                TokenKind::Text,
                self.sql.get(at..).and_then(|rest| rest.find(tag.as_str())).map(|n| at + n + tag.len()),
            ),
        };
        if end.is_none() {
            self.state = open;
        }
        (kind, end.unwrap_or(b.len()))
    }
}

/// Returns the tokens of `sql` that mean something: all but white space and comments.
pub fn code_tokens(sql: &str) -> Vec<Token> {
    let mut out = Vec::new();
    lex_into(sql, &mut out);
    out
}

/// Puts the tokens of `sql` that mean something into `out`, which is cleared first: for who reads many texts.
pub fn lex_into(sql: &str, out: &mut Vec<Token>) {
    out.clear();
    out.extend(Lexer::new(sql).filter(|token| !token.is_trivia()));
}

fn is_space(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Tells whether a word can begin with this byte; every byte of a character beyond ASCII can begin one.
pub(super) fn is_word_start(c: u8) -> bool {
    c.is_ascii_alphabetic() || c == b'_' || c >= 0x80
}

fn is_word_part(c: u8) -> bool {
    is_word_start(c) || c.is_ascii_digit() || c == b'$'
}

/// Returns the end of the run of such bytes that begins at `at`.
fn run(b: &[u8], at: usize, part: impl Fn(u8) -> bool) -> usize {
    b[at..].iter().position(|c| !part(*c)).map_or(b.len(), |n| at + n)
}

fn line_end(b: &[u8], at: usize) -> Option<usize> {
    b[at..].iter().position(|c| matches!(c, b'\n' | b'\r')).map(|n| at + n)
}

/// Returns the end of a block comment, or of the text, and how many comments are open there.
fn comment_end(b: &[u8], mut at: usize, mut depth: u32) -> (usize, u32) {
    while at + 1 < b.len() {
        match (b[at], b[at + 1]) {
            (b'/', b'*') => {
                depth += 1;
                at += 2;
            }
            (b'*', b'/') => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return (at, 0);
                }
            }
            _ => at += 1,
        }
    }
    (b.len(), depth)
}

/// Returns the end of what a quote closes, from inside it. A doubled quote is one character of the text.
fn quoted_end(b: &[u8], mut at: usize, quote: u8, escapes: bool) -> Option<usize> {
    while at < b.len() {
        if escapes && b[at] == b'\\' {
            at += 2;
        } else if b[at] == quote {
            if b.get(at + 1) != Some(&quote) {
                return Some(at + 1);
            }
            at += 2;
        } else {
            at += 1;
        }
    }
    None
}

/// Returns the end of a text, with the parts that go on behind white space that holds a newline.
fn literal_end(b: &[u8], mut at: usize, escapes: bool) -> Option<usize> {
    loop {
        let end = quoted_end(b, at, b'\'', escapes)?;
        match continuation(b, end) {
            Some(next) => at = next,
            None => return Some(end),
        }
    }
}

/// Returns where the text goes on that a quote has closed: behind its next quote, with a newline between.
fn continuation(b: &[u8], mut at: usize) -> Option<usize> {
    let mut newline = false;
    loop {
        match b.get(at)? {
            b'\'' if newline => return Some(at + 1),
            c if is_space(*c) => {
                newline |= matches!(c, b'\n' | b'\r');
                at += 1;
            }
            b'-' if b.get(at + 1) == Some(&b'-') => at = line_end(b, at)?,
            _ => return None,
        }
    }
}

/// Returns the end of a dollar quote's opening, `$$` or `$tag$`, that begins at `at`.
fn dollar_tag(b: &[u8], at: usize) -> Option<usize> {
    let end = run(b, at + 1, |c| is_word_start(c) || c.is_ascii_digit());
    (b.get(end) == Some(&b'$')).then_some(end + 1)
}

/// Returns the end of a number, with the letters that are glued to it (which the server refuses).
fn number_end(b: &[u8], at: usize) -> usize {
    let digit = |c: u8| c.is_ascii_digit() || c == b'_';
    let word = |c: u8| is_word_start(c) || c.is_ascii_digit();
    if b[at] == b'0' && matches!(b.get(at + 1).map(u8::to_ascii_lowercase), Some(b'x' | b'o' | b'b')) {
        return run(b, at, word);
    }
    let mut end = run(b, at, digit);
    // Of `1..10`, a range, the first dot is not the number's.
    if b.get(end) == Some(&b'.') && b.get(end + 1) != Some(&b'.') {
        end = run(b, end + 1, digit);
    }
    if matches!(b.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(b.get(end + 1), Some(b'+' | b'-')));
        if b.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            end = run(b, end + 1 + sign, digit);
        }
    }
    run(b, end, word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        code_tokens(sql).iter().map(|t| t.text(sql)).collect()
    }

    #[test]
    fn quotes_hide_what_they_hold() {
        assert_eq!(texts("select 'a;''b' /* ; /* -- */ */ , E'\\';' -- ;\n"), ["select", "'a;''b'", ",", "E'\\';'"]);
        assert_eq!(texts("$x$ ; $x$ $1 \"a\"\"b\""), ["$x$ ; $x$", "$1", "\"a\"\"b\""]);
        assert_eq!(
            texts("U&'x' b'01' usage x'ff' n'\\' U&\"a\""),
            ["U&'x'", "b'01'", "usage", "x'ff'", "n'\\'", "U&\"a\""]
        );
        assert_eq!(texts("1.5e-3::numeric"), ["1.5e-3", ":", ":", "numeric"]);
        assert_eq!(texts("a$$b$$ 1..2 0xff-1 1e+x"), ["a$$b$$", "1", ".", ".2", "0xff", "-", "1", "1e", "+", "x"]);
    }

    #[test]
    fn a_prefix_is_a_word_by_itself() {
        assert_eq!(texts("date'2020\\' || e'\\''"), ["date", "'2020\\'", "|", "|", "e'\\''"]);
        assert_eq!(texts("_e'\\' äe'\\' \"e\"'\\'"), ["_e", "'\\'", "äe", "'\\'", "\"e\"", "'\\'"]);
    }

    #[test]
    fn a_text_goes_on_behind_a_newline() {
        assert_eq!(texts("e'a' -- so\n '\\'' 'x'"), ["e'a' -- so\n '\\''", "'x'"]);
        assert_eq!(texts("'a' 'b'"), ["'a'", "'b'"]);
    }

    #[test]
    fn what_is_open_is_known_at_every_position() {
        let cases = [
            ("select ", LexState::Code),
            ("select 'it''s ", LexState::Literal { escapes: false }),
            ("select e'\\'", LexState::Literal { escapes: true }),
            ("select date'\\'", LexState::Code),
            ("select \"a", LexState::QuotedName),
            ("select -- x", LexState::LineComment),
            ("select -- x\n", LexState::Code),
            ("/* /* */", LexState::BlockComment(1)),
            ("do $a$ $b$", LexState::Dollar("$a$".to_owned())),
            ("do $a$ $a$", LexState::Code),
        ];
        for (sql, state) in cases {
            assert_eq!(state_at(sql, sql.len()), state, "{sql}");
        }
        assert_eq!(state_at("'é'", 2), LexState::Literal { escapes: false });
    }

    #[test]
    fn a_text_may_come_in_pieces() {
        let mut state = LexState::Code;
        for piece in ["select /* a /* b ", " */ c */ $x$ ", "$x$ 'a", "b' "] {
            state = state.after(piece);
        }
        assert_eq!(state, LexState::Code);
    }

    #[test]
    fn tokens_cover_every_text() {
        // Pieces that open and close things, in every order of three.
        let pieces = ["'", "\"", "$a$", "$", "/*", "*/", "--", "\n", "e", "U&", "\\", "é", "1.", "..", ";", " ", "\0"];
        for a in pieces {
            for b in pieces {
                for c in pieces {
                    let sql = format!("{a}{b}{c}{a}");
                    let mut last = 0;
                    for token in Lexer::new(&sql) {
                        assert_eq!(token.start, last, "{sql:?}");
                        assert!(token.end > token.start && sql.is_char_boundary(token.range().end), "{sql:?}");
                        last = token.end;
                    }
                    assert_eq!(last as usize, sql.len(), "{sql:?}");
                }
            }
        }
    }
}

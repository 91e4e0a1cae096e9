//! Finds where a statement ends, as psql sees it: line by line, with backslash commands and variables. Pure.
//!
//! The tokens are those of [`workshop_base::sql`]; quotes, comments, parentheses and function bodies stay open from one
//! line to the next, and the prompt shows which. Variables (`:name`, `:'name'`, `:"name"`, `:{?name}`) are put in
//! here, because only here it is known what is inside a quote.

use workshop_base::sql::{LexState, Lexer, TokenKind};

/// The reason why the scanner stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScanStop {
    /// Behind the `;` that ends a statement; it is part of the text that is sent, as error positions show.
    Semicolon,
    /// Behind the backslash that begins a command.
    Backslash,
    /// At the end of the line.
    EndOfLine,
}

/// The state of input that a prompt shows: what the next line goes on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptStatus {
    /// A new statement: `=`
    Statement,
    /// More of this one: `-`
    More,
    Quote,
    Identifier,
    Dollar,
    Comment,
    Paren,
}

impl PromptStatus {
    /// Returns the character of psql's prompt (`%R`).
    pub fn mark(self) -> char {
        match self {
            PromptStatus::Statement => '=',
            PromptStatus::More => '-',
            PromptStatus::Quote => '\'',
            PromptStatus::Identifier => '"',
            PromptStatus::Dollar => '$',
            PromptStatus::Comment => '*',
            PromptStatus::Paren => '(',
        }
    }
}

/// A way to write a variable's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableQuoting {
    /// `:name`
    Plain,
    /// `:'name'`
    Literal,
    /// `:"name"`
    Identifier,
    /// `:{?name}`: TRUE or FALSE.
    Test,
}

/// Values of variables: `None` leaves the text as it stands.
pub type VariableLookup<'a> = &'a dyn Fn(&str, VariableQuoting) -> Option<String>;

/// The scanner's memory between lines.
#[derive(Debug, Clone, Default)]
pub struct Scanner {
    open: LexState,
    /// Parentheses that are open.
    pub parens: u32,
    /// Depth of `BEGIN … END` in a function body (`CREATE FUNCTION … BEGIN ATOMIC`), where `;` ends nothing.
    begins: u32,
    /// The first words of the statement, as far as they tell a CREATE FUNCTION.
    words: Vec<&'static str>,
    counted: u32,
}

/// A line on its way through the scanner: variables are put in as they are met.
#[derive(Debug, Clone)]
pub struct ScanLine {
    pub text: String,
    pub at: usize,
    /// Variables being expanded, and how much text is left when each is over.
    open: Vec<(String, usize)>,
}

impl ScanLine {
    /// Begins at the start of a line.
    pub fn new(text: impl Into<String>) -> ScanLine {
        ScanLine { text: text.into(), at: 0, open: Vec::new() }
    }

    /// Returns what has not been scanned yet.
    pub fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Moves what stands up to `end` into the statement.
    fn take(&mut self, end: usize, out: &mut String) {
        out.push_str(&self.text[self.at..end]);
        self.at = end;
    }

    /// Puts a plain value in place of the variable that ends at `end`. False when it would contain itself.
    fn expand(&mut self, name: &str, end: usize, value: &str) -> bool {
        let left = self.text.len() - end;
        self.open.retain(|(_, until)| *until < self.text.len() - self.at || *until < left + 1);
        if self.open.iter().any(|(open, until)| open == name && left >= *until) {
            return false;
        }
        self.open.push((name.to_owned(), left));
        self.text.replace_range(self.at..end, value);
        true
    }
}

impl Scanner {
    /// Scans on from `line.at`, appends to `out` what belongs to the statement, and says where it stopped.
    /// White space and `--` comments before a statement are left out.
    pub fn scan(&mut self, line: &mut ScanLine, out: &mut String, lookup: Option<VariableLookup>) -> ScanStop {
        loop {
            let open = std::mem::take(&mut self.open);
            let inside = open != LexState::Code;
            let mut lexer = Lexer::resume(&line.text, line.at, open);
            let token = lexer.next();
            self.open = lexer.into_state();
            let Some(token) = token else { break };
            let end = token.range().end;
            if inside {
                line.take(end, out);
            } else if let Some(stop) = self.token(token.kind, end, line, out, lookup) {
                return stop;
            }
        }
        if self.open == LexState::LineComment {
            self.open = LexState::Code;
        }
        ScanStop::EndOfLine
    }

    /// Returns what the next line would have to bring; `text` is the statement so far.
    pub fn status(&self, text: &str) -> PromptStatus {
        match self.open {
            LexState::BlockComment(_) => PromptStatus::Comment,
            LexState::Literal { .. } => PromptStatus::Quote,
            LexState::QuotedName => PromptStatus::Identifier,
            LexState::Dollar(_) => PromptStatus::Dollar,
            LexState::Code | LexState::LineComment if self.parens > 0 => PromptStatus::Paren,
            LexState::Code | LexState::LineComment if self.begins > 0 || !text.is_empty() => PromptStatus::More,
            LexState::Code | LexState::LineComment => PromptStatus::Statement,
        }
    }

    /// Forgets the statement that was being read.
    pub fn reset(&mut self) {
        *self = Scanner::default();
    }

    /// Tells whether a quote or a comment is open, in which nothing has a meaning.
    pub fn inside(&self) -> bool {
        self.open != LexState::Code
    }

    /// Takes a token that ends at `end` into the statement, or stops at it.
    fn token(
        &mut self,
        kind: TokenKind,
        end: usize,
        line: &mut ScanLine,
        out: &mut String,
        lookup: Option<VariableLookup>,
    ) -> Option<ScanStop> {
        let next = line.text.as_bytes().get(end).copied();
        match kind {
            TokenKind::Space | TokenKind::LineComment if out.is_empty() => line.at = end,
            TokenKind::Word => {
                self.word(&line.text[line.at..end].to_ascii_lowercase());
                line.take(end, out);
            }
            TokenKind::Symbol(b'(') => {
                self.parens += 1;
                line.take(end, out);
            }
            TokenKind::Symbol(b')') => {
                self.parens = self.parens.saturating_sub(1);
                line.take(end, out);
            }
            TokenKind::Symbol(b';') => {
                line.take(end, out);
                if self.parens == 0 && self.begins == 0 {
                    self.words.clear();
                    self.counted = 0;
                    return Some(ScanStop::Semicolon);
                }
            }
            // `\;` puts a semicolon into one message of several statements, `\:` a colon that names no variable.
            TokenKind::Symbol(b'\\') if matches!(next, Some(b';' | b':')) => {
                line.at = end;
                if next == Some(b';') {
                    self.words.clear();
                    self.counted = 0;
                }
                line.take(end + 1, out);
            }
            TokenKind::Symbol(b'\\') => {
                line.at = end;
                return Some(ScanStop::Backslash);
            }
            TokenKind::Symbol(b':') if matches!(next, Some(b':' | b'=')) => line.take(end + 1, out),
            TokenKind::Symbol(b':') => self.variable(line, out, lookup),
            _ => line.take(end, out),
        }
        None
    }

    /// Puts the value of the variable at the line's position into the statement.
    fn variable(&self, line: &mut ScanLine, out: &mut String, lookup: Option<VariableLookup>) {
        let Some((name, quoting, n)) = variable(line.rest()) else {
            return line.take(line.at + 1, out);
        };
        let name = name.to_owned();
        if let Some(value) = lookup.and_then(|lookup| lookup(&name, quoting)) {
            match quoting {
                VariableQuoting::Plain => {
                    if line.expand(&name, line.at + n, &value) {
                        return;
                    }
                }
                VariableQuoting::Literal | VariableQuoting::Identifier | VariableQuoting::Test => {
                    out.push_str(&value);
                    line.at += n;
                    return;
                }
            }
        }
        // A name that is none is text of its own: what stands behind it begins anew.
        line.take(line.at + n, out);
    }

    /// Keeps count of `BEGIN`, `CASE` and `END` in the body of a function.
    fn word(&mut self, word: &str) {
        let known = ["create", "function", "procedure", "or", "replace"].into_iter().find(|k| *k == word);
        if self.counted < 4
            && let Some(known) = known
            && self.words.len() == self.counted as usize
        {
            self.words.push(known);
        }
        self.counted += 1;
        let body = match self.words[..] {
            ["create", second, ..] if second == "function" || second == "procedure" => true,
            ["create", "or", "replace", fourth, ..] => fourth == "function" || fourth == "procedure",
            _ => false,
        };
        if !body || self.parens > 0 {
            return;
        }
        match word {
            "begin" => self.begins += 1,
            "case" if self.begins > 0 => self.begins += 1,
            "end" => self.begins = self.begins.saturating_sub(1),
            _ => {}
        }
    }
}

/// Returns the variable that a text begins with: its name, how its value is wanted, and its length in bytes.
pub fn variable(text: &str) -> Option<(&str, VariableQuoting, usize)> {
    let rest = text.strip_prefix(':')?;
    let named = |inner: &str| {
        let n = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii())).unwrap_or(inner.len());
        (n > 0).then_some(n)
    };
    for (quote, quoting) in [('\'', VariableQuoting::Literal), ('"', VariableQuoting::Identifier)] {
        if let Some(inner) = rest.strip_prefix(quote) {
            let n = named(inner)?;
            return inner[n..].starts_with(quote).then(|| (&inner[..n], quoting, n + 3));
        }
    }
    if let Some(inner) = rest.strip_prefix("{?") {
        let n = named(inner)?;
        return inner[n..].starts_with('}').then(|| (&inner[..n], VariableQuoting::Test, n + 4));
    }
    let n = named(rest)?;
    Some((&rest[..n], VariableQuoting::Plain, n + 1))
}

/// Tells whether a statement says nothing.
pub fn is_empty(statement: &str) -> bool {
    statement.trim_end_matches(';').trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str, lookup: Option<VariableLookup>) -> (Vec<String>, PromptStatus) {
        let mut scanner = Scanner::default();
        let (mut done, mut current) = (Vec::new(), String::new());
        for text in text.split('\n') {
            let mut line = ScanLine::new(text);
            if !current.is_empty() {
                current.push('\n');
            }
            while scanner.scan(&mut line, &mut current, lookup) == ScanStop::Semicolon {
                done.push(std::mem::take(&mut current));
            }
        }
        let expect = scanner.status(&current);
        if !current.is_empty() {
            done.push(current);
        }
        (done, expect)
    }

    fn ends(text: &str) -> char {
        run(text, None).1.mark()
    }

    #[test]
    fn a_semicolon_ends_a_statement_only_outside() {
        assert_eq!(run("select ';'; select \";\" /* ; */; select $x$ ; $x$, $$;$$ -- ;", None).0.len(), 3);
        assert_eq!(run("select (1;2); select E'\\';';", None).0, ["select (1;2);", "select E'\\';';"]);
        assert_eq!(run("select 'a\\'; select 2", None).0.len(), 2);
        assert_eq!(run("select 1 \\; select 2;", None).0, ["select 1 ; select 2;"]);
    }

    #[test]
    fn the_prompt_says_what_is_open() {
        assert_eq!(ends("select 1;"), '=');
        assert_eq!(ends("select 1"), '-');
        assert_eq!(ends("select '"), '\'');
        assert_eq!(ends("select \""), '"');
        assert_eq!(ends("select $a$ $b$"), '$');
        assert_eq!(ends("select (1"), '(');
        assert_eq!(ends("/* /* */"), '*');
        assert_eq!(ends("   -- nothing"), '=');
        assert_eq!(ends("select 'it''s';"), '=');
    }

    #[test]
    fn a_function_body_keeps_its_semicolons() {
        let body = "create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end; select 3;";
        assert_eq!(run(body, None).0.len(), 2);
        assert_eq!(run("begin; select 1; end;", None).0.len(), 3);
    }

    #[test]
    fn variables_are_put_in_outside_quotes_only() {
        let lookup = |name: &str, quoting: VariableQuoting| match (name, quoting) {
            ("x", VariableQuoting::Plain) => Some("1; select 2".to_owned()),
            ("x", VariableQuoting::Literal) => Some("'it''s'".to_owned()),
            ("loop", VariableQuoting::Plain) => Some(":loop".to_owned()),
            ("no", VariableQuoting::Test) => Some("FALSE".to_owned()),
            _ => None,
        };
        let run = |text| run(text, Some(&lookup)).0;
        assert_eq!(run("select :x, ':x', a::int, :y, :'x';"), ["select 1;", "select 2, ':x', a::int, :y, 'it''s';"]);
        assert_eq!(run("select :loop;"), ["select :loop;"]);
        assert_eq!(run("select :{?no}, arr[1:2];"), ["select FALSE, arr[1:2];"]);
        assert_eq!(run("select :y$a$ ; $a$;"), ["select :y$a$ ; $a$;"]);
    }
}

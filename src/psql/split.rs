//! Where a statement ends: the lexical rules of SQL as far as a console must know them. Pure.
//!
//! Text is given line by line; quotes, comments, parentheses and dollar quotes stay open from one line to the
//! next, and the prompt shows which. Variables (`:name`, `:'name'`, `:"name"`, `:{?name}`) are put in here,
//! because only here it is known what is inside a quote.

/// What is still open, and so which prompt comes next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum State {
    #[default]
    Plain,
    /// `/* … */`, which nest.
    Comment(u32),
    /// `'…'`; `escapes` for `E'…'`, where a backslash takes the next character along.
    Quote { escapes: bool },
    /// `"…"`
    Identifier,
    /// `$tag$…$tag$`, with the tag and its dollars.
    Dollar(String),
}

/// Why the scanner stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Behind the `;` that ends a statement; it is part of the text that is sent, as error positions show.
    Semicolon,
    /// Behind the backslash that begins a command.
    Backslash,
    /// At the end of the line.
    EndOfLine,
}

/// What is waited for at the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
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

impl Expect {
    /// The character of psql's prompt (`%R`).
    pub fn mark(self) -> char {
        match self {
            Expect::Statement => '=',
            Expect::More => '-',
            Expect::Quote => '\'',
            Expect::Identifier => '"',
            Expect::Dollar => '$',
            Expect::Comment => '*',
            Expect::Paren => '(',
        }
    }
}

/// How a variable's value is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
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
pub type Lookup<'a> = &'a dyn Fn(&str, Quoting) -> Option<String>;

/// The scanner's memory between lines.
#[derive(Debug, Clone, Default)]
pub struct Scanner {
    state: State,
    parens: u32,
    /// Depth of `BEGIN … END` in a function body (`CREATE FUNCTION … BEGIN ATOMIC`), where `;` ends nothing.
    begins: u32,
    /// The first words of the statement, as far as they tell a CREATE FUNCTION.
    words: Vec<&'static str>,
    counted: u32,
}

/// A line on its way through the scanner: variables are put in as they are met.
#[derive(Debug, Clone)]
pub struct Line {
    pub text: String,
    pub at: usize,
    /// Variables being expanded, and how much text is left when each is over.
    open: Vec<(String, usize)>,
}

impl Line {
    pub fn new(text: impl Into<String>) -> Line {
        Line { text: text.into(), at: 0, open: Vec::new() }
    }

    pub fn rest(&self) -> &str {
        &self.text[self.at..]
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
    pub fn scan(&mut self, line: &mut Line, out: &mut String, lookup: Option<Lookup>) -> Stop {
        while line.at < line.text.len() {
            match &self.state {
                State::Plain => {
                    if let Some(stop) = self.plain(line, out, lookup) {
                        return stop;
                    }
                }
                State::Comment(_) => self.comment(line, out),
                State::Quote { escapes } => {
                    let escapes = *escapes;
                    self.until(line, out, '\'', escapes);
                }
                State::Identifier => self.until(line, out, '"', false),
                State::Dollar(tag) => {
                    let rest = line.rest();
                    let (taken, closed) = match rest.find(tag.as_str()) {
                        Some(at) => (at + tag.len(), true),
                        None => (rest.len(), false),
                    };
                    out.push_str(&rest[..taken]);
                    line.at += taken;
                    if closed {
                        self.state = State::Plain;
                    }
                }
            }
        }
        Stop::EndOfLine
    }

    /// What the next line would have to bring; `text` is the statement so far.
    pub fn expect(&self, text: &str) -> Expect {
        match self.state {
            State::Comment(_) => Expect::Comment,
            State::Quote { .. } => Expect::Quote,
            State::Identifier => Expect::Identifier,
            State::Dollar(_) => Expect::Dollar,
            State::Plain if self.parens > 0 => Expect::Paren,
            State::Plain if self.begins > 0 || !text.is_empty() => Expect::More,
            State::Plain => Expect::Statement,
        }
    }

    /// Forgets the statement that was being read.
    pub fn reset(&mut self) {
        *self = Scanner::default();
    }

    /// Whether a quote or a comment is open, in which nothing has a meaning.
    pub fn inside(&self) -> bool {
        self.state != State::Plain
    }

    fn plain(&mut self, line: &mut Line, out: &mut String, lookup: Option<Lookup>) -> Option<Stop> {
        let rest = line.rest();
        let mut chars = rest.chars();
        let c = chars.next()?;
        let next = chars.next();
        let take = |line: &mut Line, out: &mut String, n: usize| {
            out.push_str(&line.text[line.at..line.at + n]);
            line.at += n;
        };
        match c {
            c if c.is_ascii_whitespace() => {
                if out.is_empty() {
                    line.at += 1
                } else {
                    take(line, out, 1)
                }
            }
            '-' if next == Some('-') => {
                let n = rest.len();
                if out.is_empty() { line.at += n } else { take(line, out, n) }
            }
            '/' if next == Some('*') => {
                self.state = State::Comment(1);
                take(line, out, 2);
            }
            '\'' => {
                let escapes = out.ends_with(['e', 'E']) && !word_before(&out[..out.len() - 1]);
                self.state = State::Quote { escapes };
                take(line, out, 1);
            }
            '"' => {
                self.state = State::Identifier;
                take(line, out, 1);
            }
            '$' if !word_before(out) => match dollar_tag(rest) {
                Some(tag) => {
                    let n = tag.len();
                    self.state = State::Dollar(tag.to_owned());
                    take(line, out, n);
                }
                None => take(line, out, 1),
            },
            '(' => {
                self.parens += 1;
                take(line, out, 1);
            }
            ')' => {
                self.parens = self.parens.saturating_sub(1);
                take(line, out, 1);
            }
            ';' => {
                take(line, out, 1);
                if self.parens == 0 && self.begins == 0 {
                    self.words.clear();
                    self.counted = 0;
                    return Some(Stop::Semicolon);
                }
            }
            // `\;` puts a semicolon into one message of several statements, `\:` a colon that names no variable.
            '\\' if matches!(next, Some(';' | ':')) => {
                line.at += 1;
                if next == Some(';') {
                    self.words.clear();
                    self.counted = 0;
                    self.parens = 0;
                    self.begins = 0;
                }
                take(line, out, 1);
            }
            '\\' => {
                line.at += 1;
                return Some(Stop::Backslash);
            }
            ':' if matches!(next, Some(':' | '=')) => take(line, out, 2),
            ':' => self.variable(line, out, lookup),
            c if word_start(c) => {
                let n = rest.find(|c| !word_part(c)).unwrap_or(rest.len());
                self.word(&rest[..n].to_ascii_lowercase());
                take(line, out, n);
            }
            c if c.is_ascii_digit() => {
                let n = rest.find(|c| !word_part(c)).unwrap_or(rest.len());
                take(line, out, n);
            }
            c => take(line, out, c.len_utf8()),
        }
        None
    }

    fn variable(&mut self, line: &mut Line, out: &mut String, lookup: Option<Lookup>) {
        let found = lookup.zip(variable(line.rest()));
        if let Some((lookup, (name, quoting, n))) = found {
            let name = name.to_owned();
            if let Some(value) = lookup(&name, quoting) {
                match quoting {
                    Quoting::Plain => {
                        if line.expand(&name, line.at + n, &value) {
                            return;
                        }
                    }
                    Quoting::Literal | Quoting::Identifier | Quoting::Test => {
                        out.push_str(&value);
                        line.at += n;
                        return;
                    }
                }
            }
        }
        out.push(':');
        line.at += 1;
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

    fn comment(&mut self, line: &mut Line, out: &mut String) {
        let State::Comment(depth) = &mut self.state else { return };
        let rest = line.rest();
        let open = rest.find("/*").unwrap_or(rest.len());
        let close = rest.find("*/").unwrap_or(rest.len());
        let n = if close < open {
            *depth -= 1;
            close + 2
        } else if open < rest.len() {
            *depth += 1;
            open + 2
        } else {
            rest.len()
        };
        let over = *depth == 0;
        out.push_str(&rest[..n]);
        line.at += n;
        if over {
            self.state = State::Plain;
        }
    }

    /// The rest of a quoted text, up to its closing quote (a doubled one is seen as closing and opening again).
    fn until(&mut self, line: &mut Line, out: &mut String, quote: char, escapes: bool) {
        let rest = line.rest();
        let mut chars = rest.char_indices();
        let mut end = rest.len();
        while let Some((at, c)) = chars.next() {
            if escapes && c == '\\' {
                chars.next();
            } else if c == quote {
                if rest[at + 1..].starts_with(quote) {
                    chars.next();
                    continue;
                }
                self.state = State::Plain;
                end = at + 1;
                break;
            }
        }
        out.push_str(&rest[..end]);
        line.at += end;
    }
}

/// The variable that a text begins with: its name, how its value is wanted, and its length in bytes.
pub fn variable(text: &str) -> Option<(&str, Quoting, usize)> {
    let rest = text.strip_prefix(':')?;
    let named = |inner: &str| {
        let n = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii())).unwrap_or(inner.len());
        (n > 0).then_some(n)
    };
    for (quote, quoting) in [('\'', Quoting::Literal), ('"', Quoting::Identifier)] {
        if let Some(inner) = rest.strip_prefix(quote) {
            let n = named(inner)?;
            return inner[n..].starts_with(quote).then(|| (&inner[..n], quoting, n + 3));
        }
    }
    if let Some(inner) = rest.strip_prefix("{?") {
        let n = named(inner)?;
        return inner[n..].starts_with('}').then(|| (&inner[..n], Quoting::Test, n + 4));
    }
    let n = named(rest)?;
    Some((&rest[..n], Quoting::Plain, n + 1))
}

/// The opening of a dollar quote, with both dollars.
fn dollar_tag(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('$')?;
    let n = inner.find('$')?;
    let tag = &inner[..n];
    let fits = tag.chars().next().is_none_or(word_start) && tag.chars().all(|c| word_part(c) && c != '$');
    fits.then(|| &text[..n + 2])
}

fn word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn word_part(c: char) -> bool {
    word_start(c) || c.is_ascii_digit() || c == '$'
}

fn word_before(text: &str) -> bool {
    text.ends_with(word_part)
}

/// Whether more lines are needed before this text can run: a statement without its `;`, an open quote,
/// comment or parenthesis. A backslash command at the end needs no more.
pub fn needs_more(text: &str) -> bool {
    let mut scanner = Scanner::default();
    let mut statement = String::new();
    for text in text.lines() {
        let mut line = Line::new(text);
        if !statement.is_empty() {
            statement.push('\n');
        }
        loop {
            match scanner.scan(&mut line, &mut statement, None) {
                Stop::Semicolon => statement.clear(),
                Stop::Backslash => {
                    // A command takes the rest of its line, up to `\\` or the next command; those that send the
                    // statement or throw it away leave nothing open.
                    let (name, rest) = super::meta::args::command_name(line.rest());
                    let sends = matches!(name, "g" | "gx" | "gset" | "gexec" | "gdesc" | "watch" | "r" | "reset");
                    line.at = line.text.len() - rest.len();
                    line.at = super::meta::args::skip(&line.text, line.at);
                    if sends {
                        statement.clear();
                        scanner.reset();
                    }
                }
                Stop::EndOfLine => break,
            }
        }
        let blank = statement.trim().is_empty();
        if blank && !scanner.inside() {
            statement.clear();
        }
    }
    scanner.expect(&statement) != Expect::Statement
}

/// Splits a text as it goes to the server into its statements, with their semicolons. Backslashes are taken for text.
pub fn statements(text: &str) -> Vec<String> {
    let mut scanner = Scanner::default();
    let (mut out, mut current) = (Vec::new(), String::new());
    for text in text.lines() {
        let mut line = Line::new(text);
        loop {
            match scanner.scan(&mut line, &mut current, None) {
                Stop::Semicolon => out.push(std::mem::take(&mut current)),
                Stop::Backslash => current.push('\\'),
                Stop::EndOfLine => break,
            }
        }
        if !current.is_empty() {
            current.push('\n');
        }
    }
    out.push(current);
    out.retain(|s| !is_empty(s));
    out
}

/// Whether a statement says nothing.
pub fn is_empty(statement: &str) -> bool {
    statement.trim_end_matches(';').trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str, lookup: Option<Lookup>) -> (Vec<String>, Expect) {
        let mut scanner = Scanner::default();
        let (mut done, mut current) = (Vec::new(), String::new());
        for text in text.split('\n') {
            let mut line = Line::new(text);
            if !current.is_empty() {
                current.push('\n');
            }
            while scanner.scan(&mut line, &mut current, lookup) == Stop::Semicolon {
                done.push(std::mem::take(&mut current));
            }
        }
        let expect = scanner.expect(&current);
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
        let lookup = |name: &str, quoting: Quoting| match (name, quoting) {
            ("x", Quoting::Plain) => Some("1; select 2".to_owned()),
            ("x", Quoting::Literal) => Some("'it''s'".to_owned()),
            ("loop", Quoting::Plain) => Some(":loop".to_owned()),
            ("no", Quoting::Test) => Some("FALSE".to_owned()),
            _ => None,
        };
        let run = |text| run(text, Some(&lookup)).0;
        assert_eq!(run("select :x, ':x', a::int, :y, :'x';"), ["select 1;", "select 2, ':x', a::int, :y, 'it''s';"]);
        assert_eq!(run("select :loop;"), ["select :loop;"]);
        assert_eq!(run("select :{?no}, arr[1:2];"), ["select FALSE, arr[1:2];"]);
    }

    #[test]
    fn multi_line_entry_waits_for_the_end() {
        assert!(needs_more("select 1"));
        assert!(needs_more("select 1;\nselect '"));
        assert!(!needs_more("select 1;"));
        assert!(!needs_more("\\d accounts"));
        assert!(!needs_more("select 1 \\gx"));
        assert!(!needs_more("select 1 \\g out.txt"));
        assert!(needs_more("select 1 \\g \\\\ select 2"));
        assert!(!needs_more(""));
        assert!(!needs_more("-- a remark"));
        assert!(needs_more("\\echo hi\nselect"));
    }
}

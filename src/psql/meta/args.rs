//! The words of a backslash command. Pure, but for the variables that it is given.

use super::super::scan::{VariableLookup, VariableQuoting, variable};

/// The name of a command and what follows it; `text` begins behind the backslash.
pub fn command_name(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| c.is_ascii_whitespace() || c == '\\').unwrap_or(text.len()))
}

/// What a command between backticks says; nothing when it fails.
pub type Shell<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The arguments of a command, taken one after the other.
pub struct Args<'a> {
    text: &'a str,
    at: usize,
    lookup: Option<VariableLookup<'a>>,
    /// Commands between backticks, to be run by who has a shell; `None` leaves them as text.
    shell: Option<Shell<'a>>,
    pub error: Option<String>,
}

/// How an argument is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Normal,
    /// Names: double quotes keep the case, and go away; without them it becomes lower case.
    Name,
    /// Double quotes stay: for patterns, which look at them later.
    Pattern,
}

impl<'a> Args<'a> {
    pub fn new(text: &'a str, at: usize, lookup: Option<VariableLookup<'a>>) -> Args<'a> {
        Args { text, at, lookup, shell: None, error: None }
    }

    pub fn with_shell(mut self, shell: Option<Shell<'a>>) -> Args<'a> {
        self.shell = shell;
        self
    }

    /// The next argument.
    pub fn normal(&mut self) -> Option<String> {
        self.next(Reading::Normal).map(|(text, _)| text)
    }

    /// The next argument, and whether a part of it stood in quotes.
    pub fn normal_quoted(&mut self) -> Option<(String, bool)> {
        self.next(Reading::Normal)
    }

    /// The next argument as an SQL name.
    pub fn name(&mut self) -> Option<String> {
        self.next(Reading::Name).map(|(text, _)| text)
    }

    /// The next argument as a pattern, its double quotes kept.
    pub fn pattern(&mut self) -> Option<String> {
        self.next(Reading::Pattern).map(|(text, _)| text)
    }

    /// The next argument as a file, or `|` and a command up to the end of the line.
    pub fn file_or_pipe(&mut self) -> Option<String> {
        self.skip_space();
        if self.rest().starts_with('|') { self.whole_line() } else { self.normal() }
    }

    /// Everything up to the end of the line, as it stands.
    pub fn whole_line(&mut self) -> Option<String> {
        self.skip_space();
        let rest = self.rest().trim_end().to_owned();
        self.at = self.text.len();
        (!rest.is_empty()).then_some(rest)
    }

    /// The arguments that nobody asked for.
    pub fn left(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        while let Some(extra) = self.normal() {
            out.push(extra);
        }
        out
    }

    /// Where the text goes on behind this command: at the next command, behind `\\`, or at the end of the line.
    pub fn end(&mut self) -> usize {
        self.skip_space();
        if self.rest().starts_with("\\\\") {
            self.at += 2;
        }
        self.at
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn next(&mut self, reading: Reading) -> Option<(String, bool)> {
        self.skip_space();
        let mut out = String::new();
        let (mut any, mut quoted) = (false, false);
        while let Some(c) = self.rest().chars().next() {
            match c {
                c if c.is_ascii_whitespace() => break,
                '\\' => break,
                '\'' => {
                    quoted = true;
                    self.at += 1;
                    self.single_quoted(&mut out);
                }
                '"' => {
                    quoted = true;
                    self.at += 1;
                    self.double_quoted(reading, &mut out);
                }
                '`' => {
                    self.at += 1;
                    self.backticked(&mut out);
                }
                ':' => self.variable(&mut out),
                c => {
                    self.at += c.len_utf8();
                    match reading {
                        Reading::Name => out.extend(c.to_lowercase()),
                        Reading::Normal | Reading::Pattern => out.push(c),
                    }
                }
            }
            any = true;
        }
        any.then_some((out, quoted))
    }

    fn variable(&mut self, out: &mut String) {
        if let Some((name, quoting, n)) = variable(self.rest())
            && let Some(value) = self.lookup.and_then(|lookup| lookup(name, quoting))
        {
            self.at += n;
            return out.push_str(&value);
        }
        // `:{?name}` always has a value; anything else that is not a variable is text, its quotes too.
        if let Some((_, VariableQuoting::Literal | VariableQuoting::Identifier, n)) = variable(self.rest()) {
            out.push_str(&self.rest()[..n]);
            self.at += n;
            return;
        }
        self.at += 1;
        out.push(':');
    }

    fn single_quoted(&mut self, out: &mut String) {
        let mut chars = self.rest().char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' if chars.peek().is_some_and(|(_, c)| *c == '\'') => {
                    chars.next();
                    out.push('\'');
                }
                '\'' => {
                    self.at += at + 1;
                    return;
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => out.push('\n'),
                    Some((_, 't')) => out.push('\t'),
                    Some((_, 'b')) => out.push('\u{8}'),
                    Some((_, 'r')) => out.push('\r'),
                    Some((_, 'f')) => out.push('\u{c}'),
                    Some((_, 'x')) => {
                        let mut code = 0;
                        let mut digits = 0;
                        while let Some(d) = chars.peek().and_then(|(_, c)| c.to_digit(16)).filter(|_| digits < 2) {
                            code = code * 16 + d;
                            digits += 1;
                            chars.next();
                        }
                        out.extend(char::from_u32(code));
                    }
                    Some((_, c)) if c.is_digit(8) => {
                        let mut code = c.to_digit(8).unwrap_or(0);
                        let mut digits = 1;
                        while let Some(d) = chars.peek().and_then(|(_, c)| c.to_digit(8)).filter(|_| digits < 3) {
                            code = code * 8 + d;
                            digits += 1;
                            chars.next();
                        }
                        out.extend(char::from_u32(code));
                    }
                    Some((_, c)) => out.push(c),
                    None => {}
                },
                c => out.push(c),
            }
        }
        self.at = self.text.len();
        self.error = Some("unterminated quoted string".to_owned());
    }

    fn double_quoted(&mut self, reading: Reading, out: &mut String) {
        let rest = self.rest();
        let Some(end) = rest.find('"') else {
            self.at = self.text.len();
            self.error = Some("unterminated quoted string".to_owned());
            return;
        };
        match reading {
            Reading::Name => {
                out.push_str(&rest[..end]);
                // A doubled quote stands for one.
                if rest[end + 1..].starts_with('"') {
                    out.push('"');
                }
            }
            Reading::Normal | Reading::Pattern => {
                out.push('"');
                out.push_str(&rest[..=end]);
            }
        }
        self.at += end + 1;
    }

    fn backticked(&mut self, out: &mut String) {
        let rest = self.rest();
        let Some(end) = rest.find('`') else {
            self.at = self.text.len();
            self.error = Some("unterminated quoted string".to_owned());
            return;
        };
        let command = &rest[..end];
        self.at += end + 1;
        if let Some(output) = self.shell.and_then(|run| run(command)) {
            out.push_str(output.strip_suffix('\n').unwrap_or(&output));
        }
    }
}

/// Passes over the arguments of a command without looking at them.
pub fn skip(text: &str, at: usize) -> usize {
    let mut args = Args::new(text, at, None);
    args.left();
    args.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        Args::new(text, 0, None).left()
    }

    #[test]
    fn words_and_quotes() {
        assert_eq!(words("a  'b c' d'e'\"f g\""), ["a", "b c", "de\"f g\""]);
        assert_eq!(words("'it''s' '\\n\\x41\\101'"), ["it's", "\nAA"]);
        assert_eq!(words(" a \\\\ b"), ["a"]);
        assert_eq!(words(""), Vec::<String>::new());
        assert_eq!(words("''"), [""]);
    }

    #[test]
    fn names_are_folded_unless_quoted() {
        assert_eq!(Args::new("Foo\"Bar\"", 0, None).name().unwrap(), "fooBar");
        assert_eq!(Args::new("Foo.\"Bar\"", 0, None).pattern().unwrap(), "Foo.\"Bar\"");
    }

    #[test]
    fn variables_and_errors() {
        let lookup = |name: &str, _: VariableQuoting| (name == "x").then(|| "val".to_owned());
        let mut args = Args::new(":x:y :'x' 'open", 0, Some(&lookup));
        assert_eq!(args.left(), ["val:y", "val", "open"]);
        assert_eq!(args.error.as_deref(), Some("unterminated quoted string"));
    }

    #[test]
    fn a_whole_line_keeps_its_backslashes() {
        assert_eq!(Args::new("  copy t to 'a\\b'  ", 0, None).whole_line().unwrap(), "copy t to 'a\\b'");
        assert_eq!(command_name("d+ foo"), ("d+", " foo"));
        assert_eq!(command_name("x\\y"), ("x", "\\y"));
    }
}

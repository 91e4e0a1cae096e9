//! The words of a backslash command. Pure, but for the variables that it is given.

use crate::scan::{VariableLookup, VariableQuoting, variable};

/// The name of a command and what follows it; `text` begins behind the backslash.
pub fn command_name(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| c.is_ascii_whitespace() || c == '\\').unwrap_or(text.len()))
}

/// Gives what a command between backticks says.
pub(crate) type BacktickRunner<'a> = &'a dyn Fn(&str) -> String;

/// The arguments of a command, taken one after the other.
pub struct Args<'a> {
    text: &'a str,
    at: usize,
    lookup: Option<VariableLookup<'a>>,
    /// Commands between backticks, to be run by who has a shell; `None` leaves them as text.
    shell: Option<BacktickRunner<'a>>,
    pub error: Option<String>,
}

impl<'a> Args<'a> {
    /// Begins at a byte offset of `text`, behind the command's name. Without `lookup`, variables are left as text.
    pub fn new(text: &'a str, at: usize, lookup: Option<VariableLookup<'a>>) -> Args<'a> {
        Args { text, at, lookup, shell: None, error: None }
    }

    /// Puts what commands between backticks say in their place.
    pub fn with_shell(mut self, shell: BacktickRunner<'a>) -> Args<'a> {
        self.shell = Some(shell);
        self
    }

    /// Takes the next argument as it stands; double quotes stay, for who looks at them later.
    pub fn normal(&mut self) -> Option<String> {
        self.next().map(|argument| argument.text)
    }

    /// The next argument, and whether a part of it stood in quotes.
    pub fn normal_quoted(&mut self) -> Option<(String, bool)> {
        self.next().map(|argument| (argument.text, argument.quoted))
    }

    /// Takes the next argument without the semicolons behind it, which hands put there by habit. As in psql, most commands
    /// take theirs so; not those whose arguments are texts of their own, as `\set` and `\echo`.
    pub fn word(&mut self) -> Option<String> {
        let Argument { mut text, quoted, semicolons } = self.next()?;
        text.truncate(text.len() - semicolons);
        (quoted || !text.is_empty()).then_some(text)
    }

    /// The same for all that is left.
    pub fn words(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.word()).collect()
    }

    /// Takes the next argument as an SQL name: without its double quotes.
    pub fn name(&mut self) -> Option<String> {
        let word = self.word()?;
        let (mut name, mut chars) = (String::new(), word.chars().peekable());
        let mut quoted = false;
        while let Some(c) = chars.next() {
            match c {
                '"' if quoted && chars.next_if_eq(&'"').is_some() => name.push('"'),
                '"' => quoted = !quoted,
                c => name.push(c),
            }
        }
        Some(name)
    }

    /// The next argument as a file, or `|` and a command up to the end of the line.
    pub fn file_or_pipe(&mut self) -> Option<String> {
        self.skip_space();
        if self.rest().starts_with('|') { self.whole_line() } else { self.normal() }
    }

    /// The same, without the semicolons behind it.
    pub fn word_or_pipe(&mut self) -> Option<String> {
        self.skip_space();
        if self.rest().starts_with('|') { self.line() } else { self.word() }
    }

    /// Everything up to the end of the line, without the semicolons there.
    pub fn line(&mut self) -> Option<String> {
        let line = self.whole_line()?;
        let line = line.trim_end_matches(|c: char| c == ';' || c.is_ascii_whitespace());
        (!line.is_empty()).then(|| line.to_owned())
    }

    /// Everything up to the end of the line, as it stands.
    pub fn whole_line(&mut self) -> Option<String> {
        self.skip_space();
        let rest = self.rest().trim_end().to_owned();
        self.at = self.text.len();
        (!rest.is_empty()).then_some(rest)
    }

    /// The arguments that nobody asked for. As in psql, what stands there between backticks is not run.
    pub fn extra(&mut self) -> Vec<String> {
        self.shell = None;
        self.left()
    }

    /// All arguments that are left.
    pub fn left(&mut self) -> Vec<String> {
        let mut out = Vec::new();
        while let Some(extra) = self.normal() {
            out.push(extra);
        }
        out
    }

    /// Returns where the text goes on behind this command: at the next command, behind `\\`, or at the end of the line.
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

    fn next(&mut self) -> Option<Argument> {
        self.skip_space();
        let mut out = String::new();
        let (mut any, mut quoted, mut semicolons) = (false, false, 0);
        while let Some(c) = self.rest().chars().next() {
            let before = std::mem::take(&mut semicolons);
            match c {
                ';' => {
                    self.at += 1;
                    out.push(';');
                    semicolons = before + 1;
                }
                c if c.is_ascii_whitespace() || c == '\\' => {
                    semicolons = before;
                    break;
                }
                '\'' => {
                    quoted = true;
                    self.at += 1;
                    self.single_quoted(&mut out);
                }
                '"' => {
                    quoted = true;
                    self.at += 1;
                    self.double_quoted(&mut out);
                }
                '`' => {
                    self.at += 1;
                    self.backticked(&mut out);
                }
                ':' => self.variable(&mut out),
                c => {
                    self.at += c.len_utf8();
                    out.push(c);
                }
            }
            any = true;
        }
        // As in psql, an argument that does not end is told, and counts as none.
        (any && self.error.is_none()).then_some(Argument { text: out, quoted, semicolons })
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

    fn double_quoted(&mut self, out: &mut String) {
        let rest = self.rest();
        let Some(end) = rest.find('"') else {
            self.at = self.text.len();
            self.error = Some("unterminated quoted string".to_owned());
            return;
        };
        out.push('"');
        out.push_str(&rest[..=end]);
        self.at += end + 1;
    }

    fn backticked(&mut self, out: &mut String) {
        let rest = self.rest();
        let Some(end) = rest.find('`') else {
            self.at = self.text.len();
            self.error = Some("unterminated quoted string".to_owned());
            return;
        };
        let command = self.filled(&rest[..end]);
        self.at += end + 1;
        let output = self.shell.map_or(command.clone(), |run| run(&command));
        out.push_str(output.strip_suffix('\n').unwrap_or(&output));
    }

    /// Puts variables into a shell's command: `:name` as it is, `:'name'` as one word of the shell.
    fn filled(&mut self, command: &str) -> String {
        let (mut out, mut rest) = (String::new(), command);
        while let Some(at) = rest.find(':') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let found = variable(rest).and_then(|(name, quoting, n)| {
                let value = self.lookup?(name, VariableQuoting::Plain)?;
                match quoting {
                    VariableQuoting::Plain => Some((value, n)),
                    VariableQuoting::Literal => Some((workshop_base::text::shell_quoted(&value), n)),
                    VariableQuoting::Identifier | VariableQuoting::Test => None,
                }
            });
            let (value, n) = found.unwrap_or_else(|| (":".to_owned(), 1));
            out.push_str(&value);
            rest = &rest[n..];
        }
        out + rest
    }
}

/// An argument as it was read.
struct Argument {
    text: String,
    /// A part of it stood in quotes.
    quoted: bool,
    /// Semicolons at its end, outside of quotes.
    semicolons: usize,
}

/// Passes over the arguments of a command without looking at them.
pub(crate) fn skip_arguments(text: &str, at: usize) -> usize {
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
    fn semicolons_behind_an_argument_are_no_part_of_it() {
        let word = |text| Args::new(text, 0, None).word();
        let is = |text: &str| Some(text.to_owned());
        for (text, expected) in
            [("t;", is("t")), ("t;;", is("t")), ("a;b;", is("a;b")), ("'t;'", is("t;")), ("'t';", is("t")), (";", None)]
        {
            assert_eq!(word(text), expected, "{text}");
        }
        // Nor where something follows.
        assert_eq!((word("t; x"), word("t;;\\echo"), word("a;b c")), (is("t"), is("t"), is("a;b")));
        assert_eq!(words("t; ;"), ["t;", ";"]);
        assert_eq!(Args::new("a \"B;\"\"c\";", 0, None).words(), ["a", "\"B;\"\"c\""]);
        assert_eq!(Args::new("\"B;\"\"c\";", 0, None).name(), is("B;\"c"));
        assert_eq!(Args::new(" select 1 ; ; ", 0, None).line(), is("select 1"));
        assert_eq!(Args::new("| cat -n ;", 0, None).word_or_pipe(), is("| cat -n"));
    }

    #[test]
    fn a_pattern_keeps_its_quotes() {
        assert_eq!(Args::new("Foo.\"Bar\"", 0, None).normal().unwrap(), "Foo.\"Bar\"");
    }

    #[test]
    fn variables_and_errors() {
        let lookup = |name: &str, _: VariableQuoting| (name == "x").then(|| "val".to_owned());
        let mut args = Args::new(":x:y :'x' 'open", 0, Some(&lookup));
        assert_eq!(args.left(), ["val:y", "val"]);
        assert_eq!(args.error.as_deref(), Some("unterminated quoted string"));
    }

    #[test]
    fn backticks_take_variables_and_give_what_their_command_says() {
        let lookup = |name: &str, _: VariableQuoting| (name == "x").then(|| "it's".to_owned());
        let shell = |command: &str| format!("<{command}>\n");
        let mut args = Args::new("`a :x :'x' :y b`c", 0, Some(&lookup)).with_shell(&shell);
        assert_eq!(args.left(), [r"<a it's 'it'\''s' :y b>c"]);
    }

    #[test]
    fn a_whole_line_keeps_its_backslashes() {
        assert_eq!(Args::new("  copy t to 'a\\b'  ", 0, None).whole_line().unwrap(), "copy t to 'a\\b'");
        assert_eq!(command_name("d+ foo"), ("d+", " foo"));
        assert_eq!(command_name("x\\y"), ("x", "\\y"));
    }
}

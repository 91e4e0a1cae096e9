//! Text as tokens, without layout and comments.

/// How a language writes comments and strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    /// TypeScript, JavaScript, and the JSON of tools that take comments in it.
    Script,
    /// JSON, which has no comments, one kind of quotes, and no comma before a bracket that closes (RFC 8259).
    Json,
    /// SQL: `--` begins a comment, and letters are alike in upper and lower case outside of quotes.
    Sql,
}

impl Syntax {
    /// Returns the syntax of a file by its name; `None` for one whose layout has a meaning, or that is not known.
    pub(super) fn of(path: &str) -> Option<Syntax> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let takes_comments = ["tsconfig", "jsconfig"].iter().any(|begin| name.starts_with(begin));
        match path.rsplit_once('.')?.1 {
            "json" if !takes_comments && !path.starts_with(".vscode/") => Some(Syntax::Json),
            "ts" | "tsx" | "js" | "jsx" | "mjs" | "cjs" | "mts" | "cts" | "json" => Some(Syntax::Script),
            "sql" => Some(Syntax::Sql),
            _ => None,
        }
    }
}

/// A word, a number, a string or a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SourceToken {
    /// As it counts: a string without its quotes has a mark before it.
    pub(super) text: String,
    /// The quote of a string; for telling that only the quotes differ.
    pub(super) quote: Option<char>,
    /// Its line, from 0.
    pub(super) line: usize,
}

/// Marks a string, whose words must not be taken for names.
const STRING: char = '\u{1}';

/// Returns the tokens of a text. What is not closed goes to the end.
pub(super) fn tokens(text: &str, syntax: Syntax) -> Vec<SourceToken> {
    let mut tokens = Vec::new();
    let mut line = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            c if c.is_whitespace() => c.len_utf8(),
            _ if begins_line_comment(rest, syntax) => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") && syntax != Syntax::Json => {
                rest[2..].find("*/").map_or(rest.len(), |end| end + 4)
            }
            '\'' | '"' | '`' if opens_string(c, syntax) => {
                let (length, body) = string(rest, c, syntax);
                // A template with values in it is no plain string, nor is a quoted name of SQL.
                let plain = (c != '`' || !body.contains("${")) && (c != '"' || syntax != Syntax::Sql);
                let text = if plain { format!("{STRING}{body}") } else { rest[..length].to_owned() };
                tokens.push(SourceToken { text, quote: plain.then_some(c), line });
                length
            }
            c if is_word(c) => {
                let length = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
                let word = &rest[..length];
                let text = if syntax == Syntax::Sql { word.to_lowercase() } else { word.to_owned() };
                tokens.push(SourceToken { text, quote: None, line });
                length
            }
            c => {
                tokens.push(SourceToken { text: c.to_string(), quote: None, line });
                c.len_utf8()
            }
        };
        line += rest[..taken].matches('\n').count();
        rest = &rest[taken..];
    }
    match syntax {
        Syntax::Script => without_optional_signs(tokens),
        Syntax::Sql => {
            // Behind the last statement it parts nothing, and may be left out.
            if let Some(last) = tokens.last().filter(|last| last.text != ";") {
                let end = SourceToken { text: ";".into(), quote: None, line: last.line };
                tokens.push(end);
            }
            tokens
        }
        Syntax::Json => tokens,
    }
}

fn opens_string(quote: char, syntax: Syntax) -> bool {
    match syntax {
        Syntax::Script => true,
        Syntax::Json => quote == '"',
        Syntax::Sql => quote != '`',
    }
}

fn begins_line_comment(rest: &str, syntax: Syntax) -> bool {
    match syntax {
        Syntax::Script => rest.starts_with("//"),
        Syntax::Sql => rest.starts_with("--"),
        Syntax::Json => false,
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

/// Returns how long a string is with its quotes, and what is in it: an escaped quote is the quote.
fn string(rest: &str, quote: char, syntax: Syntax) -> (usize, String) {
    let mut body = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && syntax != Syntax::Sql {
            let Some((_, next)) = chars.next() else { break };
            if !matches!(next, '\'' | '"' | '`') {
                body.push('\\');
            }
            body.push(next);
        } else if c == quote {
            if syntax == Syntax::Sql && chars.next_if(|(_, next)| *next == quote).is_some() {
                body.push_str("''");
                continue;
            }
            return (at + c.len_utf8(), body);
        } else {
            body.push(c);
        }
    }
    (rest.len(), body)
}

/// Signs that begin a statement as well as going on with the line before: its semicolon parts the two.
const GOES_ON: [&str; 6] = ["(", "[", "+", "-", "/", "<"];
/// Words whose statement ends with their line, whatever the next one says (ECMAScript, "Rules of Automatic Semicolon Insertion").
const ENDS_WITH_LINE: [&str; 5] = ["return", "throw", "break", "continue", "yield"];

/// A semicolon at a line's end and a comma before a closing bracket change nothing in a script. Behind a word whose statement
/// ends with its line there is always one.
fn without_optional_signs(tokens: Vec<SourceToken>) -> Vec<SourceToken> {
    let mut kept: Vec<SourceToken> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let next = rest.peek();
        let closes = next.is_some_and(|next| matches!(next.text.as_str(), ")" | "]" | "}"));
        let ends_line = next.is_none_or(|next| next.line > token.line) || closes;
        let begins_template = |next: &SourceToken| next.quote == Some('`') || next.text.starts_with('`');
        let parts = next.is_some_and(|next| GOES_ON.contains(&next.text.as_str()) || begins_template(next));
        let needed = parts || kept.last().is_some_and(ends_with_line);
        if (token.text == "," && closes) || (token.text == ";" && ends_line && !needed) {
            continue;
        }
        let is_cut = ends_with_line(&token) && ends_line && next.is_none_or(|next| next.text != ";");
        let end = is_cut.then(|| SourceToken { text: ";".to_owned(), ..token.clone() });
        kept.push(token);
        kept.extend(end);
    }
    kept
}

fn ends_with_line(token: &SourceToken) -> bool {
    token.quote.is_none() && ENDS_WITH_LINE.contains(&token.text.as_str())
}

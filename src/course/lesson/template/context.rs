//! The places in SQL, shell or JSON text where a reference stands.
//!
//! A template comes as pieces: `Ok` is literal text, `Err` a reference by name. The answer has one
//! entry for each reference. The readers here need not understand a language; they must only never
//! take a place for safe that is not. When in doubt they refuse.

use workshop_base::sql::LexState;

use super::types::TemplateError;

/// The way a value is written where a reference stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// As it is.
    Bare,
    SqlLiteral,
    /// An argument of a backslash command.
    CommandArgument,
    ShellWord,
    /// Part of a JSON string.
    JsonString,
    /// A JSON value that stands for itself.
    JsonValue,
    /// A web address that goes on after it.
    UrlBase,
    /// A host, a port, or a part of one.
    UrlHost,
    /// A part of a path or of a query.
    UrlPart,
    /// A JSON value in place of the string whose quotes surround the reference.
    JsonWhole,
}

type TemplatePiece<'a> = Result<&'a str, &'a str>;
type QuotingAnswer = Result<Quoting, TemplateError>;

fn refuse(name: &str, place: &'static str, fix: &'static str) -> QuotingAnswer {
    Err(TemplateError::BadPlace { name: name.to_owned(), nth: 0, place, fix })
}

const UNGLUE: &str = "let it stand for a whole value, or put both into a string: `\"1${…}\"`";
const UNQUOTE: &str = "take the quotes away: the value is quoted for its place, `${…}` alone is a whole literal";
const UNQUOTE_WORD: &str = "close the quotes before it and open them again after it: the value is quoted by itself";
const SPACE: &str = "put a space or an operator between: the value becomes a literal in quotes";
/// The shell takes no quotes in an expression.
const VARIABLE: &str = "keep it in a variable first: `n=${…}; echo $((n + 1))`";
const ELSEWHERE: &str = "pass the value in a place that is neither: as an argument, say";

/// Returns how each reference of an SQL text, or of a backslash command, is to be quoted.
pub fn sql(pieces: &[TemplatePiece<'_>]) -> Vec<QuotingAnswer> {
    let is_command = pieces.first().is_some_and(|p| p.is_ok_and(|text| text.trim_start().starts_with('\\')));
    let mut state = LexState::Code;
    let mut answers = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let name = match piece {
            Ok(text) => {
                state = state.after(text);
                continue;
            }
            Err(name) => *name,
        };
        let before = neighbour(pieces, index.checked_sub(1)).and_then(|text| text.chars().next_back());
        let after = neighbour(pieces, index.checked_add(1)).and_then(|text| text.chars().next());
        let adjacent = |i: Option<usize>| i.and_then(|i| pieces.get(i)).is_some_and(Result::is_err);
        let touches = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "_$&'\"\\".contains(c));
        answers.push(match &state {
            // After a colon the console would take it for a variable of its own.
            LexState::Code if touches(before) || before == Some(':') || touches(after) => {
                refuse(name, "against a word or a quote", SPACE)
            }
            LexState::Code if adjacent(index.checked_sub(1)) || adjacent(index.checked_add(1)) => {
                refuse(name, "against another reference", SPACE)
            }
            LexState::Code if is_command => Ok(Quoting::CommandArgument),
            LexState::Code => Ok(Quoting::SqlLiteral),
            LexState::Literal { .. } => refuse(name, "inside quotes", UNQUOTE),
            LexState::QuotedName => {
                refuse(name, "inside a quoted name", "names cannot be filled in: write the name out")
            }
            LexState::Dollar(_) => refuse(name, "inside a dollar-quoted text", UNQUOTE),
            LexState::LineComment | LexState::BlockComment(_) => {
                refuse(name, "inside a comment", "take it out of the comment")
            }
        });
    }
    answers
}

fn neighbour<'a>(pieces: &[TemplatePiece<'a>], index: Option<usize>) -> Option<&'a str> {
    pieces.get(index?)?.ok()
}

/// The thing that the reader of a shell line is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq)]
enum ShellLexState {
    /// True: at the beginning of a word, where `#` begins a comment.
    Code(bool),
    /// After a dollar sign in code.
    Dollar,
    /// After `$(`, where another parenthesis begins an expression.
    DollarParen,
    /// Inside `$((`, in so many parentheses.
    Arithmetic(u32),
    /// After a dollar sign there, and after a parenthesis behind it: a command is ordinary code again, to the end.
    ArithmeticDollar(u32),
    ArithmeticParen(u32),
    Single,
    Double,
    /// After a dollar sign in double quotes.
    DoubleDollar,
    /// Inside `"${`.
    DoubleBrace,
    Comment,
    /// Just after a backslash: in double quotes or not.
    Escaped(bool),
    /// Quotes within quotes, backquotes: from here on no place is known.
    Lost,
}

/// Returns how each reference of a shell line is to be quoted.
pub fn shell(pieces: &[TemplatePiece<'_>]) -> Vec<QuotingAnswer> {
    let here_document = pieces.iter().any(|p| p.is_ok_and(|text| text.contains("<<")));
    let mut state = if here_document { ShellLexState::Lost } else { ShellLexState::Code(true) };
    let mut answers = Vec::new();
    for piece in pieces {
        let name = match piece {
            Ok(text) => {
                state = text.chars().fold(state, shell_char);
                continue;
            }
            Err(name) => *name,
        };
        answers.push(match state {
            ShellLexState::Code(_) | ShellLexState::DollarParen | ShellLexState::ArithmeticParen(_) => {
                Ok(Quoting::ShellWord)
            }
            ShellLexState::Escaped(_) => refuse(name, "after a backslash", "take the backslash away"),
            ShellLexState::Dollar | ShellLexState::DoubleDollar => {
                refuse(name, "after a dollar sign", "take the dollar sign away")
            }
            ShellLexState::Single | ShellLexState::Double | ShellLexState::DoubleBrace => {
                refuse(name, "inside quotes", UNQUOTE_WORD)
            }
            ShellLexState::Arithmetic(_) | ShellLexState::ArithmeticDollar(_) => {
                refuse(name, "inside an arithmetic expression", VARIABLE)
            }
            ShellLexState::Comment => refuse(name, "inside a comment", "take it out of the comment"),
            ShellLexState::Lost => refuse(name, "after backquotes, a here-document or quotes within quotes", ELSEWHERE),
        });
        if let ShellLexState::Code(_) | ShellLexState::DollarParen | ShellLexState::ArithmeticParen(_) = state {
            state = ShellLexState::Code(false);
        }
    }
    answers
}

fn shell_char(state: ShellLexState, c: char) -> ShellLexState {
    match (state, c) {
        (ShellLexState::Lost, _) => ShellLexState::Lost,
        (ShellLexState::Single, '\'') => ShellLexState::Code(false),
        (ShellLexState::Comment, '\n') => ShellLexState::Code(true),
        (ShellLexState::Single | ShellLexState::Comment, _) => state,
        (ShellLexState::Escaped(true), _) => ShellLexState::Double,
        (ShellLexState::Escaped(false), _) => ShellLexState::Code(false),
        (_, '`') | (ShellLexState::Dollar, '\'') | (ShellLexState::Arithmetic(_), '\'' | '"') => ShellLexState::Lost,
        (ShellLexState::Dollar, '(') => ShellLexState::DollarParen,
        (ShellLexState::DollarParen, '(') => ShellLexState::Arithmetic(2),
        (ShellLexState::ArithmeticDollar(open), '(') => ShellLexState::ArithmeticParen(open),
        (ShellLexState::ArithmeticDollar(open), c) => shell_char(ShellLexState::Arithmetic(open), c),
        (ShellLexState::ArithmeticParen(open), '(') => ShellLexState::Arithmetic(open.saturating_add(2)),
        (ShellLexState::DollarParen | ShellLexState::ArithmeticParen(_), c) => shell_char(ShellLexState::Code(true), c),
        (ShellLexState::Arithmetic(open), '$') => ShellLexState::ArithmeticDollar(open),
        (ShellLexState::Arithmetic(open), '(') => ShellLexState::Arithmetic(open.saturating_add(1)),
        (ShellLexState::Arithmetic(1), ')') => ShellLexState::Code(false),
        (ShellLexState::Arithmetic(open), ')') => ShellLexState::Arithmetic(open - 1),
        (ShellLexState::Arithmetic(_), _) => state,
        (ShellLexState::Code(true), '#') => ShellLexState::Comment,
        (ShellLexState::Code(_) | ShellLexState::Dollar, c) => match c {
            '\\' => ShellLexState::Escaped(false),
            '\'' => ShellLexState::Single,
            '"' => ShellLexState::Double,
            '$' => ShellLexState::Dollar,
            c => ShellLexState::Code(c.is_whitespace() || ";&|()<>".contains(c)),
        },
        (ShellLexState::DoubleDollar, '(') => ShellLexState::Lost,
        (ShellLexState::DoubleDollar, '{') => ShellLexState::DoubleBrace,
        (ShellLexState::DoubleBrace, '}') => ShellLexState::Double,
        (ShellLexState::DoubleBrace, '"' | '\'' | '$' | '\\') => ShellLexState::Lost,
        (ShellLexState::DoubleBrace, _) => ShellLexState::DoubleBrace,
        (ShellLexState::Double | ShellLexState::DoubleDollar, c) => match c {
            '"' => ShellLexState::Code(false),
            '\\' => ShellLexState::Escaped(true),
            '$' => ShellLexState::DoubleDollar,
            _ => ShellLexState::Double,
        },
    }
}

/// Returns how each reference of a JSON text is to be quoted.
pub fn json(pieces: &[TemplatePiece<'_>]) -> Vec<QuotingAnswer> {
    let (mut in_string, mut escaped, mut just_opened) = (false, false, false);
    let mut answers = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let name = match piece {
            Ok(text) => {
                for c in text.chars() {
                    just_opened = !in_string && c == '"';
                    (in_string, escaped) = match (in_string, escaped, c) {
                        (true, true, _) => (true, false),
                        (true, false, '\\') => (true, true),
                        (_, false, '"') => (!in_string, false),
                        _ => (in_string, false),
                    };
                }
                continue;
            }
            Err(name) => *name,
        };
        let after = neighbour(pieces, index.checked_add(1)).unwrap_or_default();
        let touches = |at: Option<usize>, end: fn(&str) -> Option<char>| match at.and_then(|at| pieces.get(at)) {
            Some(Ok(text)) => end(text).is_some_and(part_of_a_value),
            Some(Err(_)) => true,
            None => false,
        };
        let glued = touches(index.checked_sub(1), |text| text.chars().next_back())
            || touches(index.checked_add(1), |text| text.chars().next());
        let is_key = after.strip_prefix('"').is_some_and(|rest| rest.trim_start().starts_with(':'));
        answers.push(match in_string {
            _ if escaped => refuse(name, "after a backslash", "take the backslash away"),
            // What it makes together with its neighbour would be the value's matter.
            false if glued => refuse(name, "against another value", UNGLUE),
            false => Ok(Quoting::JsonValue),
            true if just_opened && after.starts_with('"') && !is_key => Ok(Quoting::JsonWhole),
            true => Ok(Quoting::JsonString),
        });
        just_opened = false;
    }
    answers
}

/// Returns how each reference of a web address is to be quoted.
pub fn url(pieces: &[TemplatePiece<'_>]) -> Vec<QuotingAnswer> {
    let mut before = String::new();
    let mut answers = Vec::new();
    let mut based = false;
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Ok(text) => before.push_str(text),
            Err(_) if index == 0 => {
                based = true;
                answers.push(Ok(Quoting::UrlBase));
            }
            Err(_) => {
                // After `https://` the host goes on to the next slash; after an address, there is at least that.
                let rest = before.split_once("://").map_or(before.as_str(), |(_, rest)| rest);
                let in_host = !based && !rest.contains(['/', '?', '#']);
                answers.push(Ok(if in_host { Quoting::UrlHost } else { Quoting::UrlPart }));
            }
        }
    }
    answers
}

/// Returns what neither divides two JSON values nor surrounds one.
fn part_of_a_value(c: char) -> bool {
    !matches!(c, '{' | '}' | '[' | ']' | ',' | ':' | ' ' | '\t' | '\n' | '\r')
}

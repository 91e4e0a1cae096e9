//! A YAML document as a tree that knows where everything stands.
//!
//! Invariant: scalars mean here what they mean to serde_yaml, since it is asked. Lesson files are
//! plain data: anchors, aliases, tags and second documents are refused, so that what is read is what
//! is seen.

use std::collections::BTreeMap;
use std::path::PathBuf;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use workshop_base::problem::{Problem, Spot};

/// A lesson file as lines, for pointing at them.
#[derive(Debug)]
pub struct Document {
    pub file: PathBuf,
    lines: Vec<String>,
}

/// One value, and where it stands.
#[derive(Debug)]
pub struct Node {
    pub at: At,
    pub value: Value,
}

#[derive(Debug)]
pub enum Value {
    /// What is written without quotes and means no text: null, true, 12, 1.5.
    Plain(serde_yaml::Value),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
    /// Something that lesson files must not hold. It has been reported.
    Refused,
}

/// The name before a colon.
#[derive(Debug)]
pub struct Key {
    pub name: String,
    pub at: At,
}

/// A range of the file: line and column of its first character, and where it ends. From 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
}

/// Reads one file's text. The problems are about YAML itself. There is no root when the file holds
/// nothing or is no YAML; the root is boxed because `shape` knows nodes by their address.
pub fn read(file: PathBuf, text: &str) -> (Document, Option<Box<Node>>, Vec<Problem>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = Document { file, lines: text.lines().map(str::to_owned).collect() };
    let mut reader = Reader { events: Parser::new_from_str(text), problems: Vec::new(), open: Vec::new() };
    let root = reader.document().unwrap_or_else(|stop| {
        reader.problems.push(stop);
        None
    });
    let problems = reader.problems.into_iter().map(|(at, problem)| problem.at(document.spot(at))).collect();
    (document, root.map(Box::new), problems)
}

type LocatedProblem = (At, Problem);

struct Reader<'a> {
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    problems: Vec<LocatedProblem>,
    /// The lists and mappings around what is read now: what each is, and where it begins.
    open: Vec<(&'static str, At)>,
}

/// Lesson files are a few levels deep; a file that is deeper than this is not one.
const MAX_DEPTH: usize = 32;

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, At), LocatedProblem> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, at(span))),
            Some(Err(error)) => {
                let mark = *error.marker();
                let here = at(Span::new(mark, mark));
                let problem = Problem::course(format_args!("not valid YAML: {}", error.info()));
                // What the parser says of a line that fits into no block: mostly its indentation is wrong.
                let problem = match self.open.last() {
                    Some((what, begun)) if error.info().starts_with("while parsing a block") => problem.hint(format!(
                        "the {what} that begins on line {} has its lines in column {}: look whether this line, \
                         or one above it, is indented too little or too far",
                        begun.line, begun.column
                    )),
                    // `title: Run it: npx` is the commonest way to get there.
                    _ if error.info().starts_with("mapping values are not allowed") => problem
                        .hint("text that holds a colon and a space goes in quotes: `title: \"Test it: refused\"`"),
                    _ => problem,
                };
                Err((here, problem))
            }
            None => Ok((Event::StreamEnd, point(1, 1))),
        }
    }

    fn document(&mut self) -> Result<Option<Node>, LocatedProblem> {
        let mut root = None;
        loop {
            let (event, here) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(_) => {
                    let first = self.next()?;
                    let node = self.node(first)?;
                    if root.is_none() {
                        root = Some(node);
                    } else {
                        self.refuse(here, "a second YAML document", "one document in each file");
                    }
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: (Event<'a>, At)) -> Result<Node, LocatedProblem> {
        let (what, here) = match event.0 {
            Event::SequenceStart(..) => ("list", event.1),
            Event::MappingStart(..) => ("mapping", event.1),
            _ => return self.value(event),
        };
        if self.open.len() == MAX_DEPTH {
            return Err((here, Problem::course("lists and mappings are nested too deep")));
        }
        self.open.push((what, here));
        let node = self.value(event)?;
        self.open.pop();
        Ok(node)
    }

    fn value(&mut self, (event, here): (Event<'a>, At)) -> Result<Node, LocatedProblem> {
        let value = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(here, anchor, tag.is_some());
                scalar(&text, style)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_extras(here, anchor, tag.is_some());
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break Value::List(items),
                        event => items.push(self.node(event)?),
                    }
                }
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_extras(here, anchor, tag.is_some());
                self.map()?
            }
            Event::Alias(_) => {
                self.refuse(here, "an alias", "the value itself, written out");
                Value::Refused
            }
            // A value begins with one of the above; the parser lets nothing else through.
            _ => Value::Refused,
        };
        Ok(Node { at: here, value })
    }

    fn map(&mut self) -> Result<Value, LocatedProblem> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen: BTreeMap<String, At> = BTreeMap::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Map(entries)),
                (Event::Scalar(name, ..), at) => Some(Key { name: name.into_owned(), at }),
                event => {
                    let node = self.node(event)?;
                    self.refuse(node.at, "a key that is not a word", "a key");
                    None
                }
            };
            let first = self.next()?;
            let value = self.node(first)?;
            let Some(key) = key else { continue };
            match seen.get(&key.name) {
                Some(first) => {
                    let problem = Problem::course(format_args!("`{}` is given twice", key.name))
                        .hint(format!("the first one is on line {}: keep one of them", first.line));
                    self.problems.push((key.at, problem));
                }
                None => {
                    seen.insert(key.name.clone(), key.at);
                    entries.push((key, value));
                }
            }
        }
    }

    fn refuse_extras(&mut self, here: At, anchor: usize, tag: bool) {
        if anchor > 0 {
            self.refuse(here, "an anchor", "the value itself, written out");
        }
        if tag {
            self.refuse(here, "a tag", "a value without a tag");
        }
    }

    fn refuse(&mut self, here: At, what: &str, expected: &str) {
        self.problems.push((here, Problem::course(format_args!("{what} in a lesson file")).expected(expected)));
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    let plain = style == ScalarStyle::Plain && !text.contains('\n');
    let resolved = match text.chars().next() {
        _ if !plain => None,
        None => Some(serde_yaml::Value::Null),
        // Only these can begin what is not text.
        Some('0'..='9' | '+' | '-' | '.' | '~' | 't' | 'T' | 'f' | 'F' | 'n' | 'N') => serde_yaml::from_str(text).ok(),
        Some(_) => None,
    };
    match resolved {
        Some(value @ (serde_yaml::Value::Null | serde_yaml::Value::Bool(_) | serde_yaml::Value::Number(_))) => {
            Value::Plain(value)
        }
        _ => Value::Text(text.to_owned()),
    }
}

fn at(span: Span) -> At {
    At {
        line: span.start.line(),
        column: span.start.col() + 1,
        end_line: span.end.line(),
        end_column: span.end.col() + 1,
    }
}

impl Document {
    /// The place of a range, marked as far as its first line goes.
    pub fn spot(&self, at: At) -> Spot {
        let excerpt = self.lines.get(at.line - 1).cloned().unwrap_or_default();
        let trimmed = excerpt.trim_end().chars().count();
        let end = if at.end_line == at.line { at.end_column } else { trimmed + 1 };
        Spot {
            file: self.file.clone(),
            line: number(at.line),
            column: number(at.column),
            length: number(end.min(trimmed + 1).saturating_sub(at.column).max(1)),
            excerpt,
        }
    }

    /// The `nth` place (from 0) where a snippet stands in the source of a range; the range itself
    /// when it does not, as when a line break or an escape falls into it.
    pub fn find(&self, within: At, snippet: &str, nth: usize) -> At {
        let first = within.line - 1;
        let lines = self.lines.iter().enumerate().take(within.end_line.max(within.line)).skip(first);
        let hits = lines.flat_map(|(i, line)| {
            let skip = if i == first { within.column - 1 } else { 0 };
            let from = line.char_indices().nth(skip).map_or(line.len(), |(byte, _)| byte);
            line[from..].match_indices(snippet).map(move |(byte, _)| {
                let column = line[..from + byte].chars().count() + 1;
                At { line: i + 1, column, end_line: i + 1, end_column: column + snippet.chars().count() }
            })
        });
        hits.into_iter().nth(nth).unwrap_or(within)
    }
}

/// One character of the file.
pub fn point(line: usize, column: usize) -> At {
    At { line, column, end_line: line, end_column: column + 1 }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Node {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k.name == key).map(|(_, node)| node),
            Value::Plain(_) | Value::Text(_) | Value::List(_) | Value::Refused => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn as_yaml(node: &Node) -> serde_yaml::Value {
        match &node.value {
            Value::Plain(plain) => plain.clone(),
            Value::Text(text) => serde_yaml::Value::from(text.as_str()),
            Value::List(items) => serde_yaml::Value::Sequence(items.iter().map(as_yaml).collect()),
            Value::Map(entries) => {
                serde_yaml::Value::Mapping(entries.iter().map(|(k, v)| (k.name.as_str().into(), as_yaml(v))).collect())
            }
            Value::Refused => unreachable!("nothing was refused"),
        }
    }

    fn same(a: &serde_yaml::Value, b: &serde_yaml::Value) -> bool {
        // NaN is not equal to itself.
        format!("{a:?}") == format!("{b:?}")
    }

    #[test]
    fn scalars_mean_what_they_mean_to_serde_yaml() {
        let words = "yes no on off true True TRUE tRUE false False null Null NULL ~ nul 012 0x1F 0o17 0b1 +1 -0 - \
                     1_000 1e3 1.50 .5 5. .inf -.INF .nan NaN 2024-01-01 12:30 1.2.3 18446744073709551615 \
                     '1' \"true\" $x a#b";
        for word in words.split(' ').filter(|word| *word != "-") {
            let text = format!("key: {word}\n");
            let (_, root, problems) = read("f".into(), &text);
            assert!(problems.is_empty());
            let theirs: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
            assert!(same(&as_yaml(&root.unwrap()), &theirs), "{word}: {theirs:?}");
        }
    }

    #[test]
    fn places_are_lines_and_columns_in_characters() {
        let text = "# ü\nkéy: 'ünïcode'\nlist:\n  - one\n  - two: |\n      first\n      a ${x} b ${x}\n";
        let (document, root, _) = read("f".into(), text);
        let root = root.unwrap();
        let spot = document.spot(root.get("kéy").unwrap().at);
        assert_eq!((spot.line, spot.column, spot.length, spot.excerpt.as_str()), (2, 6, 9, "kéy: 'ünïcode'"));
        let Value::List(items) = &root.get("list").unwrap().value else { panic!("a list") };
        let spot = document.spot(items[0].at);
        assert_eq!((spot.line, spot.column, spot.length), (4, 5, 3));
        let block = items[1].get("two").unwrap().at;
        assert_eq!(document.spot(block).line, 6, "a block begins with its first line of text");
        let second = document.spot(document.find(block, "${x}", 1));
        assert_eq!((second.line, second.column, second.length), (7, 16, 4));
        let nowhere = document.find(block, "${y}", 0);
        assert_eq!(nowhere, block);
    }

    #[test]
    fn what_is_nested_too_deep_is_refused_and_not_followed() {
        let flow = "[".repeat(5000);
        let block: String = (0..200).map(|i| format!("{}k:\n", " ".repeat(i))).collect();
        for text in [flow, block] {
            let (_, root, problems) = read("f".into(), &text);
            assert!(root.is_none());
            assert_eq!(problems.len(), 1);
        }
    }

    proptest! {
        /// Whatever can be read at all is read as serde_yaml reads it, and nothing makes either panic.
        #[test]
        fn both_readings_agree(text in "(([a-c]: |- |  - |    )?([a-c0-9.:#'\"|>~{}\\[\\], -]{0,6}|true|null)\n){0,8}") {
            let (_, root, problems) = read("f".into(), &text);
            let theirs = serde_yaml::from_str::<serde_yaml::Value>(&text);
            if let (Some(root), true, Ok(theirs)) = (root, problems.is_empty(), theirs) {
                prop_assert!(same(&with_text_keys(&as_yaml(&root)), &with_text_keys(&theirs)), "{theirs:?}");
            }
        }
    }

    /// A key is always a word here; to serde_yaml it may be a number.
    fn with_text_keys(value: &serde_yaml::Value) -> serde_yaml::Value {
        match value {
            serde_yaml::Value::Sequence(items) => {
                serde_yaml::Value::Sequence(items.iter().map(with_text_keys).collect())
            }
            serde_yaml::Value::Mapping(map) => {
                let entries = map.iter().map(|(key, value)| {
                    let key = match key {
                        serde_yaml::Value::Number(_) | serde_yaml::Value::Null | serde_yaml::Value::Bool(_) => {
                            "scalar".into()
                        }
                        serde_yaml::Value::String(name) if scalar(name, ScalarStyle::Plain).is_plain() => {
                            "scalar".into()
                        }
                        other => other.clone(),
                    };
                    (key, with_text_keys(value))
                });
                serde_yaml::Value::Mapping(entries.collect())
            }
            other => other.clone(),
        }
    }

    impl Value {
        fn is_plain(&self) -> bool {
            matches!(self, Value::Plain(_))
        }
    }
}

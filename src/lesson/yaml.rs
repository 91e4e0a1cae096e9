//! A YAML document as a tree that knows where everything stands.
//!
//! Invariant: scalars mean here what they mean to serde_yaml, since it is asked. Lesson files are
//! plain data: anchors, aliases, tags and second documents are refused, so that what is read is what
//! is seen.

use std::collections::BTreeMap;
use std::path::PathBuf;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::problem::{Problem, Spot};

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
    let mut reader = Reader { events: Parser::new_from_str(text), problems: Vec::new(), depth: 0 };
    let root = reader.document().unwrap_or_else(|stop| {
        reader.problems.push(stop);
        None
    });
    let problems = reader.problems.into_iter().map(|(at, problem)| problem.at(document.spot(at))).collect();
    (document, root.map(Box::new), problems)
}

type Found = (At, Problem);

struct Reader<'a> {
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    problems: Vec<Found>,
    depth: usize,
}

/// Lesson files are a few levels deep; a file that is deeper than this is not one.
const MAX_DEPTH: usize = 32;

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, At), Found> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, at(span))),
            Some(Err(error)) => {
                let mark = *error.marker();
                let here = at(Span::new(mark, mark));
                Err((here, Problem::course(format_args!("not valid YAML: {}", error.info()))))
            }
            None => Ok((Event::StreamEnd, point(1, 1))),
        }
    }

    fn document(&mut self) -> Result<Option<Node>, Found> {
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

    fn node(&mut self, event: (Event<'a>, At)) -> Result<Node, Found> {
        if self.depth == MAX_DEPTH {
            return Err((event.1, Problem::course("lists and mappings are nested too deep")));
        }
        self.depth += 1;
        let node = self.value(event);
        self.depth -= 1;
        node
    }

    fn value(&mut self, (event, here): (Event<'a>, At)) -> Result<Node, Found> {
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

    fn map(&mut self) -> Result<Value, Found> {
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

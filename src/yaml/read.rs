//! Reading a file's text into the tree.
//!
//! Invariant: scalars mean here what they mean to serde_yaml, since it is asked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::faults;
use crate::types::{At, Document, Key, Node, Open, YamlValue, point};
use workshop_base::problem::Problem;

/// Reads one file's text. The problems are about YAML itself. There is no root when the file holds
/// nothing or is no YAML; the root is boxed because `shape` knows nodes by their address.
pub fn read(file: PathBuf, text: &str) -> (Document, Option<Box<Node>>, Vec<Problem>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = Document::new(file, text);
    let forbidden = faults::forbidden(&document.lines);
    if !forbidden.is_empty() {
        let problems = forbidden.into_iter().map(|(at, problem)| problem.at(document.spot(at))).collect();
        return (document, None, problems);
    }
    let (root, problems) = match parse(text, &document.lines) {
        (None, problems) if !problems.is_empty() => match faults::without_separating_tabs(text) {
            Some(text) => parse(&text, &document.lines),
            None => (None, problems),
        },
        parsed => parsed,
    };
    let problems = problems.into_iter().map(|(at, problem)| problem.at(document.spot(at))).collect();
    (document, root.map(Box::new), problems)
}

fn parse(text: &str, lines: &[String]) -> (Option<Node>, Vec<LocatedProblem>) {
    let mut reader = Reader { events: Parser::new_from_str(text), lines, problems: Vec::new(), open: Vec::new() };
    let root = reader.document().unwrap_or_else(|stop| {
        reader.problems.push(stop);
        None
    });
    (root, reader.problems)
}

type LocatedProblem = (At, Problem);

struct Reader<'a> {
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    lines: &'a [String],
    problems: Vec<LocatedProblem>,
    /// The lists and mappings around what is read now: what each is, and where it begins.
    open: Vec<Open>,
}

/// Lesson files are a few levels deep; a file that is deeper than this is not one.
const MAX_DEPTH: usize = 32;
const DEEP: &str = "lessons need a few levels: text that begins with `[` or `{` goes in quotes";

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, At), LocatedProblem> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, at(span))),
            Some(Err(error)) => {
                let mark = *error.marker();
                let here = at(Span::new(mark, mark));
                Err(faults::explain(self.lines, here, error.info(), self.open.last()))
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
                        self.refuse(here, "a second YAML document", "one document in each file", None);
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
            return Err((here, Problem::course("lists and mappings are nested too deep").hint(DEEP)));
        }
        self.open.push((what, here));
        let node = self.value(event)?;
        self.open.pop();
        Ok(node)
    }

    fn value(&mut self, (event, here): (Event<'a>, At)) -> Result<Node, LocatedProblem> {
        let mut cut_by = None;
        let value = match event {
            Event::Scalar(text, style, anchor, tag) => {
                if style == ScalarStyle::Plain {
                    cut_by = self.comment_after(here);
                }
                self.refuse_extras(here, anchor, tag.is_some());
                scalar(&text, style)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_extras(here, anchor, tag.is_some());
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break YamlValue::List(items),
                        event => items.push(self.node(event)?),
                    }
                }
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_extras(here, anchor, tag.is_some());
                self.map()?
            }
            Event::Alias(_) => {
                self.refuse(here, "an alias", "the value itself, written out", Some("*"));
                YamlValue::Refused
            }
            // A value begins with one of the above; the parser lets nothing else through.
            _ => YamlValue::Refused,
        };
        Ok(Node { at: here, value, cut_by })
    }

    fn map(&mut self) -> Result<YamlValue, LocatedProblem> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen: BTreeMap<String, At> = BTreeMap::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => return Ok(YamlValue::Map(entries)),
                (Event::Scalar(name, ..), at) => Some(Key { name: name.into_owned(), at }),
                event => {
                    let node = self.node(event)?;
                    self.refuse(node.at, "a key that is not a word", "a key", None);
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

    /// The comment that follows text without quotes on its line, when it may have been meant as part of the text: set
    /// apart by one blank, or not followed by one.
    fn comment_after(&self, here: At) -> Option<At> {
        let line = self.lines.get(here.end_line.checked_sub(1)?)?;
        let rest: String = line.chars().skip(here.end_column - 1).collect();
        // The place of a value that is not there is that of its key.
        let rest = rest.trim_start_matches([':', '-']);
        let comment = rest.trim_start();
        let apart = rest.chars().count() - comment.chars().count();
        if !comment.starts_with('#') || (apart > 1 && comment[1..].starts_with([' ', '#'])) {
            return None;
        }
        let column = line.chars().count() - comment.chars().count() + 1;
        let end_column = line.trim_end().chars().count() + 1;
        Some(At { file: 0, line: here.end_line, column, end_line: here.end_line, end_column })
    }

    fn refuse_extras(&mut self, here: At, anchor: usize, tag: bool) {
        if anchor > 0 {
            self.refuse(here, "an anchor", "the value itself, written out", Some("&"));
        }
        if tag {
            self.refuse(here, "a tag", "a value without a tag", Some("!"));
        }
    }

    fn refuse(&mut self, here: At, what: &str, expected: &str, sign: Option<&str>) {
        let mut problem = Problem::course(format_args!("{what} in a lesson file")).expected(expected);
        problem.hint = sign.and_then(faults::quotes);
        self.problems.push((here, problem));
    }
}

/// Returns what a scalar means to serde_yaml.
pub(crate) fn scalar(text: &str, style: ScalarStyle) -> YamlValue {
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
            YamlValue::Plain(value)
        }
        _ => YamlValue::Text(text.to_owned()),
    }
}

fn at(span: Span) -> At {
    At {
        file: 0,
        line: span.start.line(),
        column: span.start.col() + 1,
        end_line: span.end.line(),
        end_column: span.end.col() + 1,
    }
}

//! A YAML document as a tree that knows where everything stands.

use std::path::PathBuf;

use workshop_base::problem::Spot;

/// A lesson file as lines, for pointing at them.
#[derive(Debug)]
pub struct Document {
    pub file: PathBuf,
    pub(crate) lines: Vec<String>,
    /// The files whose parts it includes, with their lines.
    included: Vec<(PathBuf, Vec<String>)>,
}

/// One value, and where it stands.
#[derive(Debug)]
pub struct Node {
    pub at: At,
    pub value: YamlValue,
    /// The beginning of the comment that cuts text without quotes short: `Issue #12` is the text `Issue`.
    pub cut_by: Option<At>,
}

#[derive(Debug)]
pub enum YamlValue {
    /// Something that is written without quotes and means no text: null, true, 12, 1.5.
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
    /// 0, or the number of the included file, from 1.
    pub file: usize,
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
}

impl Document {
    /// Makes a document of a file's text.
    pub(crate) fn new(file: PathBuf, text: &str) -> Document {
        Document { file, lines: text.lines().map(str::to_owned).collect(), included: Vec::new() }
    }

    /// Takes another file in, whose nodes stand from now on in this document.
    pub fn include(&mut self, part: Document, root: &mut Node) {
        self.included.push((part.file, part.lines));
        root.move_to(self.included.len());
    }

    /// Returns the file that a range stands in.
    pub fn file_of(&self, at: At) -> &PathBuf {
        at.file.checked_sub(1).and_then(|index| self.included.get(index)).map_or(&self.file, |(file, _)| file)
    }

    fn lines_of(&self, at: At) -> &[String] {
        at.file.checked_sub(1).and_then(|index| self.included.get(index)).map_or(&self.lines, |(_, lines)| lines)
    }

    /// Returns what is written in a range that lies on one line; of a longer one, its first line.
    pub fn source(&self, at: At) -> String {
        let line = self.lines_of(at).get(at.line - 1).map_or("", String::as_str);
        let end = if at.end_line == at.line { at.end_column } else { usize::MAX };
        line.chars().take(end - 1).skip(at.column - 1).collect()
    }

    /// The place of a range, marked as far as its first line goes.
    pub fn spot(&self, at: At) -> Spot {
        let excerpt = self.lines_of(at).get(at.line - 1).cloned().unwrap_or_default();
        let trimmed = excerpt.trim_end().chars().count();
        let end = if at.end_line == at.line { at.end_column } else { trimmed + 1 };
        Spot {
            file: self.file_of(at).clone(),
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
        let lines = self.lines_of(within).iter().enumerate().take(within.end_line.max(within.line)).skip(first);
        let hits = lines.flat_map(|(i, line)| {
            let skip = if i == first { within.column - 1 } else { 0 };
            let from = line.char_indices().nth(skip).map_or(line.len(), |(byte, _)| byte);
            line[from..].match_indices(snippet).map(move |(byte, _)| {
                let column = line[..from + byte].chars().count() + 1;
                At {
                    file: within.file,
                    line: i + 1,
                    column,
                    end_line: i + 1,
                    end_column: column + snippet.chars().count(),
                }
            })
        });
        hits.into_iter().nth(nth).unwrap_or(within)
    }
}

/// The list or mapping around the place: what it is, and where it begins.
pub type Open = (&'static str, At);

/// Returns a line of a file by its number, from 1.
pub(crate) fn line(lines: &[String], number: usize) -> Option<&str> {
    number.checked_sub(1).and_then(|index| lines.get(index)).map(String::as_str)
}

/// One character of the file.
pub fn point(line: usize, column: usize) -> At {
    At { file: 0, line, column, end_line: line, end_column: column + 1 }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Node {
    /// Says of it and of all in it that it stands in another file.
    fn move_to(&mut self, file: usize) {
        self.at.file = file;
        if let Some(cut) = &mut self.cut_by {
            cut.file = file;
        }
        match &mut self.value {
            YamlValue::List(items) => items.iter_mut().for_each(|item| item.move_to(file)),
            YamlValue::Map(entries) => {
                for (key, node) in entries {
                    key.at.file = file;
                    node.move_to(file);
                }
            }
            YamlValue::Plain(_) | YamlValue::Text(_) | YamlValue::Refused => {}
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            YamlValue::Map(entries) => entries.iter().find(|(k, _)| k.name == key).map(|(_, node)| node),
            YamlValue::Plain(_) | YamlValue::Text(_) | YamlValue::List(_) | YamlValue::Refused => None,
        }
    }

    /// Returns what is written, without its places; null where something was refused.
    pub fn to_value(&self) -> serde_yaml::Value {
        match &self.value {
            YamlValue::Plain(plain) => plain.clone(),
            YamlValue::Text(text) => serde_yaml::Value::from(text.as_str()),
            YamlValue::Refused => serde_yaml::Value::Null,
            YamlValue::List(items) => serde_yaml::Value::Sequence(items.iter().map(Node::to_value).collect()),
            YamlValue::Map(entries) => {
                let entries = entries.iter().map(|(key, node)| (key.name.as_str().into(), node.to_value()));
                serde_yaml::Value::Mapping(entries.collect())
            }
        }
    }
}

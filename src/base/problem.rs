//! Problems: things that went wrong for the person at the keyboard, each with what to do about it.
//!
//! Every module has its own error enum; at the border it becomes a [`Problem`]:
//! one sentence, one hint, one exit code. Nothing here knows who shows it.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The kind of a problem decides the exit code, and nothing else does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A check or a step did not come out as the lesson says: exit 1.
    Failed,
    /// The command line or a file the user named is wrong: exit 2.
    Usage,
    /// The course itself is invalid: exit 2.
    Course,
    /// Credentials, network, a missing prerequisite, a taken port: exit 3, worth another try.
    Environment,
    /// A deadline passed: exit 124.
    TimedOut,
    /// The user stopped it: exit 130.
    Interrupted,
}

impl Kind {
    /// Returns the process exit code for a problem of this kind, as the enum's own docs list them.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Failed => 1,
            Kind::Usage | Kind::Course => 2,
            Kind::Environment => 3,
            Kind::TimedOut => 124,
            Kind::Interrupted => 130,
        }
    }
}

/// A place in a text file, for pointing at it. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    pub file: PathBuf,
    pub line: u32,
    pub column: u32,
    /// The whole offending line, as it stands in the file.
    pub excerpt: String,
    /// Counts the characters to mark, at least 1.
    pub length: u32,
}

/// One thing that went wrong: what, where, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub kind: Kind,
    /// One lower-case sentence without a full stop.
    pub message: String,
    /// Names what was expected, when that says more than the message does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Says what to do next, as an instruction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spot: Option<Spot>,
}

/// The result of anything that ends in a message to a person.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    /// Makes a problem of a kind, without advice or place; `message` is one lower-case sentence without a full stop.
    pub fn new(kind: Kind, message: impl fmt::Display) -> Self {
        Problem { kind, message: message.to_string(), expected: None, hint: None, spot: None }
    }
    /// Makes a problem of [`Kind::Failed`]: exit code 1.
    pub fn failed(message: impl fmt::Display) -> Self {
        Problem::new(Kind::Failed, message)
    }
    /// Makes a problem of [`Kind::Usage`]: exit code 2.
    pub fn usage(message: impl fmt::Display) -> Self {
        Problem::new(Kind::Usage, message)
    }
    /// Makes a problem of [`Kind::Course`]: exit code 2.
    pub fn course(message: impl fmt::Display) -> Self {
        Problem::new(Kind::Course, message)
    }
    /// Makes a problem of [`Kind::Environment`]: exit code 3, worth another try.
    pub fn environment(message: impl fmt::Display) -> Self {
        Problem::new(Kind::Environment, message)
    }
    /// Says what to do next; replaces what was said before.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    /// Names what was expected in its place.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }
    /// Cuts its texts, whatever an author wrote that is told again in them: they stay ones that can be read.
    pub fn shorten(&mut self) {
        const MOST: usize = 600;
        let texts = [Some(&mut self.message), self.expected.as_mut(), self.hint.as_mut()];
        for text in texts.into_iter().flatten() {
            if let Some((end, _)) = text.char_indices().nth(MOST) {
                text.truncate(end);
                text.push('…');
            }
        }
    }
    /// Points at a place in a file.
    #[must_use]
    pub fn at(mut self, spot: Spot) -> Self {
        self.spot = Some(spot);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(spot) = &self.spot {
            write!(f, "{}:{}:{}: ", spot.file.display(), spot.line, spot.column)?;
        }
        f.write_str(&self.message)?;
        if let Some(expected) = &self.expected {
            write!(f, "; expected {expected}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

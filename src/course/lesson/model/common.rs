//! Types that courses, steps and checks share.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use workshop_base::problem::Spot;

/// The place where a course's work runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// The sandbox this program starts on this machine.
    Local,
    /// The user's AWS account.
    Aws,
}

impl fmt::Display for Target {
    /// Writes it as lesson files and the command line do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Target::Local => "local",
            Target::Aws => "aws",
        })
    }
}

/// The place of something in a lesson file, for reports that point at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub file: PathBuf,
    pub line: u32,
}

impl Origin {
    /// Returns its line as a problem's place, without what stands there.
    pub fn spot(&self) -> Spot {
        Spot { file: self.file.clone(), line: self.line, column: 1, excerpt: String::new(), length: 1 }
    }
}

/// Text with `${…}` references, filled in by `lesson::template` for the place it goes to.
/// References: `outputs.KEY`, `cluster.endpoint`, `cluster.identifier`, `region`, `account`, `caller.arn`,
/// `stack`, `function`, `capture.NAME`. `$${` is a literal `${`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Template(pub String);

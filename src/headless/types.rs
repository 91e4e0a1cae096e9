//! Formats of reports, and the trait of those who write them.

use std::fmt;
use std::io;
use std::path::{PathBuf, absolute};
use std::str::FromStr;

use workshop_base::problem::{self, Problem};
use workshop_engine::event::Event;
use workshop_engine::progress::Progress;

/// One way to write down a run.
pub trait Reporter: Send {
    /// Takes one event; `progress` has it folded in already.
    ///
    /// # Errors
    /// When it cannot be written.
    fn event(&mut self, event: &Event, progress: &Progress) -> io::Result<()>;
    /// Writes what is still kept back, after the last event.
    ///
    /// # Errors
    /// When it cannot be written.
    fn finish(&mut self) -> io::Result<()>;
}

/// A report's form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// For a terminal.
    Human,
    /// Append-only words: logs, dumb terminals, screen readers.
    Plain,
    /// One JSON object per event and line.
    Json,
    /// JUnit XML that holds against Jenkins xUnit's schema.
    Junit,
    /// TAP version 13.
    Tap,
    /// GitHub Actions' workflow commands.
    Github,
}

impl ReportFormat {
    /// Returns true for the formats that a person reads, which go to standard output when nothing else does.
    pub fn is_for_people(self) -> bool {
        matches!(self, ReportFormat::Human | ReportFormat::Plain)
    }
}

/// A format and where it goes: `junit:report.xml`, `human`. Without a file it is standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRequest {
    pub format: ReportFormat,
    pub file: Option<PathBuf>,
}

const FORMATS: [(&str, ReportFormat); 6] = [
    ("human", ReportFormat::Human),
    ("plain", ReportFormat::Plain),
    ("json", ReportFormat::Json),
    ("junit", ReportFormat::Junit),
    ("tap", ReportFormat::Tap),
    ("github", ReportFormat::Github),
];

impl FromStr for ReportRequest {
    type Err = String;

    fn from_str(text: &str) -> Result<ReportRequest, String> {
        let (name, file) = match text.split_once(':') {
            Some((_, "")) => return Err("a file's name is missing after the colon".to_owned()),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        match FORMATS.iter().find(|(known, _)| *known == name) {
            Some(&(_, format)) => Ok(ReportRequest { format, file }),
            None => Err(format!("expected {}", FORMATS.map(|(n, _)| n).join(", "))),
        }
    }
}

impl fmt::Display for ReportRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = FORMATS.iter().find(|(_, format)| *format == self.format).map_or("", |(n, _)| n);
        match &self.file {
            Some(file) => write!(f, "{name}:{}", file.display()),
            None => f.write_str(name),
        }
    }
}

/// Completes what was asked for: something for people goes to standard output when nothing else does, and under GitHub
/// Actions its annotations are added, unless standard output is a machine's.
///
/// # Errors
/// When two reports would be written into each other.
pub fn complete(asked: &[ReportRequest], plain: bool, actions: bool) -> problem::Result<Vec<ReportRequest>> {
    let mut all = asked.to_vec();
    if all.iter().all(|request| request.file.is_some()) {
        let format = if plain { ReportFormat::Plain } else { ReportFormat::Human };
        all.push(ReportRequest { format, file: None });
    }
    let github = |request: &ReportRequest| request.format == ReportFormat::Github;
    let for_machines = all.iter().any(|r| r.file.is_none() && !r.format.is_for_people());
    if actions && !for_machines && !all.iter().any(github) {
        all.push(ReportRequest { format: ReportFormat::Github, file: None });
    }
    distinct(&all)?;
    Ok(all)
}

/// Refuses two reports in one place, where each would spoil the other. GitHub's lines are made to stand among others.
fn distinct(asked: &[ReportRequest]) -> problem::Result<()> {
    for (i, one) in asked.iter().enumerate() {
        let among_others = |r: &ReportRequest| r.file.is_none() && r.format == ReportFormat::Github;
        // One file has many names.
        let place = |r: &ReportRequest| r.file.as_ref().map(|file| absolute(file).unwrap_or_else(|_| file.clone()));
        let other =
            asked[..i].iter().find(|other| place(other) == place(one) && !among_others(other) && !among_others(one));
        if let Some(other) = other {
            return Err(Problem::usage(format!("`{other}` and `{one}` would be written into each other"))
                .hint("give each report a place of its own: `--format junit:report.xml`"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(formats: &[&str]) -> Vec<ReportRequest> {
        formats.iter().map(|f| f.parse().unwrap()).collect()
    }

    #[test]
    fn no_two_reports_are_written_into_each_other() {
        let check = |formats: &[&str]| distinct(&asked(formats)).map_err(|problem| problem.message);
        assert_eq!(check(&["human", "json:a", "junit:b", "github"]), Ok(()));
        let told = |one: &str, other: &str| Err(format!("`{one}` and `{other}` would be written into each other"));
        assert_eq!(check(&["json:a", "human", "junit:a"]), told("json:a", "junit:a"));
        assert_eq!(check(&["json:a", "github:a"]), told("json:a", "github:a"));
        assert_eq!(check(&["json", "tap"]), told("json", "tap"));
        assert_eq!(check(&["json:a", "tap:./a"]), told("json:a", "tap:./a"), "by another of its names");
    }

    #[test]
    fn a_person_is_told_and_github_too_unless_a_machine_reads_standard_output() {
        let all = |formats: &[&str], plain, actions| {
            let all = complete(&asked(formats), plain, actions).unwrap();
            all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(all(&[], false, false), "human");
        assert_eq!(all(&["junit:a"], true, false), "junit:a plain");
        assert_eq!(all(&["junit:a"], false, true), "junit:a human github");
        assert_eq!(all(&["json"], false, true), "json");
        assert_eq!(all(&["github:a"], false, true), "github:a human");
    }

    #[test]
    fn a_format_that_was_asked_for_reads_back_as_it_was_written() {
        for text in ["human", "junit:a/b.xml", "github"] {
            assert_eq!(text.parse::<ReportRequest>().unwrap().to_string(), text);
        }
        assert!("xml".parse::<ReportRequest>().unwrap_err().contains("junit"));
        assert!("junit:".parse::<ReportRequest>().unwrap_err().contains("missing"));
    }
}

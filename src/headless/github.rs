//! GitHub Actions: failures as annotations on the lesson's own lines, and a fence around everything else.
//!
//! The runner obeys `::command::` at the beginning of a line, blanks before it passed over, and the older
//! `##[command]` anywhere in one, whoever has printed it. Source: "Workflow commands for GitHub Actions"; the runner's
//! `ActionCommand`.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, Write};

use super::failure;
use super::names::{CourseNames, ToldChecks, verdict_word};
use super::types::Reporter;
use workshop_base::problem::{Kind, Problem};
use workshop_base::text::sanitize;
use workshop_engine::event::*;
use workshop_engine::progress::Progress;

/// A word that nobody else knows: between `::stop-commands::WORD` and `::WORD::` the runner obeys nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FenceWord(String);

impl FenceWord {
    /// Makes the word from random bits.
    pub fn new(random: u128) -> FenceWord {
        FenceWord(format!("workshop-{random:032x}"))
    }

    /// Returns the line after which the runner obeys nothing.
    pub fn opening(&self) -> String {
        format!("::stop-commands::{}\n", self.0)
    }

    /// Returns the line after which it obeys again.
    pub fn closing(&self) -> String {
        format!("::{}::\n", self.0)
    }
}

/// Makes lines harmless where no fence can stand, in a format of its own: the first character of what would be a
/// command is shown as a control character is, `<3A>:error::`.
pub fn inert(text: &str) -> Cow<'_, str> {
    let is_command = |line: &str| line.trim_start().starts_with("::");
    if !text.contains("##[") && !text.lines().any(is_command) {
        return Cow::Borrowed(text);
    }
    let line = |line: &str| match is_command(line) {
        true => line.replacen(':', "<3A>", 1),
        false => line.to_owned(),
    };
    text.replace("##[", "<23>#[").split('\n').map(line).collect::<Vec<_>>().join("\n").into()
}

/// Writes workflow commands, each outside the fence where there is one.
pub struct Github {
    out: Box<dyn Write + Send>,
    names: CourseNames,
    told: ToldChecks,
    fence: Option<FenceWord>,
}

impl Github {
    /// Makes a reporter that writes to `out`; `fence` is the word that other reports stand behind there.
    pub fn new(out: Box<dyn Write + Send>, names: CourseNames, fence: Option<FenceWord>) -> Github {
        Github { out, names, told: ToldChecks::default(), fence }
    }

    /// One command: at once, so that it stands whole between the lines of others.
    fn command(&mut self, command: &str) -> io::Result<()> {
        let text = match &self.fence {
            Some(word) => format!("{}{command}{}", word.closing(), word.opening()),
            None => command.to_owned(),
        };
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    fn annotate(&mut self, title: impl Display, verdict: Verdict, failure: Option<&Failure>) -> io::Result<()> {
        if verdict.is_good() {
            return Ok(());
        }
        let place = failure.and_then(|f| f.spot.as_ref()).map_or(String::new(), |spot| {
            format!("file={},line={},", property(&spot.file.display().to_string()), spot.line)
        });
        let text = failure.map(|f| failure::lines(f).join("\n")).unwrap_or_default();
        let title = property(&format!("{title}: {}", verdict_word(verdict)));
        self.command(&format!("::error {place}title={title}::{}\n", data(&text)))
    }
}

/// Returns problems of lesson files as commands of a level (`error`, `warning`), each on its line.
pub fn annotations(level: &str, problems: &[Problem]) -> String {
    problems.iter().map(|problem| annotation(level, problem)).collect()
}

fn annotation(level: &str, problem: &Problem) -> String {
    let place = problem.spot.as_ref().map_or(String::new(), |spot| {
        let file = property(&spot.file.display().to_string());
        format!("file={file},line={},col={}", spot.line, spot.column)
    });
    let said = Problem { spot: None, ..problem.clone() };
    let hint = problem.hint.as_ref().map_or(String::new(), |h| format!("\n{h}"));
    format!("::{level} {place}::{}\n", data(&format!("{said}{hint}")))
}

/// Escapes a message as the workflow command syntax asks.
fn data(text: &str) -> String {
    sanitize(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A").replace("##[", "<23>#[")
}

/// Escapes a property's value.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

impl Reporter for Github {
    fn event(&mut self, event: &Event, progress: &Progress) -> io::Result<()> {
        let event = &*self.names.filled(event, progress);
        self.told.take(&event.kind);
        match &event.kind {
            EventKind::StepFinished { at_step, verdict, .. } if self.told.have_told(&self.names, at_step, *verdict) => {
            }
            EventKind::StepFinished { at_step, verdict, failure, .. } => {
                let title = format!("chapter {}: {}", at_step.chapter, self.names.step(at_step));
                self.annotate(title, *verdict, failure.as_ref())?;
            }
            EventKind::CheckFinished { at_check, title, verdict, failure, .. } => {
                self.annotate(format!("chapter {}: {title}", at_check.chapter), *verdict, failure.as_ref())?;
            }
            EventKind::TypesChecked { problems, .. } => {
                for problem in problems {
                    let (file, code) = (property(&problem.file), property(&problem.code));
                    let place = format!("file={file},line={},col={},title={code}", problem.line, problem.column);
                    self.command(&format!("::warning {place}::{}\n", data(&problem.message)))?;
                }
            }
            EventKind::Refused { command, reason, .. } => {
                failure::refused(*command, reason)
                    .map_or(Ok(()), |problem| self.command(&annotation("error", &problem)))?;
            }
            EventKind::Closed { kind: Some(Kind::Interrupted), .. } => {
                self.command(&format!("::error ::{}\n", failure::INTERRUPTED))?;
            }
            EventKind::Trouble { problem }
            | EventKind::PrepareFailed { problem, .. }
            | EventKind::Done { outcome: RequestOutcome::Failed(problem), .. } => {
                self.command(&annotation("error", problem))?;
            }
            _ => {}
        }
        self.told.leave(&event.kind);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runner_obeys_nothing_of_what_is_made_inert() {
        assert_eq!(inert("a::b\nok"), "a::b\nok");
        assert_eq!(inert("::error::x\n \t::set-env name=A::b"), "<3A>:error::x\n \t<3A>:set-env name=A::b");
        assert_eq!(inert("said ##[add-mask]x"), "said <23>#[add-mask]x");
    }

    #[test]
    fn what_is_only_a_warning_is_annotated_as_one() {
        let old = Problem::course("looked up long ago").hint("look again");
        assert_eq!(annotations("warning", &[old]), "::warning ::looked up long ago%0Alook again\n");
    }
}

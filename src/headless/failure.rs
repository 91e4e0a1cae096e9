//! The failure record as lines: the same in every report.

use crate::record::{self, Advice};
use workshop_base::problem::Problem;
use workshop_base::text::sanitize;
use workshop_engine::command::CommandKind;
use workshop_engine::event::Failure;

/// Says that a run was stopped.
pub const INTERRUPTED: &str = "interrupted before its end";
/// Says that a run failed of which nothing else is told.
pub const UNEXPLAINED: &str = "the run did not come out well: its other output says why";

/// Says why a run by itself does not go on: what leads on was refused. None where something else was.
pub fn refused(command: CommandKind, reason: &str) -> Option<Problem> {
    let leads_on = matches!(command, CommandKind::Run | CommandKind::Next | CommandKind::Check);
    leads_on.then(|| Problem::usage(format!("{command} was refused: {reason}")))
}

/// Returns a failure record as lines of plain text, sanitised, without an indent: a name of ten columns, then the text.
/// The first line never begins with a blank.
pub fn lines(failure: &Failure) -> Vec<String> {
    let fields = record::fields(failure, Advice::All);
    let line = |name: &str, text: &str| format!("{name:<10}{}", sanitize(text)).trim_end().to_owned();
    let field = |field: &record::RecordField<'_>| -> Vec<String> {
        field.text.lines().enumerate().map(|(i, text)| line(if i == 0 { &field.name } else { "" }, text)).collect()
    };
    fields.iter().flat_map(field).collect()
}

#[cfg(test)]
pub(super) fn sample() -> Failure {
    use workshop_engine::event::Attempt;
    let attempt =
        |number, actual: &str| Attempt { number, at: 40 * u64::from(number), took_ms: 12, actual: actual.into() };
    Failure {
        kind: workshop_base::problem::Kind::Failed,
        expected: "balance 90".into(),
        actual: "balance 100\n\u{1b}[31mred".into(),
        sqlstate: Some("40001".into()),
        reproduce: Some("aws lambda invoke …".into()),
        attempts: vec![attempt(1, "refused"), attempt(2, "refused"), attempt(3, "balance 100")],
        output: vec!["one".into(), "  ::error::two".into(), "##[group]three".into()],
        on_fail: Some("the transfer did not happen".into()),
        hints: vec!["look at the UPDATE".into()],
        spot: Some(workshop_base::problem::Spot {
            file: "lessons/ch03.yaml".into(),
            line: 7,
            column: 1,
            excerpt: "x".into(),
            length: 1,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_known_is_there_and_nothing_reaches_the_terminal_raw() {
        let text = lines(&sample()).join("\n");
        for part in
            ["balance 90", "<1B>[31mred", "40001", "try 3", "after 80 ms: balance 100", "look at", "ch03.yaml:7"]
        {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(!text.contains('\u{1b}'));
    }
}

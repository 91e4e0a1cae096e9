//! The failure record as lines: the same in every report.

use workshop_base::text::sanitize;
use workshop_engine::event::Failure;

/// What a report says of a run that was stopped.
pub const INTERRUPTED: &str = "interrupted before its end";

/// A failure record as lines of plain text, sanitised, without an indent.
pub fn lines(failure: &Failure) -> Vec<String> {
    let mut lines = Vec::new();
    let mut put = |label: &str, text: &str| {
        for (i, line) in text.lines().enumerate() {
            let label = if i == 0 { label } else { "" };
            lines.push(format!("{label:<9} {}", sanitize(line)).trim_end().to_owned());
        }
    };
    put("expected", &failure.expected);
    put("got", &failure.actual);
    if let Some(state) = &failure.sqlstate {
        put("sqlstate", state);
    }
    if failure.attempts.len() > 1 {
        for attempt in &failure.attempts {
            let label = if attempt.number == 1 { "attempts" } else { "" };
            put(label, &format!("{}. {} ({} ms)", attempt.number, attempt.actual, attempt.took_ms));
        }
    }
    if !failure.output.is_empty() {
        put("output", &failure.output.join("\n"));
    }
    if let Some(words) = &failure.on_fail {
        put("why", words);
    }
    for (i, hint) in failure.hints.iter().enumerate() {
        put(if i == 0 { "hint" } else { "" }, hint);
    }
    if let Some(command) = &failure.reproduce {
        put("by hand", command);
    }
    if let Some(spot) = &failure.spot {
        put("lesson", &format!("{}:{}", spot.file.display(), spot.line));
    }
    lines
}

#[cfg(test)]
pub(super) fn sample() -> Failure {
    use workshop_engine::event::Attempt;
    let attempt = |number| Attempt { number, at: 0, took_ms: 12, actual: "balance 100".into() };
    Failure {
        kind: workshop_base::problem::Kind::Failed,
        expected: "balance 90".into(),
        actual: "balance 100\n\u{1b}[31mred".into(),
        sqlstate: Some("40001".into()),
        reproduce: Some("aws lambda invoke …".into()),
        attempts: vec![attempt(1), attempt(2)],
        output: vec!["one".into(), "two".into()],
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
        for part in ["balance 90", "<1B>[31mred", "40001", "2. balance 100 (12 ms)", "two", "look at", "ch03.yaml:7"] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(!text.contains('\u{1b}'));
    }
}

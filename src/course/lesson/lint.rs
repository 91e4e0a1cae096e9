//! Shows problems of a course: as rustc does, as plain lines, or as JSON.
//!
//! Invariant: nothing from a lesson file reaches a terminal that the terminal would obey.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use workshop_base::problem::{Problem, Spot};
use workshop_base::text::{json_escaped, sanitize};

/// The offending lines with marks under them, and a count at the end. Ends with a line end.
pub fn render(problems: &[Problem], color: bool) -> String {
    let mut out = render_as(&Level::ERROR, problems, color);
    out.push_str(&count(problems.len()));
    out.push('\n');
    out
}

/// The same for what does not make a course invalid, without a count.
pub fn render_warnings(warnings: &[Problem], color: bool) -> String {
    render_as(&Level::WARNING, warnings, color)
}

fn render_as(level: &Level<'static>, problems: &[Problem], color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for problem in problems {
        out.push_str(&renderer.render(&[report(level, problem)]));
        out.push_str("\n\n");
    }
    out
}

/// One line for each problem, `file:line:column: message`, for editors and logs.
pub fn plain(problems: &[Problem]) -> String {
    let mut out = String::new();
    for problem in problems {
        let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        // What a file is called must begin no line of its own.
        out.push_str(&sanitize(&format!("{problem}{hint}")).replace(['\n', '\r'], " "));
        out.push('\n');
    }
    out
}

/// One JSON object a line. Of a very long line of a file there is no excerpt: its place says where it stands.
pub fn json(problems: &[Problem]) -> String {
    let line = |problem: &Problem| {
        let mut problem = problem.clone();
        if let Some(spot) = problem.spot.as_mut().filter(|spot| spot.excerpt.len() > LONGEST) {
            spot.excerpt.clear();
        }
        Some(json_escaped(&serde_json::to_string(&problem).ok()?).into_owned() + "\n")
    };
    problems.iter().filter_map(line).collect()
}

/// Longer than a line that anybody reads, in bytes.
const LONGEST: usize = 2000;

fn count(problems: usize) -> String {
    match problems {
        0 => "no problems".to_owned(),
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    }
}

fn report<'a>(level: &Level<'a>, problem: &'a Problem) -> Group<'a> {
    let title = level.clone().primary_title(sanitize(&problem.message));
    let mut group = match &problem.spot {
        Some(spot) => title.element(snippet(spot, problem.expected.as_deref())),
        None => Group::with_title(title),
    };
    // The label beside the marks says it when there are marks.
    if let (None, Some(expected)) = (&problem.spot, &problem.expected) {
        group = group.element(Level::NOTE.message(format!("expected {}", sanitize(expected))));
    }
    if let Some(hint) = &problem.hint {
        group = group.element(Level::HELP.message(sanitize(hint)));
    }
    group
}

fn snippet<'a>(spot: &Spot, expected: Option<&str>) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    // Marks are placed by the line as it is shown, where a control character takes more than one column.
    let chars: Vec<char> = spot.excerpt.chars().collect();
    let start = (spot.column as usize - 1).min(chars.len());
    let end = (start + spot.length as usize).min(chars.len());
    let shown = |range: &[char]| sanitize(&range.iter().collect::<String>()).into_owned();
    let before = shown(&chars[..start]);
    let marked = shown(&chars[start..end]);
    let span = before.len()..before.len() + marked.len();
    let source = before + &marked + &shown(&chars[end..]);
    let label = expected.map(|expected| format!("expected {}", sanitize(expected)));
    Snippet::source(source)
        .line_start(spot.line as usize)
        .path(spot.file.display().to_string())
        .annotation(AnnotationKind::Primary.span(span).label(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Problem {
        let spot = Spot {
            file: "lessons/ch01.yaml".into(),
            line: 12,
            column: 7,
            excerpt: "    é\u{1b}titel: First steps".into(),
            length: 5,
        };
        Problem::course("a step has no key `titel`")
            .expected("one of `id` or `title`")
            .hint("did you mean `title`?")
            .at(spot)
    }

    #[test]
    fn the_offending_line_is_shown_with_marks_under_the_offence() {
        let expected = "\
error: a step has no key `titel`
  --> lessons/ch01.yaml:12:10
   |
12 |     é<1B>titel: First steps
   |          ^^^^^ expected one of `id` or `title`
   |
   = help: did you mean `title`?

1 problem
";
        assert_eq!(render(&[problem()], false), expected);
        assert!(render(&[problem()], true).contains("\x1b["));
    }

    #[test]
    fn a_problem_without_a_place_is_only_said() {
        let text = render(&[Problem::course("no course").expected("one").hint("write one")], false);
        assert_eq!(text, "error: no course\n |\n = note: expected one\n = help: write one\n\n1 problem\n");
    }

    #[test]
    fn of_a_very_long_line_only_the_part_around_the_mark_is_shown() {
        let long = "x".repeat(200_000);
        let spot = Spot { excerpt: format!("{long}é!{long}"), column: 200_001, ..problem().spot.unwrap() };
        let problem = problem().at(spot);
        let text = render(std::slice::from_ref(&problem), false);
        assert!(text.len() < 2000 && text.contains("ch01.yaml:12:200001"), "{text}");
        assert!(json(&[problem]).len() < 1000);
    }

    #[test]
    fn plain_lines_and_json_say_the_same() {
        assert_eq!(
            plain(&[problem()]),
            "lessons/ch01.yaml:12:7: a step has no key `titel`; expected one of `id` or `title` (did you mean `title`?)\n"
        );
        let read: Problem = serde_json::from_str(&json(&[problem()])).unwrap();
        assert_eq!(read, problem());
    }
}

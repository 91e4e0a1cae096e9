//! The page's text: the current step's, as Markdown.

use std::fmt::Write;

use super::words;
use crate::tui::model::*;
use workshop_course::lesson::model::StepAction;
use workshop_course::lesson::template::{Reference, TemplateSyntax};

/// The Markdown of the current step: title, text, what it runs unless the text shows that, the hints asked for.
pub fn source(m: &Model) -> String {
    let (Some(chapter), Some(step)) = (m.chapter(), m.step()) else { return String::new() };
    let mut out = problems(m);
    let optional = if step.optional { " (optional)" } else { "" };
    let _ = write!(out, "# {}{optional}\n\n", step.title);
    let first = chapter.steps.first().is_some_and(|s| s.id == step.id);
    if first && !chapter.goals.is_empty() {
        let _ = writeln!(out, "*Chapter {}: {}. Afterwards you can*\n", chapter.number, chapter.title);
        for goal in &chapter.goals {
            let _ = writeln!(out, "- {goal}");
        }
        out.push_str("\n---\n\n");
    }
    let begins = m.course.chapters.first().is_some_and(|first| first.number == chapter.number) && first;
    if let (true, Some(otherwise)) = (begins, words::choose_otherwise(&m.course)) {
        let chosen = words::chosen(&m.course).join(" · ");
        let _ = write!(out, "*{chosen}. Another: `{otherwise}`*\n\n");
    }
    out.push_str(&m.progress.filled(&m.course, step.say.trim()));
    out.push('\n');
    let value = |reference: &Reference| m.progress.value(&m.course, reference);
    let told = |code: &str| code.trim().lines().all(|line| step.say.contains(line.trim()));
    match &step.action {
        StepAction::Sql(sql) if sql.statements.iter().all(|statement| told(&statement.run.0)) => {}
        StepAction::Shell(shell) if told(&shell.run.0) => {}
        StepAction::Invoke(invoke) if told(&invoke.payload.0) => {}
        StepAction::Sql(sql) => {
            let several = sql.statements.iter().any(|s| s.session != sql.statements[0].session);
            out.push_str("\n```sql\n");
            // The same again is said once.
            for same in sql.statements.chunk_by(|one, next| one.session == next.session && one.run.0 == next.run.0) {
                let Some(statement) = same.first() else { continue };
                let times = if same.len() > 1 { format!("{} times", same.len()) } else { String::new() };
                let session = if several { statement.session.as_str() } else { "" };
                let about =
                    [session, &times].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ");
                if !about.is_empty() {
                    let _ = writeln!(out, "-- {about}");
                }
                let _ = writeln!(out, "{}", statement.run.shown(TemplateSyntax::Sql, value).trim());
            }
            out.push_str("```\n");
        }
        StepAction::Serve(serve) if told(&serve.run.0) => {}
        StepAction::Serve(serve) => {
            let _ = write!(out, "\n```sh\n{}\n```\n", serve.run.shown(TemplateSyntax::Shell, value).trim());
        }
        StepAction::Shell(shell) => {
            let _ = write!(out, "\n```sh\n{}\n```\n", shell.run.shown(TemplateSyntax::Shell, value).trim());
        }
        StepAction::Invoke(invoke) => {
            let _ = write!(out, "\n```json\n{}\n```\n", invoke.payload.shown(TemplateSyntax::Json, value).trim());
        }
        StepAction::Read
        | StepAction::Edit(_)
        | StepAction::Deploy(_)
        | StepAction::Check(_)
        | StepAction::Stop(_)
        | StepAction::Load(_)
        | StepAction::Simulate(_) => {}
    }
    let done = m.here().is_some_and(|here| m.progress.is_done(&here));
    if let Some(after) = step.after.as_deref().filter(|_| done) {
        let _ = write!(out, "\n---\n\n{}\n", m.progress.filled(&m.course, after.trim()));
    }
    let shown = m.here().and_then(|here| m.hints.get(&here).copied()).unwrap_or(0);
    for (number, hint) in step.hints.iter().take(shown).enumerate() {
        let hint = m.progress.filled(&m.course, hint);
        let _ = write!(out, "\n> **Hint {} of {}.** {hint}\n", number + 1, step.hints.len());
    }
    out
}

/// As many problems of the course as the page shows; the log has them all.
const SHOWN: usize = 5;

/// Tells the author above the text what is wrong with the course as it is now.
fn problems(m: &Model) -> String {
    let problems = &m.progress.course_problems;
    if problems.is_empty() {
        return String::new();
    }
    let mut out = String::from("**The course is not valid as it is now; below is what it was.**\n\n");
    for problem in problems.iter().take(SHOWN) {
        let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        let _ = writeln!(out, "- {problem}{hint}");
    }
    if problems.len() > SHOWN {
        let _ = writeln!(out, "- and {} more: `workshop lint`", problems.len() - SHOWN);
    }
    out.push_str("\n---\n\n");
    out
}

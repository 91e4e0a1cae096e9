//! Text for the clipboard: a panel as a whole, or one part of it. As it is, not as it was broken to fit a screen.

use ratatui::text::Line;

use super::spans::display_text;
use super::{checks, deploy, diff, load, outline, page, words};
use crate::tui::model::*;
use crate::tui::wrap;
use workshop_engine::event::{Failure, SqlLine};

/// Wider than any line of a panel.
const UNWRAPPED: usize = 4000;

/// Returns a panel's whole text: what it shows, from its beginning to its end.
pub fn copy_of(m: &Model, panel: Panel) -> String {
    let text = match panel {
        Panel::Outline => outline::text(m),
        Panel::Page => page::source(m),
        Panel::Diff => diff::text(m),
        Panel::Deploy => joined(&deploy::lines(m, UNWRAPPED)),
        Panel::Load => joined(&load::lines(m, 100)),
        // As they are drawn: what stands below what is all that there is to a picture.
        Panel::Sql if m.console.picture != SqlPicture::None => {
            m.console.picture_rows.iter().map(|line| format!("{}\n", line.to_string().trim_end())).collect()
        }
        Panel::Sql => match m.session() {
            Some(session) => session.back.lines().map(|line| format!("{}\n", line.text)).collect(),
            None => String::new(),
        },
        Panel::Checks => joined(&checks::all_lines(m, UNWRAPPED)),
        Panel::Log => m.log.lines().map(|line| format!("{}\n", line.text)).collect(),
    };
    display_text(m, &text).into_owned()
}

/// The room between the two ends of a row is for a screen.
fn joined(lines: &[Line<'_>]) -> String {
    let gap = " ".repeat(60);
    let line = |line: &Line<'_>| {
        let text = line.to_string();
        match text.split_once(&gap) {
            Some((left, right)) => format!("{}  {}\n", left.trim_end(), right.trim()).replace("  \n", "\n"),
            None => format!("{}\n", text.trim_end()),
        }
    };
    lines.iter().map(line).collect()
}

/// Returns the parts that one might want: those of the panel with the keyboard first.
pub fn parts(m: &Model) -> Vec<Choice> {
    let mut panels: Vec<Panel> = m.panels().collect();
    panels.sort_by_key(|panel| (*panel != m.focus, !m.layout.shows(*panel)));
    let mut out: Vec<Choice> = panels.iter().flat_map(|panel| parts_of(m, *panel)).collect();
    let whole = |panel: &Panel| part(m, &format!("All of {}", panel.title()), copy_of(m, *panel));
    let at = parts_of(m, m.focus).len();
    out.splice(at..at, whole(&m.focus));
    out.extend(panels.iter().skip(1).filter_map(whole));
    out
}

fn part(m: &Model, title: &str, text: String) -> Option<Choice> {
    let first = text.trim().lines().next()?;
    let glimpse = wrap::fit(&display_text(m, first), 30).into_owned();
    Some(Choice { title: title.to_owned(), key: glimpse, does: Chosen::Copy(text) })
}

fn parts_of(m: &Model, panel: Panel) -> Vec<Choice> {
    let found: Vec<Option<Choice>> = match panel {
        Panel::Outline | Panel::Load => Vec::new(),
        Panel::Page => {
            let source = page::source(m);
            let blocks = code_blocks(&source);
            blocks.iter().enumerate().map(|(n, code)| part(m, &format!("Code block {}", n + 1), code.clone())).collect()
        }
        Panel::Diff => vec![part(m, "This hunk", diff::hunk_text(m)), part(m, "This file's name", diff::hunk_file(m))],
        Panel::Deploy => {
            let deploy = m.progress.deploy.as_ref();
            let state = deploy.and_then(|deploy| m.progress.steps.get(&deploy.at_step));
            let failure =
                state.and_then(|state| state.failure.as_ref()).filter(|failure| !words::is_cancelled(failure));
            let failed = failure.map(|failure| of_failure(m, failure, "Why it failed")).into_iter().flatten();
            let outputs = m.progress.outputs.iter();
            let outputs = outputs.map(|(key, output)| part(m, &format!("Output {key}"), output.value.clone()));
            failed.chain(outputs).collect()
        }
        Panel::Sql => match m.session() {
            Some(session) => {
                let (said, result) = last_exchange(session);
                // As it was sent: a prompt of one's own cannot be told from what was typed behind it.
                let sent = m.console.exchanges.iter().rfind(|exchange| exchange.session == session.name);
                let statement = sent.map_or(said, |exchange| format!("{}\n", exchange.text.trim_end()));
                vec![part(m, "The last statement", statement), part(m, "Its result", result)]
            }
            None => Vec::new(),
        },
        Panel::Checks => {
            let failure = m.chapter().and_then(|chapter| {
                let check = chapter.checks.get(m.checks.cursor)?.id.clone();
                let at = workshop_engine::event::CheckRef { chapter: chapter.number, check };
                m.progress.checks.get(&at)?.failure.as_ref()
            });
            failure.map(|failure| of_failure(m, failure, "What the check got")).into_iter().flatten().collect()
        }
        Panel::Log => {
            let answer = m.progress.invoked.as_ref().map(|answer| answer.response.clone()).unwrap_or_default();
            vec![part(m, "The function's last answer", answer)]
        }
    };
    found.into_iter().flatten().collect()
}

/// The command that shows a failure by hand, and what came, under its name.
fn of_failure(m: &Model, failure: &Failure, came: &str) -> [Option<Choice>; 2] {
    let by_hand = failure.reproduce.clone().unwrap_or_default();
    [
        part(m, "The command that shows it by hand", by_hand),
        part(m, came, m.progress.in_project(&failure.actual).into_owned()),
    ]
}

/// The text inside each fence.
fn code_blocks(source: &str) -> Vec<String> {
    use pulldown_cmark::{Event, Parser, Tag, TagEnd};
    let (mut blocks, mut open) = (Vec::new(), None::<String>);
    for event in Parser::new(source) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => open = Some(String::new()),
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            Event::Text(text) => {
                if let Some(code) = &mut open {
                    code.push_str(&text);
                }
            }
            _ => {}
        }
    }
    blocks
}

/// The last statement of a session without its prompts, and everything that came of it.
fn last_exchange(session: &ConsoleSession) -> (String, String) {
    let (mut statement, mut result) = (String::new(), String::new());
    for line in session.back.lines() {
        if line.kind == SqlLine::Echo {
            if !result.is_empty() {
                statement.clear();
                result.clear();
            }
            let text = line.text.split_once("> ").map_or(line.text.as_str(), |(_, text)| text);
            statement.push_str(&format!("{text}\n"));
        } else {
            result.push_str(&format!("{}\n", line.text));
        }
    }
    (statement, result)
}

//! The deploy panel: phases and resources with their clocks, the root cause first, outputs at the end.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{both_ends, ink, span, words};
use crate::tui::model::*;
use crate::tui::{clock, theme, wrap};
use workshop_engine::event::Resource;
use workshop_engine::progress::DeployState;

pub fn draw(m: &Model, buffer: &mut Buffer, body: Rect) {
    let area = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    super::lines_counted(buffer, area, &lines(m, area.width.into()), m.deploy_top, m.focus == Panel::Deploy);
}

/// The first line of a panel of this size that is scrolled to its end.
pub fn last_top(m: &Model, width: usize, height: usize) -> usize {
    super::last_top(lines(m, width.saturating_sub(2)).len(), height)
}

pub fn lines(m: &Model, width: usize) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    match &m.progress.deploy {
        Some(deploy) => of_deploy(m, deploy, width, &mut out),
        None => out.push(Line::styled("Nothing has been deployed in this workshop yet.", theme::DIM)),
    }
    // Those of the deploy before say little while the next one runs.
    let running = m.progress.deploy.as_ref().is_some_and(|d| m.progress.running.as_ref() == Some(&d.at_step));
    if !running && !m.progress.outputs.is_empty() {
        out.push(Line::default());
        out.push(Line::styled("Outputs", theme::STRONG));
        let longest = m.progress.outputs.keys().map(|k| k.len()).max().unwrap_or(0).min(width / 2);
        for (key, output) in &m.progress.outputs {
            let first = span(format!("{:<longest$}  ", ink(m, key)), theme::DIM);
            let rest = Span::raw(" ".repeat(longest + 2));
            out.extend(wrap::words(&[span(ink(m, &output.value).into_owned(), theme::TEXT)], width, &first, &rest));
        }
    }
    out
}

/// Rows that the panel wants while a deploy runs, so that its phases and a resource have room from the beginning.
pub fn wanted(m: &Model) -> usize {
    lines(m, 80).len().max(9)
}

fn of_deploy(m: &Model, deploy: &DeployState, width: usize, out: &mut Vec<Line<'static>>) {
    let title = m.step_of(&deploy.at_step).map_or(deploy.at_step.step.clone(), |s| s.title.clone());
    let running = m.progress.running.as_ref() == Some(&deploy.at_step);
    let took = m.progress.steps.get(&deploy.at_step).and_then(|s| s.took_ms);
    let elapsed = match took {
        Some(took) if !running => clock::took(took),
        _ if running => clock::minutes(m.now.saturating_sub(deploy.started)),
        _ => String::new(),
    };
    let usual = deploy.usual_ms.map(|ms| format!(" (usually {})", clock::took(ms))).unwrap_or_default();
    out.push(both_ends(
        vec![span(ink(m, &title).into_owned(), theme::STRONG)],
        vec![span(elapsed, theme::STRONG), span(usual, theme::DIM)],
        width,
    ));
    if deploy.detached {
        let none = Span::raw("");
        let text = span("It goes on without us: run the step again to attach to it.", theme::WARN);
        out.extend(wrap::words(&[text], width, &none, &none));
    }
    if let Some((id, reason)) = &deploy.root_cause {
        out.push(Line::default());
        out.push(Line::from(vec![
            span("✗ Root cause: ", theme::BAD.patch(theme::STRONG)),
            span(ink(m, id), theme::BAD),
        ]));
        let indent = Span::raw("  ");
        out.extend(wrap::words(&[span(ink(m, reason).into_owned(), theme::TEXT)], width, &indent, &indent));
    }
    out.push(Line::default());
    for phase in &deploy.phases {
        let (mark, style, time) = match phase.took_ms {
            Some(took) => ("✓", theme::GOOD, clock::took(took)),
            None if running => {
                (theme::spinner(m.now), theme::WAIT, clock::minutes(m.now.saturating_sub(phase.started)))
            }
            None => ("–", theme::DIM, String::new()),
        };
        out.push(both_ends(
            vec![span(format!("{mark} "), style), span(words::phase(phase.phase), theme::TEXT)],
            vec![span(time, theme::DIM)],
            width,
        ));
    }
    if let Some(problems) = deploy.types.as_ref().filter(|problems| !problems.is_empty()) {
        out.push(Line::default());
        let count =
            if problems.len() == 1 { "1 type error".to_owned() } else { format!("{} type errors", problems.len()) };
        out.push(Line::from(vec![
            span(format!("! {count}"), theme::WARN.patch(theme::STRONG)),
            span("  it deploys all the same", theme::DIM),
        ]));
        let indent = Span::raw("  ");
        for problem in problems {
            for line in problem.to_string().lines() {
                out.extend(wrap::words(&[span(ink(m, line).into_owned(), theme::TEXT)], width, &indent, &indent));
            }
        }
    }
    if !deploy.resources.is_empty() {
        out.push(Line::default());
        let done = deploy.resources.iter().filter(|r| !r.is_in_progress()).count();
        out.push(both_ends(
            vec![span("Resources", theme::STRONG)],
            vec![span(format!("{done} of {}", deploy.resources.len()), theme::DIM)],
            width,
        ));
    }
    let kinds = deploy.resources.iter().map(|r| wrap::width(kind(r))).max().unwrap_or(0).min(width / 3);
    for resource in &deploy.resources {
        let is_root = deploy.root_cause.as_ref().is_some_and(|(id, _)| *id == resource.logical_id);
        of_resource(m, resource, is_root, (kinds, width), out);
    }
}

/// `Lambda::Function`
fn kind(r: &Resource) -> &str {
    r.resource_type.strip_prefix("AWS::").unwrap_or(&r.resource_type)
}

/// A logical id as its author named it: the CDK appends eight hexadecimal digits.
fn without_hash(id: &str) -> &str {
    let cut = id.len().saturating_sub(8);
    match id.split_at_checked(cut) {
        Some((name, hash)) if !name.is_empty() && hash.chars().all(|c| matches!(c, '0'..='9' | 'A'..='F')) => name,
        _ => id,
    }
}

fn of_resource(m: &Model, r: &Resource, is_root: bool, (kinds, width): (usize, usize), out: &mut Vec<Line<'static>>) {
    let (mark, style) = match r {
        r if r.is_failed() => ("✗", theme::BAD),
        r if r.is_in_progress() => (theme::spinner(m.now), theme::WAIT),
        _ => ("✓", theme::GOOD),
    };
    let time = clock::took(r.ended.unwrap_or(m.now).saturating_sub(r.started));
    let usual = match (r.is_in_progress(), r.usual_ms) {
        (true, Some(ms)) => format!(" of usually {}", clock::took(ms)),
        _ => String::new(),
    };
    let kind = kind(r);
    let doing = match r.status.split('_').next() {
        Some("DELETE") => "delete ",
        Some("UPDATE") => "update ",
        Some("ROLLBACK") => "roll back ",
        _ => "",
    };
    out.push(both_ends(
        vec![
            span(format!("{mark} "), style),
            span(format!("{:<kinds$}  ", ink(m, kind)), theme::DIM),
            span(doing, theme::DIM),
            span(ink(m, without_hash(&r.logical_id)).into_owned(), theme::TEXT),
        ],
        vec![span(time, theme::TEXT), span(usual, theme::DIM)],
        width,
    ));
    if let (true, false, Some(reason)) = (r.is_failed(), is_root, &r.reason) {
        let indent = Span::raw("    ");
        out.extend(wrap::words(&[span(ink(m, reason).into_owned(), theme::DIM)], width, &indent, &indent));
    }
}

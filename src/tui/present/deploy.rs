//! The deploy panel's lines: phases and resources with their clocks, the root cause first, outputs at the end.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::last_words;
use super::spans::{both_ends, display_text, span};
use super::words;
use crate::tui::model::*;
use crate::tui::{clock, theme, wrap};
use workshop_course::lesson::model::{Step, StepAction};
use workshop_engine::event::{Failure, Phase, Resource, Verdict};
use workshop_engine::progress::DeployState;

/// Returns the panel's lines. A deploy that belongs to another step than the one at hand stands back.
pub fn lines(m: &Model, width: usize) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    let awaited = awaited(m);
    if let Some(step) = awaited {
        let (mark, text) = words::not_shown(&display_text(m, &step.title), m.is_ahead(), m.progress.deploy.is_some());
        out.extend(wrap::words(&[span(text, theme::STRONG)], width, &span(mark, theme::DIM), &Span::raw("  ")));
    }
    match &m.progress.deploy {
        Some(deploy) if awaited.is_some() => {
            out.push(Line::default());
            out.push(Line::styled(words::beside_it(m.is_ahead()), theme::DIM));
            let mut before = Vec::new();
            of_deploy(m, deploy, width, &mut before);
            outputs(m, width, &mut before);
            for line in &mut before {
                line.spans.iter_mut().for_each(|span| span.style = theme::DIM);
            }
            out.extend(before);
            return out;
        }
        Some(deploy) => of_deploy(m, deploy, width, &mut out),
        None if awaited.is_none() => {
            out.push(Line::styled("Nothing has been deployed in this workshop yet.", theme::DIM));
        }
        None => {}
    }
    outputs(m, width, &mut out);
    out
}

/// Returns the step at hand, when it is a deploy and what is shown is another one's: it has not begun, or lies further back.
pub fn awaited(m: &Model) -> Option<&Step> {
    let (here, step) = (m.here()?, m.step()?);
    let other = m.progress.deploy.as_ref().is_none_or(|deploy| deploy.at_step != here);
    (other && matches!(step.action, StepAction::Deploy(_)) && m.progress.running.is_none()).then_some(step)
}

fn outputs(m: &Model, width: usize, out: &mut Vec<Line<'static>>) {
    // Those of the deploy before say little while the next one runs.
    let running = m.progress.deploy.as_ref().is_some_and(|d| m.progress.running.as_ref() == Some(&d.at_step));
    if running || m.progress.outputs.is_empty() {
        return;
    }
    let unchanged = m.progress.deploy.as_ref().is_some_and(|deploy| {
        let unseen = m.progress.is_broken_off(&deploy.at_step) && m.progress.deploy_found.is_none();
        unseen || trouble(m, deploy).is_some()
    });
    out.push(Line::default());
    out.push(match unchanged {
        true => Line::from(vec![span("Outputs", theme::STRONG), span("  of the stack as it was before", theme::DIM)]),
        false => Line::styled("Outputs", theme::STRONG),
    });
    let longest = m.progress.outputs.keys().map(|k| k.len()).max().unwrap_or(0).min(width / 2);
    for (key, output) in &m.progress.outputs {
        let first = span(format!("{:<longest$}  ", display_text(m, key)), theme::DIM);
        let rest = Span::raw(" ".repeat(longest + 2));
        let value = display_text(m, &output.value).into_owned();
        out.extend(wrap::words(&[span(value, theme::TEXT)], width, &first, &rest));
    }
}

/// Returns the sign behind the panel's name, when the newest deploy went wrong.
pub fn mark(m: &Model) -> Option<(&'static str, Style)> {
    let trouble = trouble(m, m.progress.deploy.as_ref().filter(|_| awaited(m).is_none())?)?;
    Some((trouble.mark, trouble.style))
}

/// A deploy that went wrong: which of its phases did, and how that is told.
struct Trouble<'a> {
    phase: usize,
    mark: &'static str,
    style: Style,
    word: &'static str,
    failure: Option<&'a Failure>,
}

/// The step says how it came out; a resource that failed says so long before that.
fn trouble<'a>(m: &'a Model, deploy: &DeployState) -> Option<Trouble<'a>> {
    let state = m.progress.steps.get(&deploy.at_step)?;
    let verdict = state.verdict.filter(|verdict| !matches!(verdict, Verdict::Pass | Verdict::Skipped));
    let failed = deploy.root_cause.is_some() || deploy.resources.iter().any(Resource::is_failed);
    let verdict = match verdict {
        Some(Verdict::PassedUnexpectedly) => return None,
        Some(verdict) => verdict,
        None if failed && state.verdict.is_none() => Verdict::Fail,
        None => return None,
    };
    let resources = deploy.phases.iter().position(|phase| phase.phase == Phase::Resources);
    // What the last phase reads is there whatever became of those before it.
    let before_outputs = deploy.phases.iter().rposition(|phase| phase.phase != Phase::Outputs);
    let told = deploy.phases.iter().position(|phase| phase.failed);
    let phase = told.or(resources.filter(|_| failed)).or(before_outputs).unwrap_or(0);
    let failure = state.failure.as_ref();
    let cancelled = failure.is_some_and(words::is_cancelled);
    let (mark, style) = match cancelled {
        true => theme::verdict(Some(Verdict::Error)),
        false => theme::verdict(Some(verdict)),
    };
    let word = match verdict {
        _ if cancelled => "was cancelled",
        Verdict::Error => "could not run",
        _ => "failed",
    };
    Some(Trouble { phase, mark, style, word, failure })
}

/// Why it failed, before everything else, and what to do about it.
fn reason(m: &Model, deploy: &DeployState, trouble: &Trouble<'_>, width: usize) -> Vec<Line<'static>> {
    let bold = trouble.style.patch(theme::STRONG);
    let phase = || deploy.phases.get(trouble.phase).map_or("The deploy", |phase| words::phase(phase.phase));
    let title = match &deploy.root_cause {
        Some((id, _)) => vec![
            span(format!("{} Root cause: ", trouble.mark), bold),
            span(display_text(m, id).into_owned(), trouble.style),
        ],
        None => vec![span(format!("{} {} {}", trouble.mark, phase(), trouble.word), bold)],
    };
    let mut out = vec![Line::default(), Line::from(title)];
    let indent = Span::raw("  ");
    let mut say = |text: &str, style: Style| {
        for line in display_text(m, &m.progress.in_project(text)).lines() {
            out.extend(wrap::words(&[span(line, style)], width, &indent, &indent));
        }
    };
    if let Some((_, reason)) = &deploy.root_cause {
        say(reason, theme::TEXT);
    }
    let Some(failure) = trouble.failure else { return out };
    // Of a resource that failed it is said, and that it was cancelled, too.
    if deploy.root_cause.is_none() && !words::is_cancelled(failure) {
        say(&failure.actual, theme::TEXT);
        last_words::of(&m.progress, failure).iter().for_each(|line| say(line, theme::DIM));
    }
    if let Some(chapter) = m.course.chapter(deploy.at_step.chapter) {
        failure.advice(chapter).for_each(|advice| say(advice, theme::TEXT));
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
        vec![span(display_text(m, &title).into_owned(), theme::STRONG)],
        vec![span(elapsed, theme::STRONG), span(usual, theme::DIM)],
        width,
    ));
    if deploy.detached {
        let none = Span::raw("");
        let text = span(words::left_alone(&m.progress), theme::WARN);
        out.extend(wrap::words(&[text], width, &none, &none));
    }
    let trouble = trouble(m, deploy);
    if let Some(trouble) = &trouble {
        out.extend(reason(m, deploy, trouble, width));
    }
    out.push(Line::default());
    for (number, phase) in deploy.phases.iter().enumerate() {
        let (mark, style, time) = match (&trouble, phase.took_ms) {
            (Some(trouble), took) if number == trouble.phase => {
                (trouble.mark, trouble.style, took.map(clock::took).unwrap_or_default())
            }
            (Some(trouble), _) if number > trouble.phase => ("–", theme::DIM, String::new()),
            (_, Some(took)) => ("✓", theme::GOOD, clock::took(took)),
            (_, None) if running => {
                (theme::spinner(m.now), theme::WAIT, clock::minutes(m.now.saturating_sub(phase.started)))
            }
            (_, None) => ("–", theme::DIM, String::new()),
        };
        out.push(both_ends(
            vec![span(format!("{mark} "), style), span(words::phase(phase.phase), theme::TEXT)],
            vec![span(time, theme::DIM)],
            width,
        ));
    }
    let passed = m.progress.steps.get(&deploy.at_step).is_some_and(|step| step.verdict == Some(Verdict::Pass));
    if passed && !running && !deploy.phases.is_empty() && deploy.stack.is_none() && deploy.resources.is_empty() {
        out.push(Line::styled("  Nothing to change: the stack is as it should be.", theme::DIM));
    }
    if let Some(problems) = deploy.types.as_ref().filter(|problems| !problems.is_empty()) {
        out.push(Line::default());
        let count =
            if problems.len() == 1 { "1 type error".to_owned() } else { format!("{} type errors", problems.len()) };
        out.push(Line::from(vec![
            span(format!("! {count}"), theme::WARN.patch(theme::STRONG)),
            span(if trouble.is_some() { "" } else { "  it deploys all the same" }, theme::DIM),
        ]));
        let indent = Span::raw("  ");
        for problem in problems {
            for line in problem.to_string().lines() {
                out.extend(wrap::words(
                    &[span(display_text(m, line).into_owned(), theme::TEXT)],
                    width,
                    &indent,
                    &indent,
                ));
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
    let kinds = deploy.resources.iter().map(|r| wrap::width(kind(r, width))).max().unwrap_or(0).min(width / 3);
    let axis = (width >= GANTT_FROM).then(|| TimeAxis::of(m, deploy, width));
    let has_ghost = axis.as_ref().is_some_and(|axis| deploy.resources.iter().any(|r| axis.before(r).is_some()));
    for resource in &deploy.resources {
        let is_root = deploy.root_cause.as_ref().is_some_and(|(id, _)| *id == resource.logical_id);
        of_resource(m, resource, is_root, (kinds, width), axis.as_ref(), out);
    }
    if has_ghost {
        out.push(both_ends(Vec::new(), vec![span("█ now  ░ the deploy before", theme::DIM)], width));
    }
}

/// The time that all resources of a deploy share, from the first that began, and those of the deploy before on it.
struct TimeAxis<'a> {
    now: u64,
    from: u64,
    cells: u64,
    /// Milliseconds from the beginning to the end of the axis.
    length: u64,
    before: Option<(&'a DeployState, u64)>,
}

impl<'a> TimeAxis<'a> {
    fn of(m: &'a Model, deploy: &DeployState, width: usize) -> TimeAxis<'a> {
        let first = |deploy: &DeployState| deploy.resources.iter().map(|r| r.started).min().unwrap_or(0);
        let from = first(deploy);
        let last = |deploy: &DeployState| deploy.resources.iter().map(|r| r.ended.unwrap_or(m.now)).max().unwrap_or(0);
        let before =
            m.progress.deploy_before.as_ref().filter(|before| before.resources.iter().all(|r| r.ended.is_some()));
        // Another stack's has no shadow here, and sets no scale.
        let has = |deploy: &DeployState, id: &str| deploy.resources.iter().any(|r| r.logical_id == id);
        let before = before.filter(|before| deploy.resources.iter().any(|r| has(before, &r.logical_id)));
        let before = before.map(|before| (before, first(before)));
        let then = before.map_or(0, |(before, began)| last(before).saturating_sub(began));
        let cells = if width < WIDE_FROM { SHORT_GANTT } else { GANTT };
        TimeAxis { now: m.now, from, cells, length: last(deploy).saturating_sub(from).max(then).max(1), before }
    }

    /// Returns the cells of a span of time, counted in milliseconds from the beginning: the first, and that behind the last.
    fn cells(&self, started: u64, ended: u64) -> (u64, u64) {
        let cell = |at: u64| at * self.cells / self.length;
        let begins = cell(started).min(self.cells - 1);
        (begins, cell(ended).clamp(begins + 1, self.cells))
    }

    /// Returns when the same resource began and ended in the deploy before.
    fn before(&self, resource: &Resource) -> Option<(u64, u64)> {
        let (deploy, began) = self.before?;
        let then = deploy.resources.iter().find(|r| r.logical_id == resource.logical_id)?;
        Some((then.started.saturating_sub(began), then.ended?.saturating_sub(began)))
    }
}

/// `Lambda::Function`; where there is little room, `Function`.
fn kind(r: &Resource, width: usize) -> &str {
    let kind = r.resource_type.strip_prefix("AWS::").unwrap_or(&r.resource_type);
    if (GANTT_FROM..WIDE_FROM).contains(&width) { kind.rsplit("::").next().unwrap_or(kind) } else { kind }
}

/// A logical id as its author named it: the CDK appends eight hexadecimal digits.
fn without_hash(id: &str) -> &str {
    let cut = id.len().saturating_sub(8);
    match id.split_at_checked(cut) {
        Some((name, hash)) if !name.is_empty() && hash.chars().all(|c| matches!(c, '0'..='9' | 'A'..='F')) => name,
        _ => id,
    }
}

fn of_resource(
    m: &Model,
    r: &Resource,
    is_root: bool,
    (kinds, width): (usize, usize),
    axis: Option<&TimeAxis<'_>>,
    out: &mut Vec<Line<'static>>,
) {
    let (mark, style) = match r {
        // What came of it since, in the rollback, is not what became of it.
        r if is_root || r.is_failed() => ("✗", theme::BAD),
        r if r.is_in_progress() => (theme::spinner(m.now), theme::WAIT),
        _ => ("✓", theme::GOOD),
    };
    let time = clock::took(r.ended.unwrap_or(m.now).saturating_sub(r.started));
    let usual = match (r.is_in_progress(), r.usual_ms) {
        (true, Some(ms)) => format!(" of usually {}", clock::took(ms)),
        _ => String::new(),
    };
    let kind = kind(r, width);
    let doing = match r.status.split('_').next() {
        // What a rollback does to it afterwards is not what failed.
        _ if is_root || r.is_failed() => "",
        Some("DELETE") => "delete ",
        Some("UPDATE") => "update ",
        Some("ROLLBACK") => "roll back ",
        _ => "",
    };
    let mut left = vec![
        span(format!("{mark} "), style),
        span(format!("{:<kinds$}  ", display_text(m, kind)), theme::DIM),
        span(doing, theme::DIM),
    ];
    let bar = axis.map(|axis| gantt(r, axis, style)).into_iter().flatten();
    let right: Vec<Span<'static>> =
        bar.chain([span(format!("{time:>7}"), theme::TEXT), span(usual, theme::DIM)]).collect();
    let taken: usize = left.iter().chain(&right).map(Span::width).sum();
    // Names that a construct has made begin alike.
    let name = display_text(m, without_hash(&r.logical_id)).into_owned();
    left.push(span(wrap::fit_middle(&name, width.saturating_sub(taken + 1)), theme::TEXT));
    out.push(both_ends(left, right, width));
    if let (true, false, Some(reason)) = (r.is_failed(), is_root, &r.reason) {
        let indent = Span::raw("    ");
        out.extend(wrap::words(&[span(display_text(m, reason).into_owned(), theme::DIM)], width, &indent, &indent));
    }
}

/// Columns from which on a resource's time is drawn as a bar; below the second, the bar is short and the kind is told by its
/// last word.
const GANTT_FROM: usize = 46;
const WIDE_FROM: usize = 76;
/// Cells of the bar.
const GANTT: u64 = 20;
const SHORT_GANTT: u64 = 10;

/// A resource's time within that of all: one sees what waited for what, and behind it the deploy before as a shadow.
fn gantt(r: &Resource, axis: &TimeAxis<'_>, style: Style) -> Vec<Span<'static>> {
    let own = axis.cells(r.started.saturating_sub(axis.from), r.ended.unwrap_or(axis.now).saturating_sub(axis.from));
    let then = axis.before(r).map(|(started, ended)| axis.cells(started, ended));
    let within = |span: (u64, u64), cell: u64| span.0 <= cell && cell < span.1;
    let mut spans = vec![Span::raw(" ")];
    for cell in 0..axis.cells {
        spans.push(match () {
            () if within(own, cell) => span("█", style),
            () if then.is_some_and(|then| within(then, cell)) => span("░", theme::DIM),
            () => span("·", theme::DIM),
        });
    }
    spans.push(Span::raw(" "));
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::golden::Player;

    #[test]
    fn another_stacks_deploy_sets_no_scale() {
        let mut player = Player::new(120, 40);
        let mut deploy = |id: &str, took: u64| {
            player.json(r#"{"event":"step_started","at_step":{"chapter":1,"step":"deploy"},"attempt":1,"action":"deploy","expects_failure":false}"#);
            player.json(&format!(
                r#"{{"event":"resource_changed","at_step":{{"chapter":1,"step":"deploy"}},"resource":{{"logical_id":"{id}","resource_type":"AWS::IAM::Role","status":"CREATE_COMPLETE","started":1000,"ended":{}}}}}"#,
                1000 + took
            ));
            player.json(r#"{"event":"step_finished","at_step":{"chapter":1,"step":"deploy"},"attempt":1,"verdict":"pass","took_ms":9}"#);
            let bar = lines(&player.model, 60).iter().map(|line| line.to_string()).find(|line| line.contains('█'));
            bar.map_or(0, |bar| bar.matches('█').count())
        };
        assert_eq!(deploy("Bootstrap", 800), SHORT_GANTT as usize);
        assert_eq!(deploy("Role", 80), SHORT_GANTT as usize);
        assert_eq!(deploy("Role", 40), SHORT_GANTT as usize / 2, "beside the same one's before");
    }
}

//! The plan of a query as a tree with bars: what each node returned, what it threw away and where, and the plan before it on the
//! same scale.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::spans::{both_ends, display_text, fit_spans, span};
use crate::tui::model::*;
use crate::tui::plan::{PlanLayer, PlanNode, QueryPlan};
use crate::tui::{clock, theme, wrap};

/// Columns of a node's figures and of its time.
const ROWS: usize = 17;
const TIME: usize = 9;
/// Columns from which on two plans stand side by side.
const BESIDE: usize = 150;

/// Returns whether there is a plan to draw.
pub fn is_worth_it(m: &Model) -> bool {
    !m.console.plans.is_empty()
}

/// Returns the lines of the newest plan, and of the one before it of the same query, or else of any.
pub fn lines(m: &Model, width: usize) -> Vec<Line<'static>> {
    let Some((newest, earlier)) = m.console.plans.split_last() else { return Vec::new() };
    let is_same = |plan: &&PlanRun| plan.query.eq_ignore_ascii_case(&newest.query);
    let before = earlier.iter().rev().find(is_same).or(earlier.last());
    // Another query's stands beside it to be looked at: what it read is not what this one read before.
    let same = before.filter(is_same).map(|run| &run.plan);
    let both = || [Some(newest), before].into_iter().flatten().map(|run| &run.plan);
    let most = both().flat_map(most_rows).max().unwrap_or(1);
    let names = both().flat_map(|plan| &plan.nodes).map(|node| wrap::width(&lead(node)) + wrap::width(&node.title));
    let names = names.max().unwrap_or(0);
    let scale = |width: usize| PlanScale::new(most, names, width);
    let Some(before) = before else { return of_plan(m, newest, None, scale(width), width) };
    if width < BESIDE {
        let mut out = of_plan(m, newest, same, scale(width), width);
        out.push(Line::default());
        out.push(Line::styled("Before it, on the same scale", theme::DIM));
        out.extend(of_plan(m, before, None, scale(width), width));
        return out;
    }
    let wide = (width - 3) / 2;
    let left = of_plan(m, before, None, scale(wide), wide);
    let right = of_plan(m, newest, same, scale(wide), wide);
    let head = |text: &str| Line::styled(format!("{text:<wide$}"), theme::DIM);
    let (mut left, mut right) = (left.into_iter(), right.into_iter());
    let mut out = vec![beside(head("Before"), head("Now"), wide)];
    loop {
        match (left.next(), right.next()) {
            (None, None) => return out,
            (one, other) => out.push(beside(one.unwrap_or_default(), other.unwrap_or_default(), wide)),
        }
    }
}

fn beside(left: Line<'static>, right: Line<'static>, wide: usize) -> Line<'static> {
    let mut spans = fit_spans(left.spans.into_iter().map(|s| s.patch_style(left.style)).collect(), wide);
    let used: usize = spans.iter().map(Span::width).sum();
    spans.push(Span::raw(" ".repeat(wide - used.min(wide))));
    spans.push(span(" │ ", theme::DIM));
    spans.extend(right.spans.into_iter().map(|s| s.patch_style(right.style)));
    Line::from(spans)
}

fn most_rows(plan: &QueryPlan) -> Option<u64> {
    plan.nodes.iter().map(|node| node.rows + node.filtered).max()
}

/// The scale of all that is drawn together: the most rows, and the columns of names and of bars. Names matter more.
#[derive(Debug, Clone, Copy)]
struct PlanScale {
    most: u64,
    name: usize,
    bar: usize,
}

impl PlanScale {
    fn new(most: u64, names: usize, width: usize) -> PlanScale {
        let room = width.saturating_sub(ROWS + TIME + 2);
        let bar = room.saturating_sub(names).clamp(8, (room / 3).clamp(8, 40));
        PlanScale { most, name: room.saturating_sub(bar), bar }
    }
}

/// Returns what stands before a node's name: its place in the tree.
fn lead(node: &PlanNode) -> String {
    match node.depth {
        0 => String::new(),
        depth => format!("{}└ ", "  ".repeat(depth - 1)),
    }
}

fn of_plan(m: &Model, run: &PlanRun, before: Option<&QueryPlan>, scale: PlanScale, width: usize) -> Vec<Line<'static>> {
    let plan = &run.plan;
    let query = display_text(m, &run.query).into_owned();
    let mut out = vec![Line::from(fit_spans(vec![span(query, theme::STRONG)], width))];
    let indent = Span::raw("");
    out.extend(wrap::words(&[span(summary(plan, before), theme::TEXT)], width, &indent, &indent));
    out.push(Line::default());
    for node in &plan.nodes {
        out.extend(of_node(m, node, scale, width));
    }
    if !plan.dpu.is_empty() {
        let figures: Vec<String> = plan.dpu.iter().map(|(name, figure)| format!("{name} {figure}")).collect();
        out.push(Line::default());
        out.extend(wrap::words(&[span(format!("DPU: {}", figures.join(" · ")), theme::DIM)], width, &indent, &indent));
    }
    out
}

/// Says in a sentence what a plan read, where rows were thrown away, and what came out.
pub fn summary(plan: &QueryPlan, before: Option<&QueryPlan>) -> String {
    let rows = |count: u64| match count {
        1 => "one row".to_owned(),
        n => format!("{} rows", thousands(n)),
    };
    let estimated = plan.nodes.iter().any(|node| node.estimated);
    let read = if estimated { "is expected to read" } else { "read" };
    let mut text = format!("It {read} {}", rows(plan.read_rows()));
    if let Some(before) = before.filter(|before| before.read_rows() != plan.read_rows()) {
        text.push_str(&format!(", before {}", rows(before.read_rows())));
    }
    let layers = [(PlanLayer::Storage, "the storage"), (PlanLayer::QueryProcessor, "the query processor")];
    let thrown: Vec<String> = layers
        .into_iter()
        .map(|(layer, name)| (plan.filtered_by(layer), name))
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{name} threw {} away", rows(count)))
        .collect();
    if !thrown.is_empty() {
        text.push_str(&format!("; {}", thrown.join(", ")));
    }
    let came = if estimated { "should come out" } else { "came out" };
    text.push_str(&format!("; {} {came}.", rows(plan.returned())));
    text
}

fn of_node(m: &Model, node: &PlanNode, PlanScale { most, name, bar }: PlanScale, width: usize) -> Vec<Line<'static>> {
    let lead = lead(node);
    let title = display_text(m, &node.title).into_owned();
    let style = if node.layer == PlanLayer::Storage { theme::WAIT } else { theme::TEXT };
    let rest = Span::raw(" ".repeat(wrap::width(&lead) + 2));
    // A name that is too long goes on below: which index it is stands at its end.
    let mut names = wrap::words(&[span(title, style)], name, &span(lead, theme::DIM), &rest).into_iter();
    let mut left = names.next().unwrap_or_default().spans;
    let used: usize = left.iter().map(Span::width).sum();
    left.push(Span::raw(" ".repeat(name - used.min(name) + 1)));
    left.extend(bars(node, most, bar));
    let about = if node.estimated { "~" } else { "" };
    let figure = match node.filtered {
        0 => format!("{about}{}", thousands(node.rows)),
        thrown => format!("{} of {}", thousands(node.rows), thousands(node.rows + thrown)),
    };
    let time = node.ms.map(clock::latency).unwrap_or_default();
    let right = vec![span(format!("{figure:>ROWS$}"), theme::TEXT), span(format!("{time:>TIME$}"), theme::DIM)];
    let mut out = vec![both_ends(left, right, width)];
    out.extend(names);
    let indent = Span::raw(" ".repeat(node.depth * 2 + 2));
    for (name, condition) in &node.conditions {
        let (words, style) = condition_words(node, name);
        let condition = display_text(m, condition).into_owned();
        out.extend(wrap::words(&[span(words, style), span(condition, theme::CODE)], width, &indent, &indent));
    }
    out
}

/// Says where a condition is met, which decides what it costs.
fn condition_words(node: &PlanNode, name: &str) -> (String, Style) {
    match (name, node.layer) {
        ("Index Cond", _) => ("only this part of the index is read: ".to_owned(), theme::GOOD),
        ("Filters", _) => (format!("the storage throws {} away: ", thousands(node.filtered)), theme::WARN),
        ("Filter" | "Join Filter", PlanLayer::QueryProcessor) => {
            (format!("the query processor throws {} away: ", thousands(node.filtered)), theme::BAD)
        }
        (other, _) => (format!("{}: ", other.to_lowercase()), theme::DIM),
    }
}

/// What was returned, then what was thrown away.
fn bars(node: &PlanNode, most: u64, room: usize) -> [Span<'static>; 3] {
    let cells = |count: u64| (room as u64 * count).div_ceil(most.max(1)) as usize;
    let all = cells(node.rows + node.filtered).min(room);
    // However few were thrown away, they show.
    let thrown = usize::from(node.filtered > 0 && all > 1);
    let kept = cells(node.rows).min(all - thrown);
    [span("█".repeat(kept), theme::GOOD), span("▒".repeat(all - kept), theme::WARN), Span::raw(" ".repeat(room - all))]
}

/// `12,345`
fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let (head, tail) = digits.split_at(digits.len() % 3);
    let groups = tail.as_bytes().chunks(3).map(String::from_utf8_lossy);
    let head = Some(head).filter(|head| !head.is_empty()).map(Into::into);
    head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_was_thrown_away_shows_among_thousands() {
        let plan = QueryPlan::read([
            "Storage Scan on t  (cost=1.00..2.00 rows=3 width=8) (actual rows=3000 loops=1)",
            "  Filters: (n = 7)",
            "  Rows Filtered: 1",
        ])
        .unwrap();
        let node = &plan.nodes[0];
        assert_eq!((node.rows, node.filtered), (3000, 1));
        let shown: String = bars(node, 3001, 8).iter().map(|span| span.content.as_ref()).collect();
        assert_eq!(shown, "███████▒");
    }

    #[test]
    fn what_another_query_has_read_is_not_what_this_one_read_before() {
        let plan = |rows: u64| {
            let line = format!("Storage Scan on t  (cost=1.00..2.00 rows=3 width=8) (actual rows={rows} loops=1)");
            QueryPlan::read([line.as_str()]).unwrap()
        };
        let run = |query: &str, rows| PlanRun { query: query.to_owned(), plan: plan(rows) };
        let told = |plans: Vec<PlanRun>, width: usize| {
            let mut player = crate::tui::golden::Player::new(200, 60);
            player.model.console.plans = plans;
            lines(&player.model, width).iter().map(|line| line.to_string()).collect::<Vec<_>>().join("\n")
        };
        for width in [80, BESIDE] {
            let other = told(vec![run("select 1 from t", 900), run("select 2 from t", 5)], width);
            assert!(other.contains("It read 5 rows;") && !other.contains(", before"), "{other}");
            let same = told(vec![run("select 2 from t", 900), run("SELECT 2 FROM t", 5)], width);
            assert!(same.contains("It read 5 rows, before 900 rows;"), "{same}");
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        let all = [(0, "0"), (999, "999"), (1000, "1,000"), (12_345, "12,345"), (1_234_567, "1,234,567")];
        all.into_iter().for_each(|(count, text)| assert_eq!(thousands(count), text));
    }
}

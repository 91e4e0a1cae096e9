//! The first row: course, target, clock.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::paint::row;
use crate::tui::model::*;
use crate::tui::present::spans::{both_ends, display_text, span};
use crate::tui::present::{standby, words};
use crate::tui::{clock, theme, wrap};
use workshop_course::lesson::model::Target;

/// Draws it.
pub fn draw(m: &Model, buffer: &mut Buffer, area: Rect) {
    let mut left = vec![span(format!(" {} ", m.course.code), theme::FOCUS)];
    left.push(span(display_text(m, &m.course.title), theme::TEXT));
    let mut parts = HeaderParts::default();
    if m.hides() {
        parts.say(9, "identities hidden".to_owned(), theme::WARN);
    }
    match m.progress.target {
        Some(Target::Local | Target::Aws) if !m.course.needs_cloud() => {}
        Some(_) if m.progress.on_standby => parts.say(8, words::STANDBY.to_owned(), theme::BADGE),
        Some(Target::Local) => parts.say(3, "sandbox".to_owned(), theme::DIM),
        Some(Target::Aws) => match &m.progress.account_gone {
            Some(problem) => parts.say(8, display_text(m, standby::trouble(problem)).into_owned(), theme::BAD),
            None => parts.say(8, "AWS".to_owned(), theme::WARN),
        },
        None => {}
    }
    for what in &m.progress.conditions {
        parts.say(7, what.clone(), theme::WARN);
    }
    if let [first, more @ ..] = m.progress.undeployed.as_slice() {
        let name = first.rsplit('/').next().unwrap_or(first);
        let others = if more.is_empty() { String::new() } else { format!(" +{}", more.len()) };
        parts.say(5, "not deployed".to_owned(), theme::WAIT);
        parts.say_of_it(1, format!(": {}{others}", display_text(m, name)), theme::WAIT);
    }
    let narrow = area.width < 70;
    if let Some(pace) = clock::pace(&m.course, &m.progress, m.now).filter(|_| m.shows_clock()) {
        if pace.paused {
            parts.say(7, "clock paused".to_owned(), theme::WARN);
        }
        if pace.on_stage {
            if !narrow {
                let spent = format!("{} of {} min", pace.slot_spent / 60_000, pace.slot / 60_000);
                parts.say(2, spent, theme::TEXT);
            }
            let style = match pace.behind / 60_000 {
                0 => theme::GOOD,
                late if late > 0 => theme::BAD,
                _ => theme::WAIT,
            };
            parts.say(6, clock::behind_in_words(pace.behind), style);
            parts.say(4, clock::end_in_words(&pace, m.options.utc_offset), theme::TEXT);
        } else {
            let first = m.course.chapters.iter().find(|c| c.on_stage);
            if let Some(chapter) = first.filter(|c| m.progress.position.as_ref().is_some_and(|p| p.chapter < c.number))
            {
                parts.say(0, format!("the clock starts with chapter {}", chapter.number), theme::DIM);
            }
        }
    }
    // The first words of a title still name it; fewer say less than that there is one. What else there is matters more.
    let title = usize::from(area.width).saturating_sub(left[0].width() + parts.width() + 1);
    let least = if title < LEAST_TITLE.min(left[1].width()) { title.min(1) } else { title };
    left[1].content = wrap::fit(&left[1].content, least).into_owned().into();
    let room = usize::from(area.width).saturating_sub(left.iter().map(Span::width).sum::<usize>() + 1);
    row(buffer, area, area.y, &both_ends(left, parts.fitted(room), area.width.into()));
}

/// Columns from which on a title is cut; where it has fewer, a sign stands for it.
const LEAST_TITLE: usize = 12;

/// The right end of the first row. Where there is no room for all of it, what matters least goes as a whole:
/// half a part says less than none.
#[derive(Default)]
struct HeaderParts(Vec<HeaderPart>);

struct HeaderPart {
    /// The higher, the longer it stays.
    weight: u8,
    span: Span<'static>,
    /// It belongs to the part before it, and stands right behind that.
    is_of_it: bool,
}

impl HeaderParts {
    fn say(&mut self, weight: u8, text: String, style: Style) {
        self.0.push(HeaderPart { weight, span: span(text, style), is_of_it: false });
    }

    fn say_of_it(&mut self, weight: u8, text: String, style: Style) {
        self.0.push(HeaderPart { weight, span: span(text, style), is_of_it: true });
    }

    /// With the dots between, and the blank behind.
    fn width(&self) -> usize {
        let of = |(at, part): (usize, &HeaderPart)| {
            part.span.width() + if at > 0 && !part.is_of_it { BETWEEN.chars().count() } else { 0 }
        };
        self.0.iter().enumerate().map(of).sum::<usize>() + 1
    }

    fn fitted(mut self, room: usize) -> Vec<Span<'static>> {
        while self.width() > room {
            let Some(least) = (0..self.0.len()).min_by_key(|at| self.0[*at].weight) else { break };
            self.0.remove(least);
        }
        let mut spans = Vec::new();
        for part in self.0 {
            if !spans.is_empty() && !part.is_of_it {
                spans.push(span(BETWEEN, theme::DIM));
            }
            spans.push(part.span);
        }
        spans.push(Span::raw(" "));
        spans
    }
}

const BETWEEN: &str = " · ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_least_goes_as_a_whole() {
        let fitted = |room: usize| {
            let mut parts = HeaderParts::default();
            parts.say(3, "sandbox".to_owned(), theme::DIM);
            parts.say(5, "not deployed".to_owned(), theme::WAIT);
            parts.say_of_it(1, ": dat401-stack.ts +2".to_owned(), theme::WAIT);
            parts.say(2, "1 of 45 min".to_owned(), theme::TEXT);
            parts.say(6, "2 min ahead".to_owned(), theme::GOOD);
            parts.say(4, "ends 02:41".to_owned(), theme::TEXT);
            parts.fitted(room).iter().map(|span| span.content.to_string()).collect::<String>()
        };
        let whole = "sandbox · not deployed: dat401-stack.ts +2 · 1 of 45 min · 2 min ahead · ends 02:41 ";
        assert_eq!(fitted(whole.chars().count()), whole);
        assert_eq!(fitted(70), "sandbox · not deployed · 1 of 45 min · 2 min ahead · ends 02:41 ");
        assert_eq!(fitted(50), "sandbox · not deployed · 2 min ahead · ends 02:41 ");
        assert_eq!(fitted(30), "not deployed · 2 min ahead ");
        assert_eq!(fitted(12), "2 min ahead ");
        assert_eq!(fitted(5), " ");
    }
}

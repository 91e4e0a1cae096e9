//! Markdown as styled rows of a given width. Pure.
//!
//! Invariant: whatever the author wrote is shown; what is not understood is shown as text.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::highlight::{self, Colours, HighlightJob, Lang};
use super::{theme, wrap};

/// Rows, and the code in them whose colours are not known yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rendered {
    pub lines: Vec<Line<'static>>,
    pub wanted: Vec<HighlightJob>,
}

/// Colours of code by [`highlight::key`].
pub type KnownColours = HashMap<u64, Colours>;

/// Texts that were rendered already, so that a frame does not render them again.
#[derive(Debug, Default)]
pub struct RenderedProse {
    kept: RefCell<HashMap<(u64, usize), Rendered>>,
}

impl RenderedProse {
    /// Returns the rows of a Markdown text at this width.
    pub fn lines(&self, source: &str, width: usize, known: &KnownColours) -> Vec<Line<'static>> {
        let mut hasher = DefaultHasher::new();
        source.hash(&mut hasher);
        let mut kept = self.kept.borrow_mut();
        if kept.len() >= PROSE_KEPT {
            kept.clear();
        }
        kept.entry((hasher.finish(), width)).or_insert_with(|| render(source, width, known)).lines.clone()
    }

    /// Drops all of it, when colours have come.
    pub fn forget(&mut self) {
        self.kept.get_mut().clear();
    }

    /// Returns the code whose colours are still wanted, each once.
    pub fn take_wanted(&mut self) -> Vec<HighlightJob> {
        self.kept.get_mut().values_mut().flat_map(|rendered| std::mem::take(&mut rendered.wanted)).collect()
    }
}

/// Texts kept at once: more than any screen shows.
const PROSE_KEPT: usize = 64;

/// Breaks Markdown into styled rows of this width; code whose colours are not known is listed besides.
pub fn render(source: &str, width: usize, known: &KnownColours) -> Rendered {
    render_with(source, width, known, None)
}

/// Does the same where a key shows the pictures of the text, and names it beside them.
pub fn render_with(source: &str, width: usize, known: &KnownColours, shows_pictures: Option<&str>) -> Rendered {
    let mut writer = Writer { width: width.max(10), shows_pictures, ..Writer::new(known) };
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    for event in Parser::new_ext(source, options) {
        writer.take(event);
    }
    writer.flush();
    while writer.out.lines.last().is_some_and(|line| line.width() == 0) {
        writer.out.lines.pop();
    }
    writer.out
}

struct Writer<'a> {
    out: Rendered,
    width: usize,
    known: &'a KnownColours,
    shows_pictures: Option<&'a str>,
    /// The paragraph that is being read.
    inline: Vec<Span<'static>>,
    styles: Vec<Style>,
    /// Signs before the rows of the block: for its first row and for the rest.
    marks: Vec<Mark>,
    lists: Vec<Option<u64>>,
    code: Option<(Option<Lang>, String)>,
    table: Option<TableBlock>,
    link: Option<String>,
    /// No blank line before the next block.
    tight: bool,
}

struct Mark {
    first: String,
    rest: String,
    style: Style,
    used: bool,
}

#[derive(Default)]
struct TableBlock {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<Vec<Span<'static>>>>,
}

impl<'a> Writer<'a> {
    fn new(known: &'a KnownColours) -> Self {
        Writer {
            out: Rendered::default(),
            width: 0,
            known,
            shows_pictures: None,
            inline: Vec::new(),
            styles: vec![theme::TEXT],
            marks: Vec::new(),
            lists: Vec::new(),
            code: None,
            table: None,
            link: None,
            tight: true,
        }
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.text(&text),
            },
            Event::Code(code) => {
                let style = self.style().patch(theme::CODE);
                self.push(&code, style);
            }
            Event::Html(html) | Event::InlineHtml(html) => self.text(&html),
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.flush(),
            Event::Rule => {
                self.gap();
                self.out.lines.push(Line::styled("─".repeat(self.width), theme::DIM));
                self.tight = false;
            }
            Event::TaskListMarker(done) => self.text(if done { "✓ " } else { "○ " }),
            Event::FootnoteReference(text) | Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.gap(),
            Tag::Heading { level, .. } => {
                self.flush();
                self.gap();
                let style = if level <= HeadingLevel::H2 { theme::HEADING } else { theme::STRONG };
                self.styles.push(style);
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.gap();
                self.mark("▎ ", "▎ ", theme::WAIT);
                self.tight = true;
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                self.gap();
                let lang = match kind {
                    CodeBlockKind::Fenced(info) => Lang::of(info.split([' ', ',']).next().unwrap_or_default()),
                    CodeBlockKind::Indented => None,
                };
                self.code = Some((lang, String::new()));
            }
            Tag::List(first) => {
                self.flush();
                if self.lists.is_empty() {
                    self.gap();
                }
                self.lists.push(first);
                self.tight = true;
            }
            Tag::Item => {
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{:>2}. ", *number - 1)
                    }
                    _ => " • ".to_owned(),
                };
                let rest = " ".repeat(wrap::width(&mark));
                self.mark(&mark, &rest, theme::DIM);
                self.tight = true;
            }
            Tag::Table(alignments) => {
                self.flush();
                self.gap();
                self.table = Some(TableBlock { alignments, ..TableBlock::default() });
            }
            Tag::TableHead => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
                self.styles.push(theme::STRONG);
            }
            Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            Tag::TableCell => {}
            Tag::Emphasis => self.styled(theme::EMPHASIS),
            Tag::Strong => self.styled(theme::STRONG),
            Tag::Strikethrough => self.styled(Style::new().add_modifier(Modifier::CROSSED_OUT)),
            Tag::Link { dest_url, .. } => {
                self.link = Some(dest_url.to_string());
                self.styled(theme::LINK);
            }
            Tag::Image { .. } => {
                self.styled(theme::LINK);
                self.text("[picture: ");
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => {
                self.flush();
                self.tight = false;
            }
            TagEnd::Heading(_) => {
                self.flush();
                self.styles.pop();
                self.tight = false;
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.marks.pop();
                self.tight = false;
            }
            TagEnd::CodeBlock => {
                if let Some((lang, code)) = self.code.take() {
                    self.code_block(lang, &code);
                }
                self.tight = false;
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.tight = !self.lists.is_empty();
            }
            TagEnd::Item => {
                self.flush();
                self.marks.pop();
                self.tight = true;
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.table_block(table);
                }
                self.tight = false;
            }
            TagEnd::TableHead => {
                self.styles.pop();
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.inline);
                if let Some(row) = self.table.as_mut().and_then(|t| t.rows.last_mut()) {
                    row.push(cell);
                }
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.styles.pop();
            }
            TagEnd::Image => {
                self.text("]");
                self.styles.pop();
                if let Some(key) = self.shows_pictures {
                    self.push(&format!(" ({key} shows it)"), theme::DIM);
                }
            }
            TagEnd::Link => {
                self.styles.pop();
                if let Some(url) = self.link.take() {
                    let shown: String = self.inline.iter().map(|s| s.content.as_ref()).collect();
                    if !shown.ends_with(&url) && !url.starts_with('#') {
                        self.push(&format!(" ({url})"), theme::DIM);
                    }
                }
            }
            _ => {}
        }
    }

    fn style(&self) -> Style {
        self.styles.last().copied().unwrap_or_default()
    }

    fn styled(&mut self, style: Style) {
        self.styles.push(self.style().patch(style));
    }

    fn text(&mut self, text: &str) {
        let style = self.style();
        self.push(text, style);
    }

    fn push(&mut self, text: &str, style: Style) {
        self.inline.push(Span::styled(workshop_base::text::sanitize(text).into_owned(), style));
    }

    fn mark(&mut self, first: &str, rest: &str, style: Style) {
        self.marks.push(Mark { first: first.to_owned(), rest: rest.to_owned(), style, used: false });
    }

    /// The marks of all open blocks, as one prefix for a first row and one for the rest.
    fn prefixes(&mut self) -> (Span<'static>, Span<'static>) {
        let (mut first, mut rest, mut style) = (String::new(), String::new(), theme::DIM);
        for mark in &mut self.marks {
            first.push_str(if mark.used { &mark.rest } else { &mark.first });
            rest.push_str(&mark.rest);
            mark.used = true;
            style = mark.style;
        }
        (Span::styled(first, style), Span::styled(rest, style))
    }

    /// A blank line between blocks.
    fn gap(&mut self) {
        if !self.tight && !self.out.lines.is_empty() {
            let rest: String = self.marks.iter().map(|mark| mark.rest.as_str()).collect();
            let rest = rest.trim_end().to_owned();
            self.out.lines.push(Line::styled(rest, theme::WAIT));
        }
        self.tight = true;
    }

    fn flush(&mut self) {
        if self.inline.is_empty() {
            return;
        }
        let inline = std::mem::take(&mut self.inline);
        let (first, rest) = self.prefixes();
        self.out.lines.extend(wrap::words(&inline, self.width, &first, &rest));
        self.tight = false;
    }

    fn code_block(&mut self, lang: Option<Lang>, code: &str) {
        let code = code.trim_end_matches('\n');
        let colours = lang.and_then(|lang| {
            let known = self.known.get(&highlight::key(lang, code)).cloned();
            if known.is_none() {
                self.out.wanted.push(HighlightJob::new(lang, code));
            }
            known
        });
        for (row, text) in code.lines().enumerate() {
            let pieces = colours.as_ref().and_then(|colours| colours.get(row));
            let spans = paint(text, pieces.map_or(&[][..], |p| p));
            let (first, _) = self.prefixes();
            let bar = Span::styled(format!("{}  ", first.content), first.style);
            let room = self.width.saturating_sub(wrap::width(&bar.content)).max(8);
            for part in wrap::code(spans, room) {
                let mut line = vec![bar.clone()];
                line.extend(part);
                self.out.lines.push(Line::from(line));
            }
        }
    }

    fn table_block(&mut self, table: TableBlock) {
        let columns = table.rows.iter().map(Vec::len).max().unwrap_or(0);
        let (first, _) = self.prefixes();
        let room = self.width.saturating_sub(wrap::width(&first.content));
        let natural: Vec<usize> = (0..columns)
            .map(|c| table.rows.iter().filter_map(|r| r.get(c)).map(|cell| spans_width(cell)).max().unwrap_or(0).max(1))
            .collect();
        let widths = share(&natural, room.saturating_sub(2 * columns.saturating_sub(1)));
        for (number, row) in table.rows.iter().enumerate() {
            let cells: Vec<Vec<Line<'static>>> = (0..columns)
                .map(|c| {
                    let cell = row.get(c).map_or(&[][..], |cell| cell);
                    wrap::words(cell, widths[c], &Span::raw(""), &Span::raw(""))
                })
                .collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(1);
            for line in 0..height {
                let mut spans = vec![first.clone()];
                for c in 0..columns {
                    let empty = Line::default();
                    let text = cells[c].get(line).unwrap_or(&empty);
                    let blank = widths[c].saturating_sub(text.width());
                    let left = match table.alignments.get(c) {
                        Some(Alignment::Right) => blank,
                        Some(Alignment::Center) => blank / 2,
                        _ => 0,
                    };
                    spans.push(Span::raw(" ".repeat(left)));
                    spans.extend(text.spans.iter().cloned());
                    if c + 1 < columns {
                        spans.push(Span::raw(" ".repeat(blank - left + 2)));
                    }
                }
                self.out.lines.push(Line::from(spans));
            }
            if number == 0 {
                let rule: Vec<String> = widths.iter().map(|w| "─".repeat(*w)).collect();
                self.out.lines.push(Line::from(vec![first.clone(), Span::styled(rule.join("  "), theme::DIM)]));
            }
        }
    }
}

/// Code as it is shown: tabs as blanks, nothing that could reach the terminal.
pub fn plain(text: &str) -> String {
    workshop_base::text::sanitize(&text.replace('\t', "    ")).into_owned()
}

/// Text in its colours. Tabs become blanks.
pub fn paint(text: &str, pieces: &[(std::ops::Range<usize>, Style)]) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut at = 0;
    for (range, style) in pieces {
        let (start, end) = (range.start.min(text.len()), range.end.min(text.len()));
        if start < at || !text.is_char_boundary(start) || !text.is_char_boundary(end) {
            continue;
        }
        if start > at {
            spans.push(Span::raw(plain(&text[at..start])));
        }
        spans.push(Span::styled(plain(&text[start..end]), *style));
        at = end;
    }
    if at < text.len() {
        spans.push(Span::raw(plain(&text[at..])));
    }
    spans
}

fn spans_width(spans: &[Span<'_>]) -> usize {
    spans.iter().map(Span::width).sum()
}

/// Column widths that fit the room: narrow columns keep theirs, wide ones share the rest.
fn share(natural: &[usize], room: usize) -> Vec<usize> {
    let mut widths = natural.to_vec();
    while widths.iter().sum::<usize>() > room {
        let Some(widest) = widths.iter_mut().max() else { break };
        if *widest <= 4 {
            break;
        }
        *widest -= 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str, width: usize) -> Vec<String> {
        render(source, width, &KnownColours::new()).lines.iter().map(|l| l.to_string().trim_end().to_owned()).collect()
    }

    #[test]
    fn paragraphs_lists_and_quotes() {
        let got = text("# Title\n\nOne *two* `three`.\n\n- a b c d e f\n  - deep\n1. x\n2. y\n\n> said", 12);
        let want = [
            "Title",
            "",
            "One two",
            "three.",
            "",
            " • a b c d e",
            "   f",
            "    • deep",
            "",
            " 1. x",
            " 2. y",
            "",
            "▎ said",
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn a_table_fits_its_width() {
        let got = text("| a | long header |\n|---|--:|\n| 1 | two three four |", 16);
        assert_eq!(got[0], "a    long header");
        assert!(got.iter().all(|line| wrap::width(line) <= 16), "{got:?}");
    }

    #[test]
    fn code_is_indented_cut_and_asks_for_its_colours() {
        let rendered = render("```ts\nconst a = 1;\n```", 40, &KnownColours::new());
        assert_eq!(rendered.lines[0].to_string(), "  const a = 1;");
        assert_eq!(rendered.wanted.len(), 1);
        let mut known = KnownColours::new();
        let colours = highlight::Painter::default().paint(Lang::TypeScript, "const a = 1;");
        known.insert(rendered.wanted[0].key, colours.into());
        let rendered = render("```ts\nconst a = 1;\n```", 40, &known);
        assert!(rendered.wanted.is_empty());
        assert!(rendered.lines[0].spans.iter().any(|s| s.style == theme::CODE_KEYWORD));
    }

    #[test]
    fn control_characters_never_get_through() {
        assert_eq!(text("a\u{1b}[31mb", 20), ["a<1B>[31mb"]);
    }
}

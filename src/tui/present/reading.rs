//! Reading matter over the panels: the help and the presenter's notes, where they stand and all of their lines.

use ratatui::layout::Rect;
use ratatui::text::Line;

use super::spans::{display_text, span};
use super::{palette, words};
use crate::tui::bindings::{Binding, Context, KeyAction};
use crate::tui::keymap::{KEYMAP, sections};
use crate::tui::model::*;
use crate::tui::{matching, remapping, theme, vikeys, wrap};

/// Returns the place and the title of what is read over the panels now, if anything is.
pub fn place(m: &Model) -> Option<(Rect, &'static str)> {
    let screen = Rect { x: 0, y: 0, width: m.size.0, height: m.size.1 };
    match &m.mode {
        InputMode::Help { .. } => Some((middle(screen, 78, screen.height.saturating_sub(4)), "Help")),
        InputMode::Notes { .. } => Some((middle(screen, 84, screen.height * 2 / 3), "Notes")),
        InputMode::Walking
        | InputMode::Entry
        | InputMode::Search { .. }
        | InputMode::Palette(_)
        | InputMode::Leave(_)
        | InputMode::Confirm(_) => None,
    }
}

/// Returns where it stands, its title and all of its lines.
pub fn reading(m: &Model) -> Option<(Rect, &'static str, Vec<Line<'static>>)> {
    let (at, title) = place(m)?;
    let width = inside(at).width.into();
    let lines = match &m.mode {
        InputMode::Notes { .. } => {
            let notes = m.step().map(|step| words::notes(&m.course, &m.progress, step)).unwrap_or_default();
            m.prose.lines(&display_text(m, &notes), width, &m.known)
        }
        InputMode::Help { query, .. } => help(m, query, width),
        _ => Vec::new(),
    };
    Some((at, title, lines))
}

/// Returns a place of at most this size in the middle of the screen.
pub fn middle(screen: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(screen.width);
    let height = height.clamp(4, screen.height.saturating_sub(2));
    Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 2, width, height }
}

/// Returns the room within a frame and its margins.
pub fn inside(area: Rect) -> Rect {
    Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4), height: area.height - 2 }
}

/// The keys, those of the panel with the keyboard first; with a query, those whose key or words hold it: also the words that the
/// palette and the config file have for a command.
fn help(m: &Model, query: &str, width: usize) -> Vec<Line<'static>> {
    let keymap = &m.options.keymap;
    let mut out = Vec::new();
    for (title, bindings) in all_sections(m) {
        let names = |key: &str| key.split(", ").any(|name| name == query);
        let fits = |row: &HelpRow| {
            let holds = |text: &str| matching::matches(text, query);
            query.is_empty()
                || holds(row.long)
                || names(&row.keys)
                || row.does.is_some_and(|does| holds(&other_words(does)))
        };
        let whole = matching::matches(&title, query);
        let all: Vec<HelpRow> = bindings.into_iter().filter(|row| whole || fits(row)).collect();
        if all.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(Line::default());
        }
        out.push(Line::styled(title, theme::HEADING));
        for HelpRow { keys, long, .. } in all {
            let keys = match keys {
                none if none.is_empty() => format!("in {}", remapping::name(keymap, KeyAction::Palette)),
                keys => keys,
            };
            let first = span(format!("  {keys:<16}"), theme::KEY);
            let rest = span(" ".repeat(18), theme::TEXT);
            out.extend(wrap::words(&[span(long, theme::TEXT)], width, &first, &rest));
        }
    }
    if out.is_empty() {
        out.push(Line::styled(format!("No key has to do with “{query}”"), theme::DIM));
    }
    out
}

/// A row of the help.
struct HelpRow {
    keys: String,
    long: &'static str,
    /// None for vi's commands.
    does: Option<KeyAction>,
}

/// The words for a command besides those that the help shows.
fn other_words(does: KeyAction) -> String {
    format!("{} {}", remapping::command_name(does).replace('-', " "), palette::also(does))
}

/// Titles, and the keys and words below each; vi's commands for who has them.
fn all_sections(m: &Model) -> Vec<(String, Vec<HelpRow>)> {
    let named = |binding: &&'static Binding| HelpRow {
        keys: remapping::names(&m.options.keymap, binding),
        long: binding.long,
        does: Some(binding.does),
    };
    let mut all: Vec<(String, Vec<HelpRow>)> = Vec::new();
    let own: Vec<String> =
        KEYMAP.iter().filter(|b| b.context == Context::In(m.focus)).map(|b| named(&b).keys).collect();
    let own: Vec<&str> = own.iter().flat_map(|names| names.split(", ")).collect();
    for (title, bindings) in sections(m.focus) {
        // A key that means something of its own in this panel means nothing else here.
        let free = |row: HelpRow| {
            let free: Vec<&str> = row.keys.split(", ").filter(|name| !own.contains(name)).collect();
            HelpRow { keys: free.join(", "), ..row }
        };
        let is_here = |binding: &&&'static Binding| binding.context == Context::Walking;
        let rows = bindings.iter().map(|b| if is_here(&b) { free(named(b)) } else { named(b) });
        all.push((title, rows.collect()));
    }
    if m.options.vi {
        let of = |keys, long| HelpRow { keys, long, does: None };
        let commands = vikeys::COMMANDS.iter().map(|command| of(vikeys::names(command.letters), command.long));
        let at = all.iter().position(|(title, _)| title == "Typing SQL").map_or(all.len(), |at| at + 1);
        all.insert(at, ("Typing SQL: vi's commands, after esc".to_owned(), commands.collect()));
    }
    all
}

#[cfg(test)]
mod tests {
    use crate::tui::golden::Player;

    #[test]
    fn the_help_knows_the_words_that_the_palette_and_the_settings_have() {
        for (query, key) in
            [("redact", "x"), ("own shell", "S"), ("fullscreen", "z"), ("yank", "y"), ("hide account", "x")]
        {
            let mut player = Player::new(120, 40);
            player.play("key ? /");
            player.play(&format!("type {query}"));
            let found: Vec<String> = player.model.over.iter().map(|line| line.to_string()).collect();
            assert!(found.iter().any(|row| row.trim_start().starts_with(&format!("{key} "))), "{query}: {found:?}");
        }
        let mut player = Player::new(120, 40);
        player.play("key ? /");
        player.play("type zzz");
        assert!(player.model.over[0].to_string().contains("No key has to do with"));
    }
}

//! What can be chosen by a few letters: every command and every step of the course, or the parts that can be copied.

use super::copy;
use crate::tui::bindings::{Binding, Context, KeyAction, Keymap};
use crate::tui::keymap::KEYMAP;
use crate::tui::model::*;
use crate::tui::remapping;
use workshop_course::lesson::kinds;
use workshop_course::lesson::model::Course;

/// Opens a palette of what can be chosen now.
pub fn opened(m: &Model, of: PaletteOf) -> Palette {
    let all = match of {
        PaletteOf::Commands => commands(&m.course, &m.options.keymap),
        PaletteOf::Copies => copy::parts(m),
    };
    let typing = m.mode == InputMode::Entry;
    Palette { of, typing, all, ..Palette::default() }
}

/// Returns the entries of the palette that is open, the best first; none when none is.
pub fn entries(m: &Model) -> Vec<Choice> {
    let InputMode::Palette(palette) = &m.mode else { return Vec::new() };
    best(palette.all.clone(), &palette.query)
}

fn commands(course: &Course, keymap: &Keymap) -> Vec<Choice> {
    // What holds everywhere comes before what belongs to one panel.
    let (own, general): (Vec<_>, Vec<_>) =
        KEYMAP.iter().filter(|b| is_command(b)).partition(|b| matches!(b.context, Context::In(_)));
    let mut all: Vec<Choice> = Vec::new();
    for binding in general.into_iter().chain(own) {
        let panel = match binding.context {
            Context::In(panel) => Some(panel),
            _ => None,
        };
        // The same from two places is one command.
        if all.iter().any(|known| matches!(&known.does, Chosen::Act(does, _) if *does == binding.does)) {
            continue;
        }
        let does = Chosen::Act(binding.does, panel);
        all.push(Choice { title: binding.long.to_owned(), key: remapping::names(keymap, binding), does });
    }
    for chapter in &course.chapters {
        all.push(Choice {
            title: format!("Go to chapter {}: {}", chapter.number, chapter.title),
            key: String::new(),
            does: Chosen::GoTo { chapter: chapter.number, step: None },
        });
        for (number, step) in (1..).zip(&chapter.steps) {
            all.push(Choice {
                title: format!("Go to {}.{number}: {}", chapter.number, step.title),
                key: String::new(),
                does: Chosen::GoTo { chapter: chapter.number, step: Some(step.id.clone()) },
            });
        }
    }
    all
}

/// Every key is a command but those that move within what one sees, and those of a moment (typing, asking).
fn is_command(binding: &Binding) -> bool {
    use KeyAction::{Bottom, Close, Down, Left, PageDown, PageUp, Palette, Right, Top, Up};
    let lasting = matches!(binding.context, Context::Walking | Context::In(_) | Context::Anywhere);
    let moves = [Up, Down, PageUp, PageDown, Top, Bottom, Left, Right, Close, Palette].contains(&binding.does);
    lasting && !moves
}

/// Returns other words that people have for a command.
pub fn also(does: KeyAction) -> &'static str {
    match does {
        KeyAction::Export => "export save download csv",
        KeyAction::RestartClock => "reset timer clock",
        KeyAction::BeginAgain => "restart start over rehearsal reset state",
        KeyAction::Locate => "status where probe",
        KeyAction::Prepare => "install setup retry",
        KeyAction::UndoStep | KeyAction::UndoChapter => "revert reset start over",
        KeyAction::BringHere => "catch up reset start over again restore begin rehearse perform",
        KeyAction::BringBack => "undo restore back",
        KeyAction::Failover => "failback standby twin offline network cloud down outage local",
        KeyAction::RunStatement => "single step debug",
        KeyAction::RestoreEdits => "undo restore stash",
        KeyAction::Copy | KeyAction::CopyPart => "yank clipboard",
        KeyAction::Redact => "redact identities hide secrets privacy streaming",
        KeyAction::Zoom => "fullscreen maximize",
        KeyAction::Quit => "exit leave close",
        KeyAction::Console => "query psql database",
        KeyAction::EditFile => "editor vim open",
        KeyAction::Notes => "presenter speaker",
        KeyAction::DiffLayout => "unified side by side",
        KeyAction::Suspend => "shell background",
        KeyAction::RawLog => "output",
        _ => "",
    }
}

fn best(all: Vec<Choice>, query: &str) -> Vec<Choice> {
    let rate = |choice: Choice| {
        let other = match &choice.does {
            Chosen::Act(does, _) => {
                let short = KEYMAP.iter().filter(|binding| binding.does == *does).find_map(|binding| binding.short);
                format!("{} {}", short.unwrap_or_default(), also(*does))
            }
            Chosen::GoTo { .. } | Chosen::Copy(_) => String::new(),
        };
        // A key by its name is that key: who types `:q` means it.
        let named = !query.is_empty() && choice.key.split(", ").any(|key| key == query);
        let named = named.then_some(KEY);
        let rated =
            named.or_else(|| score(&choice.title, query)).or_else(|| score(&other, query).map(|score| score / 2));
        // A leap is never done by who wanted something else.
        let leaps = matches!(choice.does, Chosen::GoTo { .. }) && !query.is_empty();
        match rated {
            Some(rated) => Ok((if leaps { rated - LEAP } else { rated }, choice)),
            None => Err((format!("{} {other}", choice.title), choice)),
        }
    };
    let (scored, others): (Vec<_>, Vec<_>) = all.into_iter().map(rate).partition(Result::is_ok);
    let mut scored: Vec<(i64, Choice)> = scored.into_iter().flatten().collect();
    if scored.is_empty() {
        let near = others
            .into_iter()
            .filter_map(Result::err)
            .filter(|(_, choice)| !matches!(choice.does, Chosen::GoTo { .. }) && !moves_the_talk(choice));
        scored = near.filter_map(|(words, choice)| Some((-misspelt(&words, query)?, choice))).collect();
    }
    scored.sort_by_key(|(score, _)| -score);
    scored.into_iter().map(|(_, choice)| choice).collect()
}

/// Tells whether a choice runs something, or brings the talk elsewhere: that is done by who has named it, and never by a guess
/// at what was meant.
fn moves_the_talk(choice: &Choice) -> bool {
    use KeyAction::{
        ApplyChapter, BackStep, BeginAgain, BringBack, BringHere, Failover, GoBack, GoOn, NextStep, Repair, Run,
        RunStatement, UndoChapter, UndoLast, UndoStep,
    };
    let moves = [
        GoOn,
        GoBack,
        NextStep,
        BackStep,
        Run,
        RunStatement,
        Repair,
        BringHere,
        BringBack,
        BeginAgain,
        Failover,
        UndoLast,
        UndoStep,
        UndoChapter,
        ApplyChapter,
    ];
    matches!(choice.does, Chosen::Act(does, _) if moves.contains(&does))
}

/// The rating of a command whose key was typed, and what a leap is rated less than a command.
const KEY: i64 = 1_000_000;
const LEAP: i64 = 2_000;

/// Counts the letters of a query that are wrong, if every word of it could be meant for one of these.
fn misspelt(words: &str, query: &str) -> Option<i64> {
    let words = || words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let wrong = |asked: &str| words().filter_map(|word| kinds::mistyped(asked, word)).min();
    query.split_whitespace().map(wrong).sum::<Option<usize>>().map(|wrong| wrong as i64)
}

/// Rates how well every word of the query fits the text; None: not at all. A word fits where it stands, the better the
/// nearer to a word's beginning; or by its letters in order, each right behind the one before or at the beginning of a
/// word (`gtc` for “go to chapter”).
fn score(text: &str, query: &str) -> Option<i64> {
    let text = text.to_lowercase();
    let mut total = 0;
    for word in query.to_lowercase().split_whitespace() {
        total += word_score(&text, word)?;
    }
    Some(total)
}

fn word_score(text: &str, word: &str) -> Option<i64> {
    let starts = |at: usize| text[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric());
    if let Some((at, _)) = text.match_indices(word).find(|(at, _)| starts(*at)) {
        return Some(1000 - at as i64);
    }
    if let Some(at) = text.find(word) {
        return Some(600 - at as i64);
    }
    let letters: Vec<char> = word.chars().collect();
    let places: Vec<(usize, char)> = text.char_indices().collect();
    (0..places.len())
        .filter(|from| starts(places[*from].0))
        .find(|from| in_order(&places[*from..], &letters, &starts, true))
        .map(|from| 300 - from as i64)
}

/// Whether the letters come in this order, each right behind the one before or at the beginning of a word.
fn in_order(places: &[(usize, char)], letters: &[char], starts: &impl Fn(usize) -> bool, next: bool) -> bool {
    let Some((letter, rest)) = letters.split_first() else { return true };
    places.iter().enumerate().any(|(i, (at, c))| {
        let reachable = (next && i == 0) || starts(*at);
        reachable && c == letter && in_order(&places[i + 1..], rest, starts, true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    fn first(query: &str) -> String {
        best(commands(&fixture::course(), &Keymap::default()), query)
            .first()
            .map(|choice| choice.title.clone())
            .unwrap_or_default()
    }

    #[test]
    fn a_word_finds_its_command_before_letters_do() {
        assert!(first("export").contains("CSV"), "{}", first("export"));
        assert!(first("clipb").contains("clipboard"));
        assert!(first("checks").to_lowercase().contains("checks"), "{}", first("checks"));
        assert!(first("apply hunk").starts_with("Apply this hunk"));
        assert!(first("split").contains("side"), "{}", first("split"));
        assert_eq!(first("rtcc"), "Run the chapter's checks");
        assert_eq!(first("zzz"), "");
        // A key, by who knows it from elsewhere; and what was meant by who has mistyped.
        assert!(first("q").starts_with("Leave"), "{}", first("q"));
        assert!(first("chck").contains("check"), "{}", first("chck"));
        assert!(first("exprot").contains("CSV"), "{}", first("exprot"));
        // The words of the README and of the settings; a guess at them runs nothing.
        assert!(first("redact").starts_with("Hide"), "{}", first("redact"));
        assert!(!first("redct").contains("Bring") && !first("redct").contains("Go on"), "{}", first("redct"));
        assert!(!first("intro").is_empty() && !first("run").starts_with("Go to"), "{}", first("run"));
        assert_eq!(score("Next step, without running this one", "export"), None, "letters from anywhere are no match");
        assert_eq!(score("anything", ""), Some(0));
    }

    #[test]
    fn every_key_that_does_something_lasting_is_a_command() {
        let offered = commands(&fixture::course(), &Keymap::default());
        let there = |does| offered.iter().any(|c| matches!(&c.does, Chosen::Act(known, _) if *known == does));
        for does in [
            KeyAction::ApplyHunk,
            KeyAction::UndoHunk,
            KeyAction::DiffOf,
            KeyAction::DiffLayout,
            KeyAction::OpenContext,
            KeyAction::OpenAll,
            KeyAction::RawLog,
            KeyAction::Follow,
            KeyAction::NextSession,
            KeyAction::CloseSession,
            KeyAction::GoOn,
            KeyAction::Interrupt,
            KeyAction::Suspend,
        ] {
            assert!(there(does), "{does:?}");
        }
    }
}

//! The command palette: every command and every step of the course, by a few letters.

use super::keys;
use crate::tui::keymap::{Context, Do, KEYMAP};
use crate::tui::model::*;
use workshop_course::lesson::model::Course;
use workshop_engine::command::Command;

/// One entry of the palette.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub title: String,
    /// The key that does the same.
    pub key: String,
    pub does: Chosen,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Chosen {
    Do(Do, Option<Panel>),
    GoTo { chapter: u32, step: Option<String> },
}

/// What fits the query, the best first.
pub fn choices(course: &Course, query: &str) -> Vec<Choice> {
    // What holds everywhere comes before what belongs to one panel.
    let (general, own): (Vec<_>, Vec<_>) =
        KEYMAP.iter().filter(|b| b.command).partition(|b| !matches!(b.context, Context::In(_)));
    let mut all: Vec<Choice> = general
        .into_iter()
        .chain(own)
        .map(|b| {
            let panel = match b.context {
                Context::In(panel) => Some(panel),
                _ => None,
            };
            Choice { title: b.long.to_owned(), key: b.key_names(), does: Chosen::Do(b.does, panel) }
        })
        .collect();
    for chapter in &course.chapters {
        all.push(Choice {
            title: format!("Go to chapter {}: {}", chapter.number, chapter.title),
            key: String::new(),
            does: Chosen::GoTo { chapter: chapter.number, step: None },
        });
        for step in &chapter.steps {
            all.push(Choice {
                title: format!("Go to {}: {}", chapter.number, step.title),
                key: String::new(),
                does: Chosen::GoTo { chapter: chapter.number, step: Some(step.id.clone()) },
            });
        }
    }
    let mut scored: Vec<(i64, Choice)> =
        all.into_iter().filter_map(|choice| Some((score(&choice.title, query)?, choice))).collect();
    scored.sort_by_key(|(score, _)| -score);
    scored.into_iter().map(|(_, choice)| choice).collect()
}

/// How well the letters of the query occur, in order; None: not at all.
fn score(title: &str, query: &str) -> Option<i64> {
    let title = title.to_lowercase();
    let query = query.to_lowercase();
    if let Some(at) = title.find(query.trim()) {
        return Some(1000 - at as i64);
    }
    let (mut at, mut score) = (0, 0);
    for c in query.chars().filter(|c| !c.is_whitespace()) {
        let found = title[at..].find(c)?;
        score -= found as i64;
        at += found + c.len_utf8();
    }
    Some(score)
}

pub fn choose(m: &mut Model, effects: &mut Vec<Effect>) {
    let Mode::Palette(palette) = std::mem::replace(&mut m.mode, Mode::Walking) else { return };
    let Some(choice) = choices(&m.course, &palette.query).into_iter().nth(palette.cursor) else { return };
    match choice.does {
        Chosen::Do(does, panel) => {
            if let Some(panel) = panel {
                keys::show(m, panel, effects);
            }
            keys::run(m, does, effects);
        }
        Chosen::GoTo { chapter, step } => super::drive::send(m, effects, Command::GoTo { chapter, step }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_order_are_enough() {
        assert!(score("Run the chapter's checks", "checks") > score("Run the chapter's checks", "rtc"));
        assert!(score("Help", "z").is_none());
        assert_eq!(score("anything", ""), Some(1000));
    }
}

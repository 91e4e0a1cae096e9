//! The console: what is typed, remembered, completed and sent.
//!
//! Invariant: an input is sent once, by its id, and never again by itself; a lost transaction is not
//! replayed.

use crate::tui::clock;
use crate::tui::editor::Editor;
use crate::tui::keymap::Do;
use crate::tui::model::*;
use crate::tui::scrollback::{self, Scrollback};
use workshop_course::lesson::model::{Course, StepAction};
use workshop_engine::command::Command;
use workshop_engine::event::{EventKind, SqlLine, StepRef, TxState};
use workshop_psql::history;

/// From this width on, two sessions stand side by side.
const SIDE_BY_SIDE: usize = 44;
/// From this height on, one above the other.
const STACKED: usize = 9;
/// Rows of the entry at most.
pub const ENTRY_ROWS: usize = 8;

impl Session {
    pub fn new(name: &str) -> Session {
        Session {
            name: name.to_owned(),
            back: Scrollback::default(),
            editor: Editor::default(),
            recalled: None,
            query: None,
            exporting: None,
        }
    }
}

pub fn current(m: &mut Model) -> Option<&mut Session> {
    m.console.sessions.get_mut(m.console.current)
}

/// The session of this name, made if need be.
pub fn session<'a>(m: &'a mut Model, name: &str) -> &'a mut Session {
    let at = match m.console.sessions.iter().position(|s| s.name == name) {
        Some(at) => at,
        None => {
            m.console.sessions.push(Session::new(name));
            m.console.sessions.len() - 1
        }
    };
    &mut m.console.sessions[at]
}

pub fn ensure_session(m: &mut Model) {
    if m.console.sessions.is_empty() {
        let name = first_session(&m.course);
        session(m, &name);
    }
}

/// The name that the course gives its first session.
pub fn first_session(course: &Course) -> String {
    let steps = course.chapters.iter().flat_map(|c| &c.steps);
    let named = steps.filter_map(|step| match &step.action {
        StepAction::Sql(sql) => sql.statements.first().map(|s| s.session.clone()),
        _ => None,
    });
    named.into_iter().next().unwrap_or_else(|| "main".to_owned())
}

pub fn enter(m: &mut Model) {
    ensure_session(m);
    m.mode = Mode::Entry;
}

pub fn new_session(m: &mut Model) {
    let name = ('A'..='Z').map(String::from).find(|name| m.console.sessions.iter().all(|s| s.name != *name));
    let Some(name) = name else { return };
    session(m, &name);
    m.console.current = m.console.sessions.len() - 1;
    m.focus = Panel::Sql;
    m.mode = Mode::Entry;
}

pub fn next_session(m: &mut Model) {
    let count = m.console.sessions.len();
    if count > 1 {
        m.console.current = (m.console.current + 1) % count;
        m.console.completion = None;
    } else {
        m.toast = Some(("There is one session; + opens another".to_owned(), Mood::Plain));
    }
}

/// Room for each session, and how they stand.
pub fn arrange(m: &mut Model) {
    let Some(slot) = m.layout.slot(Panel::Sql) else { return };
    let (width, height) = (usize::from(slot.body.width), super::body_height(m, slot));
    let count = m.console.sessions.len();
    m.console.current = m.console.current.min(count.saturating_sub(1));
    let entry = entry_rows(m);
    let room = height.saturating_sub(entry);
    m.console.split = match count {
        0 | 1 => Split::One,
        n if width / n >= SIDE_BY_SIDE => Split::SideBySide,
        n if room / n >= STACKED => Split::Stacked,
        _ => Split::One,
    };
    let titles = usize::from(count > 1);
    let (wide, high) = match m.console.split {
        Split::One => (width, room.saturating_sub(titles)),
        Split::SideBySide => ((width + 1) / count - 1, room.saturating_sub(titles)),
        Split::Stacked => (width, room / count - 1),
    };
    for session in &mut m.console.sessions {
        session.back.resize(wide, high.max(1));
    }
}

/// Rows that the entry takes, with the completions above it.
pub fn entry_rows(m: &Model) -> usize {
    let lines = m.session().map_or(1, |s| s.editor.lines().len().min(ENTRY_ROWS));
    let searching = matches!(&m.mode, Mode::Search { of: Panel::Sql, .. });
    lines + usize::from(searching)
}

pub fn insert(m: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    if let Some(query) = &mut m.console.history_search {
        query.extend(text.chars().filter(|c| !c.is_control()));
        return;
    }
    let typed_one = text.chars().count() == 1;
    let Some(session) = current(m) else { return };
    session.editor.insert(text);
    session.recalled = None;
    // While the list of completions is open it follows what is typed.
    if m.console.completion.is_some() {
        m.console.completion = None;
        if typed_one && !text.trim().is_empty() {
            complete(m, effects);
        }
    }
}

/// Enter: takes the completion, ends the history search, sends a finished statement, or begins a new line.
pub fn enter_pressed(m: &mut Model, effects: &mut Vec<Effect>) {
    if m.console.history_search.is_some() {
        take_history(m);
        return;
    }
    if let Some(completion) = m.console.completion.take() {
        accept(m, &completion);
        return;
    }
    let Some(session) = current(m) else { return };
    let text = session.editor.text();
    if session.editor.is_blank() {
        session.editor.clear();
        return;
    }
    let name = session.name.clone();
    if needs_more(&text) {
        session.editor.newline();
        return;
    }
    if m.progress.sessions.get(&name).is_some_and(|s| s.running.is_some()) {
        m.toast = Some((format!("{name} still runs a statement: ctrl-c cancels it"), Mood::Warn));
        return;
    }
    if let Some(draft) = wants_editor(&text, &m.console.history) {
        effects.push(Effect::EditText(draft));
        return;
    }
    if let Some(session) = current(m) {
        session.editor.clear();
        session.recalled = None;
        session.exporting = exported(&text);
        session.back.end_of_all();
    }
    // The arrows bring back what is kept: no password that someone else may look at.
    if let Some(entry) = history::kept(&text)
        && m.console.history.last() != Some(&entry)
    {
        m.console.history.push(entry.clone());
        effects.push(Effect::Remember(entry));
    }
    if matches!(text.trim(), "\\q" | "exit" | "quit") {
        m.mode = Mode::Walking;
        return;
    }
    effects.push(m.ask(Command::Sql { session: name, text }));
}

/// `\e`: on what was typed before it, or on the statement before.
fn wants_editor(text: &str, history: &[String]) -> Option<String> {
    let (before, command) = text.rsplit_once('\n').unwrap_or(("", text));
    let (before, found) = match command.trim() {
        "\\e" | "\\edit" => (before, true),
        line => match line.strip_suffix("\\e") {
            Some(rest) => (rest, true),
            None => ("", false),
        },
    };
    found.then(|| match before.trim() {
        "" => history.last().cloned().unwrap_or_default(),
        _ => before.to_owned(),
    })
}

/// The editor came back.
pub fn edited(m: &mut Model, text: &str) {
    ensure_session(m);
    if let Some(session) = current(m) {
        session.editor.set(text.trim_end());
    }
    m.mode = Mode::Entry;
}

pub fn edit(m: &mut Model, does: Do, effects: &mut Vec<Effect>) {
    match does {
        Do::Complete => return complete_or_next(m, effects),
        Do::HistorySearch => return history_search(m),
        Do::EndEntry => return end_entry(m),
        Do::Up | Do::Down => return up_down(m, does == Do::Up),
        Do::EditText => {
            if let Some(session) = m.session() {
                let text = session.editor.text();
                let text = if text.trim().is_empty() { m.console.history.last().cloned() } else { Some(text) };
                effects.push(Effect::EditText(text.unwrap_or_default()));
            }
            return;
        }
        _ => {}
    }
    if let Some(query) = &mut m.console.history_search {
        match does {
            Do::Backspace => {
                query.pop();
            }
            _ => take_history(m),
        }
        return;
    }
    let open = m.console.completion.take().is_some();
    let Some(session) = current(m) else { return };
    let editor = &mut session.editor;
    match does {
        Do::NewLine => editor.newline(),
        Do::Backspace => editor.backspace(),
        Do::Delete => editor.delete(),
        Do::DeleteWord => editor.delete_word(),
        Do::KillToStart => editor.kill_to_start(),
        Do::KillToEnd => editor.kill_to_end(),
        Do::Yank => editor.yank(),
        Do::CharLeft => editor.left(),
        Do::CharRight => editor.right(),
        Do::WordLeft => editor.word_left(),
        Do::WordRight => editor.word_right(),
        Do::LineStart => editor.home(),
        Do::LineEnd => editor.end(),
        _ => {}
    }
    if open && does == Do::Backspace {
        complete(m, effects);
    }
}

/// Esc closes what is open, and then the entry; ctrl-d only leaves an empty one.
fn end_entry(m: &mut Model) {
    if m.console.history_search.take().is_some() || m.console.completion.take().is_some() {
        return;
    }
    m.mode = Mode::Walking;
}

/// Ctrl-C: cancels what runs, or clears what was typed.
pub fn interrupt(m: &mut Model, effects: &mut Vec<Effect>) {
    if m.console.history_search.take().is_some() || m.console.completion.take().is_some() {
        return;
    }
    let Some(name) = m.session().map(|s| s.name.clone()) else { return };
    if m.progress.sessions.get(&name).is_some_and(|s| s.running.is_some()) {
        m.toast = Some(("Cancel request sent".to_owned(), Mood::Plain));
        effects.push(m.ask(Command::CancelSql { session: name }));
        return;
    }
    if let Some(session) = current(m) {
        session.recalled = None;
        session.editor.clear();
    }
}

pub fn retry(m: &mut Model, effects: &mut Vec<Effect>) {
    let Some(session) = m.session().map(|s| s.name.clone()) else { return };
    let conflict = m
        .progress
        .sessions
        .get(&session)
        .is_some_and(|s| s.last_error.as_ref().is_some_and(|error| error.is_conflict()) && s.running.is_none());
    if !conflict {
        m.toast = Some(("No transaction of this session ended in a conflict".to_owned(), Mood::Plain));
        return;
    }
    effects.push(m.ask(Command::RetrySql { session }));
}

/// Puts the last query at the prompt again, with a file for its rows. Nothing is sent: a person looks at it, changes the
/// name perhaps, and presses enter.
pub fn export(m: &mut Model) {
    ensure_session(m);
    let file = format!("result-{}.csv", clock::stamp(m.now, m.options.utc_offset));
    let Some(session) = current(m) else { return };
    if !session.editor.is_blank() {
        m.toast = Some(("Something is typed at the prompt: send it or clear it first".to_owned(), Mood::Plain));
        return;
    }
    let Some(query) = &session.query else {
        m.toast = Some(("No query of this session has given rows yet".to_owned(), Mood::Plain));
        return;
    };
    session.editor.set(&format!("{query}\n{TO_FILE}{file}'"));
    session.recalled = None;
    m.mode = Mode::Entry;
    let text = "enter runs it once more and writes its rows to this file in the working directory".to_owned();
    m.toast = Some((text, Mood::Plain));
}

/// psql's way to send rows to a file as CSV.
const TO_FILE: &str = "\\g (format=csv) '";

/// The file that an input writes its rows to.
fn exported(input: &str) -> Option<String> {
    let (_, file) = input.rsplit_once(TO_FILE)?;
    file.trim_end().strip_suffix('\'').map(str::to_owned)
}

/// A single statement, without its semicolon, that changes nothing when it is run once more.
fn reads_only(input: &str) -> Option<String> {
    let text = input.trim().trim_end_matches(';').trim_end();
    let mut words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let first = words.next()?.to_ascii_lowercase();
    let writes = |word: &str| ["insert", "update", "delete", "merge"].iter().any(|w| word.eq_ignore_ascii_case(w));
    let reads = match first.as_str() {
        "select" | "table" | "values" | "show" => true,
        "with" | "explain" => !words.any(writes),
        _ => false,
    };
    (reads && !text.contains([';', '\\'])).then(|| text.to_owned())
}

fn complete_or_next(m: &mut Model, effects: &mut Vec<Effect>) {
    match &mut m.console.completion {
        Some(completion) if !completion.candidates.is_empty() => {
            completion.selected = (completion.selected + 1) % completion.candidates.len();
        }
        _ => complete(m, effects),
    }
}

fn complete(m: &mut Model, effects: &mut Vec<Effect>) {
    let Some(session) = m.session() else { return };
    let (text, cursor) = (session.editor.text(), session.editor.offset());
    let name = session.name.clone();
    let request = m.requests.make(Command::Complete { session: name, text, cursor });
    // An empty list waits for its answer; an older answer is dropped by its id.
    m.console.completion = Some(Completion { id: request.id, from: cursor, candidates: Vec::new(), selected: 0 });
    effects.push(Effect::Send(request));
}

fn accept(m: &mut Model, completion: &Completion) {
    if let (Some(word), Some(session)) = (completion.candidates.get(completion.selected), current(m)) {
        session.editor.complete(completion.from, word);
    }
}

fn up_down(m: &mut Model, up: bool) {
    if let Some(completion) = &mut m.console.completion
        && !completion.candidates.is_empty()
    {
        let count = completion.candidates.len();
        completion.selected = (completion.selected + if up { count - 1 } else { 1 }) % count;
        return;
    }
    m.console.completion = None;
    let history = std::mem::take(&mut m.console.history);
    if let Some(session) = current(m)
        && !(if up { session.editor.up() } else { session.editor.down() })
    {
        recall(session, &history, up);
    }
    m.console.history = history;
}

/// Through the history; the newest "down" is what was typed before.
fn recall(session: &mut Session, history: &[String], up: bool) {
    let (at, draft) = session.recalled.clone().unwrap_or((history.len(), session.editor.text()));
    let next = if up { at.checked_sub(1) } else { Some(at + 1).filter(|next| *next <= history.len()) };
    let Some(next) = next else { return };
    match history.get(next) {
        Some(text) => session.editor.set(text),
        None => session.editor.set(&draft),
    }
    session.recalled = (next < history.len()).then_some((next, draft));
}

fn history_search(m: &mut Model) {
    match &mut m.console.history_search {
        None => m.console.history_search = Some(String::new()),
        Some(_) => {
            // Once more: the one before.
            let older = history_match(m).map(|(at, _)| at);
            if let (Some(at), Some(session)) = (older, current(m)) {
                let draft = session.recalled.take().map_or(String::new(), |(_, draft)| draft);
                session.recalled = Some((at, draft));
            }
        }
    }
}

/// The newest input that holds the query, before the one that the search stands on.
pub fn history_match(m: &Model) -> Option<(usize, &str)> {
    let query = m.console.history_search.as_ref()?;
    let end = m.session().and_then(|s| s.recalled.as_ref()).map_or(m.console.history.len(), |(at, _)| *at);
    let hit = |(_, text): &(usize, &String)| query.is_empty() || scrollback::matches(text, query);
    m.console.history[..end].iter().enumerate().rev().find(hit).map(|(at, text)| (at, text.as_str()))
}

fn take_history(m: &mut Model) {
    let text = history_match(m).map(|(_, text)| text.to_owned());
    m.console.history_search = None;
    if let (Some(text), Some(session)) = (text, current(m)) {
        session.editor.set(&text);
        session.recalled = None;
    }
}

/// What the engine says about sessions.
pub fn take(m: &mut Model, kind: &EventKind) {
    match kind {
        EventKind::SessionOpened { session: name, role, host } => {
            session(m, name);
            m.log.push_prose(LogKind::Note, &format!("console {name}: connected to {host} as {role}"));
        }
        EventKind::SessionLost { session: name, loss, reason } => match loss.text() {
            Some(lost) => {
                let text = format!("connection ended: {reason}; {lost}");
                session(m, name).back.push_prose(SqlLine::Error, &text);
            }
            // Nothing is lost that the next statement does not make anew.
            None => m.log.push_prose(LogKind::Note, &format!("console {name}: connection ended, {reason}")),
        },
        EventKind::SqlStarted { session: name, text, .. } => {
            // What is asked stands before the answer, whoever asked.
            let tx = m.progress.sessions.get(name).map_or(TxState::Idle, |s| s.tx);
            let session = session(m, name);
            session.query = reads_only(text).or(session.query.take());
            let back = &mut session.back;
            for (i, line) in text.trim_end().lines().enumerate() {
                back.push(SqlLine::Echo, &format!("{}{line}", prompt(tx, i == 0)), true);
            }
            if let Some(at) = m.console.sessions.iter().position(|s| s.name == *name)
                && m.mode != Mode::Entry
            {
                m.console.current = at;
            }
        }
        EventKind::SqlText { session: name, lines, .. } => {
            let session = session(m, name);
            if lines.iter().any(|(kind, _)| *kind == SqlLine::Error) {
                session.exporting = None;
            }
            let back = &mut session.back;
            for (kind, text) in lines {
                // Rows of a table keep their columns and scroll sideways; words are wrapped.
                let wraps = match kind {
                    SqlLine::Header | SqlLine::Row => false,
                    SqlLine::Echo
                    | SqlLine::Footer
                    | SqlLine::Status
                    | SqlLine::Notice
                    | SqlLine::Error
                    | SqlLine::Hint => true,
                };
                for line in text.split('\n') {
                    if is_prose(*kind, line) { back.push_prose(*kind, line) } else { back.push(*kind, line, wraps) }
                }
            }
        }
        EventKind::SqlFinished { session: name, error: Some(error), .. }
            if error.is_conflict() && (m.mode == Mode::Entry || m.focus == Panel::Sql) =>
        {
            let key = if m.mode == Mode::Entry { "ctrl-t" } else { "t" };
            m.toast = Some((format!("{name}: another transaction won; {key} retries the whole one"), Mood::Warn));
        }
        EventKind::SqlFinished { session: name, error, .. } => {
            let file = session(m, name).exporting.take();
            if let (Some(file), None) = (file, error) {
                let path = m.options.workdir.join(file);
                m.toast = Some((format!("Written to {}", path.display()), Mood::Good));
            }
        }
        EventKind::Completions { id, from, candidates } => {
            let Some(completion) = m.console.completion.as_mut().filter(|c| c.id == *id) else { return };
            completion.from = *from;
            completion.candidates.clone_from(candidates);
            match candidates.len() {
                0 => {
                    m.console.completion = None;
                    m.toast = Some(("Nothing completes this".to_owned(), Mood::Plain));
                }
                1 => {
                    let completion = completion.clone();
                    m.console.completion = None;
                    accept(m, &completion);
                }
                _ => {}
            }
        }
        _ => {}
    }
}

/// Whether a line is a sentence. The line of the statement and the mark under it stand one below the other.
fn is_prose(kind: SqlLine, line: &str) -> bool {
    let placed = line.starts_with("LINE ") || line.trim() == "^";
    kind == SqlLine::Hint || matches!(kind, SqlLine::Error | SqlLine::Notice) && !placed
}

/// After a step in several sessions: where only one of them shows, that is the one with an error to read.
pub fn settled(m: &mut Model, step: &StepRef) {
    let Some(StepAction::Sql(sql)) = m.step_of(step).map(|step| step.action.clone()) else { return };
    let erred = |session: &Session| {
        let own = sql.statements.iter().any(|statement| statement.session == session.name);
        own && m.progress.sessions.get(&session.name).is_some_and(|state| state.last_error.is_some())
    };
    if let (Split::One, false, Some(at)) =
        (m.console.split, m.mode == Mode::Entry, m.console.sessions.iter().rposition(erred))
    {
        m.console.current = at;
    }
}

/// The prompt of a session: psql's, by the state of the transaction.
pub fn prompt(tx: TxState, first: bool) -> &'static str {
    match (tx, first) {
        (TxState::Idle, true) => "postgres=> ",
        (TxState::Open, true) => "postgres=*> ",
        (TxState::Failed, true) => "postgres=!> ",
        (TxState::Unknown, true) => "postgres=?> ",
        (TxState::Idle, false) => "postgres-> ",
        (TxState::Open, false) => "postgres-*> ",
        (TxState::Failed, false) => "postgres-!> ",
        (TxState::Unknown, false) => "postgres-?> ",
    }
}

/// Whether an input waits for its semicolon: a quote or a comment is open, or nothing ends it.
fn needs_more(text: &str) -> bool {
    !matches!(text.trim(), "exit" | "quit") && workshop_psql::entry::needs_more(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_nothing_is_offered_for_export() {
        assert_eq!(reads_only(" select 1\n from t; ").as_deref(), Some("select 1\n from t"));
        assert_eq!(reads_only("with x as (select 1) table x").as_deref(), Some("with x as (select 1) table x"));
        for text in [
            "update t set a = 1",
            "with x as (delete from t returning *) select * from x",
            "explain analyze insert into t values (1)",
            "select 1; delete from t",
            "select 1 \\gx",
            "",
        ] {
            assert_eq!(reads_only(text), None, "{text}");
        }
        assert_eq!(exported("select 1\n\\g (format=csv) 'a b.csv'").as_deref(), Some("a b.csv"));
        assert_eq!(exported("select 1;"), None);
    }
}

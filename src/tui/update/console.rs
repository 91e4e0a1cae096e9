//! The console's sessions: made, arranged, retried, exported.
//!
//! Invariant: an input is sent once, by its id, and never again by itself; a lost transaction is not
//! replayed.

use super::asking;
use crate::tui::bindings::{Context, KeyAction};
use crate::tui::clock;
use crate::tui::editor::Editor;
use crate::tui::model::*;
use crate::tui::present::entry::entry_rows;
use crate::tui::present::prompt::first_session;
use crate::tui::present::room::{body_height, console_margin};
use crate::tui::present::spans::last_top;
use crate::tui::present::{plan, timeline};
use crate::tui::scrollback::Scrollback;
use workshop_course::lesson::model::StepAction;
use workshop_engine::command::Command;
use workshop_engine::event::TxState;

/// From this width on, two sessions stand side by side.
const SIDE_BY_SIDE: usize = 44;
/// From this height on, one above the other.
const STACKED: usize = 9;

impl ConsoleSession {
    /// Makes a session that has said nothing and is not connected.
    pub fn new(name: &str) -> ConsoleSession {
        ConsoleSession {
            name: name.to_owned(),
            back: Scrollback::default(),
            editor: Editor::default(),
            recalled: None,
            query: None,
            exporting: None,
            step_from: None,
        }
    }
}

/// Returns the session that has the keyboard.
pub fn current(m: &mut Model) -> Option<&mut ConsoleSession> {
    m.console.sessions.get_mut(m.console.current)
}

/// The session of this name, made if need be.
pub fn session<'a>(m: &'a mut Model, name: &str) -> &'a mut ConsoleSession {
    let at = match m.console.sessions.iter().position(|s| s.name == name) {
        Some(at) => at,
        None => {
            m.console.sessions.push(ConsoleSession::new(name));
            m.console.sessions.len() - 1
        }
    };
    &mut m.console.sessions[at]
}

/// Makes the course's first session when there is none.
pub fn ensure_session(m: &mut Model) {
    if m.console.sessions.is_empty() {
        let name = first_session(&m.course);
        session(m, &name);
    }
}

/// Begins to type in the console.
pub fn enter(m: &mut Model) {
    ensure_session(m);
    // What was open when one left, by the mouse or for the palette, is about a text of then.
    (m.console.completion, m.console.history_search) = (None, None);
    // Nor is half of one of vi's commands.
    (m.console.vi, m.console.vi_typing, m.count) = (ViMode::Insert, None, None);
    m.mode = InputMode::Entry;
}

/// Opens another session, named by the first free letter.
pub fn new_session(m: &mut Model) {
    let name = ('A'..='Z').map(String::from).find(|name| m.console.sessions.iter().all(|s| s.name != *name));
    let Some(name) = name else { return };
    session(m, &name);
    choose(m, m.console.sessions.len() - 1);
    m.focus = Panel::Sql;
    m.mode = InputMode::Entry;
}

/// Gives the keyboard to the next session.
pub fn next_session(m: &mut Model) {
    let count = m.console.sessions.len();
    if count > 1 {
        choose(m, (m.console.current + 1) % count);
    } else {
        let text = format!("There is one session; {} opens another", m.key_here(KeyAction::NewSession));
        m.toast = Some((text, Mood::Plain));
    }
}

/// Closes the session that is in view. One with an open transaction stays: what is in it would be lost.
pub fn close_session(m: &mut Model, effects: &mut Vec<Effect>) {
    let Some(name) = m.session().map(|session| session.name.clone()) else { return };
    let state = m.progress.sessions.get(&name);
    let why = match state.map(|state| (state.running.is_some(), state.tx)) {
        Some((true, _)) => Some(still_runs(m)),
        Some((false, TxState::Open | TxState::Failed)) => {
            Some("is in a transaction: COMMIT or ROLLBACK first".to_owned())
        }
        Some((false, TxState::Idle | TxState::Unknown)) | None => None,
    };
    if let Some(why) = why {
        m.toast = Some((format!("{name} {why}"), Mood::Warn));
        return;
    }
    m.console.completion = None;
    if state.is_some() {
        effects.push(m.ask(Command::CloseSession { session: name.clone() }));
    } else {
        // It never said anything: nobody else knows it.
        m.console.sessions.retain(|session| session.name != name);
        m.console.current = m.console.current.min(m.console.sessions.len().saturating_sub(1));
    }
    if m.console.sessions.len() <= 1 && m.mode == InputMode::Entry {
        m.mode = InputMode::Walking;
    }
}

/// Says so where a session still runs something; true then.
pub fn is_busy(m: &mut Model, name: &str) -> bool {
    let busy = m.progress.sessions.get(name).is_some_and(|session| session.running.is_some());
    if busy {
        m.toast = Some((format!("{name} {}", still_runs(m)), Mood::Warn));
    }
    busy
}

/// Says of a session, behind its name, that it has no time, and the key that gives it some.
pub fn still_runs(m: &Model) -> String {
    format!("still runs a statement: {} cancels it", m.key_here(KeyAction::Interrupt))
}

/// Shows the next picture there is: the sessions as lanes, the newest plan as a tree, or what was said.
pub fn picture(m: &mut Model) {
    let there = |picture: &SqlPicture| match picture {
        SqlPicture::None => true,
        SqlPicture::Lanes => timeline::is_worth_it(m),
        SqlPicture::Plan => plan::is_worth_it(m),
    };
    let pictures: Vec<SqlPicture> =
        [SqlPicture::None, SqlPicture::Lanes, SqlPicture::Plan].into_iter().filter(there).collect();
    if let [SqlPicture::None] = pictures[..] {
        let text = "Nothing to draw yet: two sessions make lanes, EXPLAIN makes a plan".to_owned();
        m.toast = Some((text, Mood::Plain));
        return;
    }
    let at = pictures.iter().position(|picture| *picture == m.console.picture).unwrap_or(0);
    draw_picture(m, pictures[(at + 1) % pictures.len()]);
}

/// Shows a picture from where it is read.
pub fn draw_picture(m: &mut Model, picture: SqlPicture) {
    (m.console.picture, m.console.picture_off) = (picture, 0);
}

/// Forgets what was said and measured at another time, or elsewhere: nothing is drawn of that.
pub fn forget_past(m: &mut Model) {
    m.console.exchanges.clear();
    m.console.lanes_from = 0;
    m.loads.clear();
    drop_lanes(m);
    forget_plans(m);
}

/// Forgets plans: the next one has none before it.
pub fn forget_plans(m: &mut Model) {
    m.console.plans.clear();
    if m.console.picture == SqlPicture::Plan {
        draw_picture(m, SqlPicture::None);
    }
}

/// Draws no lanes where there is no second one any more.
pub fn drop_lanes(m: &mut Model) {
    if m.console.picture == SqlPicture::Lanes && !timeline::is_worth_it(m) {
        draw_picture(m, SqlPicture::None);
    }
}

/// Gives the keyboard to a session by its place; what is open for another one is given up.
pub fn choose(m: &mut Model, at: usize) {
    if m.console.current != at {
        (m.console.completion, m.console.history_search) = (None, None);
    }
    m.console.current = at;
}

/// Room for each session, and how they stand.
pub fn arrange(m: &mut Model) {
    let Some(slot) = m.layout.slot(Panel::Sql) else { return };
    let (width, height) = (usize::from(slot.body.width - console_margin(m)), body_height(m, slot));
    let all = m.console.sessions.len();
    m.console.current = m.console.current.min(all.saturating_sub(1));
    m.console.in_view = in_view(m);
    let count = m.console.in_view.len();
    let entry = entry_rows(m, width);
    let room = height.saturating_sub(entry);
    m.console.split = match count {
        0 | 1 => SessionLayout::One,
        n if width / n >= SIDE_BY_SIDE => SessionLayout::SideBySide,
        n if room / n >= STACKED => SessionLayout::Stacked,
        _ => SessionLayout::One,
    };
    let titles = usize::from(all > 1);
    let (wide, high) = match m.console.split {
        SessionLayout::One => (width, room.saturating_sub(titles)),
        SessionLayout::SideBySide => ((width + 1) / count - 1, room.saturating_sub(titles)),
        SessionLayout::Stacked => (width, room / count - 1),
    };
    for session in &mut m.console.sessions {
        session.back.resize(wide, high.max(1));
    }
    m.console.shares = Vec::new();
    if m.console.split == SessionLayout::Stacked {
        let wanted = |at: &usize| m.console.sessions[*at].back.rows() + 1;
        m.console.shares = shares(&m.console.in_view.iter().map(wanted).collect::<Vec<_>>(), room);
        for (at, share) in m.console.in_view.iter().zip(&m.console.shares) {
            m.console.sessions[*at].back.resize(wide, share.saturating_sub(1).max(1));
        }
    }
    let rows = match m.console.picture {
        SqlPicture::None => return,
        SqlPicture::Lanes => timeline::lines(m, width.saturating_sub(2)),
        SqlPicture::Plan => plan::lines(m, width.saturating_sub(2)),
    };
    m.console.picture_rows = rows;
    m.console.picture_off = m.console.picture_off.min(last_top(m.console.picture_rows.len(), height));
}

/// Shares rows out among sessions that stand one above the other: who has little to show leaves room to the others.
fn shares(wanted: &[usize], room: usize) -> Vec<usize> {
    let equal = room / wanted.len().max(1);
    let least = equal.min(STACKED / 2);
    let mut shares: Vec<usize> = wanted.iter().map(|rows| (*rows).clamp(least, equal)).collect();
    let mut left = room.saturating_sub(shares.iter().sum());
    for (share, rows) in shares.iter_mut().zip(wanted) {
        let more = rows.saturating_sub(*share).min(left);
        (*share, left) = (*share + more, left - more);
    }
    // What nobody needs stands below the last.
    if let Some(last) = shares.last_mut() {
        *last += left;
    }
    shares
}

/// The sessions that have room in the panel: the one at hand, those that take part in the step or have spoken since one
/// came to it, and those in which something is open or runs. The others have had their say; their names stay, and the key for the next session leads to them.
fn in_view(m: &Model) -> Vec<usize> {
    let of_step: Vec<&str> = match m.step().map(|step| &step.action) {
        Some(StepAction::Sql(sql)) => sql.statements.iter().map(|statement| statement.session.as_str()).collect(),
        _ => Vec::new(),
    };
    let busy = |name: &str| {
        let state = m.progress.sessions.get(name);
        state.is_some_and(|s| s.running.is_some() || s.open && !matches!(s.tx, TxState::Idle | TxState::Unknown))
    };
    let spoke = |name: &str| m.console.exchanges.iter().any(|e| e.session == name && e.started >= m.console.arrived);
    let shows = |(at, session): &(usize, &ConsoleSession)| {
        let name = session.name.as_str();
        *at == m.console.current || of_step.contains(&name) || busy(name) || spoke(name)
    };
    m.console.sessions.iter().enumerate().filter(shows).map(|(at, _)| at).collect()
}

/// The editor came back.
pub fn edited(m: &mut Model, text: &str) {
    ensure_session(m);
    if let Some(session) = current(m) {
        session.editor.set(text.trim_end());
    }
    m.mode = InputMode::Entry;
}

/// Asks for the whole transaction again that ended in a conflict.
pub fn retry(m: &mut Model, effects: &mut Vec<Effect>) {
    let Some(session) = m.session().map(|s| s.name.clone()) else { return };
    if is_busy(m, &session) {
        return;
    }
    let conflict = m
        .progress
        .sessions
        .get(&session)
        .is_some_and(|s| s.last_error.as_ref().is_some_and(|error| error.is_conflict()));
    if !conflict {
        m.toast = Some(("No transaction of this session ended in a conflict".to_owned(), Mood::Plain));
        return;
    }
    effects.push(asking::request(m, Command::RetrySql { session }));
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
    m.mode = InputMode::Entry;
    let key = m.key_in(Context::Entry, KeyAction::Accept);
    let text = format!("{key} runs it once more and writes its rows to this file in the working directory");
    m.toast = Some((text, Mood::Plain));
}

/// psql's way to send rows to a file as CSV.
const TO_FILE: &str = "\\g (format=csv) '";

/// The file that an input writes its rows to.
pub fn exported(input: &str) -> Option<String> {
    let (_, file) = input.rsplit_once(TO_FILE)?;
    file.trim_end().strip_suffix('\'').map(str::to_owned)
}

/// A single statement, without its semicolon, that changes nothing when it is run once more.
pub fn reads_only(input: &str) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_little_to_show_leaves_room_to_the_others() {
        assert_eq!(shares(&[3, 100], 30), [4, 26]);
        assert_eq!(shares(&[100, 3], 30), [26, 4]);
        assert_eq!(shares(&[100, 100], 30), [15, 15]);
        assert_eq!(shares(&[3, 3], 30), [4, 26]);
    }

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

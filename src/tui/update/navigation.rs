//! Driving the course: on, back, run, check, repair, leave.
//!
//! Invariant: what the engine could refuse is not second-guessed here, except that a second "go on" while
//! a step runs is answered at once; and nothing that runs is left without asking.

use super::asking::send;
use super::{diff, panels};
use crate::tui::bindings::{Context, KeyAction};
use crate::tui::model::*;
use crate::tui::present::intent::{self, Intent, intent};
use crate::tui::present::{outline, words};
use workshop_course::lesson::model::StepAction;
use workshop_engine::command::{BringTo, Command, CommandKind, Scope};
use workshop_engine::event::{CheckRef, StepRef, TxState};
use workshop_engine::progress::Journaled;

/// Does what the one key does that presenters press.
///
/// While the course is on its way to another step, a further press is one too many: it was meant for what was seen, and what
/// it would do by then nobody has seen.
pub fn go_on(m: &mut Model, effects: &mut Vec<Effect>) {
    let moves = |kind| matches!(kind, CommandKind::Next | CommandKind::Back | CommandKind::GoTo);
    if m.requests.any(moves) {
        return;
    }
    match intent(m) {
        Intent::Wait => _ = still_running(m),
        Intent::ReadOn => {
            let by = m.page.height.saturating_sub(2).max(1);
            m.page.top = (m.page.top + by).min(m.page.last_top());
        }
        Intent::ReadAfter => {
            panels::show(m, Panel::Page, effects);
            m.page.told = true;
            // It stands at the end of the page; what is too far is brought back to it.
            m.page.top = usize::MAX / 2;
        }
        Intent::ReadHunk => diff::read_on(m),
        Intent::ShowDiff => panels::show(m, Panel::Diff, effects),
        Intent::NextHunk(_) => diff::step(m, 1),
        Intent::Run => run(m, effects),
        Intent::RunStatement(_) => run_statement(m, effects),
        Intent::Start | Intent::Next => send(m, effects, on(m)),
        // Who has nothing but a clicker goes on with a second press.
        Intent::Ask if m.confirmed => send(m, effects, on(m)),
        Intent::Ask => {
            let (again, on) = (m.key(KeyAction::Run), m.key(KeyAction::GoOn));
            let why = m.here().zip(m.step()).map(|(here, step)| words::in_vain(&m.progress, &here, step));
            m.asks = m.next_step().is_some();
            let without = if m.asks { format!(", {on} once more goes on without it") } else { String::new() };
            let words = format!("This step {}: {again} runs it again{without}", why.unwrap_or_default());
            m.toast = Some((words, Mood::Warn));
        }
        Intent::End => {
            let (home, quit) = (m.key(KeyAction::TakeHome), m.key(KeyAction::Quit));
            let text = format!("The workshop is done: {home} writes a record to take home, {quit} leaves");
            m.toast = Some((text, Mood::Plain));
        }
    }
}

/// Returns the command that leads to the next step: a jump where parts for learners by themselves are passed over.
fn on(m: &Model) -> Command {
    let beside = m.here().and_then(|here| next_step(&m.course, &here)).map(|(_, step)| step.on_stage);
    match (beside, m.next_step()) {
        (Some(false), Some((chapter, step))) if m.settings.clock => {
            Command::GoTo { chapter: chapter.number, step: Some(step.id.clone()) }
        }
        _ => Command::Next,
    }
}

/// Goes to the next step whatever became of this one; says what was left undone.
pub fn leave_step(m: &mut Model, effects: &mut Vec<Effect>) {
    let left = m.here().zip(m.step()).filter(|(here, step)| !m.progress.is_settled(here, step)).map(|(here, step)| {
        let tried = m.progress.steps.get(&here).is_some_and(|state| state.verdict.is_some());
        let what = match step.action {
            StepAction::Edit(_) => "was written for you",
            _ if tried => words::in_vain(&m.progress, &here, step),
            _ => "was not run",
        };
        (step.title.clone(), what)
    });
    if let (Some((title, what)), false) = (left, m.is_busy()) {
        let back = m.key(KeyAction::BackStep);
        m.toast = Some((format!("“{title}” {what}: {back} goes back to it"), Mood::Plain));
    }
    send(m, effects, Command::Next);
}

/// Scrolls the page back, or goes to the step before.
pub fn go_back(m: &mut Model, effects: &mut Vec<Effect>) {
    if still_running(m) {
        return;
    }
    if m.layout.shows(Panel::Page) && m.page.top > 0 {
        m.page.top = m.page.top.saturating_sub(m.page.height.saturating_sub(2).max(1));
        return;
    }
    send(m, effects, Command::Back);
}

/// Tells whoever wants something else that a step still runs, or everything is on its way; says whether that is so.
pub fn still_running(m: &mut Model) -> bool {
    if let Some(state) = &m.progress.bringing {
        let what = match state.to {
            BringTo::Chapter(_) | BringTo::Before => "Everything is being brought here",
            BringTo::Standby | BringTo::Account => "The talk is being moved",
        };
        let text = format!("{what}: {} to stop it", m.key(KeyAction::Interrupt));
        m.toast = Some((text, Mood::Busy));
        return true;
    }
    let key = m.key(KeyAction::Interrupt);
    let text = match m.progress.running.clone() {
        Some(running) => {
            let title = m.step_of(&running).map_or(running.step.clone(), |s| s.title.clone());
            match m.is_cancelling() {
                true => format!("“{title}” still runs: it is being cancelled"),
                false => format!("“{title}” still runs: {key} to interrupt it"),
            }
        }
        None if m.checks_run() => format!("The checks still run: {key} to interrupt them"),
        None => return false,
    };
    m.toast = Some((text, Mood::Busy));
    true
}

/// Runs the step at hand; after preparations that failed, prepares again.
pub fn run(m: &mut Model, effects: &mut Vec<Effect>) {
    if still_running(m) {
        return;
    }
    if intent::prepares_again(m) {
        return send(m, effects, Command::Prepare);
    }
    let Some(step) = m.step() else { return send(m, effects, Command::Run) };
    if step.action == StepAction::Read {
        let text = format!("Nothing to run here: {} goes on", m.key(KeyAction::GoOn));
        m.toast = Some((text, Mood::Plain));
        return;
    }
    // Its panel comes to the screen when it has begun: until then it would show what was before.
    send(m, effects, Command::Run);
}

/// Runs the next statement of the step at hand alone; a step of another kind runs whole.
pub fn run_statement(m: &mut Model, effects: &mut Vec<Effect>) {
    let several = matches!(m.step().map(|step| &step.action), Some(StepAction::Sql(sql)) if sql.statements.len() > 1);
    match several {
        true if still_running(m) => {}
        true => send(m, effects, Command::RunStatement),
        false => run(m, effects),
    }
}

/// Brings the panel of the current step's action to the screen.
pub fn reveal(m: &mut Model, effects: &mut Vec<Effect>) {
    let Some(panel) = m.step().and_then(|step| Panel::of(&step.action)) else { return };
    let focus = m.focus;
    let alone = m.layout.slots.len() == 1;
    panels::show(m, panel, effects);
    if !alone {
        m.focus = focus;
        if !m.layout.shows(focus) && focus.is_tool() {
            m.focus = panel;
        }
    }
}

/// Runs the chapter's checks with their panel on the screen.
pub fn check_all(m: &mut Model, effects: &mut Vec<Effect>) {
    if still_running(m) {
        return;
    }
    panels::show(m, Panel::Checks, effects);
    let first = m.chapter().and_then(|chapter| chapter.checks.first()).map(|check| check.id.clone());
    panels::select(m, first.as_ref());
    send(m, effects, Command::Check { checks: Vec::new(), must_fail: false });
}

/// Runs the selected check again.
pub fn check_one(m: &mut Model, effects: &mut Vec<Effect>) {
    if still_running(m) {
        return;
    }
    let check = m.chapter().and_then(|chapter| {
        let check = chapter.checks.get(m.checks.cursor)?;
        Some(CheckRef { chapter: chapter.number, check: check.id.clone() })
    });
    if let Some(check) = check {
        send(m, effects, Command::Check { checks: vec![check], must_fail: false });
    }
}

/// Shows one more hint: of the selected check when the checks have the keyboard, else of the step; and when the step has
/// no more, of the first check that failed.
pub fn hint(m: &mut Model, effects: &mut Vec<Effect>) {
    if m.focus == Panel::Checks {
        let selected =
            m.chapter().and_then(|chapter| chapter.checks.get(m.checks.cursor)).map(|check| check.id.clone());
        if !selected.is_some_and(|check| check_hint(m, &check)) {
            m.toast = Some((NO_MORE_HINTS.to_owned(), Mood::Plain));
        }
        return;
    }
    let (Some(here), Some(count)) = (m.here(), m.step().map(|s| s.hints.len())) else { return };
    let shown = m.hints.entry(here).or_default();
    if *shown < count {
        *shown += 1;
        panels::show(m, Panel::Page, effects);
        // They stand at the end of the page; what is too far is brought back to it.
        m.page.top = usize::MAX / 2;
        return;
    }
    match intent::check_with_hint(m).map(|check| check.id.clone()) {
        Some(check) => {
            check_hint(m, &check);
            panels::show(m, Panel::Checks, effects);
            panels::select(m, Some(&check));
        }
        None => m.toast = Some((NO_MORE_HINTS.to_owned(), Mood::Plain)),
    }
}

/// One more hint of a check; says whether it has one.
fn check_hint(m: &mut Model, id: &str) -> bool {
    let Some((chapter, count)) = m.chapter().and_then(|c| Some((c.number, c.check(id)?.hints.len()))) else {
        return false;
    };
    let shown = m.check_hints.entry((chapter, id.to_owned())).or_default();
    let more = *shown < count;
    *shown += usize::from(more);
    more
}

const NO_MORE_HINTS: &str = "There are no more hints here";

/// Goes to the step that repairs the current step's expected failure, or that opens the lock which refused.
pub fn repair(m: &mut Model, effects: &mut Vec<Effect>) {
    match intent::repair_at_hand(m) {
        Some(StepRef { chapter, step }) => send(m, effects, Command::GoTo { chapter, step: Some(step) }),
        None => m.toast = Some(("No repair is known for what is here".to_owned(), Mood::Plain)),
    }
}

/// Writes or takes back what a step or the chapter changes.
pub fn write_or_undo(m: &mut Model, does: KeyAction, effects: &mut Vec<Effect>) {
    let Some(here) = m.here() else { return };
    let command = match does {
        KeyAction::UndoStep => Command::Undo { scope: Scope::Step(here) },
        KeyAction::UndoChapter => Command::Undo { scope: Scope::Chapter(here.chapter) },
        _ => Command::Apply { scope: Scope::Chapter(here.chapter) },
    };
    send(m, effects, command);
}

/// Brings back the newest own edits that were put aside.
pub fn restore_edits(m: &mut Model, effects: &mut Vec<Effect>) {
    let newest =
        m.progress.journal.iter().rev().find(|(_, entry)| matches!(entry.what, Journaled::Kept(_)) && !entry.restored);
    match newest.map(|(journal, _)| *journal) {
        Some(journal) => send(m, effects, Command::RestoreEdits { journal }),
        None => m.toast = Some(("No own edits were put aside".to_owned(), Mood::Plain)),
    }
}

/// Goes to the step or the chapter that the outline has selected.
pub fn go_to_selected(m: &mut Model, effects: &mut Vec<Effect>) {
    let items = outline::items(m);
    let Some(item) = items.get(m.outline.cursor) else { return };
    if still_running(m) {
        return;
    }
    send(m, effects, Command::GoTo { chapter: item.chapter, step: item.step.clone() });
}

/// Returns what runs now and should not be left without a word.
pub fn busy(m: &Model) -> Option<Running> {
    if m.progress.bringing.is_some() {
        return Some(Running::Bring);
    }
    if let Some(running) = &m.progress.running {
        let deploy = m.step_of(running).is_some_and(|s| matches!(s.action, StepAction::Deploy(_)));
        return Some(if deploy { Running::Deploy(running.clone()) } else { Running::Step(running.clone()) });
    }
    if m.checks_run() {
        return Some(Running::Checks);
    }
    let open = |(name, s): (&String, &workshop_engine::progress::SessionState)| {
        let busy = s.running.is_some() || (s.open && s.tx != TxState::Idle && s.tx != TxState::Unknown);
        busy.then(|| Running::Sql(name.clone()))
    };
    m.progress.sessions.iter().find_map(open)
}

/// Ctrl-C outside the console: asks what to do with what runs.
pub fn interrupt(m: &mut Model, effects: &mut Vec<Effect>) {
    match &m.mode {
        InputMode::Leave(_) => return leave(m, Command::Cancel, effects),
        InputMode::Help { .. } | InputMode::Notes { .. } => {
            m.mode = InputMode::Walking;
            return;
        }
        InputMode::Walking
        | InputMode::Entry
        | InputMode::Search { .. }
        | InputMode::Palette(_)
        | InputMode::Confirm(_) => {}
    }
    if m.closing.is_some() {
        effects.push(Effect::Leave);
        return;
    }
    let runs = |session: &String| m.progress.sessions.get(session).is_some_and(|s| s.running.is_some());
    match busy(m) {
        // An open transaction matters to who leaves; there is nothing in it to interrupt.
        Some(Running::Sql(session)) if !runs(&session) => {
            let text = format!("Nothing runs; session {session} has a transaction open");
            m.toast = Some((text, Mood::Plain));
        }
        Some(what) => m.mode = InputMode::Leave(Leave { what, quit: false }),
        None => {
            let text = format!("Nothing runs; {} leaves the workshop", m.key(KeyAction::Quit));
            m.toast = Some((text, Mood::Plain));
        }
    }
}

/// Leaves, or asks first when something runs; a second time leaves at once.
pub fn quit(m: &mut Model, effects: &mut Vec<Effect>) {
    if m.closing.is_some() {
        effects.push(Effect::Leave);
        return;
    }
    match busy(m) {
        Some(what) => m.mode = InputMode::Leave(Leave { what, quit: true }),
        None => close(m, effects),
    }
}

/// Asks the engine to end in order; its last event, or a while, ends us.
pub fn close(m: &mut Model, effects: &mut Vec<Effect>) {
    m.closing = Some(m.now);
    m.leave_when_idle = false;
    effects.push(m.ask(Command::Quit));
}

/// Takes the question about a session back once there is nothing left that it was about: its statement, and to who
/// leaves its transaction.
pub fn withdraw_question(m: &mut Model) {
    let InputMode::Leave(Leave { what: Running::Sql(session), quit }) = &m.mode else { return };
    let asks = m.progress.sessions.get(session).is_some_and(|state| {
        let is_open = state.open && !matches!(state.tx, TxState::Idle | TxState::Unknown);
        state.running.is_some() || *quit && is_open
    });
    if !asks {
        question_gone(m);
    }
}

/// Takes a question back whose subject has ended, and says so: who was about to answer would do something else.
pub fn question_gone(m: &mut Model) {
    (m.mode, m.question_gone) = (InputMode::Walking, Some(m.now));
    m.add_toast(ENDED_MEANWHILE.to_owned(), Mood::Plain);
}

/// Said when a question goes with what it was about.
pub const ENDED_MEANWHILE: &str = "What was asked about has ended meanwhile";

/// The answer to [`InputMode::Leave`].
pub fn leave(m: &mut Model, how: Command, effects: &mut Vec<Effect>) {
    let InputMode::Leave(Leave { what, quit }) = std::mem::replace(&mut m.mode, InputMode::Walking) else { return };
    match what {
        Running::Deploy(_) => effects.push(m.ask(how)),
        Running::Step(_) | Running::Bring | Running::Checks | Running::Sql(_) if how == Command::Detach => {
            let key = m.key_in(Context::Leaving, KeyAction::CancelRunning);
            m.toast = Some((format!("Only a deploy can be left running: {key} cancels this"), Mood::Warn));
            m.mode = InputMode::Leave(Leave { what, quit });
            return;
        }
        Running::Step(_) | Running::Bring | Running::Checks => effects.push(m.ask(Command::Cancel)),
        Running::Sql(session) => {
            effects.push(m.ask(Command::CancelSql { session }));
            if quit {
                close(m, effects);
            }
            return;
        }
    }
    m.leave_when_idle = quit;
}

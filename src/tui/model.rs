//! All that the terminal interface knows: the engine's fold, and what only a screen needs.
//!
//! Invariant: facts about the workshop live in [`Progress`] and come from events alone; here is where one
//! looks (focus, scroll, mode) and what was worked out for drawing (wrapped, coloured, arranged).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use ratatui::text::Line;

use super::diffrows::{Arrangement, FileView, HunkAt, Row};
use super::editor::Editor;
use super::highlight::Colours;
use super::layout::{Layout, Wish};
use super::markdown::{Known, Rendered};
use super::scrollback::Scrollback;
use super::theme::Looks;
use workshop_course::lesson::model::{Chapter, Course, Step, StepAction};
use workshop_engine::command::{Command, Request, Requests};
use workshop_engine::event::{DiffOf, Event, SqlLine, StepRef};
use workshop_engine::progress::Progress;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Panel {
    Outline,
    Page,
    Diff,
    Deploy,
    Sql,
    Checks,
    Log,
}

impl Panel {
    pub const ALL: [Panel; 7] =
        [Panel::Outline, Panel::Page, Panel::Diff, Panel::Deploy, Panel::Sql, Panel::Checks, Panel::Log];
    /// The panels of the right column.
    pub const TOOLS: [Panel; 5] = [Panel::Diff, Panel::Deploy, Panel::Sql, Panel::Checks, Panel::Log];

    pub fn title(self) -> &'static str {
        match self {
            Panel::Outline => "Outline",
            Panel::Page => "Page",
            Panel::Diff => "Diff",
            Panel::Deploy => "Deploy",
            Panel::Sql => "SQL",
            Panel::Checks => "Checks",
            Panel::Log => "Log",
        }
    }
    pub fn is_tool(self) -> bool {
        Panel::TOOLS.contains(&self)
    }
    /// The panel where a step's action shows.
    pub fn of(action: &StepAction) -> Option<Panel> {
        match action {
            StepAction::Read => None,
            StepAction::Edit(_) => Some(Panel::Diff),
            StepAction::Deploy(_) => Some(Panel::Deploy),
            StepAction::Sql(_) => Some(Panel::Sql),
            StepAction::Check(_) => Some(Panel::Checks),
            StepAction::Shell(_) | StepAction::Invoke(_) | StepAction::Load(_) => Some(Panel::Log),
        }
    }
}

/// What the keys mean.
#[derive(Debug, Clone, PartialEq)]
pub enum Mode {
    Walking,
    /// Typing in the console.
    Entry,
    Search {
        of: Panel,
        query: String,
    },
    Help {
        top: usize,
    },
    /// The presenter's notes on this screen.
    Notes {
        top: usize,
    },
    Palette(Palette),
    Leave(Leave),
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Palette {
    pub query: String,
    pub cursor: usize,
}

/// Asked before something that runs is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    pub what: Running,
    /// Leave the workshop afterwards.
    pub quit: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Running {
    Deploy(StepRef),
    Step(StepRef),
    /// A statement that runs, or a transaction that is open, in this session.
    Sql(String),
}

/// What goes into `update`.
#[derive(Debug, Clone)]
pub enum Msg {
    Key(crossterm::event::KeyEvent),
    Paste(String),
    Resize(u16, u16),
    /// As many as have come, in order.
    Events(Vec<Event>),
    Coloured(u64, Colours),
    /// Time has passed; `Model::now` says how much.
    Tick,
    /// The editor came back with this text, or with why it did not.
    Edited(Result<Option<String>, String>),
    /// A word of the shell's own: the clipboard, the notes' socket.
    Told {
        text: String,
        bad: bool,
    },
    /// The engine's events have ended.
    EngineGone,
}

/// What comes out of `update`: the shell does it.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Send(Request),
    Colour(super::highlight::Job),
    Copy(String),
    /// Open the user's editor: on a text (which comes back), or on a file at a line (from 1).
    EditText(String),
    EditFile {
        path: PathBuf,
        line: usize,
    },
    /// Keep an input of the console for the next time.
    Remember(String),
    Suspend,
    Redraw,
    Leave,
}

/// What was decided outside.
#[derive(Debug, Clone)]
pub struct Options {
    pub looks: Looks,
    pub workdir: PathBuf,
    /// Seconds east of UTC, for the time of day.
    pub utc_offset: i32,
    /// Inputs of the console from before, oldest first.
    pub history: Vec<String>,
}

#[derive(Debug)]
pub struct Model {
    pub course: Arc<Course>,
    pub options: Options,
    pub progress: Progress,
    /// Milliseconds since 1970, as of the newest message.
    pub now: u64,
    pub size: (u16, u16),
    pub layout: Layout,
    pub mode: Mode,
    pub focus: Panel,
    pub shown: Panel,
    pub companion: Panel,
    pub zoom: bool,
    pub redact: bool,
    pub known: Known,
    pub outline: OutlineView,
    pub page: PageView,
    pub diff: DiffView,
    pub deploy_top: usize,
    pub console: Console,
    pub checks: ChecksView,
    pub log: Scrollback<LogKind>,
    /// A word for the person at the keyboard; the next key takes it away.
    pub toast: Option<(String, Mood)>,
    /// How many hints of a step, and of a check, were asked for.
    pub hints: BTreeMap<StepRef, usize>,
    pub check_hints: BTreeMap<(u32, String), usize>,
    /// Where we were when the probes last said where things are: it is news there only.
    pub located_at: Option<StepRef>,
    /// Since when we wait for the engine to close; leave in any case soon after.
    pub closing: Option<u64>,
    /// Leave as soon as nothing runs.
    pub leave_when_idle: bool,
    pub requests: Requests,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Plain,
    Good,
    Warn,
    Bad,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    Out,
    Err,
    /// The function's log.
    Function,
    Note,
    Good,
    Bad,
}

#[derive(Debug, Clone, Default)]
pub struct OutlineView {
    /// Which item is selected, counted over those that show.
    pub cursor: usize,
    /// The first row that shows.
    pub top: usize,
    /// Chapters whose steps show although one is not in them.
    pub opened: BTreeSet<u32>,
}

#[derive(Debug, Clone, Default)]
pub struct PageView {
    /// For which step, width and redaction it was rendered.
    pub of: Option<(StepRef, usize, bool)>,
    pub rendered: Rendered,
    pub top: usize,
    /// What stands below the text: the wait, the outcome, what is next.
    pub card: Vec<Line<'static>>,
    /// Rows of text that fit above the card.
    pub height: usize,
}

impl PageView {
    pub fn last_top(&self) -> usize {
        self.rendered.lines.len().saturating_sub(self.height)
    }
    pub fn more_below(&self) -> bool {
        self.top < self.last_top()
    }
}

/// Which difference the diff panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DiffChoice {
    #[default]
    Step,
    Chapter,
    Mine,
}

#[derive(Debug, Clone, Default)]
pub struct DiffView {
    pub choice: DiffChoice,
    pub of: Option<DiffOf>,
    /// The newest one asked for; older answers are dropped.
    pub asked: Option<DiffOf>,
    pub files: Vec<FileView>,
    pub hunks: Vec<HunkAt>,
    /// Which of `hunks` one stands on.
    pub hunk: usize,
    pub opened: BTreeSet<(usize, usize)>,
    pub arrangement: Arrangement,
    pub split: bool,
    pub rows: Vec<Row>,
    pub starts: BTreeMap<HunkAt, usize>,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

#[derive(Debug, Clone, Default)]
pub struct ChecksView {
    pub cursor: usize,
    pub top: usize,
    /// Chosen by hand since the checks began: what fails then does not take the selection away.
    pub chosen: bool,
}

#[derive(Debug, Default)]
pub struct Console {
    pub sessions: Vec<Session>,
    pub current: usize,
    /// Oldest first.
    pub history: Vec<String>,
    pub completion: Option<Completion>,
    /// Searching the history backwards for this.
    pub history_search: Option<String>,
    /// How the sessions stand in the panel.
    pub split: Split,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Split {
    /// One at a time.
    #[default]
    One,
    SideBySide,
    Stacked,
}

#[derive(Debug)]
pub struct Session {
    pub name: String,
    pub back: Scrollback<SqlLine>,
    pub editor: Editor,
    /// Where in the history one is, and what was typed before going there.
    pub recalled: Option<(usize, String)>,
    /// The last statement that could only read, for its rows to be exported.
    pub query: Option<String>,
    /// The file that the rows of the statement that runs go to.
    pub exporting: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    pub id: u64,
    pub from: usize,
    pub candidates: Vec<String>,
    pub selected: usize,
}

impl Model {
    /// Makes a request of a command, to be sent.
    pub fn ask(&mut self, command: Command) -> Effect {
        Effect::Send(self.requests.make(command))
    }

    pub fn new(course: Arc<Course>, options: Options, size: (u16, u16), now: u64) -> Model {
        let history = options.history.clone();
        let mut model = Model {
            course,
            options,
            progress: Progress::default(),
            now,
            size,
            layout: Layout::default(),
            mode: Mode::Walking,
            focus: Panel::Page,
            shown: Panel::Checks,
            companion: Panel::Log,
            zoom: false,
            redact: false,
            known: Known::new(),
            outline: OutlineView::default(),
            page: PageView::default(),
            diff: DiffView::default(),
            deploy_top: 0,
            console: Console { history, ..Console::default() },
            checks: ChecksView::default(),
            log: Scrollback::default(),
            toast: None,
            hints: BTreeMap::new(),
            check_hints: BTreeMap::new(),
            located_at: None,
            closing: None,
            leave_when_idle: false,
            requests: Requests::default(),
        };
        super::update::arrange(&mut model);
        model
    }

    pub fn wish(&self) -> Wish {
        Wish { focus: self.focus, shown: self.shown, companion: self.companion, zoom: self.zoom }
    }

    /// Where the learner is, once the engine has said so.
    pub fn here(&self) -> Option<StepRef> {
        self.progress.position.as_ref().map(|p| StepRef { chapter: p.chapter, step: p.step.clone() })
    }
    pub fn chapter(&self) -> Option<&Chapter> {
        self.course.chapter(self.progress.position.as_ref()?.chapter)
    }
    pub fn step(&self) -> Option<&Step> {
        self.chapter()?.step(&self.progress.position.as_ref()?.step)
    }
    pub fn step_of(&self, step: &StepRef) -> Option<&Step> {
        step.of(&self.course)
    }
    /// The step after this one, in the next chapter if need be.
    pub fn next_step(&self) -> Option<(&Chapter, &Step)> {
        next_step(&self.course, &self.here()?)
    }

    pub fn session(&self) -> Option<&Session> {
        self.console.sessions.get(self.console.current)
    }

    /// Milliseconds until the screen changes by itself; None: not before something happens.
    pub fn next_tick(&self) -> Option<u64> {
        if self.closing.is_some() {
            return Some(200);
        }
        let sql = self.progress.sessions.values().any(|s| s.running.is_some());
        let checks = self.progress.checks.values().any(|c| c.verdict.is_none());
        let tasks = self.progress.tasks.values().any(|t| t.is_running());
        if self.progress.running.is_some() || sql || checks || tasks {
            return Some(super::theme::SPINNER_MS - self.now % super::theme::SPINNER_MS);
        }
        // The header counts minutes.
        self.progress.pacing.since.map(|since| {
            let spent = self.now.saturating_sub(since);
            60_000 - spent % 60_000
        })
    }
}

/// The step after one, in the next chapter if need be.
pub fn next_step<'a>(course: &'a Course, here: &StepRef) -> Option<(&'a Chapter, &'a Step)> {
    let mut steps = course.chapters.iter().flat_map(|c| c.steps.iter().map(move |s| (c, s)));
    steps.find(|(c, s)| c.number == here.chapter && s.id == here.step)?;
    steps.next()
}

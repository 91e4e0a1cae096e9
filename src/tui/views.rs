//! What each panel holds besides the facts: where one looks, what is selected, what was worked out for drawing.

use std::collections::{BTreeMap, BTreeSet};

use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::bindings::KeyAction;
use super::diffrows::{DiffRow, FileView, HunkAt};
use super::editor::{Editor, ViMotion};
use super::markdown::Rendered;
use super::panel::Panel;
use super::plan::QueryPlan;
use super::scrollback::Scrollback;
use workshop_engine::command::{Command, RequestId};
use workshop_engine::event::{DiffOf, SqlCandidate, SqlError, SqlLine, StepRef, TxState, Verdict};

/// A query that was typed, and the panel it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelSearch {
    pub of: Panel,
    pub query: String,
}

/// What is chosen from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PaletteOf {
    #[default]
    Commands,
    /// Parts of the panels, for the clipboard.
    Copies,
}

/// The workshop as its window shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WindowState {
    pub title: String,
    pub progress: WindowProgress,
}

/// How far what runs is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WindowProgress {
    #[default]
    None,
    Unknown,
    Percent(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Plain,
    Good,
    /// True for as long as something runs.
    Busy,
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
    /// It failed, as it was meant to.
    Expected,
}

impl LogKind {
    /// Returns the kind of a line that tells a verdict.
    pub fn of(verdict: Verdict) -> LogKind {
        match verdict {
            Verdict::FailedAsExpected => LogKind::Expected,
            good if good.is_good() => LogKind::Good,
            _ => LogKind::Bad,
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct OutlineView {
    /// The selected item, counted over those that show.
    pub cursor: usize,
    /// The first row that shows.
    pub top: usize,
    /// Chapters whose steps show although one is not in them.
    pub opened: BTreeSet<u32>,
    pub rows: Vec<OutlineRow>,
}

/// A chapter, or a step of one.
#[derive(Debug, Clone, PartialEq)]
pub struct OutlineItem {
    pub chapter: u32,
    pub step: Option<String>,
}

/// A row, and the item it belongs to: long titles take several.
#[derive(Debug, Clone)]
pub struct OutlineRow {
    pub item: usize,
    pub line: Line<'static>,
}

/// A load as it went.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadRun {
    pub at_step: StepRef,
    pub total: u32,
    pub samples: Vec<LoadSample>,
    /// How many took how long, by [`workshop_engine::event::LATENCY_BOUNDS_MS`], and of those that failed.
    pub latencies: Vec<u32>,
    pub latencies_failed: Vec<u32>,
    /// It has no more to say: another step has begun, or the same one anew.
    pub over: bool,
}

/// The figures of a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadSample {
    pub done: u32,
    pub failed: u32,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

/// Lines that are scrolled as a whole.
#[derive(Debug, Clone, Default)]
pub struct DeployView {
    pub top: usize,
    pub lines: Vec<Line<'static>>,
}

#[derive(Debug, Clone, Default)]
pub struct PageView {
    /// The text, by its hash, and the width that it was rendered for.
    pub of: Option<(u64, usize)>,
    pub rendered: Rendered,
    pub top: usize,
    /// Rows below the text: the wait, the outcome, what is next.
    pub card: Vec<Line<'static>>,
    /// Rows of text that fit above the card.
    pub height: usize,
    /// True while its end is read: when the room changes, the end stays in view.
    pub at_end: bool,
    /// Rows from the first that were on the screen when a key was pressed: who has read on need not do so again when the
    /// card grows.
    pub read: usize,
    /// What the lesson says after the step has been brought to the screen.
    pub told: bool,
}

impl PageView {
    /// Returns the first line from which the rest of the page shows.
    pub fn last_top(&self) -> usize {
        self.rendered.lines.len().saturating_sub(self.height)
    }
    /// Says whether there is text that was not on the screen yet.
    pub fn more_below(&self) -> bool {
        self.read.max(self.top + self.height) < self.rendered.lines.len()
    }
}

/// The difference that the diff panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DiffChoice {
    #[default]
    Step,
    Chapter,
    Mine,
    /// Own edits that meet the course's.
    Collision,
}

#[derive(Debug, Clone, Default)]
pub struct DiffView {
    pub choice: DiffChoice,
    pub of: Option<DiffOf>,
    /// The newest one asked for; older answers are dropped.
    pub asked: Option<DiffOf>,
    pub files: Vec<FileView>,
    pub hunks: Vec<HunkAt>,
    /// The index in `hunks` of the one at hand.
    pub hunk: usize,
    pub opened: BTreeSet<(usize, usize)>,
    pub split: bool,
    pub rows: Vec<DiffRow>,
    pub starts: BTreeMap<HunkAt, usize>,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

impl DiffView {
    /// Returns the last row of the hunk at hand.
    pub fn hunk_end(&self) -> Option<usize> {
        let own = self.hunks.get(self.hunk)?;
        self.rows.iter().rposition(|row| matches!(row, DiffRow::Changed { at, .. } if at == own))
    }
}

#[derive(Debug, Clone, Default)]
pub struct ChecksView {
    pub cursor: usize,
    pub top: usize,
    /// Chosen by hand since the checks began: what fails then does not take the selection away.
    pub chosen: bool,
    /// A row for each check, and the selected one in full.
    pub list: Vec<OutlineRow>,
    pub detail: Vec<Line<'static>>,
}

#[derive(Debug, Default)]
pub struct ConsoleView {
    pub sessions: Vec<ConsoleSession>,
    pub current: usize,
    /// Those that have room in the panel.
    pub in_view: Vec<usize>,
    /// Oldest first.
    pub history: Vec<String>,
    pub completion: Option<Completion>,
    /// What letters mean to who has vi's keys.
    pub vi: ViMode,
    /// The last search by `f`, `F`, `t` or `T`: how, and for which character.
    pub vi_found: Option<(char, char)>,
    /// The last of vi's commands that changed the text, for `.` to do again.
    pub vi_change: Option<ViChange>,
    /// The text that is being typed behind such a command, as long as it can be done again.
    pub vi_typing: Option<ViChange>,
    /// Searching the history backwards for this.
    pub history_search: Option<String>,
    /// Arrangement of the sessions in the panel, and the rows of each that has room, where they stand one above the other.
    pub split: SessionLayout,
    pub shares: Vec<usize>,
    /// Every statement of every session, in the order in which they began.
    pub exchanges: Vec<Exchange>,
    /// The first of them that the lanes show: what came before belongs to another chapter.
    pub lanes_from: usize,
    pub lanes_chapter: Option<u32>,
    /// When one came to the step at hand, milliseconds since 1970: who has spoken since then has room in the panel.
    pub arrived: u64,
    /// The newest plans that were asked for, the last the newest.
    pub plans: Vec<PlanRun>,
    /// The picture that is shown instead of what was said.
    pub picture: SqlPicture,
    /// The picture's rows, and how many are scrolled away: of lanes the last ones, of a plan the first.
    pub picture_rows: Vec<Line<'static>>,
    pub picture_off: usize,
}

/// What a letter means in the entry, to who has vi's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ViMode {
    /// It is typed.
    #[default]
    Insert,
    /// It is a command.
    Command,
    /// It says what `d`, `c` or `y` is about.
    Operator(char),
    /// It is what `f`, `F`, `t` or `T` looks for, for an operator or to go there.
    Find { how: char, operator: Option<char> },
    /// It takes the place of the character at the cursor.
    Replace,
}

/// The place where typing begins, to who has vi's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViInsert {
    Here,
    Behind,
    LineStart,
    LineEnd,
    NewLine,
    /// All that this goes over is killed.
    InPlaceOf(ViMotion),
}

/// A command of vi's that changes the text, with all that it needs to be done again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViChange {
    Kill(ViMotion, usize),
    Put { behind: bool, times: usize },
    Replace { letter: char, times: usize },
    Case { times: usize },
    Type { at: ViInsert, times: usize, text: String },
}

/// What the SQL panel shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SqlPicture {
    /// No picture: what was typed and answered.
    #[default]
    None,
    /// The sessions as lanes on one axis of time.
    Lanes,
    /// The newest plan as a tree.
    Plan,
}

/// A plan that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanRun {
    /// The query, as [`super::plan::explained`] has it.
    pub query: String,
    pub plan: QueryPlan,
}

/// A statement and its answer, for the time line.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    pub id: u64,
    /// The chapter in which it was asked.
    pub chapter: u32,
    pub session: String,
    pub text: String,
    /// The table and the condition of the existing rows that it writes or locks.
    pub written: Option<(String, String)>,
    /// Milliseconds since 1970.
    pub started: u64,
    pub finished: Option<ExchangeEnd>,
    pub error: Option<SqlError>,
    /// The rows of an EXPLAIN.
    pub rows: Vec<String>,
    /// The first rows of any other answer.
    pub answer: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeEnd {
    pub at: u64,
    /// The state of the session's transaction afterwards.
    pub tx: TxState,
    pub failed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionLayout {
    /// One at a time.
    #[default]
    One,
    SideBySide,
    Stacked,
}

#[derive(Debug)]
pub struct ConsoleSession {
    pub name: String,
    pub back: Scrollback<SqlLine>,
    pub editor: Editor,
    /// The place in the history, and what was typed before going there.
    pub recalled: Option<(usize, String)>,
    /// The last statement that could only read, for its rows to be exported.
    pub query: Option<String>,
    /// The file that the rows of the statement that runs go to.
    pub exporting: Option<String>,
    /// The line with which the step at hand began here; None when it has said nothing.
    pub step_from: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    pub id: u64,
    pub from: usize,
    pub candidates: Vec<SqlCandidate>,
    pub selected: usize,
}

/// What can be gone back over.
#[derive(Debug, Clone, Default)]
pub struct Retrace {
    /// How requests that are under way are taken back, and what is said then, by their id.
    pub asked: BTreeMap<RequestId, (String, Command)>,
    /// The same of what was carried out, the last one the newest.
    pub done: Vec<(String, Command)>,
    /// The newest action that cannot be taken back, and how many had been carried out before it that can.
    pub stays: Option<(usize, String)>,
    /// The request that takes something back, what is said when it has, and how it does: it may have to be tried again.
    pub undoing: Option<(RequestId, String, Command)>,
    /// Where leaps began, and where going back over them began.
    pub back: Vec<StepRef>,
    pub forward: Vec<StepRef>,
    /// A move that is under way goes over a leap.
    pub jump: Option<JumpKind>,
}

/// The direction of a jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JumpKind {
    Back,
    Forward,
}

/// One entry of the palette.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub title: String,
    /// The key that does the same, or a glimpse of what would be copied.
    pub key: String,
    pub does: Chosen,
}

/// The consequence of a choice.
#[derive(Debug, Clone, PartialEq)]
pub enum Chosen {
    Act(KeyAction, Option<Panel>),
    GoTo { chapter: u32, step: Option<String> },
    Copy(String),
}

/// An image of the lesson: its file, and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LessonImage {
    pub path: std::path::PathBuf,
    pub alt: String,
}

/// What the mouse marks: from where its button went down to where it is, row by row, never beyond one panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkedText {
    /// The panel's place; None while the pointer has not moved.
    pub within: Option<Rect>,
    pub from: Position,
    pub to: Position,
}

impl MarkedText {
    /// Returns each row with the columns of it that are marked.
    pub fn rows(&self) -> Vec<(u16, std::ops::Range<u16>)> {
        let Some(within) = self.within else { return Vec::new() };
        let (first, last) = match (self.from.y, self.from.x) <= (self.to.y, self.to.x) {
            true => (self.from, self.to),
            false => (self.to, self.from),
        };
        let begins = |y| if y == first.y { first.x } else { within.x };
        let ends = |y| if y == last.y { (last.x + 1).min(within.right()) } else { within.right() };
        (first.y..=last.y).map(|y| (y, begins(y)..ends(y))).collect()
    }
}

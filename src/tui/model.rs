//! All that the terminal interface knows: the engine's fold, and what only a screen needs.
//!
//! Invariant: facts about the workshop live in [`Progress`] and come from events alone; here is where one
//! looks (focus, scroll, mode) and what was worked out for drawing (wrapped, coloured, arranged).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ratatui::text::Line;

use super::bindings::Keymap;
use super::highlight::Colours;
use super::layout::{Contents, LayoutRequest, ScreenLayout};
use super::markdown::{KnownColours, RenderedProse};
pub use super::panel::Panel;
use super::scrollback::Scrollback;
use super::settings::ScreenSettings;
use super::theme::Looks;
pub use super::views::*;
use workshop_course::lesson::model::{Chapter, Course, CourseUses, Step, StepAction};
use workshop_engine::command::{BringTo, Command, CommandKind, Request};
use workshop_engine::event::{Event, StepRef};
use workshop_engine::progress::Progress;
use workshop_engine::requests::Requests;

/// The mode, which decides what the keys mean.
#[derive(Debug, Clone, PartialEq)]
pub enum InputMode {
    Walking,
    /// Typing in the console.
    Entry,
    Search {
        of: Panel,
        query: String,
    },
    Help {
        top: usize,
        /// Only what holds this.
        query: String,
        typing: bool,
    },
    /// The presenter's notes on this screen.
    Notes {
        top: usize,
    },
    Palette(Palette),
    Leave(Leave),
    Confirm(Confirm),
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Palette {
    pub of: PaletteOf,
    pub query: String,
    pub cursor: usize,
    /// SQL was being typed: who chooses nothing goes on with that.
    pub typing: bool,
    /// All that could be chosen when it was opened: what happens meanwhile moves nothing under the cursor.
    pub all: Vec<Choice>,
}

/// Asked before something that runs is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    pub what: Running,
    /// Leave the workshop afterwards.
    pub quit: bool,
}

/// Asked before everything is put to where it was at another time.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirm {
    pub to: BringTo,
    /// The words for it, when it takes an action back.
    pub undoing: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Running {
    Deploy(StepRef),
    Step(StepRef),
    /// Everything is being brought to a chapter.
    Bring,
    /// Checks that were asked for by themselves.
    Checks,
    /// A statement that runs, or a transaction that is open, in this session.
    Sql(String),
}

/// A message to `update`.
#[derive(Debug, Clone)]
pub enum Msg {
    Key(crossterm::event::KeyEvent),
    Paste(String),
    Mouse(crossterm::event::MouseEvent),
    /// The window has the keyboard, or has lost it.
    Focus(bool),
    /// The terminal's background, as it says itself.
    Background([u8; 3]),
    Resize(u16, u16),
    /// As many as have come, in order.
    Events(Vec<Event>),
    Coloured(u64, Colours),
    /// The course as a whole, whose outline was known.
    Course(Arc<Course>),
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

/// A wish of `update`, for the loop to carry out.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Send(Request),
    Colour(super::highlight::HighlightJob),
    Copy(String),
    /// Copy what the screen shows between two places of a panel.
    CopyMarked(MarkedText),
    /// Open the user's editor: on a text (which comes back), or on a file at a line (from 1).
    EditText(String),
    EditFile {
        path: PathBuf,
        line: usize,
    },
    /// Keep an input of the console for the next time.
    Remember(String),
    /// Keep how the screen is set for the next time.
    Keep(ScreenSettings),
    /// The window's title and progress have changed.
    Window(WindowState),
    /// Something that was waited for is over.
    Announce(String),
    /// The mouse is wanted, or no more.
    Mouse(bool),
    Suspend,
    /// The record to take home is written.
    TakeHome(String),
    /// A shell of the learner's own gets the terminal.
    OwnShell,
    /// Images get the screen, one after the other.
    ShowImages(Vec<LessonImage>),
    Redraw,
    Leave,
}

/// Settings that were decided outside.
#[derive(Debug, Clone)]
pub struct ScreenOptions {
    pub looks: Looks,
    pub workdir: PathBuf,
    /// Seconds east of UTC, for the time of day.
    pub utc_offset: i32,
    /// Inputs of the console from before, oldest first.
    pub history: Vec<String>,
    pub settings: ScreenSettings,
    pub keymap: Keymap,
    /// The console's entry has vi's keys.
    pub vi: bool,
}

#[derive(Debug)]
pub struct Model {
    pub course: Arc<Course>,
    pub options: ScreenOptions,
    pub progress: Progress,
    /// Milliseconds since 1970, as of the newest message.
    pub now: u64,
    pub size: (u16, u16),
    /// Of the course, worked out once.
    pub uses: CourseUses,
    pub layout: ScreenLayout,
    pub mode: InputMode,
    pub focus: Panel,
    pub shown: Panel,
    pub companion: Panel,
    pub settings: ScreenSettings,
    pub known: KnownColours,
    /// Markdown of cards, checks and notes, rendered once.
    pub prose: RenderedProse,
    pub outline: OutlineView,
    pub page: PageView,
    pub diff: DiffView,
    pub deploy: DeployView,
    pub console: ConsoleView,
    pub checks: ChecksView,
    pub log: Scrollback<LogKind>,
    /// The newest loads as they went, oldest first.
    pub loads: Vec<LoadRun>,
    pub load: DeployView,
    /// The lines of the help or the notes, while they are read.
    pub over: Vec<Line<'static>>,
    /// A word for the person at the keyboard; the next key takes it away.
    /// What was searched last, for the keys that search on; and the row of its panel where that stands.
    pub search: Option<PanelSearch>,
    pub found: Option<usize>,
    /// The same key once more goes on past a step that failed; and whether it has just been pressed for that.
    pub asks: bool,
    pub confirmed: bool,
    pub toast: Option<(String, Mood)>,
    /// Since when it stands.
    pub toast_since: u64,
    /// Counts of the hints asked for, of steps and of checks.
    pub hints: BTreeMap<StepRef, usize>,
    pub check_hints: BTreeMap<(u32, String), usize>,
    /// The step that we were at when the probes last said where things are: it is news there only.
    pub located_at: Option<StepRef>,
    /// Since when we wait for the engine to close; leave in any case soon after.
    pub closing: Option<u64>,
    /// Whether the window has the keyboard; None while the terminal has not said.
    pub focused: Option<bool>,
    pub window: WindowState,
    /// Leave as soon as nothing runs.
    pub leave_when_idle: bool,
    /// When a question about what ran went with it: an answer that comes too late is none to anything else.
    pub question_gone: Option<u64>,
    pub requests: Requests,
    pub retrace: Retrace,
    /// The count that the next key is to be repeated by, while it is typed.
    pub count: Option<usize>,
    /// What the mouse marks, while its button is down.
    pub marked: Option<MarkedText>,
}

impl Model {
    /// Makes a request of a command, to be sent.
    pub fn ask(&mut self, command: Command) -> Effect {
        Effect::Send(self.requests.make(command))
    }

    /// Makes the model of a screen that has heard nothing yet; `now` in milliseconds since 1970.
    pub fn new(course: Arc<Course>, options: ScreenOptions, size: (u16, u16), now: u64) -> Model {
        let history = options.history.clone();
        let uses = course.uses();
        let mut model = Model {
            uses,
            course,
            progress: Progress::default(),
            now,
            size,
            layout: ScreenLayout::default(),
            mode: InputMode::Walking,
            focus: Panel::Page,
            shown: Panel::Log,
            companion: Panel::Diff,
            settings: options.settings,
            options,
            known: KnownColours::new(),
            prose: RenderedProse::default(),
            outline: OutlineView::default(),
            page: PageView::default(),
            diff: DiffView::default(),
            deploy: DeployView::default(),
            console: ConsoleView { history, ..ConsoleView::default() },
            checks: ChecksView::default(),
            log: Scrollback::default(),
            loads: Vec::new(),
            load: DeployView::default(),
            over: Vec::new(),
            search: None,
            found: None,
            asks: false,
            confirmed: false,
            toast: None,
            toast_since: now,
            hints: BTreeMap::new(),
            check_hints: BTreeMap::new(),
            located_at: None,
            closing: None,
            focused: None,
            window: WindowState::default(),
            leave_when_idle: false,
            question_gone: None,
            requests: Requests::default(),
            retrace: Retrace::default(),
            count: None,
            marked: None,
        };
        model.use_panels(uses);
        model
    }

    /// Takes in what the course uses, before anything has been chosen to be seen.
    pub fn use_panels(&mut self, uses: CourseUses) {
        self.uses = uses;
        self.shown = if uses.checks { Panel::Checks } else { Panel::Log };
        self.companion = if uses.checks { Panel::Log } else { Panel::Diff };
    }

    /// Returns what the layout is to be made of.
    pub fn layout_request(&self) -> LayoutRequest {
        LayoutRequest {
            focus: self.focus,
            shown: self.shown,
            companion: self.companion,
            zoom: self.settings.zoom,
            contents: self.contents(),
            audience: self.settings.audience,
            more_status: 0,
        }
    }

    /// Says what the panel of the right column holds.
    fn contents(&self) -> Contents {
        let idle = self.focus != self.shown && self.progress.running.is_none();
        let reads = self.step().is_none_or(|step| step.action == StepAction::Read);
        match self.shown {
            _ if idle && reads => Contents::Nothing,
            Panel::Diff if !self.diff.files.is_empty() => Contents::Code,
            Panel::Sql if self.console.sessions.iter().any(|session| !session.back.is_empty()) => Contents::Code,
            Panel::Checks if idle && self.chapter().is_none_or(|chapter| chapter.checks.is_empty()) => {
                Contents::Nothing
            }
            // What the step will show there is still to come.
            Panel::Log | Panel::Load if idle && self.is_ahead() => Contents::Nothing,
            Panel::Sql if idle => Contents::Nothing,
            Panel::Deploy if idle && self.progress.deploy.is_none() => Contents::Nothing,
            Panel::Outline
            | Panel::Page
            | Panel::Diff
            | Panel::Deploy
            | Panel::Sql
            | Panel::Checks
            | Panel::Log
            | Panel::Load => Contents::Words,
        }
    }

    /// Says whether the step at hand has not been run.
    pub fn is_ahead(&self) -> bool {
        self.here().is_none_or(|here| !self.progress.steps.contains_key(&here))
    }

    /// Says whether checks run that were asked for by themselves.
    pub fn checks_run(&self) -> bool {
        let under_way = || self.progress.checks.values().any(|check| check.verdict.is_none());
        self.progress.running.is_none() && (self.requests.any(|kind| kind == CommandKind::Check) || under_way())
    }

    /// Says whether something runs that a step, or a move to another, has to wait for.
    pub fn is_busy(&self) -> bool {
        self.progress.running.is_some() || self.progress.bringing.is_some() || self.checks_run()
    }

    /// Returns the step that the learner is at, once the engine has said so.
    pub fn here(&self) -> Option<StepRef> {
        self.progress.position.as_ref().map(|p| StepRef { chapter: p.chapter, step: p.step.clone() })
    }
    /// Returns the chapter that the learner is in.
    pub fn chapter(&self) -> Option<&Chapter> {
        self.course.chapter(self.progress.position.as_ref()?.chapter)
    }
    /// Returns the step that the learner is at.
    pub fn step(&self) -> Option<&Step> {
        self.chapter()?.step(&self.progress.position.as_ref()?.step)
    }
    /// Returns a step by its reference, if the course has it.
    pub fn step_of(&self, step: &StepRef) -> Option<&Step> {
        step.of(&self.course)
    }
    /// Returns the step that going on leads to: the one after this, in the next chapter if need be. Who presents (the
    /// clock is shown) is led past what learners take by themselves.
    pub fn next_step(&self) -> Option<(&Chapter, &Step)> {
        leads_to(&self.course, &self.here()?, self.settings.clock)
    }

    /// Returns those of the right column.
    pub fn tools(&self) -> impl Iterator<Item = Panel> + Clone + '_ {
        self.panels().filter(|panel| panel.is_tool())
    }

    /// Returns the panels that there is a use for now: a load has one of its own once the course has come to it, and what
    /// the course never does has none.
    pub fn panels(&self) -> impl Iterator<Item = Panel> + Clone + '_ {
        let loads = !self.loads.is_empty();
        let used = move |panel: Panel| match panel {
            Panel::Load => loads,
            Panel::Deploy => self.uses.deploys,
            Panel::Sql => self.uses.asks,
            Panel::Checks => self.uses.checks,
            Panel::Outline | Panel::Page | Panel::Diff | Panel::Log => true,
        };
        Panel::ALL.into_iter().filter(move |panel| used(*panel) || self.focus == *panel || self.shown == *panel)
    }

    /// Says whether the clock and the planned times are shown.
    pub fn shows_clock(&self) -> bool {
        self.settings.clock && !self.settings.audience
    }

    /// Says whether identities are hidden: by wish, and always from those who look on.
    pub fn hides(&self) -> bool {
        self.settings.redact || self.settings.audience
    }

    /// Tells whether what runs has been told to stop, and has not come to that yet.
    pub fn is_cancelling(&self) -> bool {
        self.requests.any(|command| command == CommandKind::Cancel)
    }

    /// Returns the console session that has the keyboard.
    pub fn session(&self) -> Option<&ConsoleSession> {
        self.console.sessions.get(self.console.current)
    }

    /// Says something beside a warning that stands, which stays to be read.
    pub fn add_toast(&mut self, text: String, mood: Mood) {
        self.toast = Some(match self.toast.take() {
            Some((said, mood @ (Mood::Warn | Mood::Bad))) if said != text => (format!("{said} · {text}"), mood),
            _ => (text, mood),
        });
    }
}

/// Returns the step after one, in the next chapter if need be.
pub fn next_step<'a>(course: &'a Course, here: &StepRef) -> Option<(&'a Chapter, &'a Step)> {
    steps_after(course, here)?.next()
}

/// Returns the step that going on leads to from one: who presents is led past what learners take by themselves.
pub fn leads_to<'a>(course: &'a Course, here: &StepRef, presents: bool) -> Option<(&'a Chapter, &'a Step)> {
    steps_after(course, here)?.find(|(_, step)| step.on_stage || !presents)
}

/// Returns the steps after one, to the end of the course; none when it is not in the course.
fn steps_after<'a>(course: &'a Course, here: &StepRef) -> Option<impl Iterator<Item = (&'a Chapter, &'a Step)>> {
    let mut steps = course.chapters.iter().flat_map(|c| c.steps.iter().map(move |s| (c, s)));
    steps.find(|(c, s)| c.number == here.chapter && s.id == here.step)?;
    Some(steps)
}

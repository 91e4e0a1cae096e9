//! The things that a run of the engine is given, and the handle by which a front end speaks to it.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::cloud::{Prepare, StateStore};
use super::command::Request;
use super::event::Event;
use super::messages::{CourseReading, Internal};
use super::model::AwsSelection;
use workshop_base::problem::Problem;
use workshop_course::lesson::model::{Course, Target};

/// Everything that a run depends on. Nothing else is read from the process: no clock, no environment.
#[derive(Clone)]
pub struct EngineConfig {
    pub course: Arc<Course>,
    pub workdir: PathBuf,
    /// The directory where installations are kept for all working directories.
    pub cache: PathBuf,
    pub target: Target,
    /// The account that was asked for by name; kept with the session.
    pub asked: AwsSelection,
    pub mode: Mode,
    /// The chapter to begin with; without it, where the saved session was, or the first chapter.
    pub chapter: Option<u32>,
    /// Makes the target ready in the background.
    pub prepare: Prepare,
    /// Keeps whole states of the target; None for one that cannot be put back: an account.
    pub states: Option<Arc<dyn StateStore>>,
    pub clock: Clock,
    /// Says what of a template the target does not have, before it is deployed; None: that is not known.
    pub template_check: Option<TemplateCheck>,
    /// The sandbox that follows a talk in an account; None: nothing follows.
    pub standby: Option<StandbyConfig>,
}

/// The local standby of a talk in an account: a sandbox that the same is done in, in the background, so that the talk can
/// go on there.
#[derive(Clone)]
pub struct StandbyConfig {
    /// Starts what follows.
    pub start: StartRun,
    /// The directory that it works in while it follows.
    pub workdir: PathBuf,
    /// Makes its sandbox ready for the talk.
    pub prepare: Prepare,
    /// The same for following: what is started there yields the processor to everybody else.
    pub follow: Prepare,
    pub states: Option<Arc<dyn StateStore>>,
    pub template_check: Option<TemplateCheck>,
}

/// Starts a run: [`crate::start`].
pub type StartRun = fn(EngineConfig) -> (Handle, UnboundedReceiver<Event>);

/// Looks through a CloudFormation template. Returns why the target would refuse it.
pub type TemplateCheck = Arc<dyn Fn(&str) -> Option<Problem> + Send + Sync>;

/// The things that a run may do with its working directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A person's work: saved, watched, resumed.
    Interactive,
    /// A directory made for this run: neither resumed nor watched.
    Scratch,
    /// Someone's work that is only looked at: nothing in it is written.
    CheckOnly,
    /// The standby of someone's talk: it does what it is told, with the files that it is given, and is not watched.
    Standby,
}

/// Milliseconds since 1970-01-01 UTC.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// Makes a clock of a function that says milliseconds since 1970-01-01 UTC.
    pub fn new(now: impl Fn() -> u64 + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(now))
    }
    /// The clock of the machine.
    pub fn system() -> Clock {
        Clock::new(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            super::cloud::millis(since)
        })
    }
    /// Returns milliseconds since 1970-01-01 UTC.
    pub fn now(&self) -> u64 {
        (self.0)()
    }
}

/// Speaks to a running engine. When it is dropped, the engine stops what runs and ends in order.
pub struct Handle {
    requests: UnboundedSender<Internal>,
    _alive: DropGuard,
}

impl Handle {
    /// Makes the handle of a run: `alive` is cancelled when it is dropped.
    pub(super) fn new(requests: UnboundedSender<Internal>, alive: CancellationToken) -> Handle {
        Handle { requests, _alive: alive.drop_guard() }
    }

    /// Asks for something. Returns at once; the answer is events with the request's id. After `Closed` it does nothing.
    pub fn send(&self, request: Request) {
        // Closed: the front end has, or will read, the `Closed` event.
        let _ = self.requests.send(Internal::Request(request));
    }

    /// Has the run go on with the course as it is now; what is wrong with it is told, and the run stays with what it has.
    pub fn reload(&self, reading: CourseReading) {
        self.post(Internal::Course(reading));
    }

    /// Has the driver save the state, and waits until it has. Returns false when the run has ended.
    pub(super) async fn saved(&self) -> bool {
        let (done, saved) = tokio::sync::oneshot::channel();
        self.post(Internal::Save(done));
        saved.await.is_ok()
    }

    /// Sends a message to the driver that is no request.
    pub(super) fn post(&self, message: Internal) {
        let _ = self.requests.send(message);
    }
}

//! The start of the screen and of the plain mode.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use super::own_shell::ShellTarget;
use super::theme::Looks;
use super::user_config::UserConfig;
use workshop_course::lesson::model::{Course, CourseUses};
use workshop_engine::command::Request;
use workshop_engine::event::Event;

/// Everything that the screen needs from outside.
pub struct ScreenConfig {
    /// The course, or its outline.
    pub course: Arc<Course>,
    /// What it uses, as far as that is known.
    pub uses: CourseUses,
    /// The course as a whole, once it is read; None when it is that already.
    pub whole: Option<oneshot::Receiver<Arc<Course>>>,
    /// Is told when the first frame is drawn: what it does not show must not take the processors from it.
    pub first_frame: Option<oneshot::Sender<()>>,
    pub requests: UnboundedSender<Request>,
    pub events: UnboundedReceiver<Event>,
    pub workdir: PathBuf,
    pub looks: Looks,
    /// `$VISUAL` or `$EDITOR`; without one, `vi`.
    pub editor: Option<String>,
    /// The target, for a shell of the learner's own.
    pub shell_target: ShellTarget,
    /// The same while the talk is on its standby.
    pub standby_shell: Option<ShellTarget>,
    /// Settings of the person for every workshop.
    pub user: UserConfig,
    /// Hide identities from the first frame on, whatever was set before.
    pub redact: bool,
    /// Takes a recording of the screen, as an asciicast.
    pub recording: Option<Box<dyn Write + Send>>,
}

//! The deploys of the stack: what the newest one left, and the type check beside the one that runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::event::{EventKind, Phase, StepRef};

/// Knows the newest deploy, and whether the person knows what one costs.
#[derive(Default)]
pub(super) struct Deploys {
    /// The step whose deploy came through last, and the id of the stack's newest event then.
    newest: Option<(StepRef, String)>,
    /// The files as they were then, as `files::digests` has it; empty when that is not known.
    files: BTreeMap<String, String>,
    /// The same of a deploy that runs.
    running_files: BTreeMap<String, String>,
    /// The type check beside the newest deploy, while it has not begun or goes on.
    type_check: Option<TypeCheck>,
    costs_shown: bool,
    /// When the CDK last wrote what it deploys, as far as that was seen.
    synthesized: Option<SystemTime>,
    /// Ends the look for a deploy by somebody else.
    look: CancellationToken,
}

/// A type check of what is being deployed.
#[derive(Clone)]
pub(super) struct TypeCheck {
    /// Notified when the deploy leaves the processor alone, or is over.
    pub(super) due: Arc<Notify>,
    pub(super) cancel: CancellationToken,
}

impl Deploys {
    /// Takes up what a saved session knows. Who has deployed knows what that costs.
    pub(super) fn restore(&mut self, newest: Option<(StepRef, String)>, files: BTreeMap<String, String>) {
        self.costs_shown |= newest.is_some();
        (self.newest, self.files) = (newest, files);
    }

    /// Forgets all of it: the stack is another one now, and whoever pays for it.
    pub(super) fn forget(&mut self) {
        self.restore(None, BTreeMap::new());
        self.costs_shown = false;
    }

    /// Forgets which files were deployed: the stack is gone, or somebody else has deployed.
    pub(super) fn forget_files(&mut self) {
        self.files.clear();
    }

    /// Returns the step whose deploy came through last, and the id of the stack's newest event then.
    pub(super) fn newest(&self) -> Option<&(StepRef, String)> {
        self.newest.as_ref()
    }

    /// Returns the digests of the files that were deployed last, by path; none when that is not known.
    pub(super) fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// Notes the files that a deploy takes, by their digests.
    pub(super) fn begin(&mut self, files: BTreeMap<String, String>) {
        self.look.cancel();
        self.running_files = files;
    }

    /// Notes that the deploy that ran came through: its files are the deployed ones.
    pub(super) fn succeed(&mut self) {
        self.files = std::mem::take(&mut self.running_files);
    }

    /// Notes the stack's newest event after a deploy.
    pub(super) fn mark(&mut self, at_step: StepRef, event_id: String) {
        self.newest = Some((at_step, event_id));
    }

    /// Notes the stack's newest event where it stands as the newest deploy left it at `since`: a later one was rolled back.
    pub(super) fn move_mark(&mut self, since: &str, event_id: String) {
        if let Some((_, newest)) = self.newest.as_mut().filter(|(_, newest)| newest == since) {
            *newest = event_id;
        }
    }

    /// Notes when the CDK last wrote what it deploys; tells whether that is news.
    pub(super) fn note_synthesis(&mut self, at: Option<SystemTime>) -> bool {
        let is_news = at > self.synthesized;
        self.synthesized = at.max(self.synthesized);
        is_news
    }

    /// Replaces the look for a deploy by somebody else: `look` ends this one.
    pub(super) fn begin_look(&mut self, look: CancellationToken) {
        std::mem::replace(&mut self.look, look).cancel();
    }

    /// Replaces the type check of an earlier deploy, which is cancelled.
    pub(super) fn begin_type_check(&mut self, cancel: CancellationToken) -> TypeCheck {
        if let Some(before) = self.type_check.take() {
            before.cancel.cancel();
        }
        let check = TypeCheck { due: Arc::default(), cancel };
        self.type_check = Some(check.clone());
        check
    }

    /// Lets the type check begin: the processor is free.
    pub(super) fn release_type_check(&self) {
        if let Some(check) = &self.type_check {
            check.due.notify_one();
        }
    }

    /// Follows a deploy's events: once the cloud works, the processor is free.
    pub(super) fn observe(&self, kind: &EventKind) {
        if let EventKind::PhaseStarted { phase: Phase::Resources, .. } = kind {
            self.release_type_check();
        }
    }

    /// Tells whether a deploy's costs have yet to be shown, and takes them as shown from now on.
    pub(super) fn costs_are_due(&mut self) -> bool {
        !std::mem::replace(&mut self.costs_shown, true)
    }
}

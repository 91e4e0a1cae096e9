//! What a front end asks for: each command is carried out, started, or visibly refused.

use std::sync::Arc;

use super::{Busy, Driver, with_hint};
use crate::command::Command;
use crate::event::{EventKind, StepRef};
use crate::setup::Mode;
use crate::values::cluster_host;
use workshop_base::problem::Problem;
use workshop_course::lesson::model::ActionKind;

impl Driver {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Run => self.run_step(),
            Command::Next => self.next(),
            Command::Back => self.back(),
            Command::GoTo { chapter, step } => self.go_to(chapter, step),
            Command::Check { checks, must_fail } => self.check(&checks, must_fail),
            Command::Apply { scope } => self.apply(&scope),
            Command::Undo { scope } => self.undo(&scope),
            Command::ApplyHunk { file, index } => self.hunk("apply", &file, index, true),
            Command::UndoHunk { file, index } => self.hunk("undo", &file, index, false),
            Command::RestoreEdits { journal } => self.restore(journal),
            Command::Cancel => self.cancel(),
            Command::Detach => self.detach(),
            Command::Sql { id, session, text } => self.sql(id, session, Some(text)),
            Command::RetrySql { id, session } => self.sql(id, session, None),
            Command::CancelSql { session } => {
                if !self.sessions.cancel(&session) {
                    self.refuse("cancel", format!("there is no session `{session}`"));
                }
            }
            Command::Complete { id, session, text, cursor } => {
                if self.sessions.is_open(&session) {
                    self.sessions.complete(&session, id, text, cursor);
                } else {
                    self.event(EventKind::Completions { id, from: cursor, candidates: Vec::new() });
                }
            }
            Command::ShowDiff { of } => self.show_diff(of),
            Command::Prepare if self.preparing => self.refuse("prepare", "it is being made ready already"),
            Command::Prepare => self.prepare(),
            Command::Pause if self.progress.pacing.paused => self.refuse("pause", "the clock stands already"),
            Command::Pause => self.event(EventKind::Paused),
            Command::Resume if !self.progress.pacing.paused => self.refuse("resume", "the clock runs already"),
            Command::Resume => self.event(EventKind::Resumed),
            Command::RestartClock => self.event(EventKind::ClockRestarted),
            Command::Locate => self.locate(),
            Command::Quit => match self.busy_with() {
                Some(what) => self.refuse("quit", format!("{what} is running: cancel it or detach from it first")),
                None => self.quit = true,
            },
        }
    }

    /// What runs, for a person.
    pub(super) fn busy_with(&self) -> Option<String> {
        match &self.busy {
            Busy::No => None,
            Busy::Step { at_step, .. } => {
                let title = at_step.of(&self.setup.course);
                Some(format!("“{}”", title.map_or(at_step.step.as_str(), |s| s.title.as_str())))
            }
            Busy::Checks { .. } => Some("a check".to_owned()),
        }
    }

    /// Refuses when something runs, or when nothing may be written.
    pub(super) fn is_free(&mut self, command: &str, writes: bool) -> bool {
        if let Some(what) = self.busy_with() {
            self.refuse(command, format!("{what} is running: wait for it, or cancel it"));
            return false;
        }
        if writes && self.setup.mode == Mode::CheckOnly {
            self.refuse(command, "this run only looks: it changes nothing");
            return false;
        }
        true
    }

    pub(super) fn cancel(&mut self) {
        match &self.busy {
            Busy::No => self.refuse("cancel", "nothing is running"),
            Busy::Step { cancel, .. } | Busy::Checks { cancel } => cancel.cancel(),
        }
    }

    pub(super) fn detach(&mut self) {
        match &self.busy {
            Busy::Step { at_step, detach, .. } if self.is_deploy(at_step) => detach.notify_one(),
            Busy::No | Busy::Step { .. } | Busy::Checks { .. } => self.refuse("detach", "no deploy is running"),
        }
    }

    pub(super) fn is_deploy(&self, at_step: &StepRef) -> bool {
        let step = at_step.of(&self.setup.course);
        step.is_some_and(|s| s.action.kind() == ActionKind::Deploy)
    }

    /// An input for a console session; without a text, its transaction again. A session that is not open yet
    /// is opened, as admin.
    pub(super) fn sql(&mut self, id: u64, session: String, text: Option<String>) {
        self.prepare_again();
        let ctx = self.ctx(None, self.stop.child_token(), Arc::default());
        let stack = self.setup.course.stack.clone();
        self.tasks.spawn(async move {
            let stop = ctx.cancel.clone();
            let run = async {
                let world = ctx.world().await?;
                let host = cluster_host(world.as_ref(), &stack).await?;
                ctx.sessions.ensure(world.as_ref(), &session, &host, workshop_psql::token::ADMIN);
                match text {
                    Some(text) => ctx.sessions.run(&session, id, text).await,
                    None => ctx.sessions.retry(&session, id).await,
                };
                Ok::<(), Problem>(())
            };
            if let Some(Err(problem)) = stop.run_until_cancelled(run).await {
                ctx.tell.event(EventKind::Refused { command: "sql".to_owned(), reason: with_hint(&problem) });
            }
        });
    }
}

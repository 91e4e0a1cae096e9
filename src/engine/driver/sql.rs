//! Typed SQL: tasks that open a session if need be, and hand it the input.

use super::state::Driver;
use crate::command::{CommandKind, RequestId};
use crate::context::StepContext;
use crate::event::{EventKind, RequestOutcome};
use crate::messages::Internal;
use crate::values::database_site;
use crate::{network, step};
use workshop_base::problem::{Problem, Result};

impl Driver {
    /// Runs an input in a console session; without a text, its transaction again. A session that is not open yet is
    /// opened, in the database's usual role.
    pub(super) fn run_sql(&mut self, id: RequestId, session: String, input: Option<(String, Option<usize>)>) {
        self.prepare_if_failed();
        let command = if input.is_some() { CommandKind::Sql } else { CommandKind::RetrySql };
        let (ctx, here) = (self.background_context(), self.target.here());
        let turn = ctx.sessions.turn(&session);
        self.tasks.spawn_until_stopped(async move {
            let run = async {
                let queued = turn.come().await;
                open_session(&ctx, &session).await?;
                let run = match input {
                    Some((text, columns)) => ctx.sessions.run_typed(&session, id, text, columns),
                    None => ctx.sessions.retry(&session, id),
                };
                drop(queued);
                run.await;
                Ok(())
            };
            let left = || Err(step::interrupted());
            let ran = here.run_until_cancelled(network::beside(&ctx, run)).await.unwrap_or_else(left);
            let outcome = outcome_of(ran);
            ctx.sink.send(Internal::RequestEnded { id, command, outcome });
        });
    }

    /// Asks a session for candidates. One that is not open yet is opened, for it knows no names before.
    pub(super) fn complete_sql(&mut self, id: RequestId, session: String, text: String, cursor: usize) {
        let (ctx, here) = (self.background_context(), self.target.here());
        self.tasks.spawn_until_stopped(async move {
            let find = async {
                if !ctx.sessions.is_open(&session) {
                    open_session(&ctx, &session).await?;
                }
                Ok::<_, Problem>(ctx.sessions.complete(&session, id, text, cursor).await)
            };
            let left = || Err(step::interrupted());
            let (found, outcome) = match here.run_until_cancelled(find).await.unwrap_or_else(left) {
                Ok(found) => (found, RequestOutcome::Complete),
                Err(problem) => (None, RequestOutcome::Failed(problem)),
            };
            let (from, candidates) = found.unwrap_or((cursor, Vec::new()));
            ctx.sink.emit(EventKind::Completions { id, from, candidates });
            ctx.sink.send(Internal::RequestEnded { id, command: CommandKind::Complete, outcome });
        });
    }
}

/// Makes a session known that leads to the course's database.
async fn open_session(ctx: &StepContext, session: &str) -> Result<()> {
    let target = ctx.world().await?;
    let site = database_site(target.as_ref(), &ctx.setup.course).await?;
    ctx.sessions.ensure(target.as_ref(), session, &site, None)
}

fn outcome_of(result: Result<()>) -> RequestOutcome {
    result.map_or_else(RequestOutcome::Failed, |()| RequestOutcome::Complete)
}

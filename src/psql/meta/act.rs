//! Doing what a backslash command says: each group in its own file.

use super::model::{ConditionCommand, Control, MetaCommand};
use super::say::failed;
use super::{catalogue, looks, session, statement, system, variable};
use crate::console::{Console, LineSource};
use crate::out::RunContext;
use crate::vars::boolean;

/// Does a command; `name` is what it was called by.
pub(super) async fn act(
    c: &mut Console,
    command: MetaCommand,
    name: &str,
    source: &mut dyn LineSource,
    cx: &mut RunContext<'_>,
) -> Control {
    match command {
        MetaCommand::Condition(command) => condition(c, command, cx).await,
        MetaCommand::Statement(command) => statement::act(c, command, source, cx).await,
        MetaCommand::Catalogue(command) => catalogue::act(c, command, cx).await,
        MetaCommand::Looks(command) => looks::act(c, command, cx).await,
        MetaCommand::Variable(command) => variable::act(c, command, source, cx).await,
        MetaCommand::Session(command) => session::act(c, command, cx).await,
        MetaCommand::System(command) => system::act(c, command, name, source, cx).await,
        MetaCommand::Refused(why) => failed(why, cx).await,
    }
}

async fn condition(c: &mut Console, command: ConditionCommand, cx: &mut RunContext<'_>) -> Control {
    let (blocks, buffer, parens) = (&mut c.input.conditions, &mut c.input.buffer, &mut c.input.scanner.parens);
    let done = match command {
        ConditionCommand::If(words) => {
            let holds = blocks.active() && holds(words.as_deref(), "\\if", cx).await;
            blocks.open(holds, buffer, *parens);
            Ok(())
        }
        ConditionCommand::Elif(words) => {
            let holds = blocks.wants_condition() && holds(words.as_deref(), "\\elif", cx).await;
            blocks.elif(holds, buffer, parens)
        }
        ConditionCommand::Else => blocks.otherwise(buffer, parens),
        ConditionCommand::Endif => blocks.close(buffer, parens),
    };
    match done {
        Ok(()) => Control::Continue,
        Err(text) => failed(text, cx).await,
    }
}

async fn holds(condition: Option<&str>, name: &str, cx: &mut RunContext<'_>) -> bool {
    let text = condition.unwrap_or_default();
    match boolean(text).filter(|_| !text.is_empty()) {
        Some(holds) => holds,
        None => {
            let text = format!("unrecognized value \"{text}\" for \"{name} expression\": Boolean expected");
            cx.complain(&text).await;
            false
        }
    }
}

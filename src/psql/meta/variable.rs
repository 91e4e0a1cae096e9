//! The commands about variables.

use super::model::{Control, VariableCommand};
use super::say::{failed, said};
use crate::console::{Console, InputLine, LineSource};
use crate::out::RunContext;

/// Does a command about variables.
pub(super) async fn act(
    c: &mut Console,
    command: VariableCommand,
    source: &mut dyn LineSource,
    cx: &mut RunContext<'_>,
) -> Control {
    let vars = &mut c.settings.vars;
    let text = match command {
        VariableCommand::Set { name: None, .. } => {
            Ok(vars.iter().map(|(name, value)| format!("{name} = '{value}'\n")).collect())
        }
        VariableCommand::Set { name: Some(name), value } => {
            vars.set(&name, &value.unwrap_or_default()).map(|()| String::new())
        }
        VariableCommand::Unset(Some(name)) => {
            vars.unset(&name);
            Ok(String::new())
        }
        VariableCommand::Unset(None) => Err("\\unset: missing required argument".to_owned()),
        VariableCommand::Getenv { name: Some(name), variable: Some(variable) } => match std::env::var(&variable) {
            Ok(value) => vars.set(&name, &value).map(|()| String::new()),
            Err(_) => Ok(String::new()),
        },
        VariableCommand::Getenv { .. } => Err("\\getenv: missing required argument".to_owned()),
        VariableCommand::Setenv => Err("\\setenv is not here: set it before the workshop is started".to_owned()),
        VariableCommand::Prompt { text, name } => return prompt(c, text, name, source, cx).await,
    };
    said(text, cx).await
}

async fn prompt(
    c: &mut Console,
    text: Option<String>,
    variable: Option<String>,
    source: &mut dyn LineSource,
    cx: &mut RunContext<'_>,
) -> Control {
    let Some(variable) = variable else { return failed("\\prompt: missing required argument", cx).await };
    // What was said so far stands above the question.
    cx.sink.flush();
    let canceller = c.canceller();
    let answer = tokio::select! {
        answer = source.ask(text.as_deref().unwrap_or_default()) => answer,
        () = canceller.wanted() => InputLine::Interrupted,
    };
    let answer = match answer {
        InputLine::Line(answer) => answer,
        InputLine::NotText(_) => return failed("\\prompt: what was typed is not UTF-8", cx).await,
        InputLine::Interrupted => return Control::Failed,
        InputLine::End => {
            return failed(&format!("\\prompt: could not read value for variable \"{variable}\""), cx).await;
        }
    };
    match c.settings.vars.set(&variable, &answer) {
        Ok(()) => Control::Continue,
        Err(text) => failed(&text, cx).await,
    }
}

//! The commands about the statement being read, or the one that ran last.

use super::ask::show;
use super::model::{Control, StatementCommand};
use super::say::{failed, said};
use super::{definition, watch};
use crate::console::{Console, EditRequest, LineSource};
use crate::out::RunContext;
use crate::wire::reason;

/// Does a command about a statement.
pub(super) async fn act(
    c: &mut Console,
    command: StatementCommand,
    source: &mut dyn LineSource,
    cx: &mut RunContext<'_>,
) -> Control {
    let quiet = c.settings.vars.on("QUIET");
    match command {
        StatementCommand::Send(how) => {
            if !c.input.has_statement() {
                c.input.buffer.clone_from(&c.input.previous);
            }
            Control::after(c.send_buffer(&how, source, cx).await)
        }
        StatementCommand::Columns => {
            let sql = c.input.take_meant();
            c.show_sent(&sql, cx).await;
            let done = definition::result_columns(c, &sql, cx).await;
            c.input.previous = sql;
            show(c, done, cx).await
        }
        StatementCommand::Watch(Err(text)) => failed(&text, cx).await,
        StatementCommand::Watch(Ok(options)) => {
            let sql = c.input.take_meant();
            if sql.trim().is_empty() {
                return failed("\\watch cannot be used with an empty query", cx).await;
            }
            let ok = watch::watch(c, &sql, &options, cx).await;
            c.input.previous = sql;
            Control::after(ok)
        }
        StatementCommand::Edit { file, line } => {
            let (text, unfinished) = (c.input.meant().to_owned(), c.input.has_statement());
            let file = file.map(|file| c.settings.path(&file));
            c.input.edit = Some(EditRequest { text, unfinished, file, line });
            c.input.forget();
            Control::Edit
        }
        StatementCommand::Print => {
            let text = c.input.meant();
            let empty = text.trim().is_empty() && !quiet;
            said(Ok(if empty { "Query buffer is empty.\n".to_owned() } else { format!("{text}\n") }), cx).await
        }
        StatementCommand::Reset => {
            c.input.forget();
            said(Ok(if quiet { String::new() } else { "Query buffer reset (cleared).\n".to_owned() }), cx).await
        }
        StatementCommand::Write(file) => write(c, file, cx).await,
    }
}

async fn write(c: &mut Console, file: Option<String>, cx: &mut RunContext<'_>) -> Control {
    let Some(file) = file else { return failed("\\w: missing required argument", cx).await };
    let text = c.input.meant().to_owned();
    let target = c.open_target(&file, cx);
    let written = async {
        let mut target = target?;
        target.begin()?;
        if !text.is_empty() {
            target.write(format!("{text}\n").as_bytes()).await?;
        }
        target.close().await
    };
    match written.await {
        Ok(()) => Control::Continue,
        Err(error) => failed(&format!("{file}: {}", reason(&error)), cx).await,
    }
}

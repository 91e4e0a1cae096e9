//! The commands about what output looks like and where it goes.

use super::model::{Control, EchoTarget, LooksCommand};
use super::say::{failed, said};
use super::settings;
use crate::console::Console;
use crate::out::{OutputTarget, RunContext};
use crate::report::SqlLine;
use crate::table::TableFormat;
use crate::vars::boolean;
use crate::wire::reason;

/// Does a command about the looks or the place of output.
pub(super) async fn act(c: &mut Console, command: LooksCommand, cx: &mut RunContext<'_>) -> Control {
    let text = match command {
        LooksCommand::Aligned => {
            let next = if c.settings.table.format == TableFormat::Aligned { "unaligned" } else { "aligned" };
            pset(c, "format", Some(next))
        }
        LooksCommand::Title(title) => pset(c, "title", title.as_deref()),
        LooksCommand::FieldSeparator(value) => pset(c, "fieldsep", value.as_deref()),
        LooksCommand::Tuples(value) => pset(c, "tuples_only", value.as_deref()),
        LooksCommand::Expanded(value) => pset(c, "expanded", value.as_deref()),
        LooksCommand::Pset { name: None, .. } => Ok(settings::all(&c.settings.looks())),
        LooksCommand::Pset { name: Some(setting), value } => pset(c, &setting, value.as_deref()),
        LooksCommand::Timing(value) => {
            // What it is now is said in any case.
            if let Err(text) = timing(c, value.as_deref()) {
                failed(&text, cx).await;
            }
            let state = if c.settings.timing { "on" } else { "off" };
            Ok(if c.settings.vars.on("QUIET") { String::new() } else { format!("Timing is {state}.\n") })
        }
        LooksCommand::Output(file) => return output(c, file, cx).await,
        LooksCommand::Echo { to, mut text, newline } => {
            text.extend(newline.then_some('\n'));
            match to {
                EchoTarget::Output => cx.say(SqlLine::Status, &text).await,
                EchoTarget::Results => c.print_status(&text, cx).await,
                EchoTarget::Errors => cx.say(SqlLine::Notice, &text).await,
            }
            return Control::Continue;
        }
    };
    said(text, cx).await
}

fn pset(c: &mut Console, name: &str, value: Option<&str>) -> Result<String, String> {
    settings::set(&mut c.settings.table, name, value)?;
    // psql confirms these only when they are switched, not when they are set.
    let silent = value.is_some() && matches!(name, "t" | "tuples_only" | "footer" | "numericlocale");
    let confirmed = settings::say(&c.settings.table, name).filter(|_| !c.settings.vars.on("QUIET") && !silent);
    Ok(confirmed.map(|text| text + "\n").unwrap_or_default())
}

fn timing(c: &mut Console, value: Option<&str>) -> Result<(), String> {
    let wanted = match value {
        None => !c.settings.timing,
        Some(value) => boolean(value)
            .ok_or_else(|| format!("unrecognized value \"{value}\" for \"\\timing\": Boolean expected"))?,
    };
    c.settings.timing = wanted;
    Ok(())
}

async fn output(c: &mut Console, file: Option<String>, cx: &mut RunContext<'_>) -> Control {
    if let Some(old) = c.settings.output.take()
        && let Err(error) = old.close().await
    {
        cx.complain_output(&error).await;
    }
    let Some(file) = file else { return Control::Continue };
    match c.open_target(&file, cx).and_then(OutputTarget::begun) {
        Ok(target) => {
            c.settings.output = Some(target);
            Control::Continue
        }
        Err(error) => failed(&format!("{file}: {}", reason(&error)), cx).await,
    }
}

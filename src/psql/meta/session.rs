//! The commands about the session with the server.

use super::model::{Control, SessionCommand};
use super::say::{failed, said};
use crate::console::Console;
use crate::out::RunContext;
use crate::report::{Loss, SqlLine};

/// Does a command about the session.
pub(super) async fn act(c: &mut Console, command: SessionCommand, cx: &mut RunContext<'_>) -> Control {
    match command {
        SessionCommand::Connect { database, user, host, port } => connect(c, [database, user, host, port], cx).await,
        SessionCommand::Info => said(Ok(conninfo(c)), cx).await,
        SessionCommand::Encoding(None) => said(Ok("UTF8\n".to_owned()), cx).await,
        SessionCommand::Encoding(Some(encoding)) => match encoding.to_ascii_uppercase().as_str() {
            "UTF8" | "UTF-8" | "UNICODE" => Control::Continue,
            _ => failed(&format!("{encoding}: the console speaks UTF8 only, as Aurora DSQL does"), cx).await,
        },
        SessionCommand::LastError => match c.error_in_full() {
            Some(text) => {
                cx.complain(&text).await;
                Control::Continue
            }
            None => said(Ok("There is no previous error.\n".to_owned()), cx).await,
        },
        SessionCommand::Restrict(key) => said(restrict(c, key), cx).await,
        SessionCommand::Unrestrict(key) => said(unrestrict(c, key), cx).await,
        SessionCommand::Quit => Control::Quit,
    }
}

fn restrict(c: &mut Console, key: Option<String>) -> Result<String, String> {
    let key = key.filter(|key| !key.is_empty()).ok_or("\\restrict: missing required argument")?;
    c.input.restricted = Some(key);
    Ok(String::new())
}

fn unrestrict(c: &mut Console, key: Option<String>) -> Result<String, String> {
    let key = key.filter(|key| !key.is_empty()).ok_or("\\unrestrict: missing required argument")?;
    match &c.input.restricted {
        None => Err("\\unrestrict: not currently in restricted mode".to_owned()),
        Some(wanted) if *wanted != key => Err("\\unrestrict: wrong key".to_owned()),
        Some(_) => {
            c.input.restricted = None;
            Ok(String::new())
        }
    }
}

async fn connect(c: &mut Console, to: [Option<String>; 4], cx: &mut RunContext<'_>) -> Control {
    let [database, user, host, port] = to.map(|v| v.filter(|v| v != "-"));
    let mut connector = c.link.connector.clone();
    if let Some(database) = database {
        connector.database = database;
    }
    if let Some(host) = host
        && host != connector.host
    {
        connector.host = host;
    }
    if let Some(port) = port {
        match port.parse() {
            Ok(port) => connector.port = port,
            Err(_) => return failed(&format!("invalid port number: \"{port}\""), cx).await,
        }
    }
    let role = user.unwrap_or_else(|| c.link.role.clone());
    let moved = connector.address() != c.link.connector.address() || connector.port != c.link.connector.port;
    match connector.connect(&role).await {
        Ok((link, notices)) => {
            if let Some(old) = c.link.connection.take() {
                old.close().await;
            }
            c.link.connector = connector;
            c.link.role = role;
            c.link.log.clear();
            c.link.conflict = None;
            c.names.stale = true;
            c.link.lost = Loss::Nothing;
            c.take_over(link, notices, cx).await;
            if !c.settings.vars.on("QUIET") {
                let place = match moved {
                    true => format!(" on host \"{}\" at port \"{}\"", c.link.connector.host, c.link.connector.port),
                    false => String::new(),
                };
                let text = format!(
                    "You are now connected to database \"{}\" as user \"{}\"{place}.\n",
                    c.link.connector.database, c.link.role
                );
                cx.say(SqlLine::Status, &text).await;
            }
            Control::Continue
        }
        Err(error) => {
            c.fail(error.to_message(), "", cx).await;
            // A person keeps what there is; a script must not go on where it did not want to be.
            match c.link.connection.take() {
                Some(link) if cx.interactive => {
                    c.link.connection = Some(link);
                    c.link.down = false;
                    cx.complain("Previous connection kept").await;
                }
                Some(link) => link.close().await,
                None => {}
            }
            Control::Failed
        }
    }
}

fn conninfo(c: &Console) -> String {
    let Some(link) = &c.link.connection else { return "You are currently not connected to a database.\n".to_owned() };
    let at = &c.link.connector;
    let place = match at.address() {
        directory if directory.starts_with('/') => format!(" via socket in \"{directory}\""),
        _ => format!(" on host \"{}\"", at.host),
    };
    let address =
        at.hostaddr.as_ref().filter(|a| !a.starts_with('/')).map(|a| format!(" (address \"{a}\")")).unwrap_or_default();
    let mut text = format!(
        "You are connected to database \"{}\" as user \"{}\"{place}{address} at port \"{}\".\n",
        at.database, c.link.role, at.port
    );
    if let Some(tls) = &link.tls {
        text.push_str(&format!(
            "SSL connection (protocol: {}, cipher: {}, compression: off)\n",
            tls.protocol, tls.cipher
        ));
    }
    text
}

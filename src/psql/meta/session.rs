//! The commands about the session with the server.

use super::model::{Control, SessionCommand};
use super::say::{failed, said};
use crate::console::Console;
use crate::out::RunContext;
use crate::report::{Loss, SqlLine};
use crate::session::Connector;
use workshop_base::database_url::DatabaseUrl;

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

/// Returns where `\connect` leads from a place, and as whom.
///
/// # Errors
/// Says what of it names no place.
fn destination(
    from: &Connector,
    role: &str,
    [database, user, host, port]: [Option<String>; 4],
) -> Result<(Connector, String), String> {
    if let Some(text) = database.as_deref().filter(|database| database.contains("://") || database.contains('=')) {
        let url = DatabaseUrl::parse(text).map_err(|e| format!("\\connect: {e}; {}", e.hint()))?;
        let role = user.or_else(|| url.user.clone()).unwrap_or_else(|| role.to_owned());
        return Ok((Connector::to_server(&url, &role), role));
    }
    let mut connector = match host {
        Some(host) if host != from.host => from.at_host(host),
        Some(_) | None => from.clone(),
    };
    connector.database = database.unwrap_or(connector.database);
    if let Some(port) = port {
        connector.port = port.parse().map_err(|_| format!("invalid port number: \"{port}\""))?;
    }
    Ok((connector, user.unwrap_or_else(|| role.to_owned())))
}

async fn connect(c: &mut Console, to: [Option<String>; 4], cx: &mut RunContext<'_>) -> Control {
    let to = to.map(|v| v.filter(|v| v != "-"));
    let (connector, role) = match destination(&c.link.connector, &c.link.role, to) {
        Ok(found) => found,
        Err(text) => {
            cx.complain(&text).await;
            return not_connected(c, cx).await;
        }
    };
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
            not_connected(c, cx).await
        }
    }
}

/// Does what follows a connection that was not made: a person keeps what there is; a script must not go on where it did not
/// want to be.
async fn not_connected(c: &mut Console, cx: &mut RunContext<'_>) -> Control {
    let kept = c.link.connection.take();
    c.link.down = kept.is_none() || !cx.interactive;
    match kept {
        Some(link) if cx.interactive => {
            c.link.connection = Some(link);
            cx.complain("Previous connection kept").await;
        }
        Some(link) => link.close().await,
        None => {}
    }
    Control::Failed
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Auth, Tls};
    use crate::token::Secret;

    #[test]
    fn a_password_is_for_the_server_that_it_was_given_for() {
        let url = DatabaseUrl::parse("postgres://app:secret@localhost/shop").expect("an address");
        let from = Connector::to_server(&url, "me");
        let to = |words: [&str; 4]| destination(&from, "app", words.map(|w| (!w.is_empty()).then(|| w.to_owned())));
        let is_known = |connector: &Connector| matches!(connector.auth, Auth::Password(_));

        let (same, role) = to(["other", "bob", "localhost", "6000"]).expect("a place");
        assert_eq!((same.database.as_str(), same.port, role.as_str(), same.tls), ("other", 6000, "bob", Tls::Off));
        assert!(is_known(&same));
        // Somewhere else nobody is told it, and what goes there is protected.
        let (elsewhere, _) = to(["", "", "db.example", ""]).expect("a place");
        assert_eq!((elsewhere.database.as_str(), elsewhere.tls), ("shop", Tls::VerifyFull));
        assert!(!is_known(&elsewhere));
        // An address says all of it.
        let (named, role) = to(["postgres://bob:other@db.example:6000/x", "", "", ""]).expect("a place");
        assert_eq!(
            (named.host.as_str(), named.port, named.database.as_str(), role.as_str()),
            ("db.example", 6000, "x", "bob")
        );
        assert!(matches!(named.auth, Auth::Password(password) if password == Secret::new("other")));
        for wrong in [["host=db dbname=x", "", "", ""], ["", "", "", "x"], ["postgres://h:0x/y", "", "", ""]] {
            assert!(to(wrong).is_err(), "{wrong:?}");
        }
    }
}

//! Making the session's connection.

use super::state::Console;
use crate::out::RunContext;
use crate::report::SessionEvent;
use crate::servererror::ServerMessage;
use crate::wire::PgConnection;

impl Console {
    /// Connects as the session's role.
    ///
    /// # Errors
    /// When there is no token, no route, no trust, or the server refuses.
    pub(crate) async fn connect_now(&mut self, cx: &mut RunContext<'_>) -> Result<(), ServerMessage> {
        let (link, notices) = self.link.connector.connect(&self.link.role).await.map_err(|e| e.to_message())?;
        self.take_over(link, notices, cx).await;
        Ok(())
    }

    /// Takes a connection that has just been made for the session's own.
    pub(crate) async fn take_over(&mut self, link: PgConnection, notices: Vec<ServerMessage>, cx: &mut RunContext<'_>) {
        for notice in notices {
            self.show_notice(&notice, "", cx).await;
        }
        let version = link.parameters.get("server_version").cloned().unwrap_or_default();
        self.settings.vars.put("DBNAME", self.link.connector.database.clone());
        self.settings.vars.put("USER", self.link.role.clone());
        self.settings.vars.put("HOST", self.link.connector.host.clone());
        self.settings.vars.put("PORT", self.link.connector.port.to_string());
        self.settings.vars.put("ENCODING", link.parameters.get("client_encoding").map_or("UTF8", String::as_str));
        self.settings.vars.put("SERVER_VERSION_NUM", version_number(&version).to_string());
        self.settings.vars.put("SERVER_VERSION_NAME", version);
        self.link.connection = Some(link);
        self.link.dsql = None;
        self.link.down = false;
        let opened = SessionEvent::Opened { role: self.link.role.clone(), host: self.link.connector.host.clone() };
        cx.sink.event(opened).await;
    }
}

/// `16.15` → 160015, as PostgreSQL counts.
pub(crate) fn version_number(version: &str) -> u32 {
    let mut parts = version.split(|c: char| !c.is_ascii_digit()).map(|p| p.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    major * 10_000 + minor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbered() {
        assert_eq!(version_number("16.15"), 160_015);
        assert_eq!(version_number("15.18 (Debian 15.18-0+deb12u1)"), 150_018);
    }
}

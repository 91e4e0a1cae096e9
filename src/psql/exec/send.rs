//! One statement from beginning to end.

use std::io;
use std::time::Duration;

use tokio::time::Instant;
use workshop_base::sql;

use super::destructive::destructive;
use super::loss;
use super::options::{SendOptions, ServerAnswer};
use crate::console::{Console, LineSource};
use crate::out::RunContext;
use crate::report::{SqlLine, TxState};
use crate::servererror::ServerMessage;
use crate::session::collect;
use crate::table::TextRow;
use crate::vars::{Echo, KNOWN};
use crate::wire::{self, PgConnection};

impl Console {
    /// Sends one text as one message, shows what comes, and says whether it went well.
    pub(crate) async fn send(&mut self, sql: &str, how: &SendOptions, cx: &mut RunContext<'_>) -> bool {
        self.send_from(sql, how, &mut None, cx).await
    }

    /// The same; `feed` holds what a COPY FROM STDIN reads.
    pub(crate) async fn send_from(
        &mut self,
        sql: &str,
        how: &SendOptions,
        source: &mut Option<&mut dyn LineSource>,
        cx: &mut RunContext<'_>,
    ) -> bool {
        // As in psql, `\watch` shows what comes, and not what it sends time and again.
        if how.title.is_none() {
            self.show_sent(sql, cx).await;
        }
        // Files are looked at first: a mistake there costs nothing.
        let open = |name: &String| self.open_target(name, cx).map_err(|e| format!("{name}: {}", wire::reason(&e)));
        let own = match how.file.as_ref().map(open).transpose() {
            Ok(own) => own,
            Err(text) => {
                cx.complain(&text).await;
                return false;
            }
        };
        if let Some(text) = self.asks_again(sql, cx) {
            cx.complain(&text).await;
            return false;
        }
        // A message ends at its first zero byte: the server would run what stands before it.
        if sql.contains('\0') {
            self.fail(ServerMessage::own("22021", NUL_BYTE), "", cx).await;
            return false;
        }
        if let Err(message) = self.ready(sql, cx).await {
            self.fail(message, sql, cx).await;
            return false;
        }
        let before = self.tx();
        if before == TxState::Idle {
            self.link.log.clear();
        }
        if before == TxState::Idle
            && !self.settings.vars.on("AUTOCOMMIT")
            && !controls_transaction(sql)
            && !self.begin(cx).await
        {
            return false;
        }
        self.link.log.push(sql.to_owned());
        let started = Instant::now();
        let answer = self.exchange(sql, how, own, source, cx).await;
        let took = started.elapsed();
        let ok = match answer {
            Ok(answer) => self.settle(answer, sql, how, cx).await,
            Err(error) => {
                let loss = loss::under(before, sql);
                self.lose(&error, loss, cx).await;
                self.fail(loss::message(&error, loss, Some(before)), sql, cx).await;
                false
            }
        };
        if self.settings.timing {
            cx.say(SqlLine::Status, &elapsed(took)).await;
        }
        // Whoever reads it in a pipe sees it when it is there.
        cx.sink.flush();
        ok
    }

    /// Returns the question that CONFIRM_DESTRUCTIVE puts to a person before much is taken away: sent a second time, the
    /// statement runs.
    fn asks_again(&mut self, sql: &str, cx: &RunContext<'_>) -> Option<String> {
        let doubtful = self.input.doubtful.take();
        if !cx.interactive || !self.settings.vars.on("CONFIRM_DESTRUCTIVE") || doubtful.as_deref() == Some(sql) {
            return None;
        }
        let takes = destructive(sql)?;
        self.input.doubtful = Some(sql.to_owned());
        Some(format!("not sent, for it {takes}: send it once more to have it run"))
    }

    /// Sends the bytes of a statement that are not UTF-8, for the server to refuse it.
    pub(crate) async fn send_broken(&mut self, bytes: &[u8], cx: &mut RunContext<'_>) -> bool {
        if let Err(message) = self.ready("", cx).await {
            self.fail(message, "", cx).await;
            return false;
        }
        let before = self.tx();
        let Some(mut link) = self.link.connection.take() else { return false };
        match refused(&mut link, bytes).await {
            Ok(message) => {
                self.link.connection = Some(link);
                self.fail(message, "", cx).await;
            }
            Err(error) => {
                let loss = loss::under(before, "");
                self.lose(&error, loss, cx).await;
                self.fail(loss::message(&error, loss, Some(before)), "", cx).await;
            }
        }
        false
    }

    /// Does what follows an answer: variables, the log for a retry, the rows that were asked for.
    async fn settle(&mut self, answer: ServerAnswer, sql: &str, how: &SendOptions, cx: &mut RunContext<'_>) -> bool {
        self.settings.vars.put("ROW_COUNT", answer.rows.to_string());
        match answer.error {
            Some(message) => {
                if workshop_base::conflict::is_conflict(&message.sqlstate) {
                    self.link.conflict = Some(self.link.log.clone());
                }
                self.settings.vars.put("ROW_COUNT", "0");
                let behind = answer.place.map(|place| cx.place.replace(place));
                self.fail(message, sql, cx).await;
                if let Some(behind) = behind {
                    cx.place = behind;
                }
                return false;
            }
            None => {
                self.settings.vars.put("ERROR", "false");
                self.settings.vars.put("SQLSTATE", "00000");
                if !sql::first_word(sql).eq_ignore_ascii_case("rollback") {
                    self.link.conflict = None;
                }
            }
        }
        let Some(rows) = answer.taken else { return true };
        let ok = match &how.gset {
            Some(prefix) => self.gset(prefix, &answer.taken_columns, &rows, cx).await,
            None => self.gexec(rows, cx).await,
        };
        if let Some(tag) = answer.taken_tag {
            self.print_status(&format!("{tag}\n"), cx).await;
        }
        if !ok {
            self.show_failed(sql, cx).await;
        }
        ok
    }

    async fn gexec(&mut self, rows: Vec<TextRow>, cx: &mut RunContext<'_>) -> bool {
        let mut ok = true;
        for cell in rows.into_iter().flatten().flatten() {
            // No line of the input has shown it.
            if self.settings.vars.echo() == Echo::All {
                cx.say(SqlLine::Status, &format!("{cell}\n")).await;
            }
            ok &= Box::pin(self.send(&cell, &SendOptions::default(), cx)).await;
            if !ok && self.stops(cx) {
                break;
            }
        }
        ok
    }

    async fn gset(&mut self, prefix: &str, columns: &[String], rows: &[TextRow], cx: &mut RunContext<'_>) -> bool {
        let complaint = match rows.len() {
            0 => Some("no rows returned for \\gset"),
            1 => None,
            _ => Some("more than one row returned for \\gset"),
        };
        if let Some(text) = complaint {
            cx.complain(text).await;
            return false;
        }
        for (name, value) in columns.iter().zip(&rows[0]) {
            let name = format!("{prefix}{name}");
            // What steers the console is set by hand, and not by what a table holds.
            if KNOWN.iter().any(|(known, _)| *known == name) {
                cx.warn(&format!("attempt to \\gset into specially treated variable \"{name}\" ignored")).await;
                continue;
            }
            let set = match value {
                Some(value) => self.settings.vars.set(&name, value),
                None => {
                    self.settings.vars.unset(&name);
                    Ok(())
                }
            };
            if let Err(text) = set {
                cx.complain(&text).await;
                return false;
            }
        }
        true
    }

    /// Begins the transaction that AUTOCOMMIT off implies.
    async fn begin(&mut self, cx: &mut RunContext<'_>) -> bool {
        let Some(link) = &mut self.link.connection else { return false };
        match collect(link, "BEGIN", 0).await {
            Ok(_) => {
                self.link.log.push("BEGIN".to_owned());
                true
            }
            Err(error) => {
                self.fail(error.to_message(), "BEGIN", cx).await;
                false
            }
        }
    }
}

/// Returns what the server says to bytes that are not text.
async fn refused(link: &mut PgConnection, bytes: &[u8]) -> io::Result<ServerMessage> {
    link.query_bytes(bytes).await?;
    let mut said = None;
    loop {
        let frame = link.next().await?;
        match frame.tag {
            b'E' => said = Some(ServerMessage::parse(frame.body)),
            b'Z' => return Ok(said.unwrap_or_else(|| ServerMessage::own("22021", "the statement is not UTF-8"))),
            _ => {}
        }
    }
}

const NUL_BYTE: &str = "the statement holds a zero byte, which SQL text cannot: it was not sent";

/// Tells whether AUTOCOMMIT off begins no transaction for this statement: it controls transactions itself, or cannot
/// run inside one. The words are those that psql looks at.
fn controls_transaction(sql: &str) -> bool {
    let mut words =
        sql::Lexer::new(sql).filter(|token| !token.is_trivia()).map(|token| token.text(sql).to_ascii_lowercase());
    let mut next = move || words.next().unwrap_or_default();
    match next().as_str() {
        "" | "abort" | "begin" | "start" | "commit" | "end" | "rollback" | "vacuum" => true,
        "prepare" => next() == "transaction",
        "cluster" => matches!(next().as_str(), "" | ";"),
        "create" => match next().as_str() {
            "database" | "tablespace" => true,
            "unique" => next() == "index" && next() == "concurrently",
            "index" => next() == "concurrently",
            _ => false,
        },
        "alter" => next() == "system",
        "drop" | "reindex" => match next().as_str() {
            "database" | "system" | "tablespace" => true,
            "index" | "table" => next() == "concurrently",
            _ => false,
        },
        "discard" => next() == "all",
        _ => false,
    }
}

/// `Time: 1.234 ms`, and in minutes too when it took long.
pub(crate) fn elapsed(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1000.0;
    if ms < 1000.0 {
        return format!("Time: {ms:.3} ms\n");
    }
    let seconds = took.as_secs_f64();
    let (minutes, rest) = ((seconds / 60.0).floor(), seconds % 60.0);
    if minutes < 60.0 {
        return format!("Time: {ms:.3} ms ({minutes:02.0}:{rest:06.3})\n");
    }
    let (hours, minutes) = ((minutes / 60.0).floor(), minutes % 60.0);
    format!("Time: {ms:.3} ms ({hours:02.0}:{minutes:02.0}:{rest:06.3})\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_psql_does() {
        assert_eq!(elapsed(Duration::from_micros(1234)), "Time: 1.234 ms\n");
        assert_eq!(elapsed(Duration::from_millis(61_500)), "Time: 61500.000 ms (01:01.500)\n");
        assert_eq!(elapsed(Duration::from_secs(3_661)), "Time: 3661000.000 ms (01:01:01.000)\n");
    }

    #[test]
    fn a_transaction_is_begun_for_what_neither_controls_one_nor_refuses_it() {
        let alone = ["begin", "/* a /* b */ c */ begin;", "prepare transaction 'x'", "discard all", "cluster;"];
        for sql in alone.into_iter().chain(["create unique index concurrently i on t (a)", "reindex system x"]) {
            assert!(controls_transaction(sql), "{sql}");
        }
        let inside = ["select 1", "prepare p as select 1;", "discard plans", "cluster t", "create index i on t (a)"];
        for sql in inside.into_iter().chain(["/* /* */ begin */ select 1", "drop table concurrently_used"]) {
            assert!(!controls_transaction(sql), "{sql}");
        }
    }
}

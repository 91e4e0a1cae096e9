//! One message to the server and everything that it answers, up to ReadyForQuery.

use std::io;
use std::time::Duration;

use tokio::time::Instant;
use workshop_base::sql;

use super::options::{CopyEnd, SendOptions, ServerAnswer};
use super::result::{ResultWriter, RowMode, flush, put};
use super::show::medium;
use crate::console::{Console, LineSource, skip_copy_data};
use crate::out::{OutputBuffer, OutputTarget, RunContext};
use crate::report::{SqlLine, StatementResult};
use crate::servererror::ServerMessage;
use crate::session::tag_rows;
use crate::table::Column;
use crate::wire::{self, PgConnection};

/// Time for a cancelled statement to stop, before its connection is given up.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);
/// Time until a server that has not stopped is asked once more.
const CANCEL_AGAIN: Duration = Duration::from_secs(1);

impl Console {
    /// Sends, and takes everything up to ReadyForQuery. The connection is put back when all went well. `own` is
    /// where this one result goes; `source` is where the data of a COPY stands.
    ///
    /// # Errors
    /// When the connection breaks; what the server refuses is in the answer.
    pub(crate) async fn exchange(
        &mut self,
        sql: &str,
        how: &SendOptions,
        own: Option<OutputTarget>,
        source: &mut Option<&mut dyn LineSource>,
        cx: &mut RunContext<'_>,
    ) -> io::Result<ServerAnswer> {
        let Some(mut link) = self.link.connection.take() else {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "there is no connection"));
        };
        let is_own = own.is_some();
        let mut target = own.or_else(|| self.settings.output.take());
        self.link.canceller.running(Some((self.link.connector.clone(), link.key)));
        let result = self.converse(&mut link, sql, how, target.as_mut(), source, cx).await;
        self.link.canceller.running(None);
        cx.sink.end_page().await;
        match (is_own, target) {
            (true, Some(target)) => {
                if let Err(error) = target.close().await {
                    cx.complain(&format!("could not write the output: {error}")).await;
                }
            }
            (_, target) => self.settings.output = target,
        }
        if result.is_ok() {
            self.link.connection = Some(link);
        }
        result
    }

    async fn converse(
        &mut self,
        link: &mut PgConnection,
        sql: &str,
        how: &SendOptions,
        mut target: Option<&mut OutputTarget>,
        source: &mut Option<&mut dyn LineSource>,
        cx: &mut RunContext<'_>,
    ) -> io::Result<ServerAnswer> {
        link.query(sql).await?;
        let mut answer = ServerAnswer::default();
        let mut current: Option<ResultWriter> = None;
        let mut taken: Option<(ResultWriter, Option<String>)> = None;
        let mut buffer = OutputBuffer::default();
        let mut copied: Option<std::fs::File> = None;
        let mut deadline = None;
        let mut notifications = String::new();
        // The data of a COPY that never began is in the input still, and is no SQL.
        let mut data_waits = how.copy == CopyEnd::Here && !cx.interactive && takes_data(sql);
        loop {
            wait(link, &self.link.canceller, &mut deadline).await?;
            let frame = link.next().await?;
            match frame.tag {
                b'D' => {
                    let Some(current) = &mut current else { continue };
                    current.row(frame.body, &mut buffer, self.settings.options.keep_rows)?;
                    let part = self.settings.vars.fetch_count();
                    // Where FETCH_COUNT says how large a part is, nothing shows of one that fails.
                    if buffer.is_full() && part.is_none() {
                        flush(&mut buffer, &mut target, cx, false).await;
                    }
                    if current.is_full(part) {
                        current.end_part(&mut buffer, &mut target, cx).await;
                    }
                }
                b'T' => {
                    if let Some((taken, tag)) = taken.take() {
                        taken.print_taken(tag, &mut buffer, &mut target, cx).await;
                    }
                    let columns = wire::columns(frame.body)?.into_iter().map(|(n, oid)| Column::of_type(n, oid));
                    let mut new = ResultWriter::new(
                        columns.collect(),
                        self.table_options(how, medium(target.as_deref(), cx)),
                        how,
                    );
                    // A `\watch` goes on without a key.
                    if target.is_none() && how.title.is_none() {
                        self.begin_page(cx);
                    }
                    new.start(&mut buffer);
                    answer.taken_columns = new.columns.iter().map(|c| c.name.clone()).collect();
                    current = Some(new);
                }
                b'C' => {
                    let tag = text(frame.body);
                    answer.rows = tag_rows(&tag).unwrap_or(0);
                    let returning = ["INSERT", "UPDATE", "DELETE", "MERGE"].iter().any(|t| tag.starts_with(t));
                    let (status, result) = match current.take() {
                        Some(mut done) => {
                            let result = done.finish(&tag, &mut buffer, &mut target, cx).await;
                            let printed = !matches!(done.form, RowMode::Taken(_));
                            // The last one of a message is taken; whether it is that shows when nothing follows.
                            taken = (!printed).then_some((done, returning.then(|| tag.clone())));
                            (returning && printed, result)
                        }
                        // Data on the standard output speaks for itself.
                        None => {
                            if let Some((taken, tag)) = taken.take() {
                                taken.print_taken(tag, &mut buffer, &mut target, cx).await;
                            }
                            let rows = answer.rows;
                            let quiet =
                                copied.is_none() && tag.starts_with("COPY") && buffer.flushed && how.file.is_none();
                            (!quiet, StatementResult { tag: tag.clone(), row_count: rows, ..Default::default() })
                        }
                    };
                    self.note_tag(&tag);
                    flush(&mut buffer, &mut target, cx, true).await;
                    cx.sink.end_page().await;
                    if status && !self.settings.vars.on("QUIET") {
                        // The tag of a `\copy` is for the person, not for the file.
                        let to = match (how.only_tag, how.file.is_some() && tag.starts_with("COPY")) {
                            (true, _) => None,
                            (false, true) => self.settings.output.as_mut(),
                            (false, false) => target.as_deref_mut(),
                        };
                        put(SqlLine::Status, format!("{tag}\n").as_bytes(), to, cx).await;
                    }
                    buffer = OutputBuffer::default();
                    cx.results.push(result);
                }
                b'N' => {
                    let notice = ServerMessage::parse(frame.body);
                    self.show_notice(&notice, sql, cx).await;
                }
                b'E' => {
                    let message = ServerMessage::parse(frame.body);
                    let fatal = message.is_fatal();
                    // What was not passed on is taken back, as psql shows no part of a result that failed.
                    if let Some((taken, tag)) = taken.take() {
                        taken.print_taken(tag, &mut buffer, &mut target, cx).await;
                    }
                    if let Some(mut broken) = current.take()
                        && buffer.flushed
                    {
                        if self.settings.vars.fetch_count().is_some() {
                            broken.drop_part(&mut buffer);
                        }
                        broken.print_held(false, &mut buffer, &mut target, cx).await;
                        flush(&mut buffer, &mut target, cx, true).await;
                    }
                    buffer = OutputBuffer::default();
                    answer.error.get_or_insert(message);
                    if fatal {
                        // Nothing follows but the end of the connection.
                        self.note_fatal(&mut answer, link.tx, sql);
                        return Ok(answer);
                    }
                }
                b'G' => {
                    data_waits = false;
                    self.copy_in(link, how, source, cx).await?;
                }
                b'H' => {
                    if let CopyEnd::File(path) = &how.copy {
                        match std::fs::File::create(path) {
                            Ok(file) => copied = Some(file),
                            Err(error) => {
                                let message = ServerMessage::own("58030", format!("{}: {error}", path.display()));
                                answer.error.get_or_insert(message);
                                self.link.canceller.running(None);
                                self.link.connector.cancel(link.key).await.ok();
                            }
                        }
                    } else {
                        // From here on there is data on the output.
                        buffer.flushed = true;
                    }
                }
                b'd' => match &mut copied {
                    Some(file) => {
                        use std::io::Write;
                        buffer.bytes.extend_from_slice(frame.body);
                        if buffer.is_full() {
                            file.write_all(&buffer.bytes)?;
                            buffer.bytes.clear();
                        }
                    }
                    None => {
                        buffer.bytes.extend_from_slice(frame.body);
                        if buffer.is_full() {
                            flush(&mut buffer, &mut target, cx, false).await;
                        }
                    }
                },
                b'c' => {
                    if let Some(file) = &mut copied {
                        use std::io::Write;
                        file.write_all(&std::mem::take(&mut buffer.bytes))?;
                    }
                }
                b'A' => {
                    notifications.push_str(&notification(frame.body));
                }
                b'Z' => {
                    if let (true, Some(source)) = (data_waits, source) {
                        answer.place.clone_from(&cx.place);
                        skip_copy_data(&mut **source, cx).await;
                    }
                    if let Some(RowMode::Taken(rows)) = taken.take().map(|(taken, _)| taken.form) {
                        answer.taken = Some(rows);
                    }
                    put(SqlLine::Status, notifications.as_bytes(), target, cx).await;
                    return Ok(answer);
                }
                _ => {}
            }
        }
    }
}

/// Waits for a message. Once a cancel is asked for, the server has only so long to come to an end.
async fn wait(
    link: &mut PgConnection,
    canceller: &crate::cancel::Canceller,
    deadline: &mut Option<Instant>,
) -> io::Result<()> {
    while !link.has_frame() {
        match *deadline {
            None => tokio::select! {
                read = link.fill() => read?,
                () = canceller.wanted() => *deadline = Some(Instant::now() + CANCEL_PATIENCE),
            },
            Some(at) => match tokio::time::timeout(CANCEL_AGAIN, link.fill()).await {
                Ok(read) => read?,
                Err(_) if Instant::now() >= at => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "the server did not stop the statement"));
                }
                // A request that came before the server had begun was for nothing.
                Err(_) => {
                    tokio::time::timeout(CANCEL_AGAIN, canceller.cancel()).await.ok();
                }
            },
        }
    }
    Ok(())
}

/// Returns what a NotificationResponse says: the server process, the channel and the payload.
fn notification(body: &[u8]) -> String {
    let Some((process, texts)) = body.split_at_checked(4) else { return String::new() };
    let mut texts = texts.split(|&b| b == 0).map(String::from_utf8_lossy);
    let (channel, payload) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
    let payload = if payload.is_empty() { String::new() } else { format!(" with payload \"{payload}\"") };
    let process = wire::int32(process);
    format!("Asynchronous notification \"{channel}\"{payload} received from server process with PID {process}.\n")
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body.strip_suffix(b"\0").unwrap_or(body)).into_owned()
}

/// Tells whether a statement is a COPY that reads what follows it in the input.
fn takes_data(sql: &str) -> bool {
    if !sql::first_word(sql).eq_ignore_ascii_case("copy") {
        return false;
    }
    sql::code_tokens(sql).windows(2).any(|pair| pair[0].is(sql, "from") && pair[1].is(sql, "stdin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_from_the_input_is_known() {
        assert!(takes_data("COPY t (a, b)\nFROM STDIN WITH (FORMAT csv)"));
        assert!(takes_data("copy t from /* so */ stdin;"));
        assert!(!takes_data("copy t to stdout"));
        assert!(!takes_data("copy t to stdout -- not from stdin"));
        assert!(!takes_data("select 'copy from stdin'"));
    }
}

//! One message to the server and everything that it answers, up to ReadyForQuery.

use std::io::{self, Write as _};
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
        cx.is_output_lost = false;
        let is_own = own.is_some();
        let passes_by = how.copy == CopyEnd::Standard;
        let mut target = own.or_else(|| self.settings.output.take_if(|_| !passes_by));
        self.link.canceller.running(Some((self.link.connector.clone(), link.key)));
        let result = self.converse(&mut link, sql, how, target.as_mut(), source, cx).await;
        self.link.canceller.running(None);
        cx.sink.end_page().await;
        match (is_own, target) {
            (true, Some(target)) => {
                if let Err(error) = target.close().await {
                    cx.complain_output(&error).await;
                }
            }
            (false, Some(target)) => self.settings.output = Some(target),
            (_, None) => {}
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
        target: Option<&mut OutputTarget>,
        source: &mut Option<&mut dyn LineSource>,
        cx: &mut RunContext<'_>,
    ) -> io::Result<ServerAnswer> {
        link.query(sql).await?;
        let mut out = AnswerWriter { target, ..AnswerWriter::default() };
        let mut deadline = None;
        // The data of a COPY that never began is in the input still, and is no SQL.
        let mut data_waits = how.copy == CopyEnd::Here && !cx.interactive && takes_data(sql);
        loop {
            wait(link, &self.link.canceller, &mut deadline).await?;
            let tx = link.tx;
            let frame = link.next().await?;
            match frame.tag {
                b'D' => self.on_row(frame.body, &mut out, cx).await?,
                b'T' => {
                    let columns = wire::columns(frame.body)?.into_iter().map(|(n, oid)| Column::of_type(n, oid));
                    self.on_columns(columns.collect(), how, &mut out, cx).await;
                }
                b'C' => self.on_complete(&text(frame.body), how, &mut out, cx).await,
                b'N' => {
                    let notice = ServerMessage::parse(frame.body);
                    self.show_notice(&notice, sql, cx).await;
                }
                b'E' => {
                    let message = ServerMessage::parse(frame.body);
                    let fatal = message.is_fatal();
                    self.on_error(message, &mut out, cx).await;
                    if fatal {
                        // Nothing follows but the end of the connection.
                        self.note_fatal(&mut out.answer, tx, sql);
                        return Ok(out.answer);
                    }
                }
                b'G' => {
                    data_waits = false;
                    self.copy_in(link, how, source, cx).await?;
                }
                b'H' => {
                    if let Err(message) = out.begin_copy(&how.copy) {
                        out.give_up(message);
                    }
                }
                b'd' => {
                    if let Err(message) = out.copy(frame.body, cx).await {
                        out.give_up(message);
                    }
                }
                b'c' => {
                    if let Err(message) = out.end_copy() {
                        out.give_up(message);
                    }
                }
                b'A' => out.notifications.push_str(&notification(frame.body)),
                b'Z' => {
                    if let (true, Some(source)) = (data_waits, source) {
                        out.answer.place.clone_from(&cx.place);
                        skip_copy_data(&mut **source, cx).await;
                    }
                    if let Some((ResultWriter { form: RowMode::Taken(rows), .. }, tag)) = out.taken.take() {
                        out.answer.taken = Some(rows);
                        out.answer.taken_tag = tag;
                    }
                    let to = if how.file.is_some() { self.settings.output.as_mut() } else { out.target };
                    put(SqlLine::Status, out.notifications.as_bytes(), to, cx).await;
                    return Ok(out.answer);
                }
                _ => {}
            }
        }
    }

    /// DataRow.
    async fn on_row(&mut self, body: &[u8], out: &mut AnswerWriter<'_>, cx: &mut RunContext<'_>) -> io::Result<()> {
        let Some(current) = &mut out.current else { return Ok(()) };
        current.row(body, &mut out.buffer, self.settings.options.keep_rows)?;
        let part = self.settings.vars.fetch_count();
        // Where FETCH_COUNT says how large a part is, nothing shows of one that fails.
        if out.buffer.is_full() && part.is_none() {
            flush(&mut out.buffer, &mut out.target, cx, false).await;
        }
        if current.is_full(part) {
            current.end_part(&mut out.buffer, &mut out.target, cx).await;
        }
        Ok(())
    }

    /// RowDescription: a result begins.
    async fn on_columns(
        &mut self,
        columns: Vec<Column>,
        how: &SendOptions,
        out: &mut AnswerWriter<'_>,
        cx: &mut RunContext<'_>,
    ) {
        out.print_taken(cx).await;
        let mut new = ResultWriter::new(columns, self.table_options(how, medium(out.target.as_deref(), cx)), how);
        // A `\watch` goes on without a key.
        if out.target.is_none() && how.title.is_none() {
            self.begin_page(cx);
        }
        new.start(&mut out.buffer);
        out.answer.taken_columns = new.columns.iter().map(|c| c.name.clone()).collect();
        out.current = Some(new);
    }

    /// CommandComplete: a statement is over, with or without a result.
    async fn on_complete(&mut self, tag: &str, how: &SendOptions, out: &mut AnswerWriter<'_>, cx: &mut RunContext<'_>) {
        out.answer.rows = tag_rows(tag).unwrap_or(0);
        let returning = ["INSERT", "UPDATE", "DELETE", "MERGE"].iter().any(|t| tag.starts_with(t));
        let (shows_tag, result) = match out.current.take() {
            Some(mut done) => {
                let result = done.finish(tag, &mut out.buffer, &mut out.target, cx).await;
                // A result of nothing leaves nothing of what stood in its file.
                if let Some(Err(error)) = out.target.as_mut().map(|target| target.begin()) {
                    cx.complain_output(&error).await;
                }
                let printed = !matches!(done.form, RowMode::Taken(_));
                // The last one of a message is taken; whether it is that shows when nothing follows.
                let told = returning && !self.settings.vars.on("QUIET");
                out.taken = (!printed).then_some((done, told.then(|| tag.to_owned())));
                (returning && printed, result)
            }
            // Data on the standard output speaks for itself.
            None => {
                out.print_taken(cx).await;
                let is_data = tag.starts_with("COPY") && out.buffer.flushed;
                let is_apart = how.file.is_some() || how.copy == CopyEnd::Standard && self.settings.output.is_some();
                let quiet = is_data && out.file.is_none() && !is_apart;
                let row_count = out.answer.rows;
                (!quiet, StatementResult { tag: tag.to_owned(), row_count, ..Default::default() })
            }
        };
        self.note_tag(tag);
        flush(&mut out.buffer, &mut out.target, cx, true).await;
        cx.sink.end_page().await;
        let is_given_up = std::mem::take(&mut out.is_given_up);
        if shows_tag && !is_given_up && !self.settings.vars.on("QUIET") {
            // The tag of a `\copy` is for the person, not for the file. In the file of a `\g` stand results alone.
            let is_apart = how.file.is_some() || how.copy == CopyEnd::Standard;
            let to = match (how.only_tag, is_apart) {
                (true, _) => None,
                (false, true) => self.settings.output.as_mut(),
                (false, false) => out.target.as_deref_mut(),
            };
            put(SqlLine::Status, format!("{tag}\n").as_bytes(), to, cx).await;
        }
        out.buffer = OutputBuffer::default();
        cx.results.push(result);
    }

    /// ErrorResponse. What was not passed on is taken back, as psql shows no part of a result that failed.
    async fn on_error(&mut self, message: ServerMessage, out: &mut AnswerWriter<'_>, cx: &mut RunContext<'_>) {
        out.print_taken(cx).await;
        if let Some(mut broken) = out.current.take()
            && out.buffer.flushed
        {
            if self.settings.vars.fetch_count().is_some() {
                broken.drop_part(&mut out.buffer);
            }
            broken.print_held(false, &mut out.buffer, &mut out.target, cx).await;
            flush(&mut out.buffer, &mut out.target, cx, true).await;
        }
        out.buffer = OutputBuffer::default();
        out.answer.error.get_or_insert(message);
    }
}

/// The answer to one message, on its way to where it is printed.
#[derive(Default)]
struct AnswerWriter<'t> {
    answer: ServerAnswer,
    /// None: the console itself.
    target: Option<&'t mut OutputTarget>,
    buffer: OutputBuffer,
    /// The result whose rows are coming.
    current: Option<ResultWriter>,
    /// A result that is not printed, and its tag where that is shown with it.
    taken: Option<(ResultWriter, Option<String>)>,
    /// Where the data of a COPY goes.
    file: Option<std::fs::File>,
    /// The data of a COPY cannot be written: what is still to come of it goes nowhere.
    is_given_up: bool,
    /// What is said of notifications at the end.
    notifications: String,
}

impl AnswerWriter<'_> {
    /// Prints the result that was taken, as it is not the last of its message.
    async fn print_taken(&mut self, cx: &mut RunContext<'_>) {
        if let Some((taken, tag)) = self.taken.take() {
            taken.print_taken(tag, &mut self.buffer, &mut self.target, cx).await;
        }
    }

    /// Begins the data of a COPY.
    ///
    /// # Errors
    /// When the file for it cannot be made.
    fn begin_copy(&mut self, end: &CopyEnd) -> Result<(), Box<ServerMessage>> {
        let CopyEnd::File(path) = end else {
            // From here on there is data on the output.
            self.buffer.flushed = true;
            return self.target.as_mut().map_or(Ok(()), |target| target.begin()).map_err(|error| unwritten(&error));
        };
        let file = std::fs::File::create(path);
        self.file = Some(file.map_err(|error| io_error(format!("{}: {}", path.display(), wire::reason(&error))))?);
        Ok(())
    }

    /// Takes data of a COPY.
    ///
    /// # Errors
    /// When its file cannot be written.
    async fn copy(&mut self, data: &[u8], cx: &mut RunContext<'_>) -> Result<(), Box<ServerMessage>> {
        if self.is_given_up {
            return Ok(());
        }
        self.buffer.bytes.extend_from_slice(data);
        if !self.buffer.is_full() {
            return Ok(());
        }
        if self.file.is_some() {
            return self.end_copy();
        }
        flush(&mut self.buffer, &mut self.target, cx, false).await;
        Ok(())
    }

    /// Writes what is held of a COPY into its file.
    ///
    /// # Errors
    /// When it cannot be written.
    fn end_copy(&mut self) -> Result<(), Box<ServerMessage>> {
        if let Some(file) = &mut self.file {
            file.write_all(&self.buffer.bytes).map_err(|error| unwritten(&error))?;
            self.buffer.bytes.clear();
        }
        Ok(())
    }

    /// Takes no more of a COPY, and has this told. As in psql, the server sends it to its end: a transaction that is open
    /// goes on.
    fn give_up(&mut self, message: Box<ServerMessage>) {
        self.answer.error.get_or_insert(*message);
        self.is_given_up = true;
        self.buffer.bytes.clear();
    }
}

/// The error for the data of a COPY that cannot be written.
fn unwritten(error: &io::Error) -> Box<ServerMessage> {
    io_error(format!("could not write COPY data: {}", wire::reason(error)))
}

fn io_error(text: String) -> Box<ServerMessage> {
    Box::new(ServerMessage::own("58030", text))
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

//! A result on its way from the wire to the output: streamed where its format needs no widths, held in parts
//! where it does.

use std::io;

use super::options::SendOptions;
use crate::out::{OutputBuffer, OutputTarget, RunContext};
use crate::report::{ROWS_KEPT, SqlLine, StatementResult};
use crate::session::owned_row;
use crate::table::RowStream;
use crate::table::{self, Column, ResultTable, Rows, TableFormat, TableLayout, TableOptions, TablePart, TextRow};
use crate::wire;

/// Bytes held back for the widths of all rows, before an aligned table is begun with those that are there.
const HELD_BYTES: usize = 8 << 20;
/// Bytes laid out at a time.
const PART_BYTES: usize = 64 << 10;

/// A result on its way: its columns, and its rows as far as they are held.
pub(super) struct ResultWriter {
    pub columns: Vec<Column>,
    options: TableOptions,
    pub form: RowMode,
    count: u64,
    kept: Vec<TextRow>,
    /// Bytes in the buffer that belong to parts that are whole.
    whole: usize,
}

pub(super) enum RowMode {
    /// Row by row into the buffer.
    Streamed(RowStream),
    /// Held for the widths; `printed` rows are out already.
    Held { rows: Rows, printed: u64, layout: Option<TableLayout> },
    /// For `\gset` and `\gexec`: not printed.
    Taken(Vec<TextRow>),
}

impl ResultWriter {
    /// Begins a result with these columns: taken for `\gset` and `\gexec`, held where widths are needed, else streamed.
    pub fn new(columns: Vec<Column>, options: TableOptions, how: &SendOptions) -> ResultWriter {
        let form = if how.gset.is_some() || how.gexec {
            RowMode::Taken(Vec::new())
        } else if options.format == TableFormat::Aligned {
            RowMode::Held { rows: Rows::default(), printed: 0, layout: None }
        } else {
            RowMode::Streamed(RowStream::new(&options, &columns, true, 0))
        };
        ResultWriter { columns, options, form, count: 0, kept: Vec::new(), whole: 0 }
    }

    /// Writes what stands above the rows, in the formats that are streamed.
    pub fn start(&mut self, buffer: &mut OutputBuffer) {
        if let RowMode::Streamed(stream) = &mut self.form {
            stream.start(self.options.title.as_deref(), &mut buffer.bytes);
        }
    }

    /// Takes a row, the body of a DataRow message; with `keep` it is remembered for checks, up to [`ROWS_KEPT`].
    ///
    /// # Errors
    /// When the message is cut short.
    pub fn row(&mut self, body: &[u8], buffer: &mut OutputBuffer, keep: bool) -> io::Result<()> {
        self.count += 1;
        if keep && self.kept.len() < ROWS_KEPT {
            self.kept.push(owned_row(body)?);
        }
        match &mut self.form {
            RowMode::Streamed(stream) => {
                let mut broken = None;
                let values = wire::values(body)?.map_while(|v| v.map_err(|e| broken = Some(e)).ok());
                stream.row(values, &mut buffer.bytes);
                broken.map_or(Ok(()), Err)
            }
            RowMode::Held { rows, .. } => match rows.push_body(body) {
                true => Ok(()),
                false => Err(wire::broken("a row that is cut short")),
            },
            RowMode::Taken(rows) => {
                rows.push(owned_row(body)?);
                Ok(())
            }
        }
    }

    /// Tells whether so many rows or bytes are held that they are to be printed now.
    pub fn is_full(&self, fetch_count: Option<usize>) -> bool {
        match &self.form {
            RowMode::Held { rows, .. } => {
                fetch_count.is_some_and(|count| rows.len() >= count as u64) || rows.bytes() >= HELD_BYTES
            }
            RowMode::Streamed(_) => fetch_count.is_some_and(|count| self.count.is_multiple_of(count as u64)),
            RowMode::Taken(_) => false,
        }
    }

    /// Ends a part that is whole: what is held is printed, what is streamed counts as good.
    pub async fn end_part(
        &mut self,
        buffer: &mut OutputBuffer,
        target: &mut Option<&mut OutputTarget>,
        cx: &mut RunContext<'_>,
    ) {
        match &mut self.form {
            RowMode::Streamed(_) => {
                flush(buffer, target, cx, false).await;
                self.whole = buffer.bytes.len();
            }
            RowMode::Held { .. } => self.print_held(false, buffer, target, cx).await,
            RowMode::Taken(_) => {}
        }
    }

    /// Drops the rows of a part that failed, which FETCH_COUNT does not show.
    pub fn drop_part(&mut self, buffer: &mut OutputBuffer) {
        match &mut self.form {
            RowMode::Streamed(_) => buffer.bytes.truncate(self.whole),
            RowMode::Held { rows, .. } => *rows = Rows::default(),
            RowMode::Taken(_) => {}
        }
    }

    /// Prints after all a result whose rows were taken: another one follows it in the same message. Its tag is shown
    /// where there is one.
    pub async fn print_taken(
        mut self,
        tag: Option<String>,
        buffer: &mut OutputBuffer,
        target: &mut Option<&mut OutputTarget>,
        cx: &mut RunContext<'_>,
    ) {
        let RowMode::Taken(rows) = std::mem::replace(&mut self.form, RowMode::Taken(Vec::new())) else { return };
        let table = ResultTable { columns: self.columns, rows: rows.into(), ..ResultTable::default() };
        let (pieces, _) = table::print(&self.options, &table, &TablePart::whole());
        buffer.flushed = true;
        for (kind, text) in &pieces.0 {
            put(*kind, text, target.as_deref_mut(), cx).await;
        }
        if let Some(tag) = tag {
            put(SqlLine::Status, format!("{tag}\n").as_bytes(), target.as_deref_mut(), cx).await;
        }
    }

    /// Prints the rows that are held, with the widths of the first part.
    pub async fn print_held(
        &mut self,
        ends: bool,
        buffer: &mut OutputBuffer,
        target: &mut Option<&mut OutputTarget>,
        cx: &mut RunContext<'_>,
    ) {
        let RowMode::Held { rows, printed, layout } = &mut self.form else { return };
        let mut table =
            ResultTable { columns: self.columns.clone(), rows: std::mem::take(rows), ..ResultTable::default() };
        let mut part = TablePart { starts: layout.is_none(), ends: false, before: *printed, layout: layout.take() };
        if part.layout.is_none() {
            part.layout = Some(table::layout(&self.options, &table));
        }
        buffer.flushed = true;
        let held = std::mem::take(&mut table.rows);
        let mut parts = held.parts(PART_BYTES).peekable();
        loop {
            table.rows = parts.next().unwrap_or_default();
            let last = parts.peek().is_none();
            part.ends = ends && last;
            let (pieces, _) = table::print(&self.options, &table, &part);
            for (kind, text) in &pieces.0 {
                put(*kind, text, target.as_deref_mut(), cx).await;
            }
            part.before += table.rows.len();
            part.starts = false;
            if last {
                break;
            }
        }
        *printed = part.before;
        *layout = part.layout;
    }

    /// Prints what is left, with what stands below the rows, and returns the result for checks.
    pub async fn finish(
        &mut self,
        tag: &str,
        buffer: &mut OutputBuffer,
        target: &mut Option<&mut OutputTarget>,
        cx: &mut RunContext<'_>,
    ) -> StatementResult {
        match &mut self.form {
            RowMode::Streamed(stream) => stream.end(&[], &mut buffer.bytes),
            RowMode::Held { .. } => self.print_held(true, buffer, target, cx).await,
            RowMode::Taken(_) => {}
        }
        StatementResult {
            columns: self.columns.iter().map(|c| c.name.clone()).collect(),
            rows: std::mem::take(&mut self.kept),
            row_count: self.count,
            tag: tag.to_owned(),
            error: None,
        }
    }
}

/// Writes to the target, or to the sink when there is none. A target that cannot be written is complained
/// about; the statement itself has run all the same.
pub(crate) async fn put(kind: SqlLine, text: &[u8], target: Option<&mut OutputTarget>, cx: &mut RunContext<'_>) {
    match target {
        // Nothing to write is no reason to begin the file.
        Some(_) if text.is_empty() => {}
        Some(target) => {
            if let Err(error) = target.write(text).await {
                cx.complain_output(&error).await;
            }
        }
        None => cx.say(kind, &String::from_utf8_lossy(text)).await,
    }
}

/// Passes on whole lines of the buffer, or with `all` everything; a target that cannot be written is complained about.
pub(crate) async fn flush(
    buffer: &mut OutputBuffer,
    target: &mut Option<&mut OutputTarget>,
    cx: &mut RunContext<'_>,
    all: bool,
) {
    if let Err(error) = buffer.flush(target.as_deref_mut(), cx, all).await {
        cx.complain_output(&error).await;
    }
}

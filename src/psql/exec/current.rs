//! A result on its way from the wire to the output: streamed where its format needs no widths, held in parts
//! where it does.

use std::io;

use super::Shape;
use crate::out::{Buffer, Io, Target};
use crate::report::{ROWS_KEPT, SqlLine, StatementResult};
use crate::session::owned_row;
use crate::table::stream::Stream;
use crate::table::{self, Column, Format, Layout, Options, Part, Row, Rows, Table};
use crate::wire;

/// Bytes held back for the widths of all rows, before an aligned table is begun with those that are there.
const HELD_BYTES: usize = 8 << 20;
/// Bytes laid out at a time.
const PART_BYTES: usize = 64 << 10;

/// A result on its way: its columns, and its rows as far as they are held.
pub(super) struct Current {
    pub columns: Vec<Column>,
    options: Options,
    pub form: Form,
    count: u64,
    kept: Vec<Row>,
}

pub(super) enum Form {
    /// Row by row into the buffer.
    Streamed(Stream),
    /// Held for the widths; `printed` rows are out already.
    Held { rows: Rows, printed: u64, layout: Option<Layout> },
    /// For `\gset` and `\gexec`: not printed.
    Taken(Vec<Row>),
}

impl Current {
    pub fn new(columns: Vec<Column>, options: Options, shape: &Shape) -> Current {
        let form = if shape.gset.is_some() || shape.gexec {
            Form::Taken(Vec::new())
        } else if options.format == Format::Aligned {
            Form::Held { rows: Rows::default(), printed: 0, layout: None }
        } else {
            Form::Streamed(Stream::new(&options, &columns, true, 0))
        };
        Current { columns, options, form, count: 0, kept: Vec::new() }
    }

    pub fn start(&mut self, buffer: &mut Buffer) {
        if let Form::Streamed(stream) = &mut self.form {
            stream.start(self.options.title.as_deref(), &mut buffer.bytes);
        }
    }

    pub fn row(&mut self, body: &[u8], buffer: &mut Buffer, keep: bool) -> io::Result<()> {
        self.count += 1;
        if keep && self.kept.len() < ROWS_KEPT {
            self.kept.push(owned_row(body)?);
        }
        match &mut self.form {
            Form::Streamed(stream) => {
                let mut broken = None;
                let values = wire::values(body)?.map_while(|v| v.map_err(|e| broken = Some(e)).ok());
                stream.row(values, &mut buffer.bytes);
                broken.map_or(Ok(()), Err)
            }
            Form::Held { rows, .. } => match rows.push_body(body) {
                true => Ok(()),
                false => Err(wire::broken("a row that is cut short")),
            },
            Form::Taken(rows) => {
                rows.push(owned_row(body)?);
                Ok(())
            }
        }
    }

    pub fn is_full(&self, fetch_count: Option<usize>) -> bool {
        match &self.form {
            Form::Held { rows, .. } => {
                fetch_count.is_some_and(|count| rows.len() >= count as u64) || rows.bytes() >= HELD_BYTES
            }
            Form::Streamed(_) | Form::Taken(_) => false,
        }
    }

    /// Prints the rows that are held, with the widths of the first part.
    pub async fn print_held(
        &mut self,
        ends: bool,
        buffer: &mut Buffer,
        target: &mut Option<&mut Target>,
        io: &mut Io<'_>,
    ) {
        let Form::Held { rows, printed, layout } = &mut self.form else { return };
        let mut table = Table { columns: self.columns.clone(), rows: std::mem::take(rows), ..Table::default() };
        let mut part = Part { starts: layout.is_none(), ends: false, before: *printed, layout: layout.take() };
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
                put(*kind, text, target.as_deref_mut(), io).await;
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

    pub async fn finish(
        &mut self,
        tag: &str,
        buffer: &mut Buffer,
        target: &mut Option<&mut Target>,
        io: &mut Io<'_>,
    ) -> StatementResult {
        match &mut self.form {
            Form::Streamed(stream) => stream.end(&[], &mut buffer.bytes),
            Form::Held { .. } => self.print_held(true, buffer, target, io).await,
            Form::Taken(_) => {}
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
pub(super) async fn put(kind: SqlLine, text: &[u8], target: Option<&mut Target>, io: &mut Io<'_>) {
    match target {
        Some(target) => {
            if let Err(error) = target.write(text).await {
                io.complain(&format!("could not write the output: {error}")).await;
            }
        }
        None => io.say(kind, &String::from_utf8_lossy(text)).await,
    }
}

pub(super) async fn flush(buffer: &mut Buffer, target: &mut Option<&mut Target>, io: &mut Io<'_>, all: bool) {
    if let Err(error) = buffer.flush(target.as_deref_mut(), io, all).await {
        io.complain(&format!("could not write the output: {error}")).await;
    }
}

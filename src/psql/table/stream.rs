//! The formats that need no widths, unaligned and CSV, written row by row from the bytes of the wire. Pure.

use super::edges::row_count;
use super::model::{Column, Expanded, TableFormat, TableOptions};

/// A table on its way out.
#[derive(Debug, Clone)]
pub struct RowStream {
    csv: bool,
    expanded: bool,
    tuples_only: bool,
    footer: bool,
    null: Vec<u8>,
    field: Vec<u8>,
    record: Vec<u8>,
    names: Vec<Vec<u8>>,
    /// Something stands on the line that must be ended before anything follows.
    pending: bool,
    rows: u64,
}

impl RowStream {
    /// `starts`: nothing of this table has been written yet; `before`: rows written before.
    pub fn new(options: &TableOptions, columns: &[Column], starts: bool, before: u64) -> RowStream {
        let csv = options.format == TableFormat::Csv;
        let field = if csv { options.csv_separator.to_string() } else { options.field_separator.clone() };
        let mut stream = RowStream {
            csv,
            // `auto` looks at widths, and these formats have none.
            expanded: options.expanded == Expanded::On,
            tuples_only: options.tuples_only,
            footer: options.footer,
            null: options.null.clone().into_bytes(),
            field: field.into_bytes(),
            record: options.record_separator.clone().into_bytes(),
            names: Vec::new(),
            pending: !starts,
            rows: before,
        };
        stream.names = columns.iter().map(|c| stream.quoted(c.name.as_bytes())).collect();
        stream
    }

    fn quoted(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        if self.csv {
            csv(text, &self.field, &mut out)
        } else {
            out.extend_from_slice(text)
        }
        out
    }

    /// The title and the headings.
    pub fn start(&mut self, title: Option<&str>, out: &mut Vec<u8>) {
        if self.tuples_only {
            return;
        }
        if let (Some(title), false) = (title, self.csv) {
            out.extend_from_slice(title.as_bytes());
            if self.expanded {
                self.pending = true;
            } else {
                out.extend_from_slice(&self.record);
            }
        }
        if !self.expanded {
            for (i, name) in self.names.iter().enumerate() {
                if i > 0 {
                    out.extend_from_slice(&self.field);
                }
                out.extend_from_slice(name);
            }
            match self.csv {
                true => out.push(b'\n'),
                false => self.pending = true,
            }
        }
    }

    /// One row.
    pub fn row<'a>(&mut self, values: impl Iterator<Item = Option<&'a [u8]>>, out: &mut Vec<u8>) {
        self.rows += 1;
        if self.expanded {
            return self.record(values, out);
        }
        if self.pending && !self.csv {
            out.extend_from_slice(&self.record);
            self.pending = false;
        }
        let mut any = false;
        for value in values {
            if any {
                out.extend_from_slice(&self.field);
            }
            any = true;
            let value = value.unwrap_or(&self.null);
            if self.csv { csv(value, &self.field, out) } else { out.extend_from_slice(value) }
        }
        match (self.csv, any) {
            (true, true) => out.push(b'\n'),
            // Rows without columns are not to be seen.
            (true, false) => {}
            (false, any) => self.pending = any,
        }
    }

    fn record<'a>(&mut self, values: impl Iterator<Item = Option<&'a [u8]>>, out: &mut Vec<u8>) {
        if self.pending && !self.csv {
            // Two separators stand between records.
            out.extend_from_slice(&self.record);
            out.extend_from_slice(&self.record);
            self.pending = false;
        }
        for (i, (value, name)) in values.zip(&self.names).enumerate() {
            if i > 0 && !self.csv {
                out.extend_from_slice(&self.record);
            }
            out.extend_from_slice(name);
            out.extend_from_slice(&self.field);
            let value = value.unwrap_or(&self.null);
            if self.csv {
                csv(value, &self.field, out);
                out.push(b'\n');
            } else {
                out.extend_from_slice(value);
                self.pending = true;
            }
        }
    }

    /// The footers, and the end of the last line.
    pub fn end(&mut self, footers: &[String], out: &mut Vec<u8>) {
        if self.csv {
            return;
        }
        if !self.tuples_only {
            if self.expanded {
                if !footers.is_empty() {
                    out.extend_from_slice(&self.record);
                    for footer in footers {
                        out.extend_from_slice(&self.record);
                        out.extend_from_slice(footer.as_bytes());
                    }
                    self.pending = true;
                }
            } else {
                let count = (footers.is_empty() && self.footer).then(|| row_count(self.rows));
                for footer in footers.iter().chain(&count) {
                    if self.pending {
                        out.extend_from_slice(&self.record);
                    }
                    out.extend_from_slice(footer.as_bytes());
                    self.pending = true;
                }
            }
        }
        if self.pending {
            // The last line ends in a newline whatever stands between records, unless that is a zero byte.
            out.push(if self.record == b"\0" { 0 } else { b'\n' });
            self.pending = false;
        }
    }
}

/// A CSV field, in quotes where it needs them (RFC 4180; `\.` too, which ends COPY data).
fn csv(value: &[u8], separator: &[u8], out: &mut Vec<u8>) {
    let special = |b: &u8| matches!(b, b'"' | b'\n' | b'\r') || separator.first() == Some(b);
    let quote = value.iter().any(special) || value == b"\\." || separator == b"\\" || separator == b".";
    if !quote {
        return out.extend_from_slice(value);
    }
    out.push(b'"');
    for &byte in value {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

//! Results as text, byte for byte as psql writes them. Pure: no connection, no terminal, no clock.
//!
//! [`print()`] writes a table or a part of one; a part that is not the first keeps the first one's widths, so
//! that a result too large to hold is still one table. [`stream::RowStream`] writes the formats that need no
//! widths row by row, straight from the wire.

mod aligned;
mod edges;
mod expanded;
mod model;
mod print;
mod rows;
mod stream;
mod style;
mod width;

pub(crate) use model::{Column, LineStyle, Pager, ResultTable, TableLayout, TableOptions, TablePart};
pub use model::{Expanded, TableFormat};
pub(crate) use print::{layout, print};
pub(crate) use rows::{Rows, TextRow};
pub(crate) use stream::RowStream;
pub(crate) use width::{Medium, char_width};

#[cfg(test)]
mod tests;

//! The characters that tables are drawn with (`\pset linestyle`). Pure.

use super::model::LineStyle;

/// A horizontal rule: its line, and what stands at its left, its crossings and its right.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub line: &'static str,
    pub left: &'static str,
    pub cross: &'static str,
    pub right: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub struct TableStyle {
    pub top: Rule,
    pub middle: Rule,
    pub bottom: Rule,
    pub vertical: &'static str,
    /// Behind a line that goes on below.
    pub more: &'static str,
}

const ASCII_RULE: Rule = Rule { line: "-", left: "+", cross: "+", right: "+" };

const ASCII: TableStyle =
    TableStyle { top: ASCII_RULE, middle: ASCII_RULE, bottom: ASCII_RULE, vertical: "|", more: "+" };

const UNICODE: TableStyle = TableStyle {
    top: Rule { line: "─", left: "┌", cross: "┬", right: "┐" },
    middle: Rule { line: "─", left: "├", cross: "┼", right: "┤" },
    bottom: Rule { line: "─", left: "└", cross: "┴", right: "┘" },
    vertical: "│",
    more: "↵",
};

/// Returns the characters that a line style draws with.
pub fn style(style: LineStyle) -> &'static TableStyle {
    match style {
        LineStyle::Ascii => &ASCII,
        LineStyle::Unicode => &UNICODE,
    }
}

/// Appends `n` spaces.
pub fn pad(out: &mut Vec<u8>, n: usize) {
    out.resize(out.len() + n, b' ');
}

/// Appends a text.
pub fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends a text `n` times.
pub fn repeat(out: &mut Vec<u8>, text: &str, n: usize) {
    for _ in 0..n {
        put(out, text);
    }
}

//! Answers what a front end must know of a text that is being typed, before it is handed over. Pure.

use crate::meta::{command_name, skip_arguments};
use crate::scan::{PromptStatus, ScanLine, ScanStop, Scanner};

/// Tells whether more lines are needed before this text can run: a statement without its `;`, an open quote,
/// comment or parenthesis. A backslash command at the end needs no more.
pub fn needs_more(text: &str) -> bool {
    let mut scanner = Scanner::default();
    let mut statement = String::new();
    for text in text.lines() {
        let mut line = ScanLine::new(text);
        if !statement.is_empty() {
            statement.push('\n');
        }
        loop {
            match scanner.scan(&mut line, &mut statement, None) {
                ScanStop::Semicolon => statement.clear(),
                ScanStop::Backslash => {
                    // A command takes the rest of its line, up to `\\` or the next command; those that send the
                    // statement or throw it away leave nothing open.
                    let (name, rest) = command_name(line.rest());
                    let sends = matches!(name, "g" | "gx" | "gset" | "gexec" | "gdesc" | "watch" | "r" | "reset");
                    line.at = line.text.len() - rest.len();
                    line.at = skip_arguments(&line.text, line.at);
                    if sends {
                        statement.clear();
                        scanner.reset();
                    }
                }
                ScanStop::EndOfLine => break,
            }
        }
        let blank = statement.trim().is_empty();
        if blank && !scanner.inside() {
            statement.clear();
        }
    }
    scanner.status(&statement) != PromptStatus::Statement
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multi_line_entry_waits_for_the_end() {
        assert!(needs_more("select 1"));
        assert!(needs_more("select 1;\nselect '"));
        assert!(!needs_more("select 1;"));
        assert!(!needs_more("\\d accounts"));
        assert!(!needs_more("select 1 \\gx"));
        assert!(!needs_more("select 1 \\g out.txt"));
        assert!(needs_more("select 1 \\g \\\\ select 2"));
        assert!(!needs_more(""));
        assert!(!needs_more("-- a remark"));
        assert!(needs_more("\\echo hi\nselect"));
    }
}

//! Answers what a front end must know of a text that is being typed, before it is handed over. Pure.

use crate::meta::{command_name, skip_arguments};
use crate::scan::{PromptStatus, ScanLine, ScanStop, Scanner};

/// Tells whether more lines are needed before this text can run: a statement without its `;`, an open quote,
/// comment or parenthesis. A backslash command at the end needs no more.
pub fn needs_more(text: &str) -> bool {
    if matches!(text.trim(), "exit" | "quit") {
        return false;
    }
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

/// Parts a text whose last line is a command that runs in the middle of a statement, as `\d` does, and leaves that as it is:
/// the statement so far, and the command's line. None where that line belongs to the statement, ends it, changes it, or
/// where no statement is open.
pub fn command_in_between(text: &str) -> Option<(&str, &str)> {
    let (before, command) = text.rsplit_once('\n')?;
    let (name, _) = command_name(command.trim_start().strip_prefix('\\')?);
    let is_of_statement = matches!(
        name,
        "" | "\\"
            | ";"
            | "g"
            | "gx"
            | "gset"
            | "gexec"
            | "gdesc"
            | "watch"
            | "crosstabview"
            | "r"
            | "reset"
            | "e"
            | "edit"
            | "p"
            | "print"
            | "w"
            | "write"
            | "q"
            | "quit"
            | "if"
            | "elif"
            | "else"
            | "endif"
            | "bind"
            | "ef"
            | "ev"
    );
    // Within quotes, a comment or a body the line is text: with a semicolon behind it, the statement would be open still.
    let is_outside = !needs_more(&format!("{before}\n;"));
    (!is_of_statement && is_outside && needs_more(before)).then_some((before, command))
}

/// A command that the front end does itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnCommand {
    /// `\q`, or the words that psql takes for it: leave.
    Quit,
    /// `\e`: edit the statement that was typed before it; nothing, where it stands alone.
    Edit { before: String },
}

/// Returns the command that a finished input ends with, when that is the front end's own: what stands behind one is
/// never read.
pub fn own_command(text: &str) -> Option<OwnCommand> {
    if matches!(text.trim().trim_end_matches(';').trim_end(), "exit" | "quit") {
        return Some(OwnCommand::Quit);
    }
    let mut scanner = Scanner::default();
    let mut statement = String::new();
    for text in text.lines() {
        let mut line = ScanLine::new(text);
        if !statement.is_empty() {
            statement.push('\n');
        }
        loop {
            match scanner.scan(&mut line, &mut statement, None) {
                ScanStop::Semicolon => {}
                ScanStop::Backslash => {
                    let (name, rest) = command_name(line.rest());
                    match name {
                        // What came before it is to be run first.
                        "q" | "quit" if statement.trim().is_empty() => return Some(OwnCommand::Quit),
                        "e" | "edit" if rest.trim().is_empty() => {
                            return Some(OwnCommand::Edit { before: statement.trim().to_owned() });
                        }
                        _ => {}
                    }
                    line.at = line.text.len() - rest.len();
                    line.at = skip_arguments(&line.text, line.at);
                    // It is another command's input now.
                    statement.push('\\');
                }
                ScanStop::EndOfLine => break,
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_front_end_does_itself_is_found_where_it_is_a_command() {
        let edit = |before: &str| Some(OwnCommand::Edit { before: before.to_owned() });
        for quit in ["\\q", " \\quit", "exit", "quit;"] {
            assert_eq!(own_command(quit), Some(OwnCommand::Quit), "{quit}");
        }
        assert_eq!(own_command("\\e"), edit(""));
        assert_eq!(own_command("select 1\n\\edit"), edit("select 1"));
        assert_eq!(own_command("select 1 \\e "), edit("select 1"));
        for other in ["select '\\q'", "-- \\e", "select $$\\e", "\\echo \\e2", "\\e file.sql", "select 1;", "\\qecho x"]
        {
            assert_eq!(own_command(other), None, "{other}");
        }
    }

    #[test]
    fn a_command_in_the_middle_of_a_statement_is_parted_from_it() {
        assert_eq!(command_in_between("select 1\n\\conninfo"), Some(("select 1", "\\conninfo")));
        assert_eq!(command_in_between("select 1,\n 2\n  \\d accounts"), Some(("select 1,\n 2", "  \\d accounts")));
        for other in [
            "\\d",
            "select 1;\n\\d",
            "select '\n\\d",
            "select $$\n\\d",
            "/* \n\\d",
            "select 1\n\\gx",
            "select 1\n\\r",
            "select (\n1",
        ] {
            assert_eq!(command_in_between(other), None, "{other}");
        }
    }

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

//! `\copy`: COPY with a file of this machine.

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::cancel::Canceller;
use crate::console::{Console, InputLine, LineSource, data_line, until_mark};
use crate::exec::options::{CopyEnd, SendOptions};
use crate::files;
use crate::out::RunContext;
use crate::report::SqlLine;
use crate::wire::PgConnection;
use crate::wire::reason;
use workshop_base::sql::{self, TokenKind};

/// A `\copy` taken apart: the COPY that the server gets, and where this end of it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parsed {
    /// Everything before the file: `t (a, b)` or `(select …)`.
    what: String,
    from: bool,
    end: Where,
    /// Everything behind the file.
    options: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Where {
    File(String),
    Program(String),
    /// The place of this command, where input goes on and results go.
    Here,
    /// The standard input or output of the program itself (`pstdin`, `pstdout`).
    Standard,
}

/// Runs a `\copy`; its text is everything behind the name.
pub(super) async fn copy(c: &mut Console, text: &str, source: &mut dyn LineSource, cx: &mut RunContext<'_>) -> bool {
    let parsed = match parse(text) {
        Ok(parsed) => parsed,
        Err(text) => {
            cx.complain(&text).await;
            return false;
        }
    };
    let sql = match parsed.from {
        true => format!("COPY  {} FROM STDIN {}", parsed.what, parsed.options),
        false => format!("COPY  {} TO STDOUT {}", parsed.what, parsed.options),
    };
    let copy = match (parsed.end, parsed.from) {
        (Where::Here, _) => CopyEnd::Here,
        (Where::Standard, _) => CopyEnd::Standard,
        (Where::File(file), from) => {
            let path = c.settings.path(&file);
            // Before the server hears of it, which may yet refuse: what stands in the file stays until data comes.
            let opened = if from { std::fs::File::open(&path) } else { files::writable(&path) };
            if let Err(error) = opened {
                cx.complain(&format!("{file}: {}", reason(&error))).await;
                return false;
            }
            CopyEnd::File(path)
        }
        (Where::Program(program), _) if !c.settings.options.shell => {
            cx.complain(&format!("\\copy: programs are not started from here: {program}")).await;
            return false;
        }
        (Where::Program(program), true) => CopyEnd::Program(program),
        (Where::Program(program), false) => {
            let how = SendOptions { file: Some(format!("|{program}")), only_tag: true, ..SendOptions::default() };
            return c.send(sql.trim_end(), &how, cx).await;
        }
    };
    let only_tag = !matches!(copy, CopyEnd::Here | CopyEnd::Standard);
    c.send_from(sql.trim_end(), &SendOptions { copy, only_tag, ..SendOptions::default() }, &mut Some(source), cx).await
}

fn parse(text: &str) -> Result<Parsed, String> {
    if text.trim().is_empty() {
        return Err(NO_ARGUMENTS.to_owned());
    }
    let (at, from) = direction(text)?;
    let behind = &text[at..];
    let rest = &behind[behind.find(char::is_whitespace).ok_or(CUT_SHORT)?..];
    let (first, options) = word(rest).ok_or(CUT_SHORT)?;
    let program = first.eq_ignore_ascii_case("program");
    let (file, options) = if program { word(options).ok_or(CUT_SHORT)? } else { (first, options) };
    // As psql has it: without quotes the command would end at its first space.
    if program && !(file.len() > 1 && file.starts_with('\'') && file.ends_with('\'')) {
        return Err(format!("\\copy: parse error at \"{file}\""));
    }
    let end = match (program, file.to_ascii_lowercase().as_str()) {
        (true, _) => Where::Program(unquoted(file)),
        (false, "stdin" | "stdout") => Where::Here,
        (false, "pstdin" | "pstdout") => Where::Standard,
        (false, _) => Where::File(unquoted(file)),
    };
    Ok(Parsed { what: text[..at].trim().to_owned(), from, end, options: options.trim().to_owned() })
}

/// Returns where the FROM or TO stands that divides what is copied from the file, and whether it is FROM. What stands
/// before it is a query in parentheses, or a table and perhaps its columns.
///
/// # Errors
/// psql's text for what stands there instead.
fn direction(text: &str) -> Result<(usize, bool), String> {
    let tokens = sql::code_tokens(text);
    let is = |at: usize, c: u8| tokens.get(at).is_some_and(|token| token.kind == TokenKind::Symbol(c));
    let behind_parens = |mut at: usize| {
        let mut depth = 0u32;
        while let Some(token) = tokens.get(at) {
            match token.kind {
                TokenKind::Symbol(b'(') => depth += 1,
                TokenKind::Symbol(b')') => depth = depth.saturating_sub(1),
                _ => {}
            }
            at += 1;
            if depth == 0 {
                break;
            }
        }
        at
    };
    let mut at = 0;
    if is(0, b'(') {
        at = behind_parens(0);
    } else {
        at += usize::from(tokens.first().is_some_and(|token| token.is(text, "binary")) && !is(1, b'.'));
        at += 1;
        while is(at, b'.') {
            at += 2;
        }
        if is(at, b'(') {
            at = behind_parens(at);
        }
    }
    let Some(token) = tokens.get(at) else { return Err(CUT_SHORT.to_owned()) };
    match (token.is(text, "from"), token.is(text, "to")) {
        (false, false) => Err(format!("\\copy: parse error at \"{}\"", token.text(text))),
        (from, _) => Ok((token.range().start, from)),
    }
}

/// Cuts the first word off: up to white space, or in single quotes with what is glued to them.
fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let mut quoted = false;
    let end = text.find(|c: char| {
        quoted ^= c == '\'';
        !quoted && c.is_whitespace()
    });
    let (word, rest) = text.split_at(end.unwrap_or(text.len()));
    (!word.is_empty()).then_some((word, rest))
}

const NO_ARGUMENTS: &str = "\\copy: arguments required";
const CUT_SHORT: &str = "\\copy: parse error at end of line";

fn unquoted(text: &str) -> String {
    match text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')) {
        Some(inner) => inner.replace("''", "'"),
        None => text.to_owned(),
    }
}

impl Console {
    /// Feeds a COPY FROM STDIN that the server has just begun.
    ///
    /// # Errors
    /// When the connection breaks. A file or program that fails ends the COPY, and is no error here.
    pub(crate) async fn copy_in(
        &mut self,
        link: &mut PgConnection,
        how: &SendOptions,
        source: &mut Option<&mut dyn LineSource>,
        cx: &mut RunContext<'_>,
    ) -> std::io::Result<()> {
        match &how.copy {
            CopyEnd::Here => self.copy_lines(link, source, true, cx).await,
            CopyEnd::Standard => self.copy_lines(link, source, false, cx).await,
            CopyEnd::File(path) => match tokio::fs::File::open(path).await {
                Ok(mut file) => {
                    let end = copy_from(link, &self.link.canceller, &mut file).await?;
                    link.copy_end(end.as_deref()).await
                }
                Err(error) => link.copy_end(Some(&reason(&error))).await,
            },
            CopyEnd::Program(program) => self.copy_program(link, program, cx).await,
        }
    }

    /// Sends the lines of the input, up to `\.`: those that follow `here`, or those of the standard input.
    async fn copy_lines(
        &mut self,
        link: &mut PgConnection,
        source: &mut Option<&mut dyn LineSource>,
        here: bool,
        cx: &mut RunContext<'_>,
    ) -> std::io::Result<()> {
        let Some(source) = source else { return link.copy_end(Some("there is no data in the input")).await };
        if cx.interactive && !self.settings.vars.on("QUIET") {
            cx.say(SqlLine::Status, HOW_TO_END).await;
            cx.sink.flush();
        }
        let canceller = self.canceller();
        // A script's standard input is not asked for data line by line.
        let asks = here || cx.interactive;
        let prompt = self.settings.vars.get("PROMPT3").filter(|_| asks).unwrap_or_default().to_owned();
        loop {
            let next = async {
                match here {
                    true => data_line(&mut **source, &prompt, cx).await,
                    false => until_mark(source.ask(&prompt).await),
                }
            };
            let line = tokio::select! {
                line = next => line,
                () = canceller.wanted() => InputLine::Interrupted,
            };
            match line {
                InputLine::Line(line) => link.copy_data(format!("{line}\n").as_bytes()).await?,
                InputLine::NotText(mut line) => {
                    line.push(b'\n');
                    link.copy_data(&line).await?;
                }
                InputLine::End => return link.copy_end(None).await,
                InputLine::Interrupted => return link.copy_end(Some(CANCELED)).await,
            }
        }
    }

    /// Sends what a program writes. What it wrote is taken, as psql has it; that it failed is told.
    async fn copy_program(
        &mut self,
        link: &mut PgConnection,
        program: &str,
        cx: &mut RunContext<'_>,
    ) -> std::io::Result<()> {
        let child = tokio::process::Command::new("sh")
            .args(["-c", program])
            .current_dir(&self.settings.directory)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => return link.copy_end(Some(&reason(&error))).await,
        };
        if let Some(mut out) = child.stdout.take()
            && let Some(why) = copy_from(link, &self.link.canceller, &mut out).await?
        {
            return link.copy_end(Some(&why)).await;
        }
        let status = child.wait().await?;
        if !status.success() {
            let how = status.code().map_or("child process was terminated by a signal".to_owned(), |code| {
                format!("child process exited with exit code {code}")
            });
            cx.complain(&format!("{program}: {how}")).await;
        }
        link.copy_end(None).await
    }
}

/// Sends what can be read, a piece at a time; returns why the COPY is to end before its data does.
async fn copy_from(
    link: &mut PgConnection,
    canceller: &Canceller,
    from: &mut (impl AsyncRead + Unpin),
) -> std::io::Result<Option<String>> {
    let mut piece = vec![0; PIECE];
    loop {
        // An error of the server ends the COPY; what is left need not be sent.
        if canceller.is_wanted() || link.has_frame() {
            return Ok(Some(CANCELED.to_owned()));
        }
        match from.read(&mut piece).await {
            Ok(0) => return Ok(None),
            Ok(n) => link.copy_data(&piece[..n]).await?,
            Err(error) => return Ok(Some(reason(&error))),
        }
    }
}

/// What the server is told of a COPY that the person has stopped.
const CANCELED: &str = "canceled by user";
/// The words for a person who is to type the data of a COPY.
const HOW_TO_END: &str = "Enter data to be copied followed by a newline.\n\
                          End with a backslash and a period on a line by itself, or an EOF signal.\n";

/// Bytes of a CopyData message.
const PIECE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_are_read() {
        let p = parse("t (a, b) from 'a file.csv' with (format csv)").unwrap();
        assert_eq!((p.what.as_str(), p.from, p.options.as_str()), ("t (a, b)", true, "with (format csv)"));
        assert_eq!(p.end, Where::File("a file.csv".to_owned()));
        let p = parse("(select 1 from x) to stdout").unwrap();
        assert_eq!((p.what.as_str(), p.from, p.end), ("(select 1 from x)", false, Where::Here));
        assert_eq!(parse("t from PSTDIN csv").unwrap().end, Where::Standard);
        let p = parse("t to program 'sort -n'").unwrap();
        assert_eq!(p.end, Where::Program("sort -n".to_owned()));
        let p = parse("(select 'to' from \"from\" /* to */) to out-(1).csv csv").unwrap();
        assert_eq!((p.from, p.end, p.options.as_str()), (false, Where::File("out-(1).csv".to_owned()), "csv"));
        assert_eq!(parse("s.t (a) fro x").unwrap_err(), "\\copy: parse error at \"fro\"");
        assert_eq!(parse("t from program echo 1").unwrap_err(), "\\copy: parse error at \"echo\"");
        assert!(parse("t").unwrap_err().contains("parse error at end of line"));
        assert!(parse("t from").is_err());
    }
}

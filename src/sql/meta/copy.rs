//! `\copy`: COPY with a file of this machine.

use super::super::console::{Console, Feed, read_data};
use super::super::exec::{Copy, Shape};
use super::super::out::Io;
use super::super::report::SqlLine;
use super::super::wire::Connection;
use super::super::wire::reason;
use super::act::path;

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
    /// The input or the output of the console.
    Standard,
}

/// Runs a `\copy`; its text is everything behind the name.
pub(super) async fn copy(c: &mut Console, text: &str, feed: &mut dyn Feed, io: &mut Io<'_>) -> bool {
    let parsed = match parse(text) {
        Ok(parsed) => parsed,
        Err(text) => {
            io.complain(&text).await;
            return false;
        }
    };
    let sql = match parsed.from {
        true => format!("COPY {} FROM STDIN {}", parsed.what, parsed.options),
        false => format!("COPY {} TO STDOUT {}", parsed.what, parsed.options),
    };
    let copy = match (parsed.end, parsed.from) {
        (Where::Standard, true) => Copy::Text(read_data(feed, io).await),
        (Where::Standard, false) => Copy::Here,
        (Where::File(file), from) => {
            let path = path(c, &file);
            // Before the server hears of it.
            let opened = if from { std::fs::File::open(&path) } else { std::fs::File::create(&path) };
            if let Err(error) = opened {
                io.complain(&format!("{file}: {}", reason(&error))).await;
                return false;
            }
            Copy::File(path)
        }
        (Where::Program(program), _) if !c.options.shell => {
            io.complain(&format!("\\copy: programs are not started from here: {program}")).await;
            return false;
        }
        (Where::Program(program), true) => Copy::Program(program),
        (Where::Program(program), false) => {
            let shape = Shape { file: Some(format!("|{program}")), only_tag: true, ..Shape::default() };
            return c.send(sql.trim_end(), &shape, io).await;
        }
    };
    let only_tag = !matches!(copy, Copy::Here);
    c.send(sql.trim_end(), &Shape { copy, only_tag, ..Shape::default() }, io).await
}

fn parse(text: &str) -> Result<Parsed, String> {
    let words = words(text);
    let lower = |i: usize| words.get(i).map(|w: &Word| w.text.to_ascii_lowercase());
    let at = (0..words.len())
        .find(|&i| words[i].depth == 0 && i > 0 && matches!(lower(i).as_deref(), Some("from" | "to")))
        .ok_or_else(|| CUT_SHORT.to_owned())?;
    let from = lower(at).as_deref() == Some("from");
    let program = lower(at + 1).as_deref() == Some("program");
    let place = at + 1 + usize::from(program);
    let file = words.get(place).ok_or_else(|| CUT_SHORT.to_owned())?;
    let end = match (program, file.text.to_ascii_lowercase().as_str()) {
        (true, _) => Where::Program(unquoted(&file.text)),
        (false, "stdin" | "stdout" | "pstdin" | "pstdout") => Where::Standard,
        (false, _) => Where::File(unquoted(&file.text)),
    };
    Ok(Parsed {
        what: text[..words[at].start].trim().to_owned(),
        from,
        end,
        options: text[file.start + file.text.len()..].trim().to_owned(),
    })
}

const CUT_SHORT: &str = "\\copy: parse error at end of line";

/// A word of a `\copy`, as it stands: with its quotes, and inside how many parentheses.
struct Word {
    text: String,
    start: usize,
    depth: u32,
}

fn words(text: &str) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::new();
    let (mut depth, mut quote, mut open) = (0u32, None, false);
    for (at, c) in text.char_indices() {
        let starts = match (quote, c) {
            (None, c) if c.is_whitespace() => {
                open = false;
                continue;
            }
            (None, '(' | ')') => true,
            _ => !open,
        };
        if starts {
            out.push(Word { text: String::new(), start: at, depth });
            open = true;
        }
        if let Some(word) = out.last_mut() {
            word.text.push(c);
        }
        match (quote, c) {
            (None, '(') => {
                depth += 1;
                open = false;
            }
            (None, ')') => {
                depth = depth.saturating_sub(1);
                open = false;
            }
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            _ => {}
        }
    }
    out
}

fn unquoted(text: &str) -> String {
    match text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')) {
        Some(inner) => inner.replace("''", "'"),
        None => text.to_owned(),
    }
}

impl Console {
    /// Feeds a COPY FROM STDIN that the server has just begun.
    pub(in crate::sql) async fn copy_in(
        &mut self,
        link: &mut Connection,
        shape: &Shape,
        io: &mut Io<'_>,
    ) -> std::io::Result<()> {
        match &shape.copy {
            Copy::Here => link.copy_end(Some("there is no data in the input")).await,
            Copy::Text(text) => {
                for piece in text.as_bytes().chunks(PIECE) {
                    link.copy_data(piece).await?;
                }
                link.copy_end(None).await
            }
            Copy::File(path) => {
                use tokio::io::AsyncReadExt;
                let mut file = match tokio::fs::File::open(path).await {
                    Ok(file) => file,
                    Err(error) => return link.copy_end(Some(&reason(&error))).await,
                };
                let mut piece = vec![0; PIECE];
                loop {
                    // An error of the server ends the COPY; what is left need not be sent.
                    if self.canceller.is_wanted() || link.has_frame() {
                        return link.copy_end(Some("canceled by user")).await;
                    }
                    match file.read(&mut piece).await {
                        Ok(0) => return link.copy_end(None).await,
                        Ok(n) => link.copy_data(&piece[..n]).await?,
                        Err(error) => return link.copy_end(Some(&reason(&error))).await,
                    }
                }
            }
            Copy::Program(program) => {
                let output = tokio::process::Command::new("sh")
                    .args(["-c", program])
                    .current_dir(&self.directory)
                    .stdin(std::process::Stdio::null())
                    .kill_on_drop(true)
                    .output()
                    .await;
                match output {
                    Ok(output) if output.status.success() => {
                        for piece in output.stdout.chunks(PIECE) {
                            link.copy_data(piece).await?;
                        }
                        link.copy_end(None).await
                    }
                    Ok(output) => {
                        io.say(SqlLine::Notice, &String::from_utf8_lossy(&output.stderr)).await;
                        link.copy_end(Some("the program failed")).await
                    }
                    Err(error) => link.copy_end(Some(&reason(&error))).await,
                }
            }
        }
    }
}

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
        assert_eq!((p.what.as_str(), p.from, p.end), ("(select 1 from x)", false, Where::Standard));
        let p = parse("t to program 'sort -n'").unwrap();
        assert_eq!(p.end, Where::Program("sort -n".to_owned()));
        assert!(parse("t").unwrap_err().contains("parse error at end of line"));
        assert!(parse("t from").is_err());
    }
}

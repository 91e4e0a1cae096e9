//! What a function's process writes, in pieces: its lines, and the marks by which its runtime says that an invocation has
//! logged all it will.

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

/// A line of a log is cut there, in bytes.
const LINE_LIMIT: usize = 256 * 1024;
const END_MARK: &[u8] = b"\0workshop:end ";

/// A piece of the log.
#[derive(Debug)]
pub(super) enum LogPiece {
    Line(String),
    /// The runtime has logged all of an invocation. Peak memory in KiB.
    End(u64),
}

/// Cuts the pipe's bytes into lines and marks.
pub(super) async fn pump(mut pipe: pipe::Receiver, to: mpsc::Sender<LogPiece>) {
    let mut held = Vec::new();
    let mut buffer = vec![0_u8; 16 * 1024];
    loop {
        let read = match pipe.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        held.extend_from_slice(&buffer[..read]);
        for piece in cut(&mut held) {
            if to.send(piece).await.is_err() {
                return;
            }
        }
    }
    if !held.is_empty() {
        held.push(b'\n');
        for piece in cut(&mut held) {
            if to.send(piece).await.is_err() {
                return;
            }
        }
    }
}

/// Takes all whole lines out of `held`.
fn cut(held: &mut Vec<u8>) -> Vec<LogPiece> {
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some(length) = held[from..].iter().position(|byte| *byte == b'\n') {
        let line = &held[from..from + length];
        from += length + 1;
        match line.windows(END_MARK.len()).position(|window| window == END_MARK) {
            Some(at) => {
                // A function may have left its last line open.
                if at > 0 {
                    pieces.push(LogPiece::Line(text(&line[..at])));
                }
                let used = String::from_utf8_lossy(&line[at..]);
                let used = used.rsplit(' ').next().and_then(|kib| kib.parse().ok());
                pieces.push(LogPiece::End(used.unwrap_or_default()));
            }
            None => pieces.push(LogPiece::Line(text(line))),
        }
    }
    held.drain(..from);
    if held.len() > LINE_LIMIT {
        pieces.push(LogPiece::Line(text(held)));
        held.clear();
    }
    pieces
}

fn text(line: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(line).into_owned();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_marks_are_told_apart_however_they_arrive() {
        let whole = b"one\ntwo \xf0\x9f\x98\x80\nopen\0workshop:end abc 61234\nthree\n";
        for split in 0..whole.len() {
            let mut held = whole[..split].to_vec();
            let mut pieces = cut(&mut held);
            held.extend_from_slice(&whole[split..]);
            pieces.extend(cut(&mut held));
            let shown: Vec<String> = pieces
                .iter()
                .map(|piece| match piece {
                    LogPiece::Line(line) => line.trim_end().to_string(),
                    LogPiece::End(used) => format!("<{used}>"),
                })
                .collect();
            assert_eq!(shown, ["one", "two 😀", "open", "<61234>", "three"], "split at {split}");
        }
    }
}

//! Programs that are started from the console. Each is a group of its own that ends with its deadline, with a cancel, or
//! with who waits for it; but for one that has the person's terminal.

use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use workshop_base::process::ProcessGroup;

use crate::cancel::Canceller;

/// The way a program ended.
pub(super) enum ProgramEnd {
    Ended {
        /// The exit code as a shell tells it: 128 and the signal for a program that was killed.
        code: i32,
        stdout: Vec<u8>,
        stderr: Vec<u8>,
    },
    Cancelled,
    TimedOut,
}

/// Returns `sh -c command`, to be started in a directory with nothing to read.
pub(super) fn command(command: &str, directory: &Path) -> tokio::process::Command {
    let mut sh = tokio::process::Command::new("sh");
    sh.args(["-c", command]).current_dir(directory).stdin(Stdio::null()).kill_on_drop(true);
    sh
}

/// Runs a program to its end and keeps what it writes.
///
/// # Errors
/// When the shell cannot be started, or a pipe breaks.
pub(super) async fn run(
    text: &str,
    directory: &Path,
    deadline: Duration,
    canceller: &Canceller,
) -> io::Result<ProgramEnd> {
    let mut sh = command(text, directory);
    let mut child = sh.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn()?;
    // What is left of it goes when this is given up, at the latest.
    let _group = ProcessGroup::of(&child);
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let ended = async {
        let read = async |pipe: Option<tokio::process::ChildStdout>, to: &mut Vec<u8>| match pipe {
            Some(mut pipe) => pipe.read_to_end(to).await.map(drop),
            None => Ok(()),
        };
        let read_errors = async |pipe: Option<tokio::process::ChildStderr>, to: &mut Vec<u8>| match pipe {
            Some(mut pipe) => pipe.read_to_end(to).await.map(drop),
            None => Ok(()),
        };
        tokio::try_join!(read(out, &mut stdout), read_errors(err, &mut stderr))?;
        child.wait().await
    };
    tokio::select! {
        status = ended => Ok(ProgramEnd::Ended { code: exit_code(status?), stdout, stderr }),
        () = canceller.wanted() => Ok(ProgramEnd::Cancelled),
        () = tokio::time::sleep(deadline) => Ok(ProgramEnd::TimedOut),
    }
}

/// Runs a program that has the person's terminal: it reads the keys, Ctrl-C among them, and writes to the screen.
///
/// # Errors
/// When the shell cannot be started.
pub(super) async fn on_terminal(text: &str, directory: &Path) -> io::Result<ProgramEnd> {
    let status = command(text, directory).stdin(Stdio::inherit()).status().await?;
    Ok(ProgramEnd::Ended { code: exit_code(status), stdout: Vec::new(), stderr: Vec::new() })
}

/// Returns the exit code as a shell tells it: 128 and the signal for a program that was killed.
fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_ends_with_its_group_when_it_is_cancelled() {
        let canceller = Canceller::new();
        let directory = tempfile::tempdir().unwrap();
        // A grandchild holds the pipe; it would write long after.
        let text = "(sleep 2; echo late > late) & touch begun; wait";
        let begun = directory.path().join("begun");
        let cancel = async {
            while !begun.exists() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            canceller.cancel().await.unwrap();
        };
        let long = Duration::from_secs(60);
        let (ended, ()) = tokio::join!(run(text, directory.path(), long, &canceller), cancel);
        assert!(matches!(ended, Ok(ProgramEnd::Cancelled)));
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert!(!directory.path().join("late").exists());
    }

    #[tokio::test]
    async fn a_program_ends_at_its_deadline() {
        let ended = run("sleep 60", Path::new("/"), Duration::from_millis(50), &Canceller::new()).await;
        assert!(matches!(ended, Ok(ProgramEnd::TimedOut)));
    }

    #[tokio::test]
    async fn what_it_writes_and_how_it_ends_is_kept() {
        let (canceller, long) = (Canceller::new(), Duration::from_secs(60));
        let ended = run("echo a; echo b >&2; kill -9 $$", Path::new("/"), long, &canceller).await;
        let Ok(ProgramEnd::Ended { code, stdout, stderr }) = ended else { panic!() };
        assert_eq!((code, stdout.as_slice(), stderr.as_slice()), (137, &b"a\n"[..], &b"b\n"[..]));
    }
}

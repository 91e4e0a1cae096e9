//! A function's log file: bounded, however much a function writes, and saying so where something is missing.
//!
//! Invariants: the two files of a function hold at most twice [`FILE_LIMIT`]; one invocation adds at most
//! [`INVOCATION_LIMIT`] and a line that counts the rest; places of this machine read as AWS's do.

use std::path::Path;

use workshop_base::bounded_log::BoundedLog;

/// Bytes of a log file after which it is set aside, in the place of the one before.
const FILE_LIMIT: u64 = 16 << 20;
/// Bytes of one invocation that are kept.
const INVOCATION_LIMIT: u64 = 4 << 20;

/// Writes the log of one environment.
#[derive(Debug)]
pub(super) struct FunctionLog {
    file: BoundedLog,
    /// Of the invocation under way: bytes kept, and bytes not kept.
    kept: u64,
    lost: u64,
    /// Places of this machine, and what AWS calls them.
    places: Vec<(String, &'static str)>,
}

impl FunctionLog {
    /// Opens the log at `path`; `task` is where the function's code lies, `runtime` where the runtime's `files` do.
    pub fn open(
        path: &Path,
        task: &Path,
        runtime: &Path,
        files: impl IntoIterator<Item = &'static str>,
    ) -> FunctionLog {
        // AWS's runtime is one file.
        let own = files.into_iter().map(|file| (runtime.join(file).display().to_string(), "/var/runtime/index.mjs"));
        let places = own.chain([(task.display().to_string(), "/var/task")]).collect();
        // A full disk must not fail the function.
        let file = BoundedLog::open(path, FILE_LIMIT).unwrap_or_else(|_| BoundedLog::nowhere());
        FunctionLog { file, kept: 0, lost: 0, places }
    }

    /// Returns a line as AWS would show it, where places of this machine are AWS's.
    pub fn on_aws(&self, line: String) -> String {
        if !line.contains('/') {
            return line;
        }
        self.places.iter().fold(line, |line, (here, there)| {
            if line.contains(here.as_str()) { line.replace(here.as_str(), there) } else { line }
        })
    }

    /// Writes a line of the function's, with its line break, unless this invocation has written too much.
    pub fn line(&mut self, line: &str) {
        let length = line.len() as u64;
        if self.lost > 0 || self.kept + length > INVOCATION_LIMIT {
            self.lost += length;
            return;
        }
        self.kept += length;
        self.file.add(line);
    }

    /// Writes a line of the service's own, such as a report; those are always kept.
    pub fn platform(&mut self, text: &str) {
        self.file.add(text);
    }

    /// Ends an invocation: says what was not kept, and lets the next one write again.
    pub fn end_invocation(&mut self) -> Option<String> {
        let lost = std::mem::take(&mut self.lost);
        self.kept = 0;
        let said = (lost > 0).then(|| {
            format!(
                "[workshop] {lost} more bytes of this invocation's log were not kept: {} MiB of one are\n",
                INVOCATION_LIMIT >> 20
            )
        });
        if let Some(said) = &said {
            self.file.add(said);
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn log(dir: &Path) -> FunctionLog {
        FunctionLog::open(
            &dir.join("f.log"),
            Path::new("/run/functions/f-0"),
            Path::new("/run/runtime"),
            ["current.mjs"],
        )
    }

    #[test]
    fn one_invocation_is_bounded_and_the_next_writes_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut log = log(dir.path());
        let line = format!("{}\n", "x".repeat(1023));
        (0..10_000).for_each(|_| log.line(&line));
        let said = log.end_invocation().expect("some was lost");
        assert!(said.contains(&format!(" {} more bytes ", 10_000 * 1024 - INVOCATION_LIMIT)), "{said}");
        log.line("again\n");
        assert_eq!(log.end_invocation(), None);
        let text = fs::read_to_string(dir.path().join("f.log")).expect("read");
        assert!(text.len() as u64 <= INVOCATION_LIMIT + 200, "{}", text.len());
        assert!(text.ends_with("4 MiB of one are\nagain\n"));
    }

    #[test]
    fn a_function_has_two_files_at_most() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut both = [log(dir.path()), log(dir.path())];
        let line = format!("{}\n", "x".repeat((1 << 20) - 1));
        for _ in 0..12 {
            for log in &mut both {
                (0..4).for_each(|_| log.line(&line));
                log.end_invocation();
            }
        }
        let sizes: Vec<u64> = fs::read_dir(dir.path())
            .expect("listed")
            .map(|entry| entry.expect("an entry").metadata().expect("there").len())
            .collect();
        assert_eq!(sizes.len(), 2);
        assert!(sizes.iter().all(|size| *size < FILE_LIMIT + (9 << 20)), "{sizes:?}");
    }

    #[test]
    fn places_read_as_on_aws() {
        let dir = tempfile::tempdir().expect("a directory");
        let line = "at file:///run/functions/f-0/index.mjs:1 (/run/runtime/current.mjs:2) /run/x";
        assert_eq!(
            log(dir.path()).on_aws(line.into()),
            "at file:///var/task/index.mjs:1 (/var/runtime/index.mjs:2) /run/x"
        );
    }
}

//! `\e`: a text in the person's own editor.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::console::EditRequest;
use crate::wire::reason;

/// Lets the person edit a text in their editor (PSQL_EDITOR, EDITOR, VISUAL, else vi) and gives it back; `None` when
/// they left without saving.
///
/// # Errors
/// When the editor cannot be started or fails, or the file cannot be read; a text for the person.
pub async fn edit(edit: &EditRequest) -> Result<Option<String>, String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let editor =
        ["PSQL_EDITOR", "EDITOR", "VISUAL"].iter().find_map(|n| variable(n)).unwrap_or_else(|| "vi".to_owned());
    let Some(file) = &edit.file else {
        let path = scratch(&edit.text).map_err(|e| format!("no file to edit in: {}", reason(&e)))?;
        let text = run(&editor, &path, edit.line).await;
        std::fs::remove_file(&path).ok();
        return text;
    };
    run(&editor, file, edit.line).await
}

/// A new file that holds the text and is nobody else's.
fn scratch(text: &str) -> io::Result<PathBuf> {
    let mut taken = 0;
    loop {
        let path = std::env::temp_dir().join(format!("workshop-{}-{taken}.sql", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                writeln!(file, "{text}")?;
                // In the past, so that saving shows even in a file system that counts whole seconds.
                let written = file.metadata()?.modified()?;
                file.set_modified(written - Duration::from_secs(2))?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && taken < TRIES => taken += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Names that others may have taken.
const TRIES: u32 = 100;

async fn run(editor: &str, path: &Path, line: Option<u32>) -> Result<Option<String>, String> {
    let saved = || path.metadata().and_then(|m| Ok((m.modified()?, m.len()))).ok();
    let before = saved();
    let line = line.map(|n| format!("+{n} ")).unwrap_or_default();
    let name = path.display().to_string();
    let quoted = workshop_base::text::shell_word(&name);
    let ran = tokio::process::Command::new("sh").args(["-c", &format!("exec {editor} {line}{quoted}")]).status().await;
    match ran {
        Ok(status) if status.success() => {}
        Ok(status) => {
            return Err(match workshop_base::text::not_run(status.code()) {
                Some(why) => format!("the editor {editor} {why}; set PSQL_EDITOR or EDITOR to one you have"),
                None => format!("the editor {editor} ended with {status}; nothing is taken from it"),
            });
        }
        Err(error) => return Err(format!("the editor {editor} could not be started: {error}")),
    }
    if saved() == before {
        return Ok(None);
    }
    std::fs::read_to_string(path).map(Some).map_err(|e| format!("{}: {}", path.display(), reason(&e)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_was_saved_is_taken() {
        let path = scratch("select 1").unwrap();
        assert_eq!(run("true", &path, None).await, Ok(None));
        assert_eq!(run("touch", &path, None).await, Ok(Some("select 1\n".to_owned())));
        assert!(run("false", &path, None).await.unwrap_err().contains("nothing is taken"));
        assert!(run("no-such-editor", &path, None).await.unwrap_err().contains("PSQL_EDITOR"));
        let other = scratch("").unwrap();
        assert_ne!(other, path, "a file that is there is not written over");
        std::fs::remove_file(path).unwrap();
        std::fs::remove_file(other).unwrap();
    }
}

//! The learner's own editor: how it is told a file and a line, and the text that it gets.

use std::io;
use std::path::{Path, PathBuf};

use super::timer::now;

/// The editor of a learner who named none.
pub const EDITOR: &str = "vi";

/// Tells an editor the line to stand on, in its own way.
pub fn editor_arguments(editor: &str, path: &Path, line: usize) -> Vec<std::ffi::OsString> {
    let program = editor.split_whitespace().next().unwrap_or_default();
    let name = Path::new(program).file_name().and_then(|n| n.to_str()).unwrap_or_default();
    match name {
        "vi" | "vim" | "nvim" | "view" | "nano" | "emacs" | "emacsclient" | "micro" | "kak" | "joe" | "ed" | "mg" => {
            vec![format!("+{line}").into(), path.into()]
        }
        "hx" | "helix" | "zed" | "subl" => vec![with_line(path, line)],
        "code" | "codium" | "cursor" => vec!["--goto".into(), with_line(path, line)],
        _ => vec![path.into()],
    }
}

fn with_line(path: &Path, line: usize) -> std::ffi::OsString {
    let mut out = path.as_os_str().to_owned();
    out.push(format!(":{line}"));
    out
}

/// A file only we can read: what is typed may be nobody else's business.
///
/// # Errors
/// When the temporary directory cannot be written.
pub fn temporary(text: &str) -> io::Result<PathBuf> {
    use io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let unique = now() ^ (u64::from(std::process::id()) << 32);
    let path = std::env::temp_dir().join(format!("workshop-{unique:x}.sql"));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(text.as_bytes())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editors_are_told_the_line_in_their_own_way() {
        let of = |editor| editor_arguments(editor, Path::new("a.ts"), 7);
        assert_eq!(of("/usr/bin/vim -u NONE"), ["+7", "a.ts"]);
        assert_eq!(of("hx"), ["a.ts:7"]);
        assert_eq!(of("code --wait"), ["--goto", "a.ts:7"]);
        assert_eq!(of("myeditor"), ["a.ts"]);
    }
}

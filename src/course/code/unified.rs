//! A file's difference as unified text, the form that `patch` and people read. Pure.

use similar::TextDiff;

use super::diff::{FileDiff, FileStatus};

/// Lines of context around each change.
const CONTEXT: usize = 3;

/// The difference as `diff -u` writes it, with `a/` and `b/` before the names as git has it.
pub fn unified(file: &FileDiff) -> String {
    let name = |prefix: &str, text: Option<&str>| match text {
        Some(_) => format!("{prefix}/{}", file.path),
        None => "/dev/null".to_owned(),
    };
    let (before, after) = (file.before(), file.after());
    if file.binary.is_some() {
        let side =
            |prefix: &str, there: bool| if there { format!("{prefix}/{}", file.path) } else { "/dev/null".into() };
        let (old, new) = (file.status != FileStatus::Added, file.status != FileStatus::Deleted);
        return format!("{}Binary files {} and {} differ\n", modes(file), side("a", old), side("b", new));
    }
    let names = (name("a", before), name("b", after));
    modes(file)
        + &TextDiff::from_lines(before.unwrap_or_default(), after.unwrap_or_default())
            .unified_diff()
            .context_radius(CONTEXT)
            .header(&names.0, &names.1)
            .to_string()
}

/// The modes in git's words, when they are not those of any text file.
fn modes(file: &FileDiff) -> String {
    match (file.status, file.before_executable, file.after_executable) {
        (FileStatus::Added, _, true) => "new file mode 100755\n".to_owned(),
        (FileStatus::Deleted, true, _) => "deleted file mode 100755\n".to_owned(),
        (FileStatus::Changed, false, true) => "old mode 100644\nnew mode 100755\n".to_owned(),
        (FileStatus::Changed, true, false) => "old mode 100755\nnew mode 100644\n".to_owned(),
        (_, _, _) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::diff::diff_file;

    #[test]
    fn an_added_and_a_changed_file_read_as_patches() {
        let added = diff_file("x.ts", None, Some("a\n")).unwrap();
        assert_eq!(unified(&added), "--- /dev/null\n+++ b/x.ts\n@@ -0,0 +1 @@\n+a\n");
        let changed = diff_file("x.ts", Some("a\nb"), Some("a\nc\n")).unwrap();
        assert_eq!(
            unified(&changed),
            "--- a/x.ts\n+++ b/x.ts\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n"
        );
    }
}

//! A file's difference as unified text, the form that git, `patch` and people read. Pure.

use similar::TextDiff;

use super::diff::{FileDiff, FileStatus};

/// Lines of context around each change.
const CONTEXT: usize = 3;

/// The difference as git writes it, with `a/` and `b/` before the names: `patch` reads it, too, and what has no lines, a mode
/// or an empty file, has a line that names the file.
pub fn unified(file: &FileDiff) -> String {
    let there =
        |prefix: &str, there: bool| if there { format!("{prefix}/{}", file.path) } else { "/dev/null".to_owned() };
    let old = there("a", file.status != FileStatus::Added);
    let new = there("b", file.status != FileStatus::Deleted);
    let text = if file.binary.is_some() {
        format!("Binary files {old} and {new} differ\n")
    } else {
        TextDiff::from_lines(file.before.as_str(), file.after.as_str())
            .unified_diff()
            .context_radius(CONTEXT)
            .header(&old, &new)
            .to_string()
    };
    format!("diff --git a/{0} b/{0}\n{1}{text}", file.path, modes(file))
}

/// The modes in git's words; nothing when a file keeps its own.
fn modes(file: &FileDiff) -> &'static str {
    match (file.status, file.before_executable, file.after_executable) {
        (FileStatus::Added, _, true) => "new file mode 100755\n",
        (FileStatus::Added, _, false) => "new file mode 100644\n",
        (FileStatus::Deleted, true, _) => "deleted file mode 100755\n",
        (FileStatus::Deleted, false, _) => "deleted file mode 100644\n",
        (FileStatus::Changed, false, true) => "old mode 100644\nnew mode 100755\n",
        (FileStatus::Changed, true, false) => "old mode 100755\nnew mode 100644\n",
        (FileStatus::Changed, _, _) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::diff::{diff_file, diff_sources};
    use crate::code::tree::SourceFile;

    #[test]
    fn an_added_and_a_changed_file_read_as_patches() {
        let added = diff_file("x.ts", None, Some("a\n")).unwrap();
        assert_eq!(
            unified(&added),
            "diff --git a/x.ts b/x.ts\nnew file mode 100644\n--- /dev/null\n+++ b/x.ts\n@@ -0,0 +1 @@\n+a\n"
        );
        let changed = diff_file("x.ts", Some("a\nb"), Some("a\nc\n")).unwrap();
        assert_eq!(
            unified(&changed),
            "diff --git a/x.ts b/x.ts\n--- a/x.ts\n+++ b/x.ts\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n"
        );
    }

    #[test]
    fn what_has_no_lines_names_its_file_all_the_same() {
        let file = |executable| SourceFile { executable, ..SourceFile::plain("a\n") };
        let (plain, run, empty) = (file(false), file(true), SourceFile::plain(""));
        for (before, after, expected) in [
            (Some(&plain), Some(&run), "diff --git a/x b/x\nold mode 100644\nnew mode 100755\n"),
            (None, Some(&empty), "diff --git a/x b/x\nnew file mode 100644\n"),
            (Some(&empty), None, "diff --git a/x b/x\ndeleted file mode 100644\n"),
            (None, Some(&run), "diff --git a/x b/x\nnew file mode 100755\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"),
        ] {
            assert_eq!(unified(&diff_sources("x", before, after).unwrap()), expected);
        }
    }
}

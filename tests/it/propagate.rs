//! A change of the shipped course's first chapter carried to its last, in a copy.

use std::fs;
use std::path::Path;

use crate::support::{command, exe};
use workshop_base::copy_tree::copy_tree;

/// A copy of the shipped course that git knows.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new() -> Copy {
        let copy = Copy::on_disk();
        copy.git(&["init", "-q"]);
        copy.commit(&["."]);
        copy
    }

    /// One that git does not know yet.
    fn on_disk() -> Copy {
        let copy = Copy(tempfile::tempdir().unwrap());
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for part in ["lessons", "snapshots"] {
            let wanted = |path: &Path| !path.ends_with("node_modules") && !path.ends_with("cdk.out");
            copy_tree(&root.join(part), &copy.0.path().join(part), &wanted).unwrap();
        }
        copy
    }

    fn git(&self, args: &[&str]) {
        let mut git = command("git");
        git.args(["-c", "user.name=Author", "-c", "user.email=author@example.org"]).args(args);
        assert!(git.current_dir(self.0.path()).status().unwrap().success());
    }

    fn commit(&self, paths: &[&str]) {
        self.git(&[&["add", "-A", "--"][..], paths].concat());
        self.git(&["commit", "-q", "-m", "The course"]);
    }

    fn run(&self, args: &[&str], editor: &str) -> (i32, String) {
        let mut program = command(exe());
        let out = program.args(args).env("EDITOR", editor).current_dir(self.0.path()).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        (out.status.code().unwrap(), text)
    }

    fn text(&self, chapter: usize, path: &str) -> String {
        fs::read_to_string(self.0.path().join(format!("snapshots/ch{chapter:02}/{path}"))).unwrap()
    }

    fn change(&self, path: &str, from: &str, to: &str) {
        let text = self.text(0, path);
        assert!(text.contains(from), "{text}");
        fs::write(self.0.path().join("snapshots/ch00").join(path), text.replacen(from, to, 1)).unwrap();
    }
}

const STACK: &str = "cdk/lib/dat401-stack.ts";

#[test]
fn a_change_of_the_first_chapter_comes_to_the_last() {
    let copy = Copy::new();
    copy.change("helper.js", "const", "// Read me first.\nconst");
    let (code, said) = copy.run(&["lint"], "false");
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("ch01/helper.js lacks what ch00/helper.js gained since the last commit"), "{said}");
    let (code, said) = copy.run(&["propagate", "ch00"], "false");
    assert_eq!(code, 0, "{said}");
    assert!((0..=8).all(|chapter| copy.text(chapter, "helper.js").contains("// Read me first.")), "{said}");
    assert_eq!(copy.run(&["lint"], "false").0, 0);
}

#[test]
fn what_meets_a_chapters_own_change_is_settled_in_the_authors_editor_and_carried_on() {
    let copy = Copy::new();
    copy.change(STACK, "memorySize: 512", "memorySize: 1024");
    let settle = copy.0.path().join("settle.sh");
    // Keeps the chapter's own lines, with the number from before.
    let script =
        "sed -i -e '/^|||||||/,/^>>>>>>>/d' -e '/^<<<<<<</d' -e 's/memorySize: 512/memorySize: 1024/' \"$1\"\n";
    fs::write(&settle, script).unwrap();
    let (code, said) = copy.run(&["propagate", "ch00", "--edit"], "true");
    assert_eq!(code, 1, "an editor that settles nothing: {said}");
    assert!(said.contains("settle what is marked in ch01"), "{said}");
    let marked = copy.text(1, STACK);
    assert!(marked.contains("<<<<<<< ch01\n"), "{marked}");

    let copy = Copy::new();
    copy.change(STACK, "memorySize: 512", "memorySize: 1024");
    let (code, said) = copy.run(&["propagate", "ch00", "--edit"], &format!("sh {}", settle.display()));
    assert_eq!(code, 0, "{said}");
    for chapter in 1..=8 {
        let text = copy.text(chapter, STACK);
        assert!(text.contains("memorySize: 1024") && !text.contains("<<<<<<<"), "chapter {chapter}: {text}");
    }
    let (code, said) = copy.run(&["lint"], "true");
    assert_eq!(code, 0, "{said}");
}

/// Against nothing everything would be new, and meet all that the next chapter has.
#[test]
fn a_snapshot_that_no_commit_has_is_carried_nowhere() {
    for committed in [&["lessons"][..], &["lessons", "snapshots/ch01", "snapshots/ch02"]] {
        let copy = Copy::on_disk();
        copy.git(&["init", "-q"]);
        copy.commit(committed);
        copy.change(STACK, "memorySize: 512", "memorySize: 1024");
        let before = copy.text(1, STACK);
        let (code, said) = copy.run(&["propagate", "ch00"], "false");
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("it is not known what ch00") && said.contains("--old DIR"), "{said}");
        assert_eq!(copy.text(1, STACK), before);
    }
}

#[test]
fn what_git_leaves_out_is_told_and_was_not_forgotten() {
    let copy = Copy::on_disk();
    fs::write(copy.0.path().join(".gitignore"), "dist/\n*.log\n").unwrap();
    copy.git(&["init", "-q"]);
    fs::create_dir_all(copy.0.path().join("snapshots/ch00/node_modules")).unwrap();
    fs::write(copy.0.path().join("snapshots/ch00/node_modules/a.log"), "").unwrap();
    for chapter in 0..=8 {
        let dist = copy.0.path().join(format!("snapshots/ch{chapter:02}/dist"));
        fs::create_dir(&dist).unwrap();
        fs::write(dist.join("page.txt"), "a page\n").unwrap();
    }
    copy.commit(&["."]);
    let (code, said) = copy.run(&["lint"], "false");
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("git leaves snapshots/ch00/dist out, and it is part of the course"), "{said}");
    assert!(!said.contains("node_modules"), "{said}");
    fs::remove_file(copy.0.path().join("snapshots/ch08/dist/page.txt")).unwrap();
    let (_, said) = copy.run(&["lint"], "false");
    assert!(!said.contains("lacks what"), "it was there before the last commit, too: {said}");
}

/// As a hook of git has it in a linked worktree or a submodule: with the repository's place in a variable, git takes the directory
/// where it is asked for the top of the working tree.
#[test]
fn what_was_not_carried_on_is_found_within_a_hook_too() {
    let copy = Copy::new();
    copy.change(STACK, "memorySize: 512", "memorySize: 1024");
    let mut program = command(exe());
    program.args(["lint", "--format", "plain"]).env("GIT_DIR", copy.0.path().join(".git")).env("GIT_PREFIX", "");
    let out = program.current_dir(copy.0.path()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(said.contains(&format!("ch01/{STACK} lacks what ch00/{STACK} gained")), "{said}");
}

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;

#[test]
fn reads_files_by_slash_path_and_leaves_out_what_tools_make() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs::create_dir_all(root.join("lambda/src")).unwrap();
    fs::create_dir_all(root.join("lambda/node_modules/x")).unwrap();
    fs::create_dir_all(root.join("cdk/cdk.out")).unwrap();
    fs::create_dir_all(root.join("app/__pycache__")).unwrap();
    fs::write(root.join("app/__pycache__/a.pyc"), "no").unwrap();
    fs::write(root.join("lambda/src/index.ts"), "a\r\nb").unwrap();
    fs::write(root.join("lambda/node_modules/x/index.js"), "no").unwrap();
    fs::write(root.join("cdk/cdk.out/t.json"), "no").unwrap();
    fs::write(root.join(".gitignore"), "").unwrap();
    let reading = read(root).unwrap();
    assert!(reading.skipped.is_empty());
    let expected = [(".gitignore", ""), ("lambda/src/index.ts", "a\r\nb")];
    assert_eq!(reading.files, Tree::from(expected.map(|(p, t)| (p.to_owned(), SourceFile::plain(t)))));
    let ignored: Vec<&str> = reading.ignored.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(ignored, ["app/__pycache__", "cdk/cdk.out", "lambda/node_modules"]);
}

#[test]
fn says_what_it_left_out_and_why() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("project");
    fs::create_dir(&root).unwrap();
    fs::write(dir.path().join("secret"), "outside").unwrap();
    std::os::unix::fs::symlink(dir.path(), root.join("dir-link")).unwrap();
    std::os::unix::fs::symlink("../secret", root.join("link")).unwrap();
    fs::write(root.join("at 10:30"), "no learner's directory can have it").unwrap();
    fs::write(root.join("two\nlines"), "no line names it").unwrap();
    fs::write(root.join("big"), vec![b'x'; MAX_FILE as usize + 1]).unwrap();
    let reading = read(&root).unwrap();
    assert!(reading.files.is_empty());
    let said: Vec<String> = reading.skipped.iter().map(|(p, why)| format!("{p} {why}")).collect();
    assert_eq!(
        said,
        [
            "at 10:30 has a name with `:`, `\\` or a control character, which is no name of a file everywhere",
            "big is larger than 4 MiB",
            "dir-link is a symbolic link, and those are not followed",
            "link is a symbolic link, and those are not followed",
            "two\nlines has a name with `:`, `\\` or a control character, which is no name of a file everywhere",
        ]
    );
}

#[test]
fn what_an_editor_or_a_system_puts_beside_a_file_is_no_part_of_a_project() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let clutter = [".a.js.swp", ".a.js.swo", "a.js~", "#a.js#", "._a.js", ".DS_Store"];
    let files = ["#", ".env", ".swp.js", "a.js", "a.swp", "a~b"];
    for name in clutter.iter().chain(&files) {
        fs::write(root.join(name), "x").unwrap();
    }
    std::os::unix::fs::symlink("me@host.1:2", root.join(".#a.js")).unwrap();
    let reading = read(root).unwrap();
    assert!(reading.skipped.is_empty(), "{:?}", reading.skipped);
    assert_eq!(reading.files.keys().map(String::as_str).collect::<Vec<_>>(), files);
}

#[test]
fn one_file_is_read_only_below_the_root() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("project");
    fs::create_dir_all(root.join("src")).unwrap();
    fs::write(dir.path().join("secret"), "outside").unwrap();
    fs::write(root.join("src/a"), "inside").unwrap();
    std::os::unix::fs::symlink("..", root.join("up")).unwrap();
    assert_eq!(read_file(&root, "src/a").unwrap(), Some(SourceFile::plain("inside")));
    assert_eq!(read_file(&root, "src/b").unwrap(), None);
    assert_eq!(read_file(&root, "src/a/b").unwrap(), None);
    for path in ["../secret", "/etc/passwd", "src/../../secret", "", "src//a", "./src/a", "C:/x", "a\\b"] {
        assert!(matches!(read_file(&root, path), Err(TreeError::Outside(_))), "{path}");
    }
    assert_eq!(
        read_file(&root, "up/secret").unwrap_err().to_string(),
        "`up/secret` is a symbolic link, and those are not followed"
    );
    assert!(matches!(read_file(&root, "src"), Err(TreeError::Skipped { .. })));
}

#[test]
fn a_root_that_is_not_there_is_named() {
    assert!(matches!(read(Path::new("/nonexistent/project")), Err(TreeError::Missing(_))));
}

#[test]
fn modes_and_what_is_no_text_are_part_of_a_tree() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs::write(root.join("gradlew"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(root.join("gradlew"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(root.join("logo.png"), [0x89, b'P', 0xff]).unwrap();
    fs::write(root.join("nul"), "a\0b").unwrap();
    let reading = read(root).unwrap();
    assert!(reading.skipped.is_empty());
    assert!(reading.files["gradlew"].executable && reading.files["gradlew"].text().is_some());
    assert_eq!(reading.files["logo.png"].content, FileContent::Binary(vec![0x89, b'P', 0xff]));
    assert_eq!(reading.files["nul"].bytes(), b"a\0b");
}

#[test]
fn a_project_says_itself_what_is_not_part_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    for (path, text) in [
        (".gitignore", "/dist/\n*.log\n!keep.log\n# a comment\n"),
        ("dist/app.js", "made"),
        ("web/dist/app.js", "written"),
        ("web/.gitignore", "secret.txt\n!all.log\n"),
        ("web/secret.txt", "x"),
        ("web/all.log", "wanted here"),
        ("run.log", "x"),
        ("keep.log", "x"),
    ] {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
    let reading = read(root).unwrap();
    let files: Vec<&str> = reading.files.keys().map(String::as_str).collect();
    assert_eq!(files, [".gitignore", "keep.log", "web/.gitignore", "web/all.log", "web/dist/app.js"]);
    assert_eq!(reading.ignored_by("dist/app.js"), Some(".gitignore says `/dist/`"));
    assert_eq!(reading.ignored_by("web/secret.txt"), Some("web/.gitignore says `secret.txt`"));
    assert_eq!(reading.ignored_by("web/dist/app.js"), None);
    assert_eq!(reading.ignored_by("distant"), None);
}

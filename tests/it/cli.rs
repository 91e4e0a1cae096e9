//! The program as its user calls it: words in, words and an exit code out.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output};

use workshop_base::copy_tree::copy_tree;

fn workshop(args: &[&str]) -> Output {
    crate::support::command(crate::support::exe()).args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_course_is_valid_and_fits_its_slot() {
    let out = workshop(&["lint"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let said = text(&out.stdout);
    assert!(said.contains("43 (local) and 45 (aws) of 45 minutes: no problems"), "{said}");
}

#[test]
fn lint_names_every_problem_with_its_place_and_exits_2() {
    let dir = tempfile::tempdir().unwrap();
    let lessons = dir.path().join("lessons");
    std::fs::create_dir(&lessons).unwrap();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, lessons.join(path.file_name().unwrap())).unwrap();
    }
    let chapter = lessons.join("ch01.yaml");
    let broken = std::fs::read_to_string(&chapter).unwrap().replace("deploy: deploy", "deploy: deplpy");
    std::fs::write(&chapter, broken).unwrap();
    let out = workshop(&["lint", "--lessons", lessons.to_str().unwrap(), "--snapshots", "snapshots"]);
    assert_eq!(out.status.code(), Some(2));
    let said = text(&out.stdout);
    assert_eq!(said.matches("`deploy` cannot be `deplpy`").count(), 3, "{said}");
    assert!(said.contains("ch01.yaml:") && said.contains("did you mean `deploy`"), "{said}");
    assert!(!said.contains('\u{1b}'), "colour without a terminal");

    // The same for machines: an object a line, an annotation a line.
    let form = |format| {
        let args = ["lint", "--lessons", lessons.to_str().unwrap(), "--snapshots", "snapshots", "--format", format];
        let out = workshop(&args);
        (out.status.code(), text(&out.stdout))
    };
    let (code, json) = form("json");
    let read: Vec<serde_json::Value> = json.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((code, read.len()), (Some(2), 3));
    assert!(read.iter().all(|p| p["spot"]["line"].as_u64() > Some(1) && p["hint"] == "did you mean `deploy`?"));
    let (code, github) = form("github");
    assert_eq!((code, github.matches("::error file=").count()), (Some(2), 3), "{github}");
    assert_eq!(form("junit").0, Some(2));
}

#[test]
fn a_diff_is_a_patch_that_git_takes() {
    let out = workshop(&["diff", "0", "1"]);
    assert_eq!(out.status.code(), Some(0));
    assert_eq!(workshop(&["diff", "ch00", "ch01"]).stdout, out.stdout, "by the snapshots' names");
    let dir = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let copied = Command::new("cp").arg("-r").arg(root.join("ch00/.")).arg(dir.path()).status().unwrap();
    assert!(copied.success());
    let patch = dir.path().join("patch");
    std::fs::write(&patch, &out.stdout).unwrap();
    let applied = Command::new("git").args(["apply", "patch"]).current_dir(dir.path()).output().unwrap();
    assert!(applied.status.success(), "{}", text(&applied.stderr));
    for file in ["cdk/lib/dat401-stack.ts", "lambda/src/db.ts", "lambda/src/index.ts"] {
        let (got, want) = (std::fs::read(dir.path().join(file)), std::fs::read(root.join("ch01").join(file)));
        assert_eq!(got.unwrap(), want.unwrap(), "{file}");
    }
}

/// Whoever looks for what a step can name is in the middle of writing it.
#[test]
fn a_diff_needs_no_valid_course() {
    let dir = tempfile::tempdir().unwrap();
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons/base"), dir.path(), &|_| true).unwrap();
    let lesson = dir.path().join("lessons/ch01.yaml");
    let whole = std::fs::read_to_string(&lesson).unwrap();
    std::fs::write(&lesson, whole.replace("edit: all", "edit: [{file: src/index.js, match: gone}]\n    sayy: x"))
        .unwrap();
    assert_eq!(away(dir.path(), &["lint"]).status.code(), Some(2));
    for chapters in [["0", "1"], ["ch00", "ch01"]] {
        let out = away(dir.path(), &[&["diff"][..], &chapters].concat());
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stdout));
        assert!(text(&out.stdout).contains("+  log(event);"), "{}", text(&out.stdout));
    }
}

#[test]
fn wrong_use_exits_2_and_says_what_to_do() {
    let out = workshop(&["diff", "0", "9"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("chapters go from 0 to 8"));
    let out = workshop(&["diff", "ch00", "ch0"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("workshop diff ch00 ch01"));
    let out = workshop(&["lint", "--lessons", "/nowhere"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("pass --lessons"));
    let out = workshop(&["--format", "xml", "--check"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("junit"));
}

#[test]
fn a_directory_with_somebodys_files_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("package.json"), "{}").unwrap();
    for how in [&["--plain"][..], &["--check"], &["--chapter", "1", "--plain"]] {
        let out = workshop(&[&["--workdir", dir.path().to_str().unwrap()], how].concat());
        assert_eq!(out.status.code(), Some(2), "{how:?}: {}", text(&out.stderr));
        assert!(text(&out.stderr).contains("--workdir"), "{}", text(&out.stderr));
    }
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["package.json"]);
}

#[test]
fn the_published_schema_is_current() {
    let out = workshop(&["schema"]);
    let schema: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert!(schema["$defs"].is_object() && schema["$id"].is_string());
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/lesson.schema.json");
    let published = std::fs::read_to_string(published).unwrap();
    assert_eq!(published, text(&out.stdout), "renew it: cargo run -- schema > schema/lesson.schema.json");
}

/// A program that was installed elsewhere: nothing of the checkout is near it.
fn away(dir: &Path, args: &[&str]) -> Output {
    let exe = dir.join("workshop");
    if !exe.exists() {
        std::fs::copy(crate::support::exe(), &exe).unwrap();
    }
    let cache = dir.join("cache");
    crate::support::command(exe).args(args).current_dir(dir).env("WORKSHOP_CACHE", cache).output().unwrap()
}

#[test]
fn an_installed_program_brings_its_course() {
    let dir = tempfile::tempdir().unwrap();
    let shipped = away(dir.path(), &["diff", "0", "1"]);
    assert_eq!(text(&shipped.stdout), text(&workshop(&["diff", "0", "1"]).stdout), "{}", text(&shipped.stderr));
    // All of it, as it is in the checkout.
    let laid_out = std::fs::read_dir(dir.path().join("cache/course")).unwrap().next().unwrap().unwrap().path();
    for part in ["lessons", "snapshots"] {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join(part);
        let mut same = Command::new("diff");
        same.args(["-r", "-x", "node_modules", "-x", "cdk.out"]).arg(here).arg(laid_out.join(part));
        let same = same.output().unwrap();
        assert!(same.status.success(), "touch build.rs if a file has come or gone: {}", text(&same.stdout));
    }
    // What an author asks is not asked of it.
    for asked in [&["lint"][..], &["prove"]] {
        let out = away(dir.path(), asked);
        assert_eq!(out.status.code(), Some(2), "{asked:?}");
        assert!(text(&out.stderr).contains("no course was found here"), "{}", text(&out.stderr));
    }
    // A course in the current directory wins.
    std::fs::create_dir(dir.path().join("lessons")).unwrap();
    std::fs::write(dir.path().join("lessons/course.yaml"), "title: 3\n").unwrap();
    let out = away(dir.path(), &["diff", "0", "1"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("the course is not valid"), "{}", text(&out.stderr));
}

#[test]
fn an_invalid_course_writes_the_reports_that_were_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("lessons")).unwrap();
    std::fs::write(dir.path().join("lessons/course.yaml"), "title: Mine\nslot: soon\n").unwrap();
    let run = |args: &[&str]| {
        let mut command = crate::support::command(crate::support::exe());
        command.args(args).current_dir(dir.path()).env("GITHUB_ACTIONS", "true").output().unwrap()
    };
    for how in [&["--check"][..], &["prove"]] {
        let out = run(&[how, &["--format", "junit:report.xml", "--format", "tap:report.tap"]].concat());
        assert_eq!(out.status.code(), Some(2));
        let junit = std::fs::read_to_string(dir.path().join("report.xml")).unwrap();
        assert!(junit.contains("<testcase classname=\"course\" name=\"lessons/course.yaml:"), "{junit}");
        let tap = std::fs::read_to_string(dir.path().join("report.tap")).unwrap();
        assert!(tap.starts_with("TAP version 13\nnot ok 1 - the run comes out well\nBail out! "), "{tap}");
        assert!(text(&out.stdout).contains("::error file=lessons/course.yaml,line="), "{}", text(&out.stdout));
    }
    // So does lint, unasked.
    let out = run(&["lint"]);
    assert!(text(&out.stdout).contains("\n::error file=lessons/course.yaml,line="), "{}", text(&out.stdout));
}

#[test]
fn every_shell_gets_its_completions_and_man_its_page() {
    for (shell, sign) in [("bash", "complete -F"), ("zsh", "#compdef workshop"), ("fish", "complete -c workshop")] {
        let out = workshop(&["completions", shell]);
        assert_eq!(out.status.code(), Some(0));
        assert!(text(&out.stdout).contains(sign), "{shell}");
    }
    let page = text(&workshop(&["man"]).stdout);
    assert!(page.contains(".TH workshop 1") && page.contains("prove") && page.contains("Exit codes"), "{page}");
}

#[test]
fn an_option_that_a_command_would_pass_over_is_refused() {
    let out = workshop(&["lint", "--choose", "language=js"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("lint looks at every option"), "{}", text(&out.stderr));
    for args in [&["--chapter", "1", "lint"][..], &["--check", "doctor"]] {
        let out = workshop(args);
        assert_eq!(out.status.code(), Some(2));
        assert!(text(&out.stderr).contains("goes with no command"), "{}", text(&out.stderr));
    }
}

/// What `workshop new` writes is valid, is what it says, and is agreed to by whoever has made it.
#[test]
fn a_new_course_lints_and_is_proved() {
    let dir = tempfile::tempdir().unwrap();
    let at = |home: &str, args: &[&str]| {
        let mut command = crate::support::command(crate::support::exe());
        command.args(args).current_dir(dir.path().join(home)).output().unwrap()
    };
    for args in [&["new", "queues-by-hand"][..], &["new", "cloudy", "--cloud", "--title", "A \"cloudy\" day"]] {
        let out = at("", args);
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        let out = at(args[1], &["lint"]);
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stdout));
        assert!(text(&out.stdout).contains("2 chapters"), "{}", text(&out.stdout));
    }
    assert!(text(&at("cloudy", &["lint"]).stdout).starts_with("A \"cloudy\" day: "));
    let out = at("", &["new", "cloudy"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("holds something already"), "{}", text(&out.stderr));
    let out = at("queues-by-hand", &["prove"]);
    assert_eq!(out.status.code(), Some(0), "{}{}", text(&out.stdout), text(&out.stderr));
}

#[test]
fn a_course_is_opened_from_a_directory_a_file_and_an_address() {
    let dir = tempfile::tempdir().unwrap();
    let at = |args: &[&str]| {
        let mut command = crate::support::command(crate::support::exe());
        command.args(args).current_dir(dir.path()).env("WORKSHOP_CACHE", dir.path().join("cache"));
        command.output().unwrap()
    };
    assert_eq!(at(&["new", "mine"]).status.code(), Some(0));
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=x", "-c", "user.email=x@example.invalid"];
        let out = Command::new("git").args(identity).args(args).current_dir(dir.path().join("mine")).output().unwrap();
        assert!(out.status.success(), "{}", text(&out.stderr));
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "x"]);
    let url = format!("file://{}", dir.path().join("mine").display());
    for named in ["mine", "mine/lessons", "mine/lessons/course.yaml", &url] {
        let out = at(&["--course", named, "lint"]);
        assert_eq!(out.status.code(), Some(0), "{named}: {}{}", text(&out.stdout), text(&out.stderr));
    }
    // What comes from elsewhere runs nothing unasked.
    let out = at(&["--course", &url, "--check"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("pass --agree"), "{}", text(&out.stderr));
    let out = at(&["--course", "nowhere", "lint"]);
    assert!(text(&out.stderr).contains("there is no course in nowhere"), "{}", text(&out.stderr));
}

#[test]
fn courses_are_installed_from_anywhere_listed_chosen_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let at = |args: &[&str]| {
        let mut command = crate::support::command(crate::support::exe());
        command.args(args).current_dir(dir.path()).env("WORKSHOP_CACHE", dir.path().join("cache"));
        let out = command.output().unwrap();
        (out.status.code().unwrap(), text(&out.stdout) + &text(&out.stderr))
    };
    for name in ["all/queues", "all/sorting"] {
        assert_eq!(at(&["new", name]).0, 0);
    }
    // Of several, one must be named.
    let (code, said) = at(&["--course", "all", "lint"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("there are 2 courses") && said.contains("--course queues, or --course sorting"), "{said}");
    assert_eq!(at(&["--course", "all/queues", "lint"]).0, 0);

    let packed = |name: &str, args: &[&str]| {
        let made = Command::new("tar").args(["-C", "all", "-czf", name]).args(args).current_dir(dir.path()).status();
        assert!(made.unwrap().success());
    };
    packed("queues.tar.gz", &["queues"]);
    let (code, said) = at(&["course", "install", "queues.tar.gz"]);
    assert!(code == 0 && said.contains("queues: Queues\n") && said.contains("sha256 "), "{said}");
    std::fs::remove_file(dir.path().join("queues.tar.gz")).unwrap();
    let (code, said) = at(&["--course", "queues", "lint"]);
    assert!(code == 0 && said.starts_with("Queues: 2 chapters"), "{said}");
    assert_eq!(at(&["course", "install", "all/sorting"]).0, 0);
    let (code, said) = at(&["course", "list"]);
    assert!(code == 0 && said.contains("queues: Queues") && said.contains("sorting: Sorting"), "{said}");
    // What was installed runs nothing unasked.
    let (code, said) = at(&["--course", "sorting", "--check"]);
    assert!(code == 2 && said.contains("pass --agree"), "{said}");
    assert_eq!(at(&["course", "remove", "queues"]).0, 0);
    let (code, said) = at(&["--course", "queues", "lint"]);
    assert!(code == 2 && said.contains("there is no course in queues"), "{said}");
    assert_eq!(at(&["course", "remove", "queues"]).0, 2);

    packed("nothing.tar.gz", &["queues/snapshots"]);
    let (code, said) = at(&["course", "install", "nothing.tar.gz"]);
    assert!(code == 2 && said.contains("there is no course in nothing.tar.gz"), "{said}");
    std::fs::write(dir.path().join("no.zip"), "no archive").unwrap();
    let (code, said) = at(&["course", "install", "no.zip"]);
    assert!(code == 2 && said.contains("cannot be unpacked"), "{said}");
    let (_, said) = at(&["course", "list"]);
    assert!(!said.contains("nothing") && !said.contains("no.zip"), "{said}");
}

/// Runs the program in a directory, with a file as what is typed, and returns its exit code and all that it has said.
fn with_input(dir: &Path, args: &[&str], input: &str) -> (i32, String) {
    let typed = dir.join("typed");
    std::fs::write(&typed, input).unwrap();
    let mut command = crate::support::command(crate::support::exe());
    command.args(args).current_dir(dir).stdin(std::fs::File::open(typed).unwrap());
    let out = command.output().unwrap();
    (out.status.code().unwrap(), text(&out.stdout) + &text(&out.stderr))
}

/// A course from an address works in the directory that it names itself.
#[test]
fn a_course_from_an_address_is_walked_in_its_own_directory() {
    let dir = tempfile::tempdir().unwrap();
    let at = |args: &[&str], input: &str| with_input(dir.path(), args, input);
    assert_eq!(at(&["new", "mine"], "").0, 0);
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=x", "-c", "user.email=x@example.invalid"];
        let out = Command::new("git").args(identity).args(args).current_dir(dir.path().join("mine")).output().unwrap();
        assert!(out.status.success(), "{}", text(&out.stderr));
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "x"]);
    git(&["tag", "v1"]);
    let url = format!("file://{}#v1", dir.path().join("mine").display());
    let (code, said) = at(&["--course", &url, "--agree", "--plain"], "next\nrun\nnext\nrun\nquit\n");
    assert_eq!(code, 0, "{said}");
    assert!(dir.path().join("my-mine/greetings.js").is_file(), "{said}");
    assert!(!dir.path().join("my-dsql-app").exists());
    let (_, listed) = at(&["course", "list"], "");
    let lines: Vec<&str> = listed.lines().collect();
    let source = lines.iter().position(|line| line.ends_with(&url)).unwrap_or_else(|| panic!("{listed}"));
    let name = lines[source - 1].split(':').next().unwrap();
    assert_eq!(at(&["course", "remove", name], "").0, 0);
}

#[test]
fn a_rehearsal_becomes_the_plan() {
    let dir = tempfile::tempdir().unwrap();
    let at = |home: &str, args: &[&str], input: &str| {
        let mut command = crate::support::command(crate::support::exe());
        let typed = dir.path().join("typed");
        std::fs::write(&typed, input).unwrap();
        let typed = std::fs::File::open(typed).unwrap();
        command.args(args).current_dir(dir.path().join(home)).stdin(typed).output().unwrap()
    };
    // An empty clone is an empty directory.
    std::fs::create_dir_all(dir.path().join("mine/.git")).unwrap();
    assert_eq!(at("", &["new", "mine"], "").status.code(), Some(0));
    assert_eq!(at("", &["new", "mine"], "").status.code(), Some(2));
    let nothing = at("mine", &["rehearse"], "");
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("nothing was rehearsed"), "{}", text(&nothing.stderr));
    let walked = at("mine", &["--plain"], "next\nnext\nquit\n");
    assert_eq!(walked.status.code(), Some(0), "{}", text(&walked.stdout));
    let shown = at("mine", &["rehearse"], "");
    assert!(text(&shown.stdout).contains("What you are going to build"), "{}", text(&shown.stdout));
    let written = at("mine", &["rehearse", "--write"], "");
    assert!(
        text(&written.stdout).contains("written: lessons/ch00.yaml"),
        "{}{}",
        text(&written.stdout),
        text(&written.stderr)
    );
    let chapter = std::fs::read_to_string(dir.path().join("mine/lessons/ch00.yaml")).unwrap();
    assert!(chapter.contains("    minutes: 0.25\n") && !chapter.contains("\nminutes: 3\n"), "{chapter}");
    assert_eq!(at("mine", &["lint"], "").status.code(), Some(0));
    for lessons in [".", "../lessons/"] {
        let linted = at("mine/lessons", &["lint", "--lessons", lessons], "");
        assert_eq!(linted.status.code(), Some(0), "{lessons}: {}", text(&linted.stdout));
    }
}

#[test]
fn whoever_waits_for_an_account_is_told_what_for_and_can_stop_it() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let dir = tempfile::tempdir().unwrap();
    let mut child = crate::support::command(crate::support::exe())
        .args(["--check", "--chapter", "0", "--target", "aws"])
        .current_dir(dir.path())
        .env("AWS_ENDPOINT_URL", format!("http://{}", silent.local_addr().unwrap()))
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "sesame")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("started");
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "waiting for AWS to answer about the account and the course's stack"));
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("signalled");
    let left: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{left:?}");
}

/// A course of three chapters that change the same line, and a directory where the last of them was worked through.
fn three_chapters(dir: &Path) {
    let put = |path: &str, text: &str| {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("lessons/course.yaml", "title: Three\ncode: T3\nslot: 10\nprerequisites: []\nchapters: [ch00, ch01, ch02]\n");
    for (number, word) in ["zero", "one", "two"].into_iter().enumerate() {
        let on_stage = number > 0;
        let steps = "- {id: edit, title: Edit, minutes: 1, say: s, edit: all}\n\
                     - {id: run, title: Run, minutes: 1, say: s, shell: {run: cat a.txt}}";
        let check = format!("- {{id: c{number}, title: C, file: {{path: a.txt, contains: {word}}}}}");
        let head = format!("snapshot: ch0{number}\ntitle: {word}\nminutes: 2\non_stage: {on_stage}\ngoals: [g]");
        put(&format!("lessons/ch0{number}.yaml"), &format!("{head}\nsteps:\n{steps}\nchecks:\n{check}\n"));
        put(&format!("snapshots/ch0{number}/a.txt"), &format!("1\n2\n3\n{word}\n5\n6\n7\n"));
    }
}

#[test]
fn who_begins_again_with_own_lines_is_asked_or_has_said_before_what_becomes_of_them() {
    let dir = tempfile::tempdir().unwrap();
    three_chapters(dir.path());
    let at = |args: &[&str], input: &str| with_input(dir.path(), args, input);
    let line = |workdir: &str| {
        let file = std::fs::read_to_string(dir.path().join(workdir).join("a.txt")).unwrap();
        file.lines().nth(3).unwrap().to_owned()
    };
    // What is asked for, and what becomes of it: the exit code, the line, what is said.
    for (workdir, args, code, left, said) in [
        // Nothing of the course is there.
        ("a", &[][..], 0, "mine", "your edits of a.txt are back"),
        ("b", &["--chapter", "2"], 2, "mine", "`--edits own` goes on with yours"),
        ("b", &["--chapter", "2", "--edits", "own"], 0, "mine", "everything is as chapter 2 begins"),
        ("c", &["--chapter", "2", "--edits", "course"], 0, "one", "your edits of a.txt were put aside"),
        // A file that the workshop has never written.
        ("strange", &[], 2, "strange", "`--edits course` puts them aside"),
        ("strange", &["--edits", "own"], 2, "strange", "`--edits course` puts them aside"),
        ("strange", &["--edits", "course"], 0, "zero", "your edits of a.txt were put aside"),
    ] {
        let home = dir.path().join(workdir);
        if workdir == "strange" && !home.exists() {
            std::fs::create_dir_all(home.join(".workshop")).unwrap();
            std::fs::write(home.join("a.txt"), "1\n2\n3\nstrange\n5\n").unwrap();
        } else if !home.exists() {
            assert_eq!(at(&["--plain", "--workdir", workdir], "go 2\nrun\nnext\nrun\nquit\n").0, 0);
            std::fs::write(home.join("a.txt"), "1\n2\n3\nmine\n5\n6\n7\n").unwrap();
        }
        let (came, told) = at(&[&["begin-again", "--workdir", workdir], args].concat(), "");
        assert_eq!((came, line(workdir).as_str()), (code, left), "{workdir} {args:?}: {told}");
        assert!(told.contains(said), "{workdir} {args:?}: {told}");
    }
    // What a chapter without checks is like cannot be looked at.
    let chapter = dir.path().join("lessons/ch01.yaml");
    let lesson = std::fs::read_to_string(&chapter).unwrap();
    std::fs::write(&chapter, lesson.split("checks:").next().unwrap()).unwrap();
    let (code, said) = at(&["--chapter", "1", "--check", "--workdir", "c"], "");
    assert!(code == 2 && said.contains("chapter 1 has no checks"), "{code}: {said}");
    assert_eq!(at(&["--chapter", "0", "--check", "--workdir", "strange"], "").0, 0);
}

/// As a build server sets them: empty where nobody has filled them in, and `1` for yes.
#[test]
fn a_variable_that_is_empty_is_not_set_and_one_is_yes() {
    let names = ["TARGET", "COURSE", "LESSONS", "SNAPSHOTS", "LOCALE", "NO_STANDBY", "TIME_LIMIT", "CHECKPOINTS"];
    let mut command = crate::support::command(crate::support::exe());
    command.envs(names.map(|name| (format!("WORKSHOP_{name}"), "")));
    let out = command.arg("lint").current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    for yes in ["1", "true", "yes"] {
        let mut command = crate::support::command(crate::support::exe());
        let out = command.env("WORKSHOP_NO_STANDBY", yes).arg("schema").output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{yes}: {}", text(&out.stderr));
    }
}

//! The screen under a pseudo-terminal: how it starts, how it ends, what it does to the terminal.
//!
//! Each test runs this binary again, as [`child`], inside a terminal of its own. States are waited for,
//! never times; the terminal is always drained, or the child would block on it.

mod agreement;
mod console;
mod mouse;
#[allow(dead_code, reason = "shared with a benchmark, which uses all of it")]
mod opened;
mod steps;
mod tty;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize};
use tokio::sync::mpsc::unbounded_channel;
use tty::Tty;

use crate::actor::Actor;

/// The program inside the terminal. It is also the way to try the screen by hand:
/// `cargo test --test it pty::child -- --ignored --nocapture`
#[test]
#[ignore = "run by the other tests, in a terminal of their own"]
fn child() {
    if std::env::var("WORKSHOP_TEST_SCREEN").as_deref() == Ok("sql") {
        return console::child();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let course = workshop_course::lesson::load::load(&root.join("lessons"), &root.join("snapshots")).unwrap();
    let course = Arc::new(course);
    let workdir = std::env::var_os("WORKSHOP_TEST_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    std::fs::create_dir_all(workdir.join(".workshop")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (requests, inbox) = unbounded_channel();
    let (outbox, events) = unbounded_channel();
    let mut actor = Actor::new(course.clone(), workdir.clone(), outbox);
    if std::env::var_os("WORKSHOP_TEST_PACE").is_some() {
        actor.pace = Duration::ZERO;
    }
    if let Some(lines) = std::env::var("WORKSHOP_TEST_NOISE").ok().and_then(|n| n.parse().ok()) {
        actor.noise = lines;
    }
    runtime.spawn(actor.play(inbox));
    let setup = workshop::tui::ScreenConfig {
        recording: None,
        whole: None,
        first_frame: None,
        uses: course.uses(),
        course,
        requests,
        events,
        workdir: workdir.clone(),
        looks: workshop::tui::Looks::from_environment(|name| std::env::var(name).ok()),
        editor: std::env::var("EDITOR").ok(),
        redact: false,
        user: workshop::tui::UserConfig::default(),
        shell_target: workshop::tui::ShellTarget::Sandbox,
        standby_shell: None,
    };
    // A panic of the thread that draws, when the test asks for it.
    let panics = async {
        let trigger = workdir.join("panic");
        while !trigger.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the test wants it");
    };
    let end = runtime.block_on(async {
        match std::env::var("WORKSHOP_TEST_SCREEN").as_deref() {
            Ok("plain") => workshop::tui::plain::run(setup).await,
            Ok("notes") => {
                let workshop::tui::ScreenConfig { course, workdir, looks, redact, user, .. } = setup;
                let keymap = user.keymap;
                let notes = workshop::tui::notes::NotesConfig { course, workdir, looks, redact, keymap };
                workshop::tui::notes::run(notes).await
            }
            _ => tokio::select! { end = workshop::tui::run(setup) => end, () = panics => unreachable!() },
        }
    });
    match end {
        Ok(exit) => println!("ended: {exit:?}"),
        Err(problem) => println!("ended: {problem} ({})", problem.hint.clone().unwrap_or_default()),
    }
    runtime.shutdown_background();
}

#[test]
fn leaves_the_terminal_as_it_was() {
    let mut tty = Tty::start(24, 80, &[]);
    tty.sees("space");
    assert!(tty.parser.screen().alternate_screen());
    assert!(tty.parser.screen().bracketed_paste());
    assert!(!tty.is_cooked());
    tty.send("q");
    tty.ends();
    assert!(tty.says("ended: Left"));
    // Another that was killed may have left that screen full.
    let text = String::from_utf8_lossy(&tty.raw).into_owned();
    let [entered, emptied, drawn] = ["\x1b[?1049h", "\x1b[2J", "Outline"].map(|what| text.find(what).expect(what));
    assert!(entered < emptied && emptied < drawn, "entered at {entered}, emptied at {emptied}, drawn at {drawn}");
}

#[test]
fn a_panic_restores_before_it_is_reported() {
    let mut tty = Tty::start(24, 80, &[]);
    tty.sees("space");
    std::fs::write(tty.dir.path().join("panic"), "").unwrap();
    tty.ends();
    let text = String::from_utf8_lossy(&tty.raw).into_owned();
    let left = text.rfind("\x1b[?1049l").expect("the alternate screen is left");
    let report = text.rfind("the test wants it").expect("the panic is reported");
    assert!(left < report, "the report is not on the screen that is gone");
}

#[test]
fn an_error_is_told_on_the_terminal_as_it_was() {
    let others = tempfile::tempdir().unwrap();
    std::fs::write(others.path().join("thesis.txt"), "mine").unwrap();
    let command = opened::workshop(Path::new(env!("CARGO_MANIFEST_DIR")), others.path());
    let mut tty = Tty::run(command, 24, 80, &[]);
    tty.ends();
    let text = String::from_utf8_lossy(&tty.raw).into_owned();
    let left = text.rfind("\x1b[?1049l").expect("the screen was there");
    let told = text.rfind("that are not the workshop's").expect("the error is told");
    assert!(left < told, "the error is not on the screen that is gone");
    assert_eq!(tty.child.wait().unwrap().exit_code(), 2);
}

#[test]
fn signals_end_it_in_order() {
    use rustix::process::Signal;
    for signal in [Signal::TERM, Signal::HUP, Signal::QUIT, Signal::ABORT, Signal::USR1, Signal::ALARM] {
        let name = format!("Signal({})", signal.as_raw());
        let mut tty = Tty::start(24, 80, &[]);
        tty.sees("space");
        rustix::process::kill_process(tty.pid(), signal).unwrap();
        tty.ends();
        assert!(tty.says(&format!("ended: {name}")));
    }
}

#[test]
fn ctrl_z_and_fg() {
    // A shell with job control around it: the leader of a session itself cannot stop.
    let exe = std::env::current_exe().unwrap();
    let mut shell = CommandBuilder::new("bash");
    let line = format!(
        "set -m; {} pty::child --exact --ignored --nocapture --test-threads=1; echo stopped-here; read x; fg; echo over",
        exe.display()
    );
    shell.args(["-c", &line]);
    let mut tty = Tty::run(shell, 24, 80, &[]);
    tty.sees("space");
    tty.send("\x1a");
    tty.sees("stopped-here");
    tty.is_restored();
    // Only a frame drawn from now on counts: keys typed before it are thrown away.
    tty.parser = vt100::Parser::new(24, 80, 0);
    tty.send("\n");
    tty.until("the screen again", |tty| tty.parser.screen().alternate_screen() && tty.screen().contains("space"));
    tty.until("raw mode again", |tty| !tty.is_cooked());
    tty.send("q");
    tty.sees("over");
    tty.is_restored();
    // The window's title goes onto the terminal's stack as often as it is taken from there.
    let count = |sequence: &str| String::from_utf8_lossy(&tty.raw).matches(sequence).count();
    assert_eq!((count("\x1b[22;2t"), count("\x1b[23;2t")), (2, 2));
}

#[test]
fn a_window_that_shrank_while_it_was_away_is_drawn_as_it_is() {
    use rustix::process::{Signal, kill_process};
    for screen in ["", "notes"] {
        let mut tty = Tty::start(40, 120, &[("WORKSHOP_TEST_SCREEN", screen)]);
        let there = if screen == "notes" { "Waiting for the workshop" } else { "space" };
        tty.sees(there);
        kill_process(tty.pid(), Signal::STOP).unwrap();
        tty.resize(12, 50);
        kill_process(tty.pid(), Signal::CONT).unwrap();
        tty.sees(there);
        tty.send("q");
        tty.ends();
        assert!(tty.says("ended: Left"), "{}", String::from_utf8_lossy(&tty.raw));
    }
}

#[test]
fn a_window_that_shrank_under_the_editor_is_drawn_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let editor = dir.path().join("editor.sh");
    std::fs::write(&editor, "#!/bin/sh\necho edits-now\nread -r line\n").unwrap();
    let mut permissions = std::fs::metadata(&editor).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(&editor, permissions).unwrap();
    let mut tty = Tty::start(40, 120, &[("EDITOR", editor.to_str().unwrap())]);
    tty.sees("space");
    tty.send("i");
    tty.sees("postgres=>");
    tty.send("\x18");
    tty.sees("edits-now");
    tty.resize(12, 50);
    tty.send("\n");
    tty.until("our screen", |tty| tty.parser.screen().alternate_screen());
    tty.sees("postgres=>");
    tty.send("\x1b");
    tty.sees("space");
    tty.send("q");
    tty.ends();
}

#[test]
fn what_the_terminal_reports_by_itself_presses_no_key() {
    let mut tty = Tty::start(40, 120, &[]);
    tty.sees("step 1 of");
    for report in [
        "\x1bP1$r0;1m\x1b\\",
        "\x1b]11;rgb:0000/0000/0000\x1b\\",
        "\x1bP>|xterm(370)\x1b\\",
        "\x1b[>41;370;0c",
        "\x1b[?2026;2$y",
        "\x1b[8;40;120t",
    ] {
        // A report comes in pieces as often as not.
        let (one, other) = report.split_at(report.len() / 2);
        tty.send(one);
        tty.feed(Duration::from_millis(20));
        tty.send(other);
    }
    tty.send("?");
    tty.sees("Driving");
    tty.send("\x1b");
    // A frame comes in pieces, too: the last row is drawn last.
    tty.until("the page again", |tty| !tty.screen().contains("Driving") && tty.screen().contains("? help"));
    let after = tty.screen();
    assert!(after.contains("step 1 of") && after.contains("[Checks]"), "no key was pressed:\n{after}");
    assert!(!after.contains("identities hidden") && !after.contains("still runs"), "no key was pressed:\n{after}");
    tty.send("q");
    tty.ends();
}

#[test]
fn without_a_terminal_it_names_the_other_way() {
    let exe = std::env::current_exe().unwrap();
    let output = crate::support::command(exe)
        .args(["pty::child", "--exact", "--ignored", "--nocapture"])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("needs a terminal") && text.contains("--plain"), "{text}");
    assert!(!text.contains('\x1b'), "nothing is sent to a terminal that is not there");
}

#[test]
fn a_storm_of_resizes_ends_in_the_right_size() {
    let mut tty = Tty::start(24, 80, &[]);
    tty.sees("space");
    for i in 0..200u16 {
        let (rows, cols) = (5 + i % 50, 20 + (i * 7) % 180);
        tty.master.resize(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
        tty.feed(Duration::from_millis(1));
    }
    tty.master.resize(PtySize { rows: 5, cols: 20, pixel_width: 0, pixel_height: 0 }).unwrap();
    tty.parser.screen_mut().set_size(5, 20);
    tty.sees("too small");
    tty.master.resize(PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 }).unwrap();
    tty.parser.screen_mut().set_size(40, 120);
    tty.sees("Outline ");
    tty.send("q");
    tty.ends();
}

#[test]
fn a_megabyte_is_pasted_into_the_console() {
    let mut tty = Tty::start(24, 80, &[]);
    tty.sees("space");
    tty.send("i");
    tty.sees("postgres=>");
    let text = "insert into accounts values (1, 'quit; q');\n".repeat(24_000);
    let mut paste = String::from("\x1b[200~");
    paste.push_str(&text);
    paste.push_str("-- the end\x1b[201~");
    // The terminal takes it in pieces, as fast as it is read.
    let mut writer = std::mem::replace(&mut tty.writer, Box::new(std::io::sink()));
    let writing = std::thread::spawn(move || {
        writer.write_all(paste.as_bytes()).unwrap();
        writer.flush().unwrap();
        writer
    });
    tty.sees("-- the end");
    tty.writer = writing.join().unwrap();
    tty.send("x");
    tty.sees("-- the endx");
    tty.send("\x03");
    tty.until("an empty entry", |tty| !tty.screen().contains("-- the end"));
    tty.send("\x1b");
    tty.sees("space");
    tty.send("q");
    tty.ends();
}

#[test]
fn without_colour_and_without_utf8() {
    let mut tty = Tty::start(40, 120, &[("NO_COLOR", "1"), ("LANG", "C")]);
    tty.sees("space");
    tty.sees("Outline ");
    let shown = tty.screen();
    assert!(shown.is_ascii(), "{shown}");
    for row in 0..40 {
        for column in 0..120 {
            let cell = tty.parser.screen().cell(row, column).unwrap();
            assert_eq!((cell.fgcolor(), cell.bgcolor()), (vt100::Color::Default, vt100::Color::Default));
        }
    }
    tty.send("q");
    tty.ends();
}

#[test]
fn a_child_that_talks_without_end_leaves_the_keys_alive() {
    let mut tty = Tty::start(24, 80, &[("WORKSHOP_TEST_NOISE", "300000")]);
    tty.sees("step 1 of");
    // To a step with something to run, and run it.
    tty.send("n");
    tty.sees("workspace with two packages");
    tty.send("r");
    tty.sees("✓ Done");
    tty.send("7");
    tty.sees("[Log]");
    tty.sees("earlier lines are not kept here");
    tty.send("?");
    tty.sees("Driving");
    tty.send("\x1b");
    tty.until("the log again", |tty| !tty.screen().contains("Driving"));
    tty.send("q");
    tty.ends();
}

#[test]
fn what_a_child_or_the_database_says_is_shown_and_never_obeyed() {
    let mut tty = Tty::start(40, 120, &[("WORKSHOP_TEST_NOISE", "1")]);
    tty.sees("step 1 of");
    tty.send("n");
    tty.sees("applies 14 changes");
    tty.send("r");
    tty.sees("✓ Done");
    tty.send("7");
    tty.sees("[Log]");
    tty.sees("<1B>[2J<1B>]0;taken over");
    tty.send("i");
    tty.sees("postgres=>");
    tty.send("select 'hostile';\r");
    tty.sees("(3 rows)");
    tty.sees("<1B>[2J<1B>]0;taken over");
    // Pasted text is somebody else's as well.
    tty.send("\x1b[200~select '\u{202e}\x1b]0;pasted\x07'\x1b[201~");
    tty.sees("]0;pasted'");
    assert!(tty.says("'\u{fffd}]0;pasted"), "what is not shown is marked");
    tty.send("\x03");
    tty.until("an empty entry", |tty| !tty.screen().contains("pasted"));
    tty.send("\x1b");
    // Escape and a key in one breath are the key with Alt.
    tty.until("the entry left", |tty| !tty.screen().contains("esc leave"));
    tty.send("q");
    tty.ends();
    for bad in ["\x1b[2J\x1b]0", "\x1b]0;", "\x1b]52", "\x1b[c", "\u{9b}", "\u{202e}", "secret\rpublic"] {
        assert!(!tty.says(bad), "{bad:?} reached the terminal");
    }
}

#[test]
fn a_terminal_of_twenty_by_five_says_so_and_can_be_left() {
    let mut tty = Tty::start(5, 20, &[]);
    tty.sees("too small");
    tty.sees("needs 40x10");
    // What cannot be seen is not done: no panel to go to, no step, no help.
    tty.send("\t n?");
    tty.send("q");
    tty.ends();
    assert!(tty.says("ended: Left"), "{}", String::from_utf8_lossy(&tty.raw));
}

#[test]
fn the_editor_gets_the_terminal_and_gives_it_back() {
    let dir = tempfile::tempdir().unwrap();
    let editor = dir.path().join("editor.sh");
    let script = "#!/bin/sh\nread -r line\necho \"got: $line\"\nprintf 'select %s;' \"$line\" > \"$1\"\n";
    std::fs::write(&editor, script).unwrap();
    let mut permissions = std::fs::metadata(&editor).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(&editor, permissions).unwrap();
    let mut tty = Tty::start(24, 80, &[("EDITOR", editor.to_str().unwrap())]);
    tty.sees("space");
    tty.send("i");
    tty.sees("postgres=>");
    tty.send("\x18");
    tty.until("the editor's terminal", |tty| !tty.parser.screen().alternate_screen() && tty.is_cooked());
    // Every character is the editor's, none of them is ours.
    tty.send("qq42\n");
    tty.until("our screen", |tty| tty.parser.screen().alternate_screen());
    tty.sees("select qq42;");
    tty.send("\x1b");
    tty.sees("space");
    tty.send("q");
    tty.ends();
}

#[test]
fn an_editor_that_fails_gives_the_terminal_back_and_takes_nothing() {
    for (editor, told) in [("no-such-editor", "no-such-editor was not found"), ("false", "ended with exit status: 1")] {
        let mut tty = Tty::start(24, 80, &[("EDITOR", editor)]);
        tty.sees("space");
        tty.send("i");
        tty.sees("postgres=>");
        tty.send("select 'kept'\x18");
        tty.sees(told);
        assert!(tty.parser.screen().alternate_screen() && !tty.is_cooked());
        tty.send(" too");
        tty.sees("select 'kept' too");
        tty.send("\x1b");
        tty.sees("space");
        tty.send("q");
        tty.ends();
    }
}

#[test]
fn the_second_terminal_follows_and_either_side_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path().to_str().unwrap();
    let mut notes = Tty::start(40, 120, &[("WORKSHOP_TEST_DIR", here), ("WORKSHOP_TEST_SCREEN", "notes")]);
    notes.sees("Waiting for the workshop");
    let mut first = Tty::start(24, 80, &[("WORKSHOP_TEST_DIR", here)]);
    first.sees("step 1 of");
    notes.sees("step 1 of");
    first.send("n");
    notes.sees("Copy the starter project");
    first.send("q");
    first.ends();
    notes.sees("The workshop was left");
    let mut again = Tty::start(24, 80, &[("WORKSHOP_TEST_DIR", here)]);
    again.sees("step 1 of");
    notes.until("the connection", |tty| !tty.screen().contains("The workshop was left"));
    notes.send("q");
    notes.ends();
    let mut late = Tty::start(40, 120, &[("WORKSHOP_TEST_DIR", here), ("WORKSHOP_TEST_SCREEN", "notes")]);
    late.sees("step 1 of");
    rustix::process::kill_process(late.pid(), rustix::process::Signal::TERM).unwrap();
    late.ends();
}

/// The whole course through a pipe, line by line.
#[test]
fn plain_lines_walk_the_whole_course() {
    let dir = tempfile::tempdir().unwrap();
    if std::env::var("WORKSHOP_TEST_SCREEN").as_deref() == Ok("sql") {
        return console::child();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let course = workshop_course::lesson::load::load(&root.join("lessons"), &root.join("snapshots")).unwrap();
    let read =
        |step: &workshop_course::lesson::model::Step| step.action == workshop_course::lesson::model::StepAction::Read;
    let steps: Vec<_> = course.chapters.iter().flat_map(|c| &c.steps).collect();
    // Enter runs a step, and enter goes on.
    let enters: usize = steps.iter().map(|step| if read(step) { 1 } else { 2 }).sum::<usize>() - 1;
    let mut child = crate::support::command(std::env::current_exe().unwrap())
        .args(["pty::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env("WORKSHOP_TEST_DIR", dir.path())
        .env("WORKSHOP_TEST_SCREEN", "plain")
        .env("WORKSHOP_TEST_PACE", "0")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = "help\noutline\nnotes\nstatus\n".to_owned();
    input.push_str(&"\n".repeat(enters));
    input.push_str("diff chapter\nsql select 1;\ncheck\noutputs\nquit\n");
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for step in &steps {
        assert!(text.contains(&step.title), "{} in\n{text}", step.title);
    }
    assert!(!text.contains("Not now"), "nothing is refused:\n{text}");
    for part in ["failed as expected", "hunk 1:", "(3 rows)", "LambdaRoleArn", "ended: Left"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(!text.contains('\x1b') && !text.contains('│') && !text.contains('⠋'), "{text}");
}

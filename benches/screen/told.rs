//! What the screen has been told before anybody presses a key.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc::unbounded_channel;
use workshop_course::code::diff::diff_file;
use workshop_course::lesson::model::{Course, StepAction, Target};
use workshop_engine::command::{Command, Request};
use workshop_engine::event::{DiffOf, Event, EventKind, Position, Stream};

/// The screen itself, over the real course, with an engine that has already said all it will.
pub fn inside() {
    let course = course();
    let workdir = std::env::current_dir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (requests, mut inbox) = unbounded_channel();
    let (outbox, events) = unbounded_channel();
    for event in beginning(&course) {
        let _ = outbox.send(event);
    }
    runtime.spawn(async move {
        while let Some(Request { command, .. }) = inbox.recv().await {
            match command {
                Command::ShowDiff { of } => drop(outbox.send(difference(of))),
                Command::Quit => return,
                _ => {}
            }
        }
    });
    let setup = workshop::tui::ScreenConfig {
        recording: None,
        whole: None,
        first_frame: None,
        course,
        requests,
        events,
        workdir,
        looks: workshop::tui::Looks::FULL,
        editor: None,
        redact: false,
        user: workshop::tui::UserConfig::default(),
        shell_target: workshop::tui::ShellTarget::Sandbox,
        standby_shell: None,
    };
    let _ = runtime.block_on(workshop::tui::run(setup));
}

/// The course of this repository.
pub fn course() -> Arc<Course> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    Arc::new(workshop_course::lesson::load::load(&root.join("lessons"), &root.join("snapshots")).unwrap())
}

/// When all of it happens, in milliseconds since 1970.
pub const NOW: u64 = 1_796_032_800_000;

/// The workshop is open at a step with a difference, a child has said 10,000 lines, and no clock runs.
pub fn beginning(course: &Course) -> Vec<Event> {
    let (chapter, step) = first_edit(course);
    let opened = EventKind::Opened {
        title: course.title.clone(),
        target: Target::Local,
        workdir: course.lessons.clone(),
        position: Position { chapter, step },
    };
    let lines = (0..10_000).map(|i| format!("line {i} of a child that has much to say about resource {}", i % 97));
    let output = EventKind::Output { at_step: None, stream: Stream::Stdout, lines: lines.collect() };
    let told = [opened, output, EventKind::Paused];
    (1..).zip(told).map(|(seq, kind)| Event { seq, at: NOW, kind }).collect()
}

/// The answer to whoever asks for a difference: 2,000 rows, of them 500 lines out, 500 in, and what is around them.
pub fn difference(of: DiffOf) -> Event {
    let long = diff_file("long.ts", Some(&file(2_000, 0)), Some(&file(2_000, 4))).unwrap();
    Event { seq: 4, at: NOW, kind: EventKind::Diff { of, files: vec![long] } }
}

/// A step whose difference is walked through hunk by hunk, in a chapter that changes files.
fn first_edit(course: &Course) -> (u32, String) {
    let mut edits = course.chapters.iter().filter(|c| c.number > 0).flat_map(|c| {
        c.steps.iter().filter(|s| matches!(s.action, StepAction::Edit(_))).map(move |s| (c.number, s.id.clone()))
    });
    edits.next().unwrap()
}

/// Code of this many lines; every `edited`th line reads otherwise (0: none).
pub fn file(lines: usize, edited: usize) -> String {
    let mut out = String::new();
    for i in 0..lines {
        let name = if edited > 0 && i % edited == edited / 2 { "changed" } else { "value" };
        writeln!(out, "const {name}{i} = compute({i}, '{}', {{ deep: true }});", i * 7919 % 1009).unwrap();
    }
    out
}

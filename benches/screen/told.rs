//! What the screen has been told before anybody presses a key.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;
use workshop_course::code::diff::diff_file;
use workshop_course::lesson::model::{Course, StepAction, Target};
use workshop_engine::command::{Command, Request};
use workshop_engine::event::{DiffOf, Event, EventKind, Position, Stream};

/// The screen itself, over the real course, with an engine that has already said all it will.
pub fn inside() {
    let course = course();
    let workdir = std::env::current_dir().unwrap();
    // As the program has it: the screen on a thread of its own.
    let beside = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let own = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (requests, mut inbox) = unbounded_channel();
    let (outbox, events) = unbounded_channel();
    for event in beginning(&course) {
        let _ = outbox.send(event);
    }
    beside.spawn(async move {
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
        uses: course.uses(),
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
    let _ = own.block_on(workshop::tui::run(setup));
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

/// Every picture of the screen in turn: its name, the key of its panel, what makes it, and what goes on happening to it.
pub fn pictures(course: &Course) -> Vec<(&'static str, char, Vec<Event>, Vec<Event>)> {
    let at = |wanted: fn(&StepAction) -> bool| {
        let mut steps = course.chapters.iter().flat_map(|c| c.steps.iter().map(move |s| (c.number, s)));
        steps.find(|(_, step)| wanted(&step.action)).map(|(chapter, step)| (chapter, step.id.clone())).unwrap()
    };
    let sql = at(|action| match action {
        StepAction::Sql(sql) => sql.statements.iter().any(|s| s.session != sql.statements[0].session),
        _ => false,
    });
    let deploy = at(|action| matches!(action, StepAction::Deploy(_)));
    let load = at(|action| matches!(action, StepAction::Load(_)));
    let mut lanes = Vec::new();
    for id in 1..=60 {
        let session = ["a", "b"][id % 2];
        let text = format!("UPDATE accounts SET balance = balance - {id} WHERE id = {};", id % 7);
        lanes.push(json!({"event": "sql_started", "id": id, "session": session, "text": text}));
        lanes.push(
            json!({"event": "sql_finished", "id": id, "session": session, "tx": "open", "rows": 1, "took_ms": 1}),
        );
    }
    let mut plans = Vec::new();
    for id in [101, 102] {
        let text = "EXPLAIN ANALYZE VERBOSE SELECT amount FROM transfers WHERE payer_id = 7;";
        let rows: Vec<_> = PLAN.lines().map(|row| json!(["row", row])).collect();
        plans.push(json!({"event": "sql_started", "id": id, "session": "a", "text": text}));
        plans.push(json!({"event": "sql_text", "id": id, "session": "a", "lines": rows}));
        plans.push(json!({"event": "sql_finished", "id": id, "session": "a", "tx": "idle", "rows": 8, "took_ms": 1}));
    }
    let resources = (0..30).map(|i| {
        json!({"event": "resource_changed", "resource": {"logical_id": format!("Resource{i}DEADBEEF"),
            "resource_type": "AWS::IAM::Role", "status": if i % 3 == 0 { "CREATE_IN_PROGRESS" } else { "CREATE_COMPLETE" },
            "started": NOW + i * 100, "ended": (i % 3 > 0).then_some(NOW + i * 150)}})
    });
    let resources: Vec<_> = resources.collect();
    let phase = json!({"event": "phase_started", "phase": "resources"});
    let latencies: Vec<u64> = (0..22).map(|i| (i * 37) % 90).collect();
    let loads = (1..=200).map(|done| {
        json!({"event": "load_progress", "done": done, "failed": done / 9, "total": 300, "per_second": 40.0,
            "p50_ms": 11.0, "p90_ms": 31.0, "p99_ms": 231.6, "max_ms": 812.0, "latencies": latencies})
    });
    let loads: Vec<_> = loads.collect();
    let begun = |kind: &str| json!({"event": "step_started", "attempt": 1, "action": kind, "expects_failure": false});
    let all = |at: &(u32, String), kind: &str, told: &[&[Value]]| {
        let moved = json!({"event": "moved", "position": {"chapter": at.0, "step": at.1}});
        let whole = [moved, begun(kind)].into_iter().chain(told.iter().flat_map(|told| told.iter().cloned()));
        (10..).zip(whole).map(|(seq, told)| event(seq, at, told)).collect::<Vec<_>>()
    };
    let more =
        |at: &(u32, String), told: &[Value]| told.iter().map(|told| event(5_000, at, told.clone())).collect::<Vec<_>>();
    vec![
        ("lanes of two sessions", '5', all(&sql, "sql", &[&lanes]), more(&sql, &lanes)),
        ("a plan beside the plan before", '5', all(&sql, "sql", &[&plans]), more(&sql, &plans)),
        ("a deploy of 30 resources", '4', all(&deploy, "deploy", &[&[phase], &resources]), more(&deploy, &resources)),
        ("a load and its histogram", '8', all(&load, "load", &[&loads]), more(&load, &loads)),
    ]
}

/// An event of this step.
fn event(seq: u64, (chapter, step): &(u32, String), mut told: Value) -> Event {
    let of_step = ["step_started", "load_progress", "resource_changed", "phase_started"];
    if of_step.iter().any(|kind| told["event"] == *kind) {
        told["at_step"] = json!({"chapter": chapter, "step": step});
    }
    Event { seq, at: NOW + seq, kind: serde_json::from_value(told).unwrap() }
}

const PLAN: &str = " Limit  (cost=265.75..265.76 rows=5 width=12) (actual time=3.1..3.2 rows=5 loops=1)
   ->  Sort  (cost=265.75..265.79 rows=6 width=12) (actual time=3.1..3.1 rows=5 loops=1)
         Sort Key: transfers.made_at DESC
         ->  Full Scan (btree-table) on public.transfers  (cost=125.0..265.6 rows=6 width=12) (actual time=0.4..3.1 rows=30 loops=1)
               -> Storage Scan on public.transfers  (cost=125.0..265.6 rows=6 width=12) (actual rows=30 loops=1)
                   Filters: (transfers.payer_id = 7)
                   Rows Filtered: 14970
                   -> B-Tree Scan on public.transfers  (cost=125.0..265.6 rows=15000 width=12) (actual rows=15000 loops=1)";

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

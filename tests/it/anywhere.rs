//! Courses that need no cloud, and what they may do on the machine: each is written here, and walked by the program.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{command, exe};

/// A course in a directory of its own, with the working directory and the cache of its learner.
struct Written {
    home: TempDir,
    /// The machine's cache: what a test fetched, no other fetches again.
    shared_cache: bool,
}

impl Written {
    /// Two chapters: one that copies nothing worth looking at, and the one that is given.
    fn new(course: &str, chapter: &str) -> Written {
        let home = tempfile::tempdir().unwrap();
        // As root, PostgreSQL runs under another account.
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let written = Written { home, shared_cache: true };
        written
            .put("lessons/course.yaml", &format!("title: Anywhere\ncode: ANY1\nslot: 10\n{course}chapters: [ch00]\n"));
        written.put("lessons/ch00.yaml", &format!("snapshot: ch00\ntitle: All of it\nminutes: 1\n{chapter}"));
        written.put("snapshots/ch00/note.txt", "hello\n");
        written
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Does what a learner types in a directory, whose path it returns.
    fn begin(&self, typed: &str) -> PathBuf {
        let work = self.home.path().join("work");
        let input = self.home.path().join("typed");
        fs::write(&input, typed).unwrap();
        let mut command = self.command(&["--plain", "--workdir"]);
        told(&command.arg(&work).stdin(fs::File::open(input).unwrap()).output().unwrap(), 0);
        work
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = command(exe());
        command.current_dir(self.home.path()).args(args);
        if !self.shared_cache {
            command.env("WORKSHOP_CACHE", self.home.path().join("cache"));
        }
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs it, and returns what it said; it must end with that code.
    #[track_caller]
    fn ends(&self, code: i32, args: &[&str]) -> String {
        told(&self.run(args), code)
    }
}

#[track_caller]
fn told(out: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{said}");
    said
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_course_of_files_and_commands_needs_a_shell_and_nothing_else() {
    let mut written = Written::new(
        "",
        "steps:\n\
         - {id: copy, title: Copy, minutes: 0.5, say: Copy it., edit: all}\n\
         - {id: ask, title: Ask, minutes: 0.5, say: Ask it., shell: {run: cat note.txt, matches: hello}}\n\
         checks:\n\
         - {id: there, title: It is there, file: {path: note.txt, equals: snapshot}}\n\
         - {id: says, title: It says, command: {run: cat note.txt, matches: hello}}\n\
         - {id: killed, title: It is killed, command: {run: cat note.txt && kill -9 $$, exit_code: 137}}\n",
    );
    written.shared_cache = false;
    // A machine without Node, npm, PostgreSQL and the AWS CLI.
    let bin = written.home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    for program in ["sh", "bash", "cat"] {
        let found = ["/bin", "/usr/bin"].map(|place| Path::new(place).join(program)).into_iter().find(|p| p.exists());
        std::os::unix::fs::symlink(found.unwrap(), bin.join(program)).unwrap();
    }
    for args in [&["--check"][..], &["prove"], &["doctor"], &["--check", "--format", "json"]] {
        let out = written.command(args).env("PATH", &bin).output().unwrap();
        let said = told(&out, 0);
        assert!(!said.contains("sandbox") && !said.contains("PostgreSQL"), "{said}");
    }
    let cached = fs::read_dir(written.home.path().join("cache")).into_iter().flatten().flatten();
    let cached: Vec<String> = cached.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let ours = ["scratch", "checkpoints"];
    assert!(cached.iter().all(|name| ours.contains(&name.as_str())), "nothing was fetched: {cached:?}");
}

#[test]
fn a_course_has_a_database_of_its_own() {
    let written = Written::new(
        "database: postgres\n",
        "steps:\n\
         - {id: copy, title: Copy, minutes: 0, say: Copy it., edit: all}\n\
         - id: fill\n  \
           title: Fill\n  \
           minutes: 1\n  \
           say: Fill it.\n  \
           sql: {statements: [{run: create table cats (name text)}, {run: \"insert into cats values ('tom')\"},\n    \
                 {run: create role app}, {run: grant select on cats to app}, {in: app, run: set role app},\n    \
                 {in: app, run: delete from cats, expect: {sqlstate: \"42501\"}}]}\n\
         - {id: env, title: Env, minutes: 0, say: As programs see it., shell: {run: echo $DATABASE_URL, matches: \"^postgres(ql)?://postgres:\"}}\n\
         checks:\n\
         - {id: cats, title: There are cats, sql: {query: select name from cats, expect: {rows: [[tom]]}}}\n",
    );
    let said = written.ends(0, &["--check"]);
    assert!(!said.contains("sandbox"), "{said}");
    let work = written.begin("next\nrun\nnext\nrun\nquit\n");
    let work = work.to_str().unwrap();
    let sql = |code: i32, args: &[&str]| written.ends(code, &[&["--workdir", work, "sql", "-At"], args].concat());
    let said = sql(0, &["-c", "select current_user, current_setting('server_version_num')::int / 10000"]);
    assert!(said.ends_with("postgres|16\n"), "{said}");
    assert!(sql(1, &["-c", "select * from dogs"]).contains("relation \"dogs\" does not exist"));
    let kept = fs::read_to_string(Path::new(work).join(".workshop/events.jsonl")).unwrap();
    assert!(kept.contains("postgres://postgres:…@"), "the password is not kept");
}

#[test]
fn a_process_goes_on_until_it_is_stopped_and_is_asked_over_http() {
    let (port, place) = (free_port(), tempfile::tempdir().unwrap());
    let pid = place.path().join("pid");
    let pid = pid.to_str().unwrap();
    let written = Written::new(
        "",
        &format!(
            "steps:\n\
             - {{id: copy, title: Copy, minutes: 0.5, say: Copy it., edit: all}}\n\
             - id: serve\n  \
               title: Serve\n  \
               minutes: 0.5\n  \
               say: It goes on.\n  \
               serve: {{name: api, run: node server.js {port}, ready: {{output: \"pid (\\\\d+)\"}}, capture: {{pid: \"pid (\\\\d+)\"}}}}\n\
             - {{id: asked, title: Ask, minutes: 0, say: Ask., check: [answers, made]}}\n\
             - {{id: pid, title: Who, minutes: 0, say: Who., shell: {{run: \"echo ${{capture.pid}} > {pid}\"}}}}\n\
             - {{id: stop, title: Stop, minutes: 0, say: Stop., stop: [api]}}\n\
             - {{id: again, title: Again, minutes: 0, say: Again., serve: {{name: api, run: node server.js {port}, ready: {{port: {port}}}}}}}\n\
             checks:\n\
             - {{id: answers, title: It answers, http: {{url: \"http://127.0.0.1:{port}/\", status: 200, expect: [{{path: $.greeting, equals: hello}}]}}}}\n\
             - id: made\n  \
               title: It makes\n  \
               http: {{url: \"http://localhost:{port}/items?a=${{capture.pid}}\", json: '{{\"n\": 1}}', status: 201, answer_headers: {{location: ^/items/}}}}\n"
        ),
    );
    written.put(
        "snapshots/ch00/server.js",
        "require('node:http').createServer((q, a) => {\n\
           let text = ''; q.on('data', (d) => text += d); q.on('end', () => {\n\
             if (q.method === 'POST') { a.writeHead(201, {location: '/items/' + JSON.parse(text).n}); a.end(); }\n\
             else a.end(JSON.stringify({greeting: 'hello'}));\n\
           });\n\
         }).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('pid ' + process.pid));\n",
    );
    let said = written.ends(0, &["--check", "--format", "plain"]);
    assert!(said.contains("pass: Again"), "{said}");
    let pid: i32 = fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    assert!(!crate::support::alive(pid), "stopped");
    TcpListener::bind(("127.0.0.1", port)).expect("what went on to the end is gone, too");

    // Another program has the port: the failure says what the process said.
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let said = written.ends(1, &["--check"]);
    assert!(said.contains("EADDRINUSE"), "{said}");
    drop(taken);
}

#[test]
fn commands_around_a_course_make_what_it_needs_and_take_it_away() {
    let place = tempfile::tempdir().unwrap();
    let made = place.path().join("made-here");
    let written = Written::new(
        &format!(
            "variables: {{PLACE: {}}}\n\
             setup: [{{title: Make it, run: \"mkdir -p ${{var.PLACE}}\"}}]\n\
             teardown: [{{run: \"rmdir ${{var.PLACE}}\"}}]\n",
            made.display()
        ),
        "steps:\n\
         - {id: copy, title: Copy, minutes: 1, say: Copy it., edit: all}\n\
         checks:\n\
         - {id: there, title: It is there, command: {run: \"test -f note.txt && test -d ${var.PLACE}\"}}\n",
    );
    let said = written.ends(0, &["--check"]);
    assert!(said.contains("Make it"), "{said}");
    assert!(!made.exists(), "a run takes away what it has made");
    let work = written.begin("run\ncheck\nquit\n");
    let teardown = ["--workdir", work.to_str().unwrap(), "teardown"];
    assert!(made.exists(), "a learner ends it by asking for that");
    written.ends(0, &teardown);
    assert!(!made.exists());
    let said = told(&written.run(&teardown), 3);
    assert!(said.contains("rmdir"), "{said}");
    // One that fails says so, and nothing is begun.
    written.put(
        "lessons/course.yaml",
        "title: Anywhere\ncode: ANY1\nslot: 10\nsetup: [{run: exit 3}]\nvariables: {PLACE: x}\nchapters: [ch00]\n",
    );
    let said = written.ends(3, &["--check"]);
    assert!(said.contains("exit 3: exit code 3\n") && !said.contains("Copy"), "{said}");
}

#[test]
fn a_course_is_taken_as_it_was_chosen() {
    let written = Written::new(
        "choices: [{id: language, title: Language, options: [{id: sh, title: Shell, files: [\"*.sh\"]}, {id: cat, title: Cat, files: [\"*.txt\"]}]}]\n",
        "steps:\n\
         - {id: copy, title: Copy, minutes: 1, say: \"In ${choice.language}.\", edit: all}\n\
         - {id: run, title: Run, when: {language: sh}, minutes: 0, say: Run it., shell: {run: sh hello.sh, matches: from sh}}\n\
         checks:\n\
         - {id: there, title: It is there, when: {language: cat}, file: {path: note.txt, equals: snapshot}}\n\
         - {id: sh, title: It is there, when: {language: sh}, file: {path: hello.sh, equals: snapshot}}\n",
    );
    written.put("snapshots/ch00/hello.sh", "echo from sh\n");
    assert!(written.ends(0, &["lint"]).contains("no problems"));
    let said = written.ends(0, &["--check"]);
    assert!(said.contains("Run") && said.contains("3 passed"), "the first option, unless it is chosen: {said}");
    let said = written.ends(0, &["--choose", "language=cat", "--check"]);
    assert!(!said.contains("Run") && said.contains("2 passed"), "{said}");
    let said = written.ends(2, &["--choose", "language=perl", "--check"]);
    assert!(said.contains("perl") && said.contains("sh"), "{said}");
    let said = written.ends(2, &["--choose", "tongue=sh", "--check"]);
    assert!(said.contains("tongue"), "{said}");
}

#[test]
fn what_the_sandbox_does_not_have_is_told_before_it_is_deployed() {
    let course = |more: &str| {
        let written = Written::new(
            &format!("cloud: true\n{more}"),
            "steps:\n\
             - {id: copy, title: Copy, minutes: 1, say: Copy it., edit: all}\n\
             - {id: deploy, title: Deploy, minutes: 0, say: Deploy it., deploy: {stack: Queues, template: queue.json}}\n",
        );
        written.put("snapshots/ch00/queue.json", "{\"Resources\": {\"Queue\": {\"Type\": \"AWS::SQS::Queue\"}}}");
        written
    };
    let said = course("").ends(2, &["lint"]);
    assert!(
        said.contains("ch00.yaml:6:") && said.contains("AWS::SQS::Queue") && said.contains("targets: [aws]"),
        "{said}"
    );
    let away = course("targets: [aws]\n");
    assert!(away.ends(0, &["lint"]).contains("no problems"));
    let said = course("").ends(1, &["--check"]);
    assert!(said.contains("got       Queue: the sandbox does not have AWS::SQS::Queue"), "{said}");
    let said = away.ends(2, &["--target", "local", "--check"]);
    assert!(said.contains("--target aws"), "{said}");
}

/// A crash leaves nothing running but what a step has put into the background on purpose, and was done with.
#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_workshop_ran_ends_when_it_is_started_again() {
    let written = Written::new(
        "",
        "steps:\n\
         - {id: copy, title: Copy, minutes: 1, say: Copy it., edit: all}\n\
         - {id: daemon, title: Daemon, minutes: 0, say: Start it., shell: {run: setsid sh -c 'echo $$ > daemon; exec sleep 300' > log 2>&1 & sleep 0.2}}\n\
         - {id: api, title: Serve, minutes: 0, say: Serve it., serve: {name: api, run: echo $$ > served; echo up; sleep 300, ready: {output: up}}}\n\
         - {id: stay, title: Stay, minutes: 0, say: Stay., timeout: 5m, shell: {run: sleep 300 & echo $! > below; wait}}\n",
    );
    let work = written.home.path().join("work");
    let mut command = written.command(&["--plain", "--workdir"]);
    let mut child = command.arg(&work).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"next\nrun\nnext\nrun\nnext\nrun\nnext\nrun\n").unwrap();
    let pid = |name: &str| fs::read_to_string(work.join(name)).ok()?.trim().parse::<i32>().ok();
    let until = |what: &str, holds: &dyn Fn() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !holds() {
            assert!(Instant::now() < deadline, "not in time: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until("the last step runs", &|| pid("below").is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    let names = ["daemon", "served", "below"];
    // One that has ended and that nobody has asked for yet has no command line any more.
    let runs = |name: &str| {
        let pid = pid(name).expect(name);
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
    };
    assert!(names.into_iter().all(runs), "they outlive it");
    written.begin("quit\n");
    until("what was broken off ends", &|| !runs("served") && !runs("below"));
    assert!(runs("daemon"), "the step was over");
    let daemon = rustix::process::Pid::from_raw(pid("daemon").unwrap()).unwrap();
    rustix::process::kill_process(daemon, rustix::process::Signal::KILL).unwrap();
}

/// Writes a program that is found before others of its name, and returns the PATH for that.
fn program(written: &Written, name: &str, script: &str) -> String {
    written.put(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
    let bin = written.home.path().join("bin");
    fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", bin.display(), std::env::var("PATH").unwrap())
}

/// Starts a run and kills it as soon as it has written the numbers of so many processes into a file; returns them.
fn killed_amid(mut command: Command, noted: &Path, count: usize) -> Vec<i32> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let pids = || -> Vec<i32> {
        let text = fs::read_to_string(noted).unwrap_or_default();
        text.lines().filter_map(|line| line.parse().ok()).collect()
    };
    while pids().len() < count {
        assert!(Instant::now() < deadline, "it does not come so far");
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let pids = pids();
    assert!(pids.iter().all(|pid| crate::support::alive(*pid)), "they outlive it");
    pids
}

/// A course that copies its files and then has these steps, which are told its home, with a cache of its own.
fn with_cache_of_its_own(steps: impl FnOnce(&str) -> String) -> Written {
    let mut written = Written::new("", "");
    written.shared_cache = false;
    let steps = steps(&written.home.path().display().to_string());
    written.put(
        "lessons/ch00.yaml",
        &format!(
            "snapshot: ch00\ntitle: All of it\nminutes: 1\nsteps:\n\
             - {{id: copy, title: Copy, minutes: 1, say: Copy it., edit: all}}\n{steps}"
        ),
    );
    written
}

fn all_gone(pids: &[i32]) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while pids.iter().any(|pid| crate::support::alive(*pid)) {
        assert!(Instant::now() < deadline, "{pids:?} go on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A build server kills what takes too long, and the next job is on the same machine.
#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_run_by_itself_has_left_ends_with_the_next() {
    let written = with_cache_of_its_own(|home| {
        format!(
            "- {{id: api, title: Serve, minutes: 0, say: Serve it., serve: {{name: api, run: echo $$ >> {home}/noted; echo up; exec sleep 300, ready: {{output: up}}}}}}\n\
             - {{id: stay, title: Stay, minutes: 0, say: Stay., shell: {{run: 'test -e {home}/second || (echo $$ >> {home}/noted; sleep 300)'}}}}\n"
        )
    });
    let report = written.home.path().join("report.xml");
    fs::write(&report, "of a run before").unwrap();
    let command = written.command(&["--check", "--format", "junit:report.xml"]);
    let left = killed_amid(command, &written.home.path().join("noted"), 2);
    let said = fs::read_to_string(&report).unwrap();
    assert!(said.contains("errors=\"1\"") && said.contains("interrupted before its end"), "{said}");
    written.put("second", "");
    written.ends(0, &["--check", "--format", "junit:report.xml"]);
    all_gone(&left);
    let said = fs::read_to_string(&report).unwrap();
    assert!(said.contains("errors=\"0\"") && said.trim_end().ends_with("</testsuites>"), "{said}");
    let scratch = fs::read_dir(written.home.path().join("cache/scratch")).unwrap();
    assert_eq!(scratch.count(), 0, "nor are its files there");
}

/// As in two containers that share a cache: each has a process of that number.
#[test]
fn a_run_by_itself_has_a_directory_that_no_other_process_of_its_number_has() {
    let written = with_cache_of_its_own(|home| {
        format!(
            "- {{id: pwd, title: Where, minutes: 0, say: Where., shell: {{run: 'echo $PPID > {home}/parent; pwd > {home}/place'}}}}\n"
        )
    });
    written.ends(0, &["--check"]);
    let said = |name: &str| fs::read_to_string(written.home.path().join(name)).unwrap().trim().to_owned();
    let (place, parent) = (said("place"), said("parent"));
    assert!(!place.split('/').any(|part| part == parent), "{place} is named by {parent}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_setup_has_left_ends_with_the_next_start_and_what_an_earlier_one_made_stays() {
    let written = Written::new("", "steps: [{id: copy, title: Copy, minutes: 1, say: Copy it., edit: all}]\n");
    let home = written.home.path().display().to_string();
    let setup = format!(
        "title: Anywhere\ncode: ANY1\nslot: 10\nchapters: [ch00]\nsetup:\n\
         - {{title: Server, run: \"test -e {home}/server || {{ setsid sh -c 'echo $$ > {home}/server; exec sleep 300' > {home}/log 2>&1 & sleep 0.3; }}\"}}\n\
         - {{title: Wait, run: \"test ! -e {home}/hang || {{ echo $$ > {home}/noted; sleep 300; }}\"}}\n"
    );
    written.put("lessons/course.yaml", &setup);
    let begin = || {
        let (reading, typing) = std::io::pipe().unwrap();
        let mut command = written.command(&["--plain", "--workdir", "work"]);
        (command.stdin(reading).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap(), typing)
    };
    // The number of a process, as soon as the setup has written it into a file.
    let noted = |name: &str| {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let text = fs::read_to_string(written.home.path().join(name)).unwrap_or_default();
            if let Ok(pid) = text.trim().parse::<i32>() {
                return pid;
            }
            assert!(Instant::now() < deadline, "the setup does not come so far");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let (mut child, mut typing) = begin();
    let server = noted("server");
    typing.write_all(b"quit\n").unwrap();
    child.wait().unwrap();
    written.put("hang", "");
    let (mut child, _typing) = begin();
    let left = noted("noted");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(crate::support::alive(left), "it outlives it");
    fs::remove_file(written.home.path().join("hang")).unwrap();
    written.begin("quit\n");
    all_gone(&[left]);
    assert!(crate::support::alive(server), "its setup was over");
    let server = rustix::process::Pid::from_raw(server).unwrap();
    rustix::process::kill_process(server, rustix::process::Signal::KILL).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn an_npm_that_a_killed_run_has_left_ends_before_the_next_begins() {
    let mut written = Written::new(
        "",
        "steps:\n\
         - {id: copy, title: Copy, minutes: 1, say: Copy it., edit: all}\n\
         - {id: install, title: Install, minutes: 0, say: Install., shell: {run: npm install, installs: true}}\n",
    );
    written.shared_cache = false;
    written.put("snapshots/ch00/package.json", "{\"name\": \"x\", \"version\": \"1.0.0\"}\n");
    let lock = "{\"name\": \"x\", \"version\": \"1.0.0\", \"lockfileVersion\": 3, \"packages\": {\"\": {\"name\": \"x\", \"version\": \"1.0.0\"}}}\n";
    written.put("snapshots/ch00/package-lock.json", lock);
    let home = written.home.path().display().to_string();
    let npm = format!(
        "test -e {home}/second && {{ mkdir -p node_modules; exit 0; }}\necho $$ >> {home}/noted\nwhile :; do sleep 0.1; touch late; done"
    );
    let path = program(&written, "npm", &npm);
    let mut command = written.command(&["--check"]);
    command.env("PATH", &path);
    let left = killed_amid(command, &written.home.path().join("noted"), 1);
    written.put("second", "");
    told(&written.command(&["--check"]).env("PATH", &path).output().unwrap(), 0);
    all_gone(&left);
}

#[cfg(target_os = "linux")]
#[test]
fn a_synthesis_that_is_interrupted_leaves_nothing_running() {
    let mut written = Written::new(
        "stack: TheStack\n",
        "steps:\n\
         - {id: copy, title: Copy, minutes: 1, say: Copy it., edit: all}\n\
         - {id: deploy, title: Deploy, minutes: 0, say: Deploy it., deploy: deploy}\n",
    );
    written.shared_cache = false;
    let home = written.home.path().display().to_string();
    let path = program(&written, "npx", &format!("echo $$ > {home}/noted\nsleep 300"));
    let mut command = written.command(&["lint", "--synth"]);
    let child = command.env("PATH", path).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let noted = written.home.path().join("noted");
    let pid = || fs::read_to_string(&noted).ok().and_then(|text| text.trim().parse::<i32>().ok());
    let deadline = Instant::now() + Duration::from_secs(30);
    while pid().is_none() {
        assert!(Instant::now() < deadline, "the synthesis does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    let program = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(program, rustix::process::Signal::INT).unwrap();
    let said = told(&child.wait_with_output().unwrap(), 130);
    assert!(said.contains("the synthesis was stopped"), "{said}");
    all_gone(&[pid().unwrap()]);
    assert_eq!(fs::read_dir(written.home.path().join("cache/scratch")).unwrap().count(), 0);
}

//! The sandbox's whole life: started, shared, found again, killed, saved, reset; nothing left behind.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};
use workshop_base::copy_tree::copy_tree;
use workshop_base::problem::Kind;
use workshop_sandbox::control::{self, SandboxOptions, SandboxStatus};

use crate::support::{alive, cache, command, exe, until};

struct Workdir {
    dir: tempfile::TempDir,
    options: SandboxOptions,
}

impl Workdir {
    fn new() -> Workdir {
        let options = SandboxOptions {
            exe: exe(),
            cache: cache(),
            region: None,
            port: None,
            database_port: None,
            kind: Default::default(),
            background: false,
        };
        Workdir { dir: tempfile::tempdir().expect("a directory"), options }
    }

    /// One that PostgreSQL's account can reach, for whom it then works in place.
    fn open() -> Workdir {
        let workdir = Workdir::new();
        std::fs::set_permissions(workdir.path(), std::fs::Permissions::from_mode(0o755)).expect("opened");
        workdir
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    async fn ensure(&self) -> control::Lease {
        control::ensure(self.path(), &self.options, |_| {}).await.expect("running")
    }

    async fn start(&self) -> SandboxStatus {
        control::start(self.path(), &self.options, |_| {}).await.expect("started")
    }

    async fn status(&self) -> Option<SandboxStatus> {
        control::status(self.path(), &self.options).await.expect("asked")
    }

    async fn stop(&self) -> bool {
        control::stop(self.path(), &self.options).await.expect("stopped")
    }

    fn state(&self) -> PathBuf {
        self.path().join(".workshop/sandbox")
    }
}

/// A test that fails must not leave a sandbox that was started by hand.
impl Drop for Workdir {
    fn drop(&mut self) {
        let text = std::fs::read(self.state().join("sandbox.json")).unwrap_or_default();
        if let Ok(status) = serde_json::from_slice::<SandboxStatus>(&text)
            && let Some(pid) = Pid::from_raw(pid(&status))
        {
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

/// All processes below `pid`, itself included, by the kernel's word.
pub fn family(pid: i32) -> BTreeSet<i32> {
    let mut all = BTreeSet::from([pid]);
    let mut new = vec![pid];
    while let Some(pid) = new.pop() {
        for task in std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            new.extend(children.split_whitespace().filter_map(|child| child.parse().ok()).filter(|c| all.insert(*c)));
        }
    }
    all
}

async fn gone(family: &BTreeSet<i32>) {
    until("every process of it is gone", || !family.iter().any(|pid| alive(*pid))).await;
}

fn pid(status: &SandboxStatus) -> i32 {
    i32::try_from(status.pid).expect("a pid")
}

/// Creates a cluster, signing by hand as any SDK would, and answers its identifier.
fn create_cluster(env: &std::collections::BTreeMap<String, String>) -> String {
    let code = "
        const crypto = require('node:crypto'), http = require('node:http');
        const { AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret, AWS_REGION: region } = process.env;
        const hash = (s) => crypto.createHash('sha256').update(s).digest('hex');
        const mac = (k, s) => crypto.createHmac('sha256', k).update(s).digest();
        const url = new URL('/cluster', AWS_ENDPOINT_URL), body = '{}';
        const date = new Date().toISOString().replace(/[-:]|\\.\\d{3}/g, ''), day = date.slice(0, 8);
        const scope = `${day}/${region}/dsql/aws4_request`;
        const canonical = ['POST', '/cluster', '', `host:${url.host}`, `x-amz-date:${date}`, '', 'host;x-amz-date', hash(body)].join('\\n');
        const toSign = ['AWS4-HMAC-SHA256', date, scope, hash(canonical)].join('\\n');
        const signing = ['dsql', 'aws4_request'].reduce(mac, mac(mac('AWS4' + secret, day), region));
        const authorization = `AWS4-HMAC-SHA256 Credential=${key}/${scope}, SignedHeaders=host;x-amz-date, Signature=${mac(signing, toSign).toString('hex')}`;
        http.request(url, { method: 'POST', headers: { 'x-amz-date': date, authorization, 'content-type': 'application/json' } }, (r) => {
          let text = ''; r.on('data', (d) => text += d); r.on('end', () => { console.log(text); process.exit(r.statusCode === 200 ? 0 : 1); });
        }).end(body);";
    let output = command("node").args(["-e", code]).envs(env).output().expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    answer["identifier"].as_str().expect("an identifier").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_lives_as_long_as_its_users() {
    let workdir = Workdir::new();
    let first = control::ensure(workdir.path(), &workdir.options, |_| {}).await.expect("running");
    let started = pid(&workdir.status().await.expect("running"));
    let mut steps = Vec::new();
    let second =
        control::ensure(workdir.path(), &workdir.options, |step| steps.push(step.what)).await.expect("running");
    assert_eq!(pid(&workdir.status().await.expect("running")), started, "one that runs is only joined");
    assert!(steps.is_empty(), "nothing is prepared for it: {steps:?}");
    assert_eq!(first.environment, second.environment);
    assert_eq!(first.environment["AWS_REGION"], "us-east-1");
    assert!(!first.environment.contains_key("PGPASSWORD"), "tokens are not kept");
    let status = workdir.status().await.expect("running");
    assert_eq!((status.users, status.kept), (2, false));
    let all = family(pid(&status));
    drop(first);
    assert!(workdir.status().await.is_some(), "one user is enough");
    drop(second);
    gone(&all).await;
    assert!(workdir.status().await.is_none());
    assert!(!workdir.state().join("sandbox.json").exists());
    assert!(!status.control.parent().expect("a directory").exists(), "no run directory is left");
    control::reset(workdir.path(), &workdir.options).await.expect("reset");
    assert!(!workdir.state().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn started_by_hand_it_stays_and_its_state_survives() {
    let workdir = Workdir::open();
    let status = workdir.start().await;
    assert!(status.kept);
    let lease = workdir.ensure().await;
    drop(lease);
    assert_eq!(workdir.start().await.pid, status.pid, "starting again changes nothing");
    let id = create_cluster(&control::env(workdir.path(), &workdir.options).await.expect("running"));
    let env = loop {
        let env = control::env(workdir.path(), &workdir.options).await.expect("running");
        if env.contains_key("PGHOST") {
            break env;
        }
    };
    assert!(env["PGHOST"].starts_with(&id));
    assert!(env["PGPASSWORD"].starts_with(&format!("{}/?Action=DbConnectAdmin&", env["PGHOST"])));
    let all = family(pid(&status));
    assert!(workdir.stop().await);
    gone(&all).await;
    assert!(!workdir.stop().await, "there is nothing to stop any more");

    let again = workdir.start().await;
    assert_eq!(again.endpoint, status.endpoint, "what a shell was told stays true");
    assert_eq!(again.clusters, status_with(&env));
    let later = control::env(workdir.path(), &workdir.options).await.expect("running");
    assert_eq!(later["AWS_ACCESS_KEY_ID"], env["AWS_ACCESS_KEY_ID"]);
    workdir.stop().await;
    control::reset(workdir.path(), &workdir.options).await.expect("reset");
}

fn status_with(env: &std::collections::BTreeMap<String, String>) -> Vec<String> {
    vec![env["PGHOST"].clone()]
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_it_leaves_nothing_and_comes_back() {
    let workdir = Workdir::new();
    let mut lease = workdir.ensure().await;
    create_cluster(&lease.environment);
    let status = workdir.status().await.expect("running");
    until("PostgreSQL and its own children run below it", || family(pid(&status)).len() > 5).await;
    let all = family(pid(&status));
    kill_process(Pid::from_raw(pid(&status)).expect("a pid"), Signal::KILL).expect("killed");
    lease.lost().await;
    gone(&all).await;
    assert!(workdir.status().await.is_none());
    assert!(control::crashed(workdir.path(), &workdir.options));
    let lease = workdir.ensure().await;
    let again = workdir.status().await.expect("running");
    assert_eq!(again.clusters.len(), 1, "what was created is still there");
    assert_ne!(again.pid, status.pid);
    drop(lease);
    gone(&family(pid(&again))).await;
    control::reset(workdir.path(), &workdir.options).await.expect("reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_directories_side_by_side_and_many_starts_at_once() {
    let (one, two) = (Workdir::new(), Workdir::new());
    let starts = (0..4).map(|_| one.ensure());
    let (leases, other) = futures::join!(futures::future::join_all(starts), two.ensure());
    let endpoints: BTreeSet<&str> = leases.iter().map(|lease| lease.environment["AWS_ENDPOINT_URL"].as_str()).collect();
    assert_eq!(endpoints.len(), 1, "one sandbox for one directory");
    assert!(!endpoints.contains(other.environment["AWS_ENDPOINT_URL"].as_str()));
    assert_ne!(leases[0].environment["PGPORT"], other.environment["PGPORT"]);
    for workdir in [&one, &two] {
        workdir.stop().await;
        control::reset(workdir.path(), &workdir.options).await.expect("reset");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_and_a_wrong_region_are_said() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = holder.local_addr().expect("an address").port();
    let mut workdir = Workdir::new();
    workdir.options.port = Some(port);
    let problem = control::start(workdir.path(), &workdir.options, |_| {}).await.expect_err("taken");
    assert_eq!((problem.kind, problem.message), (Kind::Environment, format!("port {port} is taken")));
    drop(holder);
    let status = workdir.start().await;
    assert_eq!(status.endpoint, format!("http://127.0.0.1:{port}"));
    workdir.options.port = Some(1);
    let problem = control::start(workdir.path(), &workdir.options, |_| {}).await.expect_err("on another port");
    assert_eq!(problem.kind, Kind::Usage);
    workdir.stop().await;
    workdir.options.port = None;
    workdir.options.region = Some("eu-west-1".into());
    let problem = control::start(workdir.path(), &workdir.options, |_| {}).await.expect_err("another region");
    assert_eq!(problem.message, "this sandbox is in us-east-1, not in eu-west-1");
    control::reset(workdir.path(), &workdir.options).await.expect("reset");
    let status = workdir.start().await;
    assert_eq!(status.region, "eu-west-1");
    workdir.stop().await;
    control::reset(workdir.path(), &workdir.options).await.expect("reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_sandbox_goes_down_in_order() {
    let workdir = Workdir::new();
    let status = workdir.start().await;
    let all = family(pid(&status));
    kill_process(Pid::from_raw(pid(&status)).expect("a pid"), Signal::TERM).expect("signalled");
    gone(&all).await;
    assert!(!control::crashed(workdir.path(), &workdir.options));
    control::reset(workdir.path(), &workdir.options).await.expect("reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn its_clock_moves_and_its_state_is_saved_and_restored() {
    let workdir = Workdir::new();
    let lease = workdir.ensure().await;
    let (path, options) = (workdir.path(), &workdir.options);
    assert_eq!(control::clock(path, options, "+16m").await.expect("moved"), 960_000);
    assert_eq!(control::clock(path, options, "0").await.expect("moved"), 0);
    create_cluster(&lease.environment);
    control::save(path, options, "one").await.expect("saved");
    create_cluster(&lease.environment);
    assert_eq!(workdir.status().await.expect("running").clusters.len(), 2);
    control::restore(path, options, "one").await.expect("restored");
    let status = workdir.status().await.expect("running");
    assert_eq!((status.clusters.len(), status.saved), (1, vec!["one".to_string()]));
    // The credentials that its users hold stay good, and so does what was saved.
    control::clear(path, options).await.expect("cleared");
    assert_eq!(workdir.status().await.expect("running").clusters.len(), 0);
    create_cluster(&lease.environment);
    assert_eq!(workdir.status().await.expect("running").clusters.len(), 1);
    control::clear(path, options).await.expect("cleared");
    control::restore(path, options, "one").await.expect("restored");
    assert_eq!(workdir.status().await.expect("running").clusters, status.clusters);
    let problem = control::restore(path, options, "two").await.expect_err("never saved");
    assert_eq!(problem.kind, Kind::Usage);
    let problem = control::save(path, options, "../two").await.expect_err("no name");
    assert_eq!(problem.kind, Kind::Usage);
    workdir.stop().await;
    control::reset(path, options).await.expect("reset");
}

/// Whoever saves or restores does it alone, and what fails leaves everything as it was.
#[tokio::test(flavor = "multi_thread")]
async fn saving_and_restoring_take_turns_and_fail_whole() {
    let workdir = Workdir::new();
    let lease = workdir.ensure().await;
    let (path, options) = (workdir.path(), &workdir.options);
    create_cluster(&lease.environment);
    let saves = ["one", "two", "one", "three"].map(|name| control::save(path, options, name));
    for saved in futures::future::join_all(saves).await {
        saved.expect("saved");
    }
    create_cluster(&lease.environment);
    let (restored, saved) = tokio::join!(control::restore(path, options, "two"), control::save(path, options, "four"));
    restored.expect("restored");
    saved.expect("saved");
    let status = workdir.status().await.expect("running");
    assert_eq!((status.clusters.len(), status.saved.join(" ").as_str()), (1, "four one three two"));

    // A damaged state is refused, and a disk that takes nothing.
    let saved = path.join(".workshop/sandbox/saved");
    std::fs::remove_dir_all(saved.join("one/cloud")).expect("damaged");
    std::fs::remove_dir_all(saved.join("three/postgres")).expect("damaged");
    let postgres = std::fs::read_dir(saved.join("four/postgres")).expect("four").map(|e| e.expect("an entry").path());
    postgres.filter(|path| path.is_dir()).for_each(|path| std::fs::remove_dir_all(path).expect("damaged"));
    std::fs::write(saved.join("two/cloud/cloud.json"), "{\"format\": 99}").expect("of another version");
    for damaged in ["one", "three", "four", "two"] {
        let problem = control::restore(path, options, damaged).await.expect_err(damaged);
        assert_eq!(problem.kind, Kind::Environment, "{problem:?}");
    }
    let own = std::fs::read_to_string(path.join(".workshop/sandbox/cloud/cloud.json")).expect("its own");
    assert_ne!(own, "{\"format\": 99}");
    std::fs::rename(&saved, saved.with_extension("away")).expect("moved");
    std::fs::write(&saved, "in the way").expect("written");
    let problem = control::save(path, options, "five").await.expect_err("no directory");
    assert_eq!(problem.kind, Kind::Environment, "{problem:?}");
    std::fs::remove_file(&saved).expect("removed");
    control::save(path, options, "five").await.expect("saved");
    assert_eq!(workdir.status().await.expect("running").clusters.len(), 1);
    control::restore(path, options, "five").await.expect("restored");
    workdir.stop().await;
    control::reset(path, options).await.expect("reset");
}

/// Databases and endpoint are replaced one after the other; who is killed between the two leaves them of two states.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_being_replaced_when_it_was_killed_is_replaced_at_the_next_start() {
    let workdir = Workdir::new();
    let lease = workdir.ensure().await;
    let (path, options) = (workdir.path(), &workdir.options);
    create_cluster(&lease.environment);
    let first = workdir.status().await.expect("running").clusters;
    control::save(path, options, "one").await.expect("saved");
    create_cluster(&lease.environment);
    workdir.stop().await;
    let state = workdir.state();
    let (cloud, later) = (state.join("cloud"), state.join("later"));
    copy_tree(&cloud, &later, &|_| true).expect("copied");
    for (replacing, endpoint, expected) in [("one", true, 1), ("", true, 0), ("one", false, 1)] {
        let lease = workdir.ensure().await;
        control::restore(path, options, "one").await.expect("restored");
        workdir.stop().await;
        drop(lease);
        std::fs::remove_dir_all(&cloud).expect("taken away");
        if endpoint {
            copy_tree(&later, &cloud, &|_| true).expect("the later one");
            std::fs::write(cloud.join(".cloud.json.1-2.unfinished"), "half").expect("half written");
        }
        std::fs::create_dir(state.join("cloud.making")).expect("half made");
        std::fs::write(state.join("replacing"), replacing).expect("under way");
        let lease = workdir.ensure().await;
        let clusters = workdir.status().await.expect("running").clusters;
        assert_eq!(clusters.len(), expected, "{replacing} {endpoint}");
        assert!(clusters.is_empty() || clusters == first);
        create_cluster(&lease.environment);
        let left = |name: &str| state.join(name).exists();
        assert!(!left("replacing") && !left("cloud.making") && !left("cloud/.cloud.json.1-2.unfinished"));
        workdir.stop().await;
    }
    control::reset(path, options).await.expect("reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_directory_does_not_come_back_half() {
    let workdir = Workdir::new();
    let forgotten = workdir.start().await;
    create_cluster(&control::env(workdir.path(), &workdir.options).await.expect("running"));
    let old = family(pid(&forgotten));
    // A server may write while its directory goes.
    let ours = workdir.path().join(".workshop");
    until("it is deleted", || {
        let _ = std::fs::remove_dir_all(&ours);
        !ours.exists()
    })
    .await;
    assert!(workdir.status().await.is_none(), "what has no state does not run");
    let anew = workdir.start().await;
    assert_ne!(anew.pid, forgotten.pid);
    assert!(anew.clusters.is_empty());
    gone(&old).await;
    create_cluster(&control::env(workdir.path(), &workdir.options).await.expect("running"));
    workdir.stop().await;
    control::reset(workdir.path(), &workdir.options).await.expect("reset");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_is_given_up_leaves_no_process() {
    let workdir = Workdir::new();
    let mine = workdir.path().to_string_lossy().into_owned();
    let processes = || {
        let all = std::fs::read_dir("/proc").expect("listed").flatten();
        all.filter(|entry| {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&mine)
        })
        .count()
    };
    let mut start = Box::pin(workdir.start());
    let begun = async {
        while processes() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = begun => {}
        _ = &mut start => {}
    }
    drop(start);
    until("its process is gone", || processes() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_nothing_of_whoever_started_it() {
    let workdir = Workdir::new();
    // 9 is a second end of the pipe that is read here, left open for whatever the shell starts.
    let mut shell = tokio::process::Command::from(command("sh"));
    shell.args(["-c", "exec \"$0\" sandbox start --workdir \"$1\" 9>&1 >/dev/null"]).arg(exe()).arg(workdir.path());
    let output = tokio::time::timeout(std::time::Duration::from_secs(60), shell.output());
    let output = output.await.expect("the pipe ends with the command, not with the sandbox").expect("started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(workdir.status().await.is_some(), "it runs on");
    workdir.stop().await;
    control::reset(workdir.path(), &workdir.options).await.expect("reset");
}

/// What a full disk is to a file: a device that takes nothing. Only root can make one.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_log_on_a_full_disk_does_not_hinder_it() {
    let workdir = Workdir::new();
    let log = workdir.state().join("log");
    std::fs::create_dir_all(&log).expect("made");
    let mut device = command("mknod");
    let made = device.arg(log.join("sandbox.log")).args(["c", "1", "7"]).output();
    if !made.is_ok_and(|output| output.status.success()) {
        return;
    }
    let started = tokio::time::timeout(std::time::Duration::from_secs(60), workdir.start());
    let status = started.await.expect("it comes up, or says why not");
    let all = family(pid(&status));
    assert!(workdir.stop().await);
    gone(&all).await;
    control::reset(workdir.path(), &workdir.options).await.expect("reset");
}

/// A project that came from somebody else may hold anything in the sandbox's place.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_through_a_link() {
    let theirs = tempfile::tempdir().expect("a directory");
    let precious = theirs.path().join("precious");
    std::fs::write(&precious, "precious").expect("written");
    for link in [".workshop", ".workshop/sandbox", ".workshop/sandbox/tls", ".workshop/sandbox/postgres"] {
        let workdir = Workdir::new();
        let place = workdir.path().join(link);
        std::fs::create_dir_all(place.parent().expect("a parent")).expect("made");
        std::os::unix::fs::symlink(theirs.path(), &place).expect("linked");
        let problem = control::start(workdir.path(), &workdir.options, |_| {}).await.expect_err(link);
        assert!(problem.message.contains(&format!("{link} is a symbolic link")), "{}", problem.message);
        assert_eq!(std::fs::read_dir(theirs.path()).expect("listed").count(), 1, "{link}");
    }
    let files = ["lock", "log/sandbox.log", "log/postgres.log", "region", "ports.json", "preload.cjs", "tls/ca.pem"];
    let workdir = Workdir::new();
    for file in files {
        let place = workdir.state().join(file);
        std::fs::create_dir_all(place.parent().expect("a parent")).expect("made");
        std::os::unix::fs::symlink(&precious, &place).expect("linked");
    }
    // Those that are appended to are refused one after the other; those that are replaced stop being links.
    for file in ["log/sandbox.log", "lock", "log/postgres.log"] {
        let problem = control::start(workdir.path(), &workdir.options, |_| {}).await.expect_err(file);
        assert!(problem.message.contains("is a symbolic link"), "{file}: {}", problem.message);
        std::fs::remove_file(workdir.state().join(file)).expect("removed");
    }
    assert_eq!(workdir.start().await.region, "us-east-1", "nor is anything believed that a link leads to");
    workdir.stop().await;
    assert_eq!(std::fs::read_to_string(&precious).expect("read"), "precious");
    for secret in ["tls/ca.key", "cloud/cloud.json", "lock", "log/sandbox.log", "ports.json"] {
        let mode = std::fs::metadata(workdir.state().join(secret)).expect(secret).permissions().mode();
        assert_eq!(mode & 0o077, 0, "{secret} is its owner's alone");
    }
    control::reset(workdir.path(), &workdir.options).await.expect("reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn clusters_made_and_deleted_at_the_same_time_are_all_right() {
    let workdir = Workdir::new();
    let lease = workdir.ensure().await;
    let (env, made) = (&lease.environment, 8);
    std::thread::scope(|scope| {
        for _ in 0..made {
            scope.spawn(|| create_cluster(env));
        }
    });
    until("all are there", || {
        let text = std::fs::read_to_string(workdir.state().join("cloud/cloud.json")).expect("a state");
        assert!(!text.contains("\"FAILED\""), "one has failed");
        text.matches("\"ACTIVE\"").count() == made
    })
    .await;
    workdir.stop().await;
    let again = workdir.start().await;
    assert_eq!(again.clusters.len(), made, "none was forgotten");
    workdir.stop().await;
    control::reset(workdir.path(), &workdir.options).await.expect("reset");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn what_functions_left_goes_when_it_is_killed() {
    let workdir = Workdir::new();
    let status = workdir.start().await;
    let run = status.control.parent().expect("a directory");
    // As a function's child that has left its group: only the variable that it inherited tells whose it is.
    let mut left = command("sleep");
    let mut left = left.arg("600").env("WORKSHOP_ENVIRONMENT", run.join("environment/one")).spawn().expect("started");
    let all = family(pid(&status));
    kill_process(Pid::from_raw(pid(&status)).expect("a pid"), Signal::KILL).expect("killed");
    gone(&all).await;
    until("what functions left is gone", || left.try_wait().is_ok_and(|ended| ended.is_some())).await;
    control::reset(workdir.path(), &workdir.options).await.expect("reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_has_the_port_that_was_asked_for() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = holder.local_addr().expect("an address").port();
    let mut workdir = Workdir::new();
    workdir.options.database_port = Some(port);
    let problem = control::start(workdir.path(), &workdir.options, |_| {}).await.expect_err("taken");
    assert_eq!(problem.message, format!("port {port} is taken"));
    drop(holder);
    assert_eq!(workdir.start().await.dsql_port, port);
    workdir.options.database_port = Some(1);
    let problem = control::start(workdir.path(), &workdir.options, |_| {}).await.expect_err("on another port");
    assert_eq!(problem.message, format!("the sandbox runs already, its database on port {port}"));
    workdir.stop().await;
    workdir.options.database_port = None;
    assert_eq!(workdir.start().await.dsql_port, port, "what a shell was told stays true");
    workdir.stop().await;
    control::reset(workdir.path(), &workdir.options).await.expect("reset");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_node_it_says_what_to_install() {
    let mut workdir = Workdir::new();
    let bin = workdir.path().join("bin");
    std::fs::create_dir(&bin).expect("made");
    let program = |name: &str, text: String| {
        let path = bin.join(name);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("made to run");
        path
    };
    let script = format!("#!/bin/sh\nPATH='{}' exec '{}' \"$@\"\n", bin.display(), exe().display());
    workdir.options.exe = program("workshop", script);
    let fail = async || control::start(workdir.path(), &workdir.options, |_| {}).await.expect_err("no Node.js");
    let missing = fail().await;
    assert_eq!(missing.kind, Kind::Environment);
    assert_eq!(missing.message, "Node.js was not found on PATH");
    assert!(missing.hint.is_some_and(|hint| hint.contains("https://nodejs.org")));
    program("node", "#!/bin/sh\necho v18.20.1\n".into());
    assert_eq!(fail().await.message, "Node.js v18.20.1 is too old");
    control::reset(workdir.path(), &workdir.options).await.expect("reset");
}

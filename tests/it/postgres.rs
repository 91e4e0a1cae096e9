//! Real PostgreSQL servers: started, restarted, saved, and gone with whoever started them.

use std::process::Stdio;

use workshop_sandbox::child::DeathSignal;
use workshop_sandbox::interfaces::{Databases, PgServer};
use workshop_sandbox::launch::Launch;

use crate::support::{alive, servers, spawner, until};

async fn client(server: &PgServer) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::Config::new()
        .host_path(&server.socket_dir)
        .port(server.port)
        .user(&server.superuser)
        .dbname(&server.database)
        .connect(tokio_postgres::NoTls)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    client
}

async fn ask(server: &PgServer, sql: &str) -> String {
    let rows = client(server).await.query(sql, &[]).await.expect(sql);
    rows.first().map(|row| row.get::<_, String>(0)).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_keeps_its_data_and_its_settings() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers(dir.path()).await;
    servers.prepare_spare();
    let one = servers.ensure("one").await.expect("started");
    let two = servers.ensure("two").await.expect("started");
    assert_ne!(one.socket_dir, two.socket_dir, "clusters share no server");
    assert_eq!(servers.ensure("one").await.expect("running"), one);
    for (setting, value) in [("server_encoding", "UTF8"), ("lc_collate", "C"), ("TimeZone", "UTC"), ("jit", "off")] {
        let sql = format!(
            "SELECT setting FROM pg_settings WHERE name = '{setting}' UNION ALL SELECT datcollate::text FROM pg_database WHERE datname = 'postgres' AND '{setting}' = 'lc_collate'"
        );
        assert_eq!(ask(&one, &sql).await, value, "{setting}");
    }
    client(&one).await.batch_execute("CREATE TABLE kept AS SELECT 'yes'::text AS it").await.expect("created");
    servers.shutdown().await;
    assert!(servers.ensure("one").await.is_err(), "a stopped sandbox starts nothing");

    let again = crate::support::servers(dir.path()).await;
    again.start_all().await.expect("started");
    let one = again.ensure("one").await.expect("running");
    assert_eq!(ask(&one, "SELECT it FROM kept").await, "yes");
    again.delete("one").await.expect("deleted");
    let anew = again.ensure("one").await.expect("started");
    assert_eq!(ask(&anew, "SELECT count(*)::text FROM pg_tables WHERE tablename = 'kept'").await, "0");
    again.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_deleted_leaves_the_next_one_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers(dir.path()).await;
    let first = servers.ensure("first").await.expect("started");
    // The spare that follows it.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while servers.pids().await.len() < 2 {
        assert!(std::time::Instant::now() < deadline, "no spare server");
        tokio::task::yield_now().await;
    }
    servers.delete("first").await.expect("deleted");
    let second = servers.ensure("second").await.expect("started");
    assert_ne!(first.socket_dir, second.socket_dir, "it got the spare");
    assert_eq!(ask(&second, "SELECT 'here'").await, "here");
    servers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_saved_comes_back_under_load() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers(dir.path()).await;
    let server = servers.ensure("c").await.expect("started");
    let first = client(&server).await;
    first.batch_execute("CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 50000)").await.expect("made");
    let busy = client(&server).await;
    let load = tokio::spawn(async move {
        // Until the restore stops the server.
        while busy.batch_execute("BEGIN; INSERT INTO t VALUES (0); DELETE FROM t WHERE n = 0; COMMIT").await.is_ok() {}
    });
    let saved = dir.path().join("saved");
    servers.save(&saved).await.expect("saved");
    first.batch_execute("DELETE FROM t; INSERT INTO t VALUES (-1)").await.expect("changed");
    servers.restore(&saved).await.expect("restored");
    load.await.expect("ended");
    let server = servers.ensure("c").await.expect("running");
    let sum = ask(&server, "SELECT count(*) || ' ' || sum(n) FROM t").await;
    assert_eq!(sum, "50000 1250025000");
    servers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_died_is_started_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers(dir.path()).await;
    let server = servers.ensure("c").await.expect("started");
    client(&server).await.batch_execute("CREATE TABLE t AS SELECT 'still'::text AS here").await.expect("made");
    let pid = servers.pids().await[0];
    let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
    until("it is gone", || !alive(pid.as_raw_nonzero().get())).await;
    let server = servers.ensure("c").await.expect("started again");
    assert_eq!(ask(&server, "SELECT here FROM t").await, "still");
    servers.shutdown().await;
}

fn sleeper() -> Launch {
    Launch {
        program: "sleep".into(),
        args: vec!["600".into()],
        env: vec![("PATH".into(), std::env::var_os("PATH").expect("a path"))],
        dir: std::env::temp_dir(),
        user: None,
        signal: DeathSignal::Kill,
        stdout: Stdio::null(),
        stderr: Stdio::null(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn children_go_with_the_spawner_and_can_be_stopped() {
    for spawner in [spawner(), spawner().guarded()] {
        let mut child = spawner.start(sleeper()).await.expect("started");
        assert!(alive(child.pid()));
        child.signal(rustix::process::Signal::TERM);
        let status = child.wait().await.expect("waited");
        assert!(!status.success());

        let dropped = spawner.start(sleeper()).await.expect("started");
        let pid = dropped.pid();
        drop(dropped);
        until("the dropped child is gone", || !alive(pid)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_missing_says_so() {
    let mut launch = sleeper();
    launch.program = "/nowhere/to/be/found".into();
    launch.stderr = Stdio::piped();
    let mut child = spawner().start(launch).await.expect("our own binary starts");
    let mut said = String::new();
    let mut stderr = child.stderr().expect("piped");
    tokio::io::AsyncReadExt::read_to_string(&mut stderr, &mut said).await.expect("read");
    assert!(said.contains("No such file"), "{said}");
    assert_eq!(child.wait().await.expect("waited").code(), Some(127));
}

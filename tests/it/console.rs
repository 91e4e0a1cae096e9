//! The console against psql: the same scripts on the same PostgreSQL, byte for byte.
//!
//! `tests/golden/console/*.sql` are the scripts. What psql 15 writes for them is kept beside them (`*.out`), so
//! that the comparison holds on a machine without psql. Where a psql from 15 to 17 is installed, it runs too, and ours
//! lays out as that version does; `UPDATE_GOLDEN=1` with psql 15 writes its output anew.
//!
//! What is meant to differ is listed in `tests/golden/console/psql.md`, and so not in the scripts.

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use workshop::aws::token::{Secret, TokenSource};
use workshop::problem::Result;

use workshop::sandbox::dsql::token::sign;
use workshop::sandbox::seams::{Databases, PgServer};
use workshop::sql::console::{Console, Options, Outcome, TextFeed};
use workshop::sql::query::rows;
use workshop::sql::report::{SessionEvent, Sink, SqlLine, TxState};
use workshop::sql::session::{Auth, CONNECT_TIMEOUT, Connector, Tls};
use workshop::sql::table::{Expanded, Format};

use crate::dsql::world::{REGION, World, credential, host};
use crate::support::servers;

/// Output as it would go to the two standard streams.
#[derive(Default)]
struct Streams {
    out: String,
    err: String,
    lines: usize,
    /// What happened to the connection, and how much had been printed by then.
    events: Vec<(SessionEvent, usize)>,
}

impl Sink for Streams {
    async fn lines(&mut self, lines: Vec<(SqlLine, String)>) {
        self.lines += lines.len();
    }

    async fn text(&mut self, kind: SqlLine, text: &str) {
        match kind {
            SqlLine::Notice | SqlLine::Error | SqlLine::Hint => self.err.push_str(text),
            SqlLine::Echo | SqlLine::Header | SqlLine::Row | SqlLine::Footer | SqlLine::Status => {
                self.out.push_str(text);
            }
        }
    }

    async fn event(&mut self, event: SessionEvent) {
        self.events.push((event, self.out.len()));
    }
}

impl Streams {
    fn both(&self) -> String {
        format!("{}---- messages ----\n{}", self.out, self.err)
    }
}

fn connector(server: &PgServer, database: &str) -> Connector {
    Connector {
        host: server.socket_dir.to_string_lossy().into_owned(),
        hostaddr: None,
        port: server.port,
        database: database.to_owned(),
        ca: None,
        tls: Tls::Off,
        auth: Auth::Trust,
        timeout: CONNECT_TIMEOUT,
    }
}

fn console(server: &PgServer, database: &str) -> Console {
    let options = Options { interactive: false, hints: false, ..Options::default() };
    Console::new(connector(server, database), &server.superuser, options)
}

async fn fresh_database(server: &PgServer) {
    let roles = "DROP ROLE IF EXISTS r1, alice, bob, grp";
    for sql in ["DROP DATABASE IF EXISTS cmp", "CREATE DATABASE cmp TEMPLATE postgres", roles] {
        rows(&connector(server, &server.database), &server.superuser, sql).await.expect(sql);
    }
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/console")
}

/// The psql whose output is kept beside the scripts.
const RECORDED: u32 = 15;

/// psql's major version, if there is one here that we are to be compared with.
fn psql_version() -> Option<u32> {
    let output = Command::new("psql").arg("--version").stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let major = text.split_whitespace().nth(2)?.split('.').next()?.parse().ok()?;
    matches!(major, 15..=17).then_some(major)
}

fn psql(server: &PgServer, script: &str, flags: &[&str], directory: &Path) -> String {
    let output = Command::new("psql")
        .args(["-X", "-U", &server.superuser, "-d", "cmp", "-f", script])
        .args(flags)
        .arg("-h")
        .arg(&server.socket_dir)
        .args(["-p", &server.port.to_string()])
        .current_dir(directory)
        .env_remove("PGOPTIONS")
        .stdin(Stdio::null())
        .output()
        .expect("psql runs");
    let messages = String::from_utf8_lossy(&output.stderr);
    let messages: String =
        messages.lines().map(|line| format!("{}\n", line.strip_prefix("psql:").unwrap_or(line))).collect();
    format!("{}---- messages ----\n{messages}", String::from_utf8_lossy(&output.stdout))
}

async fn ours(server: &PgServer, script: &str, flags: &[&str], version: u32, directory: &Path) -> String {
    let options = Options { interactive: false, hints: false, directory: directory.to_owned(), ..Options::default() };
    let mut console = Console::new(connector(server, "cmp"), &server.superuser, options);
    console.vars.set("VERSION_NUM", &(version * 10_000).to_string()).expect("a variable");
    for flag in flags {
        match *flag {
            "-A" => console.table.format = Format::Unaligned,
            "--csv" => console.table.format = Format::Csv,
            "-x" => console.table.expanded = Expanded::On,
            "-t" => console.table.tuples_only = true,
            other => panic!("{other}"),
        }
    }
    let text = fs::read_to_string(directory.join(script)).expect("a script");
    let mut streams = Streams::default();
    console.run_feed(&mut TextFeed::new(&text), &mut streams, false, Some(script)).await;
    console.close().await;
    streams.both()
}

/// A directory with the scripts in it, for what they write.
fn work() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for entry in fs::read_dir(golden()).expect("the scripts") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, dir.path().join(path.file_name().expect("a name"))).expect("copied");
    }
    dir
}

#[track_caller]
fn assert_same(what: &str, expected: &str, got: &str) {
    if let Some((n, (e, g))) =
        expected.lines().chain(["<end>"]).zip(got.lines().chain(["<end>"])).enumerate().find(|(_, (e, g))| e != g)
    {
        let before: Vec<&str> = got.lines().skip(n.saturating_sub(3)).take(3.min(n)).collect();
        panic!("{what}: line {}\npsql: {e:?}\nours: {g:?}\nafter:\n{}", n + 1, before.join("\n"));
    }
    assert_eq!(expected, got, "{what}: they differ in a newline");
}

#[tokio::test(flavor = "multi_thread")]
async fn output_is_psql_s_byte_for_byte() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers(dir.path()).await;
    let server = servers.ensure("console").await.expect("started");
    let version = psql_version();
    let forms: [(&str, &[&str]); 6] = [
        ("aligned", &[]),
        ("unaligned", &["-A"]),
        ("expanded", &["-x"]),
        ("csv", &["--csv"]),
        ("bare", &["-A", "-t"]),
        ("tuples", &["-t"]),
    ];
    let scripts = ["statements", "catalogue", "commands", "formats", "values", "errors", "settings"];
    for script in scripts {
        // The others set their formats themselves.
        let forms = if matches!(script, "statements" | "values") { &forms[..] } else { &forms[..1] };
        for (form, flags) in forms {
            let file = format!("{script}.sql");
            let expected_file = golden().join(format!("{script}.{form}.out"));
            if let Some(version) = version {
                fresh_database(&server).await;
                let theirs = psql(&server, &file, flags, work().path());
                if version == RECORDED && std::env::var_os("UPDATE_GOLDEN").is_some() {
                    fs::write(&expected_file, &theirs).expect("written");
                }
                fresh_database(&server).await;
                let got = ours(&server, &file, flags, version, work().path()).await;
                assert_same(&format!("{file} {form} beside psql {version}"), &theirs, &got);
            }
            if version != Some(RECORDED) {
                fresh_database(&server).await;
                let got = ours(&server, &file, flags, RECORDED, work().path()).await;
                let recorded = fs::read_to_string(&expected_file).expect("recorded");
                assert_same(&format!("{file} {form}"), &recorded, &got);
            }
        }
    }
    // What each version lays out in its own way.
    if let Some(version) = version {
        fresh_database(&server).await;
        let theirs = psql(&server, "versions.sql", &[], work().path());
        fresh_database(&server).await;
        let got = ours(&server, "versions.sql", &[], version, work().path()).await;
        assert_same(&format!("versions.sql beside psql {version}"), &theirs, &got);
    }
    servers.shutdown().await;
}

async fn run(console: &mut Console, text: &str) -> (Outcome, Streams) {
    let mut streams = Streams::default();
    let outcome = console.run(text, &mut streams).await;
    (outcome, streams)
}

/// Ends another console's connection on the server, as the end of its 60 minutes would.
async fn cut(server: &PgServer, console: &mut Console) {
    let (outcome, _) = run(console, "select pg_backend_pid()").await;
    let pid = outcome.results[0].rows[0][0].clone().expect("a process");
    let sql = format!("select pg_terminate_backend({pid}, 5000)");
    rows(&connector(server, &server.database), &server.superuser, &sql).await.expect("ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_never_lies_about_its_transaction() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers(dir.path()).await;
    let server = servers.ensure("session").await.expect("started");
    let mut a = console(&server, &server.database);

    // Idle: replaced silently.
    cut(&server, &mut a).await;
    let (outcome, streams) = run(&mut a, "select 1 as one;").await;
    assert_eq!(streams.err, "");
    assert_eq!(outcome.results[0].rows, [[Some("1".to_owned())]]);
    let [(SessionEvent::Lost { transaction_lost: false, .. }, 0), (SessionEvent::Opened { .. }, 0)] =
        &streams.events[..]
    else {
        panic!("told before the statement: {:?}", streams.events);
    };

    // Inside a transaction: lost, told, and nothing runs until that is acknowledged.
    run(&mut a, "create table t (n int); begin; insert into t values (1);").await;
    assert_eq!((a.tx(), a.prompt().as_str()), (TxState::Open, "postgres=*# "));
    cut(&server, &mut a).await;
    let (outcome, streams) = run(&mut a, "insert into t values (2);").await;
    assert_eq!(outcome.tx, TxState::Unknown);
    assert!(streams.err.contains("A transaction was open"), "{}", streams.err);
    assert!(a.prompt().contains("=?"), "{}", a.prompt());
    // A look at the tables takes a new connection, and acknowledges nothing.
    let (outcome, streams) = run(&mut a, "\\dt").await;
    assert!(streams.out.contains(" t ") && !outcome.failed, "{}", streams.both());
    let (outcome, _) = run(&mut a, "insert into t values (3); commit;").await;
    assert_eq!((outcome.results.len(), outcome.tx), (1, TxState::Unknown), "only the first, and it was refused");
    let (outcome, _) = run(&mut a, "rollback; select count(*) from t;").await;
    assert_eq!(outcome.results.last().expect("a count").rows, [[Some("0".to_owned())]]);
    assert_eq!(outcome.tx, TxState::Idle);

    // A script ends where its connection breaks: what follows was meant for what is lost.
    let breaks = "begin; insert into t values (4); select pg_terminate_backend(pg_backend_pid()); commit;\n\
                  begin; insert into t values (5); commit;";
    let (outcome, _) = run(&mut a, breaks).await;
    assert!(outcome.unreachable && outcome.stopped, "{outcome:?}");
    let (outcome, _) = run(&mut a, "rollback; select count(*) from t;").await;
    assert_eq!(outcome.results.last().expect("a count").rows, [[Some("0".to_owned())]]);

    let (outcome, _) = run(&mut a, "\\c nowhere\ninsert into t values (6);").await;
    assert!(outcome.unreachable && !a.is_connected(), "{outcome:?}");
    let (outcome, _) = run(&mut a, "select count(*) from t;").await;
    assert_eq!(outcome.results.last().expect("a count").rows, [[Some("0".to_owned())]]);

    // A failed statement: the state is the server's.
    run(&mut a, "begin; select 1/0;").await;
    assert_eq!(a.tx(), TxState::Failed);
    run(&mut a, "rollback;").await;
    servers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_run_again_whole_on_request() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers(dir.path()).await;
    let server = servers.ensure("conflict").await.expect("started");
    let (mut a, mut b) = (console(&server, &server.database), console(&server, &server.database));
    run(&mut a, "create table acc (id int primary key, n int); insert into acc values (1, 100);").await;
    run(&mut a, "begin isolation level repeatable read; select * from acc;").await;
    run(&mut b, "update acc set n = n - 10;").await;
    let (outcome, _) = run(&mut a, "update acc set n = n - 1;").await;
    assert_eq!(outcome.error.expect("a conflict").sqlstate, "40001");
    assert_eq!(a.retryable().map(<[String]>::len), Some(3));
    let mut streams = Streams::default();
    let outcome = a.retry_transaction(&mut streams).await.expect("something to run again");
    assert!(outcome.error.is_none(), "{}", streams.err);
    assert_eq!(outcome.tx, TxState::Open);
    let (outcome, _) = run(&mut a, "commit; select n from acc;").await;
    assert_eq!(outcome.results.last().expect("a row").rows, [[Some("89".to_owned())]]);
    assert!(a.retry_transaction(&mut streams).await.is_none());
    servers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_stops_the_server_and_keeps_the_session() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers(dir.path()).await;
    let server = servers.ensure("cancel").await.expect("started");
    let mut a = console(&server, &server.database);
    run(&mut a, "select 1;").await;
    let canceller = a.canceller();
    let task = tokio::spawn(async move {
        let ran = run(&mut a, "select pg_sleep(60); select 'not reached';").await;
        (a, ran)
    });
    // Until the statement is seen to run.
    let look = "select count(*) from pg_stat_activity where state = 'active' and query like 'select pg_sleep%'";
    while rows(&connector(&server, &server.database), &server.superuser, look).await.expect("a count").rows[0][0]
        .as_deref()
        != Some("1")
    {}
    assert!(canceller.cancel().await.expect("told"));
    let (mut a, (outcome, streams)) =
        tokio::time::timeout(Duration::from_secs(10), task).await.expect("in time").expect("ended");
    assert_eq!(outcome.error.expect("cancelled").sqlstate, "57014");
    assert_eq!((outcome.stopped, outcome.results.len()), (true, 1));
    assert!(streams.err.contains("canceling statement due to user request"));
    let (outcome, streams) = run(&mut a, "select 2;").await;
    assert!(outcome.error.is_none() && streams.events.is_empty(), "the same session goes on");

    // `\watch` ends by its own conditions too.
    let (outcome, streams) = run(&mut a, "select generate_series(1, 2) \\watch i=0.001 c=3").await;
    assert_eq!(streams.out.matches("(2 rows)").count(), 3);
    assert!(outcome.error.is_none());
    let (_, streams) = run(&mut a, "select 1 where false \\watch i=60 m=1").await;
    assert_eq!(streams.out.matches("(0 rows)").count(), 1);
    servers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_result_streams_and_nothing_of_it_is_left_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers(dir.path()).await;
    let server = servers.ensure("large").await.expect("started");
    let mut a = console(&server, &server.database);
    let (outcome, streams) = run(&mut a, "select n, 'row ' || n as t from generate_series(1, 25000) n").await;
    assert_eq!((outcome.results[0].row_count, outcome.results[0].rows.len()), (25_000, 1_000));
    assert!(
        streams.out.starts_with("   n   |     t     \n-------+-----------\n     1 | row 1\n"),
        "{}",
        &streams.out[..80]
    );
    assert!(streams.out.ends_with(" 25000 | row 25000\n(25000 rows)\n\n"));
    assert_eq!(streams.out.lines().count(), 25_000 + 4);
    // An error in the middle is told, and what had come is not taken for the whole.
    let (outcome, _) = run(&mut a, "select 1/(20000 - n) from generate_series(1, 25000) n").await;
    assert_eq!(outcome.error.expect("an error").sqlstate, "22012");
    servers.shutdown().await;
}

/// Tokens as the world's IAM knows them, and how many have been asked for.
#[derive(Default)]
struct Tokens {
    asked: AtomicUsize,
}

impl TokenSource for Tokens {
    fn token(&self, host: &str, role: &str) -> Pin<Box<dyn Future<Output = Result<Secret>> + Send + '_>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let action = if role == "admin" { "DbConnectAdmin" } else { "DbConnect" };
        let token = sign(host, action, REGION, &credential("lambda"), SystemTime::now(), 900);
        Box::pin(std::future::ready(Ok(Secret::new(token))))
    }
}

fn to_cluster(world: &World, tokens: &Arc<Tokens>) -> Connector {
    Connector {
        hostaddr: Some(world.address.ip().to_string()),
        port: world.address.port(),
        ca: Some(world.ca_file.clone()),
        ..Connector::new(host("console"), tokens.clone())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_reached_with_a_token_for_each_connection() {
    let world = World::new().await;
    let tokens = Arc::new(Tokens::default());
    let connector = to_cluster(&world, &tokens);
    let mut a = Console::new(connector.clone(), "admin", Options::default());
    let (outcome, streams) =
        run(&mut a, "create table t (id int primary key, n int);\nselect 1;\n\\conninfo\n\\d t").await;
    assert!(outcome.error.is_none(), "{}", streams.err);
    assert!(streams.out.contains("SSL connection (protocol: TLSv1.3"), "{}", streams.out);
    assert!(streams.out.contains("\"t_pkey\" PRIMARY KEY"), "{}", streams.out);
    assert_eq!(a.prompt(), "postgres=> ");
    assert_eq!(a.complete("select * from t where ", 22).1.first().map(|c| c.text.as_str()), Some("id"));
    assert_eq!(tokens.asked.load(Ordering::SeqCst), 1);

    // TLS from the first byte; and a certificate of someone else is refused.
    let direct = Connector { tls: Tls::Direct, ..connector.clone() };
    assert_eq!(rows(&direct, "admin", "select 1 as one").await.expect("a row").columns, ["one"]);
    assert_eq!(tokens.asked.load(Ordering::SeqCst), 2);
    let stranger = Connector { ca: None, ..connector.clone() };
    assert_eq!(rows(&stranger, "admin", "select 1").await.expect_err("refused").sqlstate, "08001");

    // A conflict is explained, and run again whole.
    let mut b = Console::new(connector.clone(), "admin", Options::default());
    run(&mut a, "insert into t values (1, 10);").await;
    run(&mut a, "begin; update t set n = n + 1;").await;
    run(&mut b, "update t set n = n + 5;").await;
    let (outcome, streams) = run(&mut a, "commit;").await;
    assert_eq!(outcome.error.expect("a conflict").sqlstate, "40001");
    assert!(streams.err.contains("A conflict: another transaction"), "{}", streams.err);
    let again = a.retry_transaction(&mut Streams::default()).await.expect("to be run again");
    assert!(again.error.is_none());
    let (outcome, _) = run(&mut b, "select n from t;").await;
    assert_eq!(outcome.results[0].rows, [[Some("16".to_owned())]]);

    // A refusal says its cause, and never the token.
    world.cloud.denied.lock().expect("the cloud").push("dsql:DbConnectAdmin".to_owned());
    let mut c = Console::new(connector, "admin", Options::default());
    let (outcome, streams) = run(&mut c, "select 1;").await;
    assert_eq!(outcome.error.expect("refused").sqlstate, "08006");
    assert!(streams.err.contains("lacks dsql:DbConnectAdmin"), "{}", streams.err);
    assert!(!streams.err.contains("X-Amz"));

    // Cancelling goes through TLS too. A cancel that comes before the statement is sent ends the run without one.
    let canceller = a.canceller();
    let outcome = loop {
        let asleep = tokio::spawn(async move {
            let (outcome, _) = run(&mut a, "select pg_sleep(60);").await;
            (a, outcome)
        });
        let mut told = false;
        while !asleep.is_finished() {
            told |= canceller.cancel().await.expect("told");
            tokio::task::yield_now().await;
        }
        let (console, outcome) = asleep.await.expect("ended");
        if told || outcome.error.is_some() {
            break outcome;
        }
        a = console;
    };
    assert_eq!(outcome.error.expect("cancelled").sqlstate, "57014");
    world.end().await;
}

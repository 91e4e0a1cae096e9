//! The console on real servers: what a session does when its connection ends, conflicts, cancelling, large results.

mod corpus;
mod pipes;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use workshop_base::problem::Result;
use workshop_psql::token::{Secret, TokenSource};

use workshop_dsql::token::sign;
use workshop_psql::console::{Console, ConsoleOptions, ConsoleOutcome};
use workshop_psql::query::rows;
use workshop_psql::report::{Loss, SessionEvent, Sink, SqlLine, TxState};
use workshop_psql::session::{Auth, CONNECT_TIMEOUT, Connector, Tls};
use workshop_sandbox::interfaces::{Databases, PgServer};

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

    fn is_screen(&self) -> bool {
        false
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
    let options = ConsoleOptions { interactive: false, hints: false, ..ConsoleOptions::default() };
    Console::new(connector(server, database), &server.superuser, options)
}

async fn run(console: &mut Console, text: &str) -> (ConsoleOutcome, Streams) {
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
    let [(SessionEvent::Lost { loss: Loss::Nothing, .. }, 0), (SessionEvent::Opened { .. }, 0)] = &streams.events[..]
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

    // A connection that ends during COMMIT: nobody knows, and nobody claims to.
    let ends = "create function ends() returns trigger language plpgsql as
        'begin perform pg_terminate_backend(pg_backend_pid()); return null; end';
        create constraint trigger ends after insert on t deferrable initially deferred for each row
        execute function ends();";
    run(&mut a, ends).await;
    let (outcome, streams) = run(&mut a, "begin; insert into t values (7);\ncommit;").await;
    assert_eq!(outcome.tx, TxState::Unknown, "{}", streams.both());
    assert!(streams.events.iter().any(|(e, _)| matches!(e, SessionEvent::Lost { loss: Loss::Outcome, .. })));
    // Not even when a connection that came after it has ended too.
    run(&mut a, "\\dt").await;
    let all = "select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()";
    rows(&connector(&server, &server.database), &server.superuser, all).await.expect("ended");
    let (_, streams) = run(&mut a, "select count(*) from t;").await;
    assert!(streams.err.contains("whether the transaction is stored is not known"), "{}", streams.err);
    run(&mut a, "rollback; drop trigger ends on t;").await;

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

fn to_cluster(world: &World, cluster: &str, tokens: &Arc<Tokens>) -> Connector {
    Connector {
        hostaddr: Some(world.address.ip().to_string()),
        port: world.address.port(),
        ca: Some(world.ca_file.clone()),
        ..Connector::new(host(cluster), tokens.clone())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_reached_with_a_token_for_each_connection() {
    let world = World::new().await;
    let tokens = Arc::new(Tokens::default());
    let connector = to_cluster(&world, "console", &tokens);
    let mut a = Console::new(connector.clone(), "admin", ConsoleOptions::default());
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
    let mut b = Console::new(connector.clone(), "admin", ConsoleOptions::default());
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
    let mut c = Console::new(connector, "admin", ConsoleOptions::default());
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

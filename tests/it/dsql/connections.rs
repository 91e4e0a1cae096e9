//! Who is let in, how, and for how long.

use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use workshop_dsql::conditions::{ConnectionLimits, SandboxConditions, SandboxFault};
use workshop_dsql::token;

use super::raw::{Raw, encrypted, error};
use super::world::{REGION, World, credential, host};

const ADMIN: &[(&str, &str)] = &[("user", "admin"), ("database", "postgres")];

async fn refusal(world: &World, params: &[(&str, &str)], password: &str) -> String {
    match Raw::with(encrypted(world, &host("c")).await, params, password).await {
        Ok(_) => "let in".into(),
        Err(refusal) => refusal.replace('\n', " / "),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_let_in() {
    let world = World::new().await;
    let host = host("c");
    let good = world.token(&host, "admin");
    let denied = "FATAL 08006 unable to accept connection, access denied / HINT ";

    assert_eq!(refusal(&world, ADMIN, &good).await, "let in");
    let wrong = world.token(&host, "myapp");
    let text = format!("{denied}Wrong user to action mapping. user: admin, action: DbConnect");
    assert_eq!(refusal(&world, ADMIN, &wrong).await, text);
    let forged = good.replace("X-Amz-Expires=900", "X-Amz-Expires=901");
    assert!(refusal(&world, ADMIN, &forged).await.contains("does not match"));
    let elsewhere = token::sign(&host, "DbConnectAdmin", "eu-west-1", &credential("r"), world.now(), 900);
    assert!(refusal(&world, ADMIN, &elsewhere).await.contains("region eu-west-1"));
    let other = world.token("other.dsql.us-east-1.on.aws", "admin");
    assert!(refusal(&world, ADMIN, &other).await.contains("signed for host other.dsql.us-east-1.on.aws, not c.dsql"));
    assert!(refusal(&world, ADMIN, "hunter2").await.contains("HINT the token is not a presigned request"));
    assert!(refusal(&world, ADMIN, &good.replace("ASIA", "ASIB")).await.contains("HINT The security token"));

    // Any role but admin needs the other action, a mapping, and to be there at all.
    let myapp = [("user", "myapp"), ("database", "postgres")];
    let text = format!("{denied}Wrong user to action mapping. user: myapp, action: DbConnectAdmin");
    assert_eq!(refusal(&world, &myapp, &good).await, text);
    let unmapped = "FATAL 28000 unable to accept connection, access denied";
    let missing = "FATAL 08P01 unable to accept connection, access denied";
    assert_eq!(refusal(&world, &myapp, &wrong).await, missing);
    let mut admin = Raw::connect(&world, "c", "admin").await.expect("connected");
    admin.query("create role myapp with login").await;
    assert_eq!(refusal(&world, &myapp, &wrong).await, unmapped);
    admin.query("aws iam grant myapp to 'arn:aws:iam::123456789012:role/another'").await;
    assert_eq!(refusal(&world, &myapp, &wrong).await, unmapped);
    admin.query("aws iam grant myapp to 'arn:aws:iam::123456789012:role/lambda'").await;
    assert_eq!(refusal(&world, &myapp, &wrong).await, "let in");
    admin.query("alter role myapp nologin").await;
    assert_eq!(refusal(&world, &myapp, &wrong).await, unmapped);
    admin.query("alter role myapp login").await;
    world.cloud.denied.lock().unwrap().push("dsql:DbConnect".into());
    assert!(
        refusal(&world, &myapp, &wrong).await.contains("no identity-based policy allows the dsql:DbConnect action")
    );
    assert_eq!(refusal(&world, ADMIN, &good).await, "let in");
    world.cloud.denied.lock().unwrap().clear();

    world.cloud.denied.lock().unwrap().push("dsql:DbConnectAdmin".into());
    let text = format!(
        "{denied}User: arn:aws:sts::123456789012:assumed-role/lambda/session is not authorized to perform: \
         dsql:DbConnectAdmin on resource: arn:aws:dsql:{REGION}:123456789012:cluster/c because no identity-based \
         policy allows the dsql:DbConnectAdmin action"
    );
    assert_eq!(refusal(&world, ADMIN, &good).await, text);
    world.cloud.denied.lock().unwrap().clear();

    let params = [("user", "admin"), ("database", "postgres"), ("client_min_messages", "warning")];
    let text = "FATAL 0A000 setting configuration parameter \"client_min_messages\" not supported";
    assert_eq!(refusal(&world, &params, &good).await, text);
    let params = [("user", "admin"), ("database", "other")];
    assert_eq!(refusal(&world, &params, &good).await, "FATAL 3D000 database \"other\" does not exist");

    world.cloud.status.lock().unwrap().insert("c".into(), "CREATING".into());
    let text = "FATAL 08006 unable to accept connection, waking up cluster, please retry later";
    assert_eq!(refusal(&world, ADMIN, &good).await, text);
    world.cloud.status.lock().unwrap().clear();

    world.advance(901);
    assert!(refusal(&world, ADMIN, &good).await.starts_with(&format!("{denied}Signature expired: ")));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_moved_ages_old_tokens_and_not_new_ones() {
    let world = World::by_the_machine().await;
    let host = host("c");
    let signed = || token::sign(&host, "DbConnectAdmin", REGION, &credential("lambda"), SystemTime::now(), 900);
    let old = signed();
    assert_eq!(refusal(&world, ADMIN, &old).await, "let in");
    world.advance(901);
    world.clock.settled().await;
    let refused = refusal(&world, ADMIN, &old).await;
    assert!(refused.contains("Signature expired: "), "{refused}");
    assert_eq!(refusal(&world, ADMIN, &signed()).await, "let in");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_client_may_come() {
    let world = World::new().await;
    let host = host("c");

    // By address: no name in the handshake.
    let by_address = encrypted(&world, "127.0.0.1").await;
    let refused = Raw::with(by_address, ADMIN, "").await.err().unwrap_or_default();
    assert_eq!(refused, "FATAL 08006 unable to accept connection, sni was not received");

    // Without TLS, having asked for GSS first.
    let mut socket = TcpStream::connect(world.address).await.expect("connected");
    socket.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30]).await.expect("sent");
    assert_eq!(socket.read_u8().await.expect("an answer"), b'N');
    let mut out = BytesMut::new();
    frontend::startup_message(ADMIN.iter().copied(), &mut out).expect("written");
    socket.write_all(&out).await.expect("sent");
    let mut answer = String::new();
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).await.expect("closed");
    answer.push_str(&String::from_utf8_lossy(&bytes));
    assert!(answer.contains("SSL is mandatory"), "{answer}");
    assert!(answer.contains("Hconnect with sslmode=require"), "{answer}");

    // Direct TLS, with and without PostgreSQL's protocol name.
    let direct = super::raw::direct(&world, &host, Some("postgresql")).await.expect("TLS");
    let token = world.token(&host, "admin");
    assert!(Raw::with(direct, ADMIN, &token).await.is_ok());
    let other = super::raw::direct(&world, &host, Some("http/1.1")).await;
    assert!(other.is_err(), "another protocol's handshake fails");

    let raw = Raw::connect(&world, "c", "admin").await.expect("connected");
    let get = |name: &str| raw.parameter(name);
    assert_eq!(get("server_version"), Some("16.15"));
    assert_eq!(get("TimeZone"), Some("UTC"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_can_be_cancelled_and_a_session_ends_after_an_hour() {
    let world = World::new().await;
    let mut one = Raw::connect(&world, "c", "admin").await.expect("connected");
    one.start("select pg_sleep(60)").await;
    let mut other = Raw::connect(&world, "c", "admin").await.expect("connected");
    let running =
        "select count(*) from pg_stat_activity where query like 'select pg_sleep(60%' and wait_event = 'PgSleep'";
    while other.query(running).await[0] != "1" {}
    one.cancel(&world).await;
    assert_eq!(one.finish().await, ["ERROR 57014 canceling statement due to user request"]);
    assert_eq!(one.query("select 1").await, ["1", "SELECT 1"]);

    // A transaction that was begun within the hour may finish after it; an idle session ends.
    other.query("begin").await;
    world.advance(3_601);
    assert_eq!(one.query("select 1").await, ["connection closed"]);
    assert_eq!(other.query("rollback").await, ["ROLLBACK"]);
    assert_eq!(other.query("select 1").await, ["connection closed"]);
    world.end().await;
}

/// Whatever a session is about: the sandbox that stops waits for none.
#[tokio::test(flavor = "multi_thread")]
async fn a_busy_session_ends_with_the_sandbox_and_says_why() {
    let mut world = World::new().await;
    let mut sessions = Vec::new();
    for sql in ["select 1", "begin; select 1", "select pg_sleep(60)", "begin; select pg_sleep(60)", "copy t from stdin"]
    {
        let mut raw = Raw::connect(&world, "c", "admin").await.expect("connected");
        if sessions.is_empty() {
            raw.query("create table t (id int primary key)").await;
        }
        raw.query("select 1 from t").await;
        raw.start(sql).await;
        sessions.push((raw, sql));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    world.restart().await;
    for (mut raw, sql) in sessions {
        let got = loop {
            match raw.message().await {
                Some((b'E', body)) => break error(&body).join(" "),
                Some(_) => {}
                None => break "nothing".to_owned(),
            }
        };
        assert_eq!(got, "FATAL 57P01 terminating connection due to administrator command", "{sql}");
    }
    world.end().await;
}

/// A cancel may come at any time, also while the proxy asks the database something itself.
#[tokio::test(flavor = "multi_thread")]
async fn no_cancel_ends_a_session() {
    let world = std::sync::Arc::new(World::new().await);
    let mut one = Raw::connect(&world, "c", "admin").await.expect("connected");
    one.query("create table t (id int primary key, n int)").await;
    one.query("insert into t values (1, 0)").await;
    let cancels: Vec<_> = (0..3)
        .map(|_| {
            let (world, mut out) = (world.clone(), BytesMut::new());
            frontend::cancel_request(one.pid, one.key, &mut out);
            tokio::spawn(async move {
                loop {
                    let mut socket = TcpStream::connect(world.address).await.expect("connected");
                    socket.write_all(&out).await.expect("sent");
                    let _ = socket.read(&mut [0]).await;
                }
            })
        })
        .collect();
    for _ in 0..200 {
        for sql in ["begin", "update t set n = n + 1", "rollback", "update t set n = n + 1", "commit"] {
            let got = one.query(sql).await;
            let fatal = |line: &String| line.starts_with("FATAL") || line.contains("closed");
            assert!(!got.iter().any(fatal), "{sql}: {got:?}");
        }
    }
    cancels.iter().for_each(|cancel| cancel.abort());
    for cancel in cancels {
        let _ = cancel.await;
    }
    // One that is under way may hit the next statement, as PostgreSQL has it.
    let mut tries = 0..20;
    while tries.next().is_some() && one.query("update t set n = 0").await != ["UPDATE 1"] {}
    assert!(!tries.is_empty(), "it goes on as if nothing had been");
    let world = std::sync::Arc::into_inner(world).expect("nobody else has it");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_busy_transaction_either() {
    let world = World::new().await;
    let mut one = Raw::connect(&world, "c", "admin").await.expect("connected");
    let mut two = Raw::connect(&world, "c", "admin").await.expect("connected");
    one.query("create table t (id int primary key, n int)").await;
    one.query("insert into t values (1, 0)").await;
    two.query("select 1 from t").await;
    one.query("begin").await;
    one.query("update t set n = 1").await;
    one.start("select pg_sleep(4)").await;
    assert_eq!(two.query("update t set n = 2").await, ["UPDATE 1"]);
    assert!(one.is_silent().await, "it still sleeps");
    assert_eq!(one.finish().await, ["", "SELECT 1 *"]);
    assert_eq!(one.query("select n from t").await, ["1", "SELECT 1 *"]);
    assert_eq!(one.query("commit").await, ["ERROR 40001 change conflicts with another transaction (OC000)"]);
    world.end().await;
}

/// A thousand at once, then a hundred a second; a refused connection has taken its turn as well.
#[tokio::test(flavor = "multi_thread")]
async fn connections_come_too_fast_and_then_again() {
    let world = std::sync::Arc::new(World::new().await);
    let (mut knocking, mut answers) = (tokio::task::JoinSet::new(), Vec::new());
    let too_fast = "FATAL 53400 Unable to accept connection, rate exceeded.";
    for n in 0..5_000 {
        if n >= 32 {
            let answer: String = knocking.join_next().await.expect("one of them").expect("an answer");
            let end = answer == too_fast;
            answers.push(answer);
            if end {
                break;
            }
        }
        let world = world.clone();
        knocking.spawn(async move { refusal(&world, ADMIN, "no token").await });
    }
    while let Some(answer) = knocking.join_next().await {
        answers.push(answer.expect("an answer"));
    }
    let denied = answers.iter().filter(|a| a.contains("not a presigned request")).count();
    assert!(denied >= 1_000, "{denied} of {}", answers.len());
    assert!(answers.iter().any(|a| a == too_fast), "{:?}", answers.last());
    world.advance(2);
    assert_eq!(refusal(&world, ADMIN, &world.token(&host("c"), "admin")).await, "let in");
    std::sync::Arc::into_inner(world).expect("the last of it").end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn privileges_change_with_the_next_transaction() {
    let world = World::new().await;
    let mut admin = Raw::connect(&world, "c", "admin").await.expect("connected");
    for sql in [
        "create table t (id int primary key)",
        "insert into t values (1)",
        "create role myapp with login",
        "aws iam grant myapp to 'arn:aws:iam::123456789012:role/lambda'",
        "grant select, insert on t to myapp",
    ] {
        admin.query(sql).await;
    }
    let mut app = Raw::connect(&world, "c", "myapp").await.expect("connected");
    app.query("begin").await;
    assert_eq!(app.query("select id from t").await, ["1", "SELECT 1 *"]);
    assert_eq!(admin.query("revoke insert on t from myapp").await, ["REVOKE"]);
    // Its catalogue is no longer the cluster's; what it may do, it learns in its next transaction.
    let changed = "ERROR 40001 schema has been updated by another transaction (OC001) !";
    assert_eq!(app.query("insert into t values (2)").await, [changed]);
    app.query("rollback").await;
    assert_eq!(app.query("insert into t values (2)").await, ["ERROR 42501 permission denied for table t"]);
    assert_eq!(app.query("select id from t").await, ["1", "SELECT 1"]);
    // Without its mapping a session goes on; only a new one is refused.
    assert_eq!(
        admin.query("aws iam revoke myapp from 'arn:aws:iam::123456789012:role/lambda'").await,
        ["AWS IAM REVOKE"]
    );
    assert_eq!(app.query("select 1").await, ["1", "SELECT 1"]);
    let refused = Raw::connect(&world, "c", "myapp").await.err().expect("refused");
    assert!(refused.contains("FATAL 28000"), "{refused}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_is_not_in_the_list_is_refused_at_the_start() {
    let world = World::new().await;
    let token = world.token(&host("c"), "admin");
    let refused = |name: &str| format!("FATAL 0A000 setting configuration parameter \"{name}\" not supported");
    for (name, value, expected) in [
        ("statement_timeout", "1000", refused("statement_timeout")),
        ("client_min_messages", "error", refused("client_min_messages")),
        ("options", "-c search_path=public -c jit=off", refused("jit")),
        ("options", "--default-transaction-isolation=serializable", refused("default_transaction_isolation")),
        ("options", "-c search_path=public -c disable_sync_create_index=on", "let in".into()),
        ("DateStyle", "ISO", "let in".into()),
        ("application_name", "a test", "let in".into()),
        ("disable_sync_create_index", "off", "let in".into()),
    ] {
        let params = [ADMIN, &[(name, value)]].concat();
        assert_eq!(refusal(&world, &params, &token).await, expected, "{name}={value}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_utf8_is_refused_and_the_session_lives() {
    let world = World::new().await;
    let mut raw = Raw::connect(&world, "c", "admin").await.expect("connected");
    let query = b"select '\xff'\0";
    let mut out = BytesMut::new();
    out.extend_from_slice(b"Q");
    out.extend_from_slice(&(query.len() as u32 + 4).to_be_bytes());
    out.extend_from_slice(query);
    raw.send(out).await;
    assert_eq!(raw.finish().await, ["ERROR 22021 invalid byte sequence for encoding \"UTF8\": 0xff"]);
    let parse = b"\0select '\xff'\0\0\0";
    let mut out = BytesMut::new();
    out.extend_from_slice(b"P");
    out.extend_from_slice(&(parse.len() as u32 + 4).to_be_bytes());
    out.extend_from_slice(parse);
    frontend::sync(&mut out);
    raw.send(out).await;
    assert_eq!(raw.finish().await, ["ERROR 22021 invalid byte sequence for encoding \"UTF8\": 0xff"]);
    assert_eq!(raw.query("select 1").await, ["1", "SELECT 1"]);
    world.end().await;
}

/// As libpq asks, and psycopg's `cancel_safe` with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_over_tls_ends_as_tls_does() {
    let world = World::new().await;
    let raw = Raw::connect(&world, "c", "admin").await.expect("connected");
    let mut stream = encrypted(&world, &host("c")).await;
    let mut out = BytesMut::new();
    frontend::cancel_request(raw.pid, raw.key, &mut out);
    stream.write_all(&out).await.expect("sent");
    let mut rest = Vec::new();
    assert_eq!(stream.read_to_end(&mut rest).await.expect("a close_notify"), 0);
    world.end().await;
}

/// What goes wrong in a cloud now and then, asked for and counted.
#[tokio::test(flavor = "multi_thread")]
async fn faults_and_smaller_limits_come_as_they_were_asked_for_and_go() {
    let world = World::new().await;
    let conditions = &world.cloud.conditions;
    let under = |faults: &[(SandboxFault, u32)], limits| {
        conditions.end();
        let faults = faults.iter().copied().collect();
        assert!(conditions.begin(&SandboxConditions { clock_ms: 0, faults, limits }));
    };
    let good = world.token(&host("c"), "admin");
    under(&[(SandboxFault::WakingUp, 1)], None);
    let asleep = "FATAL 08006 unable to accept connection, waking up cluster, please retry later";
    assert_eq!(refusal(&world, ADMIN, &good).await, asleep);
    assert_eq!(refusal(&world, ADMIN, &good).await, "let in");

    let mut admin = Raw::connect(&world, "c", "admin").await.expect("connected");
    admin.query("create table t (id int primary key)").await;
    for (fault, kept) in [(SandboxFault::LostBeforeCommit, "0"), (SandboxFault::LostAfterCommit, "1")] {
        let mut client = Raw::connect(&world, "c", "admin").await.expect("connected");
        client.query("begin").await;
        client.query("insert into t values (1)").await;
        under(&[(fault, 1)], None);
        assert_eq!(client.query("commit").await, ["connection closed"]);
        assert_eq!(admin.query("select count(*) from t").await, [kept, "SELECT 1"]);
    }

    under(&[], Some(ConnectionLimits { at_once: 100, per_second: 1, burst: 3 }));
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(refusal(&world, ADMIN, &good).await);
    }
    assert_eq!(answers[..3], ["let in"; 3]);
    assert_eq!(answers[3], "FATAL 53400 Unable to accept connection, rate exceeded.");
    conditions.end();
    assert_eq!(refusal(&world, ADMIN, &good).await, "let in");
    world.end().await;
}

//! Who is let in, how, and for how long.

use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use workshop::sandbox::dsql::token;

use super::raw::{Raw, encrypted};
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
    assert!(answer.contains("TLS is required"), "{answer}");

    // Direct TLS, with and without PostgreSQL's protocol name.
    let direct = super::raw::direct(&world, &host, Some("postgresql")).await.expect("TLS");
    let token = world.token(&host, "admin");
    assert!(Raw::with(direct, ADMIN, &token).await.is_ok());
    let other = super::raw::direct(&world, &host, Some("http/1.1")).await;
    assert!(other.is_err(), "another protocol's handshake fails");

    let raw = Raw::connect(&world, "c", "admin").await.expect("connected");
    let get = |name: &str| raw.parameters.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str());
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
    let mut out = BytesMut::new();
    frontend::cancel_request(one.pid, one.key, &mut out);
    let mut socket = TcpStream::connect(world.address).await.expect("connected");
    socket.write_all(&out).await.expect("sent");
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
    let began = std::time::Instant::now();
    assert_eq!(two.query("update t set n = 2").await, ["UPDATE 1"]);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(one.finish().await, ["", "SELECT 1 *"]);
    assert_eq!(one.query("select n from t").await, ["1", "SELECT 1 *"]);
    assert_eq!(one.query("commit").await, ["ERROR 40001 change conflicts with another transaction (OC000)"]);
    world.end().await;
}

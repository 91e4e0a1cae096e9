//! The extended protocol where a script cannot show it: parameters, portals, pipelines, prepared
//! statements that outlive a conflict; and a driver that others use.

use bytes::BytesMut;
use postgres_protocol::message::frontend;

use tokio::task::JoinHandle;

use super::raw::Raw;
use super::world::{World, host};

async fn two(world: &World) -> (Raw, Raw) {
    let mut one = Raw::connect(world, "c", "admin").await.expect("connected");
    let mut two = Raw::connect(world, "c", "admin").await.expect("connected");
    one.query("create table t (id int primary key, n int)").await;
    one.query("insert into t select i, 0 from generate_series(1, 9) i").await;
    two.query("select 1 from t").await;
    (one, two)
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_survive_a_replay() {
    let world = World::new().await;
    let (mut one, mut two) = two(&world).await;
    one.query("begin").await;
    let update = "update t set n = n + $1 where id = $2 returning n";
    assert_eq!(one.extended(update, &["5", "1"]).await, ["5", "UPDATE 1 *"]);
    two.query("begin").await;
    assert_eq!(two.extended(update, &["7", "1"]).await, ["7", "UPDATE 1 *"]);
    assert_eq!(one.extended("select n from public.t where id = $1", &["1"]).await, ["5", "SELECT 1 *"]);
    assert_eq!(one.extended(update, &["1", "1"]).await, ["6", "UPDATE 1 *"]);
    assert_eq!(one.query("commit").await, ["COMMIT"]);
    assert_eq!(two.query("commit").await, ["ERROR 40001 change conflicts with another transaction (OC000)"]);
    assert_eq!(two.query("select n from t where id = 1").await, ["6", "SELECT 1"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_is_one_transaction_and_stops_at_its_error() {
    let world = World::new().await;
    let (mut one, _) = two(&world).await;
    let mut out = BytesMut::new();
    for sql in ["insert into t values (20, 0)", "select count(*) from t", "insert into t values (20, 0)", "select 1"] {
        frontend::parse("", sql, [], &mut out).expect("written");
        let none = |_: &str, _: &mut BytesMut| Ok(postgres_protocol::IsNull::No);
        frontend::bind("", "", [], std::iter::empty::<&str>(), none, [], &mut out).map_err(|_| "").expect("written");
        frontend::execute("", 0, &mut out).expect("written");
    }
    frontend::sync(&mut out);
    one.send(out).await;
    let got = one.finish().await;
    assert_eq!(got[..3], ["INSERT 0 1", "10", "SELECT 1"]);
    assert!(got[3].starts_with("ERROR 23505"), "{got:?}");
    assert_eq!(got.len(), 5, "{got:?}");
    assert_eq!(one.query("select count(*) from t").await, ["9", "SELECT 1"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_portal_survives_the_loss_of_its_locks() {
    let world = World::new().await;
    let (mut one, mut two) = two(&world).await;
    one.query("begin").await;
    one.query("update t set n = 1 where id = 1").await;
    one.start_with("select id from t order by id", &[], 2).await;
    assert_eq!(one.finish().await, ["1", "2", "(more) *"]);
    assert_eq!(two.query("update t set n = 2 where id = 1").await, ["UPDATE 1"]);
    let mut out = BytesMut::new();
    frontend::execute("", 0, &mut out).expect("written");
    frontend::sync(&mut out);
    one.send(out).await;
    let got = one.finish().await;
    assert_eq!(got[..7], ["3", "4", "5", "6", "7", "8", "9"]);
    assert_eq!(one.query("commit").await, ["ERROR 40001 change conflicts with another transaction (OC000)"]);
    world.end().await;
}

/// A driver fetches the rest of its rows; those have gone with the snapshot. Nothing of the client's has failed: it begins again.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_conflict_took_of_a_portal_is_told_as_one() {
    let world = World::new().await;
    let (mut one, mut two) = two(&world).await;
    one.query("begin").await;
    let mut out = BytesMut::new();
    frontend::parse("", "select id from t order by id", [], &mut out).expect("written");
    let none = |_: &str, _: &mut BytesMut| Ok(postgres_protocol::IsNull::No);
    frontend::bind("p", "", [], std::iter::empty::<&str>(), none, [], &mut out).map_err(|_| "").expect("written");
    frontend::execute("p", 2, &mut out).expect("written");
    frontend::sync(&mut out);
    one.send(out.split()).await;
    assert_eq!(one.finish().await, ["1", "2", "(more) *"]);
    assert_eq!(two.query("update t set n = 2 where id = 1").await, ["UPDATE 1"]);
    assert_eq!(one.query("update t set n = 1 where id = 1").await, ["UPDATE 1 *"]);
    frontend::execute("p", 2, &mut out).expect("written");
    frontend::sync(&mut out);
    one.send(out.clone()).await;
    assert_eq!(one.finish().await, ["ERROR 40001 change conflicts with another transaction (OC000) !"]);
    // As of any portal in a transaction that has failed.
    one.send(out).await;
    assert_eq!(
        one.finish().await,
        ["ERROR 25P02 current transaction is aborted, commands ignored until end of transaction block !"]
    );
    assert_eq!(one.query("commit").await, ["ROLLBACK"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_writing_portal_come_in_slices() {
    let world = World::new().await;
    let (mut one, _) = two(&world).await;
    one.query("begin").await;
    one.start_with("update t set n = 1 returning id", &[], 7).await;
    assert_eq!(one.finish().await.len(), 8);
    let mut out = BytesMut::new();
    frontend::execute("", 0, &mut out).expect("written");
    frontend::sync(&mut out);
    one.send(out).await;
    // As PostgreSQL has it, the last slice counts its own rows.
    assert_eq!(one.finish().await, ["8", "9", "UPDATE 2 *"]);
    assert_eq!(one.query("commit").await, ["COMMIT"]);
    world.end().await;
}

/// A driver that others use, connected to the cluster `c`, and the task that must end well after it.
pub async fn driver(world: &World) -> (tokio_postgres::Client, JoinHandle<Result<(), tokio_postgres::Error>>) {
    let host = host("c");
    let mut config = tokio_postgres::Config::new();
    config.host(&host).hostaddr(world.address.ip()).port(world.address.port()).user("admin").dbname("postgres");
    config.password(world.token(&host, "admin")).ssl_mode(tokio_postgres::config::SslMode::Require);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(world.ca.clone()).expect("a root");
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = tokio_postgres_rustls::MakeRustlsConnect::new(tls);
    let (client, connection) = config.connect(tls).await.expect("connected");
    (client, tokio::spawn(connection))
}

#[tokio::test(flavor = "multi_thread")]
async fn tokio_postgres_connects_unmodified() {
    let world = World::new().await;
    let (mut client, connection) = driver(&world).await;
    client.batch_execute("create table k (id int primary key, name text)").await.expect("created");
    let insert = client.prepare("insert into k values ($1, $2) returning name").await.expect("prepared");
    let row = client.query_one(&insert, &[&1i32, &"one"]).await.expect("inserted");
    assert_eq!(row.get::<_, String>(0), "one");
    let clash = client.query_one(&insert, &[&1i32, &"one"]).await.expect_err("a duplicate");
    assert_eq!(clash.code().map(|c| c.code()), Some("23505"));
    let transaction = client.transaction().await.expect("begun");
    transaction.execute(&insert, &[&2i32, &"two"]).await.expect("inserted");
    transaction.commit().await.expect("committed");
    let rows = client.query("select id from k where name = any($1)", &[&vec!["one", "two"]]).await.expect("read");
    assert_eq!(rows.len(), 2);
    drop(client);
    connection.await.expect("ended").expect("well");
    world.end().await;
}

/// Parses and binds a statement, and executes it.
fn put(out: &mut BytesMut, statement: &str, portal: &str, sql: Option<&str>) {
    if let Some(sql) = sql {
        frontend::parse(statement, sql, [], out).expect("written");
    }
    let none = |_: &str, _: &mut BytesMut| Ok(postgres_protocol::IsNull::No);
    frontend::bind(portal, statement, [], std::iter::empty::<&str>(), none, [], out).map_err(|_| "").expect("written");
    frontend::execute(portal, 0, out).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_before_its_begin_keeps_nobody_waiting() {
    let world = World::new().await;
    let (mut one, mut two) = two(&world).await;
    let mut out = BytesMut::new();
    for sql in ["update t set n = 1 where id = 1", "begin"] {
        put(&mut out, "", "", Some(sql));
    }
    frontend::sync(&mut out);
    one.send(out).await;
    assert_eq!(one.finish().await, ["UPDATE 1", "BEGIN *"]);
    let began = std::time::Instant::now();
    assert_eq!(two.query("update t set n = 2 where id = 1").await, ["UPDATE 1"]);
    assert!(began.elapsed().as_secs() < 4, "{:?}", began.elapsed());
    assert_eq!(one.query("update t set n = n + 1 where id = 1 returning id").await, ["1", "UPDATE 1 *"]);
    assert_eq!(one.query("commit").await, ["ERROR 40001 change conflicts with another transaction (OC000)"]);
    assert_eq!(one.query("select n from t where id = 1").await, ["2", "SELECT 1"]);
    world.end().await;
}

/// As PostgreSQL's `exec_bind_message` has it: before it looks for a portal of that name.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_transaction_says_so_to_whoever_binds_anything() {
    let world = World::new().await;
    let (mut one, _) = two(&world).await;
    let mut out = BytesMut::new();
    frontend::parse("s", "select 1", [], &mut out).expect("written");
    put(&mut out, "", "p", Some("begin"));
    frontend::sync(&mut out);
    one.send(out).await;
    assert_eq!(one.finish().await, ["BEGIN *"]);
    one.query("select 1/0").await;
    let mut out = BytesMut::new();
    put(&mut out, "s", "p", None);
    frontend::sync(&mut out);
    one.send(out).await;
    let failed = "ERROR 25P02 current transaction is aborted, commands ignored until end of transaction block !";
    assert_eq!(one.finish().await, [failed]);
    world.end().await;
}

/// A row that is longer than what is read at once passes in pieces.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_row_comes_behind_its_columns() {
    let world = World::new().await;
    let (mut one, _) = two(&world).await;
    let (sql, row) = ("select repeat('x', 100000)", "x".repeat(100_000));
    for (begin, end, mark) in [("begin", "commit", " *"), ("select 1", "select 1", "")] {
        one.query(begin).await;
        let tag = format!("SELECT 1{mark}");
        assert!(one.query(sql).await == [&*row, &*tag], "{begin}");
        assert!(one.extended(sql, &[]).await == [&*row, &*tag], "{begin}, extended");
        assert!(one.query(&format!("select 1; {sql}")).await[2..] == [&*row, &*tag], "{begin}, of two");
        one.query(end).await;
    }
    world.end().await;
}

/// Drivers read times by what they were told last, which may come with an answer that nobody sees.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_told_what_its_parameters_are() {
    let world = World::new().await;
    let (mut one, mut two) = two(&world).await;
    one.start_extended("set timezone = 'Europe/Berlin'").await;
    assert_eq!(one.finish().await, ["SET"]);
    assert_eq!(one.parameter("TimeZone"), Some("Europe/Berlin"));
    for end in ["commit", "rollback"] {
        one.query("begin").await;
        one.query("update t set n = 1 where id = 1").await;
        one.start_extended("set local timezone = 'Asia/Tokyo'").await;
        assert_eq!(one.finish().await, ["SET *"]);
        assert_eq!(one.parameter("TimeZone"), Some("Asia/Tokyo"));
        // The transaction loses its locks, and does all of it again.
        assert_eq!(two.query("begin; update t set n = 2 where id = 1; rollback").await.len(), 3);
        assert_eq!(one.query("show timezone").await, ["Asia/Tokyo", "SHOW *"]);
        assert_eq!(one.parameter("TimeZone"), Some("Asia/Tokyo"));
        one.query(end).await;
        assert_eq!(one.parameter("TimeZone"), Some("Europe/Berlin"), "{end}");
    }
    world.end().await;
}

/// Binds a named statement with a value and executes it, its messages together or the Bind answered first, and returns
/// what came of it.
async fn execute_named(raw: &mut Raw, value: &str, together: bool, describe: bool) -> Vec<String> {
    let mut out = BytesMut::new();
    let put = |value: &str, out: &mut BytesMut| {
        out.extend_from_slice(value.as_bytes());
        Ok(postgres_protocol::IsNull::No)
    };
    frontend::bind("", "s", [], [value], put, [], &mut out).map_err(|_| "").expect("written");
    let mut told = Vec::new();
    if !together {
        frontend::flush(&mut out);
        raw.send(out.split()).await;
        match raw.message().await.expect("an answer") {
            (b'2', _) => {}
            // With the value in its place PostgreSQL finds the error while it plans.
            (b'E', body) => told = super::raw::error(&body),
            other => panic!("{other:?}"),
        }
    }
    if describe {
        frontend::describe(b'P', "", &mut out).expect("written");
    }
    frontend::execute("", 0, &mut out).expect("written");
    frontend::sync(&mut out);
    raw.send(out).await;
    told.extend(raw.finish().await);
    told
}

/// A read that was prepared answers alike whether its messages come together, and so pass as they are, or one by one.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_prepared_answers_alike_however_its_messages_come() {
    let world = World::new().await;
    let (mut one, mut two) = two(&world).await;
    let mut answers = Vec::new();
    for together in [true, false] {
        let mut raw = Raw::connect(&world, "c", "admin").await.expect("connected");
        let mut out = BytesMut::new();
        frontend::parse("s", "select 10 / $1::int from t where id = 1", [], &mut out).expect("written");
        frontend::sync(&mut out);
        raw.send(out).await;
        raw.finish().await;
        let mut got = Vec::new();
        for (value, describe) in [("5", true), ("2", false), ("0", true), ("10", true)] {
            got.push(execute_named(&mut raw, value, together, describe).await);
            // With the Sync its portal was over.
            let mut again = BytesMut::new();
            frontend::execute("", 0, &mut again).expect("written");
            frontend::sync(&mut again);
            raw.send(again).await;
            got.push(raw.finish().await);
        }
        raw.query("begin").await;
        got.push(execute_named(&mut raw, "1", together, true).await);
        got.push(raw.query("rollback").await);
        one.query("alter table t rename column n to m").await;
        one.query("alter table t rename column m to n").await;
        if together {
            got.push(execute_named(&mut raw, "1", together, true).await);
        }
        got.push(execute_named(&mut raw, "1", true, true).await);
        answers.push(got);
    }
    let over = vec!["ERROR 34000 portal \"\" does not exist".to_owned()];
    let (together, apart) = (&answers[0], &answers[1]);
    assert_eq!(together[..10], apart[..10]);
    let rows = |value: &str, end: &str| vec![value.to_owned(), format!("SELECT 1{end}")];
    assert_eq!(together[..4], [rows("2", ""), over.clone(), rows("5", ""), over.clone()]);
    assert_eq!(together[4..6], [vec!["ERROR 22012 division by zero".to_owned()], over]);
    assert_eq!((&together[6], &together[8]), (&rows("1", ""), &rows("10", " *")));
    assert_eq!(together[9], ["ROLLBACK"]);
    let changed = "ERROR 40001 schema has been updated by another transaction (OC001)";
    assert_eq!(together[10], [changed]);
    assert_eq!((&together[11], &apart[10]), (&rows("10", ""), &vec![changed.to_owned()]));
    two.query("select 1").await;
    world.end().await;
}

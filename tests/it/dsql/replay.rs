//! What a transaction that lost its locks does again, where a script cannot say it: COPY, and statements by their names.

use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;

use super::ledger::CONFLICT;
use super::raw::Raw;
use super::script::Protocol;
use super::world::World;

const BOTH: [Protocol; 2] = [Protocol::Simple, Protocol::Extended];

/// Two sessions and a table of nine rows, as good as new.
async fn two(world: &World) -> (Raw, Raw) {
    let mut one = Raw::connect(world, "c", "admin").await.expect("connected");
    one.query("create table if not exists t (id int primary key, n int)").await;
    one.query("delete from t").await;
    one.query("insert into t select i, 0 from generate_series(1, 9) i").await;
    // Only now, so that no definition is news to it.
    let two = Raw::connect(world, "c", "admin").await.expect("connected");
    (one, two)
}

async fn ask(raw: &mut Raw, protocol: Protocol, sql: &str) -> Vec<String> {
    match protocol {
        Protocol::Simple => raw.query(sql).await,
        Protocol::Extended => raw.extended(sql, &[]).await,
    }
}

/// COPY … FROM STDIN with these rows.
async fn copy(raw: &mut Raw, protocol: Protocol, sql: &str, rows: &[&str]) -> Vec<String> {
    let mut out = BytesMut::new();
    match protocol {
        Protocol::Simple => frontend::query(sql, &mut out).expect("written"),
        Protocol::Extended => named(&mut out, "", Some(sql), &[]),
    }
    for row in rows {
        frontend::CopyData::new(format!("{row}\n").replace('|', "\t").into_bytes().as_slice())
            .expect("short")
            .write(&mut out);
    }
    frontend::copy_done(&mut out);
    if protocol == Protocol::Extended {
        frontend::sync(&mut out);
    }
    raw.send(out).await;
    raw.finish().await
}

/// Executes a named statement with these parameters, prepared anew if there is a text.
fn named(out: &mut BytesMut, name: &str, sql: Option<&str>, values: &[&str]) {
    if let Some(sql) = sql {
        frontend::close(b'S', name, out).expect("written");
        frontend::parse(name, sql, [], out).expect("written");
    }
    let put = |value: &&str, out: &mut BytesMut| {
        out.put_slice(value.as_bytes());
        Ok(IsNull::No)
    };
    frontend::bind("", name, [], values.iter(), put, [], out).map_err(|_| "bind").expect("written");
    frontend::execute("", 0, out).expect("written");
}

async fn run(raw: &mut Raw, name: &str, sql: Option<&str>, values: &[&str]) -> Vec<String> {
    let mut out = BytesMut::new();
    named(&mut out, name, sql, values);
    frontend::sync(&mut out);
    raw.send(out).await;
    raw.finish().await
}

async fn close(raw: &mut Raw, name: &str) {
    let mut out = BytesMut::new();
    frontend::close(b'S', name, &mut out).expect("written");
    frontend::sync(&mut out);
    raw.send(out).await;
    raw.finish().await;
}

/// Asks for a row of the other's transaction and gives it up again: the other has lost its locks then, and may
/// still commit.
async fn takes_locks(raw: &mut Raw) {
    assert_eq!(raw.query("begin").await, ["BEGIN *"]);
    assert_eq!(raw.query("update t set n = -1 where id = 1").await, ["UPDATE 1 *"]);
    assert_eq!(raw.query("rollback").await, ["ROLLBACK"]);
}

/// Two sessions, of which the first has changed a row and copied some more, in a transaction that is open.
async fn one_copies(world: &World, protocol: Protocol, rows: &[&str]) -> (Raw, Raw) {
    let (mut one, other) = two(world).await;
    one.query("begin").await;
    assert_eq!(one.query("update t set n = 1 where id = 1").await, ["UPDATE 1 *"]);
    let copied = copy(&mut one, protocol, "copy t from stdin", rows).await;
    assert_eq!(copied, [format!("COPY {} *", rows.len())]);
    (one, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn copied_rows_are_copied_again() {
    let world = World::new().await;
    for protocol in BOTH {
        let (mut one, mut other) = one_copies(&world, protocol, &["10|1", "11|1"]).await;
        takes_locks(&mut other).await;
        // On private copies from here.
        assert_eq!(copy(&mut one, protocol, "copy public.t (id) from stdin", &["12"]).await, ["COPY 1 *"]);
        let sql = "copy (select * from public.t where id in (1, 2) or id > 9 order by id) to stdout";
        assert_eq!(ask(&mut one, protocol, sql).await, ["1|1", "2|0", "10|1", "11|1", "12|\\N", "COPY 5 *"]);
        assert_eq!(other.query("select count(*) from t").await, ["9", "SELECT 1"]);
        assert_eq!(one.query("commit").await, ["COMMIT"]);
        assert_eq!(other.query("select count(*), sum(n) from t").await, ["12|3", "SELECT 1"]);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn copied_rows_are_gone_with_their_transaction() {
    let world = World::new().await;
    for protocol in BOTH {
        let (mut one, mut other) = one_copies(&world, protocol, &["10|1"]).await;
        assert_eq!(other.query("update t set n = 2 where id = 1").await, ["UPDATE 1"]);
        // The snapshot and what was done in it, although both are lost already.
        let got = ask(&mut one, protocol, "copy t to stdout").await;
        assert!(got.len() == 11 && got.contains(&"1|1".to_owned()) && got.contains(&"10|1".to_owned()), "{got:?}");
        assert_eq!(one.query("commit").await, [CONFLICT]);
        assert_eq!(other.query("select count(*), sum(n) from t").await, ["9|2", "SELECT 1"]);
    }
    world.end().await;
}

const ADD: &str = "update t set n = n + $1 where id = $2 returning n";
const DOUBLE: &str = "update t set n = n * $1 where id = $2 returning n";

#[tokio::test(flavor = "multi_thread")]
async fn named_statements_outlive_the_loss_of_locks() {
    let world = World::new().await;
    let (mut one, mut other) = two(&world).await;
    one.query("begin").await;
    assert_eq!(run(&mut one, "a", Some(ADD), &["3", "1"]).await, ["3", "UPDATE 1 *"]);
    takes_locks(&mut other).await;
    // Prepared before and after, on private copies and, once they are gone, on the table.
    assert_eq!(run(&mut one, "b", Some(DOUBLE), &["2", "1"]).await, ["6", "UPDATE 1 *"]);
    assert_eq!(run(&mut one, "a", None, &["1", "1"]).await, ["7", "UPDATE 1 *"]);
    assert_eq!(one.query("commit").await, ["COMMIT"]);
    assert_eq!(run(&mut one, "a", None, &["1", "1"]).await, ["8", "UPDATE 1"]);
    assert_eq!(run(&mut one, "b", None, &["2", "1"]).await, ["16", "UPDATE 1"]);
    // A name that means something else by the time of the replay.
    one.query("begin").await;
    assert_eq!(run(&mut one, "a", None, &["3", "1"]).await, ["19", "UPDATE 1 *"]);
    assert_eq!(run(&mut one, "a", Some(DOUBLE), &["2", "1"]).await, ["38", "UPDATE 1 *"]);
    close(&mut one, "a").await;
    takes_locks(&mut other).await;
    assert_eq!(one.query("commit").await, ["COMMIT"]);
    assert_eq!(one.query("select n from t where id = 1").await, ["38", "SELECT 1"]);
    let gone = run(&mut one, "a", None, &["2", "1"]).await;
    assert!(gone[0].starts_with("ERROR 26000"), "{gone:?}");
    world.end().await;
}

/// What has used a sequence keeps a lock on it until its transaction ends, and no savepoint gives that up.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_sequence_that_another_transaction_uses_is_a_conflict_and_no_wait() {
    let world = World::new().await;
    let mut one = Raw::connect(&world, "c", "admin").await.expect("connected");
    assert_eq!(one.query("create sequence s cache 65536").await, ["CREATE SEQUENCE"]);
    let mut two = Raw::connect(&world, "c", "admin").await.expect("connected");
    assert_eq!(one.query("begin").await, ["BEGIN *"]);
    one.query("select nextval('s')").await;
    let begun = std::time::Instant::now();
    let answer = two.query("alter sequence s restart with 50").await;
    assert!(answer.last().is_some_and(|last| last.starts_with(CONFLICT)), "{answer:?}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(one.query("rollback").await, ["ROLLBACK"]);
    assert_eq!(two.query("alter sequence s restart with 50").await, ["ALTER SEQUENCE"]);
    world.end().await;
}

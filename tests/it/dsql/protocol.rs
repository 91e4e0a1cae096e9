//! The protocol itself, held against PostgreSQL: whatever statements a pipeline holds, the proxy answers as the server
//! behind it does, message by message; and whatever bytes come, it goes on serving others.
//!
//! `SEED=n` runs one conversation again, `CONVERSATIONS=n` runs so many.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use workshop_sandbox::interfaces::Databases;

use super::ledger::next;
use super::raw::{Raw, encrypted};
use super::world::{World, host};

/// What a client may say: nothing whose answer is meant to differ from PostgreSQL's.
const SQL: &[&str] = &[
    "select 1",
    "select n from t where id = 2",
    "select id from t order by id",
    "insert into t values (3, 3)",
    "insert into t values (1, 1)",
    "update t set n = n + 1 where id = 1 returning n",
    "update t set n = n + 1 returning id",
    "delete from t where id = 3",
    "select 1/0",
    "select nonsense",
    "",
    "begin",
    "commit",
    "rollback",
    "select count(*) from t",
    "selec 1",
];

const STATEMENTS: &[&str] = &["", "", "a", "b"];
const PORTALS: &[&str] = &["", "", "p", "q"];

fn message(out: &mut BytesMut, kind: u8, body: impl FnOnce(&mut BytesMut)) {
    let mut inner = BytesMut::new();
    body(&mut inner);
    out.put_u8(kind);
    out.put_u32(inner.len() as u32 + 4);
    out.put_slice(&inner);
}

fn text(out: &mut BytesMut, text: &str) {
    out.put_slice(text.as_bytes());
    out.put_u8(0);
}

fn of<'a>(state: &mut u64, all: &[&'a str]) -> &'a str {
    all[(next(state) % all.len() as u64) as usize]
}

/// Some messages up to a Sync or a simple query, and how they read.
fn batch(state: &mut u64) -> (BytesMut, Vec<String>) {
    let (mut out, mut told) = (BytesMut::new(), Vec::new());
    for _ in 0..next(state) % 7 {
        let (sql, rows) = (of(state, SQL), (next(state) % 3) as u32);
        let describes = next(state).is_multiple_of(2);
        told.push(format!("Parse {sql:?}, Bind,{} Execute {rows}", if describes { " Describe," } else { "" }));
        parse(&mut out, "", sql);
        bind(&mut out, "", "");
        if describes {
            message(&mut out, b'D', |out| out.put_slice(b"P\0"));
        }
        execute(&mut out, "", rows);
    }
    if next(state).is_multiple_of(4) && told.is_empty() {
        let sql = [of(state, SQL), of(state, SQL), of(state, SQL)].join(";");
        told.push(format!("Query {sql:?}"));
        message(&mut out, b'Q', |out| text(out, &sql));
    } else {
        told.push("Sync".into());
        message(&mut out, b'S', |_| {});
    }
    (out, told)
}

/// Any messages of the extended protocol in any order, named and not: what was prepared and bound before, what never
/// was, and what is there already. In a failed transaction not the unnamed portal, of which PostgreSQL keeps what is
/// left of the statement that failed.
fn loose(state: &mut u64, failed: bool) -> (BytesMut, Vec<String>) {
    let (mut out, mut told) = (BytesMut::new(), Vec::new());
    for _ in 0..next(state) % 9 {
        let (statement, portal) = (of(state, STATEMENTS), of(state, if failed { &PORTALS[2..] } else { PORTALS }));
        let (kind, name) = if next(state).is_multiple_of(2) { ("S", statement) } else { ("P", portal) };
        match next(state) % 9 {
            0 | 1 => {
                let sql = match next(state) % 12 {
                    0 => "select 1; select 2",
                    1 => "select 1; selec 2",
                    _ => of(state, SQL),
                };
                told.push(format!("Parse {statement:?} {sql:?}"));
                parse(&mut out, statement, sql);
            }
            2 | 3 => {
                told.push(format!("Bind {portal:?} to {statement:?}"));
                bind(&mut out, portal, statement);
            }
            4 | 5 => {
                let rows = (next(state) % 3) as u32;
                told.push(format!("Execute {portal:?} {rows}"));
                execute(&mut out, portal, rows);
            }
            6 => {
                told.push(format!("Describe {kind} {name:?}"));
                target(&mut out, b'D', kind, name);
            }
            7 => {
                told.push(format!("Close {kind} {name:?}"));
                target(&mut out, b'C', kind, name);
            }
            _ => {
                told.push("Flush".into());
                message(&mut out, b'H', |_| {});
            }
        }
    }
    told.push("Sync".into());
    message(&mut out, b'S', |_| {});
    (out, told)
}

fn parse(out: &mut BytesMut, name: &str, sql: &str) {
    message(out, b'P', |out| {
        text(out, name);
        text(out, sql);
        out.put_u16(0);
    });
}

fn bind(out: &mut BytesMut, portal: &str, statement: &str) {
    message(out, b'B', |out| {
        text(out, portal);
        text(out, statement);
        out.put_slice(&[0; 6]);
    });
}

fn execute(out: &mut BytesMut, portal: &str, rows: u32) {
    message(out, b'E', |out| {
        text(out, portal);
        out.put_u32(rows);
    });
}

/// Describe or Close, of a statement or a portal.
fn target(out: &mut BytesMut, what: u8, kind: &str, name: &str) {
    message(out, what, |out| {
        out.put_slice(kind.as_bytes());
        text(out, name);
    });
}

/// PostgreSQL itself, through its own socket.
struct Direct {
    stream: UnixStream,
    inbox: BytesMut,
}

impl Direct {
    async fn message(&mut self) -> (u8, Vec<u8>) {
        loop {
            if self.inbox.len() >= 5 {
                let len = u32::from_be_bytes([self.inbox[1], self.inbox[2], self.inbox[3], self.inbox[4]]) as usize + 1;
                if self.inbox.len() >= len {
                    let message = self.inbox.split_to(len);
                    return (message[0], message[5..].to_vec());
                }
            }
            assert!(self.stream.read_buf(&mut self.inbox).await.expect("read") > 0, "PostgreSQL has gone");
        }
    }
}

/// How an answer reads; of errors only their code, for some are worded by the proxy.
fn told(kind: u8, body: &[u8]) -> Option<String> {
    Some(match kind {
        b'N' | b'S' => return None,
        b'E' => {
            let code = body.split(|b| *b == 0).find(|part| part.first() == Some(&b'C'));
            format!("E {}", String::from_utf8_lossy(code.unwrap_or_default()))
        }
        // Columns' tables have other numbers.
        b'T' => format!("T {:?}", &body[..2]),
        _ => format!("{} {}", kind as char, String::from_utf8_lossy(body)),
    })
}

/// A client of the proxy, and one of PostgreSQL; each has tables of its own under the same names.
async fn both(world: &World, tables: &[&str]) -> (Raw, Direct) {
    let mut raw = Raw::connect(world, "c", "admin").await.expect("connected");
    let server = world.servers.ensure("c").await.expect("running");
    let path = server.socket_dir.join(format!(".s.PGSQL.{}", server.port));
    let mut direct = Direct { stream: UnixStream::connect(path).await.expect("connected"), inbox: BytesMut::new() };
    let mut out = BytesMut::new();
    postgres_protocol::message::frontend::startup_message(
        [("user", &*server.superuser), ("database", "postgres")],
        &mut out,
    )
    .expect("written");
    direct.stream.write_all(&out).await.expect("sent");
    while direct.message().await.0 != b'Z' {}
    for table in tables {
        raw.query(&format!("create table {table}")).await;
        let mut out = BytesMut::new();
        message(&mut out, b'Q', |out| text(out, &format!("create temp table {table}")));
        direct.stream.write_all(&out).await.expect("sent");
        while direct.message().await.0 != b'Z' {}
    }
    (raw, direct)
}

/// What the proxy and PostgreSQL answer to the same messages. None: the proxy has gone.
async fn answers(raw: &mut Raw, direct: &mut Direct, out: BytesMut) -> Option<(Vec<String>, Vec<String>)> {
    direct.stream.write_all(&out).await.expect("sent");
    raw.send(out).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    loop {
        let (kind, body) = direct.message().await;
        theirs.extend(told(kind, &body));
        if kind == b'Z' {
            break;
        }
    }
    loop {
        let (kind, body) = raw.message().await?;
        ours.extend(told(kind, &body));
        if kind == b'Z' {
            return Some((ours, theirs));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_takes_the_place_of_its_statement_s_tag() {
    let world = World::new().await;
    let tables = ["p (id int primary key)", "k (id int primary key, p int references p deferrable initially deferred)"];
    let (mut raw, mut direct) = both(&world, &tables).await;
    let orphan = "insert into k values (1, 1) returning id";
    for (sql, fails) in [
        (orphan.to_owned(), true),
        (format!("insert into p values (2); {orphan}"), true),
        // Whatever the last statement is.
        (format!("{orphan}; select 7"), true),
        (format!("begin; {orphan}; commit"), true),
        (format!("{orphan}; commit"), true),
        ("insert into p values (3); insert into k values (3, 3)".to_owned(), false),
    ] {
        let mut out = BytesMut::new();
        message(&mut out, b'Q', |out| text(out, &sql));
        let (ours, theirs) = answers(&mut raw, &mut direct, out).await.expect("an answer");
        assert_eq!(ours, theirs, "{sql}: ours and PostgreSQL's");
        assert_eq!(ours[ours.len() - 2] == "E C23503", fails, "{sql}: {ours:?}");
    }
    // By the extended protocol the tag has been told before the Sync that commits.
    let mut out = BytesMut::new();
    parse(&mut out, "", "insert into k values (4, 4)");
    bind(&mut out, "", "");
    execute(&mut out, "", 0);
    message(&mut out, b'S', |_| {});
    let (ours, theirs) = answers(&mut raw, &mut direct, out).await.expect("an answer");
    assert_eq!(ours, theirs, "ours and PostgreSQL's");
    assert_eq!(ours[2..4], ["C INSERT 0 1\0", "E C23503"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_pipeline_is_answered_as_postgresql_does() {
    let world = World::new().await;
    let (mut raw, mut direct) = both(&world, &["t (id int primary key, n int)"]).await;
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let seeds: Vec<u64> = match number("SEED") {
        Some(seed) => vec![seed],
        // The last describes the unnamed statement in a block that failed on private copies.
        None => (1..=number("CONVERSATIONS").unwrap_or(40)).chain([291]).collect(),
    };
    println!("conversations {seeds:?}");
    for seed in seeds {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let (mut trace, mut failed) = (Vec::new(), false);
        let reset = "rollback; delete from t; insert into t values (1, 10), (2, 20); deallocate all";
        for step in 0..40 {
            let (out, said) = match step {
                0 => {
                    let mut out = BytesMut::new();
                    message(&mut out, b'Q', |out| text(out, reset));
                    (out, vec![reset.to_owned()])
                }
                _ if next(&mut state).is_multiple_of(2) => batch(&mut state),
                _ => loose(&mut state, failed),
            };
            trace.push(said.join("; "));
            let Some((ours, theirs)) = answers(&mut raw, &mut direct, out).await else {
                panic!("SEED={seed}: the proxy has gone\n{}", trace.join("\n"))
            };
            failed = theirs.last().is_some_and(|last| last == "Z E");
            assert_eq!(ours, theirs, "SEED={seed}, ours and PostgreSQL's\n{}", trace.join("\n"));
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_bytes_end_more_than_their_own_connection() {
    let world = World::new().await;
    let mut good = Raw::connect(&world, "c", "admin").await.expect("connected");
    // The same bytes each time, so that who has changed nothing meets nothing new.
    let seed: u64 = std::env::var("SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    println!("SEED {seed}");
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for round in 0..60 {
        let mut stream = match round % 3 {
            0 => None,
            1 => Some(encrypted(&world, &host("c")).await),
            _ => Some(Raw::connect(&world, "c", "admin").await.expect("connected").into_stream()),
        };
        let mut bytes = Vec::new();
        for _ in 0..next(&mut state) % 300 {
            // Message types, lengths that could be true, and anything.
            match next(&mut state) % 3 {
                0 => bytes.push(b"QPBDECHSXFdcfp"[(next(&mut state) % 14) as usize]),
                1 => bytes.extend((next(&mut state) as u32 % 64).to_be_bytes()),
                _ => bytes.push(next(&mut state) as u8),
            }
        }
        let read = async {
            let mut rest = Vec::new();
            match &mut stream {
                Some(stream) => {
                    let _ = stream.write_all(&bytes).await;
                    let _ = stream.shutdown().await;
                    let _ = stream.read_to_end(&mut rest).await;
                }
                None => {
                    let mut socket = tokio::net::TcpStream::connect(world.address).await.expect("connected");
                    let _ = socket.write_all(&bytes).await;
                    let _ = socket.shutdown().await;
                    let _ = socket.read_to_end(&mut rest).await;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), read).await.expect("the connection ends");
        assert_eq!(good.query("select 1").await, ["1", "SELECT 1"]);
    }
    world.end().await;
}

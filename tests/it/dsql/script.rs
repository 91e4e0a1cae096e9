//! Golden scripts of several clients: `c1:> statement` and, below it, what must come back.
//!
//! `c1:& statement` starts a statement without waiting for it, `c1:wait` shows what it came to;
//! `c1:~ statement` asks again until it gives what stands below it; `{job}` is the job that was named last;
//! `myapp c2:> …` makes c2 a connection of another role; `clock +310` moves the sandbox's clock.
//! `c1:* 24 …` says it 24 times, with each number in place of `#`, and shows what came whenever that is another
//! answer than before; `{3: c# int}` stands for `c1 int, c2 int, c3 int`; `fill …` has PostgreSQL itself do
//! something, where what clients may do would take too long.
//! `UPDATE_GOLDENFILES=1` writes the files anew.

use std::collections::HashMap;
use std::path::Path;

use tokio::task::JoinHandle;
use workshop_sandbox::interfaces::Databases;

use super::raw::Raw;
use super::world::World;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    Simple,
    Extended,
}

/// Runs one file against a cluster of its own, or one that is as good as new; both protocols must give what it says.
pub async fn run(world: &World, path: &Path, protocol: Protocol) -> Result<(), String> {
    let name = path.file_stem().expect("a name").to_string_lossy();
    let text = std::fs::read_to_string(path).expect("a script");
    let filled = text.contains("\nfill ");
    if filled && protocol == Protocol::Extended {
        // It takes long, and is no matter of the protocol.
        return Ok(());
    }
    let shares = SHARING.iter().any(|start| name.starts_with(start)) && !filled;
    let cluster = if shares { "shared".to_owned() } else { name.replace('_', "") };
    let cluster = format!("{cluster}{}", if protocol == Protocol::Simple { "s" } else { "x" });
    let got = play(world, &cluster, &text, protocol).await;
    if shares {
        fill(world, &cluster, CLEAR).await;
    }
    if std::env::var_os("UPDATE_GOLDENFILES").is_some() && protocol == Protocol::Simple {
        std::fs::write(path, &got).expect("written");
    } else {
        let diff = similar::TextDiff::from_lines(&text, &got).unified_diff().to_string();
        if !diff.is_empty() {
            return Err(format!("{} ({protocol:?}):\n{diff}", path.display()));
        }
    }
    Ok(())
}

/// Files of definitions, which leave nothing but what they have defined.
const SHARING: &[&str] = &["limit_", "refused_", "accepted_", "environment", "explain_"];

const CLEAR: &str = "DO $$ DECLARE item record; BEGIN \
    FOR item IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'sys') LOOP \
        EXECUTE format('DROP SCHEMA %I CASCADE', item.nspname); END LOOP; \
    CREATE SCHEMA public AUTHORIZATION admin; GRANT USAGE ON SCHEMA public TO PUBLIC; DELETE FROM pg_dsql.iam_mapping; \
    FOR item IN SELECT rolname FROM pg_roles WHERE oid >= 16384 AND rolname <> 'admin' LOOP \
        EXECUTE format('DROP OWNED BY %1$I; DROP ROLE %1$I', item.rolname); END LOOP; END $$";

async fn play(world: &World, cluster: &str, text: &str, protocol: Protocol) -> String {
    let mut clients: HashMap<String, Raw> = HashMap::new();
    let mut out = String::new();
    let mut job = String::new();
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().copied().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            out.push_str(&format!("{line}\n"));
            continue;
        }
        if let Some(seconds) = line.strip_prefix("clock ") {
            world.advance(seconds.trim().parse().expect("seconds"));
            out.push_str(&format!("{line}\n"));
            continue;
        }
        if let Some(sql) = line.strip_prefix("fill ") {
            fill(world, cluster, sql).await;
            out.push_str(&format!("{line}\n"));
            continue;
        }
        let Some((who, command)) = line.split_once(':') else { continue };
        let (user, client) = who.rsplit_once(' ').unwrap_or(("admin", who));
        if !is_client(client) {
            continue;
        }
        out.push_str(&format!("{line}\n"));
        if !clients.contains_key(client) {
            match Raw::connect(world, cluster, user).await {
                Ok(raw) => drop(clients.insert(client.to_owned(), raw)),
                Err(refusal) => {
                    out.push_str(&format!("{refusal}\n"));
                    continue;
                }
            }
        }
        let raw = clients.get_mut(client).expect("connected");
        let (verb, sql) = command.split_at(1);
        let sql = expanded(&sql.trim().replace("{job}", &job));
        let sql = sql.as_str();
        if verb == "*" {
            let (times, sql) = sql.split_once(' ').expect("a number and a statement");
            let mut last = Vec::new();
            for n in 1..=times.parse::<u32>().expect("a number") {
                begin(raw, &sql.replace('#', &n.to_string()), protocol).await;
                let lines: Vec<_> = raw.finish().await.iter().map(|line| redact(line)).collect();
                if lines != last {
                    out.extend(lines.iter().map(|line| format!("{line}\n")));
                }
                last = lines;
            }
            continue;
        }
        if verb == "~" {
            let expected: Vec<_> = lines[at + 1..].iter().take_while(|l| !is_command(l)).copied().collect();
            out.push_str(&until(raw, sql, &expected).await);
            continue;
        }
        match (verb, command) {
            (_, "wait") => {}
            (_, "close") => {
                clients.remove(client);
                continue;
            }
            (">" | "&", _) => begin(raw, sql, protocol).await,
            _ => panic!("{line}"),
        }
        if verb == "&" {
            continue;
        }
        for line in raw.finish().await {
            if let Some(id) = line.split('|').find(|word| is_job(word)) {
                job = id.to_owned();
            }
            out.push_str(&format!("{}\n", redact(&line)));
        }
    }
    out
}

/// Sends a statement. Several in one message are a matter of the simple protocol.
async fn begin(raw: &mut Raw, sql: &str, protocol: Protocol) {
    match protocol {
        Protocol::Extended if !sql.contains(';') && !sql.is_empty() => raw.start_extended(sql).await,
        Protocol::Extended | Protocol::Simple => raw.start(sql).await,
    }
}

type Connection = JoinHandle<Result<(), tokio_postgres::Error>>;

/// Connects as the superuser, past the proxy.
async fn owner(world: &World, cluster: &str) -> (tokio_postgres::Client, Connection) {
    let server = world.servers.ensure(cluster).await.expect("running");
    let mut config = tokio_postgres::Config::new();
    config.host_path(&server.socket_dir).port(server.port).user(&server.superuser).dbname(&server.database);
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.expect("connected");
    (client, tokio::spawn(connection))
}

/// Asks PostgreSQL itself; the first column of its rows.
pub async fn asked_past_the_proxy(world: &World, cluster: &str, sql: &str) -> Vec<String> {
    let (client, connection) = owner(world, cluster).await;
    let rows = client.simple_query(sql).await.expect("answered");
    drop(client);
    let _ = connection.await;
    let first = |message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    };
    rows.into_iter().filter_map(first).collect()
}

/// Does it as the superuser, past the proxy and without the rules.
async fn fill(world: &World, cluster: &str, sql: &str) {
    let (client, connection) = owner(world, cluster).await;
    let settings = "SET session_replication_role = replica; SET default_transaction_isolation = 'read committed'";
    client.batch_execute(settings).await.expect("set");
    // A job or a session that is just ending may be in the way.
    let began = std::time::Instant::now();
    while let Err(error) = client.batch_execute(sql).await {
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "{error:?}: {sql}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    drop(client);
    let _ = connection.await;
}

/// The statement with its lists written out.
fn expanded(sql: &str) -> String {
    let list = regex::Regex::new(r"\{(\d+): ([^}]*)\}").expect("a pattern");
    let written = list.replace_all(sql, |found: &regex::Captures| {
        let item = |n: u32| found[2].replace('#', &n.to_string());
        (1..=found[1].parse().expect("a number")).map(item).collect::<Vec<_>>().join(", ")
    });
    written.into_owned()
}

/// Asks until the answer is as expected, for as long as anything may take; the last answer.
async fn until(raw: &mut Raw, sql: &str, expected: &[&str]) -> String {
    let began = std::time::Instant::now();
    loop {
        let lines: Vec<_> = raw.query(sql).await.iter().map(|line| redact(line)).collect();
        if lines == expected || began.elapsed() > std::time::Duration::from_secs(10) {
            return lines.iter().map(|line| format!("{line}\n")).collect();
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

fn is_command(line: &str) -> bool {
    let client = line.split_once(':').is_some_and(|(who, _)| is_client(who.rsplit(' ').next().unwrap_or(who)));
    client || line.is_empty() || ["#", "clock ", "fill "].iter().any(|start| line.starts_with(start))
}

/// 26 characters of base32.
fn is_job(word: &str) -> bool {
    word.len() == 26 && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// What differs from run to run: job identifiers, and in plans times, what follows from them, and what
/// identifies a query.
fn redact(line: &str) -> String {
    let parts = line.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let shown = parts.map(|part| {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_job(word) { part.replace(word, "<job>") } else { part.to_owned() }
    });
    let line: String = shown.collect();
    let masks = [
        (r"actual time=[\d.]+", "actual time=<ms>"),
        (r"(Planning|Execution) Time: [\d.]+", "$1 Time: <ms>"),
        (r"(Compute|Total): [\d.]+ DPU", "$1: <n> DPU"),
        (r#"(Query Identifier"?: "?)[0-9a-z]{13}\b"#, "$1<13 characters>"),
        (r#""(Planning Time|Execution Time|Compute DPU|Total DPU)": [\d.]+"#, "\"$1\": <n>"),
        (r"(Memory Usage|Memory): \d+kB", "$1: <n>kB"),
    ];
    masks.iter().fold(line, |line, (what, mask)| {
        regex::Regex::new(what).expect("a pattern").replace_all(&line, *mask).into_owned()
    })
}

fn is_client(name: &str) -> bool {
    name.strip_prefix('c').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

//! Golden scripts of several clients: `c1:> statement` and, below it, what must come back.
//!
//! `c1:& statement` starts a statement without waiting for it, `c1:wait` shows what it came to;
//! `c1:~ statement` asks again until it gives what stands below it; `{job}` is the job that was named last;
//! `myapp c2:> …` makes c2 a connection of another role; `clock +310` moves the sandbox's clock.
//! `UPDATE_GOLDENFILES=1` writes the files anew.

use std::collections::HashMap;
use std::path::Path;

use super::raw::Raw;
use super::world::World;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    Simple,
    Extended,
}

/// Runs one file against a cluster of its own; both protocols must give what it says.
pub async fn run(world: &World, path: &Path, protocol: Protocol) -> Result<(), String> {
    let name = path.file_stem().expect("a name").to_string_lossy().replace('_', "").to_lowercase();
    let cluster = format!("{name}{}", if protocol == Protocol::Simple { "s" } else { "x" });
    let text = std::fs::read_to_string(path).expect("a script");
    let got = play(world, &cluster, &text, protocol).await;
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
        let sql = sql.trim().replace("{job}", &job);
        let sql = sql.as_str();
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
            (">" | "&", _) if protocol == Protocol::Extended && !sql.contains(';') && !sql.is_empty() => {
                raw.start_extended(sql).await;
            }
            (">" | "&", _) => raw.start(sql).await,
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
    client || line.is_empty() || line.starts_with('#') || line.starts_with("clock ")
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

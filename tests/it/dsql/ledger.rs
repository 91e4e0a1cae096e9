//! Workers that move money between accounts, and the books that prove afterwards what they did: every transfer that
//! was said to be committed is noted once, no other is, and every balance is the sum of its notes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::raw::Raw;

const START: i64 = 100;
pub const CONFLICT: &str = "ERROR 40001 change conflicts with another transaction (OC000)";

#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub rows: u64,
    /// Between the two writes of a transfer.
    pub idle: Duration,
    pub until: Instant,
    /// Each transfer is noted in the books, by both protocols in turns.
    pub noted: bool,
}

#[derive(Debug, Default)]
pub struct Tally {
    pub commits: u64,
    pub conflicts: u64,
    /// Connections that were lost, and what had been asked for came to light only later.
    pub lost: u64,
    pub slowest: Duration,
    /// (worker, number) of what was committed.
    pub notes: BTreeSet<(u64, u64)>,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.commits += other.commits;
        self.conflicts += other.conflicts;
        self.lost += other.lost;
        self.slowest = self.slowest.max(other.slowest);
        self.notes.extend(other.notes);
    }
}

/// A small generator of our own: the same choices in every run.
pub fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Opens the accounts and the books.
pub async fn prepare(raw: &mut Raw, rows: u64) {
    for sql in [
        "create table acct (id int primary key, bal bigint)".to_owned(),
        "create table done (worker int, n int, source int, target int, mark uuid default gen_random_uuid(), primary key (worker, n))".into(),
        format!("insert into acct select i, {START} from generate_series(1, {rows}) i"),
    ] {
        let got = raw.query(&sql).await;
        assert!(!got[0].starts_with("ERROR"), "{got:?}");
    }
}

/// Transfers until the plan's end. A lost connection is made again by `connect`; whether the transfer whose COMMIT was
/// not answered was made, the books tell.
pub async fn worker<F: AsyncFn() -> Raw>(worker: u64, plan: Plan, connect: F) -> Tally {
    let (mut state, mut tally, mut n) = (worker * 7919 + 1, Tally::default(), 0);
    let mut raw = connect().await;
    while Instant::now() < plan.until {
        n += 1;
        let from = next(&mut state) % plan.rows + 1;
        let to = (from + next(&mut state) % (plan.rows - 1)) % plan.rows + 1;
        let done = transfer(&mut raw, &plan, (worker, n, from, to), &mut tally).await;
        if done == Done::Lost {
            tally.lost += 1;
            raw = connect().await;
            let found = raw.query(&format!("select 1 from done where worker = {worker} and n = {n}")).await;
            if found[0] != "1" {
                continue;
            }
        }
        if done != Done::Conflict {
            tally.commits += 1;
            tally.notes.insert((worker, n));
        }
    }
    tally
}

#[derive(Debug, PartialEq, Eq)]
enum Done {
    Committed,
    Conflict,
    Lost,
}

async fn transfer(raw: &mut Raw, plan: &Plan, note: (u64, u64, u64, u64), tally: &mut Tally) -> Done {
    let (worker, n, from, to) = note;
    let extended = plan.noted && n.is_multiple_of(2);
    if !said(&raw.query("begin").await, &["BEGIN *"]) {
        return Done::Lost;
    }
    for (sign, id) in [("-", from), ("+", to)] {
        let asked = Instant::now();
        let got = match extended {
            false => raw.query(&format!("update acct set bal = bal {sign} 1 where id = {id}")).await,
            true => {
                let sql = format!("update acct set bal = bal {sign} $1 where id = $2");
                raw.extended(&sql, &["1", &id.to_string()]).await
            }
        };
        if !said(&got, &["UPDATE 1 *"]) {
            return Done::Lost;
        }
        tally.slowest = tally.slowest.max(asked.elapsed());
        if sign == "-" && !plan.idle.is_zero() {
            tokio::time::sleep(plan.idle).await;
        }
    }
    if plan.noted {
        let sql = format!("insert into done values ({worker}, {n}, {from}, {to}) returning worker");
        if !said(&raw.query(&sql).await, &[&worker.to_string(), "INSERT 0 1 *"]) {
            return Done::Lost;
        }
    }
    let asked = Instant::now();
    let got = raw.query("commit").await;
    tally.slowest = tally.slowest.max(asked.elapsed());
    if got == [CONFLICT] {
        tally.conflicts += 1;
        return Done::Conflict;
    }
    if said(&got, &["COMMIT"]) { Done::Committed } else { Done::Lost }
}

/// Whether the answer is this one; the only other that may come is the end of the connection.
fn said(got: &[String], wanted: &[&str]) -> bool {
    let ended = got.last().is_some_and(|last| last == "connection closed");
    assert!(ended || got == wanted, "{got:?} instead of {wanted:?}");
    !ended
}

/// The books after all workers have ended: nothing was made, lost, or done twice.
pub async fn balance(raw: &mut Raw, rows: u64, tally: &Tally, noted: bool) {
    assert_eq!(raw.query("select sum(bal) from acct").await[0], (START * rows as i64).to_string());
    if !noted {
        return;
    }
    let wrong = "select a.id, bal from acct a left join (select id, sum(d) as moved from \
                 (select target as id, count(*) as d from done group by 1 union all select source, -count(*) from done group by 1) x \
                 group by 1) n on n.id = a.id where bal <> 100 + coalesce(moved, 0)";
    assert_eq!(raw.query(wrong).await, ["SELECT 0"], "every balance is the sum of its notes");
    let mut notes = raw.query("select worker, n from done").await;
    notes.pop();
    let note = |line: &String| {
        let (worker, n) = line.split_once('|').expect("two columns");
        (worker.parse().expect("a number"), n.parse().expect("a number"))
    };
    let notes: BTreeSet<(u64, u64)> = notes.iter().map(note).collect();
    let missing: Vec<_> = tally.notes.difference(&notes).collect();
    assert!(missing.is_empty(), "said to be committed, and lost: {missing:?}");
    let more: Vec<_> = notes.difference(&tally.notes).collect();
    assert!(more.is_empty(), "committed, and said not to be: {more:?}");
    assert_eq!(tally.notes.len() as u64, tally.commits);
}

//! Random schedules of small transactions over few rows, one statement at a time from several sessions, held against
//! the model: every answer is the snapshot's, no conflict is missed, none is made up between transactions that never
//! met, and no statement waits (the session that it would wait for says nothing meanwhile).
//!
//! `SEED=n` runs one schedule again, `SCHEDULES=n` runs so many.

use super::ledger::{CONFLICT, next};
use super::model::{Model, Op, Txn, Verdict};
use super::raw::Raw;
use super::world::World;

const SESSIONS: usize = 4;
const KEYS: u64 = 5;
const STEPS: usize = 150;

fn statement(state: &mut u64, mark: &mut i64) -> Op {
    let id = (next(state) % KEYS) as i64;
    let k = (next(state) % 9 + 1) as i64;
    *mark += 1;
    match next(state) % 32 {
        0..=5 => Op::Read(id),
        6..=7 => Op::Sum,
        8..=13 => Op::Add(id, k),
        14 => Op::AddToEven(k),
        15..=17 => Op::Insert(id, k),
        18 => Op::InsertOrNothing(id, k),
        19..=20 => Op::Upsert(id, k),
        21..=22 => Op::Delete(id),
        23 => Op::Rekey(id, (id + 1 + k % (KEYS as i64 - 1)) % KEYS as i64),
        24..=26 => Op::ForUpdate(id),
        27..=28 => Op::KeyShare(id),
        _ => Op::Child(id, *mark),
    }
}

/// What a session's next statement is, by where it stands.
fn choose(state: &mut u64, txn: Option<&Txn>, mark: &mut i64) -> Op {
    let dice = next(state) % 10;
    match txn {
        None if dice < 7 => Op::Begin,
        Some(_) if dice < 2 => Op::Commit,
        Some(txn) if dice < 3 || txn.failed => Op::Rollback,
        _ => statement(state, mark),
    }
}

struct Run {
    seed: u64,
    trace: Vec<String>,
    spurious: u32,
    conflicts: u32,
    commits: u32,
}

impl Run {
    fn wrong(&self, what: &str) -> ! {
        panic!("SEED={}: {what}\n{}", self.seed, self.trace.join("\n"))
    }
}

async fn schedule(clients: &mut [Raw], seed: u64) -> Run {
    let mut run = Run { seed, trace: Vec::new(), spurious: 0, conflicts: 0, commits: 0 };
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for sql in ["delete from c", "delete from t", "insert into t values (0, 10), (1, 11), (2, 12), (3, 13)"] {
        clients[0].query(sql).await;
    }
    let mut model = Model::of([(0, 10), (1, 11), (2, 12), (3, 13)]);
    // What each session's transaction may be; none: it is in none.
    let mut open: Vec<Vec<Txn>> = vec![Vec::new(); SESSIONS];
    let mut mark = 0;
    for step in 0..STEPS + SESSIONS {
        // At the end everybody commits.
        let (who, op) = match step.checked_sub(STEPS) {
            None => {
                let who = (next(&mut state) % SESSIONS as u64) as usize;
                (who, choose(&mut state, open[who].first(), &mut mark))
            }
            Some(who) if !open[who].is_empty() => (who, Op::Commit),
            Some(_) => continue,
        };
        let sql = op.sql();
        let got = match next(&mut state).is_multiple_of(2) {
            true => clients[who].query(&sql).await,
            false => clients[who].extended(&sql, &[]).await,
        };
        run.trace.push(format!("c{who}: {sql} -> {}", got.join(", ")));
        let first = got[0].trim_end_matches([' ', '*', '!']);
        let conflict = got[0].starts_with(CONFLICT);
        let known = std::mem::take(&mut open[who]);
        match op {
            Op::Begin => open[who] = vec![model.begin()],
            Op::Rollback if first == "ROLLBACK" => {}
            Op::Commit if known[0].failed && first == "ROLLBACK" => {}
            Op::Commit | Op::Rollback if known[0].failed => run.wrong("a failed transaction was not rolled back"),
            Op::Commit => ends(&mut run, &mut model, &known, conflict, first == "COMMIT"),
            _ if known.first().is_some_and(|txn| txn.failed) => {
                if !first.starts_with("ERROR 25P02") {
                    run.wrong("a failed transaction went on");
                }
                open[who] = known;
            }
            op => {
                let alone = known.is_empty();
                let mut may_be = if alone { vec![model.begin()] } else { known };
                if may_be[0].fresh && op.only_shares() {
                    // Nobody would notice if the transaction had begun only now.
                    may_be.push(model.begin());
                }
                let answers: Vec<_> = may_be.iter_mut().map(|txn| txn.run(op)).collect();
                met(&mut may_be, who, &mut open);
                if conflict && alone {
                    ends(&mut run, &mut model, &may_be, true, false);
                    continue;
                }
                let mut lines: Vec<_> = got.iter().map(|l| l.trim_end_matches([' ', '*'])).collect();
                let last = lines.pop();
                lines.sort_unstable();
                let fits = |answer: &Result<(Vec<String>, String), &str>| match answer {
                    Ok((rows, tag)) => lines == *rows && last == Some(tag.as_str()),
                    Err(code) => first.starts_with(&format!("ERROR {code} ")),
                };
                let mut fit = answers.iter().map(fits);
                may_be.retain(|_| fit.next() == Some(true));
                if may_be.is_empty() {
                    run.wrong(&format!("should have answered {answers:?}"));
                }
                match (alone, may_be[0].failed) {
                    (true, false) => ends(&mut run, &mut model, &may_be, false, true),
                    (true, true) => {}
                    (false, _) => open[who] = may_be,
                }
            }
        }
    }
    let lines =
        |rows: &std::collections::BTreeMap<i64, i64>| rows.iter().map(|(k, n)| format!("{k}|{n}")).collect::<Vec<_>>();
    for (sql, wanted) in [
        ("select id, n from t order by id", lines(&model.rows)),
        ("select mark, parent from c order by mark", lines(&model.children)),
    ] {
        let mut got = clients[0].query(sql).await;
        got.pop();
        if got != wanted {
            run.wrong(&format!("at the end {sql}: {got:?} instead of {wanted:?}"));
        }
    }
    run
}

/// Whoever is in a transaction now has met what this one has touched, and the other way round.
fn met(mine: &mut [Txn], who: usize, open: &mut [Vec<Txn>]) {
    for (_, others) in open.iter_mut().enumerate().filter(|(n, _)| *n != who) {
        for other in others.iter_mut() {
            for one in mine.iter_mut() {
                other.meets(one);
                one.meets(other);
            }
        }
    }
}

fn ends(run: &mut Run, model: &mut Model, may_be: &[Txn], conflict: bool, committed: bool) {
    let verdicts: Vec<_> = may_be.iter().map(|txn| model.verdict(txn)).collect();
    if conflict && verdicts.contains(&Verdict::Conflicts) {
        run.conflicts += 1;
    } else if conflict && verdicts.contains(&Verdict::Either) {
        run.spurious += 1;
    } else if let Some(at) = verdicts.iter().position(|v| *v != Verdict::Conflicts).filter(|_| committed) {
        run.commits += 1;
        model.commit(&may_be[at]);
    } else {
        run.wrong(&format!("the end of this transaction should be: {verdicts:?}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn random_schedules_answer_as_the_model_does() {
    let world = World::new().await;
    let mut clients = Vec::new();
    for _ in 0..SESSIONS {
        clients.push(Raw::connect(&world, "c", "admin").await.expect("connected"));
    }
    for sql in [
        "create table t (id int primary key, n int)",
        "create table c (id uuid primary key default gen_random_uuid(), parent int references t, mark int)",
        "create view v as select id, n from t",
    ] {
        assert!(!clients[0].query(sql).await[0].starts_with("ERROR"), "{sql}");
    }
    for client in &mut clients {
        // What was created is news to the others once.
        client.query("select 1 from t").await;
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let (first, count) = match number("SEED") {
        Some(seed) => (seed, 1),
        // The same schedules each time.
        None => (1, number("SCHEDULES").unwrap_or(20)),
    };
    println!("schedules {first} to {}", first + count - 1);
    let (mut commits, mut conflicts, mut spurious) = (0, 0, 0);
    for seed in first..first + count {
        let run = schedule(&mut clients, seed).await;
        commits += run.commits;
        conflicts += run.conflicts;
        spurious += run.spurious;
    }
    println!("{commits} commits, {conflicts} conflicts, {spurious} more where somebody else was near");
    world.end().await;
}

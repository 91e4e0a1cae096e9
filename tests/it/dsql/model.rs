//! Snapshot isolation where the first to commit wins, in a page: what a database such as DSQL must answer.

use std::collections::BTreeMap;

pub const UPDATE: u8 = 1;
/// INSERT, DELETE, a changed key.
pub const KEY: u8 = 2;
pub const FOR_UPDATE: u8 = 4;
pub const SHARE: u8 = 8;

type Acts = BTreeMap<i64, u8>;
type Rows = BTreeMap<i64, i64>;

/// What one statement does; keys and amounts are small numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Read(i64),
    Sum,
    Add(i64, i64),
    AddToEven(i64),
    Insert(i64, i64),
    InsertOrNothing(i64, i64),
    Upsert(i64, i64),
    Delete(i64),
    Rekey(i64, i64),
    ForUpdate(i64),
    KeyShare(i64),
    /// A row of the other table that refers to this one.
    Child(i64, i64),
    Begin,
    Commit,
    Rollback,
}

impl Op {
    /// Takes away no key and shares some: with another snapshot it need not fail.
    pub fn only_shares(self) -> bool {
        matches!(self, Op::Insert(..) | Op::InsertOrNothing(..) | Op::KeyShare(_) | Op::Child(..))
    }

    pub fn sql(self) -> String {
        match self {
            Op::Read(id) => format!("select n from t where id = {id}"),
            Op::Sum => "select count(*), coalesce(sum(n), 0) from v".into(),
            Op::Add(id, k) => format!("update public.t set n = n + {k} where id = {id} returning n"),
            Op::AddToEven(k) => format!("update t set n = n + {k} where n % 2 = 0 returning id, n"),
            Op::Insert(id, k) => format!("insert into t values ({id}, {k})"),
            Op::InsertOrNothing(id, k) => format!("insert into t values ({id}, {k}) on conflict do nothing"),
            Op::Upsert(id, k) => {
                format!("insert into t values ({id}, {k}) on conflict (id) do update set n = t.n + {k} returning n")
            }
            Op::Delete(id) => format!("with gone as (delete from t where id = {id} returning n) select n from gone"),
            Op::Rekey(id, to) => format!("update t set id = {to} where id = {id}"),
            Op::ForUpdate(id) => format!("select n from t where id = {id} for update"),
            Op::KeyShare(id) => format!("select n from t where id = {id} for key share"),
            Op::Child(id, mark) => format!("insert into c (parent, mark) values ({id}, {mark}) returning mark"),
            Op::Begin => "begin".into(),
            Op::Commit => "commit".into(),
            Op::Rollback => "rollback".into(),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Txn {
    /// What it began with.
    snapshot: Rows,
    view: Rows,
    /// Children by mark, with their parent.
    children: BTreeMap<i64, i64>,
    acts: Acts,
    began: usize,
    /// Keys that a concurrent transaction has touched, too, whatever became of it.
    rivals: Acts,
    pub failed: bool,
    /// Nothing has been answered yet.
    pub fresh: bool,
}

#[derive(Debug, Default)]
pub struct Model {
    pub rows: Rows,
    pub children: BTreeMap<i64, i64>,
    /// What each committed transaction did.
    log: Vec<Acts>,
}

/// What COMMIT must answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Commits,
    Conflicts,
    /// Somebody else touched the same rows: a conflict where none was is allowed.
    Either,
}

impl Model {
    pub fn of(rows: impl Into<Rows>) -> Model {
        Model { rows: rows.into(), ..Model::default() }
    }

    pub fn begin(&self) -> Txn {
        let (snapshot, view, children) = (self.rows.clone(), self.rows.clone(), self.children.clone());
        Txn { snapshot, view, children, began: self.log.len(), fresh: true, ..Txn::default() }
    }

    pub fn verdict(&self, txn: &Txn) -> Verdict {
        let mine = txn.net();
        // A row that came and went within this transaction's life leaves PostgreSQL nothing to see, and nobody
        // anything to mind.
        let passed = |key: &i64| !txn.snapshot.contains_key(key) && !self.rows.contains_key(key);
        let clash = |theirs: &Acts| {
            mine.iter().any(|(key, act)| !passed(key) && theirs.get(key).is_some_and(|t| conflict(*act, *t)))
        };
        if self.log[txn.began..].iter().any(clash) {
            return Verdict::Conflicts;
        }
        let met = |theirs: &Acts| txn.acts.keys().any(|key| theirs.contains_key(key));
        match met(&txn.rivals) || self.log[txn.began..].iter().any(met) {
            true => Verdict::Either,
            false => Verdict::Commits,
        }
    }

    pub fn commit(&mut self, txn: &Txn) {
        for key in txn.acts.iter().filter(|(_, act)| **act & (UPDATE | KEY) != 0).map(|(key, _)| key) {
            match txn.view.get(key) {
                Some(n) => drop(self.rows.insert(*key, *n)),
                None => drop(self.rows.remove(key)),
            }
        }
        self.children.extend(txn.children.iter().map(|(mark, parent)| (*mark, *parent)));
        self.log.push(txn.net());
    }
}

/// The service's matrix. Source: AWS user guide, concurrency control, read 2026-10.
fn conflict(one: u8, two: u8) -> bool {
    let alone = KEY | FOR_UPDATE;
    (one | two) & alone != 0 || one & two & UPDATE != 0
}

impl Txn {
    /// What others must mind: a row that was made and deleted again is as if nothing had been.
    fn net(&self) -> Acts {
        let lasting = |key: &i64| self.snapshot.contains_key(key) || self.view.contains_key(key);
        self.acts.iter().filter(|(key, act)| **act != 0 && lasting(key)).map(|(key, act)| (*key, *act)).collect()
    }

    pub fn meets(&mut self, other: &Txn) {
        self.rivals.extend(other.acts.iter().map(|(k, a)| (*k, *a)));
    }

    fn act(&mut self, key: i64, act: u8) {
        *self.acts.entry(key).or_default() |= act;
    }

    fn has_child(&self, key: i64) -> bool {
        self.children.values().any(|parent| *parent == key)
    }

    /// Runs a statement: its rows in no order and its tag, or an SQLSTATE.
    pub fn run(&mut self, op: Op) -> Result<(Vec<String>, String), &'static str> {
        self.fresh = false;
        let answer = self.answer(op);
        self.failed = answer.is_err();
        answer
    }

    fn answer(&mut self, op: Op) -> Result<(Vec<String>, String), &'static str> {
        let mut rows = Vec::new();
        let mut tag = "UPDATE";
        let mut count = None;
        match op {
            Op::Read(id) => {
                tag = "SELECT";
                rows.extend(self.view.get(&id).map(i64::to_string));
            }
            Op::Sum => {
                tag = "SELECT";
                rows.push(format!("{}|{}", self.view.len(), self.view.values().sum::<i64>()));
            }
            Op::ForUpdate(id) | Op::KeyShare(id) => {
                tag = "SELECT";
                if let Some(n) = self.view.get(&id).copied() {
                    self.act(id, if matches!(op, Op::ForUpdate(_)) { FOR_UPDATE } else { SHARE });
                    rows.push(n.to_string());
                }
            }
            Op::Add(id, k) => {
                if let Some(n) = self.view.get_mut(&id) {
                    *n += k;
                    rows.push(n.to_string());
                    self.act(id, UPDATE);
                }
            }
            Op::AddToEven(k) => {
                let even: Vec<i64> = self.view.iter().filter(|(_, n)| **n % 2 == 0).map(|(id, _)| *id).collect();
                for id in even {
                    let n = self.view.get_mut(&id).expect("there");
                    *n += k;
                    rows.push(format!("{id}|{n}"));
                    self.act(id, UPDATE);
                }
            }
            Op::Insert(id, k) | Op::InsertOrNothing(id, k) | Op::Upsert(id, k) => {
                tag = "INSERT 0";
                match (self.view.get_mut(&id), op) {
                    (None, _) => {
                        self.view.insert(id, k);
                        self.act(id, KEY);
                        count = Some(1);
                    }
                    (Some(_), Op::Insert(..)) => return Err("23505"),
                    (Some(n), Op::Upsert(..)) => {
                        *n += k;
                        self.act(id, UPDATE);
                        count = Some(1);
                    }
                    (Some(_), _) => {
                        // A read, but the sandbox cannot tell when somebody changes that row.
                        self.act(id, 0);
                        count = Some(0);
                    }
                }
                if matches!(op, Op::Upsert(..)) {
                    rows.push(self.view[&id].to_string());
                }
            }
            Op::Delete(id) => {
                tag = "SELECT";
                if self.view.contains_key(&id) && self.has_child(id) {
                    return Err("23503");
                }
                if let Some(n) = self.view.remove(&id) {
                    rows.push(n.to_string());
                    self.act(id, KEY);
                }
            }
            Op::Rekey(id, to) => {
                count = Some(0);
                if let Some(n) = self.view.get(&id).copied() {
                    if self.view.contains_key(&to) {
                        return Err("23505");
                    }
                    if self.has_child(id) {
                        return Err("23503");
                    }
                    self.view.remove(&id);
                    self.view.insert(to, n);
                    self.act(id, KEY);
                    self.act(to, KEY);
                    count = Some(1);
                }
            }
            Op::Child(id, mark) => {
                tag = "INSERT 0";
                if !self.view.contains_key(&id) {
                    return Err("23503");
                }
                self.children.insert(mark, id);
                self.act(id, SHARE);
                rows.push(mark.to_string());
            }
            Op::Begin | Op::Commit | Op::Rollback => unreachable!("not a statement"),
        }
        let count = count.unwrap_or(rows.len());
        rows.sort();
        Ok((rows, format!("{tag} {count}")))
    }
}

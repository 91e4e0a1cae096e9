//! What the client has named: prepared statements and portals.
//!
//! A pipeline's later messages mean names that its earlier ones make, long before the backend has answered
//! any of them. So each change is made at once, and taken back if its message turns out to have failed, or
//! to stand behind one that has.
//!
//! Invariant: once everything is answered, these are the names that PostgreSQL alone would know.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use crate::statement::{SqlStatement, StatementKind};

/// A statement that the client has prepared.
#[derive(Debug)]
pub struct Prepared {
    /// None: an empty query.
    pub statement: Option<Arc<SqlStatement>>,
    pub types: Bytes,
}

impl Prepared {
    /// BEGIN, COMMIT and ROLLBACK, which the backend never executes for the client.
    pub fn controls(&self) -> bool {
        let kind = self.statement.as_ref().map(|s| &s.kind);
        matches!(kind, Some(StatementKind::Begin { .. } | StatementKind::Commit | StatementKind::Rollback))
    }

    /// COMMIT and ROLLBACK, which a failed transaction waits for.
    pub fn ends(&self) -> bool {
        matches!(self.statement.as_ref().map(|s| &s.kind), Some(StatementKind::Commit | StatementKind::Rollback))
    }
}

/// A portal that the client has bound.
#[derive(Debug)]
pub struct Portal {
    pub prepared: Arc<Prepared>,
    pub bind: Bytes,
    /// The backend has it, too, and has run it as far as `taken` says.
    pub alive: bool,
    pub taken: PortalProgress,
}

impl Portal {
    fn empty() -> Self {
        let prepared = Arc::new(Prepared { statement: None, types: Bytes::new() });
        Portal { prepared, bind: Bytes::new(), alive: true, taken: PortalProgress::Nothing }
    }
}

/// How much of a portal's result the client has taken.
#[derive(Debug)]
pub enum PortalProgress {
    /// It was not executed yet.
    Nothing,
    /// As many rows as it wanted; more may be on the backend.
    Some,
    /// The rest is here, as whole messages.
    Rest(VecDeque<Bytes>),
    /// Everything, under this command tag.
    All { tag: Cow<'static, str> },
}

#[derive(Debug, Default)]
pub struct ClientNames {
    pub statements: HashMap<String, Arc<Prepared>>,
    pub portals: HashMap<String, Portal>,
    /// The backend has the client's unnamed statement: our own queries drop it.
    pub unnamed_live: bool,
    /// What messages have changed that are not answered yet, each with its place among them.
    changes: Vec<(usize, NameChange)>,
}

#[derive(Debug)]
enum NameChange {
    Parsed { name: String, before: Option<Arc<Prepared>>, live: bool },
    Closed { name: String, before: Option<Arc<Prepared>> },
    Bound { name: String, before: Option<Portal> },
    PortalClosed { name: String, before: Option<Portal> },
    Revived,
}

impl ClientNames {
    /// A Parse was passed on, as the message number `at` that waits for its answer.
    pub fn parsed(&mut self, at: usize, name: String, prepared: Arc<Prepared>) {
        let live = self.unnamed_live;
        self.unnamed_live |= name.is_empty();
        let before = self.statements.insert(name.clone(), prepared);
        self.changes.push((at, NameChange::Parsed { name, before, live }));
    }

    /// The unnamed statement is parsed again behind the client's back.
    pub fn revived(&mut self, at: usize) {
        self.unnamed_live = true;
        self.changes.push((at, NameChange::Revived));
    }

    /// Takes note of a Bind that was passed on, as [`ClientNames::parsed`] does.
    pub fn bound(&mut self, at: usize, name: String, portal: Portal) {
        let before = self.portals.insert(name.clone(), portal);
        self.changes.push((at, NameChange::Bound { name, before }));
    }

    /// Takes note of a Close of a statement.
    pub fn close_statement(&mut self, at: usize, name: &str) {
        let before = self.statements.remove(name);
        self.changes.push((at, NameChange::Closed { name: name.to_owned(), before }));
    }

    /// Takes note of a Close of a portal.
    pub fn close_portal(&mut self, at: usize, name: &str) {
        let before = self.portals.remove(name);
        self.changes.push((at, NameChange::PortalClosed { name: name.to_owned(), before }));
    }

    /// Everything was answered well, or the message number `failed` was not, and none behind it was read.
    pub fn settle(&mut self, failed: Option<usize>) {
        let Some(failed) = failed else { return self.changes.clear() };
        for (at, change) in self.changes.drain(..).rev().filter(|(at, _)| *at >= failed) {
            match change {
                // PostgreSQL drops the unnamed statement before it looks at the next one.
                NameChange::Parsed { name, .. } if at == failed && name.is_empty() => {
                    self.statements.remove("");
                }
                NameChange::Parsed { name, before, live } => {
                    if name.is_empty() {
                        self.unnamed_live = live;
                    }
                    restore(&mut self.statements, name, before);
                }
                NameChange::Closed { name, before } => restore(&mut self.statements, name, before),
                // PostgreSQL may have made an empty portal before it failed: it knows.
                NameChange::Bound { name, before }
                    if at == failed && before.as_ref().is_none_or(|b| !b.prepared.ends()) =>
                {
                    self.portals.insert(name, Portal::empty());
                }
                NameChange::Bound { name, before } | NameChange::PortalClosed { name, before } => {
                    restore(&mut self.portals, name, before);
                }
                NameChange::Revived => self.unnamed_live = false,
            }
        }
    }

    /// The transaction has failed: even a COMMIT that was bound before cannot be run any more.
    pub fn fail_portals(&mut self) {
        self.portals.values_mut().for_each(|p| p.taken = PortalProgress::Some);
    }

    /// A query has failed its transaction, or came when that had failed (`already`): whether the unnamed
    /// portal is the one before it, or the query's own, PostgreSQL knows.
    pub fn unnamed_portal_after_failure(&mut self, before: Option<Portal>, already: bool) {
        let portal = match before {
            Some(before) if already => before,
            _ => Portal::empty(),
        };
        self.portals.insert(String::new(), portal);
    }

    /// The portal of this name, if the backend has it.
    pub fn alive(&self, portal: &str) -> bool {
        self.portals.get(portal).is_some_and(|p| p.alive)
    }

    /// The backend has lost this portal.
    pub fn lose_portal(&mut self, name: &str) {
        if let Some(portal) = self.portals.get_mut(name) {
            portal.alive = false;
        }
    }

    /// The backend has lost every portal: it has gone back to before they were made.
    pub fn lose_portals(&mut self) {
        self.portals.values_mut().for_each(|p| p.alive = false);
    }

    /// DEALLOCATE ALL: the unnamed statement is none that it means.
    pub fn deallocate_all(&mut self) {
        self.statements.retain(|name, _| name.is_empty());
    }
}

fn restore<T>(all: &mut HashMap<String, T>, name: String, before: Option<T>) {
    match before {
        Some(before) => all.insert(name, before),
        None => all.remove(&name),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared() -> Arc<Prepared> {
        Arc::new(Prepared { statement: None, types: Bytes::new() })
    }

    fn known(names: &ClientNames) -> (Vec<&str>, Vec<&str>) {
        let mut statements: Vec<_> = names.statements.keys().map(String::as_str).collect();
        let mut portals: Vec<_> = names.portals.keys().map(String::as_str).collect();
        statements.sort_unstable();
        portals.sort_unstable();
        (statements, portals)
    }

    #[test]
    fn what_stands_behind_a_failed_message_was_never_done() {
        let mut names = ClientNames::default();
        names.parsed(0, "a".into(), prepared());
        names.settle(None);
        names.bound(0, "p".into(), Portal::empty());
        names.close_statement(1, "a");
        names.parsed(2, "b".into(), prepared());
        names.close_portal(3, "p");
        names.settle(Some(1));
        assert_eq!(known(&names), (vec!["a"], vec!["p"]));
    }

    #[test]
    fn a_failed_parse_leaves_the_named_statement_and_drops_the_unnamed_one() {
        let mut names = ClientNames::default();
        for name in ["a", ""] {
            names.parsed(0, name.into(), prepared());
            names.settle(None);
            let before = names.statements[name].clone();
            names.parsed(0, name.into(), prepared());
            names.settle(Some(0));
            let after = names.statements.get(name).map(|after| Arc::ptr_eq(after, &before));
            assert_eq!(after, (name == "a").then_some(true));
        }
    }

    #[test]
    fn an_unnamed_parse_that_was_not_read_leaves_the_one_before() {
        let mut names = ClientNames::default();
        names.parsed(0, String::new(), prepared());
        names.settle(None);
        let before = names.statements[""].clone();
        names.unnamed_live = false;
        names.bound(0, "p".into(), Portal::empty());
        names.revived(1);
        names.parsed(2, String::new(), prepared());
        names.settle(Some(0));
        assert!(Arc::ptr_eq(&names.statements[""], &before) && !names.unnamed_live);
        // The Bind that failed may have made its portal; only PostgreSQL knows.
        assert_eq!(known(&names), (vec![""], vec!["p"]));
    }
}

//! What transactions have changed of the catalogue, by the names under which statements use it.
//!
//! Invariant: pure; who is concerned is found by names alone.

use std::collections::{HashMap, HashSet};

use super::words::Words;
use workshop_base::sql;

/// A name as a statement has it, folded or unquoted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UsedName {
    pub schema: Option<String>,
    pub name: String,
}

/// What a statement uses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CatalogUse {
    pub names: Vec<UsedName>,
    /// It looks at something of the client's: a session that goes on with it has the newest catalogue.
    pub relations: bool,
}

/// The names of what a transaction has changed.
#[derive(Debug, Clone, Default)]
pub struct ChangedNames {
    qualified: HashSet<(String, String)>,
    bare: HashSet<String>,
    /// In whatever schema.
    anywhere: HashSet<String>,
}

/// Returns the name of what a definition makes, if it cannot have been there.
pub fn made(w: Words) -> Option<UsedName> {
    let makes = ["table", "view", "sequence", "function", "procedure", "domain", "schema"];
    if !(w.is(0, "create") && w.any(1, &makes)) {
        return None;
    }
    let mut parts = w.qualified(if w.are(2, &["if", "not", "exists"]) { 5 } else { 2 }).0;
    let name = parts.pop()?;
    Some(UsedName { schema: parts.pop(), name })
}

/// What one transaction has changed of the catalogue.
#[derive(Debug, Clone, Default)]
pub struct CatalogChange {
    /// By the names under which statements use it.
    pub names: ChangedNames,
    /// What it has made anew: a session loads that with nothing older in its way, as AWS's own tests of its connectors
    /// rely on, and only a transaction that began before has no such thing.
    pub created: ChangedNames,
    /// What foreign keys tie to it: matters to who writes there.
    pub written: ChangedNames,
    /// Roles whose memberships have changed, with what they may use by those alone.
    pub members: HashMap<String, ChangedNames>,
    /// It is not known.
    pub everything: bool,
}

impl ChangedNames {
    /// Adds something that has changed. Without a schema it is one of this name in any.
    pub fn add(&mut self, schema: Option<String>, name: String) {
        match schema {
            Some(schema) => {
                self.bare.insert(name.clone());
                self.qualified.insert((schema, name));
            }
            None => drop(self.anywhere.insert(name)),
        }
    }

    /// Takes out what has this name, in this schema or any.
    fn take(&mut self, schema: Option<&str>, name: &str) -> ChangedNames {
        let mut taken = ChangedNames::default();
        for (schema, name) in self.qualified.extract_if(|(s, n)| n == name && schema.is_none_or(|schema| s == schema)) {
            taken.add(Some(schema), name);
        }
        if !self.qualified.iter().any(|(_, n)| n == name) {
            self.bare.remove(name);
        }
        taken
    }

    /// Returns whether a statement's name may mean something of these.
    pub fn has(&self, used: &UsedName) -> bool {
        let known = match &used.schema {
            Some(schema) => self.qualified.contains(&(schema.clone(), used.name.clone())),
            None => self.bare.contains(&used.name),
        };
        known || self.anywhere.contains(&used.name)
    }
}

impl CatalogChange {
    /// Makes it of rows: what kind (`uses`, `writes`, or `member`), the role, the schema, the name.
    pub fn of_rows(rows: Vec<Vec<Option<String>>>) -> CatalogChange {
        let mut change = CatalogChange::default();
        for row in rows {
            let Ok([Some(kind), role, schema, Some(name)]) = <[_; 4]>::try_from(row) else { continue };
            match (kind.as_str(), role) {
                ("uses", _) => change.names.add(schema, name),
                ("writes", _) => change.written.add(schema, name),
                (_, Some(role)) => change.members.entry(role).or_default().add(schema, name),
                (_, None) => {}
            }
        }
        change
    }

    /// Adds what a definition's own words tell: that it makes something, or which name something has had before.
    pub fn add_words(&mut self, sql: &str) {
        let tokens = sql::code_tokens(sql);
        let w = Words { sql, tokens: &tokens };
        if let Some(made) = made(w) {
            self.created = self.names.take(made.schema.as_deref(), &made.name);
        }
        if w.are(0, &["alter", "domain"])
            && let Some(name) = w.qualified(2).0.pop()
        {
            self.names.add(None, name);
        }
        if w.is(0, "alter") && (w.has("rename") || w.are(w.count().saturating_sub(3), &["set", "schema"])) {
            let at = (2..w.count()).find(|at| !w.any(*at, &["if", "exists", "only"])).unwrap_or(2);
            if let Some(name) = w.qualified(at).0.pop() {
                self.names.add(None, name);
            }
        }
    }

    /// Returns whether a session of this role is concerned that uses these names, and whether it writes there.
    /// `before`: it went on with a snapshot from before this.
    pub fn concerns(&self, user: &str, names: &[UsedName], writes: bool, before: bool) -> bool {
        let member = self.members.get(user);
        names.iter().any(|name| {
            self.names.has(name)
                || before && self.created.has(name)
                || writes && self.written.has(name)
                || member.is_some_and(|granted| granted.has(name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_concerns_who_uses_it() {
        let row = |kind: &str, role: Option<&str>, schema: &str, name: &str| {
            vec![Some(kind.to_owned()), role.map(str::to_owned), Some(schema.to_owned()), Some(name.to_owned())]
        };
        let mut change = CatalogChange::of_rows(vec![
            row("uses", None, "s", "t"),
            row("writes", None, "s", "child"),
            row("member", Some("myapp"), "s", "lent"),
        ]);
        change.add_words("alter table if exists only s.old rename to t");
        let name = |schema: Option<&str>, name: &str| {
            vec![UsedName { schema: schema.map(str::to_owned), name: name.to_owned() }]
        };
        assert!(change.concerns("admin", &name(None, "t"), false, false));
        assert!(change.concerns("admin", &name(Some("s"), "t"), false, false));
        assert!(!change.concerns("admin", &name(Some("other"), "t"), false, false));
        assert!(!change.concerns("admin", &name(None, "child"), false, false));
        assert!(change.concerns("admin", &name(None, "child"), true, false));
        assert!(!change.concerns("admin", &name(None, "lent"), false, false));
        assert!(change.concerns("myapp", &name(None, "lent"), false, false));
        assert!(change.concerns("admin", &name(Some("s"), "old"), false, false));
        let mut change = CatalogChange::of_rows(vec![row("uses", None, "s", "t"), row("uses", None, "s", "reads_t")]);
        change.add_words("create table if not exists t (id int)");
        assert!(!change.concerns("admin", &name(None, "t"), true, false));
        assert!(change.concerns("admin", &name(Some("s"), "t"), false, true));
        assert!(change.concerns("admin", &name(None, "reads_t"), false, false));
    }
}

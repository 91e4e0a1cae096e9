//! The keys that committed transactions rely on, for those that began before: PostgreSQL forgets such locks at COMMIT.
//!
//! Invariant: pure. A key is kept as long as a transaction goes on that began before its commit.

/// A row whose key a committed transaction relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedKey {
    /// The table's OID, as text.
    pub relation: String,
    pub key: String,
    /// The transaction that made this version of the row, as text.
    pub version: String,
    /// Which commit it was; u64::MAX while it is being made.
    at: u64,
    ticket: u64,
}

/// Those keys, by the commits that shared them.
#[derive(Debug, Default)]
pub struct SharedKeys {
    /// How many commits there were.
    commits: u64,
    /// How many have begun.
    tickets: u64,
    keys: Vec<SharedKey>,
}

impl SharedKeys {
    /// Returns how many commits have shared keys so far.
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// Adds keys of a transaction that commits now, as relation, key and version. What [`SharedKeys::committed`] is to be told.
    pub fn committing(&mut self, rows: impl Iterator<Item = [String; 3]>) -> u64 {
        self.tickets += 1;
        let (at, ticket) = (u64::MAX, self.tickets);
        self.keys.extend(rows.map(|[relation, key, version]| SharedKey { relation, key, version, at, ticket }));
        ticket
    }

    /// A commit is made, or has failed: whoever begins from now on need not know of it.
    pub fn committed(&mut self, ticket: u64) {
        self.commits += 1;
        self.keys.iter_mut().filter(|key| key.ticket == ticket).for_each(|key| key.at = self.commits);
    }

    /// Forgets what nobody minds; `oldest` is how many commits there were when the oldest transaction began that goes on.
    pub fn forget(&mut self, oldest: Option<u64>) {
        let oldest = oldest.unwrap_or(self.commits);
        self.keys.retain(|key| key.at > oldest);
    }

    /// Returns the keys that were shared by commits after so many.
    pub fn since(&self, commits: u64) -> Vec<SharedKey> {
        self.keys.iter().filter(|key| key.at > commits).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_for_who_began_before_and_no_longer() {
        let mut keys = SharedKeys::default();
        let share = |keys: &mut SharedKeys, key: &str| {
            keys.committing(std::iter::once(["1".to_owned(), key.to_owned(), "9".to_owned()]))
        };
        let known = |keys: &SharedKeys, since| keys.since(since).into_iter().map(|key| key.key).collect::<Vec<_>>();
        let first = share(&mut keys, "a");
        keys.committed(first);
        let old = keys.commits();
        let (second, third) = (share(&mut keys, "b"), share(&mut keys, "c"));
        keys.committed(second);
        // One goes on since the first commit, and another is being made: who begins now may not see it yet.
        keys.forget(Some(old));
        assert_eq!(known(&keys, 0), ["b", "c"]);
        assert_eq!(known(&keys, keys.commits()), ["c"]);
        keys.forget(None);
        assert_eq!(known(&keys, 0), ["c"]);
        keys.committed(third);
        keys.forget(None);
        assert_eq!(known(&keys, 0), Vec::<String>::new());
    }
}

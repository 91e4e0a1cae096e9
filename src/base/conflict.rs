//! Conflicts of optimistic concurrency, as Aurora DSQL answers them: said here once, for every part that tells one
//! from another error. Source: Aurora DSQL user guide, "Concurrency control".

/// SQLSTATE `serialization_failure`: the transaction lost, and running the whole of it again is the documented cure.
pub const SQLSTATE: &str = "40001";

/// Marks a conflict of data: another transaction has changed the same row.
pub const DATA: &str = "OC000";

/// Marks a conflict of the schema: the session's catalog is older than what the statement uses.
pub const SCHEMA: &str = "OC001";

/// Returns true for the SQLSTATE of a conflict.
pub fn is_conflict(sqlstate: &str) -> bool {
    sqlstate == SQLSTATE
}

/// Returns true for a text that carries a conflict's mark in parentheses, as DSQL writes it: all that is left of a
/// SQLSTATE where a function has wrapped its error in one of its own.
pub fn names_conflict(text: &str) -> bool {
    [DATA, SCHEMA].iter().any(|mark| text.contains(&format!("({mark})")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_is_known_by_its_state_and_by_its_mark() {
        assert!(is_conflict("40001") && !is_conflict("40P01"));
        assert!(names_conflict("change conflicts with another transaction (OC000)"));
        assert!(names_conflict("schema has been updated by another transaction, please retry: (OC001)"));
        assert!(!names_conflict("OC000 as a word") && !names_conflict("(OC020)"));
    }
}

//! Tells what an error means and what to do about it, in plain words: one table, keyed by SQLSTATE, message and HINT.
//!
//! Facts: the Aurora DSQL user guide and answers recorded from real clusters, as of 2026-10. Conflicts are
//! matched by their marker (`OC000`, `OC001`) only, because their sentences have changed three times. Pure.

use crate::report::SqlError;

/// The explanation of an error, or none where the server's own words are enough.
pub fn explain(error: &SqlError, _sql: &str) -> Option<&'static str> {
    let hint = error.hint.as_deref().unwrap_or_default();
    let found = TABLE.iter().find(|h| {
        (h.sqlstate.is_empty() || h.sqlstate == error.sqlstate)
            && (h.message.is_empty() || error.message.contains(h.message))
            && (h.hint.is_empty() || hint.contains(h.hint))
    });
    found.map(|h| h.text)
}

/// An entry: all that is not empty must be so.
struct HintEntry {
    sqlstate: &'static str,
    /// Part of the message.
    message: &'static str,
    /// Part of the HINT.
    hint: &'static str,
    text: &'static str,
}

const fn entry(sqlstate: &'static str, message: &'static str, hint: &'static str, text: &'static str) -> HintEntry {
    HintEntry { sqlstate, message, hint, text }
}

const NO_SAVEPOINTS: &str = "There are no savepoints. After an error, ROLLBACK and run the whole transaction again.";
const NO_PREPARE: &str = "There is no PREPARE: a driver prepares statements by the protocol, which is there.";

/// The first that fits is taken: the particular stands before the general.
const TABLE: &[HintEntry] = &[
    entry(
        "40001",
        "OC001",
        "",
        "The schema or the privileges changed since this session last looked (any CREATE, ALTER, GRANT… of anyone). \
        Nothing of this transaction is stored. Run it again as it is: the session has looked now.",
    ),
    entry(
        "40001",
        "",
        "",
        "A conflict: another transaction changed the same rows and committed first. Nothing of this one is stored, \
        and nobody waited for a lock. This is how Aurora DSQL works: run the whole transaction again, from BEGIN.",
    ),
    entry(
        "08006",
        "access denied",
        "DbConnectAdmin on resource",
        "The IAM identity may not connect as admin: its policy lacks dsql:DbConnectAdmin on this cluster. \
        Add it to the role's policy, or connect as a database role with dsql:DbConnect.",
    ),
    entry(
        "08006",
        "access denied",
        "DbConnect on resource",
        "The IAM identity may not connect: its policy lacks dsql:DbConnect on this cluster. \
        Add it to the role's policy.",
    ),
    entry(
        "08006",
        "access denied",
        "Wrong user to action mapping. user: admin",
        "The token is of the wrong kind: admin needs one made for DbConnectAdmin \
        (generate-db-connect-admin-auth-token).",
    ),
    entry(
        "08006",
        "access denied",
        "Wrong user to action mapping",
        "The token is of the wrong kind: only admin takes a DbConnectAdmin token; \
        this role needs one made for DbConnect (generate-db-connect-auth-token).",
    ),
    entry(
        "08006",
        "access denied",
        "Signature expired",
        "The token is too old. Make a new one; it is looked at only while a connection is made.",
    ),
    entry(
        "08006",
        "access denied",
        "not authorized to access this resource",
        "The IAM identity may connect, but not as this role. As admin: \
        AWS IAM GRANT role TO 'arn', with the ARN of the HINT's role or user; SELECT * FROM sys.iam_pg_role_mappings shows who is mapped.",
    ),
    entry(
        "08006",
        "access denied",
        "not authorized",
        "The IAM identity may not connect. Its policy needs dsql:DbConnect (dsql:DbConnectAdmin for admin) on this cluster.",
    ),
    entry(
        "08006",
        "access denied",
        "",
        "The cluster refused the token or the identity behind it. For a role of your own, \
        AWS IAM GRANT role TO 'arn' must name that identity; SELECT * FROM sys.iam_pg_role_mappings shows who is mapped.",
    ),
    entry(
        "28000",
        "access denied",
        "",
        "The IAM identity may connect, but not as this role. As admin: \
        AWS IAM GRANT role TO 'arn', with the identity's ARN; SELECT * FROM sys.iam_pg_role_mappings shows who is mapped.",
    ),
    entry(
        "08P01",
        "access denied",
        "",
        "There is no such role. As admin: CREATE ROLE role WITH LOGIN, and then AWS IAM GRANT role TO 'arn', with the \
        identity's ARN.",
    ),
    entry("08006", "waking up", "", "The cluster was asleep. Try again in a moment."),
    entry(
        "08006",
        "sni was not received",
        "",
        "The server name did not come along with TLS: connect by the cluster's name, not by an address.",
    ),
    entry(
        "08006",
        "connection was lost",
        "",
        "A connection lives 60 minutes at most; an idle one is made anew by itself.",
    ),
    entry(
        "42883",
        "list_iam_principal_database_role_authorizations",
        "",
        "That function is not there any more. The view has it: SELECT * FROM sys.iam_pg_role_mappings",
    ),
    entry("42883", "wait_for_job", "", "It is a procedure of the schema sys: CALL sys.wait_for_job('job_id')"),
    entry("42809", "is a procedure", "", "Procedures are called: CALL sys.wait_for_job('job_id')"),
    entry(
        "42704",
        "type \"serial\" does not exist",
        "",
        "There is no serial. Use id bigint GENERATED BY DEFAULT AS IDENTITY (CACHE 65536), or better \
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(): random keys spread the load.",
    ),
    entry(
        "42704",
        "type \"bigserial\" does not exist",
        "",
        "There is no bigserial. Use id bigint GENERATED BY DEFAULT AS IDENTITY (CACHE 65536), or better \
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(): random keys spread the load.",
    ),
    entry(
        "0A000",
        "multiple ddl statements",
        "",
        "A transaction holds one schema change. Let each CREATE, ALTER or DROP commit by itself.",
    ),
    entry("0A000", "ddl and dml", "", "A transaction changes the schema or the data, not both. COMMIT between them."),
    entry(
        "0A000",
        "please use CREATE INDEX ASYNC",
        "",
        "Indexes are built in the background: CREATE INDEX ASYNC … gives a job_id; SELECT * FROM sys.jobs shows it, \
        CALL sys.wait_for_job('job_id') waits for it.",
    ),
    entry("0A000", "DROP INDEX CONCURRENTLY", "", "Leave CONCURRENTLY out: DROP INDEX waits for nobody."),
    entry("0A000", "CONCURRENTLY", "", "CREATE INDEX ASYNC … builds without locks, and is the only way to build one."),
    entry("0A000", "specifying sort order", "", "Leave ASC and DESC out: an index is read in both directions."),
    entry(
        "0A000",
        "Truncate",
        "",
        "There is no TRUNCATE. DELETE FROM … in portions of at most 3,000 rows, or DROP TABLE and CREATE TABLE.",
    ),
    entry("0A000", "transaction statement: SAVEPOINT", "", NO_SAVEPOINTS),
    entry("0A000", "transaction statement: RELEASE", "", NO_SAVEPOINTS),
    entry("0A000", "transaction statement: ROLLBACK TO", "", NO_SAVEPOINTS),
    entry("0A000", "AND CHAIN", "", "The next transaction begins with a BEGIN of its own."),
    entry(
        "0A000",
        "PREPARE",
        "",
        "There is no two-phase commit: COMMIT ends the transaction in the session that began it.",
    ),
    entry("0A000", "statement: Prepare", "", NO_PREPARE),
    entry("0A000", "statement: Execute", "", NO_PREPARE),
    entry("0A000", "statement: Deallocate", "", "DEALLOCATE ALL is there, and a driver closes its statements itself."),
    entry(
        "0A000",
        "Unsupported isolation level",
        "",
        "There is one isolation level, REPEATABLE READ (snapshot isolation). \
        SELECT … FOR UPDATE makes what you only read count in conflicts.",
    ),
    entry(
        "0A000",
        "setting configuration parameter \"TRANSACTION\"",
        "",
        "Say it at the beginning: BEGIN READ ONLY, BEGIN ISOLATION LEVEL REPEATABLE READ.",
    ),
    entry(
        "0A000",
        "setting configuration parameter \"role\"",
        "",
        "SET LOCAL ROLE role, within a transaction, is there.",
    ),
    entry(
        "0A000",
        "setting configuration parameter",
        "",
        "A session may set a few parameters (search_path, timezone, application_name and the like), and this is none of them.",
    ),
    entry(
        "0A000",
        "locking clauses other than",
        "",
        "FOR UPDATE and FOR KEY SHARE are there. Neither waits: a conflict shows at COMMIT.",
    ),
    entry(
        "0A000",
        "CREATE TABLE AS",
        "",
        "Create the table first, then INSERT INTO … SELECT, at most 3,000 rows a transaction.",
    ),
    entry(
        "0A000",
        "CreateTableAs",
        "",
        "There is no CREATE TABLE AS and no materialized view. Create the table, then INSERT INTO … SELECT, at most 3,000 rows a transaction.",
    ),
    entry(
        "0A000",
        "TEMPORARY",
        "",
        "There are no temporary tables. A WITH query, or an ordinary table, takes their place.",
    ),
    entry(
        "0A000",
        "Createdb",
        "",
        "A cluster has one database, postgres. Separate things by schema, or make another cluster.",
    ),
    entry("0A000", "CreateExtension", "", "There are no extensions."),
    entry("0A000", "CREATE TRIGGER", "", "There are no triggers. The application does it, in the same transaction."),
    entry(
        "0A000",
        "plpgsql",
        "",
        "Functions are written in SQL (LANGUAGE sql); what needs more belongs into the application.",
    ),
    entry(
        "0A000",
        "CREATE TYPE not supported",
        "",
        "There are no enums. A text column with a CHECK constraint does the same.",
    ),
    entry(
        "0A000",
        "explicit cache size",
        "",
        "Say how many numbers a session takes at a time: CACHE 65536 for speed, CACHE 1 for numbers in order.",
    ),
    entry("0A000", "identity column type must be bigint", "", "Make the column bigint."),
    entry(
        "0A000",
        "is not supported in a key",
        "",
        "This type cannot be indexed: timetz, interval, bytea, json and jsonb are not.",
    ),
    entry(
        "0A000",
        "datatype",
        "",
        "A column cannot have this type. Text, numbers, dates, uuid, bytea and jsonb are there; a list goes into jsonb or a table of its own.",
    ),
    entry(
        "0A000",
        "ADD COLUMN with constraint",
        "",
        "Add the column bare, then ALTER COLUMN … SET DEFAULT, and ADD CONSTRAINT … CHECK (…) NOT VALID.",
    ),
    entry(
        "0A000",
        "ALTER DOMAIN",
        "",
        "A domain can be made to demand less, not more: CREATE DOMAIN makes another one.",
    ),
    entry(
        "0A000",
        "ADD CONSTRAINT",
        "",
        "ADD CONSTRAINT … CHECK or FOREIGN KEY … NOT VALID, then ALTER TABLE ASYNC … VALIDATE CONSTRAINT. \
        UNIQUE takes an index that is there: UNIQUE USING INDEX. The primary key is fixed when the table is made.",
    ),
    entry(
        "0A000",
        "SET DATA TYPE",
        "",
        "A column keeps its type. Add a new column, copy the values over, drop the old one.",
    ),
    entry("0A000", "Vacuum", "", "There is nothing to vacuum."),
    entry("0A000", "VACUUM", "", "There is nothing to vacuum."),
    entry("0A000", "Listen", "", "There is no LISTEN and NOTIFY."),
    entry("0A000", "Notify", "", "There is no LISTEN and NOTIFY."),
    entry(
        "54000",
        "transaction row limit",
        "",
        "A transaction changes at most 3,000 rows. Do it in portions, each a transaction.",
    ),
    entry(
        "54000",
        "transaction size limit",
        "",
        "A transaction changes at most 10 MiB, indexes included. Do it in portions, each a transaction.",
    ),
    entry(
        "54000",
        "transaction age limit",
        "",
        "A transaction lives at most 5 minutes. Nothing of this one is stored; begin again, and keep it short.",
    ),
    entry(
        "54000",
        "temp space",
        "",
        "The query needs more than 128 MiB of memory. Narrow it with an index, a WHERE or a LIMIT.",
    ),
    entry("53200", "", "", "The query needs more than 128 MiB of memory. Narrow it with an index, a WHERE or a LIMIT."),
    entry("53300", "", "", "The cluster has 10,000 connections at most, and all are in use. Use a pool."),
    entry("53400", "", "", "Connections were made too fast: 100 a second, 1,000 at once. Use a pool, and try again."),
    entry("54011", "columns", "", "A table has at most 255 columns, a key 8."),
    entry("25P02", "was lost", "", "ROLLBACK acknowledges that; the next statement gets a new connection."),
    entry(
        "25P02",
        "",
        "",
        "A statement before this one failed, and with it the transaction. ROLLBACK, then begin again.",
    ),
    entry(
        "42501",
        "permission denied for table",
        "",
        "The role you are connected as has no right to this table. Its owner gives it: GRANT SELECT, INSERT, UPDATE, DELETE ON table TO role \
        (a grant ON ALL TABLES covers the tables that exist at that moment).",
    ),
    entry("42501", "permission denied for schema", "", "GRANT USAGE ON SCHEMA schema TO role, as the schema's owner."),
    entry("55000", "is not valid", "", "The index is still being built, or its build failed: SELECT * FROM sys.jobs"),
    entry("57014", "", "", "Cancelled, as asked. Nothing of this statement is stored."),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn error(sqlstate: &str, message: &str, hint: Option<&str>) -> SqlError {
        SqlError {
            severity: "ERROR".to_owned(),
            sqlstate: sqlstate.to_owned(),
            message: message.to_owned(),
            detail: None,
            hint: hint.map(str::to_owned),
            position: None,
        }
    }

    fn said(sqlstate: &str, message: &str, hint: Option<&str>) -> &'static str {
        explain(&error(sqlstate, message, hint), "").unwrap_or_default()
    }

    #[test]
    fn conflicts_are_known_by_their_marker_in_every_wording() {
        for text in [
            "change conflicts with another transaction (OC000)",
            "mutation conflicts with another transaction, retry as needed (OC000)",
        ] {
            assert!(said("40001", text, None).starts_with("A conflict"));
        }
        assert!(
            said("40001", "schema has been updated by another transaction, please retry: (OC001)", None)
                .starts_with("The schema")
        );
    }

    #[test]
    fn a_refused_connection_is_explained_by_its_cause() {
        let denied = "unable to accept connection, access denied";
        let action = "User: arn is not authorized to perform: dsql:DbConnectAdmin on resource: arn because no identity-based policy allows it";
        assert!(said("08006", denied, Some(action)).contains("lacks dsql:DbConnectAdmin"));
        let mapping = "Wrong user to action mapping. user: myapp, action: DbConnectAdmin";
        assert!(said("08006", denied, Some(mapping)).contains("only admin"));
        let unmapped = "User: arn is not authorized to access this resource";
        assert!(said("08006", denied, Some(unmapped)).contains("AWS IAM GRANT"));
        assert!(said("08006", denied, None).contains("sys.iam_pg_role_mappings"));
        assert!(said("28000", denied, None).contains("AWS IAM GRANT"));
        assert!(!said("28000", denied, None).contains("no such role"));
        assert!(said("08P01", denied, None).contains("CREATE ROLE"));
    }

    #[test]
    fn the_old_function_names_the_view() {
        let text = "function aws_dsql.list_iam_principal_database_role_authorizations() does not exist";
        assert!(said("42883", text, None).contains("sys.iam_pg_role_mappings"));
    }

    #[test]
    fn an_ordinary_error_speaks_for_itself() {
        assert_eq!(explain(&error("42P01", "relation \"x\" does not exist", None), ""), None);
        assert_eq!(explain(&error("22012", "division by zero", None), ""), None);
    }

    #[test]
    fn a_note_is_about_what_was_refused() {
        for (message, about) in [
            ("unsupported transaction statement: SAVEPOINT", "savepoints"),
            ("unsupported transaction statement: ROLLBACK TO", "savepoints"),
            ("unsupported transaction statement: ROLLBACK PREPARED", "two-phase"),
            ("unsupported transaction statement: PREPARE TRANSACTION", "two-phase"),
            ("unsupported transaction statement: ROLLBACK AND CHAIN", "BEGIN"),
            ("unsupported statement: Prepare", "protocol"),
            ("unsupported statement: Deallocate", "DEALLOCATE ALL"),
            ("DROP INDEX CONCURRENTLY must be first action in transaction", "DROP INDEX"),
            ("CONCURRENTLY not supported for CREATE INDEX", "CREATE INDEX ASYNC"),
            ("setting configuration parameter \"role\" not supported", "SET LOCAL ROLE"),
            ("setting configuration parameter \"app.user\" not supported", "none of them"),
            ("unsupported ALTER DOMAIN ADD CONSTRAINT statement", "CREATE DOMAIN"),
            ("unsupported ALTER TABLE ADD CONSTRAINT statement", "NOT VALID"),
        ] {
            assert!(said("0A000", message, None).contains(about), "{message}: {}", said("0A000", message, None));
        }
    }

    #[test]
    fn no_entry_is_hidden_by_one_before_it() {
        for (i, later) in TABLE.iter().enumerate() {
            let hidden = TABLE[..i].iter().any(|earlier| {
                earlier.sqlstate == later.sqlstate
                    && later.message.contains(earlier.message)
                    && later.hint.contains(earlier.hint)
            });
            assert!(!hidden, "{} {} {}", later.sqlstate, later.message, later.hint);
        }
    }
}

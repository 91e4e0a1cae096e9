//! Every answer that is DSQL's own rather than PostgreSQL's: one row per rule, with its SQLSTATE, its
//! text and where it was seen. Edition of 2026-10; a newer edition is a change of this data.
//!
//! Sources: G = recorded from a real cluster 2026-09-15..18; L = limits file of the AWS DSQL skill; V =
//! verified live 2026-10-03; D = AWS user guide, read 2026-10; J, P, B = field reports of 2026; "inferred"
//! = the refusal is documented or follows from one that was recorded, but this exact text was not seen.
//!
//! What only the database can decide is refused there, by the name of its row here (`pg_dsql.refuse`).
//!
//! Invariant: no other file of the proxy holds the message of an error. Hints and details that are made of values stand
//! where the values are.

use bytes::{Bytes, BytesMut};

use super::own_names::{INTERNAL, OURS};
use super::wire;
use workshop_base::sql::quote_literal;

/// What a client is told: an ErrorResponse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFailure {
    /// `ERROR`, or `FATAL` when the connection ends with it.
    pub severity: &'static str,
    pub code: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// In characters from the start of the query, from 1.
    pub position: Option<usize>,
}

impl SqlFailure {
    /// Makes the connection end with it.
    pub fn fatal(mut self) -> Self {
        self.severity = "FATAL";
        self
    }

    /// Adds advice.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what the message leaves out.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Appends the ErrorResponse.
    pub fn put(&self, out: &mut BytesMut) {
        let position = self.position.map(|p| p.to_string());
        let optional = [(b'D', &self.detail), (b'H', &self.hint), (b'P', &position)];
        let fields = [(b'S', self.severity), (b'V', self.severity), (b'C', &self.code), (b'M', &self.message)];
        let optional = optional.iter().filter_map(|(code, value)| value.as_deref().map(|v| (*code, v)));
        wire::put_fields(out, b'E', fields.into_iter().chain(optional));
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleRow {
    pub code: &'static str,
    /// `{}` stands for what the statement says.
    pub message: &'static str,
    pub source: &'static str,
}

macro_rules! texts {
    ($($name:ident $code:literal $message:literal $source:literal;)+) => {
        /// Names a row of the table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Rule { $($name),+ }

        impl Rule {
            pub const ALL: &[Rule] = &[$(Rule::$name),+];

            /// The row's name, by which `setup.sql` and its like refuse.
            pub fn name(self) -> &'static str {
                match self { $(Rule::$name => stringify!($name)),+ }
            }

            /// Returns the rule's SQLSTATE, text and source.
            pub fn row(self) -> RuleRow {
                match self { $(Rule::$name => RuleRow { code: $code, message: $message, source: $source }),+ }
            }
        }
    };
}

impl Rule {
    /// The failure, with each `{}` of the text replaced in turn.
    pub fn fill(self, values: &[&str]) -> SqlFailure {
        let row = self.row();
        let mut message = String::with_capacity(row.message.len() + 32);
        let mut values = values.iter();
        for (n, part) in row.message.split("{}").enumerate() {
            if n > 0 {
                message.push_str(values.next().copied().unwrap_or_default());
            }
            message.push_str(part);
        }
        SqlFailure { severity: "ERROR", code: row.code.into(), message, detail: None, hint: None, position: None }
    }

    /// Appends it as a warning.
    pub fn warn(self, out: &mut BytesMut) {
        let RuleRow { code, message, .. } = self.row();
        let severity = "WARNING";
        wire::put_fields(out, b'N', [(b'S', severity), (b'V', severity), (b'C', code), (b'M', message)]);
    }

    /// Makes the failure of a rule whose text has no places.
    pub fn failure(self) -> SqlFailure {
        self.fill(&[])
    }
}

/// Returns what DSQL says in place of PostgreSQL's error (the whole message), where it has words of its own: told by
/// the SQLSTATE and the beginning of the text.
pub fn in_place_of(error: &[u8]) -> Option<Bytes> {
    // The value of a row is the third word.
    const ERRORS: &[(&str, &str, Rule)] = &[
        ("42704", "data type json has no default operator class", Rule::KeyType),
        ("53400", "temporary file size exceeds", Rule::TempSpace),
        ("55P03", "canceling statement due to lock timeout", Rule::Conflict),
        // Of an incompressible key that does not fit into a page.
        ("54000", "index row size", Rule::KeySize),
        ("54000", "index row requires", Rule::KeySize),
    ];
    let field = |code| wire::field(&error[5..], code).unwrap_or_default();
    let (code, message) = (field(b'C'), field(b'M'));
    let Some((_, _, rule)) = ERRORS.iter().find(|(state, start, _)| *state == code && message.starts_with(start))
    else {
        return without_our_own(error);
    };
    let failure = rule.fill(&[message.split(' ').nth(2).unwrap_or_default()]);
    let mut out = BytesMut::new();
    failure.put(&mut out);
    Some(out.freeze())
}

/// The error without where in the sandbox's own code it was raised, if it was: nothing to a client.
fn without_our_own(error: &[u8]) -> Option<Bytes> {
    let context = wire::field(&error[5..], b'W')?;
    if !context.contains(INTERNAL) && !context.contains(OURS) {
        return None;
    }
    let mut out = BytesMut::with_capacity(error.len());
    let told = |(code, _): &(u8, &str)| !matches!(code, b'p' | b'q' | b'W' | b'F' | b'L' | b'R');
    wire::put_fields(&mut out, b'E', wire::fields(&error[5..]).into_iter().filter(told));
    Some(out.freeze())
}

/// The error with what it is about at another place of the query, in characters from 1.
pub fn moved(error: &[u8], to: impl FnOnce(usize) -> usize) -> Option<Bytes> {
    let position = wire::field(&error[5..], b'P')?.parse().ok()?;
    let position = to(position).to_string();
    let mut out = BytesMut::with_capacity(error.len() + 8);
    let fields = wire::fields(&error[5..]).into_iter();
    wire::put_fields(&mut out, b'E', fields.map(|(code, value)| (code, if code == b'P' { &*position } else { value })));
    Some(out.freeze())
}

/// The table as SQL, for the functions in the database that refuse by it.
pub fn as_sql() -> String {
    let row = |rule: &Rule| {
        let RuleRow { code, message, .. } = rule.row();
        format!("({}, '{code}', {})", quote_literal(rule.name()), quote_literal(message))
    };
    let rows: Vec<_> = Rule::ALL.iter().map(row).collect();
    format!(
        "CREATE OR REPLACE VIEW pg_dsql.text (rule, code, message) AS VALUES {};\nREVOKE ALL ON pg_dsql.text FROM PUBLIC",
        rows.join(",\n")
    )
}

/// Said once in a session, with the first estimate.
pub const ESTIMATED: &str = "the DPU figures are the sandbox's own estimate, by the published formulas";

texts! {
    // Transactions and isolation (B2).
    MultipleDdl "0A000" "multiple ddl statements not supported in a transaction" "G";
    DdlAndDml "0A000" "ddl and dml are not supported in the same transaction" "G (DDL, then DML; the other order is inferred)";
    Aborted "25P02" "current transaction is aborted, commands ignored until end of transaction block" "G";
    Savepoint "0A000" "unsupported transaction statement: SAVEPOINT" "G";
    Release "0A000" "unsupported transaction statement: RELEASE" "G";
    RollbackTo "0A000" "unsupported transaction statement: ROLLBACK TO" "G";
    TwoPhase "0A000" "unsupported transaction statement: {}" "inferred from SAVEPOINT";
    Isolation "0A000" "Unsupported isolation level: {}" "G for SERIALIZABLE, inferred for the others";
    SetParameter "0A000" "setting configuration parameter \"{}\" not supported" "G, P, D; for role a field report of 2026";
    Boolean "22023" "parameter \"{}\" requires a Boolean value" "PostgreSQL's own text";

    // Concurrency (B3).
    Conflict "40001" "change conflicts with another transaction (OC000)" "D, G";
    SchemaChanged "40001" "schema has been updated by another transaction (OC001)" "D, G";
    Locking "0A000" "locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported" "G";

    // Limits (B1).
    RowLimit "54000" "transaction row limit exceeded" "G, L";
    SizeLimit "54000" "transaction size limit 10mb exceeded" "L";
    AgeLimit "54000" "transaction age limit of 300s exceeded" "L, J";
    TooManyConnections "53300" "Unable to accept connection, too many open connections." "D";
    ConnectionRate "53400" "Unable to accept connection, rate exceeded." "D";
    KeyColumns "54011" "more than 8 column keys in an index are not supported" "L";
    Columns "54011" "tables can have at most 255 columns" "L: 256 accepted, 257 refused";
    KeyedColumns "54011" "cannot use more than 256 columns in an index" "L: the same, with a primary key";
    Tables "54000" "creating more than 1000 tables not allowed" "L";
    Views "54000" "creating more than 5000 views not allowed" "L";
    Sequences "54000" "creating more than 5000 sequences is not allowed" "L";
    Schemas "54000" "more than 10 schemas not allowed" "L";
    Indexes "54000" "more than 24 indexes per table are not allowed" "L";
    Statistics "54000" "more than 5 extended statistics per table are not allowed" "D, L";
    StatisticsTarget "22023" "statistics target {} exceeds maximum allowed value of 100" "L";
    ViewSize "54000" "view definition too large" "L: 131 to 524 KiB, by the shape; D: 2 MiB";
    KeySize "54000" "key size too large" "D: 1 KiB; L: about 1,981 bytes";
    KeyDeclared "54000" "key size greater than 2000 bytes not supported" "L";
    ValueSize "54000" "datatype limit greater than 1048576 bytes not supported for {}" "L; D: maximum column size exceeded";
    RowSize "54000" "maximum row size exceeded" "D, L";
    TempSpace "54000" "query requires more than allowed temp space of 131072 KB to execute" "L; D: 53200, other text";
    CharLength "54000" "Datatype limit greater than {} bytes not supported for {}" "L";

    // Statements that do not exist in DSQL (B4).
    Truncate "0A000" "unsupported statement: Truncate" "G";
    Statement "0A000" "unsupported statement: {}" "G for the kinds of dsql-facts B4, inferred for the rest";
    Merge "0A000" "unsupported statement type: MERGE" "G";
    CreateTrigger "0A000" "CREATE TRIGGER not supported" "G";
    CreateType "0A000" "CREATE TYPE not supported" "G";
    AlterType "0A000" "ALTER TYPE not supported" "G";
    DropObject "0A000" "unsupported object in DROP statement" "G";
    RenameObject "0A000" "unsupported object in RENAME statement" "G";
    DropDomainCascade "0A000" "DROP DOMAIN with CASCADE unsupported" "field report, 2026-10-03";
    SystemEntity "0A000" "feature not supported on system entity" "field reports, 2026-09 and 2026-10";
    PrivilegeObject "0A000" "unsupported object type in {}" "field report for GRANT ON DATABASE, inferred for the others";
    CommentObject "0A000" "unsupported object in COMMENT statement" "inferred from DROP and RENAME";
    RoleOption "0A000" "{} not supported for {}" "refused, by AWS's grammar and dsql-lint of 2026-08; the text is inferred from CREATE INDEX";
    ViewClause "0A000" "{} clause not supported for CREATE VIEW" "not in AWS's grammar of 2026-08; the text is inferred from CREATE TABLE";
    Persistence "0A000" "{} {} not supported for CREATE {}" "refused, by dsql-lint's cluster tests of 2026-08; the text is inferred from CREATE TABLE";
    TempTable "0A000" "TEMPORARY or TEMP table not supported for CREATE TABLE" "G";
    Unlogged "0A000" "UNLOGGED table not supported for CREATE TABLE" "G";
    Vacuum "0A000" "unsupported VACUUM statement" "G";
    TableSample "0A000" "TABLESAMPLE clause not supported" "G";
    FunctionLanguage "0A000" "CREATE FUNCTION with language {} not supported" "G";
    Procedure "0A000" "PROCEDURE is not supported" "L";
    Collate "0A000" "COLLATE clause not supported" "pistachio on a cluster, 2026-10-10; ministack, 2026-08-30";
    Compression "0A000" "COMPRESSION clause not supported" "refused on a cluster, pistachio 2026-10-10; the text is inferred from COLLATE";
    Deferrable "0A000" "{} constraint not supported" "ministack's measured cases, 2026-08, for DEFERRABLE; EXCLUDE is inferred from it";
    DeferrableCheck "0A000" "CHECK constraints cannot be marked DEFERRABLE" "PostgreSQL's own; ministack, 2026-08";
    DeferrableUnique "0A000" "ALTER TABLE / ADD CONSTRAINT UNIQUE / DEFERRED / INITIALLY DEFERRED not supported" "ministack, 2026-08";
    TableClause "0A000" "{} clause not supported for CREATE TABLE" "P, B; inferred for PARTITION OF";
    ShowCollate "42704" "unrecognized configuration parameter \"{}\"" "G";
    NoSchema "3F000" "schema \"{}\" does not exist" "PostgreSQL's own text";
    Function "0A000" "function {} not supported" "field reports: pg_advisory_lock 2025, 2026; pg_backend_pid 2025-05; pg_try_advisory_lock 2026-10-10; inferred for the others";
    NoFunction "42883" "function {} does not exist" "PostgreSQL's own text";
    BadDatabase "3D000" "database \"{}\" does not exist" "PostgreSQL's own text";

    // Types, sequences, identity (B4).
    NoType "42704" "type \"{}\" does not exist" "G";
    DataType "0A000" "datatype {} not supported" "G";
    SequenceCache "0A000" "CREATE SEQUENCE is not supported without an explicit cache size. please define CACHE greater than or equal to 65536 or equal to 1" "G";
    IdentityCache "0A000" "identity column is not supported without an explicit cache size. please define CACHE greater than or equal to 65536 or equal to 1" "G";
    SequenceType "22023" "sequence type must be bigint" "SQLAlchemy adapter's tests, 2026; SQLSTATE inferred: a data error";
    CacheSize "22023" "CACHE ({}) must be greater than or equal to 65536 or equal to 1" "SQLAlchemy adapter's tests, 2026; beginning and SQLSTATE are PostgreSQL's";
    IdentityType "0A000" "datatype {} not supported, identity column type must be bigint" "G";
    TextSearch "42704" "text search configuration \"{}\" does not exist" "G for english; simple is the only one on a cluster, measured 2026-08-28";

    // Indexes (B4, B7).
    SyncIndex "0A000" "unsupported mode. please use CREATE INDEX ASYNC." "G";
    Concurrently "0A000" "CONCURRENTLY not supported for CREATE INDEX" "G";
    SortOrder "0A000" "specifying sort order not supported for index keys" "G";
    OpClass "0A000" "opclass not supported for index keys" "G";
    IndexClause "0A000" "{} not supported for CREATE INDEX" "not in AWS's grammar of 2026-08; the text is inferred from USING";
    IndexUsing "0A000" "USING not supported for CREATE INDEX" "P, J";
    Syntax "42601" "syntax error at or near \"{}\"" "G";
    SyntaxAtEnd "42601" "syntax error at end of input" "PostgreSQL's; that DSQL has it too is inferred";
    KeyType "0A000" "datatype {} is not supported in a key" "L; SQLSTATE inferred";
    IndexFunction "0A000" "functions and domains of your own are not supported in indexes" "the sandbox's own: whether DSQL takes them was not found";
    DropConcurrently "0A000" "DROP INDEX CONCURRENTLY must be first action in transaction" "pistachio on a cluster, 2026-10-10, also for a statement alone; SQLSTATE is PostgreSQL's";

    // Jobs (B7). The last three are what sys.jobs shows as details.
    JobId "22P02" "Unable to convert text to UUID" "G";
    NoJob "42704" "job \"{}\" does not exist" "the sandbox's own: the real answer was not found";
    OwnJob "55000" "job \"{}\" starts when its transaction commits" "the sandbox's own: the real answer was not found";
    NoConstraint "42704" "constraint \"{}\" of relation \"{}\" does not exist" "PostgreSQL's own text";
    NotValidatable "42809" "constraint \"{}\" of relation \"{}\" is not a foreign key or check constraint" "PostgreSQL's own text";
    AnalyzeInBlock "25001" "ANALYZE cannot run inside a transaction block" "D: not within an explicit transaction; text and SQLSTATE are those of PostgreSQL's VACUUM";
    AnalyzeAll "0A000" "unsupported ANALYZE statement: exactly one relation can be analyzed at a time" "field report of the bare form, 2026-08-28; inferred for several tables";
    Analyze "0A000" "unsupported ANALYZE statement" "inferred from VACUUM; D: the name of a table only";
    JobDuplicates "23505" "Found duplicate key while validating index for UCVs" "D; J saw: found duplicate key(s) while validating index uniqueness";
    JobCheck "23514" "check constraint \"{}\" is violated by some row" "V";
    JobObjectGone "42P01" "relation \"{}\" does not exist" "G (a table that was dropped under its build; for DROP INDEX inferred)";

    // ALTER TABLE (B4).
    AddColumnConstraint "0A000" "ALTER TABLE ADD COLUMN with constraint not supported" "G";
    SetDataType "0A000" "unsupported ALTER TABLE ALTER COLUMN ... SET DATA TYPE statement" "G";
    AlterColumn "0A000" "unsupported ALTER TABLE ALTER COLUMN ... {} statement" "inferred from SET DATA TYPE";
    AddConstraint "0A000" "unsupported ALTER TABLE ADD CONSTRAINT statement" "G";
    ValidateConstraint "0A000" "unsupported ALTER TABLE VALIDATE CONSTRAINT statement" "G";
    DropKeyColumn "0A000" "cannot drop primary key column {}" "G";
    AlterDomain "0A000" "unsupported ALTER DOMAIN {} statement" "refused on a cluster, pistachio 2026-10-10; the text is inferred from ALTER TABLE";
    AlterTable "0A000" "unsupported ALTER TABLE {} statement" "P for ENABLE ROW SECURITY; the others' names are PostgreSQL's, by which the recorded ones are called";

    // Connections (B5).
    AccessDenied "08006" "unable to accept connection, access denied" "D, J";
    WakingUp "08006" "unable to accept connection, waking up cluster, please retry later" "D";
    NoSni "08006" "unable to accept connection, sni was not received" "D";
    NoTls "08P01" "unable to accept connection, SSL is mandatory" "Python connector's integration tests, 2026, for the last words and SQLSTATE";
    NoRole "08P01" "unable to accept connection, access denied" "Python connector's integration tests, 2026, for the SQLSTATE of a role that is not there; the text is that of the others";
    Unmapped "28000" "unable to accept connection, access denied" "bb-distributed-data's changelog and an installer, 2026: a role without a mapping, and no HINT";
    DiskFull "53100" "the disk that holds the sandbox is full: {}" "the sandbox's own";
    Unreachable "08006" "unable to accept connection, {}" "the sandbox's own";

    // AWS IAM statements (B5).
    IamRoleMissing "42704" "IAM role {} does not exist" "D; SQLSTATE inferred";
    IamArn "42601" "IAM role must look like an IAM ARN" "D; SQLSTATE inferred";
    IamNoRole "42704" "Role {} does not exist" "D; SQLSTATE inferred";
    IamDenied "42501" "permission denied to grant IAM trust with role {}" "D; SQLSTATE inferred";
    IamMapped "42710" "role {} is already granted to IAM role {}" "field reports: an error, and not idempotent; text and SQLSTATE are the sandbox's own";
    IamLogin "42501" "role {} must have the LOGIN attribute" "D; SQLSTATE inferred";
    RoleMapped "2BP01" "role \"{}\" cannot be dropped because some objects depend on it" "D; text and SQLSTATE are PostgreSQL's own";

    // The protocol.
    Protocol "08P01" "{}" "PostgreSQL's own texts";
    NoTransaction "25P01" "there is no transaction in progress" "PostgreSQL's own text";
    NoStatement "26000" "prepared statement \"{}\" does not exist" "PostgreSQL's own text";
    NoUnnamed "26000" "unnamed prepared statement does not exist" "PostgreSQL's own text";
    NoPortal "34000" "portal \"{}\" does not exist" "PostgreSQL's own text";
    PortalExists "42P03" "cursor \"{}\" already exists" "PostgreSQL's own text";
    PortalRun "55000" "portal \"{}\" cannot be run" "PostgreSQL's own text";
    MultiPrepared "42601" "cannot insert multiple commands into a prepared statement" "PostgreSQL's own text";
    Encoding "22021" "invalid byte sequence for encoding \"UTF8\": {}" "PostgreSQL's own text";
    ShuttingDown "57P01" "terminating connection due to administrator command" "PostgreSQL's own text";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_complete() {
        for rule in Rule::ALL {
            let row = rule.row();
            assert_eq!(row.code.len(), 5, "{rule:?}");
            assert!(!row.message.is_empty() && !row.source.is_empty(), "{rule:?}");
        }
    }

    #[test]
    fn no_other_file_has_a_message() {
        let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"))];
        let mut read = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let text = match path.extension().and_then(|e| e.to_str()) {
                    Some("rs" | "sql") if !path.ends_with("texts.rs") => std::fs::read_to_string(&path).unwrap(),
                    _ if path.is_dir() => {
                        folders.push(path);
                        continue;
                    }
                    _ => continue,
                };
                read += 1;
                // PostgreSQL's own words, for what it would refuse by itself.
                let text = text.replace("MESSAGE = 'permission denied for schema pg_dsql'", "");
                for said in ["message: \"", "RAISE EXCEPTION '", "MESSAGE = '"] {
                    assert!(!text.contains(said), "{} has a message of its own: {said}", path.display());
                }
            }
        }
        assert!(read > 30, "{read} files");
    }

    #[test]
    fn values_fill_the_places_in_order() {
        let failure = Rule::CharLength.fill(&["4096", "char"]);
        assert_eq!(failure.message, "Datatype limit greater than 4096 bytes not supported for char");
        assert_eq!(Rule::NoType.fill(&["serial"]).message, "type \"serial\" does not exist");
    }
}

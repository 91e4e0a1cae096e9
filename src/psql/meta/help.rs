//! `\?` and `\h`.

use super::settings;

/// The commands, grouped; a line each.
const COMMANDS: &str = "\
General
  \\errverbose            the last error in full
  \\g [(NAME=VALUE…)] [FILE]  run the statement (and send its result to a file or |program)
  \\gdesc                 the columns of its result, without running it
  \\gexec                 run it, then run each value of its result
  \\gset [PREFIX]         run it, and put its one row into variables
  \\gx                    run it, result expanded
  \\q                     leave
  \\watch [[i=]SECONDS] [c=TIMES] [m=MIN_ROWS]
                         run it again and again, as long as enough rows come

Help
  \\? [commands|variables|settings]
  \\h [STATEMENT]         syntax of SQL statements

Statement
  \\e [FILE] [LINE]       edit it
  \\p                     show it
  \\r                     throw it away
  \\s [FILE]              history
  \\w FILE                write it to a file

Input and output
  \\copy …                COPY with a file of this machine
  \\echo [-n] TEXT        write to the output (\\qecho: to where results go, \\warn: as an error)
  \\i FILE                run a file (\\ir: relative to the file it stands in)
  \\o [FILE]              send all results to a file or |program
  \\restrict KEY          no other command, up to \\unrestrict KEY: what a dump begins with

Conditions
  \\if EXPR  \\elif EXPR  \\else  \\endif

What there is (S: with system objects, +: with more)
  \\d[S+]                 tables, views and sequences
  \\d[S+] NAME            one of them in full
  \\dconfig [PATTERN]     settings of the server
  \\dD[S+] [PATTERN]      domains
  \\df[S+] [PATTERN]      functions
  \\di[S+] [PATTERN]      indexes
  \\dn[S+] [PATTERN]      schemas
  \\dp [PATTERN], \\z      privileges
  \\ds[S+] [PATTERN]      sequences
  \\dt[S+] [PATTERN]      tables
  \\dT[S+] [PATTERN]      types
  \\du[S+] [PATTERN]      roles
  \\dv[S+] [PATTERN]      views
  \\l[+] [PATTERN]        databases
  \\sf[+] FUNCTION        definition of a function
  \\sv[+] VIEW            definition of a view

Look
  \\a                     aligned or unaligned
  \\C [TEXT]              title of tables
  \\f [TEXT]              field separator of unaligned output
  \\pset [NAME [VALUE]]   any of the settings
  \\t [on|off]            rows only
  \\x [on|off|auto]       expanded output

Connection
  \\c [DATABASE|- USER|- HOST|- PORT|-]
  \\conninfo              where and who you are
  \\encoding              always UTF8

System and variables
  \\! COMMAND             run it in the shell
  \\cd [DIRECTORY]        where file names begin
  \\getenv NAME ENVVAR    an environment variable into a variable
  \\prompt [TEXT] NAME    ask for a value
  \\set [NAME [VALUE]]    set a variable; all of them without a name
  \\timing [on|off]       say how long statements take
  \\unset NAME
";

const VARIABLES: &str = "\
  AUTOCOMMIT       off: a statement begins a transaction that COMMIT has to end
  COMP_KEYWORD_CASE  lower, upper, preserve-lower, preserve-upper
  DBNAME, USER, HOST, PORT, ENCODING  of the connection
  ECHO             none, errors, queries, all
  ECHO_HIDDEN      on: show what the listings ask the server
  ERROR, SQLSTATE, ROW_COUNT  of the last statement
  FETCH_COUNT      rows of an aligned table that are laid out together
  HISTCONTROL      ignorespace, ignoredups, ignoreboth
  HISTSIZE         entries kept in the history
  LAST_ERROR_MESSAGE, LAST_ERROR_SQLSTATE
  ON_ERROR_STOP    a script ends at its first error
  PROMPT1, PROMPT2, PROMPT3
  QUIET            no confirmations
  SERVER_VERSION_NAME, SERVER_VERSION_NUM
  SHOW_CONTEXT     never, errors, always
  SINGLELINE       the end of a line ends a statement
  VERBOSITY        default, verbose, terse, sqlstate
";

/// `\?`
pub fn slash(topic: Option<&str>) -> String {
    match topic {
        Some("variables") => VARIABLES.to_owned(),
        Some("settings" | "options") => settings::NAMES.iter().map(|name| format!("  \\pset {name}\n")).collect(),
        _ => COMMANDS.to_owned(),
    }
}

/// Statements a learner meets, in the form that Aurora DSQL takes (2026-10).
const STATEMENTS: &[(&str, &str)] = &[
    ("AWS IAM GRANT", "AWS IAM GRANT role TO 'arn:aws:iam::account:role/name'"),
    ("AWS IAM REVOKE", "AWS IAM REVOKE role FROM 'arn:aws:iam::account:role/name'"),
    (
        "ALTER TABLE",
        "ALTER TABLE name ADD COLUMN column type | DROP COLUMN column | RENAME [COLUMN a] TO b\n\
      \x20 | ALTER COLUMN column SET DEFAULT expression | ALTER COLUMN column DROP { DEFAULT | NOT NULL }\n\
      \x20 | ADD CONSTRAINT name { CHECK (…) | FOREIGN KEY (…) REFERENCES … } NOT VALID\n\
      \x20 | ADD CONSTRAINT name UNIQUE USING INDEX index | SET SCHEMA schema | OWNER TO role\n\
      ALTER TABLE ASYNC name VALIDATE CONSTRAINT constraint",
    ),
    ("ANALYZE", "ANALYZE table"),
    ("BEGIN", "BEGIN [ ISOLATION LEVEL REPEATABLE READ ] [ READ ONLY | READ WRITE ]"),
    ("COMMIT", "COMMIT"),
    (
        "COPY",
        "COPY table [ ( column, … ) ] FROM STDIN [ WITH ( FORMAT csv, … ) ]\nCOPY { table | ( query ) } TO STDOUT [ WITH ( … ) ]",
    ),
    (
        "CREATE INDEX",
        "CREATE [ UNIQUE ] INDEX ASYNC [ IF NOT EXISTS ] name ON table ( column | ( expression ), … )\n\
      \x20 [ INCLUDE ( column, … ) ] [ NULLS [ NOT ] DISTINCT ] [ WHERE condition ]",
    ),
    ("CREATE ROLE", "CREATE ROLE name WITH LOGIN"),
    ("CREATE SCHEMA", "CREATE SCHEMA name"),
    ("CREATE SEQUENCE", "CREATE SEQUENCE name CACHE { 1 | 65536 or more }"),
    (
        "CREATE TABLE",
        "CREATE TABLE name ( column type [ PRIMARY KEY | NOT NULL | UNIQUE | DEFAULT expression | CHECK (…)\n\
      \x20 | REFERENCES table (column) | GENERATED … AS IDENTITY (CACHE n) ], … [, PRIMARY KEY (a, b) ] )",
    ),
    ("CREATE VIEW", "CREATE [ OR REPLACE ] VIEW name AS query"),
    ("DELETE", "DELETE FROM table [ WHERE condition ] [ RETURNING … ]"),
    ("EXPLAIN", "EXPLAIN [ ANALYZE ] [ VERBOSE ] statement\nEXPLAIN ( ANALYZE, VERBOSE, COSTS off, … ) statement"),
    (
        "GRANT",
        "GRANT { SELECT | INSERT | UPDATE | DELETE | ALL } ON { table | ALL TABLES IN SCHEMA schema } TO role\n\
      GRANT USAGE ON SCHEMA schema TO role",
    ),
    (
        "INSERT",
        "INSERT INTO table [ ( column, … ) ] { VALUES ( … ), … | query }\n\
      \x20 [ ON CONFLICT [ ( column ) ] DO { NOTHING | UPDATE SET … } ] [ RETURNING … ]",
    ),
    ("REVOKE", "REVOKE privileges ON objects FROM role"),
    ("ROLLBACK", "ROLLBACK"),
    (
        "SELECT",
        "[ WITH name AS ( query ), … ]\nSELECT expression, … FROM table [ JOIN … ON … ] [ WHERE … ] [ GROUP BY … [ HAVING … ] ]\n\
      \x20 [ ORDER BY … ] [ LIMIT n ] [ OFFSET n ] [ FOR UPDATE | FOR KEY SHARE ]",
    ),
    ("UPDATE", "UPDATE table SET column = expression, … [ FROM … ] [ WHERE condition ] [ RETURNING … ]"),
];

/// `\h`
pub fn sql(topic: Option<&str>) -> String {
    let wanted = topic.map(|t| t.trim_end_matches(';').trim().to_ascii_uppercase()).unwrap_or_default();
    if wanted.is_empty() {
        let names: Vec<String> = STATEMENTS.iter().map(|(name, _)| format!("  {name}\n")).collect();
        return format!("Available help:\n{}", names.concat());
    }
    let found: Vec<_> = STATEMENTS.iter().filter(|(name, _)| name.starts_with(wanted.trim_end_matches('*'))).collect();
    if found.is_empty() {
        return format!(
            "No help available for \"{}\".\nTry \\h with no arguments to see available help.\n",
            topic.unwrap_or_default()
        );
    }
    found.iter().map(|(name, syntax)| format!("Command:     {name}\nSyntax:\n{syntax}\n\n")).collect()
}

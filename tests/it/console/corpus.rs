//! The console against psql: the same scripts on the same PostgreSQL, byte for byte, bare and as Aurora DSQL.
//!
//! `tests/golden/console/*.sql` are the scripts. What psql 15 writes for them is kept beside them (`*.out`; through
//! the proxy `*.dsql.out`), so that the comparison holds on a machine without psql. Where a psql from 15 to 17 is
//! installed, it runs too, and ours lays out as that version does; `UPDATE_GOLDEN=1` with psql 15 writes its output
//! anew.
//!
//! What is meant to differ is listed in `tests/golden/console/psql.md`, and so not in the scripts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use workshop_psql::console::{Console, ConsoleOptions, TextLines};
use workshop_psql::query::rows;
use workshop_psql::session::Connector;
use workshop_psql::table::{Expanded, TableFormat};
use workshop_sandbox::interfaces::{Databases, PgServer};

use super::{Streams, connector, to_cluster};
use crate::dsql::world::World;
use crate::support::{command, servers};

async fn fresh_database(server: &PgServer) {
    let roles = "DROP ROLE IF EXISTS r1, alice, bob, grp";
    for sql in ["DROP DATABASE IF EXISTS cmp", "CREATE DATABASE cmp TEMPLATE postgres", roles] {
        rows(&connector(server, &server.database), &server.superuser, sql).await.expect(sql);
    }
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/console")
}

/// The psql whose output is kept beside the scripts.
const RECORDED: u32 = 15;

/// psql's major version, if there is one here that we are to be compared with.
fn psql_version() -> Option<u32> {
    let output = command("psql").arg("--version").stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let major = text.split_whitespace().nth(2)?.split('.').next()?.parse().ok()?;
    matches!(major, 15..=17).then_some(major)
}

/// Where both are sent.
#[derive(Clone)]
struct Place {
    connector: Connector,
    role: String,
    /// What libpq needs besides the host, the port and the role.
    env: Vec<(&'static str, String)>,
}

/// The database that is made anew for each script.
fn bare(server: &PgServer) -> Place {
    Place { connector: connector(server, "cmp"), role: server.superuser.clone(), env: Vec::new() }
}

/// A cluster behind the proxy.
fn cluster(world: &World, name: &str) -> Place {
    let connector = to_cluster(world, name, &Arc::default());
    let env = vec![
        ("PGHOSTADDR", world.address.ip().to_string()),
        ("PGSSLMODE", "verify-full".to_owned()),
        ("PGSSLROOTCERT", world.ca_file.to_string_lossy().into_owned()),
        ("PGPASSWORD", world.token(&connector.host, "admin")),
    ];
    Place { connector, role: "admin".to_owned(), env }
}

fn psql(place: &Place, script: &str, flags: &[&str]) -> String {
    let directory = work();
    let output = command("psql")
        .args(["-X", "-U", &place.role, "-d", &place.connector.database, "-f", script])
        .args(flags)
        .args(["-h", &place.connector.host])
        .args(["-p", &place.connector.port.to_string()])
        .current_dir(directory.path())
        .envs(place.env.iter().cloned())
        .stdin(Stdio::null())
        .output()
        .expect("psql runs");
    let messages = String::from_utf8_lossy(&output.stderr);
    let messages: String =
        messages.lines().map(|line| format!("{}\n", line.strip_prefix("psql:").unwrap_or(line))).collect();
    format!("{}---- messages ----\n{messages}", String::from_utf8_lossy(&output.stdout))
}

async fn ours(place: &Place, script: &str, flags: &[&str], version: u32) -> String {
    let work = work();
    let directory = work.path();
    let options = ConsoleOptions {
        interactive: false,
        hints: false,
        directory: directory.to_owned(),
        ..ConsoleOptions::default()
    };
    let mut console = Console::new(place.connector.clone(), &place.role, options);
    console.settings.vars.set("VERSION_NUM", &(version * 10_000).to_string()).expect("a variable");
    for flag in flags {
        match *flag {
            "-A" => console.settings.table.format = TableFormat::Unaligned,
            "--csv" => console.settings.table.format = TableFormat::Csv,
            "-x" => console.settings.table.expanded = Expanded::On,
            "-t" => console.settings.table.tuples_only = true,
            other => panic!("{other}"),
        }
    }
    let text = fs::read(directory.join(script)).expect("a script");
    let mut streams = Streams::default();
    console.run_lines(&mut TextLines::new(text), &mut streams, false, Some(script)).await;
    console.close().await;
    streams.both()
}

/// A directory with the scripts in it, for what they write.
fn work() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for entry in fs::read_dir(golden()).expect("the scripts") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, dir.path().join(path.file_name().expect("a name"))).expect("copied");
    }
    dir
}

#[track_caller]
fn assert_same(what: &str, expected: &str, got: &str) {
    if let Some((n, (e, g))) =
        expected.lines().chain(["<end>"]).zip(got.lines().chain(["<end>"])).enumerate().find(|(_, (e, g))| e != g)
    {
        let before: Vec<&str> = got.lines().skip(n.saturating_sub(3)).take(3.min(n)).collect();
        panic!("{what}: line {}\npsql: {e:?}\nours: {g:?}\nafter:\n{}", n + 1, before.join("\n"));
    }
    assert_eq!(expected, got, "{what}: they differ in a newline");
}

/// Writes what psql says anew, where that was asked for and this psql is the recorded one.
fn record(file: &Path, theirs: &str, version: u32) {
    if version == RECORDED && std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(file, theirs).expect("written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn output_is_psql_s_byte_for_byte() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers(dir.path()).await;
    let server = servers.ensure("console").await.expect("started");
    let (place, version) = (bare(&server), psql_version());
    let forms: [(&str, &[&str]); 6] = [
        ("aligned", &[]),
        ("unaligned", &["-A"]),
        ("expanded", &["-x"]),
        ("csv", &["--csv"]),
        ("bare", &["-A", "-t"]),
        ("tuples", &["-t"]),
    ];
    for script in
        ["statements", "catalogue", "commands", "formats", "values", "errors", "settings", "edges", "bytes", "habits"]
    {
        // The others set their formats themselves.
        let forms = if matches!(script, "statements" | "values") { &forms[..] } else { &forms[..1] };
        for (form, flags) in forms {
            let file = format!("{script}.sql");
            let expected_file = golden().join(format!("{script}.{form}.out"));
            if let Some(version) = version {
                fresh_database(&server).await;
                let theirs = psql(&place, &file, flags);
                record(&expected_file, &theirs, version);
                fresh_database(&server).await;
                let got = ours(&place, &file, flags, version).await;
                assert_same(&format!("{file} {form} beside psql {version}"), &theirs, &got);
            }
            if version != Some(RECORDED) {
                fresh_database(&server).await;
                let got = ours(&place, &file, flags, RECORDED).await;
                let recorded = fs::read_to_string(&expected_file).expect("recorded");
                assert_same(&format!("{file} {form}"), &recorded, &got);
            }
        }
    }
    // What each version lays out in its own way.
    if let Some(version) = version {
        fresh_database(&server).await;
        let theirs = psql(&place, "versions.sql", &[]);
        fresh_database(&server).await;
        let got = ours(&place, "versions.sql", &[], version).await;
        assert_same(&format!("versions.sql beside psql {version}"), &theirs, &got);
    }
    servers.shutdown().await;
}

/// The same scripts where a learner runs them: what Aurora DSQL refuses is refused alike, and what it has of its own
/// looks alike. Each console has a cluster to itself, on which the scripts come one after the other. How each version
/// lays out is known from above: here it is the recorded one.
#[tokio::test(flavor = "multi_thread")]
async fn output_is_psql_s_through_the_proxy_too() {
    let world = World::new().await;
    let here = psql_version() == Some(RECORDED);
    let (one, other) = (cluster(&world, "one"), cluster(&world, "other"));
    for script in ["dsql", "statements", "values", "errors", "commands", "formats", "settings", "objects"] {
        let file = format!("{script}.sql");
        let expected_file = golden().join(format!("{script}.dsql.out"));
        let (place, name) = (other.clone(), file.clone());
        let psql = tokio::task::spawn_blocking(move || here.then(|| psql(&place, &name, &[])));
        let got = ours(&one, &file, &[], RECORDED).await;
        let theirs = psql.await.expect("psql ran");
        if let Some(theirs) = &theirs {
            record(&expected_file, theirs, RECORDED);
        }
        let theirs = theirs.unwrap_or_else(|| fs::read_to_string(&expected_file).expect("recorded"));
        assert_same(&format!("{file} through the proxy"), &theirs, &got);
    }
    world.end().await;
}

//! `workshop sql` in pipes and scripts: what the standard input is for, when output comes, and what a file has left.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use workshop_psql::query::rows;
use workshop_sandbox::interfaces::{Databases, PgServer};

use super::connector;
use crate::support::{command, exe, servers, until};

fn sql(server: &PgServer, place: &Path, args: &[&str]) -> Command {
    let mut sql = command(exe());
    sql.args(["sql", "-h", &server.socket_dir.to_string_lossy(), "-p", &server.port.to_string()]);
    sql.args(["-U", &server.superuser, "-d", "postgres", "-At"]).args(args);
    sql.current_dir(place).env("HOME", place);
    sql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    sql
}

/// Runs it with an input, and returns what it wrote, what it complained of and its exit code.
fn said(server: &PgServer, place: &Path, args: &[&str], input: &str) -> (String, String, i32) {
    let mut child = sql(server, place, args).spawn().expect("started");
    // It may have ended without reading.
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).ok();
    let out = child.wait_with_output().expect("ended");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (text(out.stdout), text(out.stderr), out.status.code().expect("a code"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_script_asks_for_is_read_from_the_standard_input() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers(dir.path()).await;
    let server = servers.ensure("pipes").await.expect("started");
    let place = tempfile::tempdir().expect("a directory");
    let place = place.path();
    let put = |name: &str, text: &str| std::fs::write(place.join(name), text).expect("written");
    put("asks.sql", "\\prompt 'Who? ' who\n\\i ~/inner.sql\n\\echo :who :what\n");
    put("inner.sql", "\\prompt what\nselect 'in the inner file';\n");
    put("data.sql", "\\copy k from pstdin\nselect count(*) from k;\ncopy k from stdin;\n7\n\\.\n");
    let cases: [(&[&str], &str, &str, &str, i32); 15] = [
        (&["-c", "create table k (a int)"], "", "CREATE TABLE\n", "", 0),
        (&["-c", "copy k from stdin"], "1\n2\n", "COPY 2\n", "", 0),
        (&["-c", "\\copy k from stdin"], "3\n", "COPY 1\n", "", 0),
        // What could not begin leaves its data to what comes next.
        (
            &["-c", "copy nope from stdin", "-c", "\\copy k from pstdin"],
            "4\n",
            "COPY 1\n",
            "ERROR:  relation \"nope\" does not exist\n",
            0,
        ),
        (&["-f", "data.sql"], "5\n6\n", "COPY 2\n6\nCOPY 1\n", "", 0),
        (&["-f", "asks.sql"], "ann\nthis\n", "Who? in the inner file\nann this\n", "", 0),
        (&["-c", "\\prompt x"], "", "", "\\prompt: could not read value for variable \"x\"\n", 1),
        // A file's first line may be a remark.
        (&["-c", "-- a remark\nselect 1"], "", "1\n", "", 0),
        (&["-c", "\\dt nothing"], "", "", "Did not find any relation named \"nothing\".\n", 0),
        // A line that ends its statement ends none in a branch that is not taken.
        (&["-S", "-f", "-"], "select 'x' \\if false\n, 2\n\\endif\nselect 3\n", "x\n3\n", "", 0),
        // A program that has seen enough is no error.
        (
            &["-f", "-"],
            "select generate_series(1, 100000) \\g |head -1\n\\o |head -1\nselect generate_series(1, 100000);\n",
            "1\n1\n",
            "",
            0,
        ),
        // A file that is not there is an action that has failed, as any other.
        (&["-f", "none.sql", "-c", "select 1"], "", "1\n", "workshop sql: none.sql: No such file or directory\n", 0),
        (
            &["-1", "-c", "select 1", "-f", "none.sql"],
            "",
            "1\n",
            "workshop sql: none.sql: No such file or directory\n",
            1,
        ),
        (
            &["-v", "ON_ERROR_STOP=1", "-f", "none.sql", "-c", "select 1"],
            "",
            "",
            "workshop sql: none.sql: No such file or directory\n",
            1,
        ),
        // Where an address leads nowhere, a script goes no further.
        (&["-f", "-"], "\\c - - - abc\nselect 1;\n", "", "<stdin>:1: error: invalid port number: \"abc\"\n", 2),
    ];
    for (args, input, out, err, code) in cases {
        assert_eq!(said(&server, place, args, input), (out.to_owned(), err.to_owned(), code), "{args:?}");
    }

    // Ctrl-C ends a wait for data that do not come.
    let mut child = sql(&server, place, &["-c", "copy k from stdin"]).spawn().expect("started");
    let look = "select count(*) from pg_stat_activity where state = 'active' and query like 'copy k %'";
    while rows(&connector(&server, "postgres"), &server.superuser, look).await.expect("a count").rows[0][0].as_deref()
        != Some("1")
    {}
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("signalled");
    until("it ends", || child.try_wait().expect("a state").is_some()).await;
    assert_eq!(child.wait().expect("ended").code(), Some(130));
    servers.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_written_when_it_is_there_and_a_full_disk_ends_no_session() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers(dir.path()).await;
    let server = servers.ensure("flush").await.expect("started");
    let mut child = sql(&server, dir.path(), &[]).spawn().expect("started");
    let (mut input, mut output) =
        (child.stdin.take().expect("a pipe"), BufReader::new(child.stdout.take().expect("a pipe")));
    let mut next = move || {
        let mut line = String::new();
        output.read_line(&mut line).expect("read");
        line
    };
    for n in 1..3 {
        writeln!(input, "select {n};").expect("taken");
        assert_eq!(next(), format!("{n}\n"), "while its input goes on");
    }
    writeln!(input, "\\echo said").expect("taken");
    assert_eq!(next(), "said\n");
    writeln!(input, "select 'again' \\watch i=60").expect("taken");
    assert_eq!(next(), "again\n");
    child.kill().expect("ended");
    child.wait().expect("ended");

    let script = "begin;\n\\copy (select generate_series(1, 100000)) to '/dev/full'\n\\o /dev/full\n\
                  select generate_series(1, 100000);\n\\o\nselect 'goes on';\ncommit;\n";
    let (out, err, code) = said(&server, dir.path(), &["-f", "-"], script);
    let full = "No space left on device";
    assert_eq!((out.as_str(), code), ("BEGIN\ngoes on\nCOMMIT\n", 0), "the transaction that was open goes on: {err}");
    assert_eq!(
        err,
        format!(
            "<stdin>:2: ERROR:  could not write COPY data: {full}\n<stdin>:4: error: could not write the output: {full}\n"
        )
    );
    servers.shutdown().await;
}

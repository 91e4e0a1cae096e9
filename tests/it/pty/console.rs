//! `workshop sql` as a person has it: on a terminal, with a server behind it.

use workshop_psql::repl::{self, SqlInvocation};
use workshop_psql::session::{Auth, CONNECT_TIMEOUT, Connector, Tls};
use workshop_sandbox::interfaces::{Databases, PgServer};

use super::tty::Tty;
use crate::support;

const PROMPT: &str = "postgres=# ";

/// The console inside the terminal, on the server that the environment names.
pub fn child() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let connector = Connector {
        host: variable("WORKSHOP_TEST_SOCKET"),
        hostaddr: None,
        port: variable("WORKSHOP_TEST_PORT").parse().unwrap(),
        database: "postgres".to_owned(),
        ca: None,
        tls: Tls::Off,
        auth: Auth::Trust,
        timeout: CONNECT_TIMEOUT,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let invocation = SqlInvocation { vi: std::env::var_os("WORKSHOP_TEST_VI").is_some(), ..SqlInvocation::default() };
    let code = runtime.block_on(repl::run(connector, &variable("WORKSHOP_TEST_ROLE"), invocation));
    println!("ended: {code}");
    runtime.shutdown_background();
}

/// Runs a conversation with the console on a real server.
fn converse(environment: &[(&str, &str)], talk: impl FnOnce(&mut Tty)) {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let servers = runtime.block_on(support::servers(dir.path()));
    let server: PgServer = runtime.block_on(servers.ensure("terminal")).unwrap();
    let socket = server.socket_dir.to_string_lossy();
    let port = server.port.to_string();
    let mut variables = vec![
        ("WORKSHOP_TEST_SCREEN", "sql"),
        ("WORKSHOP_TEST_SOCKET", &*socket),
        ("WORKSHOP_TEST_PORT", &*port),
        ("WORKSHOP_TEST_ROLE", &*server.superuser),
    ];
    variables.extend(environment);
    let mut tty = Tty::start(40, 100, &variables);
    tty.sees(PROMPT);
    talk(&mut tty);
    tty.sees("ended: 0");
    tty.ends();
    runtime.block_on(servers.shutdown());
}

impl Tty {
    /// Types a line on an empty screen, and waits for what it brings and the next prompt.
    #[track_caller]
    fn asks(&mut self, line: &str, answer: &str) {
        self.send("\x0c");
        self.until("an empty screen", |tty| tty.screen().trim() == PROMPT.trim());
        self.send(&format!("{line}\r"));
        self.until(answer, |tty| tty.screen().matches("=#").count() == 2 && tty.answered(answer));
    }

    fn answered(&self, answer: &str) -> bool {
        let screen = self.screen();
        screen.contains(answer) && screen.trim_end().ends_with("=#")
    }
}

#[test]
fn a_terminal_is_told_what_it_must_not_obey_and_a_file_gets_it_as_it_is() {
    let hostile = r"E'x\x1b]0;owned\x07\u202Ey'";
    let shown = "x<1B>]0;owned<07><U+202E>y";
    converse(&[], |tty| {
        // Aligned as psql writes it, and in line with what stands beside it.
        tty.asks(&format!("select {hostile} as v, 1 as one;"), r" x\x1B]0;owned\x07<U+202E>y |   1");
        tty.asks(&format!("select {hostile} as v \\gset"), PROMPT);
        tty.asks("\\echo :v", shown);
        tty.asks("\\pset format csv", "Output format is csv.");
        tty.asks("select :'v';", shown);
        tty.asks("\\pset format unaligned", "Output format is unaligned.");
        tty.asks("select :'v' || '!';", &format!("{shown}!"));
        tty.asks("do $$begin raise notice E'n\\x1b]0;owned'; end$$;", "NOTICE:  n<1B>]0;owned");
        tty.asks("select :\"v\";", &format!("column \"{shown}\" does not exist"));
        tty.asks("copy (select :'v') to stdout;", shown);
        let file = tty.dir.path().join("out");
        tty.asks(&format!("\\t \\g {}", file.display()), PROMPT);
        tty.asks(&format!("select :'v' \\g {}", file.display()), PROMPT);
        tty.asks("\\echo written", "written");
        assert_eq!(std::fs::read(&file).unwrap(), "x\x1b]0;owned\x07\u{202e}y\n".as_bytes());
        tty.send("\\q\r");
    });
}

#[test]
fn lines_typed_ahead_are_answered_in_their_turn() {
    converse(&[], |tty| {
        tty.send("select 'a' || 1;\rselect 'b' || 2;\rselect 'c' || 3;\r\\q\r");
        tty.until("three answers", |tty| ["a1", "b2", "c3"].iter().all(|answer| tty.screen().contains(answer)));
    });
}

#[test]
fn a_line_is_edited_with_vi_s_keys_where_they_are_set() {
    converse(&[("WORKSHOP_TEST_VI", "1")], |tty| {
        tty.send("xselect 41 + 1;\x1b0x\r");
        tty.sees("       42");
        tty.send("\\q\r");
    });
}

/// One statement, for what is done per line must not grow with the lines before.
#[test]
fn a_megabyte_and_ninety_thousand_lines_are_pasted_at_the_prompt() {
    converse(&[], |tty| {
        let mut paste = String::from("\x1b[200~select count(*), 'as many' from (values (0)");
        for line in 1..90_000 {
            paste.push_str(&format!(",\r({line:06})"));
        }
        paste.push_str(") v;\r\x1b[201~");
        assert!(paste.len() > 900_000);
        // The terminal takes it in pieces, as fast as it is read.
        let mut writer = std::mem::replace(&mut tty.writer, Box::new(std::io::sink()));
        let writing = std::thread::spawn(move || {
            std::io::Write::write_all(&mut writer, paste.as_bytes()).unwrap();
            writer
        });
        tty.sees("(089999)");
        tty.writer = writing.join().unwrap();
        tty.send("\r");
        tty.sees(" 90000 | as many");
        tty.send("\\q\r");
    });
}

/// `\e` runs what was saved, keeps what was being typed, and never runs the statement before by itself.
#[test]
fn what_the_editor_saves_is_run_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let editor = dir.path().join("editor");
    let script = "#!/bin/sh\ncase $(cat \"$1\") in *leave*) ;; *fail*) exit 3 ;;
*) echo \"select 'sa' || 'ved'; select 'typed' ||\" > \"$1\" ;; esac\n";
    std::fs::write(&editor, script).unwrap();
    std::fs::set_permissions(&editor, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    converse(&[("PSQL_EDITOR", &editor.to_string_lossy())], |tty| {
        tty.asks("select 'leave' || 'this';", "leavethis");
        tty.asks("\\e", PROMPT);
        assert!(!tty.screen().contains("leavethis"), "not run again");
        for (part, told) in [("leave", ""), ("fail", "nothing is taken from it")] {
            tty.send(&format!("\x0cselect '{part}' ||\r\\e\r"));
            tty.sees(told);
            tty.send("' kept';\r");
            tty.sees(&format!("{part} kept"));
        }
        tty.send("\x0cselect 'old' \\e\r");
        tty.until("what was saved", |tty| {
            let screen = tty.screen();
            screen.contains(" saved") && screen.trim_end().ends_with("select 'typed' ||\npostgres-#")
        });
        tty.send("' on';\r");
        tty.sees(" typed on");
        tty.send("\\q\r");
    });
}

/// A file that is run asks the person, an `\if` that is not taken says so, and a Ctrl-D too many ends nothing.
#[test]
fn a_person_is_asked_told_and_kept_from_leaving_by_mistake() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("asks.sql"), "\\prompt 'Who? ' who\nselect 'not the answer' as line;\n").unwrap();
    converse(&[("HOME", &dir.path().to_string_lossy())], |tty| {
        tty.send("\\i ~/asks.sql\r");
        tty.sees("Who? ");
        tty.send("ann\r");
        tty.sees("not the answer");
        tty.asks("\\echo hello :who", "hello ann");
        tty.send("\\if false\rselect 1;\r\\dt\r");
        tty.sees("query ignored; use \\endif to exit current \\if block");
        tty.sees("\\dt command ignored; use \\endif to exit current \\if block");
        tty.until("the prompt", |tty| tty.screen().trim_end().ends_with("\npostgres@#"));
        tty.send("\x03");
        tty.sees("\\if: escaped");
        tty.asks("select 'taken' || '!';", "taken!");
        tty.send("\\set PROMPT2 '%w: '\rselect\r");
        tty.sees("           : ");
        tty.send("'con' || 'tinued';\r");
        tty.sees("continued");
        tty.asks("\\set IGNOREEOF 2", PROMPT);
        tty.send("\x04");
        tty.until("the next prompt", |tty| tty.answered("Use \"\\q\" to leave workshop sql."));
        tty.send("\x04");
    });
}

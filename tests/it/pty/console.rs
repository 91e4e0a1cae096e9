//! `workshop sql` as a person has it: on a terminal, with a server behind it.

use workshop::sandbox::seams::{Databases, PgServer};
use workshop::sql::repl::{self, Invocation};
use workshop::sql::session::{Auth, CONNECT_TIMEOUT, Connector, Tls};

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
    let code = runtime.block_on(repl::run(connector, &variable("WORKSHOP_TEST_ROLE"), Invocation::default()));
    println!("ended: {code}");
    runtime.shutdown_background();
}

/// Runs a conversation with the console on a real server.
fn converse(talk: impl FnOnce(&mut Tty)) {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let servers = runtime.block_on(support::servers(dir.path()));
    let server: PgServer = runtime.block_on(servers.ensure("terminal")).unwrap();
    let mut tty = Tty::start(
        40,
        100,
        &[
            ("WORKSHOP_TEST_SCREEN", "sql"),
            ("WORKSHOP_TEST_SOCKET", &server.socket_dir.to_string_lossy()),
            ("WORKSHOP_TEST_PORT", &server.port.to_string()),
            ("WORKSHOP_TEST_ROLE", &server.superuser),
        ],
    );
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
    converse(|tty| {
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
    converse(|tty| {
        tty.send("select 'a' || 1;\rselect 'b' || 2;\rselect 'c' || 3;\r\\q\r");
        tty.until("three answers", |tty| ["a1", "b2", "c3"].iter().all(|answer| tty.screen().contains(answer)));
    });
}

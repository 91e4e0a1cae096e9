//! A program in a terminal of its own, always drained, or the program would block on it.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

pub struct Opened {
    pub master: Box<dyn MasterPty + Send>,
    pub writer: Box<dyn Write + Send>,
    /// What it prints, and when that came.
    pub output: Receiver<(Instant, Vec<u8>)>,
    pub child: Box<dyn Child + Send + Sync>,
    /// When it was started.
    pub begun: Instant,
}

/// Runs a command in a terminal of this size that knows colours and UTF-8.
pub fn open(mut command: CommandBuilder, rows: u16, cols: u16, environment: &[(&str, &str)]) -> Opened {
    let pty = native_pty_system().openpty(PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
    crate::support::deciding().iter().for_each(|name| command.env_remove(name));
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    for (name, value) in environment {
        command.env(name, value);
    }
    let mut reader = pty.master.try_clone_reader().unwrap();
    let writer = pty.master.take_writer().unwrap();
    let (sender, output) = channel();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65536];
        while let Ok(n) = reader.read(&mut buffer) {
            if n == 0 || sender.send((Instant::now(), buffer[..n].to_vec())).is_err() {
                break;
            }
        }
    });
    let begun = Instant::now();
    let child = pty.slave.spawn_command(command).unwrap();
    drop(pty.slave);
    Opened { master: pty.master, writer, output, child, begun }
}

/// The workshop with the course below `root`, in this working directory.
pub fn workshop(root: &Path, workdir: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_workshop"));
    // Nobody is asked whether a test's own course may run its commands.
    command.arg("--agree");
    command.arg("--lessons");
    command.arg(root.join("lessons"));
    command.arg("--snapshots");
    command.arg(root.join("snapshots"));
    command.arg("--workdir");
    command.arg(workdir);
    command
}

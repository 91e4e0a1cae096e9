//! A talk in an account, played by a sandbox: the account is cut off, the talk moves onto its standby and goes on there, and
//! back when the account answers.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{command, exe};

/// The way to the sandbox that plays the account; it can be cut.
struct Way {
    port: u16,
    is_cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    calls: Arc<Mutex<usize>>,
}

impl Way {
    fn to(target: String) -> Way {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let way = Way {
            port: listener.local_addr().unwrap().port(),
            is_cut: Arc::default(),
            open: Arc::default(),
            calls: Arc::default(),
        };
        let (is_cut, open, calls) = (way.is_cut.clone(), way.open.clone(), way.calls.clone());
        std::thread::spawn(move || {
            for from in listener.incoming().map_while(Result::ok) {
                if is_cut.load(Ordering::SeqCst) {
                    continue;
                }
                *calls.lock().unwrap() += 1;
                let Ok(to) = TcpStream::connect(&target) else { continue };
                open.lock().unwrap().extend([from.try_clone().unwrap(), to.try_clone().unwrap()]);
                for (mut one, mut other) in
                    [(from.try_clone().unwrap(), to.try_clone().unwrap()), (to.try_clone().unwrap(), from)]
                {
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut one, &mut other);
                        let _ = other.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        way
    }

    fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::SeqCst);
        if is_cut {
            self.open.lock().unwrap().drain(..).for_each(|stream| _ = stream.shutdown(Shutdown::Both));
        }
    }

    fn calls(&self) -> usize {
        *self.calls.lock().unwrap()
    }
}

/// The program in its plain lines.
struct Talk {
    child: Child,
    typed: ChildStdin,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Talk {
    fn types(&mut self, line: &str) {
        writeln!(self.typed, "{line}").unwrap();
    }

    /// Waits until it says something that holds all of this.
    #[track_caller]
    fn says(&mut self, words: &str) -> String {
        loop {
            // What has the least priority waits for whatever else this machine does.
            match self.lines.recv_timeout(Duration::from_secs(600)) {
                Ok(line) => {
                    self.said.push(line.clone());
                    if line.contains(words) {
                        return line;
                    }
                }
                Err(_) => panic!("waited in vain for “{words}”:\n{}", self.said.join("\n")),
            }
        }
    }

    /// Ends it, and returns what it said on its error output.
    fn leaves(mut self) -> String {
        self.types("quit");
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        said
    }
}

fn sandbox(account: &Path, args: &[&str]) -> String {
    let out = command(exe()).arg("sandbox").args(args).arg("--workdir").arg(account).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

struct Account<'a>(&'a Path);

impl Drop for Account<'_> {
    fn drop(&mut self) {
        let _ = command(exe()).args(["sandbox", "stop", "--workdir"]).arg(self.0).output();
    }
}

/// Starts the program with a target that the variables lead to.
fn start(home: &Path, way: &Way, variables: &[(String, String)]) -> Talk {
    let mut command = command(exe());
    command.current_dir(home).args(["--plain", "--target", "aws", "--workdir", "work"]);
    for (name, value) in variables {
        command.env(name, value);
    }
    command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", way.port));
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let (typed, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (told, lines) = channel();
    std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).for_each(|line| _ = told.send(line)));
    Talk { child, typed, lines, said: Vec::new() }
}

#[test]
fn a_talk_survives_its_account() {
    let home = tempfile::tempdir().unwrap();
    // As root, PostgreSQL runs under another account.
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let account = home.path().join("account");
    fs::create_dir_all(&account).unwrap();
    sandbox(&account, &["start"]);
    let _account = Account(&account);
    let read = |line: &str| {
        line.strip_prefix("export ")?.split_once('=').map(|(n, v)| (n.to_owned(), v.trim_matches('\'').to_owned()))
    };
    let variables: Vec<(String, String)> = sandbox(&account, &["env"]).lines().filter_map(read).collect();
    let endpoint = variables.iter().find(|(name, _)| name == "AWS_ENDPOINT_URL").unwrap().1.clone();
    let way = Way::to(endpoint.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned());

    let mut talk = start(home.path(), &way, &variables);
    talk.says("help lists the commands");
    // Chapter 0: the files, packages, what the CDK needs in an account, the function, and its test.
    let steps = ["starter", "install", "bootstrap", "deploy", "test"];
    for step in steps {
        talk.types("next");
        if step == "bootstrap" {
            talk.types("run");
            talk.says("cost money");
        }
        talk.types("run");
        talk.says(": passed after");
    }
    talk.says("The local standby is at the same step");

    way.cut(true);
    talk.types("check greets");
    let told = talk.says("AWS does not answer: the network is gone");
    assert!(told.contains("failover moves the talk onto the local standby, at this step"), "{told}");
    talk.types("failover");
    talk.says("The talk is on the local standby");
    way.cut(false);
    let calls = way.calls();
    talk.types("check greets");
    talk.says("check passed: ");
    talk.types("status");
    talk.says("The talk is on the local standby");
    talk.says("AWS answers again");
    // A question whether the account works is all that it has been asked.
    assert!(way.calls() <= calls + 4, "{} calls", way.calls() - calls);
    talk.types("failback");
    talk.says("The talk is in the AWS account again");
    talk.types("check greets");
    talk.says("check passed: ");
    let left = talk.leaves();
    assert!(left.contains("stays in your AWS account"), "{left}");
    assert!(left.contains("its local standby keeps its state"), "{left}");
}

//! The learner's own shell with everything set: the target's environment, `workshop` on the path, and a prompt that says
//! where one is.
//!
//! Invariant: in a shell for the sandbox nothing of a real account is left: the environment is set after the learner's own
//! start-up files have run, and when it cannot be set there is no shell.

use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::clipboard::Clipboard;
use workshop_base::private_dir::{OURS, PrivateDir};
use workshop_base::text::shell_word;

/// Everything that is to be known of the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShellTarget {
    /// This program knows how to reach it.
    Sandbox,
    /// The same of the sandbox of another directory: the standby's.
    SandboxOf(PathBuf),
    /// There is none: the learner's own environment, and these variables.
    Machine(Vec<(String, String)>),
    /// Variables that choose the account: profile and region, as the workshop itself uses them.
    Account(Vec<(String, String)>),
}

/// The exit code of a shell that could not be set up.
pub const NOT_SET_UP: i32 = 97;

/// Below the workshop's own directory.
const DIRECTORY: &str = "shell";

/// Makes the command that runs a shell in the working directory, and the files that set it up.
///
/// # Errors
/// When the workshop's own directory is not there or cannot be written.
pub fn command(shell: &str, program: &Path, workdir: &Path, target: &ShellTarget) -> io::Result<Command> {
    let missing = || io::Error::other("the workshop has no directory of its own here yet");
    let own = PrivateDir::existing(workdir, OURS)?.ok_or_else(missing)?.below(DIRECTORY)?;
    let directory = own.path().to_owned();
    let bin = own.below("bin")?;
    let _ = bin.remove_link("workshop");
    symlink(program, bin.path().join("workshop"))?;
    let name = Path::new(shell).file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let script = Script { program, workdir, bin: bin.path(), target };
    let mut command = Command::new(shell);
    command.current_dir(workdir);
    // Not in a file: an address may hold a password.
    if let ShellTarget::Machine(variables) = target {
        command.envs(variables.iter().map(|(name, value)| (name, value)));
    }
    match name.as_str() {
        "bash" => {
            own.replace("bashrc", script.posix("$HOME/.bashrc").as_bytes())?;
            command.arg("--rcfile").arg(directory.join("bashrc")).arg("-i");
        }
        "zsh" => {
            let text = format!("{OWN_ZDOTDIR}{}", script.posix("${ZDOTDIR:-$HOME}/.zshrc"));
            own.replace(".zshrc", text.as_bytes())?;
            let before = std::env::var_os("ZDOTDIR");
            command.env("ZDOTDIR", &directory).arg("-i");
            if let Some(before) = before {
                command.env("WORKSHOP_ZDOTDIR", before);
            }
        }
        "fish" => {
            command.arg("--init-command").arg(script.fish());
        }
        // The shells of the standard read the file that ENV names.
        _ => {
            own.replace("shrc", script.posix("/dev/null").as_bytes())?;
            command.env("ENV", directory.join("shrc")).arg("-i");
        }
    }
    Ok(command)
}

/// The learner's own files are where they were, for them and for what they read beside themselves; the first of them, which zsh
/// has looked for in the workshop's place, is read now.
const OWN_ZDOTDIR: &str = "\
if [ -n \"${WORKSHOP_ZDOTDIR-}\" ]; then export ZDOTDIR=\"$WORKSHOP_ZDOTDIR\"; unset WORKSHOP_ZDOTDIR
else unset ZDOTDIR; fi
[ -f \"${ZDOTDIR:-$HOME}/.zshenv\" ] && . \"${ZDOTDIR:-$HOME}/.zshenv\"
";

/// Columns and rows from which on tmux has room for the shell beside the screen, or below it.
const BESIDE: u16 = 160;
const BELOW: u16 = 40;

/// Makes the command that opens the shell in a pane of tmux's, where the screen is in one with room for both; else it takes
/// the screen's place. A pane's variables stand on a command line: a shell with a password in its environment gets none.
pub fn beside(clipboard: Clipboard, shell: Command, (columns, rows): (u16, u16), target: &ShellTarget) -> Command {
    let split = match () {
        () if clipboard != Clipboard::Tmux || matches!(target, ShellTarget::Machine(_)) => return shell,
        () if columns >= BESIDE => "-h",
        () if rows >= BELOW => "-v",
        () => return shell,
    };
    let own = shell.as_std();
    let mut command = Command::new("tmux");
    command.args(["split-window", split]);
    if let Some(directory) = own.get_current_dir() {
        command.arg("-c").arg(directory);
    }
    for (name, value) in own.get_envs() {
        let mut pair = name.to_owned();
        pair.push("=");
        pair.push(value.unwrap_or_default());
        command.arg("-e").arg(pair);
    }
    // What kept a shell from being set up can be read before its pane goes.
    let waits = format!("\"$@\"; [ $? -ne {NOT_SET_UP} ] || read -r _");
    command.args(["--", "/bin/sh", "-c", &waits, "sh"]).arg(own.get_program()).args(own.get_args());
    command
}

/// Tells whether a command of [`beside`] opens a pane of its own.
pub fn is_beside(command: &Command) -> bool {
    command.as_std().get_program() == "tmux"
}

/// Says why there was no shell, by the exit code of its command. A shell that was there ends with its last command's, which is
/// nobody's trouble.
pub fn trouble(code: Option<i32>, is_beside: bool) -> Option<&'static str> {
    match (code, is_beside) {
        (Some(NOT_SET_UP), _) => Some("The shell could not be set up for this target, and was not opened"),
        (Some(0), _) | (_, false) => None,
        (_, true) => Some("tmux has opened no pane for the shell: there may be too little room for one here"),
    }
}

/// Said above the prompt of a shell that has taken the screen's place.
pub const LEADS_BACK: &str = "A shell of your own. `exit` leads back to the workshop.\r\n";

struct Script<'a> {
    program: &'a Path,
    workdir: &'a Path,
    bin: &'a Path,
    target: &'a ShellTarget,
}

impl Script<'_> {
    fn environment(&self, shell: &str) -> String {
        let word = |path: &Path| shell_word(&path.display().to_string()).to_string();
        let of = if let ShellTarget::SandboxOf(directory) = self.target { directory } else { self.workdir };
        format!("{} sandbox env --shell {shell} --workdir {}", word(self.program), word(of))
    }

    fn posix(&self, own: &str) -> String {
        let bin = shell_word(&self.bin.display().to_string()).to_string();
        let mut out = format!("# Written by the workshop, anew each time.\n[ -f \"{own}\" ] && . \"{own}\"\n");
        match self.target {
            ShellTarget::Sandbox | ShellTarget::SandboxOf(_) => {
                out.push_str(&format!(
                    "if workshop_set=$({}); then eval \"$workshop_set\"; unset workshop_set\nelse exit {NOT_SET_UP}; fi\n",
                    self.environment("posix")
                ));
            }
            ShellTarget::Machine(_) => {}
            ShellTarget::Account(variables) => {
                for (name, value) in variables {
                    out.push_str(&format!("export {name}={}\n", shell_word(value)));
                }
            }
        }
        out.push_str(&format!("export PATH={bin}:\"$PATH\"\nexport WORKSHOP_SHELL=1\n"));
        out.push_str(&format!("PS1=\"({}) $PS1\"\n", self.place()));
        out
    }

    fn fish(&self) -> String {
        let mut out = match self.target {
            ShellTarget::Sandbox | ShellTarget::SandboxOf(_) => {
                format!(
                    "{} | source; or exit {NOT_SET_UP}; test $pipestatus[1] -eq 0; or exit {NOT_SET_UP}; ",
                    self.environment("fish")
                )
            }
            ShellTarget::Machine(_) => String::new(),
            ShellTarget::Account(variables) => {
                variables.iter().map(|(name, value)| format!("set -gx {name} {}; ", shell_word(value))).collect()
            }
        };
        let bin = shell_word(&self.bin.display().to_string()).to_string();
        out.push_str(&format!("set -gx PATH {bin} $PATH; set -gx WORKSHOP_SHELL 1; "));
        out.push_str(&format!(
            "functions -c fish_prompt workshop_prompt; function fish_prompt; echo -n '({}) '; workshop_prompt; end",
            self.place()
        ));
        out
    }

    fn place(&self) -> &'static str {
        match self.target {
            ShellTarget::Sandbox => "workshop: sandbox",
            ShellTarget::SandboxOf(_) => "workshop: local standby",
            ShellTarget::Machine(_) => "workshop",
            ShellTarget::Account(_) => "workshop: AWS",
        }
    }
}

/// Returns the learner's shell: `$SHELL`, or the standard's.
pub fn shell_of_user() -> String {
    std::env::var("SHELL").ok().filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".to_owned())
}

/// Returns this program.
pub fn this_program() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("workshop"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(program: &str, target: &ShellTarget, line: &str) -> (i32, String) {
        let dir = tempfile::tempdir().unwrap();
        let _ = PrivateDir::open(dir.path(), OURS).unwrap();
        let fake = dir.path().join("fake workshop");
        std::fs::write(&fake, format!("#!/bin/sh\n{program}\n")).unwrap();
        std::fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let command = command("/bin/sh", &fake, dir.path(), target).unwrap();
        let mut command = command.into_std();
        command.env("AWS_PROFILE", "production").env("AWS_ENDPOINT_URL", "https://real");
        command.args(["-c", &format!(". \"$ENV\"; {line}")]);
        let output = command.output().unwrap();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[test]
    fn a_shell_for_the_sandbox_has_its_environment_and_nothing_of_a_real_account() {
        let sets = "echo \"unset AWS_PROFILE\"; echo \"export AWS_ENDPOINT_URL=http://127.0.0.1:1\"";
        let (code, said) =
            run(sets, &ShellTarget::Sandbox, "echo \"$AWS_ENDPOINT_URL|$AWS_PROFILE|$(command -v workshop)|$PS1\"");
        assert_eq!(code, 0);
        assert!(said.starts_with("http://127.0.0.1:1||"), "{said}");
        assert!(said.contains("shell/bin/workshop") && said.contains("(workshop: sandbox)"), "{said}");
    }

    #[test]
    fn what_zsh_reads_of_the_learner_finds_what_stands_beside_it() {
        let home = tempfile::tempdir().unwrap();
        let _ = PrivateDir::open(home.path(), OURS).unwrap();
        std::fs::write(home.path().join(".zshenv"), "env_read=yes\n").unwrap();
        let rc = "echo \"$env_read:${ZDOTDIR:-$HOME}\"\n[ -f \"${ZDOTDIR:-$HOME}/.zshenv\" ] && echo found\n";
        std::fs::write(home.path().join(".zshrc"), rc).unwrap();
        let target = ShellTarget::Machine(Vec::new());
        let made = command("/bin/zsh", Path::new("workshop"), home.path(), &target).unwrap();
        let variables: Vec<_> = made.as_std().get_envs().collect();
        let directory = variables.iter().find(|(name, _)| *name == "ZDOTDIR").and_then(|(_, value)| *value).unwrap();
        // What is written is the standard's language: its shell reads it as zsh does.
        let told = |before: Option<&Path>| {
            let mut shell = std::process::Command::new("/bin/sh");
            shell.args(["-c", ". \"$ZDOTDIR/.zshrc\""]).env("HOME", home.path()).env("ZDOTDIR", directory);
            shell.env_remove("WORKSHOP_ZDOTDIR").envs(before.map(|before| ("WORKSHOP_ZDOTDIR", before)));
            String::from_utf8_lossy(&shell.output().unwrap().stdout).into_owned()
        };
        let expected = format!("yes:{}\nfound\n", home.path().display());
        assert_eq!(told(None), expected);
        assert_eq!(told(Some(home.path())), expected);
    }

    #[test]
    fn in_tmux_the_shell_is_beside_the_screen_where_there_is_room() {
        let opened = |clipboard, size, target: &ShellTarget| {
            let mut shell = Command::new("/bin/zsh");
            shell.arg("-i").env("ZDOTDIR", "/a b").current_dir("/work");
            let command = beside(clipboard, shell, size, target);
            let words = [command.as_std().get_program()].into_iter().chain(command.as_std().get_args());
            words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
        };
        let sandbox = &ShellTarget::Sandbox;
        let wide = opened(Clipboard::Tmux, (200, 60), sandbox);
        assert!(wide.starts_with("tmux split-window -h -c /work -e ZDOTDIR=/a b -- /bin/sh -c "), "{wide}");
        assert!(wide.ends_with(" sh /bin/zsh -i"), "{wide}");
        assert!(opened(Clipboard::Tmux, (120, 40), sandbox).starts_with("tmux split-window -v "));
        let in_place = "/bin/zsh -i";
        assert_eq!(opened(Clipboard::Tmux, (80, 24), sandbox), in_place);
        assert_eq!(opened(Clipboard::Terminal, (200, 60), sandbox), in_place);
        let secret = ShellTarget::Machine(vec![("DATABASE_URL".into(), "postgres://a:secret@h".into())]);
        assert_eq!(opened(Clipboard::Tmux, (200, 60), &secret), in_place);
    }

    #[test]
    fn a_shell_that_was_not_opened_is_told_and_what_its_last_command_came_to_is_not() {
        assert_eq!([trouble(Some(1), false), trouble(Some(0), true), trouble(None, false)], [None; 3]);
        assert!(trouble(Some(NOT_SET_UP), false).is_some_and(|text| text.contains("could not be set up")));
        assert!(trouble(Some(1), true).is_some_and(|text| text.contains("no pane")), "no space for new pane");
    }

    #[test]
    fn without_the_sandbox_there_is_no_shell() {
        let (code, said) = run("echo down >&2; exit 3", &ShellTarget::Sandbox, "echo \"still $AWS_PROFILE\"");
        assert_eq!((code, said.as_str()), (NOT_SET_UP, ""));
    }

    #[test]
    fn a_shell_for_an_account_names_the_account_that_the_workshop_uses() {
        let target = ShellTarget::Account(vec![("AWS_PROFILE".into(), "it's mine".into())]);
        let (code, said) = run("exit 1", &target, "echo \"$AWS_PROFILE\"");
        assert_eq!((code, said.trim()), (0, "it's mine"));
    }
}

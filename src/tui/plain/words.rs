//! Typed words as commands and answers, events as lines. Pure.

use super::names::{Change, STILL_STARTING};
use super::state::{Plain, Question};
use super::{about, say};
use crate::tui::diffrows;
use crate::tui::leaving::Exit;
use crate::tui::panel::Panel;
use crate::tui::present::{prompt, words};
use workshop_course::lesson::model::{StepAction, StepExpect};
use workshop_engine::command::{Command, CommandKind, Request};
use workshop_engine::event::{Event, EventKind, Stream, TxState, Verdict};
use workshop_engine::progress::{Journaled, SessionState};

/// Lines kept of what a deploy prints: more than any of them has.
const RAW: usize = 2000;

impl Plain {
    /// Returns the prompt: the step's number, or psql's where SQL is typed.
    pub fn prompt(&self) -> String {
        if self.in_sql || !self.sql.is_empty() {
            return prompt::session_prompt(&self.progress, &self.session_name(), false, self.sql.is_empty());
        }
        match self.here() {
            Some((chapter, at, _)) => format!("{}.{} > ", chapter.number, at + 1),
            None => "> ".to_owned(),
        }
    }

    /// Folds an event and says it.
    pub fn event(&mut self, event: &Event) -> Vec<String> {
        let distance = self.progress.distance.clone();
        self.brought = self.progress.bringing.as_ref().map(|state| state.to);
        self.progress.apply(event);
        self.tally.event(&self.course, event);
        let answered = self.requests.take(&event.kind);
        match &event.kind {
            EventKind::Opened { .. } | EventKind::Moved { .. } => self.hints.clear(),
            EventKind::CourseReloaded { course, gone, .. } => {
                self.course = course.clone().unwrap_or_else(|| self.course.clone());
                if gone.is_some() {
                    self.hints.clear();
                }
            }
            // The end of the input asks for it again.
            EventKind::Refused { .. } if answered == Some(CommandKind::Quit) => self.quitting = false,
            EventKind::Diff { files, .. } => {
                self.diff = files.iter().map(|file| diffrows::FileView::new(file.clone(), Vec::new())).collect();
            }
            EventKind::StepStarted { .. } => {
                self.raw.clear();
                self.tenth = 0;
            }
            // A deploy is told by its phases and resources; what the program prints meanwhile says the same again.
            EventKind::Output { stream: Stream::Stdout | Stream::Stderr, lines, .. } if self.deploys() => {
                self.raw.extend(lines.iter().cloned());
                self.raw.drain(..self.raw.len().saturating_sub(RAW));
                return Vec::new();
            }
            // The distance is news when it has changed, and an answer to who wanted to change it.
            EventKind::Distance { .. } => {
                let asked = self.requests.any(CommandKind::writes);
                if self.progress.distance == distance && !asked {
                    return Vec::new();
                }
            }
            // Every tenth part is enough to hear that it goes on.
            EventKind::LoadProgress { done, total, .. } => {
                let tenth = (done * 10).checked_div(*total).unwrap_or(0);
                if *done == 0 || tenth <= self.tenth {
                    return Vec::new();
                }
                self.tenth = tenth;
            }
            _ => {}
        }
        let plan = self.plan_words(&event.kind);
        let said = say::event(self, &event.kind).into_iter().chain(plan);
        said.map(|line| self.display_text(&line)).collect()
    }

    /// Returns whether the step that runs is a deploy.
    fn deploys(&self) -> bool {
        let running = self.progress.running.as_ref();
        let step = running.and_then(|at| at.of(&self.course));
        step.is_some_and(|step| matches!(step.action, StepAction::Deploy(_)))
    }

    /// Returns what must be stopped before the end.
    pub fn break_off(&mut self) -> Request {
        // Checks may run without a step.
        let command = if self.deploys() { Command::Detach } else { Command::Cancel };
        self.ask(command)
    }

    /// Makes a request of a command.
    pub fn ask(&mut self, command: Command) -> Request {
        self.requests.make(command)
    }

    /// Returns how it is left: by a script, with what that came to.
    pub fn exit(&self, script: bool) -> Exit {
        self.tally.kind().filter(|_| script).map_or(Exit::Left, Exit::Failed)
    }

    /// Returns what did not go well, in one line.
    pub fn verdict(&self) -> Option<String> {
        self.tally.line().map(|line| self.display_text(&line))
    }

    /// A line that was typed: what to ask the engine, and what to say at once.
    pub fn line(&mut self, line: &str) -> (Vec<Request>, Vec<String>) {
        let before = self.asked;
        let (asked, said) = self.understand(line);
        // Another line is no answer.
        if self.asked == before {
            self.asked = None;
        }
        let asked = asked.into_iter().map(|command| self.ask(command)).collect();
        (asked, said.iter().map(|line| self.display_text(line)).collect())
    }

    fn understand(&mut self, line: &str) -> (Vec<Command>, Vec<String>) {
        if (self.in_sql || !self.sql.is_empty()) && line.trim() != "cancel" {
            return self.sql_line(line);
        }
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        self.command(line, word, rest.trim())
    }

    /// Takes what a line names; what is not there is no success of a script.
    fn named(&mut self, line: &str, found: Result<Command, String>) -> (Vec<Command>, Vec<String>) {
        match found {
            Ok(command) => (vec![command], Vec::new()),
            Err(said) => {
                self.tally.misunderstood(line);
                (Vec::new(), vec![said])
            }
        }
    }

    fn command(&mut self, line: &str, word: &str, rest: &str) -> (Vec<Command>, Vec<String>) {
        let ask = |command| (vec![command], Vec::new());
        let tell = |lines: Vec<String>| (Vec::new(), lines);
        let to_database = matches!(word, "sql" | "s" | "session" | "retry") || word.starts_with('\\');
        if let Some(nothing) = words::nothing_for(Panel::Sql).filter(|_| to_database && !self.course.uses().asks) {
            return self.named(line, Err(format!("{nothing}.")));
        }
        match word {
            "" | "on" | "enter" => self.go_on(),
            "next" | "n" => ask(Command::Next),
            "back" | "b" => ask(Command::Back),
            "run" | "r" => ask(Command::Run),
            "go" | "g" => self.named(line, self.place(rest)),
            "statement" => ask(Command::RunStatement),
            "bring" | "failover" | "failback" => self.bring(if word == "bring" { rest } else { word }),
            "check" | "c" => self.named(line, self.checks(rest)),
            "sql" | "s" if rest.is_empty() => {
                self.in_sql = true;
                tell(vec!["Every line is SQL now. \\q comes back.".to_owned()])
            }
            "sql" | "s" => self.sql_line(rest),
            "session" => {
                self.session = (!rest.is_empty()).then(|| rest.to_owned());
                tell(vec![format!("SQL goes to the session {}.", self.session_name())])
            }
            "retry" => ask(Command::RetrySql { session: self.session_name() }),
            "diff" | "d" => self.named(line, self.difference(rest)),
            "apply" | "a" => self.named(line, self.change(rest, Change::Apply)),
            "undo" | "u" => self.named(line, self.change(rest, Change::Undo)),
            "restore" => self.restore(),
            "take" if rest == "course" => ask(Command::Settle { own: false }),
            "take" => {
                let text = "Say what to take: take course takes the course's lines where yours meet them.";
                self.named(line, Err(text.to_owned()))
            }
            "repair" | "f" => self.repair(),
            "text" | "t" => tell(say::step(self)),
            "hint" | "h" => tell(self.hint()),
            "notes" => tell(about::notes(self)),
            "status" => tell(about::status(self)),
            "outline" | "o" => tell(about::outline(self)),
            "outputs" => tell(about::outputs(self)),
            "log" if self.raw.is_empty() => tell(vec!["Nothing was printed that has not been told.".to_owned()]),
            "log" => tell(self.raw.iter().cloned().collect()),
            "cancel" => match (&self.progress.running, self.running_session()) {
                (None, Some(session)) => ask(Command::CancelSql { session }),
                (None, None) if !self.sql.is_empty() => {
                    self.sql.clear();
                    tell(vec!["The statement is thrown away.".to_owned()])
                }
                (Some(_), _) | (None, None) => ask(Command::Cancel),
            },
            "detach" => ask(Command::Detach),
            "pause" => ask(Command::Pause),
            "restart" if rest == "clock" => ask(Command::RestartClock),
            "begin" if rest == "again" || rest.starts_with("again ") => self.begin_again(rest["again".len()..].trim()),
            "begin" => tell(vec!["Say begin again, or begin again N for a chapter.".to_owned()]),
            "resume" => ask(Command::Resume),
            "prepare" => ask(Command::Prepare),
            "locate" => ask(Command::Locate),
            "redact" | "x" => {
                self.redact = !self.redact;
                let word = if self.redact { "hidden" } else { "shown" };
                tell(vec![format!("Account ids, ARNs, endpoints and tokens are {word}.")])
            }
            "quit" | "q" | "exit" => self.quit(),
            "help" | "?" => tell(HELP.lines().map(str::to_owned).collect()),
            other if other.starts_with('\\') => self.sql_line(line),
            other => {
                self.tally.misunderstood(other);
                tell(vec![format!("There is no command “{other}”. help lists them.")])
            }
        }
    }

    fn running_session(&self) -> Option<String> {
        self.progress.sessions.iter().find(|(_, s)| s.running.is_some()).map(|(name, _)| name.clone())
    }

    fn go_on(&self) -> (Vec<Command>, Vec<String>) {
        let (Some((_, _, step)), Some(here)) = (self.here(), self.step_ref()) else {
            return (Vec::new(), vec![STILL_STARTING.to_owned()]);
        };
        if self.progress.is_settled(&here, step) {
            if crate::tui::model::next_step(&self.course, &here).is_none() {
                return (Vec::new(), vec!["This was the last step of the course.".to_owned()]);
            }
            return (vec![Command::Next], Vec::new());
        }
        if self.progress.steps.get(&here).and_then(|s| s.verdict).is_some_and(|verdict| !verdict.is_good()) {
            let hint = self.hint_helps();
            let why = words::in_vain(&self.progress, &here, step);
            let text = format!("This step {why}. run tries again, next goes on without it{hint}.");
            return (Vec::new(), vec![text]);
        }
        (vec![Command::Run], Vec::new())
    }

    fn sql_line(&mut self, line: &str) -> (Vec<Command>, Vec<String>) {
        if self.sql.is_empty() && matches!(line.trim(), "\\q" | "quit" | "exit") {
            self.in_sql = false;
            return (Vec::new(), Vec::new());
        }
        if !self.sql.is_empty() {
            self.sql.push('\n');
        }
        self.sql.push_str(line);
        if self.sql.trim().is_empty() {
            self.sql.clear();
            return (Vec::new(), Vec::new());
        }
        if workshop_psql::entry::needs_more(&self.sql) {
            return (Vec::new(), Vec::new());
        }
        let text = std::mem::take(&mut self.sql);
        (vec![Command::Sql { session: self.session_name(), text, columns: None }], Vec::new())
    }

    fn restore(&self) -> (Vec<Command>, Vec<String>) {
        let kept = |(_, entry): &(&u64, &workshop_engine::progress::JournalState)| {
            matches!(entry.what, Journaled::Kept(_)) && !entry.restored
        };
        match self.progress.journal.iter().rev().find(kept) {
            Some((journal, _)) => (vec![Command::RestoreEdits { journal: *journal }], Vec::new()),
            None => (Vec::new(), vec!["No own edits were put aside.".to_owned()]),
        }
    }

    fn repair(&self) -> (Vec<Command>, Vec<String>) {
        let verdict = self.step_ref().and_then(|here| self.progress.steps.get(&here)?.verdict);
        match self.here() {
            // What failed for another reason is not mended by what the lesson has for the one that it means.
            Some((_, _, step))
                if matches!(step.expect, StepExpect::Failure(_))
                    && matches!(verdict, Some(Verdict::Fail | Verdict::Error)) =>
            {
                let text = "It failed for another reason than the one that its repair is for. run tries again.";
                (Vec::new(), vec![text.to_owned()])
            }
            Some((chapter, _, step)) if let Some(repair) = self.progress.repair(chapter, step) => {
                (vec![Command::GoTo { chapter: chapter.number, step: Some(repair.id.clone()) }], Vec::new())
            }
            _ => (Vec::new(), vec!["This step is not meant to fail.".to_owned()]),
        }
    }

    fn hint(&mut self) -> Vec<String> {
        let Some((of, hint)) = self.next_hint() else { return vec!["There are no more hints here.".to_owned()] };
        *self.hints.entry(of).or_default() += 1;
        self.prose(&hint)
    }

    fn quit(&mut self) -> (Vec<Command>, Vec<String>) {
        if let Some(running) = &self.progress.running {
            let title = self.title(running);
            let text = format!("“{title}” still runs: cancel ends it, detach leaves a deploy running in the cloud.");
            return (Vec::new(), vec![text]);
        }
        let is_open = |state: &&SessionState| state.open && matches!(state.tx, TxState::Open | TxState::Failed);
        let open = self.progress.sessions.iter().find(|(_, state)| is_open(state)).map(|(name, _)| name.clone());
        if let Some(name) = open.filter(|_| self.asks(Question::Leave)) {
            let text = format!(
                "Session {name} is in a transaction: nothing of it is kept unless it is committed. quit once more rolls it \
                 back and leaves."
            );
            return (Vec::new(), vec![text]);
        }
        self.quitting = true;
        (vec![Command::Quit], Vec::new())
    }
}

const HELP: &str = "\
enter            go on: run this step, or move to the next
next, back       move without running
run              run this step, again if need be
statement        run the next statement of this step alone
go 2, go 2.3     to a chapter, to a step
bring [2|back]   files, packages, stack and database as the chapter begins; or as they were before
failover         move the talk onto its local standby; failback: back to the AWS account
text, hint       this step's text once more; one more hint
repair           to the step that repairs an expected failure
check [ID]       run the chapter's checks, or one
sql SELECT 1;    run SQL; sql alone makes every line SQL until \\q
session NAME     send SQL to another session
retry            retry the transaction that ended in a conflict
diff [chapter|mine|own]  what this step changes, or the chapter; what your files lack; own lines beside the course's
apply [N|chapter], undo [N|chapter]   write or take back a hunk, this step, or the chapter
restore          bring back own edits that were put aside
take course      where own lines meet the course's: take those (diff own shows both)
notes            the presenter's notes
status           where you are, and the clock
outline          chapters and steps
outputs          what the stack gave out
log              what the deploy printed, line by line
cancel, detach   end what runs; leave a deploy running in the cloud
pause, resume    the stage clock; restart clock begins it again from zero
begin again [N]  ticks, clock, files and sandbox as they were before the first chapter on stage, or chapter N
prepare, locate  make ready again; look where things are
redact           hide identities, or show them
quit             leave; everything is kept";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;
    use workshop_engine::command::{Refusal, Scope};
    use workshop_engine::event::{CheckRef, Position, RequestOutcome};

    fn at(step: &str) -> Plain {
        let mut plain = Plain::new(fixture::course());
        let kind = EventKind::Moved { position: Position { chapter: 1, step: step.into() } };
        plain.event(&Event { seq: 1, at: 0, kind });
        plain
    }

    fn asked(plain: &mut Plain, line: &str) -> Vec<Command> {
        plain.line(line).0.into_iter().map(|request| request.command).collect()
    }

    fn done(id: u64, command: CommandKind, outcome: RequestOutcome) -> Event {
        Event { seq: 2, at: 0, kind: EventKind::Done { id, command, outcome } }
    }

    #[test]
    fn a_name_that_is_not_there_is_no_success_of_a_script() {
        for (line, well) in
            [("go 77", false), ("check nope", false), ("diff 9", false), ("outline", true), ("go 1", true)]
        {
            let mut plain = at("cluster");
            plain.line(line);
            assert_eq!(plain.verdict().is_none(), well, "{line}");
        }
    }

    #[test]
    fn every_line_of_the_help_is_understood() {
        let mut plain = at("cluster");
        for line in HELP.lines() {
            let word = line.split([' ', ',']).next().unwrap();
            let word = if word == "enter" { "" } else { word };
            let (_, said) = plain.line(word);
            assert!(!said.iter().any(|s| s.contains("There is no command")), "{word}");
            plain.line("\\q");
        }
    }

    #[test]
    fn words_become_commands() {
        let mut plain = at("cluster");
        assert_eq!(asked(&mut plain, ""), [Command::Run]);
        assert_eq!(asked(&mut plain, "go 1.2"), [Command::GoTo { chapter: 1, step: Some("deploy".into()) }]);
        assert_eq!(asked(&mut plain, "apply 2"), [Command::ApplyHunk { file: "cdk/stack.ts".into(), index: 1 }]);
        assert_eq!(asked(&mut plain, "undo chapter"), [Command::Undo { scope: Scope::Chapter(1) }]);
        assert!(asked(&mut plain, "apply 9").is_empty());
        let one = CheckRef { chapter: 1, check: "grants".into() };
        assert_eq!(asked(&mut plain, "check grants"), [Command::Check { checks: vec![one], must_fail: false }]);
    }

    #[test]
    fn sql_goes_on_until_its_semicolon() {
        let mut plain = at("cluster");
        assert!(asked(&mut plain, "sql select").is_empty());
        assert_eq!(plain.prompt(), "postgres-> ");
        let text = "select\nquit;".to_owned();
        assert_eq!(asked(&mut plain, "quit;"), [Command::Sql { session: "A".into(), text, columns: None }]);
        assert_eq!(plain.prompt(), "1.1 > ");
    }

    #[test]
    fn a_line_from_a_file_waits_for_the_one_before_to_its_own_end() {
        let mut plain = at("cluster");
        assert!(plain.is_idle());
        for (line, command) in [("check", CommandKind::Check), ("go 1.1", CommandKind::GoTo), ("run", CommandKind::Run)]
        {
            let id = plain.line(line).0[0].id;
            assert!(!plain.is_idle(), "{line}");
            plain.event(&done(id + 7, command, RequestOutcome::Complete));
            let problem = workshop_base::problem::Problem::environment("no space");
            plain.event(&Event { seq: 2, at: 0, kind: EventKind::Trouble { problem: problem.clone() } });
            assert!(!plain.is_idle(), "{line}: neither another's end nor a session that could not be saved");
            plain.event(&done(id, command, RequestOutcome::Failed(problem)));
            assert!(plain.is_idle(), "{line}");
        }
    }

    #[test]
    fn who_is_not_let_go_asks_again() {
        let mut plain = at("cluster");
        let id = plain.line("quit").0[0].id;
        let (command, because) = (CommandKind::Quit, Refusal::Busy);
        let kind = EventKind::Refused { id, command, because, reason: "a check is running".into() };
        plain.event(&Event { seq: 2, at: 0, kind });
        assert!(!plain.quitting && plain.is_idle());
    }
}

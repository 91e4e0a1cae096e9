//! Steps and their actions.

use std::time::Duration;

use super::builder::Builder;
use super::convert::{directory, minutes, pattern, timeout};
use crate::code::diff::TreeDiff;
use crate::lesson::format::*;
use crate::lesson::kinds;
use crate::lesson::lens::Lens;
use crate::lesson::model::*;
use workshop_base::problem::Problem;

impl Builder<'_> {
    pub fn step(&mut self, lens: Lens<'_>, raw: StepYaml, diff: &TreeDiff, checks: &[CheckYaml]) -> Step {
        let action = self.action(lens, &raw, diff, checks);
        let expect = match raw.expect {
            None | Some(StepExpectYaml::Word(SuccessYaml::Success)) => StepExpect::Success,
            Some(StepExpectYaml::Failure(_)) if lens.key("expect").is_broken() => StepExpect::Success,
            Some(StepExpectYaml::Failure(ExpectFailureYaml { failure })) => StepExpect::Failure(ExpectedFailure {
                matches: failure.matches.0,
                sqlstate: failure.sqlstate.map(|s| s.0),
                repaired_by: failure.repaired_by.0,
            }),
        };
        Step {
            id: raw.id.0,
            title: raw.title.0,
            budget: minutes(&raw.minutes),
            on_stage: raw.on_stage.unwrap_or(true),
            say: self.prose(lens.key("say"), &raw.say.0),
            notes: self.prose_option(lens.key("notes"), raw.notes.as_ref()),
            while_running: self.prose_option(lens.key("while_running"), raw.while_running.as_ref()),
            hints: self.prose_list(lens.key("hints"), &raw.hints),
            timeout: timeout(raw.timeout.as_ref()).unwrap_or(usual_time(action.kind())),
            action,
            expect,
            origin: lens.origin(),
        }
    }

    pub(super) fn action(
        &mut self,
        lens: Lens<'_>,
        raw: &StepYaml,
        diff: &TreeDiff,
        checks: &[CheckYaml],
    ) -> StepAction {
        if let Some(edit) = &raw.edit {
            StepAction::Edit(self.edit(lens.key("edit"), edit, diff))
        } else if let Some(deploy) = raw.deploy {
            StepAction::Deploy(deploy)
        } else if let Some(sql) = &raw.sql {
            let lens = lens.key("sql").key("statements");
            let statements = sql.statements.iter().enumerate();
            StepAction::Sql(SqlAction {
                statements: statements.map(|(i, s)| self.statement(lens.item(i), s)).collect(),
            })
        } else if let Some(shell) = &raw.shell {
            let lens = lens.key("shell");
            StepAction::Shell(ShellAction {
                run: self.template(lens.key("run"), &shell.run.0),
                cwd: directory(shell.cwd.as_ref()),
                installs: shell.installs.unwrap_or(false),
                matches: pattern(shell.matches.as_ref()),
            })
        } else if let Some(invoke) = &raw.invoke {
            let (payload, expect) = self.invoke(lens.key("invoke"), invoke);
            StepAction::Invoke(InvokeAction { payload, expect })
        } else if let Some(check) = &raw.check {
            StepAction::Check(self.checks_to_run(lens.key("check"), check, checks))
        } else if let Some(load) = &raw.load {
            let lens = lens.key("load");
            if load.concurrency > load.invocations {
                let problem = Problem::course("more invocations at once than there are")
                    .expected(format!("a `concurrency` of at most {}", load.invocations));
                lens.key("concurrency").report(self.problems, problem);
            }
            StepAction::Load(LoadAction {
                payload: self.template(lens.key("payload"), &load.payload.0),
                invocations: load.invocations,
                concurrency: load.concurrency,
                success_at_least: load.success_at_least,
            })
        } else {
            StepAction::Read
        }
    }

    /// The role that a session is connected as: what its first statement says, and from then on the same.
    fn role(&mut self, lens: Lens<'_>, session: &str, role: Option<&str>) -> String {
        let Some(open) = self.sessions.get(session) else {
            let role = role.unwrap_or("admin").to_owned();
            self.sessions.insert(session.to_owned(), role.clone());
            return role;
        };
        if role.is_some_and(|role| role != open) {
            let problem = Problem::course(format_args!("session `{session}` is connected as `{open}` already"))
                .expected(format!("`{open}`, or another session with `in`"))
                .hint("a session keeps the role it was opened with, from chapter to chapter");
            lens.report(self.problems, problem);
        }
        open.clone()
    }

    pub(super) fn checks_to_run(&mut self, lens: Lens<'_>, raw: &RunChecksYaml, checks: &[CheckYaml]) -> Vec<String> {
        let known: Vec<&str> = checks.iter().map(|check| check.id.0.as_str()).collect();
        let ids = match raw {
            RunChecksYaml::All(AllYaml::All) => {
                if known.is_empty() {
                    lens.report(self.problems, Problem::course("the chapter has no checks to run"));
                }
                return known.into_iter().map(str::to_owned).collect();
            }
            RunChecksYaml::Ids(ids) => ids,
        };
        if ids.is_empty() {
            lens.report(self.problems, Problem::course("`check` is empty").expected("`all`, or ids of checks"));
        }
        for (i, id) in ids.iter().enumerate() {
            let lens = lens.item(i);
            if !known.contains(&id.0.as_str()) {
                let mut problem = Problem::course(format_args!("the chapter has no check `{}`", id.0));
                problem.hint = kinds::did_you_mean(&id.0, &known);
                lens.report(self.problems, problem.expected(kinds::one_of(&known)));
            } else if ids[..i].iter().any(|earlier| earlier.0 == id.0) {
                lens.report(self.problems, Problem::course(format_args!("check `{}` is run twice", id.0)));
            }
        }
        ids.iter().map(|id| id.0.clone()).collect()
    }

    pub(super) fn statement(&mut self, lens: Lens<'_>, raw: &StatementYaml) -> SqlStatement {
        let session = raw.session.as_ref().map_or("main", |s| &s.0).to_owned();
        SqlStatement {
            role: self.role(lens.key("as"), &session, raw.role.as_ref().map(|role| role.0.as_str())),
            session,
            run: self.template(lens.key("run"), &raw.run.0),
            expect: self.sql_expect(lens.key("expect"), raw.expect.as_ref()),
        }
    }
}

/// How long an action of a kind may take when the lesson does not say.
fn usual_time(kind: ActionKind) -> Duration {
    Duration::from_secs(match kind {
        ActionKind::Read | ActionKind::Edit => 10,
        ActionKind::Sql | ActionKind::Invoke => 60,
        ActionKind::Check => 300,
        ActionKind::Shell | ActionKind::Load => 600,
        // A first deploy creates a database cluster; on AWS that alone can take minutes.
        ActionKind::Deploy => 1200,
    })
}

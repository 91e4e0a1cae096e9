//! Steps and their actions.

use std::collections::{BTreeMap, BTreeSet};

use super::builder::{Builder, Owner};
use super::convert::{directory, minutes, pattern, planned_wait, timeout, usual_timeout};
use crate::code::diff::TreeDiff;
use crate::lesson::format::*;
use crate::lesson::lens::Lens;
use crate::lesson::model::*;
use crate::lesson::template::Reference;
use crate::lesson::{json_path, kinds};
use workshop_base::problem::Problem;
use workshop_base::text::shortened;

impl Builder<'_> {
    fn step(&mut self, lens: Lens<'_>, raw: StepYaml, diff: &TreeDiff, checks: &[&CheckYaml]) -> Step {
        self.captured.clear();
        let action = self.action(lens, &raw, diff, checks);
        // When it is over, what it keeps is there.
        self.captured = own_captures(&raw, checks);
        let after = self.prose_option(lens.key("after"), raw.after.as_ref());
        self.captured.clear();
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
            title: self.title(lens.key("title"), &raw.title),
            budget: minutes(&raw.minutes),
            on_stage: raw.on_stage.unwrap_or(true),
            say: self.prose(lens.key("say"), &raw.say.0),
            notes: self.prose_option(lens.key("notes"), raw.notes.as_ref()),
            while_running: self.prose_option(lens.key("while_running"), raw.while_running.as_ref()),
            after,
            optional: raw.optional.unwrap_or(false),
            elsewhere: self.prose_option(lens.key("elsewhere"), raw.elsewhere.as_ref()),
            targets: raw.targets,
            part: None,
            hints: self.prose_list(lens.key("hints"), &raw.hints),
            timeout: timeout(raw.timeout.as_ref()).unwrap_or(usual_timeout(action.kind())),
            wait: planned_wait(raw.wait.as_ref()),
            action,
            expect,
            origin: lens.origin(),
        }
    }

    /// Builds what several actions share; when they are over, what they keep is there.
    fn whole(
        &mut self,
        lens: Lens<'_>,
        mut raw: StepYaml,
        kept: BTreeSet<String>,
        diff: &TreeDiff,
        checks: &[&CheckYaml],
    ) -> Step {
        let after = raw.after.take();
        let whole = self.step(lens, raw, diff, checks);
        self.captured = kept;
        let after = self.prose_option(lens.key("after"), after.as_ref());
        self.captured.clear();
        Step { after, ..whole }
    }

    /// Builds the action of a step; a step without one only reads.
    pub(super) fn action(
        &mut self,
        lens: Lens<'_>,
        raw: &StepYaml,
        diff: &TreeDiff,
        checks: &[&CheckYaml],
    ) -> StepAction {
        if let Some(edit) = &raw.edit {
            StepAction::Edit(self.edit(lens.key("edit"), edit, diff))
        } else if let Some(deploy) = &raw.deploy {
            StepAction::Deploy(self.deploy(lens.key("deploy"), deploy))
        } else if let Some(sql) = &raw.sql {
            let lens = lens.key("sql").key("statements");
            let statements = sql.statements.iter().enumerate();
            StepAction::Sql(SqlAction {
                statements: statements.map(|(i, s)| self.statement(lens.item(i), s)).collect(),
            })
        } else if let Some(shell) = &raw.shell {
            let lens = lens.key("shell");
            StepAction::Shell(ShellAction {
                run: self.command(lens.key("run"), &shell.run),
                cwd: directory(shell.cwd.as_ref()),
                installs: shell.installs.unwrap_or(false),
                matches: pattern(shell.matches.as_ref()),
                stdin: shell.stdin.as_ref().map(|text| self.template(lens.key("stdin"), &text.0)),
                capture: self.pattern_captures(lens.key("capture"), shell),
            })
        } else if let Some(invoke) = &raw.invoke {
            let lens = lens.key("invoke");
            let (payload, expect) = self.invoke(lens, invoke);
            let capture = self.captures(lens.key("capture"), invoke.capture.iter().map(|(name, p)| (name, &p.0)));
            let function = self.function(lens, invoke.function.as_ref());
            StepAction::Invoke(InvokeAction { function, payload, expect, capture })
        } else if let Some(check) = &raw.check {
            let ids: Vec<&str> = checks.iter().map(|check| check.id.0.as_str()).collect();
            StepAction::Check(self.checks_to_run(lens.key("check"), check, &ids))
        } else if let Some(load) = &raw.load {
            let lens = lens.key("load");
            if load.concurrency > load.invocations {
                let problem = Problem::course("more invocations at once than there are")
                    .expected(format!("a `concurrency` of at most {}", load.invocations));
                lens.key("concurrency").report(self.problems, problem);
            }
            let before = self.uses.len();
            let payload = self.template(lens.key("payload"), &load.payload.0);
            let mut used = self.uses.split_off(before);
            used.retain(
                |used| !matches!(&used.reference, Reference::Generated(name) if load.generate.contains_key(name)),
            );
            self.uses.append(&mut used);
            let generate = self.generators(lens.key("generate"), &load.generate);
            StepAction::Load(LoadAction {
                function: self.function(lens, load.function.as_ref()),
                payload,
                generate,
                warm_up: load.warm_up.unwrap_or(0),
                invocations: load.invocations,
                concurrency: load.concurrency,
                success_at_least: load.success_at_least,
                expect: self.figures(lens.key("expect"), &load.expect),
                capture: self.captured_figures(lens.key("capture"), &load.capture),
            })
        } else if let Some(serve) = &raw.serve {
            StepAction::Serve(self.serve(lens.key("serve"), serve))
        } else if let Some(stop) = &raw.stop {
            StepAction::Stop(self.stop(lens.key("stop"), stop))
        } else if let Some(simulate) = &raw.simulate {
            StepAction::Simulate(self.simulation(lens.key("simulate"), simulate))
        } else {
            StepAction::Read
        }
    }

    fn figures(&mut self, lens: Lens<'_>, raw: &[FigureBoundYaml]) -> Vec<(LoadFigure, NumberBound)> {
        let mut figures = Vec::new();
        for (i, one) in raw.iter().enumerate() {
            let bound = self.bound(lens.item(i), one.at_least.as_ref(), one.at_most.as_ref(), one.times);
            figures.extend(LoadFigure::parse(&one.figure.0).map(|figure| (figure, bound)));
        }
        figures
    }

    fn captured_figures(&mut self, lens: Lens<'_>, raw: &BTreeMap<String, FigureText>) -> Vec<(String, LoadFigure)> {
        let captures = self.captures(lens, raw.iter().map(|(name, figure)| (name, &figure.0)));
        captures.into_iter().filter_map(|(name, figure)| Some((name, LoadFigure::parse(&figure)?))).collect()
    }

    fn simulation(&mut self, lens: Lens<'_>, raw: &SimulateYaml) -> SimulateAction {
        let faults = raw.faults.as_ref();
        let times = [
            (FaultKind::WakingUp, faults.and_then(|faults| faults.waking_up)),
            (FaultKind::LostBeforeCommit, faults.and_then(|faults| faults.lost_before_commit)),
            (FaultKind::LostAfterCommit, faults.and_then(|faults| faults.lost_after_commit)),
            (FaultKind::Throttled, faults.and_then(|faults| faults.throttled)),
        ];
        let limits = raw.limits.as_ref().map(|limits| LimitSet {
            connections: limits.connections,
            connections_per_second: limits.connections_per_second,
            connection_burst: limits.connection_burst,
        });
        let action = SimulateAction {
            clock_ms: raw.clock.as_ref().and_then(|span| kinds::span_ms(&span.0)).unwrap_or(0),
            faults: times.into_iter().filter_map(|(fault, times)| Some((fault, times?))).collect(),
            limits: limits.filter(|limits| *limits != LimitSet::default()),
        };
        if action == SimulateAction::default() && !lens.is_broken() && !lens.key("clock").is_broken() {
            let problem = Problem::course("this simulates nothing");
            lens.report(self.problems, problem.expected("`clock`, `faults` or `limits`, with something in it"));
        }
        action
    }

    /// Builds a step, each of several actions as a step of its own, and where each is written.
    pub fn steps<'l>(
        &mut self,
        lens: Lens<'l>,
        mut raw: StepYaml,
        diff: &TreeDiff,
        checks: &[&CheckYaml],
    ) -> Vec<(Step, Lens<'l>)> {
        let Some(parts) = raw.actions.take().filter(|_| !lens.key("actions").is_broken()) else {
            return vec![(self.step(lens, raw, diff, checks), lens)];
        };
        let own = [("expect", raw.expect.is_some()), ("timeout", raw.timeout.is_some()), ("wait", raw.wait.is_some())];
        for (key, given) in own {
            if given {
                let problem = Problem::course(format_args!("a step of several actions has no `{key}` of its own"));
                lens.key(key)
                    .report(self.problems, problem.expected(format!("`{key}` in the action that it is about")));
            }
        }
        let parts: Vec<StepYaml> = parts.into_iter().map(step_of).collect();
        let kept = parts.iter().flat_map(|part| own_captures(part, checks)).collect();
        let whole = self.whole(lens, raw, kept, diff, checks);
        let of = u32::try_from(parts.len()).unwrap_or(u32::MAX).max(1);
        let mut steps: Vec<(Step, Lens<'l>)> = Vec::new();
        let texts = StepTexts::of(&whole);
        for (number, part) in (1..).zip(parts) {
            let lens = lens.key("actions").item(steps.len());
            let built = self.step(lens, part, diff, checks);
            let own = StepTexts::of(&built);
            let share = whole.budget / of;
            // What rounding leaves is the last one's, so that the minutes add up.
            let budget = if number == of { whole.budget.saturating_sub(share * (of - 1)) } else { share };
            let step = Step {
                id: if number == 1 { whole.id.clone() } else { format!("{}-{number}", whole.id) },
                budget,
                on_stage: whole.on_stage,
                optional: whole.optional,
                targets: whole.targets.clone(),
                part: Some(StepPart {
                    number,
                    of,
                    step: whole.id.clone(),
                    whole: texts.clone(),
                    own: own.clone(),
                    origin: whole.origin.clone(),
                }),
                ..built
            };
            steps.push((texts.of_part(&own, number, of).into_step(step), lens));
            if let Owner::Step(index) = &mut self.owner {
                *index += usize::from(number < of);
            }
        }
        steps
    }

    /// Returns what a statement keeps: those after it in the step may use it.
    fn statement_captures(&mut self, lens: Lens<'_>, raw: &StatementYaml) -> Vec<(String, String)> {
        let fails = raw.expect.as_ref().is_some_and(|expect| expect.sqlstate.is_some());
        if fails && !raw.capture.is_empty() {
            let problem = Problem::course("a statement that ends with an error has nothing to capture");
            lens.report(self.problems, problem.hint("take `capture` away, or capture in a statement after it"));
        }
        let captures = self.captures(lens, raw.capture.iter().map(|(name, column)| (name, &column.0)));
        self.captured.extend(captures.iter().map(|(name, _)| name.clone()));
        captures
    }

    /// Returns what a statement keeps of what it prints: those after it in the step may use it.
    fn printed_captures(&mut self, lens: Lens<'_>, raw: &StatementYaml) -> Vec<(String, String)> {
        let captures = self.captures(lens, raw.capture_printed.iter().map(|(name, pattern)| (name, &pattern.0)));
        self.captured.extend(captures.iter().map(|(name, _)| name.clone()));
        captures
    }

    fn generators(&mut self, lens: Lens<'_>, all: &BTreeMap<String, GeneratorYaml>) -> Vec<Generator> {
        let mut generators = Vec::new();
        for (name, raw) in all {
            let lens = lens.key(name);
            self.capture_name(lens, name);
            // Of two that must differ from one another, neither could be made first.
            let may = |other: &str| other != name && all.get(other).is_some_and(|other| other.differs_from.is_none());
            if let Some(other) = raw.differs_from.as_ref().filter(|other| !may(&other.0)) {
                let problem = Problem::course(format_args!(
                    "there is no generator `{}` here that this could differ from",
                    other.0
                ));
                lens.key("differs_from")
                    .report(self.problems, problem.expected("another of this load that differs from none itself"));
            }
            let kind = if let Some(range) = &raw.integer {
                if range.to < range.from {
                    let problem = Problem::course("the range ends before it begins");
                    lens.key("integer").report(self.problems, problem.expected("`from` at most `to`"));
                }
                GeneratorKind::Integer { from: range.from, to: range.to.max(range.from) }
            } else if let Some(values) = &raw.one_of {
                GeneratorKind::OneOf(values.clone())
            } else {
                if raw.uuid == Some(false) {
                    let problem = Problem::course("this makes nothing").expected("`uuid: true`");
                    lens.key("uuid").report(self.problems, problem);
                }
                GeneratorKind::Uuid
            };
            let alone = match &kind {
                GeneratorKind::Integer { from, to } => from == to,
                GeneratorKind::OneOf(values) => values.iter().all(|value| Some(value) == values.first()),
                GeneratorKind::Uuid => false,
            };
            if alone && raw.differs_from.is_some() {
                let problem =
                    Problem::course(format_args!("`{name}` has one value only, and cannot differ from another"));
                let hint = "give it more values, or take `differs_from` away";
                lens.report(self.problems, problem.hint(hint));
            }
            generators.push(Generator {
                name: name.clone(),
                kind,
                differs_from: raw.differs_from.as_ref().map(|name| name.0.clone()),
            });
        }
        // Whoever differs from another comes after it.
        generators.sort_by_key(|generator| generator.differs_from.is_some());
        generators
    }

    /// The role that a session is connected as: what its first statement says, and from then on the same.
    fn role(&mut self, lens: Lens<'_>, session: &str, role: Option<&str>) -> Option<String> {
        let Some(open) = self.sessions.get(session) else {
            let role = role.map(str::to_owned).or_else(|| self.usual_role.clone());
            self.sessions.insert(session.to_owned(), role.clone());
            return role;
        };
        if role.is_some() && role != open.as_deref() {
            let (by, same) = match open {
                Some(open) => (format!("as `{open}`"), format!("`{open}`")),
                None => ("as its address says".to_owned(), "no `as`".to_owned()),
            };
            let problem = Problem::course(format_args!("session `{session}` is connected {by} already"))
                .expected(format!("{same}, or another session with `in`"))
                .hint("a session keeps the role it was opened with, from chapter to chapter");
            lens.report(self.problems, problem);
        }
        open.clone()
    }

    /// Returns the ids of the checks to run, in order; those that the chapter does not have are reported.
    pub(super) fn checks_to_run(&mut self, lens: Lens<'_>, raw: &RunChecksYaml, known: &[&str]) -> Vec<String> {
        let ids = match raw {
            RunChecksYaml::All(AllYaml::All) => {
                if known.is_empty() {
                    let problem = Problem::course("the chapter has no checks to run");
                    lens.report(self.problems, problem.hint("add `checks:` to the chapter, or take this step away"));
                }
                return known.iter().map(|id| (*id).to_owned()).collect();
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
                problem.hint = kinds::did_you_mean(&id.0, known);
                let expected = if known.is_empty() { "a chapter with checks".to_owned() } else { kinds::one_of(known) };
                lens.report(self.problems, problem.expected(expected));
            } else if ids[..i].iter().any(|earlier| earlier.0 == id.0) {
                let problem = Problem::course(format_args!("check `{}` is run twice", id.0));
                lens.report(self.problems, problem.expected("each check once"));
            }
        }
        ids.iter().map(|id| id.0.clone()).collect()
    }

    /// Takes the values that a shell action keeps: each is the first group of a pattern.
    fn pattern_captures(&mut self, lens: Lens<'_>, shell: &ShellYaml) -> Vec<(String, String)> {
        for (name, pattern) in &shell.capture {
            if json_path::is_path(&pattern.0) {
                continue;
            }
            let groups = regex::Regex::new(&pattern.0).map(|pattern| pattern.captures_len() - 1);
            if groups.is_ok_and(|groups| groups == 0) {
                let problem = Problem::course(format_args!("the pattern of `{name}` has no group to keep"))
                    .expected("brackets around what is the value")
                    .hint(format!("as in `({})`", shortened(&pattern.0)));
                lens.key(name).report(self.problems, problem);
            }
        }
        self.captures(lens, shell.capture.iter().map(|(name, pattern)| (name, &pattern.0)))
    }

    /// Builds one statement, in the role that its session is connected as.
    pub(super) fn statement(&mut self, lens: Lens<'_>, raw: &StatementYaml) -> SqlStatement {
        let session = raw.session.as_ref().map_or("main", |s| &s.0).to_owned();
        SqlStatement {
            role: self.role(lens.key("as"), &session, raw.role.as_ref().map(|role| role.0.as_str())),
            session,
            run: self.template(lens.key("run"), &raw.run.0),
            expect: self.sql_expect(lens.key("expect"), raw.expect.as_ref()),
            capture: self.statement_captures(lens.key("capture"), raw),
            capture_printed: self.printed_captures(lens.key("capture_printed"), raw),
        }
    }
}

/// Returns the names of the values that a step keeps, those of the checks that it runs among them.
fn own_captures(raw: &StepYaml, checks: &[&CheckYaml]) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for statement in raw.sql.iter().flat_map(|sql| &sql.statements) {
        names.extend(statement.capture.keys().chain(statement.capture_printed.keys()).cloned());
    }
    names.extend(raw.shell.iter().flat_map(|shell| shell.capture.keys().cloned()));
    names.extend(raw.invoke.iter().flat_map(|invoke| invoke.capture.keys().cloned()));
    names.extend(raw.load.iter().flat_map(|load| load.capture.keys().cloned()));
    names.extend(raw.serve.iter().flat_map(|serve| serve.capture.keys().cloned()));
    let runs = |check: &&&CheckYaml| match &raw.check {
        Some(RunChecksYaml::All(_)) => true,
        Some(RunChecksYaml::Ids(ids)) => ids.iter().any(|id| id.0 == check.id.0),
        None => false,
    };
    names.extend(checks.iter().filter(runs).flat_map(|check| check.capture.keys().cloned()));
    names
}

/// A part as the step that it becomes; its texts and times that it does not say come from the step around it.
fn step_of(part: PartYaml) -> StepYaml {
    StepYaml {
        title: part.title.unwrap_or_default(),
        say: part.say.unwrap_or_default(),
        notes: part.notes,
        while_running: part.while_running,
        after: part.after,
        expect: part.expect,
        timeout: part.timeout,
        wait: part.wait,
        edit: part.edit,
        deploy: part.deploy,
        sql: part.sql,
        shell: part.shell,
        invoke: part.invoke,
        check: part.check,
        load: part.load,
        serve: part.serve,
        stop: part.stop,
        simulate: part.simulate,
        ..StepYaml::default()
    }
}

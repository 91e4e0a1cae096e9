//! From a chapter as it is written to the chapter of the model: values are converted and defaults
//! filled in. What must hold between parts of a chapter is in `rules`.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use super::lens::Lens;
use super::model::*;
use super::template::{self, Place, Reference};
use super::{kinds, raw};
use crate::code::diff::TreeDiff;
use workshop_base::problem::{Problem, Spot};

/// A reference to a captured value, for `rules` to prove that it is captured before.
pub struct Use {
    pub owner: Owner,
    pub capture: String,
    pub spot: Spot,
}

/// What uses a captured value: a step or a check, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Step(usize),
    Check(usize),
}

pub struct Builder<'p> {
    pub problems: &'p mut Vec<Problem>,
    pub uses: Vec<Use>,
    pub owner: Owner,
    /// Files of whose changes one is named wrongly, which was reported: whether another is left out cannot be known.
    pub doubtful: BTreeSet<String>,
}

impl Builder<'_> {
    pub fn step(&mut self, lens: Lens<'_>, raw: raw::Step, diff: &TreeDiff, checks: &[raw::Check]) -> Step {
        let action = self.action(lens, &raw, diff, checks);
        let expect = match raw.expect {
            None | Some(raw::Expect::Word(raw::Success::Success)) => Expect::Success,
            Some(raw::Expect::Failure(_)) if lens.key("expect").is_broken() => Expect::Success,
            Some(raw::Expect::Failure(raw::ExpectFailure { failure })) => Expect::Failure(ExpectedFailure {
                matches: failure.matches.0,
                sqlstate: failure.sqlstate.map(|s| s.0),
                repaired_by: failure.repaired_by.0,
            }),
        };
        Step {
            id: raw.id.0,
            title: raw.title.0,
            budget: minutes(&raw.minutes),
            say: raw.say.0,
            notes: text(raw.notes),
            while_running: text(raw.while_running),
            hints: texts(raw.hints),
            timeout: timeout(raw.timeout.as_ref()).unwrap_or(usual_time(action.kind())),
            action,
            expect,
            origin: lens.origin(),
        }
    }

    fn action(&mut self, lens: Lens<'_>, raw: &raw::Step, diff: &TreeDiff, checks: &[raw::Check]) -> Action {
        if let Some(edit) = &raw.edit {
            Action::Edit(self.edit(lens.key("edit"), edit, diff))
        } else if let Some(deploy) = raw.deploy {
            Action::Deploy(deploy)
        } else if let Some(sql) = &raw.sql {
            let lens = lens.key("sql").key("statements");
            let statements = sql.statements.iter().enumerate();
            Action::Sql(Sql { statements: statements.map(|(i, s)| self.statement(lens.item(i), s)).collect() })
        } else if let Some(shell) = &raw.shell {
            let lens = lens.key("shell");
            Action::Shell(Shell {
                run: self.template(lens.key("run"), &shell.run.0),
                cwd: directory(shell.cwd.as_ref()),
                installs: shell.installs.unwrap_or(false),
                matches: pattern(shell.matches.as_ref()),
            })
        } else if let Some(invoke) = &raw.invoke {
            let (payload, expect) = self.invoke(lens.key("invoke"), invoke);
            Action::Invoke(Invoke { payload, expect })
        } else if let Some(check) = &raw.check {
            Action::Check(self.checks_to_run(lens.key("check"), check, checks))
        } else if let Some(load) = &raw.load {
            let lens = lens.key("load");
            if load.concurrency > load.invocations {
                let problem = Problem::course("more invocations at once than there are")
                    .expected(format!("a `concurrency` of at most {}", load.invocations));
                lens.key("concurrency").report(self.problems, problem);
            }
            Action::Load(Load {
                payload: self.template(lens.key("payload"), &load.payload.0),
                invocations: load.invocations,
                concurrency: load.concurrency,
                success_at_least: load.success_at_least,
            })
        } else {
            Action::Read
        }
    }

    fn edit(&mut self, lens: Lens<'_>, raw: &raw::Edit, diff: &TreeDiff) -> Edit {
        if lens.is_broken() {
            return Edit { hunks: Vec::new() };
        }
        let mut hunks = Vec::new();
        match raw {
            raw::Edit::All(raw::All::All) => {
                for file in diff {
                    let of_file = |index| EditHunk { file: file.path.clone(), index, note: None };
                    hunks.extend((0..file.hunks.len()).map(of_file));
                }
            }
            raw::Edit::Changes(changes) => {
                for (i, change) in changes.iter().enumerate() {
                    hunks.extend(self.change(lens.item(i), change, diff));
                }
            }
        }
        // Applied in the order of the diff, whatever the order of the notes.
        hunks.sort_by_key(|hunk| (diff.iter().position(|f| f.path == hunk.file), hunk.index));
        Edit { hunks }
    }

    fn change(&mut self, lens: Lens<'_>, change: &raw::Change, diff: &TreeDiff) -> Vec<EditHunk> {
        let Some(file) = diff.iter().find(|file| file.path == change.file.0) else {
            let paths: Vec<&str> = diff.iter().map(|file| file.path.as_str()).collect();
            let mut problem = Problem::failed(format_args!("the chapter does not change `{}`", change.file.0));
            problem.hint = kinds::did_you_mean(&change.file.0, &paths);
            let expected = if paths.is_empty() {
                "no edit: the snapshots before and after the chapter are the same".to_owned()
            } else {
                format!("a file that differs between the snapshots: {}", kinds::list(&paths))
            };
            lens.key("file").report(self.problems, problem.expected(expected));
            self.doubtful.extend(paths.into_iter().map(str::to_owned));
            return Vec::new();
        };
        let mut note = text(change.note.clone());
        let mut hunk = |index| EditHunk { file: file.path.clone(), index, note: note.take() };
        if lens.key("match").is_broken() {
            self.doubtful.insert(file.path.clone());
            return Vec::new();
        }
        let Some(pattern) = &change.pattern else {
            return (0..file.hunks.len()).map(hunk).collect();
        };
        let holds = |index: &usize| file.hunks[*index].lines.iter().any(|line| line.text().contains(&pattern.0));
        let hits: Vec<usize> = (0..file.hunks.len()).filter(holds).collect();
        if hits.len() != 1 {
            self.doubtful.insert(file.path.clone());
        }
        match hits.as_slice() {
            [index] => vec![hunk(*index)],
            [] => {
                let problem = Problem::failed(format_args!("no change of `{}` holds this text", file.path))
                    .expected("text on a line that the chapter adds to the file or removes from it")
                    .hint(format!("see them with `workshop diff`; {}", changed_lines(file)));
                lens.key("match").report(self.problems, problem);
                Vec::new()
            }
            several => {
                let lines: Vec<String> =
                    several.iter().map(|&i| format!("line {}", file.hunks[i].after_start + 1)).collect();
                let problem =
                    Problem::failed(format_args!("{} changes of `{}` hold this text", several.len(), file.path))
                        .expected("text that only one of them holds")
                        .hint(format!("they are at {} of the new file", lines.join(" and ")));
                lens.key("match").report(self.problems, problem);
                Vec::new()
            }
        }
    }

    fn checks_to_run(&mut self, lens: Lens<'_>, raw: &raw::RunChecks, checks: &[raw::Check]) -> Vec<String> {
        let known: Vec<&str> = checks.iter().map(|check| check.id.0.as_str()).collect();
        let ids = match raw {
            raw::RunChecks::All(raw::All::All) => {
                if known.is_empty() {
                    lens.report(self.problems, Problem::course("the chapter has no checks to run"));
                }
                return known.into_iter().map(str::to_owned).collect();
            }
            raw::RunChecks::Ids(ids) => ids,
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

    fn statement(&mut self, lens: Lens<'_>, raw: &raw::Statement) -> Statement {
        Statement {
            session: raw.session.as_ref().map_or("main", |s| &s.0).to_owned(),
            role: raw.role.as_ref().map_or("admin", |r| &r.0).to_owned(),
            run: self.template(lens.key("run"), &raw.run.0),
            expect: self.sql_expect(lens.key("expect"), raw.expect.as_ref()),
        }
    }

    fn sql_expect(&mut self, lens: Lens<'_>, raw: Option<&raw::SqlExpect>) -> SqlExpect {
        let Some(raw) = raw else { return SqlExpect::default() };
        let success = [("rows", raw.rows.is_some()), ("count", raw.count.is_some())];
        if let (Some(_), Some((key, _))) = (&raw.sqlstate, success.iter().find(|(_, given)| *given)) {
            let problem = Problem::course(format_args!("`{key}` and `sqlstate` cannot both hold"))
                .hint("a statement that ends with an error has no rows: keep one of the two");
            lens.key("sqlstate").report(self.problems, problem);
        }
        let rows = raw.rows.as_ref().map(|rows| {
            let lens = lens.key("rows");
            let row = |(r, row): (usize, &Vec<raw::Cell>)| {
                let lens = lens.item(r);
                row.iter().enumerate().map(|(c, cell)| self.cell(lens.item(c), cell)).collect()
            };
            rows.iter().enumerate().map(row).collect()
        });
        SqlExpect {
            rows,
            count: raw.count,
            matches: pattern(raw.matches.as_ref()),
            sqlstate: raw.sqlstate.as_ref().map(|s| s.0.clone()),
        }
    }

    fn cell(&mut self, lens: Lens<'_>, cell: &raw::Cell) -> Option<Template> {
        match cell {
            raw::Cell::Text(text) => Some(self.template(lens, &text.0)),
            raw::Cell::Number(number) => Some(Template(number.to_string())),
            raw::Cell::Null(()) => None,
        }
    }

    fn invoke(&mut self, lens: Lens<'_>, raw: &raw::Invoke) -> (Template, LambdaExpect) {
        let payload = self.template(lens.key("payload"), &raw.payload.0);
        let expects = lens.key("expect");
        if raw.error.is_some() && !raw.expect.is_empty() {
            let problem = Problem::course("`expect` and `error` cannot both hold")
                .hint("an invocation that ends with an error has no response: keep one of the two");
            lens.key("error").report(self.problems, problem);
        }
        let response = raw.expect.iter().enumerate();
        let response = response.filter_map(|(i, assertion)| self.assertion(expects.item(i), assertion)).collect();
        (payload, LambdaExpect { response, error: pattern(raw.error.as_ref()) })
    }

    /// `None` when it says nothing, which `shape` has reported.
    fn assertion(&mut self, lens: Lens<'_>, raw: &raw::Assertion) -> Option<JsonExpect> {
        let is = if let Some(value) = &raw.equals {
            self.templates_in(lens.key("equals"), value);
            JsonIs::Equals(value.clone())
        } else if let Some(pattern) = &raw.matches {
            JsonIs::Matches(pattern.0.clone())
        } else if let Some(number) = &raw.number {
            let lens = lens.key("number");
            let equals = match &number.equals {
                raw::NumberOrTemplate::Number(number) => Template(number.to_string()),
                raw::NumberOrTemplate::Template(text) => self.template(lens.key("equals"), &text.0),
            };
            JsonIs::Number { equals, plus: number.plus.unwrap_or(0) }
        } else {
            JsonIs::Exists(raw.exists?)
        };
        Some(JsonExpect { path: raw.path.0.clone(), is })
    }

    /// Checks the texts in a free value, which `shape` does not look into.
    fn templates_in(&mut self, lens: Lens<'_>, value: &Value) {
        match value {
            Value::String(text) => {
                for error in template::check(text, Place::Plain) {
                    let spot = error.snippet().map_or(lens.spot(), |snippet| lens.spot_of(&snippet, 0));
                    self.problems.push(Problem::course(&error).hint(error.hint()).at(spot));
                }
                self.template(lens, text);
            }
            Value::Array(items) => items.iter().for_each(|item| self.templates_in(lens, item)),
            Value::Object(map) => map.values().for_each(|item| self.templates_in(lens, item)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn template(&mut self, lens: Lens<'_>, text: &str) -> Template {
        if !lens.is_broken() {
            for reference in template::references(text) {
                let Reference::Capture(capture) = reference else { continue };
                let spot = lens.spot_of(&format!("${{capture.{capture}}}"), 0);
                self.uses.push(Use { owner: self.owner, capture, spot });
            }
        }
        Template(text.to_owned())
    }

    /// `None` when it proves nothing, which `shape` has reported.
    pub fn check(&mut self, lens: Lens<'_>, raw: raw::Check) -> Option<Check> {
        let kind = self.check_kind(lens, &raw)?;
        for (name, source) in &raw.capture {
            self.capture(lens.key("capture").key(name), name, &source.0, &kind);
        }
        let eventually = raw.eventually.as_ref().map(|e| Eventually {
            within: timeout(Some(&e.within)).unwrap_or_default(),
            every: timeout(Some(&e.every)).unwrap_or_default(),
        });
        if let Some(eventually) = eventually.filter(|e| e.every > e.within) {
            let problem = Problem::course("`every` is longer than `for`")
                .expected(format!("a pause of at most {:?}", eventually.within));
            lens.key("eventually").key("every").report(self.problems, problem);
        }
        Some(Check {
            id: raw.id.0,
            title: raw.title.0,
            timeout: timeout(raw.timeout.as_ref()).unwrap_or(usual_attempt(&kind)),
            kind,
            eventually,
            capture: raw.capture.into_iter().map(|(name, source)| (name, source.0)).collect(),
            on_fail: text(raw.on_fail),
            hints: texts(raw.hints),
            origin: lens.origin(),
        })
    }

    fn check_kind(&mut self, lens: Lens<'_>, raw: &raw::Check) -> Option<CheckKind> {
        Some(if let Some(invoke) = &raw.lambda {
            let (payload, expect) = self.invoke(lens.key("lambda"), invoke);
            CheckKind::Lambda { payload, expect }
        } else if let Some(sql) = &raw.sql {
            let lens = lens.key("sql");
            CheckKind::Sql {
                role: sql.role.as_ref().map_or("admin", |r| &r.0).to_owned(),
                query: self.template(lens.key("query"), &sql.query.0),
                expect: self.sql_expect(lens.key("expect"), sql.expect.as_ref()),
            }
        } else if let Some(stack) = &raw.stack {
            if stack.status.is_empty() && stack.outputs.is_empty() && stack.resources.is_empty() {
                let problem = Problem::course("the stack check says nothing to prove");
                lens.key("stack").report(self.problems, problem.expected("`status`, `outputs` or `resources`"));
            }
            CheckKind::Stack {
                status: texts(stack.status.clone()),
                outputs: texts(stack.outputs.clone()),
                resources: texts(stack.resources.clone()),
            }
        } else if let Some(file) = &raw.file {
            let is = match (&file.equals, &file.contains, &file.lacks) {
                (Some(raw::Snapshot::Snapshot), _, _) => FileIs::EqualsSnapshot,
                (None, Some(text), _) => FileIs::Contains(text.0.clone()),
                (None, None, Some(text)) => FileIs::Lacks(text.0.clone()),
                (None, None, None) => return None,
            };
            CheckKind::File { path: file.path.0.clone(), is }
        } else if let Some(command) = &raw.command {
            CheckKind::Command {
                run: self.template(lens.key("command").key("run"), &command.run.0),
                cwd: directory(command.cwd.as_ref()),
                exit_code: command.exit_code.unwrap_or(0),
                matches: pattern(command.matches.as_ref()),
            }
        } else {
            let plan = raw.plan.as_ref()?;
            let lens = lens.key("plan");
            if plan.matches.is_empty() && plan.rejects.is_empty() {
                let problem = Problem::course("the plan check says nothing to prove");
                lens.report(self.problems, problem.expected("`matches` or `rejects`"));
            }
            CheckKind::Plan {
                query: self.template(lens.key("query"), &plan.query.0),
                analyze: plan.analyze.unwrap_or(false),
                matches: plan.matches.iter().map(|p| p.0.clone()).collect(),
                rejects: plan.rejects.iter().map(|p| p.0.clone()).collect(),
            }
        })
    }

    fn capture(&mut self, lens: Lens<'_>, name: &str, source: &str, kind: &CheckKind) {
        if Reference::parse(&format!("capture.{name}")).is_none() {
            let problem = Problem::course(format_args!("`{name}` cannot be referred to"));
            lens.report(self.problems, problem.expected("a name of letters, digits and underscores"));
        }
        match kind {
            CheckKind::Lambda { .. } => {
                if serde_json_path::JsonPath::parse(source).is_err() {
                    let problem = Problem::course(format_args!("`{source}` is not a JSONPath"));
                    lens.report(self.problems, problem.expected("a JSONPath such as `$.balance`"));
                }
            }
            CheckKind::Sql { .. } => {}
            CheckKind::Stack { .. } | CheckKind::File { .. } | CheckKind::Command { .. } | CheckKind::Plan { .. } => {
                let problem = Problem::course("this kind of check has nothing to capture");
                lens.report(self.problems, problem.expected("`capture` on a `lambda` or `sql` check"));
            }
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

/// How long one attempt of a check may take when the lesson does not say.
fn usual_attempt(kind: &CheckKind) -> Duration {
    Duration::from_secs(match kind {
        CheckKind::File { .. } => 5,
        CheckKind::Stack { .. } | CheckKind::Sql { .. } | CheckKind::Plan { .. } => 30,
        CheckKind::Lambda { .. } => 60,
        CheckKind::Command { .. } => 120,
    })
}

pub fn minutes(minutes: &raw::Minutes) -> Duration {
    Duration::try_from_secs_f64(minutes.0 * 60.0).unwrap_or_default()
}

fn timeout(raw: Option<&raw::Duration>) -> Option<Duration> {
    raw.and_then(|duration| kinds::duration(&duration.0))
}

fn text(raw: Option<raw::Text>) -> Option<String> {
    raw.map(|text| text.0)
}

fn texts(raw: Vec<raw::Text>) -> Vec<String> {
    raw.into_iter().map(|text| text.0).collect()
}

fn pattern(raw: Option<&raw::Pattern>) -> Option<String> {
    raw.map(|pattern| pattern.0.clone())
}

/// The root of the working directory is the empty path.
fn directory(raw: Option<&raw::Text>) -> String {
    let path = raw.map_or(".", |cwd| cwd.0.trim_start_matches("./").trim_end_matches('/'));
    if path == "." { String::new() } else { path.to_owned() }
}

fn changed_lines(file: &crate::code::diff::FileDiff) -> String {
    let lines: Vec<String> = file
        .hunks
        .iter()
        .filter_map(|h| h.lines.iter().rev().find(|l| !l.text().trim().is_empty()))
        .map(|l| format!("`{}`", l.text().trim()))
        .take(3)
        .collect();
    format!("one of the changed lines is {}", lines.join(", another "))
}

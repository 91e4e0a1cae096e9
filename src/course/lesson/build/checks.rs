//! Checks and what they capture.

use std::time::Duration;

use super::builder::Builder;
use super::convert::{directory, pattern, texts, timeout};
use super::processes::no_text_in_head;
use crate::lesson::format::*;
use crate::lesson::kinds;
use crate::lesson::lens::Lens;
use crate::lesson::model::*;
use crate::lesson::template;
use workshop_base::problem::Problem;
use workshop_base::text::shortened;

impl Builder<'_> {
    /// `None` when it proves nothing, which `shape` has reported.
    pub fn check(&mut self, lens: Lens<'_>, raw: CheckYaml) -> Option<Check> {
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
            title: self.title(lens.key("title"), &raw.title),
            timeout: timeout(raw.timeout.as_ref()).unwrap_or(usual_attempt(&kind)),
            kind,
            eventually,
            capture: raw.capture.into_iter().map(|(name, source)| (name, source.0)).collect(),
            on_fail: self.prose_option(lens.key("on_fail"), raw.on_fail.as_ref()),
            hints: self.prose_list(lens.key("hints"), &raw.hints),
            origin: lens.origin(),
        })
    }

    /// Builds what a check proves; `None` when it proves nothing, which `shape` has reported.
    pub(super) fn check_kind(&mut self, lens: Lens<'_>, raw: &CheckYaml) -> Option<CheckKind> {
        Some(if let Some(invoke) = &raw.lambda {
            let lens = lens.key("lambda");
            if !invoke.capture.is_empty() {
                let problem = Problem::course("a check keeps values with a `capture` of its own");
                let problem = problem.expected("`capture` beside `lambda`, not in it");
                lens.key("capture").report(self.problems, problem);
            }
            let (payload, expect) = self.invoke(lens, invoke);
            let function = self.function(lens, invoke.function.as_ref());
            CheckKind::Lambda { function, payload, expect }
        } else if let Some(sql) = &raw.sql {
            let lens = lens.key("sql");
            CheckKind::Sql {
                role: sql.role.as_ref().map(|role| role.0.clone()).or_else(|| self.usual_role.clone()),
                query: self.template(lens.key("query"), &sql.query.0),
                expect: self.sql_expect(lens.key("expect"), sql.expect.as_ref()),
            }
        } else if let Some(stack) = &raw.stack {
            if stack.status.is_empty() && stack.outputs.is_empty() && stack.resources.is_empty() {
                let problem = Problem::course("the stack check says nothing to prove");
                lens.key("stack").report(self.problems, problem.expected("`status`, `outputs` or `resources`"));
            }
            for (i, status) in
                stack.status.iter().enumerate().filter(|(_, status)| !STATUSES.contains(&status.0.as_str()))
            {
                let mut problem = Problem::course(format_args!("`{}` is no status of a stack", shortened(&status.0)))
                    .expected("a status of CloudFormation's, `CREATE_COMPLETE`");
                problem.hint = kinds::did_you_mean(&status.0, &STATUSES);
                lens.key("stack").key("status").item(i).report(self.problems, problem);
            }
            CheckKind::Stack {
                name: stack.name.as_ref().map(|name| name.0.clone()),
                status: texts(stack.status.clone()),
                outputs: texts(stack.outputs.clone()),
                resources: texts(stack.resources.clone()),
            }
        } else if let Some(file) = &raw.file {
            CheckKind::File { path: file.path.0.clone(), is: self.file_is(lens.key("file"), file)? }
        } else if let Some(command) = &raw.command {
            CheckKind::Command {
                run: self.command(lens.key("command").key("run"), &command.run),
                cwd: directory(command.cwd.as_ref()),
                exit_code: command.exit_code.unwrap_or(0),
                matches: pattern(command.matches.as_ref()),
                stdin: command.stdin.as_ref().map(|text| self.template(lens.key("command").key("stdin"), &text.0)),
            }
        } else if let Some(http) = &raw.http {
            CheckKind::Http(self.http(lens.key("http"), http))
        } else {
            let plan = raw.plan.as_ref()?;
            let lens = lens.key("plan");
            if plan.matches.is_empty() && plan.rejects.is_empty() && plan.numbers.is_empty() {
                let problem = Problem::course("the plan check says nothing to prove");
                lens.report(self.problems, problem.expected("`matches`, `rejects` or `numbers`"));
            }
            CheckKind::Plan {
                query: self.template(lens.key("query"), &plan.query.0),
                analyze: plan.analyze.unwrap_or(false),
                matches: plan.matches.iter().map(|p| p.0.clone()).collect(),
                rejects: plan.rejects.iter().map(|p| p.0.clone()).collect(),
                numbers: self.numbers_in_text(lens.key("numbers"), &plan.numbers),
            }
        })
    }

    /// `None` when it proves nothing, which `shape` has reported.
    fn file_is(&mut self, lens: Lens<'_>, file: &FileCheckYaml) -> Option<FileIs> {
        Some(if let Some(SnapshotYaml::Snapshot) = file.equals {
            FileIs::EqualsSnapshot
        } else if let Some(text) = &file.contains {
            FileIs::Contains(text.0.clone())
        } else if let Some(text) = &file.lacks {
            FileIs::Lacks(text.0.clone())
        } else if let Some(pattern) = &file.matches {
            FileIs::Matches(pattern.0.clone())
        } else if let Some(pattern) = &file.lacks_match {
            FileIs::LacksMatch(pattern.0.clone())
        } else if let Some(exists) = file.exists {
            FileIs::Exists(exists)
        } else {
            let lens = lens.key("json");
            let assertions = file.json.as_ref()?;
            if assertions.is_empty() {
                lens.report(self.problems, Problem::course("`json` is empty").expected("at least one assertion"));
            }
            for (i, one) in assertions.iter().enumerate() {
                self.without_references(lens.item(i), one);
            }
            let assertions = assertions.iter().enumerate();
            FileIs::Json(assertions.filter_map(|(i, one)| self.assertion(lens.item(i), one)).collect())
        })
    }

    /// A file is judged whenever it is saved, also when nothing is deployed: references would have no values.
    fn without_references(&mut self, lens: Lens<'_>, one: &AssertionYaml) {
        let number = match one.number.as_ref().map(|number| &number.equals) {
            Some(NumberOrTemplateYaml::Template(text)) => template::references(&text.0).len(),
            Some(NumberOrTemplateYaml::Number(_)) | None => 0,
        };
        let value = one.equals.as_ref().map_or(0, |value| template::references(&value.to_string()).len());
        if number + value > 0 {
            let problem = Problem::course("a check of a file takes no references").expected("a value written out");
            lens.report(self.problems, problem);
        }
    }

    /// Reports a capture of a check that has no such source.
    pub(super) fn capture(&mut self, lens: Lens<'_>, name: &str, source: &str, kind: &CheckKind) {
        self.capture_name(lens, name);
        match kind {
            CheckKind::Http(http) if http.method == "HEAD" => lens.report(self.problems, no_text_in_head()),
            CheckKind::Sql { expect: SqlExpect { sqlstate: Some(_), .. }, .. } => {
                let problem = Problem::course("a query that ends with an error has nothing to capture");
                lens.report(self.problems, problem.hint("take `capture` away, or capture in a check after it"));
            }
            CheckKind::Lambda { .. } | CheckKind::Http(_) => {
                for (problem, _) in kinds::check("path", source, name, "a JSONPath such as `$.balance`") {
                    lens.report(self.problems, problem);
                }
            }
            CheckKind::Command { .. } => {
                for (problem, _) in kinds::check("capture", source, name, "a pattern, or a JSONPath such as `$.id`") {
                    lens.report(self.problems, problem);
                }
            }
            CheckKind::Sql { .. } => {}
            CheckKind::Plan { .. } => {
                if regex::Regex::new(source).is_err() {
                    let problem = Problem::course(format_args!("`{source}` is not a regular expression"));
                    lens.report(self.problems, problem.expected("a pattern such as `Total: ([0-9.]+)`"));
                }
            }
            CheckKind::Stack { .. } | CheckKind::File { .. } => {
                let problem = Problem::course("this kind of check has nothing to capture");
                lens.report(
                    self.problems,
                    problem.expected("`capture` on a `lambda`, `sql`, `http`, `plan` or `command` check"),
                );
            }
        }
    }
}

/// The statuses of a stack.
/// Source: AWS CloudFormation API reference, "Stack", 2026-11-29.
const STATUSES: [&str; 23] = [
    "CREATE_IN_PROGRESS",
    "CREATE_FAILED",
    "CREATE_COMPLETE",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_FAILED",
    "ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS",
    "DELETE_FAILED",
    "DELETE_COMPLETE",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE",
    "REVIEW_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_IN_PROGRESS",
    "IMPORT_ROLLBACK_FAILED",
    "IMPORT_ROLLBACK_COMPLETE",
];

/// Returns how long one attempt of a check may take when the lesson does not say.
fn usual_attempt(kind: &CheckKind) -> Duration {
    Duration::from_secs(match kind {
        CheckKind::File { .. } => 5,
        CheckKind::Stack { .. } | CheckKind::Sql { .. } | CheckKind::Plan { .. } | CheckKind::Http(_) => 30,
        CheckKind::Lambda { .. } => 60,
        CheckKind::Command { .. } => 120,
    })
}

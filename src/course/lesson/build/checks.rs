//! Checks and what they capture.

use std::time::Duration;

use super::builder::Builder;
use super::convert::{directory, pattern, text, texts, timeout};
use crate::lesson::format::*;
use crate::lesson::lens::Lens;
use crate::lesson::model::*;
use crate::lesson::template::Reference;
use workshop_base::problem::Problem;

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

    pub(super) fn check_kind(&mut self, lens: Lens<'_>, raw: &CheckYaml) -> Option<CheckKind> {
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
                (Some(SnapshotYaml::Snapshot), _, _) => FileIs::EqualsSnapshot,
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

    pub(super) fn capture(&mut self, lens: Lens<'_>, name: &str, source: &str, kind: &CheckKind) {
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

/// How long one attempt of a check may take when the lesson does not say.
fn usual_attempt(kind: &CheckKind) -> Duration {
    Duration::from_secs(match kind {
        CheckKind::File { .. } => 5,
        CheckKind::Stack { .. } | CheckKind::Sql { .. } | CheckKind::Plan { .. } => 30,
        CheckKind::Lambda { .. } => 60,
        CheckKind::Command { .. } => 120,
    })
}

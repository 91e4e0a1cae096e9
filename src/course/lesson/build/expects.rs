//! Expectations on answers: rows, JSON values, numbers.

use super::builder::Builder;
use super::convert::pattern;
use crate::lesson::format::*;
use crate::lesson::lens::Lens;
use crate::lesson::model::*;
use workshop_base::problem::Problem;

impl Builder<'_> {
    /// Builds what a statement must answer; without an expectation any success will do.
    pub(super) fn sql_expect(&mut self, lens: Lens<'_>, raw: Option<&SqlExpectYaml>) -> SqlExpect {
        let Some(raw) = raw else { return SqlExpect::default() };
        let success = [("rows", raw.rows.is_some()), ("count", raw.count.is_some())];
        if let (Some(_), Some((key, _))) = (&raw.sqlstate, success.iter().find(|(_, given)| *given)) {
            let problem = Problem::course(format_args!("`{key}` and `sqlstate` cannot both hold"))
                .hint("a statement that ends with an error has no rows: keep one of the two");
            lens.key("sqlstate").report(self.problems, problem);
        }
        let rows = raw.rows.as_ref().map(|rows| {
            let lens = lens.key("rows");
            let row = |(r, row): (usize, &Vec<CellYaml>)| {
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
            numbers: self.numbers_in_text(lens.key("numbers"), &raw.numbers),
        }
    }

    /// Builds what numbers in a text must be.
    pub(super) fn numbers_in_text(&mut self, lens: Lens<'_>, raw: &[NumberInTextYaml]) -> Vec<NumberInText> {
        let mut numbers = Vec::new();
        for (i, one) in raw.iter().enumerate() {
            let lens = lens.item(i);
            self.one_group(lens.key("pattern"), &one.pattern.0);
            let bound = self.bound(lens, one.at_least.as_ref(), one.at_most.as_ref(), one.times);
            numbers.push(NumberInText { pattern: one.pattern.0.clone(), bound });
        }
        numbers
    }

    /// Reports a pattern that does not say which part of what it matches is the number.
    fn one_group(&mut self, lens: Lens<'_>, pattern: &str) {
        if regex::Regex::new(pattern).is_ok_and(|regex| regex.captures_len() < 2) {
            let problem = Problem::course("the pattern does not say what the number is");
            lens.report(self.problems, problem.expected("a group around it, as in `Rows Filtered: ([0-9]+)`"));
        }
    }

    /// Builds what a number must be.
    pub(super) fn bound(
        &mut self,
        lens: Lens<'_>,
        at_least: Option<&AmountYaml>,
        at_most: Option<&AmountYaml>,
        times: Option<f64>,
    ) -> NumberBound {
        if at_least.is_none() && at_most.is_none() {
            let problem = Problem::course("this says nothing that the number must be");
            lens.report(self.problems, problem.expected("`at_least`, `at_most`, or both"));
        }
        if let (Some(AmountYaml::Number(least)), Some(AmountYaml::Number(most))) = (at_least, at_most)
            && least > most
        {
            let problem = Problem::course("no number is at least the one and at most the other");
            lens.key("at_most").report(self.problems, problem.expected(format!("at least {least}")));
        }
        let mut amount = |key: &str, raw: Option<&AmountYaml>| {
            raw.map(|raw| match raw {
                AmountYaml::Number(number) => Template(number.to_string()),
                AmountYaml::Template(text) => self.template(lens.key(key), &text.0),
            })
        };
        let (at_least, at_most) = (amount("at_least", at_least), amount("at_most", at_most));
        NumberBound { at_least, at_most, times: times.unwrap_or(1.0) }
    }

    /// Returns one value of an expected row; `None` is NULL.
    pub(super) fn cell(&mut self, lens: Lens<'_>, cell: &CellYaml) -> Option<Template> {
        match cell {
            CellYaml::Text(text) => Some(self.template(lens, &text.0)),
            CellYaml::Number(number) => Some(Template(number.to_string())),
            CellYaml::Null(()) => None,
        }
    }

    /// Returns the payload of an invocation and what it must answer.
    pub(super) fn invoke(&mut self, lens: Lens<'_>, raw: &InvokeYaml) -> (Template, LambdaExpect) {
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
    pub(super) fn assertion(&mut self, lens: Lens<'_>, raw: &AssertionYaml) -> Option<JsonExpect> {
        let is = if let Some(value) = &raw.equals {
            self.templates_in(lens.key("equals"), value);
            JsonIs::Equals(value.clone())
        } else if let Some(pattern) = &raw.matches {
            JsonIs::Matches(pattern.0.clone())
        } else if let Some(number) = &raw.number {
            let lens = lens.key("number");
            let equals = match &number.equals {
                NumberOrTemplateYaml::Number(number) => Template(number.to_string()),
                NumberOrTemplateYaml::Template(text) => self.template(lens.key("equals"), &text.0),
            };
            JsonIs::Number { equals, plus: number.plus.unwrap_or(0) }
        } else {
            JsonIs::Exists(raw.exists?)
        };
        Some(JsonExpect { path: raw.path.0.clone(), is })
    }
}

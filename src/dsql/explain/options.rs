//! What an EXPLAIN statement asks for, and what PostgreSQL is asked in its place.

use crate::statement::{ExplainFormat, ExplainOptions};
use crate::words::Words;
use workshop_base::sql::TokenKind as T;

impl ExplainOptions {
    /// Returns what PostgreSQL is asked: the same, in JSON.
    pub fn prefix(&self) -> String {
        let mut all = self.others.clone();
        if self.analyze {
            all.insert(0, "ANALYZE".into());
        }
        all.push("FORMAT JSON".into());
        format!("EXPLAIN ({}) ", all.join(", "))
    }

    /// The plan alone, with everything that can be said about it.
    pub fn plan_prefix(&self) -> String {
        let generic = self.others.iter().find(|o| o.to_ascii_lowercase().starts_with("generic_plan"));
        match generic {
            Some(generic) => format!("EXPLAIN (VERBOSE, {generic}, FORMAT JSON) "),
            None => "EXPLAIN (VERBOSE, FORMAT JSON) ".into(),
        }
    }
}

/// Takes an EXPLAIN apart; None if it is something else, or not well formed.
pub fn parse(w: Words) -> Option<ExplainOptions> {
    if !w.is(0, "explain") {
        return None;
    }
    let mut options = ExplainOptions::default();
    let mut at = 1;
    if w.symbol(1, b'(') && !is_query(w, 2) {
        let end = w.closing(1);
        at = 2;
        while at < end - 1 {
            let from = at;
            while at < end - 1 && !w.symbol(at, b',') {
                at += 1;
            }
            option(w, from, at, &mut options)?;
            at += 1;
        }
        at = end;
    } else {
        // The old form knows these two, in this order.
        if w.any(at, &["analyze", "analyse"]) {
            options.analyze = true;
            at += 1;
        }
        if w.is(at, "verbose") {
            options.verbose = true;
            options.others.push("VERBOSE".into());
            at += 1;
        }
    }
    options.body = at;
    (at < w.count() && !w.nests(at)).then_some(options)
}

/// `EXPLAIN (SELECT …)` has no options.
fn is_query(w: Words, at: usize) -> bool {
    w.any(at, &["select", "values", "with", "table"]) || w.symbol(at, b'(')
}

fn option(w: Words, from: usize, to: usize, options: &mut ExplainOptions) -> Option<()> {
    let name = w.name(from)?;
    let value = w.value(from + 1).to_ascii_lowercase();
    let on = to == from + 1 || matches!(value.as_str(), "true" | "on" | "1");
    // PostgreSQL says what is wrong with it.
    if matches!(name.as_str(), "analyze" | "analyse") && !on && !matches!(value.as_str(), "false" | "off" | "0") {
        return None;
    }
    match name.as_str() {
        "analyze" | "analyse" => options.analyze = on,
        "format" => {
            options.format = match value.as_str() {
                "json" => ExplainFormat::Json,
                "yaml" => ExplainFormat::Yaml,
                "xml" => ExplainFormat::Xml,
                "text" => ExplainFormat::Text,
                _ => return None,
            }
        }
        other => {
            match other {
                "verbose" => options.verbose = on,
                "costs" => options.costs = Some(on),
                "timing" => options.timing = Some(on),
                _ => {}
            }
            options.others.push(w.source(from..to).to_owned());
        }
    }
    // What is left after a value is no option list.
    (to <= from + 2 || w.tokens[from + 2].kind == T::Number).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use workshop_base::sql;

    fn of(sql: &str) -> Option<(ExplainOptions, String)> {
        let tokens = sql::code_tokens(sql);
        let w = Words { sql, tokens: &tokens };
        parse(w).map(|o| {
            let body = w.source(o.body..w.count()).to_owned();
            (o, body)
        })
    }

    #[test]
    fn options_are_found_in_both_forms() {
        let (o, body) = of("explain analyze verbose select 1").unwrap();
        assert!(o.analyze && o.verbose && body == "select 1");
        assert_eq!(o.prefix(), "EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON) ");
        let (o, body) = of("EXPLAIN (Analyze, verbose off, COSTS false, format yaml) update t set a = 1").unwrap();
        assert!(o.analyze && !o.verbose && o.costs == Some(false) && o.format == ExplainFormat::Yaml);
        assert_eq!(
            (o.prefix().as_str(), body.as_str()),
            ("EXPLAIN (ANALYZE, verbose off, COSTS false, FORMAT JSON) ", "update t set a = 1")
        );
        let (o, _) = of("explain (analyze 0) select 1").unwrap();
        assert!(!o.analyze);
    }

    #[test]
    fn what_is_no_option_list_is_not_taken_for_one() {
        assert_eq!(of("explain (select 1)").unwrap().1, "(select 1)");
        assert_eq!(of("explain ((select 1) union select 2)").unwrap().1, "((select 1) union select 2)");
        assert_eq!(of("explain"), None);
        assert_eq!(of("explain (format morse) select 1"), None);
        assert_eq!(of("explain (analyze maybe) select 1"), None);
        assert_eq!(of("select 1"), None);
    }
}

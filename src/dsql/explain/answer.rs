//! The way from an EXPLAIN to its answer: variants, questions, and what is told.

use std::sync::Arc;

use super::facts::CatalogFacts;
use super::scan::{self, Scan};
use super::translate::{self, PlanSetting, Probe};
use super::tree::{self, PlanTree};
use super::{cost, dpu, filter, formats, text};
use crate::statement::{Explain, ExplainFormat, ExplainOptions, SqlStatement};
use crate::words::Words;
use workshop_base::sql::TokenKind as T;

/// Planner settings that give variants of a plan: for a table with a key, for any, without secondary
/// indexes. DSQL has no bitmap scans.
pub const VARIANTS: [&[(&str, &str)]; 3] = [
    &[("enable_bitmapscan", "off"), ("enable_seqscan", "off")],
    &[("enable_bitmapscan", "off")],
    &[("enable_bitmapscan", "off"), ("enable_indexscan", "off")],
];

impl Explain {
    /// `w` is the whole statement, `body` what it explains.
    pub fn new(options: ExplainOptions, w: Words, body: Arc<SqlStatement>) -> Explain {
        let body_words = Words { sql: w.sql, tokens: &w.tokens[options.body..] };
        let mut depth = 0i32;
        let (mut ordered, mut limit, mut changed) = (false, None, Vec::new());
        let mut offset = 0;
        for at in 0..body_words.count() {
            match body_words.tokens[at].kind {
                T::Symbol(b'(') => depth += 1,
                T::Symbol(b')') => depth -= 1,
                _ if depth > 0 => {}
                _ if body_words.are(at, &["order", "by"]) => ordered = true,
                _ if body_words.is(at, "limit") => limit = body_words.text(at + 1).parse::<u64>().ok(),
                _ if body_words.is(at, "offset") => offset = body_words.text(at + 1).parse().unwrap_or(0),
                T::Word | T::QuotedName if body_words.symbol(at + 1, b'=') => changed.extend(body_words.name(at)),
                _ => {}
            }
        }
        let limit = limit.map(|limit| limit.saturating_add(offset));
        Explain { options, body, ordered, limit, changed }
    }

    /// A variant of the plan as PostgreSQL tells it.
    pub fn variant(json: &str) -> Option<PlanVariant> {
        PlanTree::parse(json).map(PlanVariant)
    }

    /// Returns which variant DSQL would choose.
    pub fn choose(&self, variants: &[PlanVariant], known: &KnownFacts) -> usize {
        let total = |variant: &PlanVariant| {
            let scans = scan::scans(&variant.0.root, &known.facts);
            let plan = translate::translate_plan(&variant.0, &scans, &[], &known.facts, &self.setting(known));
            cost::of(&plan.root).map_or(f64::MAX, |cost| cost.total)
        };
        let mut best = (f64::MAX, 0);
        for (n, variant) in variants.iter().enumerate() {
            let total = total(variant);
            if total < best.0 {
                best = (total, n);
            }
        }
        best.1
    }

    /// Returns what else is to be asked about the chosen variant: for each question, which node it is about.
    pub fn questions(&self, variant: &PlanVariant, known: &KnownFacts) -> Vec<PlanQuestion> {
        let mut out = Vec::new();
        let scans = scan::scans(&variant.0.root, &known.facts);
        let mut at = 0;
        variant.0.root.each(&mut |node| {
            if let Some(scan) = &scans[at]
                && !scan.conditions.is_empty()
            {
                out.extend(questions(at, scan, node.alias(), self.options.analyze));
            }
            at += 1;
        });
        out
    }

    fn setting(&self, known: &KnownFacts) -> PlanSetting {
        PlanSetting { analyze: self.options.analyze, batched: known.batched, ordered: self.ordered, limit: self.limit }
    }

    /// DSQL's answer. `json`: what PostgreSQL has said to the statement itself.
    pub fn answer(
        &self,
        json: &str,
        variant: &PlanVariant,
        known: &KnownFacts,
        answers: &[PlanAnswer],
    ) -> Option<Explained> {
        let plan = PlanTree::parse(json)?;
        // Without VERBOSE, what the nodes put out is known from the variant only.
        let told = if same(&plan.root, &variant.0.root) { &variant.0 } else { &plan };
        let scans = scan::scans(&told.root, &known.facts);
        let mut probes = vec![Probe::default(); scans.len()];
        for answer in answers {
            let Some(probe) = probes.get_mut(answer.node) else { continue };
            match answer.what {
                QuestionKind::Read => probe.read = Some(answer.rows[0]),
                QuestionKind::Sent => probe.sent = Some(answer.rows[0]),
                QuestionKind::Counts => probe.counts = <[f64; 3]>::try_from(&answer.rows[..]).ok(),
            }
        }
        let mut translated = translate::translate_plan(&plan, &scans, &probes, &known.facts, &self.setting(known));
        let estimate = (self.options.analyze && self.options.verbose)
            .then(|| dpu::estimate(&with_schemas(&plan, &told.root), &scans, &known.facts, &self.changed));
        let lines = match self.options.format {
            ExplainFormat::Text => {
                let mut lines = text::lines(&translated, self.options.verbose);
                lines.extend(estimate.into_iter().flat_map(dpu::lines));
                lines
            }
            format => {
                translated.rest.extend(estimate.map(dpu::field));
                vec![formats::document(&translated, format)]
            }
        };
        Some(Explained { lines, tag: tag(&plan), estimated: estimate.is_some() })
    }
}

/// The plan with the schemas that only the verbose one tells.
fn with_schemas(plan: &PlanTree, told: &tree::PlanNode) -> PlanTree {
    fn each(node: &mut tree::PlanNode, told: &tree::PlanNode) {
        if let (None, Some(schema)) = (node.get("Schema"), told.get("Schema")) {
            node.set("Schema", schema.clone());
        }
        node.plans.iter_mut().zip(&told.plans).for_each(|(node, told)| each(node, told));
    }
    let mut plan = plan.clone();
    each(&mut plan.root, told);
    plan
}

/// Returns whether two plans have the same nodes.
fn same(one: &tree::PlanNode, two: &tree::PlanNode) -> bool {
    one.kind() == two.kind()
        && one.text("Index Name") == two.text("Index Name")
        && one.plans.len() == two.plans.len()
        && one.plans.iter().zip(&two.plans).all(|(one, two)| same(one, two))
}

/// A plan, with all that can be said of it without running it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanVariant(PlanTree);

impl PlanVariant {
    /// The tables in it: schema and name.
    pub fn tables(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        self.0.root.each(&mut |node| {
            if !node.text("Relation Name").is_empty() {
                out.push((node.text("Schema").to_owned(), node.text("Relation Name").to_owned()));
            }
        });
        out
    }
}

/// What is known beside the plans.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KnownFacts {
    pub facts: CatalogFacts,
    pub batched: bool,
}

impl KnownFacts {
    /// `json`: what `pg_dsql.explain_facts` has answered. `settings`: names of those that the client has
    /// made itself.
    ///
    /// # Errors
    /// The answer is not the JSON that the database's function makes.
    pub fn parse(json: &str, settings: &[String]) -> Result<KnownFacts, serde_json::Error> {
        let tables = serde_json::from_str(json)?;
        let batched = !settings.iter().any(|name| name == "dsql.enable_batched_nestloop");
        Ok(KnownFacts { facts: CatalogFacts { tables, chosen: settings.to_vec() }, batched })
    }

    /// Sizes before and after a statement has run: a row that was not there has none.
    pub fn keep_larger(&mut self, other: &KnownFacts) {
        for (table, other) in self.facts.tables.iter_mut().zip(&other.facts.tables) {
            for (column, other) in table.columns.iter_mut().zip(&other.columns) {
                column.bytes = column.bytes.max(other.bytes);
            }
        }
    }
}

/// Returns whether the client has chosen planner settings itself that a variant would overrule.
pub fn chosen(settings: &[String]) -> bool {
    settings.iter().any(|name| name.starts_with("enable_") && name.contains("scan"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuestionKind {
    /// An estimate of the rows that are read.
    Read,
    /// An estimate of the rows that storage sends.
    Sent,
    /// Rows that are read, that pass storage's conditions, and that pass those of the lookup.
    Counts,
}

/// Something to be asked of the database before the statement runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanQuestion {
    pub node: usize,
    pub what: QuestionKind,
    /// Queries that answer one number each; an estimate is the plan's.
    pub sql: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PlanAnswer {
    pub node: usize,
    pub what: QuestionKind,
    pub rows: Vec<f64>,
}

fn questions(node: usize, scan: &Scan, alias: &str, analyze: bool) -> Vec<PlanQuestion> {
    let mut out = Vec::new();
    let estimate = |part: &str| vec![format!("EXPLAIN (FORMAT JSON) SELECT{part}")];
    if let (Some(part), Some(_)) = (scan.part(alias, 0), &scan.index_condition) {
        out.push(PlanQuestion { node, what: QuestionKind::Read, sql: estimate(&part) });
    }
    let below = scan.storage.len() + scan.lookup.len();
    if let (Some(part), true) = (scan.part(alias, 2), below > 0 && !scan.processor.is_empty()) {
        out.push(PlanQuestion { node, what: QuestionKind::Sent, sql: estimate(&part) });
    }
    let layers = scan.layers().iter().filter(|l| !l.is_empty()).count();
    // PostgreSQL's index has left out what storage sends.
    let compares_rows = scan.conditions.iter().any(|condition| filter::compares_rows(condition));
    if analyze && (layers > 1 || compares_rows) {
        let parts: Option<Vec<String>> = (0..3).map(|n| scan.part(alias, n)).collect();
        let count = |part: String| format!("SELECT count(*){part}");
        out.extend(parts.map(|p| PlanQuestion {
            node,
            what: QuestionKind::Counts,
            sql: p.into_iter().map(count).collect(),
        }));
    }
    out
}

/// The rows of an estimate: the plan's own.
pub fn estimated(json: &str) -> Option<f64> {
    PlanTree::parse(json)?.root.number("Plan Rows")
}

/// What an EXPLAIN has come to.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    pub lines: Vec<String>,
    /// The command tag of the statement itself, had it been run alone.
    pub tag: String,
    /// It has an estimate of DPUs.
    pub estimated: bool,
}

fn tag(plan: &PlanTree) -> String {
    let root = &plan.root;
    match (root.kind(), root.text("Operation")) {
        ("ModifyTable", "Insert") => format!("INSERT 0 {:.0}", dpu::rows_of(root)),
        ("ModifyTable", operation) => format!("{} {:.0}", operation.to_uppercase(), dpu::rows_of(root)),
        _ => format!("SELECT {:.0}", root.number("Actual Rows").unwrap_or(0.0)),
    }
}

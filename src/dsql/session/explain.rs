//! Answering EXPLAIN: asks PostgreSQL for variants of the plan, for what the catalogue knows, and then for
//! the plan (and, with ANALYZE, the run) that is shown.
//!
//! Invariant: runs in the client's transaction and with its privileges; the statement itself runs once at
//! most, and the planner's settings are the client's again afterwards.

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};

use super::internal::array;
use super::run::StatementSource;
use super::types::{ExpectedReply, ProxySession, ReplySink, SessionEnd, SessionPhase, StatementOutcome};
use crate::explain::{self, Explained, KnownFacts, PlanAnswer, PlanVariant, VARIANTS};
use crate::shadow;
use crate::statement::{Explain, ExplainFormat, SqlStatement};
use crate::texts::ESTIMATED;
use crate::txn::WriteMode;
use crate::wire;

/// The client's own planner settings, and whether it wants batched joins.
const SETTINGS: &str = "SELECT name FROM pg_catalog.pg_settings WHERE setting IS DISTINCT FROM reset_val \
    UNION ALL SELECT 'dsql.enable_batched_nestloop' \
    WHERE pg_catalog.current_setting('dsql.enable_batched_nestloop', true) IN ('off', 'false', 'no', '0')";

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// As [`ProxySession::attempt`], for an EXPLAIN.
    pub(super) async fn explain(
        &mut self,
        statement: &SqlStatement,
        explain: &Explain,
        source: &StatementSource,
    ) -> Result<StatementOutcome, SessionEnd> {
        let body = match &self.control.phase {
            SessionPhase::Open(txn) if txn.mode == WriteMode::Shadow => {
                shadow::redirect(explain.body.sql(), &txn.shadows)
            }
            SessionPhase::Open(_) | SessionPhase::Idle | SessionPhase::Failed => explain.body.sql().to_owned(),
        };
        let told = explain.body.before - statement.before;
        let own = match self.query_internal(SETTINGS).await? {
            Ok(rows) => rows.into_iter().flatten().flatten().collect::<Vec<String>>(),
            Err(error) => return Ok(StatementOutcome::failed(&error)),
        };
        let mut variants: Vec<PlanVariant> = Vec::new();
        let settings: &[&[(&str, &str)]] = if explain::chosen(&own) { &[&[]] } else { &VARIANTS };
        for variant in settings {
            self.plan_with(variant).await?;
            let prefix = explain.options.plan_prefix();
            let outcome = self.asked(&format!("{prefix}{body}"), source).await?;
            if outcome.error.is_some() {
                return Ok(moved(outcome, prefix.chars().count(), told));
            }
            match json(&outcome).as_deref().and_then(Explain::variant) {
                Some(variant) => variants.push(variant),
                // Nothing that has a plan: PostgreSQL's answer will do.
                None => return self.asked(&statement.text, source).await,
            }
        }
        let sizes = explain.options.analyze && explain.options.verbose;
        let Some(mut known) = self.facts(&variants, sizes, &own).await? else {
            return self.asked(&statement.text, source).await;
        };
        let best = explain.choose(&variants, &known);
        self.plan_with(settings[best]).await?;
        let answers = self.answers(explain, &variants[best], &known).await?;

        let prefix = explain.options.prefix();
        self.pipeline.yielding = true;
        let outcome = self.asked(&format!("{prefix}{body}"), source).await;
        self.pipeline.yielding = false;
        let outcome = outcome?;
        if outcome.error.is_some() {
            return Ok(moved(outcome, prefix.chars().count(), told));
        }
        self.plan_with(&[]).await?;
        let Some(json) = json(&outcome) else { return Ok(outcome) };
        if sizes && let Some(now) = self.facts(&variants, sizes, &own).await? {
            known.keep_larger(&now);
        }
        match explain.answer(&json, &variants[best], &known, &answers) {
            Some(explained) => Ok(self.told(explained, explain.options.format, source)),
            None => Ok(outcome),
        }
    }

    /// Gives the planner these settings, and its own for all others that a variant may change. A client's
    /// own choice is never overruled: then there are no variants.
    async fn plan_with(&mut self, settings: &[(&str, &str)]) -> Result<(), SessionEnd> {
        let all = ["enable_bitmapscan", "enable_seqscan", "enable_indexscan"];
        let set = all.map(|name| {
            let value = settings.iter().find(|(n, _)| *n == name).map_or("on", |(_, v)| v);
            format!("SET LOCAL {name}={value}")
        });
        match settings.is_empty() && self.frontend.planner_own {
            true => Ok(()),
            false => {
                self.frontend.planner_own = settings.is_empty();
                self.query_internal(&set.join(";")).await.map(|_| ())
            }
        }
    }

    /// Returns what the catalogue knows of the tables in these plans. None: it could not be asked.
    async fn facts(
        &mut self,
        variants: &[PlanVariant],
        sizes: bool,
        own: &[String],
    ) -> Result<Option<KnownFacts>, SessionEnd> {
        let mut tables: Vec<(String, String)> = variants.iter().flat_map(PlanVariant::tables).collect();
        tables.sort();
        tables.dedup();
        let (spaces, names) = (array(tables.iter().map(|t| &t.0)), array(tables.iter().map(|t| &t.1)));
        let sizes = if sizes { "true" } else { "false" };
        let rows =
            match self.call_internal("explain", "$2::text[], $3::text[], $4::bool", &[&spaces, &names, sizes]).await? {
                Ok(rows) => rows,
                Err(error) => {
                    tracing::warn!(%error, "the catalogue could not be asked about a plan");
                    return Ok(None);
                }
            };
        let text = rows.into_iter().flatten().flatten().next().unwrap_or_default();
        match KnownFacts::parse(&text, own) {
            Ok(known) => Ok(Some(known)),
            Err(error) => {
                tracing::warn!(%error, "the catalogue's facts are not understood");
                Ok(None)
            }
        }
    }

    /// Asks the database what the plan leaves open.
    async fn answers(
        &mut self,
        explain: &Explain,
        variant: &PlanVariant,
        known: &KnownFacts,
    ) -> Result<Vec<PlanAnswer>, SessionEnd> {
        let mut answers = Vec::new();
        for question in explain.questions(variant, known) {
            let mut texts: Vec<String> = Vec::with_capacity(question.sql.len());
            for sql in &question.sql {
                // What fails leaves its answer out, and nothing else.
                match self.query_internal(&format!("SAVEPOINT _dsql_asks; {sql}; RELEASE _dsql_asks")).await? {
                    Ok(rows) => texts.extend(rows.into_iter().flatten().flatten().next()),
                    Err(_) => self
                        .query_internal("ROLLBACK TO _dsql_asks; RELEASE _dsql_asks")
                        .await?
                        .map(|_| ())
                        .unwrap_or_default(),
                }
            }
            let number = |text: &String| text.parse().ok().or_else(|| explain::estimated(text));
            let numbers: Vec<f64> = texts.iter().filter_map(number).collect();
            if numbers.len() == question.sql.len() {
                answers.push(PlanAnswer { node: question.node, what: question.what, rows: numbers });
            }
        }
        Ok(answers)
    }

    /// Has PostgreSQL run this with the statement's parameters, and holds its answer.
    async fn asked(&mut self, sql: &str, source: &StatementSource) -> Result<StatementOutcome, SessionEnd> {
        match source {
            StatementSource::Simple { .. } => {
                wire::put_query(&mut self.pipeline.server.out, sql);
                self.frontend.names.unnamed_live = false;
                self.pipeline.expected.push_back(ExpectedReply::Query(ReplySink::Hold));
            }
            StatementSource::Extended { params, .. } => {
                self.drain_unnamed_portal().await?;
                self.put_bound(sql, params, ReplySink::Hold);
            }
        }
        let outcome = self.receive().await?.pop().unwrap_or_default();
        self.resync().await?;
        Ok(outcome)
    }

    /// The answer as messages.
    fn told(&mut self, explained: Explained, format: ExplainFormat, source: &StatementSource) -> StatementOutcome {
        let mut held = BytesMut::new();
        if explained.estimated && !std::mem::replace(&mut self.frontend.estimate_told, true) {
            let fields = [(b'S', "NOTICE"), (b'V', "NOTICE"), (b'C', "00000"), (b'M', ESTIMATED)];
            wire::put_fields(&mut held, b'N', fields);
        }
        let oid = match format {
            ExplainFormat::Json => 114,
            ExplainFormat::Xml => 142,
            ExplainFormat::Text | ExplainFormat::Yaml => TEXT,
        };
        answered(held, ("QUERY PLAN", oid), &explained.lines, ("EXPLAIN", explained.tag), source)
    }
}

/// The type of most that we answer ourselves.
pub(super) const TEXT: i32 = 25;

/// An answer of ours, behind what `held` has already: rows of one column, and a command tag, beside the one that the
/// statement would have had by itself.
pub(super) fn answered(
    mut held: BytesMut,
    column: (&str, i32),
    rows: &[String],
    tags: (&str, String),
    source: &StatementSource,
) -> StatementOutcome {
    if matches!(source, StatementSource::Simple { .. }) {
        wire::put(&mut held, b'T', |out| {
            out.extend_from_slice(&1i16.to_be_bytes());
            out.extend_from_slice(column.0.as_bytes());
            // No table, no column; a type without a length or modifier; as text.
            out.extend_from_slice(&[0; 7]);
            out.extend_from_slice(&column.1.to_be_bytes());
            out.extend_from_slice(&(-1i16).to_be_bytes());
            out.extend_from_slice(&(-1i32).to_be_bytes());
            out.extend_from_slice(&0i16.to_be_bytes());
        });
    }
    for row in rows {
        wire::put(&mut held, b'D', |out| {
            out.extend_from_slice(&1i16.to_be_bytes());
            out.extend_from_slice(&(row.len() as i32).to_be_bytes());
            out.extend_from_slice(row.as_bytes());
        });
    }
    let mut complete = BytesMut::new();
    wire::put_complete(&mut complete, tags.0);
    let mut outcome = StatementOutcome::answered(held, tags.1);
    match source {
        StatementSource::Simple { .. } => outcome.complete = complete.freeze(),
        StatementSource::Extended { .. } => outcome.held.unsplit(complete),
    }
    outcome
}

/// The one value that EXPLAIN (FORMAT JSON) answers.
fn json(outcome: &StatementOutcome) -> Option<String> {
    let mut at = 0;
    while let Ok(Some(len)) = wire::frame_len(&outcome.held[at..], usize::MAX) {
        let message = outcome.held.get(at..at + len)?;
        if message[0] == b'D' {
            return wire::row(&message[5..])?.into_iter().next()?;
        }
        at += len;
    }
    None
}

/// The error of what was asked in the statement's place, with its position in the statement.
fn moved(mut outcome: StatementOutcome, asked: usize, told: usize) -> StatementOutcome {
    let Some(error) = outcome.error.take() else { return outcome };
    let position = wire::field(&error[5..], b'P').and_then(|p| p.parse::<usize>().ok());
    let position = position.and_then(|p| (p + told).checked_sub(asked)).map(|p| p.to_string());
    let fields = wire::fields(&error[5..]).into_iter().filter_map(|(code, value)| match code {
        b'P' => position.as_deref().map(|p| (code, p)),
        _ => Some((code, value)),
    });
    let mut out = BytesMut::with_capacity(error.len() + 8);
    wire::put_fields(&mut out, b'E', fields);
    outcome.error = Some(out.freeze());
    outcome.held.clear();
    outcome
}

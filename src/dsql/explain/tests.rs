//! From what PostgreSQL says to what a client reads, without a database.

use super::answer::*;
use crate::classify::classify;
use crate::statement::Explain;

const FACTS: &str = r#"[{"found_in": "pg_temp", "schema": "public", "name": "t", "rows": 100,
  "columns": [{"name": "id", "kind": "integer", "bytes": 4}, {"name": "n", "kind": "integer", "bytes": 4},
              {"name": "note", "kind": "text", "bytes": 300}],
  "indexes": [{"found": "t_pkey", "name": "t_pkey", "primary": true, "columns": ["id"]},
              {"found": "t_n_idx", "name": "by_n", "primary": false, "columns": ["n"]}]}]"#;

/// A private copy's index, read by a condition, with what storage and the query processor filter.
fn plan(verbose: bool, analyze: bool) -> String {
    let qualified = if verbose { "t." } else { "" };
    let schema = if verbose { r#""Schema": "pg_temp","# } else { "" };
    let output = if verbose { r#""Output": ["note"],"# } else { "" };
    let actual = if analyze { r#""Actual Rows": 2, "Actual Loops": 1,"# } else { "" };
    let removed = if analyze { r#", "Rows Removed by Filter": 5"# } else { "" };
    format!(
        r#"[{{"Plan": {{"Node Type": "Index Scan", "Parallel Aware": false, "Async Capable": false,
        "Scan Direction": "Forward", "Index Name": "t_n_idx", "Relation Name": "t", {schema} "Alias": "t",
        "Startup Cost": 0.14, "Total Cost": 8.20, "Plan Rows": 3, "Plan Width": 8, {actual} {output}
        "Index Cond": "({qualified}n > 5)", "Rows Removed by Index Recheck": 0,
        "Filter": "(({qualified}id < 9) AND (lower({qualified}note) = 'x'::text))"{removed}}},
        "Triggers": []}}]"#
    )
}

#[test]
fn a_private_copy_is_shown_as_the_table_it_stands_for() {
    let sql = "explain (analyze, timing off) select note from t where n > 5 and id < 9 and lower(note) = 'x'";
    let statement = classify(sql, &[""; 0]).remove(0);
    let explain = statement.explain.expect("an EXPLAIN");
    let variant = Explain::variant(&plan(true, false)).expect("a plan");
    let known = KnownFacts::parse(FACTS, &[]).expect("facts");
    let questions = explain.questions(&variant, &known);
    assert_eq!(
        questions.last().map(|q| q.sql.clone()).expect("counts"),
        [
            r#"SELECT count(*) FROM "pg_temp"."t" AS "t" WHERE (t.n > 5)"#,
            r#"SELECT count(*) FROM "pg_temp"."t" AS "t" WHERE (t.n > 5) AND (t.id < 9)"#,
            r#"SELECT count(*) FROM "pg_temp"."t" AS "t" WHERE (t.n > 5) AND (t.id < 9)"#,
        ]
    );
    let answers = [
        PlanAnswer { node: 0, what: QuestionKind::Read, rows: vec![7.0] },
        PlanAnswer { node: 0, what: QuestionKind::Counts, rows: vec![7.0, 3.0, 3.0] },
    ];
    let explained = explain.answer(&plan(false, true), &variant, &known, &answers).expect("an answer");
    assert_eq!(
        explained.lines,
        [
            "Index Scan using by_n on t  (cost=201.75..209.87 rows=3 width=8) (actual rows=2 loops=1)",
            "  Index Cond: (n > 5)",
            "  Filter: (lower(note) = 'x'::text)",
            "  Rows Removed by Filter: 1",
            "  -> Storage Scan on by_n  (cost=201.75..209.87 rows=3 width=8 loops=1) (actual rows=3 loops=1)",
            "      Filters: (id < 9)",
            "      Rows Filtered: 4",
            "      -> B-Tree Scan on by_n  (cost=201.75..209.87 rows=7 width=8 loops=1) (actual rows=7 loops=1)",
            "          Index Cond: (n > 5)",
            "  -> Storage Lookup on t  (cost=201.75..209.87 rows=3 width=8 loops=1) (actual rows=3 loops=1)",
            "      Projections: note",
            "      -> B-Tree Lookup on t  (cost=201.75..209.87 rows=3 width=8 loops=1) (actual rows=3 loops=1)",
        ]
    );
    assert_eq!((explained.tag.as_str(), explained.estimated), ("SELECT 2", false));
}

/// A plan that cannot be read is no plan; the session then shows PostgreSQL's own.
#[test]
fn what_is_no_plan_is_not_taken_for_one() {
    for wrong in ["", "[]", "{}", "[{\"Plan\": 1}]", "[{}]"] {
        assert!(Explain::variant(wrong).is_none(), "{wrong}");
    }
}

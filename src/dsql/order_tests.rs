//! Which statements are given an order, and which one.

use super::*;
use workshop_base::sql;

struct Keyed;

impl Catalogue for Keyed {
    fn primary_key(&self, relation: &[String]) -> Option<Vec<String>> {
        match relation.last().filter(|_| relation[0] != "mine")?.as_str() {
            "t" | "order" => Some(vec!["id".into()]),
            "two" => Some(vec!["a".into(), "B".into()]),
            _ => None,
        }
    }

    fn copied_columns(&self, _: &[String]) -> Option<Vec<String>> {
        Some(vec!["id".into(), "n".into()])
    }

    fn columns(&self, relation: &[String]) -> Option<Vec<String>> {
        self.copied_columns(relation)
    }
}

/// In the second, `|` stands for the order by the key of `t`.
#[test]
fn a_query_of_tables_has_its_keys_order() {
    for (sql, ordered) in [
        ("select * from t", "select * from t|"),
        ("select n from public.t as x where n > 1", "select n from public.t as x where n > 1 ORDER BY x.\"id\""),
        ("select n from t x limit 2 offset 1", "select n from t x ORDER BY x.\"id\" limit 2 offset 1"),
        ("select n from t for update", "select n from t| for update"),
        ("select * from two where a = 1", "select * from two where a = 1 ORDER BY two.\"a\", two.\"B\""),
        ("select extract(year from at) from t", "select extract(year from at) from t|"),
        ("select n from t where id = 1 or id = 2", "select n from t where id = 1 or id = 2|"),
        ("(select n from t)", "(select n from t|)"),
        ("select n from t where id = any ($1)", "select n from t where id = any ($1)|"),
        ("select n from t where id = n", "select n from t where id = n|"),
        (
            "select n from t where exists (select 1 from u where u.id = 1)",
            "select n from t where exists (select 1 from u where u.id = 1)|",
        ),
        ("select n from t where not id = 1", "select n from t where not id = 1|"),
        ("select over from t", "select over from t|"),
        ("select count(*) over (), n from t", "select count(*) over (), n from t|"),
        ("select sum(n) filter (where n > 1) over () from t", "select sum(n) filter (where n > 1) over () from t|"),
        ("select (select count(*) from u) from t", "select (select count(*) from u) from t|"),
        (
            "select (select row_number() over (order by a) from u) from t",
            "select (select row_number() over (order by a) from u) from t|",
        ),
        ("select * from t, two x", "select * from t, two x ORDER BY t.\"id\", x.\"a\", x.\"B\""),
        (
            "select n from t a left join t b on a.n = b.n and (b.n > 1) join two using (n) where a.n > 1",
            "select n from t a left join t b on a.n = b.n and (b.n > 1) join two using (n) where a.n > 1 \
             ORDER BY a.\"id\", b.\"id\", two.\"a\", two.\"B\"",
        ),
        ("select n from (select * from t where n > 1) x", "select n from (select * from t where n > 1|) x"),
        ("with x as (select n from t) select n from x", "with x as (select n from t|) select n from x"),
        (
            "with x as materialized (select n from t), y as (select n from x) select n from y limit 1",
            "with x as materialized (select n from t|), y as (select n from x) select n from y limit 1",
        ),
        ("insert into u select n from t returning *", "insert into u select n from t| returning *"),
        (
            "insert into u (n) select n from t on conflict do nothing",
            "insert into u (n) select n from t| on conflict do nothing",
        ),
        ("copy (select n from t) to stdout", "copy (select n from t|) to stdout"),
        ("table t", "table t|"),
        ("table only public.t limit 2", "table only public.t| limit 2"),
        ("insert into u table t", "insert into u table t|"),
        ("select n from public.order", "select n from public.order ORDER BY \"order\".\"id\""),
        ("select all * from t", "select all * from t|"),
        ("select * from only t", "select * from only t|"),
        ("select * from only (t) x", "select * from only (t) x ORDER BY x.\"id\""),
        ("select * from t * where n > 1", "select * from t * where n > 1|"),
        ("select * from postgres.public.t limit 1", "select * from postgres.public.t| limit 1"),
        ("select * from t as x (a, b)", "select * from t as x (a, b) ORDER BY x.\"a\""),
        ("select * from t x (\"A\")", "select * from t x (\"A\") ORDER BY x.\"A\""),
        ("select right(n, 2), left(n, 1) from t", "select right(n, 2), left(n, 1) from t|"),
        (
            "select n from t join two on right(t.n, 1) = left(two.a, 1) where full(1)",
            "select n from t join two on right(t.n, 1) = left(two.a, 1) where full(1) ORDER BY t.\"id\", two.\"a\", two.\"B\"",
        ),
        ("select * from t, (select 1) x", "select * from t, (select 1) x|"),
        ("select * from t cross join lateral (select t.n) x", "select * from t cross join lateral (select t.n) x|"),
        ("select * from (select n from t limit 1) x, t", "select * from (select n from t| limit 1) x, t|"),
        (
            "select * from t, generate_series(1, 3)",
            "select * from t, generate_series(1, 3) ORDER BY t.\"id\", generate_series.generate_series",
        ),
        (
            "select * from pg_catalog.generate_series(1, t.n) as g (i), t limit 1",
            "select * from pg_catalog.generate_series(1, t.n) as g (i), t ORDER BY g.\"i\", t.\"id\" limit 1",
        ),
        ("select * from t, unnest(a) with ordinality x (a, b)", "select * from t, unnest(a) with ordinality x (a, b)|"),
        (
            "with x as (select n from t) select n from x, two y",
            "with x as (select n from t) select n from x, two y ORDER BY y.\"a\", y.\"B\"",
        ),
        (
            "with x as (select n from t limit 1) select 1 from x, x y, t",
            "with x as (select n from t| limit 1) select 1 from x, x y, t|",
        ),
        ("copy t to stdout csv header", "copy (SELECT \"id\", \"n\" FROM t ORDER BY \"id\") to stdout csv header"),
        ("copy public.t (n) to stdout", "copy (SELECT \"n\" FROM public.t ORDER BY \"id\") to stdout"),
    ] {
        let space = |sql: &str| sql.replace("| ", " ORDER BY t.\"id\" ").replace('|', " ORDER BY t.\"id\"");
        assert_eq!(ordered_as(sql).as_deref(), Some(&*space(ordered)), "{sql}");
    }
}

#[test]
fn other_queries_stay_as_they_are() {
    for sql in [
        "select (select max(t.n)) from t",
        "select n from t where id = 1",
        "select n from t where n > 1 and t.id = $1::int and (n = 1 or n = 2)",
        "select a from two where \"B\" = 'x' and n between 1 and 2 and a = 3",
        "select row_number() over (order by n desc), n from t",
        "select count(*) over (partition by n) from t",
        "select sum(count(*)) over () from t",
        "select * from t order by n",
        "select count(*) from t",
        "select n, sum(n) from t group by n",
        "select distinct n from t",
        "select * from t, u",
        "select * from t right join two on true",
        "select * from t(1)",
        "select * from t as x (n)",
        "select * from t, nope",
        "select * from (t join two on true), two x",
        "select * from mine.t",
        "select * from nope.public.t",
        "select * from generate_series(1, 2), (select 1) x",
        "select * from t fetch first 1 rows with ties",
        "select * from (select * from t fetch first row with ties) x",
        "table t order by n",
        "table t union table t",
        "select * from t right join two on right(t.n, 1) = two.a",
        "select * from (select 1) t",
        "select 1 from t union select 2",
        "with t as (select 1) select * from t",
        "with recursive x as (select n from t) select n from x",
        "with x as (select n from t) select count(*) from x",
        "with x as (delete from t returning n) select n from x",
        "insert into t values (1)",
        "copy t (nope) to stdout",
        "copy t from stdin",
        "select * from u",
        "select 1",
        "select * from",
        "select a) from t",
        "update t set n = 1",
    ] {
        assert_eq!(ordered_as(sql), None, "{sql}");
    }
}

fn ordered_as(sql: &str) -> Option<String> {
    let tokens = sql::code_tokens(sql);
    by_primary_key(Words { sql, tokens: &tokens }, &Keyed).map(|query| query.sql)
}

#[test]
fn places_are_those_of_what_the_client_wrote() {
    for sql in [
        "with é as (select * from t) select nope from é",
        "select * from (select * from t limit 3) x where nope = 1",
        "select nope from t",
        "insert into t select * from t returning nope",
        "copy t to stdout (nope)",
    ] {
        let tokens = sql::code_tokens(sql);
        let query = by_primary_key(Words { sql, tokens: &tokens }, &Keyed).expect(sql);
        let place = |text: &str| text[..text.find("nope").expect("a place")].chars().count() + 1;
        assert_eq!(query.edits.position(place(&query.sql)), place(sql), "{sql}");
        assert_eq!(query.edits.position(1), 1, "{sql}");
    }
}

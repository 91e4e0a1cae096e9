//! Definitions of several sessions at once: whoever is late is told by the service's own words, and never by those of
//! PostgreSQL about its own tables.

use super::raw::Raw;
use super::world::World;

const SESSIONS: usize = 4;
const ROUNDS: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn definitions_at_once_end_in_a_conflict_at_worst() {
    let world = World::new().await;
    let mut clients = Vec::new();
    for _ in 0..SESSIONS {
        clients.push(Raw::connect(&world, "c", "admin").await.expect("connected"));
    }
    clients[0].query("create table held (id int primary key)").await;
    clients[0].query("create role lent").await;
    let mut late = 0;
    for (sql, also) in [
        ("create table t# (id int primary key, a text)", "42P07"),
        ("create table if not exists u# (id int primary key)", ""),
        ("create sequence if not exists s# cache 1", ""),
        ("create schema if not exists n#", ""),
        ("create role r#", "42710"),
        ("grant select on held to lent", ""),
        ("create or replace function f() returns int language sql as 'select #'", ""),
        ("alter table held add column if not exists c# int", ""),
        ("drop role r#", "42704"),
    ] {
        for round in 0..ROUNDS {
            let sql = sql.replace('#', &round.to_string());
            for client in &mut clients {
                client.start(&sql).await;
            }
            for client in &mut clients {
                let answer = client.finish().await.join(" ");
                if let Some(error) = answer.find("ERROR ").map(|at| &answer[at + 6..]) {
                    let code = &error[..5];
                    assert!(code == "40001" || code == also, "{sql}: {answer}");
                    late += usize::from(code == "40001");
                }
            }
        }
    }
    assert!(late > 0, "no two have met");
    world.end().await;
}

//! The database as a client meets it: through TLS and tokens, with real PostgreSQL behind.

mod connections;
mod definitions;
mod explain;
mod extended;
mod jobs;
mod laid;
mod ledger;
mod model;
mod money;
mod node;
mod protocol;
mod raw;
mod real;
mod replay;
mod schedules;
mod script;
mod soak;
pub mod world;

use std::path::Path;

use script::Protocol;
use world::World;

async fn scripts(protocol: Protocol) {
    let world = World::new().await;
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dsql");
    let mut files: Vec<_> = std::fs::read_dir(dir).expect("scripts").map(|f| f.expect("a file").path()).collect();
    files.sort();
    if let Ok(only) = std::env::var("SCRIPT") {
        files.retain(|f| f.to_string_lossy().contains(&only));
    }
    assert!(!files.is_empty());
    let mut wrong = Vec::new();
    for file in files {
        wrong.extend(script::run(&world, &file, protocol).await.err());
    }
    world.end().await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_by_the_simple_protocol() {
    scripts(Protocol::Simple).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_by_the_extended_protocol() {
    scripts(Protocol::Extended).await;
}

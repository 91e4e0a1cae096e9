//! The database as a client meets it: through TLS and tokens, with real PostgreSQL behind.

mod raw;
mod script;
pub mod world;

use std::path::Path;

use script::Protocol;
use world::World;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "by hand"]
async fn by_hand() {
    let world = World::new().await;
    let host = world::host("hand");
    println!(
        "export PGHOST={host} PGHOSTADDR=127.0.0.1 PGPORT={} PGUSER=admin PGDATABASE=postgres PGSSLMODE=verify-full PGSSLROOTCERT={} PGPASSWORD='{}'",
        world.address.port(),
        world.ca_file.display(),
        world.token(&host, "admin")
    );
    let stop = world.dir.path().join("stop");
    println!("touch {}", stop.display());
    while !stop.exists() {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    world.end().await;
}

async fn scripts(protocol: Protocol) {
    let world = World::new().await;
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/dsql");
    let mut files: Vec<_> = std::fs::read_dir(dir).expect("scripts").map(|f| f.expect("a file").path()).collect();
    files.sort();
    if let Ok(only) = std::env::var("SCRIPT") {
        files.retain(|f| f.to_string_lossy().contains(&only));
    }
    assert!(!files.is_empty());
    for file in files {
        script::run(&world, &file, protocol).await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_by_the_simple_protocol() {
    scripts(Protocol::Simple).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_by_the_extended_protocol() {
    scripts(Protocol::Extended).await;
}

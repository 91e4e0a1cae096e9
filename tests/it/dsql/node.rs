//! node-postgres with AWS's signer, as the course's own functions use them, from the course's own installation.

use std::path::Path;
use std::process::Stdio;

use tokio_util::sync::CancellationToken;
use workshop_course::code::tree;
use workshop_engine::cloud::Report;
use workshop_engine::install::Packages;

use super::world::{REGION, World, credential, host};

#[tokio::test(flavor = "multi_thread")]
async fn node_postgres_finds_a_database() {
    let snapshot = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/ch00");
    let project = tree::read(&snapshot).expect("a snapshot").files;
    let packages = Packages::new(&crate::support::cache());
    let installed = packages.ensure(&project, &Report::silent(), &CancellationToken::new()).await;
    let installed = installed.expect("installed").expect("a lockfile");
    let world = World::new().await;
    let keys = credential("lambda");
    let output = tokio::process::Command::from(crate::support::command("node"))
        .args(["-e", include_str!("node.js")])
        .env("NODE_PATH", installed.join("node_modules"))
        .env("CLUSTER", host("c"))
        .env("PORT", world.address.port().to_string())
        .env("CA_FILE", &world.ca_file)
        .env("AWS_REGION", REGION)
        .env("AWS_ACCESS_KEY_ID", &keys.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key)
        .env("AWS_SESSION_TOKEN", keys.session_token.expect("a token"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("node runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out == "all is well\n", "{out}{err}");
    world.end().await;
}

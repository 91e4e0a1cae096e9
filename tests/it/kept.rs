//! The CDK that is kept between deploys, with the real one.

use std::fs;

use crate::wrong::{deploy, text, walk, with_sandbox, workshop};

/// Deploys five times; by hand: `cargo test --test it kept:: -- --ignored`.
#[test]
#[ignore = "installs the CDK and deploys"]
fn after_deploys_by_the_kept_cdk_the_learners_own_finds_nothing_to_change() {
    let (_dir, workdir) = with_sandbox();
    for chapter in 0..=1 {
        walk(&workdir, chapter);
        let told = fs::read_to_string(workdir.join(".workshop/events.jsonl")).unwrap();
        assert!(!told.contains("cannot be kept"), "chapter {chapter}");
        let own = deploy(&workdir);
        assert!(own.status.success() && text(&own).contains("(no changes)"), "chapter {chapter}: {}", text(&own));
    }
    workshop(&workdir, &["sandbox", "stop"]);
}

//! The name of a state: a hash over all that it depends on.

use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest as _, Sha256};

use workshop_course::code::tree::Tree;
use workshop_course::lesson::model::{Chapter, Course};

/// Where a thing stands in its file decides nothing: a comment may be added, and the course may lie elsewhere.
static PLACES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"Origin \{ file: "[^"]*", line: \d+ \}"#).expect("tested"));

/// Returns the name of the state after a chapter: 64 hexadecimal digits over the course's own settings, all chapters up to
/// that one with their snapshots, the machine's system and processor, and whatever else the caller's run depends on
/// (`program`: what it is, where it runs).
pub fn key(course: &Course, chapter: u32, program: &str) -> String {
    let mut hash = Sha256::new();
    let mut put = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for text in [program, std::env::consts::OS, std::env::consts::ARCH] {
        put(text.as_bytes());
    }
    let mut settings = course.clone();
    let chapters = std::mem::take(&mut settings.chapters);
    settings.facts.clear();
    (settings.lessons, settings.snapshots) = Default::default();
    put(format!("{settings:?}").as_bytes());
    for chapter in chapters.into_iter().filter(|one| one.number <= chapter) {
        let snapshot = chapter.snapshot;
        let lesson = Chapter { snapshot: Tree::new(), diff: Vec::new(), ..chapter };
        put(PLACES.replace_all(&format!("{lesson:?}"), "").as_bytes());
        for (path, file) in &snapshot {
            put(path.as_bytes());
            put(&[u8::from(file.executable)]);
            put(file.bytes());
        }
    }
    hex::encode(hash.finalize())
}

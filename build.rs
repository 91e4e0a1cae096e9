//! Lists the files of the shipped course for `main.rs`, which embeds them.
//!
//! It runs again when something in `lessons` changes, as it does whenever a chapter comes or goes. What the files hold the
//! compiler watches by itself, and then compiles `main.rs` alone.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What a run leaves in a snapshot that is tried in place.
const LEFT_BEHIND: [&str; 5] = ["node_modules", ".workshop", "cdk.out", ".git", "dist"];

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=lessons");
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("Cargo sets it"));
    let mut files = Vec::new();
    for dir in ["lessons", "snapshots"] {
        list(&root.join(dir), &mut files)?;
    }
    files.sort();
    let mut out = String::from("&[\n");
    for file in files {
        let path = file.strip_prefix(&root).expect("it lies below");
        let executable = file.metadata()?.permissions().mode() & 0o111 != 0;
        let (path, bytes) = (path.display().to_string(), file.display().to_string());
        let _ = writeln!(
            out,
            "    ShippedFile {{ path: {path:?}, executable: {executable}, bytes: include_bytes!({bytes:?}) }},"
        );
    }
    out.push_str("]\n");
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR").expect("Cargo sets it")).join("shipped.rs"), out)
}

fn list(dir: &Path, into: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_file() {
            into.push(entry.path());
        } else if kind.is_dir() && !LEFT_BEHIND.iter().any(|name| entry.file_name() == *name) {
            list(&entry.path(), into)?;
        }
    }
    Ok(())
}

//! Unpacks a deployment package.
//!
//! Invariant: nothing is written outside the directory given, whatever the names in the archive.

use std::fs;
use std::io::{Cursor, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zip::ZipArchive;

/// AWS's limit on a function's unpacked code, in bytes.
/// Source: AWS Lambda developer guide, "Lambda quotas".
const UNPACKED_LIMIT: u64 = 262_144_000;

/// Unpacks `zip` into the new directory `to`. Blocking. The error is in AWS's words where it has some.
///
/// # Errors
/// When it is no archive, holds a link or a name outside of it, is larger than Lambda's limit, or the disk refuses a file.
pub fn unpack(zip: &[u8], to: &Path) -> Result<(), String> {
    let bad = |_| "Could not unzip uploaded file. Please check your file, then try to upload again.".to_string();
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(bad)?;
    fs::create_dir_all(to).map_err(|e| e.to_string())?;
    let mut left = UNPACKED_LIMIT;
    for number in 0..archive.len() {
        let entry = archive.by_index(number).map_err(bad)?;
        let said = entry.name().map_err(bad)?.into_owned();
        let Some(name) = entry.enclosed_name() else {
            return Err(format!("the archive names a file outside of it: {said}"));
        };
        let mode = entry.unix_mode();
        if mode.is_some_and(|mode| mode & 0o170_000 == 0o120_000) {
            return Err(format!("the archive holds a symbolic link: {said}"));
        }
        let target = to.join(name);
        if entry.is_dir() {
            fs::create_dir_all(&target).map_err(|e| e.to_string())?;
            continue;
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|e| e.to_string())?;
        }
        let mut file = fs::File::create(&target).map_err(|e| e.to_string())?;
        // What the archive claims about sizes need not be true.
        let written = std::io::copy(&mut entry.take(left + 1), &mut file).map_err(|e| e.to_string())?;
        left = left
            .checked_sub(written)
            .ok_or_else(|| format!("Unzipped size must be smaller than {UNPACKED_LIMIT} bytes"))?;
        // As on Lambda, the function need not be its owner to read it.
        let mode = mode.unwrap_or(0o644) & 0o777 | 0o444;
        fs::set_permissions(&target, fs::Permissions::from_mode(mode)).map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// The `@aws-sdk/…` packages that the code in `dir` loads at run time: those that the bundler left out
/// because the runtime ships them.
pub fn left_out(dir: &Path) -> Vec<String> {
    let mut found = std::collections::BTreeSet::new();
    scan(dir, &mut found);
    found.into_iter().collect()
}

fn scan(dir: &Path, found: &mut std::collections::BTreeSet<String>) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() {
            // A package that brings its own dependencies needs none of ours.
            if path.file_name().is_some_and(|name| name != "node_modules") {
                scan(&path, found);
            }
        } else if path.extension().is_some_and(|end| end == "js" || end == "mjs" || end == "cjs") {
            found.extend(imports(&fs::read_to_string(&path).unwrap_or_default()));
        }
    }
}

/// Packages named right after `require(`, `from` or `import`.
fn imports(code: &str) -> impl Iterator<Item = String> + '_ {
    code.match_indices("@aws-sdk/").filter_map(|(at, _)| {
        let before = code[..at].strip_suffix(['"', '\''])?.trim_end();
        let before = before.strip_suffix('(').map_or(before, str::trim_end);
        let word = ["require", "from", "import"].iter().find_map(|word| before.strip_suffix(word))?;
        // The SDK's own messages quote such calls in brackets.
        let loaded = !word.ends_with('[');
        let rest = &code[at + "@aws-sdk/".len()..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))?;
        (loaded && end > 0).then(|| format!("@aws-sdk/{}", &rest[..end]))
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(files: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in files {
            zip.start_file(*name, SimpleFileOptions::default()).expect("started");
            zip.write_all(text.as_bytes()).expect("written");
        }
        zip.finish().expect("finished").into_inner()
    }

    #[test]
    fn unpacks_into_its_directory_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let to = dir.path().join("task");
        unpack(&archive(&[("index.js", "1"), ("lib/a.js", "2")]), &to).expect("unpacked");
        assert_eq!(fs::read_to_string(to.join("lib/a.js")).expect("read"), "2");
        for name in ["../evil", "/etc/evil", "a/../../evil"] {
            let _ = unpack(&archive(&[(name, "x")]), &dir.path().join("other"));
            assert!(!dir.path().join("evil").exists(), "{name}");
        }
        assert!(unpack(b"no zip", &to).is_err_and(|said| said.starts_with("Could not unzip")));
    }

    #[test]
    fn finds_what_the_bundler_left_out() {
        let code = r#"var a = require("@aws-sdk/dsql-signer"); import {x} from '@aws-sdk/client-s3';
            const b = await import( "@aws-sdk/lib-storage/x.js"); var name = "@aws-sdk/nested-clients";
            throw Error('register it by calling [require("@aws-sdk/signature-v4-crt");] or [import "@aws-sdk/x";]');"#;
        assert_eq!(
            imports(code).collect::<Vec<_>>(),
            ["@aws-sdk/dsql-signer", "@aws-sdk/client-s3", "@aws-sdk/lib-storage"]
        );
    }
}

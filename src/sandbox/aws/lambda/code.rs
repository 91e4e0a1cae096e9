//! Deployment packages: from a bucket, from the request, or made of one file's source text.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::names::invalid;
use crate::aws::error::AwsResult;
use crate::aws::service::{World, text};

/// A package: the name it is kept by, its size in bytes, the bucket and key it came from.
pub(super) type Package = (String, u64, Option<(String, String)>);

/// The zip a function is made of: from a bucket, in the request, or a file of source text.
pub(super) fn code(world: &World, given: &Value) -> AwsResult<Package> {
    let keep = |body: &[u8]| {
        world.store.put(body).map_err(|error| invalid(format!("the sandbox could not keep the package: {error}")))
    };
    match (text(given, "S3Bucket"), text(given, "S3Key"), &given["ZipFile"]) {
        (Some(bucket), Some(key), _) => {
            let missing = |code: &str, what: &str| {
                invalid(format!("Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {what}"))
            };
            let bucket_found = world
                .state
                .buckets
                .get(bucket)
                .ok_or_else(|| missing("NoSuchBucket", "The specified bucket does not exist"))?;
            let object = bucket_found
                .objects
                .get(key)
                .ok_or_else(|| missing("NoSuchKey", "The specified key does not exist."))?;
            // Each object has its newest version alone.
            if text(given, "S3ObjectVersion").is_some_and(|version| Some(version) != object.version.as_deref()) {
                return Err(missing("NoSuchVersion", "The specified version does not exist."));
            }
            Ok((object.blob.clone(), object.size, Some((bucket.into(), key.into()))))
        }
        (_, _, Value::String(given)) => {
            // The API sends a zip in base64, CloudFormation the text of one source file.
            let zip = match decoded(given) {
                Some(zip) => zip,
                None => zipped(given)?,
            };
            Ok((keep(&zip)?, zip.len() as u64, None))
        }
        _ => match text(given, "ImageUri") {
            Some(_) => Err(invalid("the workshop sandbox does not run functions from container images")),
            None => Err(invalid("Please provide a source for the function code.")),
        },
    }
}

/// Returns a zip that came in base64; None when it is none.
fn decoded(package: &str) -> Option<Vec<u8>> {
    STANDARD.decode(package).ok().filter(|bytes| bytes.starts_with(b"PK"))
}

/// Refuses what the API takes as a package and is none: source text is CloudFormation's to take.
pub(super) fn is_zip(given: &Value) -> AwsResult<()> {
    let Some(package) = text(given, "ZipFile") else { return Ok(()) };
    match decoded(package) {
        Some(_) => Ok(()),
        None => Err(invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")),
    }
}

/// Zips a source text under the one name that CloudFormation gives it, whatever the handler is called: to Node.js it is a
/// CommonJS module (CloudFormation's template reference, "AWS::Lambda::Function Code", 2026-11).
fn zipped(source: &str) -> AwsResult<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
    let packed = writer
        .start_file("index.js", options)
        .and_then(|()| writer.write_all(source.as_bytes()).map_err(Into::into))
        .and_then(|()| writer.finish());
    packed.map(std::io::Cursor::into_inner).map_err(|error| invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_text_becomes_a_file_called_index_js() {
        for source in ["exports.handler = async () => 1", "export const handler = async () => 1"] {
            let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zipped(source).unwrap())).unwrap();
            assert_eq!(archive.len(), 1);
            let mut text = String::new();
            std::io::Read::read_to_string(&mut archive.by_name("index.js").unwrap(), &mut text).unwrap();
            assert_eq!(text, source);
        }
    }
}

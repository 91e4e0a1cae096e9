//! S3's uploads in parts, as its clients send what is larger than a few megabytes: begun, sent part by part, completed or
//! given up.
//!
//! Source: Amazon S3 API reference (2026-11), `CreateMultipartUpload`, `UploadPart`, `CompleteMultipartUpload`,
//! `AbortMultipartUpload` and "Error responses", whose sentences these are.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::error::{AwsError, AwsResult};
use super::measure;
use super::protocol::{operation_hint, s3_response};
use super::records::{MultipartUpload, Object, UploadPart};
use super::s3_objects::{address, bucket, described, empty, etag_of, has_it, keep, stored, with_checksum};
use super::service::{Call, Response};

/// The least that a part may hold which is not the last, in bytes.
const LEAST: u64 = 5 << 20;
/// The numbers that parts may have.
const NUMBERS: std::ops::RangeInclusive<u32> = 1..=10_000;
/// An upload that nobody completes stays so long; on AWS it does until somebody gives it up.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Tells that a request is one of an upload in parts.
pub(super) fn concerns_parts(call: &Call<'_>) -> bool {
    let method = call.request.method.as_str();
    let asks = |name: &str| call.request.query_value(name).is_some();
    method == "POST" && asks("uploads") || matches!(method, "POST" | "PUT" | "DELETE") && asks("uploadId")
}

/// Answers a request of an upload in parts, if IAM allows it.
pub(super) fn call(call: &mut Call<'_>, name: &str, key: &str) -> AwsResult<Response> {
    let action = if call.request.method == "DELETE" { "s3:AbortMultipartUpload" } else { "s3:PutObject" };
    call.allow(action, &format!("arn:aws:s3:::{name}/{key}"))?;
    bucket(call, name)?;
    let Some(id) = call.request.query_value("uploadId") else { return begin(call, name, key) };
    let known = call.world.state.uploads.get(&id);
    if known.is_none_or(|upload| upload.bucket != name || upload.key != key) {
        return Err(AwsError::new(
            404,
            "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or \
             completed.",
        )
        .member("UploadId", id));
    }
    match call.request.method.as_str() {
        "PUT" => part(call, &id),
        "POST" => complete(call, &id, name, key),
        _ => {
            call.world.state.uploads.remove(&id);
            call.changed();
            Ok(Response::Http(empty(204)))
        }
    }
}

fn begin(call: &mut Call<'_>, name: &str, key: &str) -> AwsResult<Response> {
    let now = call.now;
    call.world.state.uploads.retain(|_, upload| upload.begun.plus(KEPT) > now);
    let id = call.world.ids.of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 64);
    let upload = MultipartUpload {
        bucket: name.to_owned(),
        key: key.to_owned(),
        begun: now,
        described: described(call.request),
        parts: BTreeMap::new(),
    };
    call.world.state.uploads.insert(id.clone(), upload);
    call.changed();
    let begun = json!({"Bucket": name, "Key": key, "UploadId": id});
    Ok(Response::Http(s3_response("InitiateMultipartUploadResult", &begun)))
}

fn part(call: &mut Call<'_>, id: &str) -> AwsResult<Response> {
    if call.request.header("x-amz-copy-source").is_some() {
        return Err(call.not_served(&operation_hint(call.protocol, call.request)));
    }
    let number = call.request.query_value("partNumber").and_then(|number| number.parse().ok());
    let number = number.filter(|number| NUMBERS.contains(number)).ok_or_else(|| {
        AwsError::new(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    })?;
    let body = call.request.body.clone();
    let blob = keep(call, &body)?;
    let response = with_checksum(call, empty(200).with("etag", etag_of(&blob)));
    if let Some(upload) = call.world.state.uploads.get_mut(id) {
        upload.parts.insert(number, UploadPart { blob, size: body.len() as u64 });
    }
    call.changed();
    Ok(Response::Http(response))
}

/// The parts that an upload is to consist of, as a request lists them.
#[derive(Debug, Deserialize)]
struct WantedParts {
    #[serde(rename = "Part", default)]
    parts: Vec<WantedPart>,
}

#[derive(Debug, Deserialize)]
struct WantedPart {
    #[serde(rename = "PartNumber")]
    number: u32,
    #[serde(rename = "ETag")]
    etag: String,
}

fn complete(call: &mut Call<'_>, id: &str, name: &str, key: &str) -> AwsResult<Response> {
    let malformed = || {
        AwsError::new(
            400,
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    };
    let text = std::str::from_utf8(&call.request.body).map_err(|_| malformed())?;
    let wanted: WantedParts = quick_xml::de::from_str(text).map_err(|_| malformed())?;
    if wanted.parts.is_empty() {
        return Err(malformed());
    }
    has_it(call.request, key, bucket(call, name)?.objects.get(key))?;
    let Some(upload) = call.world.state.uploads.get(id).cloned() else { return Err(malformed()) };
    let mut body = Vec::new();
    for part in chosen(&upload, &wanted.parts)? {
        if body.len() as u64 + part.size > measure::longest_body("s3") as u64 {
            return Err(AwsError::new(
                400,
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed object size",
            ));
        }
        let bytes = call.world.store.get(&part.blob).map_err(|error| {
            tracing::error!(%error, "a part of an upload is gone from the disk");
            absent()
        })?;
        body.extend_from_slice(&bytes);
    }
    let parts = Some(wanted.parts.len());
    let object = Object { parts, ..stored(call, name, &body, upload.described)? };
    let host = call.request.header("host").unwrap_or("127.0.0.1");
    let made = json!({"Location": address(host, name, key), "Bucket": name, "Key": key, "ETag": object.etag()});
    let mut response = s3_response("CompleteMultipartUploadResult", &made);
    if let Some(version) = &object.version {
        response = response.with("x-amz-version-id", version);
    }
    if let Some(bucket) = call.world.state.buckets.get_mut(name) {
        bucket.objects.insert(key.to_owned(), object);
    }
    call.world.state.uploads.remove(id);
    call.changed();
    Ok(Response::Http(response))
}

fn absent() -> AwsError {
    AwsError::new(
        400,
        "InvalidPart",
        "One or more of the specified parts could not be found. The part might not have been uploaded, or the specified \
         entity tag might not have matched the part's entity tag.",
    )
}

/// The parts that a request lists, each as it was sent, in their order.
fn chosen<'a>(upload: &'a MultipartUpload, wanted: &[WantedPart]) -> AwsResult<Vec<&'a UploadPart>> {
    if !wanted.is_sorted_by(|one, next| one.number < next.number) {
        return Err(AwsError::new(
            400,
            "InvalidPartOrder",
            "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
        ));
    }
    let sent = |one: &WantedPart| {
        let part = upload.parts.get(&one.number)?;
        (etag_of(&part.blob).trim_matches('"') == one.etag.trim_matches('"')).then_some(part)
    };
    let found: Vec<&UploadPart> = wanted.iter().map(|one| sent(one).ok_or_else(absent)).collect::<AwsResult<_>>()?;
    let whole = found.split_last().map(|(_, before)| before).unwrap_or_default();
    match whole.iter().any(|part| part.size < LEAST) {
        true => Err(AwsError::new(
            400,
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed object size.",
        )),
        false => Ok(found),
    }
}

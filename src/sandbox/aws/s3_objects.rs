//! What is common to all that puts objects into buckets: the bytes, the tags, the checksums.

use super::chunked::checksum;
use super::error::{AwsError, AwsResult};
use super::http::{HttpRequest, HttpResponse};
use super::records::{Bucket, Described, Object};
use super::service::Call;
use workshop_base::encoding::encode_path;

/// Returns the tag of what is kept by a hash.
pub(super) fn etag_of(blob: &str) -> String {
    format!("\"{}\"", &blob[..32])
}

/// Finds a bucket.
///
/// # Errors
/// `NoSuchBucket`.
pub(super) fn bucket<'a>(call: &'a Call<'_>, name: &str) -> AwsResult<&'a Bucket> {
    call.world.state.buckets.get(name).ok_or_else(|| no_bucket(name))
}

/// Refuses a bucket that is not there.
pub(super) fn no_bucket(name: &str) -> AwsError {
    AwsError::new(404, "NoSuchBucket", "The specified bucket does not exist").member("BucketName", name)
}

/// Returns a response without a body.
pub(super) fn empty(status: u16) -> HttpResponse {
    HttpResponse { status, headers: Vec::new(), body: bytes::Bytes::new() }
}

/// Keeps an object's bytes.
///
/// # Errors
/// `InsufficientStorage`, when the disk does not take them.
pub(super) fn keep(call: &Call<'_>, body: &[u8]) -> AwsResult<String> {
    call.world.store.put(body).map_err(|error| {
        tracing::error!(%error, "an upload could not be kept");
        AwsError::new(400, "InsufficientStorage", format!("the sandbox could not keep the upload: {error}"))
    })
}

/// The headers that an object keeps beside its type.
const KEPT_HEADERS: [&str; 5] =
    ["cache-control", "content-disposition", "content-encoding", "content-language", "expires"];

/// Returns what the headers say of an object: its type, its own metadata, and how it is to be taken.
pub(super) fn described(request: &HttpRequest) -> Described {
    let metadata =
        request.headers.iter().filter_map(|(n, v)| Some((n.strip_prefix("x-amz-meta-")?.to_owned(), v.clone())));
    let kept = |name: &&str| {
        let value = request.header(name)?;
        // How the request itself was sent is none of the object's.
        let own = value.split(',').map(str::trim).filter(|part| *part != "aws-chunked").collect::<Vec<_>>();
        let value = if *name == "content-encoding" { own.join(",") } else { value.to_owned() };
        (!value.is_empty()).then(|| ((*name).to_owned(), value))
    };
    Described {
        content_type: request.header("content-type").unwrap_or("binary/octet-stream").to_owned(),
        metadata: metadata.collect(),
        headers: KEPT_HEADERS.iter().filter_map(kept).collect(),
    }
}

/// Makes an object of its bytes, which are kept; it is not in its bucket yet.
///
/// # Errors
/// `NoSuchBucket`; as [`keep`].
pub(super) fn stored(call: &mut Call<'_>, name: &str, body: &[u8], described: Described) -> AwsResult<Object> {
    let versioned = bucket(call, name)?.properties["VersioningConfiguration"]["Status"] == "Enabled";
    Ok(Object {
        blob: keep(call, body)?,
        size: body.len() as u64,
        modified: call.now,
        parts: None,
        version: versioned.then(|| call.world.ids.secret(32).replace(['+', '/'], "_")),
        described,
    })
}

/// Refuses a key that is not there.
pub(super) fn no_key(key: &str) -> AwsError {
    AwsError::new(404, "NoSuchKey", "The specified key does not exist.").member("Key", key)
}

/// Asks what a request expects of the object: that it has a tag, or has none of some. True: it does not, and a reader has it
/// already.
///
/// # Errors
/// `PreconditionFailed`; `NoSuchKey`, for a writer who expects one; `NotImplemented`, for what S3 does not compare.
pub(super) fn has_it(request: &HttpRequest, key: &str, object: Option<&Object>) -> AwsResult<bool> {
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    let failed = |condition: &str| {
        let message = "At least one of the pre-conditions you specified did not hold";
        Err(AwsError::new(412, "PreconditionFailed", message).member("Condition", condition))
    };
    let named = |tags: &str, object: &Object| {
        tags.split(',')
            .map(|tag| tag.trim().trim_matches('"'))
            .any(|tag| tag == "*" || tag == object.etag().trim_matches('"'))
    };
    if let Some(tags) = request.header("if-match") {
        match object {
            None => return Err(no_key(key)),
            Some(object) if !named(tags, object) => return failed("If-Match"),
            Some(_) => {}
        }
    }
    match (request.header("if-none-match"), object) {
        (Some(tags), _) if !reads && tags != "*" => Err(AwsError::new(
            501,
            "NotImplemented",
            "A header you provided implies functionality that is not implemented",
        )
        .member("Header", "If-None-Match")),
        (Some(tags), Some(object)) if named(tags, object) => {
            if reads {
                Ok(true)
            } else {
                failed("If-None-Match")
            }
        }
        _ => Ok(false),
    }
}

/// Adds the checksum of the request's body that its client has asked for.
pub(super) fn with_checksum(call: &Call<'_>, response: HttpResponse) -> HttpResponse {
    let Some(algorithm) = used_checksum(call) else { return response };
    let value = checksum(&algorithm, &call.request.body).unwrap_or_default();
    response.with(&format!("x-amz-checksum-{algorithm}"), value)
}

/// The checksum a client sent or announced, of those we can compute.
fn used_checksum(call: &Call<'_>) -> Option<String> {
    let sent = call.request.headers.iter().find_map(|(name, _)| name.strip_prefix("x-amz-checksum-"));
    let announced = call.request.header("x-amz-trailer").and_then(|name| name.strip_prefix("x-amz-checksum-"));
    sent.or(announced).filter(|algorithm| checksum(algorithm, b"").is_some()).map(str::to_owned)
}

/// The address of an object at this endpoint.
pub(crate) fn address(host: &str, bucket: &str, key: &str) -> String {
    format!("http://{host}/{bucket}/{}", encode_path(key))
}

//! S3's lists of objects: ListObjectsV2 and the older ListObjects, page by page.
//!
//! Source: Amazon S3 API reference (2026-11), `ListObjectsV2`, `ListObjects`; the refusals are those recorded in
//! localstack/localstack, tests/aws/services/s3/test_s3_list_operations.snapshot.json.

use serde_json::{Value, json};

use super::error::{AwsError, AwsResult};
use super::protocol::s3_response;
use super::records::Object;
use super::s3_objects::bucket;
use super::service::{Call, Response};
use workshop_base::encoding::encode_path;

/// The parameters that a list may be asked with.
const PARAMETERS: [&str; 10] = [
    "list-type",
    "prefix",
    "delimiter",
    "marker",
    "max-keys",
    "encoding-type",
    "continuation-token",
    "start-after",
    "fetch-owner",
    "x-id",
];
/// The most that one page has.
const MOST: usize = 1_000;

/// Begins the names of the parameters of a signature in an address.
const SIGNATURE: &str = "X-Amz-";

/// Tells that a request to a bucket asks for its objects.
pub(super) fn is_asked(call: &Call<'_>) -> bool {
    let known = |name: &str| PARAMETERS.contains(&name) || name.starts_with(SIGNATURE);
    call.request.query_pairs().iter().all(|(name, _)| known(name))
}

/// Describes an object as lists do.
pub(super) fn entry(key: &str, object: &Object) -> Value {
    json!({
        "Key": key,
        "LastModified": object.modified.iso(),
        "ETag": object.etag(),
        "Size": object.size,
        "StorageClass": "STANDARD",
    })
}

/// One page of a bucket's objects and of the groups that a delimiter makes of them.
struct Page {
    contents: Vec<Value>,
    groups: Vec<String>,
    /// The last of both, where there is more.
    next: Option<String>,
}

/// Lists a bucket's objects.
///
/// # Errors
/// `NoSuchBucket`; `InvalidArgument`, for a number or an encoding that S3 does not take.
pub(super) fn list(call: &Call<'_>, name: &str) -> AwsResult<Response> {
    let query = |what: &str| call.request.query_value(what).filter(|value| !value.is_empty());
    let (prefix, delimiter) = (query("prefix").unwrap_or_default(), query("delimiter"));
    let most = most(query("max-keys"))?;
    let encodes = encodes(query("encoding-type"))?;
    let written = |text: &str| if encodes { encode_path(text).replace("%20", "+") } else { text.to_owned() };
    let second = call.request.query_value("list-type").as_deref() == Some("2");
    let owner = (!second || query("fetch-owner").as_deref() == Some("true")).then_some(&call.world.state.account);
    let (token, start, marker) = (query("continuation-token"), query("start-after"), query("marker"));
    let after = if second { token.clone().or_else(|| start.clone()) } else { marker.clone() };
    let Page { mut contents, groups, next } = page(call, name, &prefix, delimiter.as_deref(), after.as_deref(), most)?;
    for entry in &mut contents {
        entry["Key"] = written(entry["Key"].as_str().unwrap_or_default()).into();
        if let Some(account) = owner {
            entry["Owner"] = json!({"ID": account});
        }
    }
    let count = contents.len() + groups.len();
    let groups: Vec<Value> = groups.iter().map(|prefix| json!({"Prefix": written(prefix)})).collect();
    let mut body = json!({
        "Name": name,
        "Prefix": written(&prefix),
        "Delimiter": delimiter.as_deref().map(written),
        "EncodingType": encodes.then_some("url"),
        "MaxKeys": most,
        "IsTruncated": next.is_some(),
        "Contents": contents,
        "CommonPrefixes": groups,
    });
    if second {
        body["KeyCount"] = count.into();
        body["ContinuationToken"] = json!(token);
        body["StartAfter"] = json!(start.as_deref().map(written));
        body["NextContinuationToken"] = json!(next);
    } else {
        body["Marker"] = json!(written(&marker.unwrap_or_default()));
        // Who asks for no groups goes on behind the last key.
        body["NextMarker"] = json!(next.filter(|_| delimiter.is_some()).as_deref().map(written));
    }
    Ok(Response::Http(s3_response("ListBucketResult", &body)))
}

fn page(
    call: &Call<'_>,
    name: &str,
    prefix: &str,
    delimiter: Option<&str>,
    after: Option<&str>,
    most: usize,
) -> AwsResult<Page> {
    let mut page = Page { contents: Vec::new(), groups: Vec::new(), next: None };
    let mut last = None;
    let after = after.unwrap_or_default();
    for (key, object) in bucket(call, name)?.objects.iter().filter(|(key, _)| key.starts_with(prefix)) {
        if key.as_str() <= after {
            continue;
        }
        let group = delimiter.and_then(|d| key[prefix.len()..].find(d).map(|at| &key[..prefix.len() + at + d.len()]));
        // One that an earlier page told of is not told again.
        if group.is_some_and(|group| after.starts_with(group) || page.groups.last().is_some_and(|told| told == group)) {
            continue;
        }
        if page.contents.len() + page.groups.len() == most {
            page.next = last;
            break;
        }
        match group {
            Some(group) => page.groups.push(group.to_owned()),
            None => page.contents.push(entry(key, object)),
        }
        last = Some(group.unwrap_or(key).to_owned());
    }
    Ok(page)
}

fn most(asked: Option<String>) -> AwsResult<usize> {
    let Some(asked) = asked else { return Ok(MOST) };
    match asked.parse::<i32>() {
        Ok(number) if number >= 0 => Ok(MOST.min(number as usize)),
        Ok(_) => Err(argument("Argument maxKeys must be an integer between 0 and 2147483647", "maxKeys", &asked)),
        Err(_) => Err(argument("Provided max-keys not an integer or within integer range", "max-keys", &asked)),
    }
}

fn encodes(asked: Option<String>) -> AwsResult<bool> {
    match asked.as_deref() {
        None => Ok(false),
        Some("url") => Ok(true),
        Some(other) => Err(argument("Invalid Encoding Method specified in Request", "encoding-type", other)),
    }
}

fn argument(message: &str, name: &str, value: &str) -> AwsError {
    AwsError::new(400, "InvalidArgument", message).member("ArgumentName", name).member("ArgumentValue", value)
}

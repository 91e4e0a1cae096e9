//! S3, as far as assets and templates need it: buckets that stacks make, objects in them.
//!
//! Path style only (the endpoint is an IP address). Objects live in the store by hash.

use serde_json::{Map, Value, json};

use super::error::{AwsError, AwsResult};
use super::http::HttpResponse;
use super::protocol::{operation_hint, s3_response};
use super::records::Object;
use super::s3_listing;
use super::s3_objects::{bucket, described, empty, etag_of, has_it, no_bucket, no_key, stored, with_checksum};
use super::s3_uploads;
use super::service::{Call, Response};
use workshop_base::encoding::decode;

impl Object {
    /// Not an MD5, as for every object that S3 encrypts with KMS: the first half of the SHA-256.
    pub(super) fn etag(&self) -> String {
        let whole = etag_of(&self.blob);
        match self.parts {
            None => whole,
            Some(parts) => format!("\"{}-{parts}\"", whole.trim_matches('"')),
        }
    }
}

/// Answers an operation of S3, if IAM allows it.
pub(crate) fn call(call: &mut Call<'_>) -> AwsResult<Response> {
    let path = decode(&call.request.path);
    let path = path.trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let method = call.request.method.as_str();
    match (bucket, key, method) {
        ("", _, "GET") => list_buckets(call),
        ("", _, _) => Err(call.not_served(&operation_hint(call.protocol, call.request))),
        (bucket, "", _) => bucket_call(call, bucket),
        (bucket, key, _) if s3_uploads::concerns_parts(call) => s3_uploads::call(call, bucket, key),
        (bucket, key, "PUT") => put(call, bucket, key),
        (bucket, key, "GET" | "HEAD") => get(call, bucket, key),
        (bucket, key, "DELETE") => delete(call, bucket, key),
        _ => Err(call.not_served(&operation_hint(call.protocol, call.request))),
    }
}

fn xml(root: &str, body: Value) -> AwsResult<Response> {
    Ok(Response::Http(s3_response(root, &body)))
}

fn list_buckets(call: &Call<'_>) -> AwsResult<Response> {
    call.allow("s3:ListAllMyBuckets", "*")?;
    let all: Vec<Value> = call
        .world
        .state
        .buckets
        .iter()
        .map(|(name, bucket)| json!({"Name": name, "CreationDate": bucket.created.iso()}))
        .collect();
    xml("ListAllMyBucketsResult", json!({"Owner": {"ID": call.world.state.account}, "Buckets": {"Bucket": all}}))
}

fn bucket_call(call: &mut Call<'_>, name: &str) -> AwsResult<Response> {
    let arn = format!("arn:aws:s3:::{name}");
    let asks = |what: &str| call.request.query_value(what).is_some();
    let refused = || Err(call.not_served(&operation_hint(call.protocol, call.request)));
    match call.request.method.as_str() {
        "HEAD" => {
            call.allow("s3:ListBucket", &arn)?;
            bucket(call, name)?;
            Ok(Response::Http(empty(200).with("x-amz-bucket-region", &call.world.state.region)))
        }
        "GET" if asks("location") => {
            call.allow("s3:GetBucketLocation", &arn)?;
            bucket(call, name)?;
            // Its oldest region has no name here.
            let region = Some(call.world.state.region.as_str()).filter(|r| *r != "us-east-1").unwrap_or("");
            xml("LocationConstraint", json!(region))
        }
        "GET" if asks("encryption") => {
            call.allow("s3:GetEncryptionConfiguration", &arn)?;
            let rule = &bucket(call, name)?.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"];
            let algorithm = rule["SSEAlgorithm"].as_str().unwrap_or("AES256");
            let default = json!({"SSEAlgorithm": algorithm, "KMSMasterKeyID": rule["KMSMasterKeyID"]});
            xml(
                "ServerSideEncryptionConfiguration",
                json!({"Rule": {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": false}}),
            )
        }
        "GET" if asks("versioning") => {
            call.allow("s3:GetBucketVersioning", &arn)?;
            let status = bucket(call, name)?.properties["VersioningConfiguration"]["Status"].clone();
            xml("VersioningConfiguration", json!({"Status": status}))
        }
        "GET" if asks("policy") => {
            call.allow("s3:GetBucketPolicy", &arn)?;
            let policy = bucket(call, name)?.policy.clone().ok_or_else(|| {
                AwsError::new(404, "NoSuchBucketPolicy", "The bucket policy does not exist").member("BucketName", name)
            })?;
            Ok(Response::Http(HttpResponse::new(200, "application/json", policy.to_string())))
        }
        "GET" if asks("tagging") => {
            call.allow("s3:GetBucketTagging", &arn)?;
            let tags = bucket(call, name)?.properties["Tags"].clone();
            match tags.is_null() {
                true => Err(AwsError::new(404, "NoSuchTagSet", "The TagSet does not exist").member("BucketName", name)),
                false => xml("Tagging", json!({"TagSet": {"Tag": tags}})),
            }
        }
        "GET" if asks("versions") => {
            call.allow("s3:ListBucketVersions", &arn)?;
            let prefix = call.request.query_value("prefix").unwrap_or_default();
            let versions: Vec<Value> = bucket(call, name)?
                .objects
                .iter()
                .filter(|(key, _)| key.starts_with(&prefix))
                .map(|(key, object)| {
                    let mut entry = s3_listing::entry(key, object);
                    entry["IsLatest"] = true.into();
                    entry["VersionId"] = object.version.clone().unwrap_or_else(|| "null".into()).into();
                    entry
                })
                .collect();
            let listed = json!({"Name": name, "Prefix": prefix, "IsTruncated": false, "Version": versions});
            xml("ListVersionsResult", listed)
        }
        "GET" if s3_listing::is_asked(call) => {
            call.allow("s3:ListBucket", &arn)?;
            s3_listing::list(call, name)
        }
        _ => refused(),
    }
}

fn put(call: &mut Call<'_>, name: &str, key: &str) -> AwsResult<Response> {
    let subresources = ["tagging", "acl", "partNumber", "retention", "legal-hold"];
    if subresources.iter().any(|s| call.request.query_value(s).is_some())
        || call.request.header("x-amz-copy-source").is_some()
    {
        return Err(call.not_served(&operation_hint(call.protocol, call.request)));
    }
    call.allow("s3:PutObject", &format!("arn:aws:s3:::{name}/{key}"))?;
    has_it(call.request, key, bucket(call, name)?.objects.get(key))?;
    let body = call.request.body.clone();
    let object = stored(call, name, &body, described(call.request))?;
    let mut response = empty(200).with("etag", object.etag());
    if let Some(version) = &object.version {
        response = response.with("x-amz-version-id", version);
    }
    let response = with_checksum(call, response);
    if let Some(bucket) = call.world.state.buckets.get_mut(name) {
        bucket.objects.insert(key.to_owned(), object);
    }
    call.changed();
    Ok(Response::Http(response))
}

fn get(call: &mut Call<'_>, name: &str, key: &str) -> AwsResult<Response> {
    for other in ["tagging", "acl", "attributes", "uploadId"] {
        if call.request.query_value(other).is_some() {
            return Err(call.not_served(&operation_hint(call.protocol, call.request)));
        }
    }
    call.allow("s3:GetObject", &format!("arn:aws:s3:::{name}/{key}"))?;
    let object = version(call, name, key)?;
    let mut response = empty(200)
        .with("etag", object.etag())
        .with("content-type", &object.described.content_type)
        .with("last-modified", object.modified.http())
        .with("accept-ranges", "bytes");
    if let Some(version) = &object.version {
        response = response.with("x-amz-version-id", version);
    }
    for (name, value) in &object.described.metadata {
        response = response.with(&format!("x-amz-meta-{name}"), value);
    }
    for (name, value) in &object.described.headers {
        response = response.with(name, value);
    }
    if has_it(call.request, key, Some(&object))? {
        response.status = 304;
        return Ok(Response::Http(response));
    }
    if call.request.method == "HEAD" {
        return Ok(Response::Http(response.with("content-length", object.size.to_string())));
    }
    let body = call.world.store.get(&object.blob).map_err(|error| {
        tracing::error!(%error, "an upload is gone from the disk");
        no_key(key)
    })?;
    match call.request.header("range").and_then(|range| Some((range, byte_range(range, body.len())?))) {
        Some((range, (start, end))) if start >= end => {
            return Err(AwsError::new(416, "InvalidRange", "The requested range is not satisfiable")
                .member("RangeRequested", range)
                .member("ActualObjectSize", body.len()));
        }
        Some((_, (start, end))) => {
            response.status = 206;
            response = response.with("content-range", format!("bytes {start}-{}/{}", end - 1, body.len()));
            response.body = body.slice(start..end);
        }
        None => response.body = body,
    }
    Ok(Response::Http(response))
}

/// The object of a key, in the version that is asked for; each has its newest alone.
fn version(call: &Call<'_>, name: &str, key: &str) -> AwsResult<Object> {
    let object = bucket(call, name)?.objects.get(key);
    let own = |object: &Object| object.version.clone().unwrap_or_else(|| "null".into());
    match call.request.query_value("versionId").filter(|asked| object.is_none_or(|object| own(object) != *asked)) {
        Some(asked) => Err(AwsError::new(404, "NoSuchVersion", "The specified version does not exist.")
            .member("Key", key)
            .member("VersionId", asked)),
        None => object.cloned().ok_or_else(|| no_key(key)),
    }
}

/// `bytes=a-b`, `bytes=a-`, `bytes=-n` as a half-open range, an empty one where the object has nothing of it; None for what
/// is no range, which S3 passes over.
fn byte_range(header: &str, length: usize) -> Option<(usize, usize)> {
    let (start, end) = header.strip_prefix("bytes=")?.split_once('-')?;
    let (start, end) = match (start.parse::<usize>(), end.parse::<usize>()) {
        (Ok(start), Ok(end)) if start <= end => (start, end.saturating_add(1).min(length)),
        (Ok(start), Err(_)) if end.is_empty() => (start, length),
        (Err(_), Ok(last)) if start.is_empty() => (length.saturating_sub(last), length),
        _ => return None,
    };
    Some((start, end))
}

fn delete(call: &mut Call<'_>, name: &str, key: &str) -> AwsResult<Response> {
    call.allow("s3:DeleteObject", &format!("arn:aws:s3:::{name}/{key}"))?;
    // Another version than the one that is there is gone already.
    let gone = version(call, name, key).is_err_and(|error| error.code == "NoSuchVersion");
    if call.request.header("if-match").is_some() {
        has_it(call.request, key, bucket(call, name)?.objects.get(key))?;
    }
    let bucket = call.world.state.buckets.get_mut(name).ok_or_else(|| no_bucket(name))?;
    if !gone {
        bucket.objects.remove(key);
    }
    call.changed();
    Ok(Response::Http(empty(204)))
}

/// A template's place, `http://…/bucket/key`, as bucket and key.
pub(crate) fn locate(url: &str) -> Option<(String, String)> {
    let rest = url.split_once("://")?.1;
    let (host, path) = rest.split_once('/')?;
    let path = decode(path.split('?').next().unwrap_or(path));
    match host.split_once(".s3.") {
        // Virtual-hosted style, as AWS's own addresses are.
        Some((bucket, _)) => Some((bucket.to_owned(), path)),
        None => path.split_once('/').map(|(bucket, key)| (bucket.to_owned(), key.to_owned())),
    }
}

/// Returns the attributes that CloudFormation's `GetAtt` gives of a bucket.
pub(crate) fn attributes(name: &str, region: &str) -> Map<String, Value> {
    Map::from_iter([
        ("Arn".to_owned(), json!(format!("arn:aws:s3:::{name}"))),
        ("DomainName".to_owned(), json!(format!("{name}.s3.amazonaws.com"))),
        ("DualStackDomainName".to_owned(), json!(format!("{name}.s3.dualstack.{region}.amazonaws.com"))),
        ("RegionalDomainName".to_owned(), json!(format!("{name}.s3.{region}.amazonaws.com"))),
        ("WebsiteURL".to_owned(), json!(format!("http://{name}.s3-website-{region}.amazonaws.com"))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn template_addresses() {
        let pair = |url| locate(url).unwrap();
        assert_eq!(pair("http://127.0.0.1:4/b/a%20k.json?x"), ("b".into(), "a k.json".into()));
        assert_eq!(pair("https://s3.us-east-1.amazonaws.com/b/k"), ("b".into(), "k".into()));
        assert_eq!(pair("https://b.s3.us-east-1.amazonaws.com/x/k"), ("b".into(), "x/k".into()));
        assert_eq!(locate("nonsense"), None);
    }

    #[test]
    fn ranges() {
        assert_eq!(byte_range("bytes=0-4", 10), Some((0, 5)));
        assert_eq!(byte_range("bytes=5-", 10), Some((5, 10)));
        assert_eq!(byte_range("bytes=-3", 10), Some((7, 10)));
        assert_eq!(byte_range("bytes=5-100", 10), Some((5, 10)));
        assert_eq!(byte_range("bytes=20-", 10), Some((20, 10)));
        assert_eq!(byte_range("bytes=4-2", 10), None);
        assert_eq!(byte_range("lines=1-2", 10), None);
    }
}

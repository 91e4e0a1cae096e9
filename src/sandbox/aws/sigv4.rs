//! The signer of a request: AWS Signature Version 4, checked over the bytes as they came.
//!
//! Takes header and presigned signatures, plain, unsigned and chunked payloads. [`admit`] needs the head of a
//! request alone, so that a stranger's body is never read; [`Admitted::verify`] takes the body. Invariant: a
//! request that passes was made by someone who knows the secret, within five minutes of now (or of its own
//! expiry), and nothing of it that a service reads was left out of the signature.

use std::time::Duration;

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use bytes::Bytes;

use super::chunked;
use super::http::HttpRequest;
use super::signature_error::SignatureError;
use super::time::Instant;
use crate::interfaces::Credential;
use workshop_base::encoding::{decode, encode, encode_path, sha256_hex};

/// The most that a client's clock may be off, as AWS has it.
const SKEW: Duration = Duration::from_secs(5 * 60);
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// A request whose signature holds.
#[derive(Debug, Clone)]
pub(crate) struct SignedRequest {
    pub credential: Credential,
    /// The payload, without the framing of a chunked upload.
    pub body: Bytes,
}

/// A signature's own account of itself.
struct SignatureClaim {
    access_key: String,
    date: String,
    /// The day in the credential's scope.
    day: String,
    region: String,
    service: String,
    signed_headers: Vec<String>,
    signature: String,
    token: Option<String>,
    /// Set for presigned requests.
    expires: Option<Duration>,
}

impl SignatureClaim {
    fn scope(&self) -> String {
        format!("{}/{}/{}/aws4_request", &self.date[..8], self.region, self.service)
    }
}

/// The service a request is meant for, whether or not its signature holds.
pub(crate) fn service(request: &HttpRequest) -> Option<String> {
    match claim(request) {
        Ok(claim) => Some(claim.service),
        // Only S3 was ever asked so by the clients that still can.
        Err(SignatureError::Mechanism) => Some("s3".into()),
        Err(_) => None,
    }
}

/// The head of a request whose sender is known.
pub(crate) struct Admitted {
    claim: SignatureClaim,
    credential: Credential,
    key: Vec<u8>,
}

/// Checks what the head of a request tells: who signed it, when, for where, and the signature itself where the
/// head declares the payload's hash. `lookup` finds the credential of an access key, `machine` is the time that
/// clients sign by, `now` the time that credentials expire by. The body may be empty as yet.
///
/// # Errors
/// Each [`SignatureError`] but those about the payload.
pub(crate) fn admit(
    request: &HttpRequest,
    region: &str,
    machine: Instant,
    now: Instant,
    lookup: impl Fn(&str) -> Option<Credential>,
) -> Result<Admitted, SignatureError> {
    let claim = claim(request)?;
    let credential = lookup(&claim.access_key).ok_or(SignatureError::UnknownKey)?;
    if credential.session_token != claim.token {
        return Err(SignatureError::UnknownKey);
    }
    if credential.expires.is_some_and(|expires| Instant::of(expires) <= now) {
        return Err(SignatureError::Expired);
    }
    // IAM has one endpoint for all regions and signs as us-east-1.
    if claim.region != region && claim.service != "iam" {
        return Err(SignatureError::WrongRegion { given: claim.region, expected: region.to_owned() });
    }
    let signed_at = timely(&claim, machine)?;
    if claim.day != claim.date[..8] {
        let day = claim.date[..8].to_owned();
        return Err(SignatureError::OtherDay { scope: claim.day, day, date: claim.date });
    }
    all_signed(request, &claim)?;
    let key = generate_signing_key(&credential.secret_access_key, signed_at.system(), &claim.region, &claim.service);
    let admitted = Admitted { claim, credential, key: key.as_ref().to_vec() };
    if request.header("x-amz-content-sha256").is_some() {
        admitted.signature(request)?;
    }
    Ok(admitted)
}

impl Admitted {
    fn signature(&self, request: &HttpRequest) -> Result<String, SignatureError> {
        let claim = &self.claim;
        let payload = declared_payload(request, claim);
        let canonical = canonical_request(request, claim, &payload);
        let to_sign = format!("{ALGORITHM}\n{}\n{}\n{}", claim.date, claim.scope(), sha256_hex(canonical.as_bytes()));
        match same(&calculate_signature(&self.key, to_sign.as_bytes()), &claim.signature) {
            true => Ok(payload),
            false => Err(SignatureError::Mismatch),
        }
    }

    /// Checks the signature over the whole request, and its payload against what was signed.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`], or what is wrong with the payload: its hash, a checksum, its framing.
    pub(crate) fn verify(self, request: &HttpRequest) -> Result<SignedRequest, SignatureError> {
        let payload = self.signature(request)?;
        let Admitted { claim, credential, key } = self;
        // Only S3 takes a body that nobody vouches for; every other service hashes what it got.
        let free = claim.service == "s3";
        let body = if free && payload.starts_with("STREAMING-") {
            let scope = claim.scope();
            let chain = chunked::ChunkChain { key: &key, date: &claim.date, scope: &scope, seed: &claim.signature };
            chunked::decode(request, &payload, &chain)?
        } else {
            if !(free && payload == UNSIGNED) && payload != sha256_hex(&request.body) {
                return Err(if free { SignatureError::Digest } else { SignatureError::Mismatch });
            }
            chunked::verify_headers(request, &request.body)?;
            request.body.clone()
        };
        Ok(SignedRequest { credential, body })
    }
}

/// Refuses `x-amz-…` headers outside the signature: services act on them.
fn all_signed(request: &HttpRequest, claim: &SignatureClaim) -> Result<(), SignatureError> {
    let names = request.headers.iter().map(|(name, _)| name);
    let mut loose: Vec<String> =
        names.filter(|name| name.starts_with("x-amz-") && !claim.signed_headers.contains(name)).cloned().collect();
    loose.dedup();
    if loose.is_empty() { Ok(()) } else { Err(SignatureError::Unsigned(loose)) }
}

fn claim(request: &HttpRequest) -> Result<SignatureClaim, SignatureError> {
    match request.header("authorization") {
        Some(header) if header.starts_with("AWS ") => Err(SignatureError::Mechanism),
        Some(header) => header_claim(request, header),
        None if request.query_value("X-Amz-Signature").is_some() => query_claim(request),
        None if request.query_value("AWSAccessKeyId").is_some() => Err(SignatureError::Mechanism),
        None => Err(SignatureError::Missing),
    }
}

fn header_claim(request: &HttpRequest, header: &str) -> Result<SignatureClaim, SignatureError> {
    let Some(fields) = header.strip_prefix(ALGORITHM) else {
        return Err(SignatureError::Incomplete(format!("the algorithm must be {ALGORITHM}")));
    };
    let field = |name: &str| {
        fields
            .split(',')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
            .ok_or_else(|| SignatureError::Incomplete(format!("it has no {name}")))
    };
    let date = request.header("x-amz-date").ok_or_else(|| SignatureError::Incomplete("no X-Amz-Date header".into()))?;
    complete(SignatureClaim {
        date: date.to_owned(),
        signed_headers: split_headers(field("SignedHeaders")?),
        signature: field("Signature")?.to_owned(),
        token: request.header("x-amz-security-token").map(str::to_owned),
        expires: None,
        ..credential_scope(field("Credential")?)?
    })
}

fn query_claim(request: &HttpRequest) -> Result<SignatureClaim, SignatureError> {
    let value = |name: &str| {
        request.query_value(name).ok_or_else(|| SignatureError::Incomplete(format!("the query has no {name}")))
    };
    if value("X-Amz-Algorithm")? != ALGORITHM {
        return Err(SignatureError::Incomplete(format!("the algorithm must be {ALGORITHM}")));
    }
    let expires: i64 = value("X-Amz-Expires")?
        .parse()
        .map_err(|_| SignatureError::Incomplete("X-Amz-Expires should be a number".into()))?;
    let expires =
        u64::try_from(expires).map_err(|_| SignatureError::Incomplete("X-Amz-Expires must be non-negative".into()))?;
    if expires > 7 * 24 * 3600 {
        return Err(SignatureError::Incomplete("X-Amz-Expires must be less than a week (in seconds)".into()));
    }
    complete(SignatureClaim {
        date: value("X-Amz-Date")?,
        signed_headers: split_headers(&value("X-Amz-SignedHeaders")?),
        signature: value("X-Amz-Signature")?,
        token: request.query_value("X-Amz-Security-Token"),
        expires: Some(Duration::from_secs(expires)),
        ..credential_scope(&value("X-Amz-Credential")?)?
    })
}

/// Reads `AKID/20261123/us-east-1/sts/aws4_request`.
fn credential_scope(text: &str) -> Result<SignatureClaim, SignatureError> {
    let parts: Vec<&str> = text.split('/').collect();
    let [access_key, date, region, service, "aws4_request"] = parts[..] else {
        return Err(SignatureError::Incomplete("the credential is not KEY/DATE/REGION/SERVICE/aws4_request".into()));
    };
    Ok(SignatureClaim {
        access_key: access_key.to_owned(),
        date: String::new(),
        day: date.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        signed_headers: Vec::new(),
        signature: String::new(),
        token: None,
        expires: None,
    })
}

fn complete(claim: SignatureClaim) -> Result<SignatureClaim, SignatureError> {
    if Instant::parse_basic(&claim.date).is_none() {
        return Err(SignatureError::Incomplete("the date is not of the form 20261123T064220Z".into()));
    }
    if !claim.signed_headers.iter().any(|name| name == "host") {
        return Err(SignatureError::Incomplete("'Host' must be a signed header".into()));
    }
    Ok(claim)
}

fn split_headers(text: &str) -> Vec<String> {
    text.split(';').map(str::to_ascii_lowercase).collect()
}

fn timely(claim: &SignatureClaim, now: Instant) -> Result<Instant, SignatureError> {
    let signed = Instant::parse_basic(&claim.date).ok_or_else(|| SignatureError::Incomplete("no date".into()))?;
    let early = signed > now.plus(SKEW);
    let late = match claim.expires {
        Some(expires) => {
            if signed.plus(expires) < now {
                return Err(SignatureError::LinkExpired);
            }
            false
        }
        None => signed.plus(SKEW) < now,
    };
    if !early && !late {
        return Ok(signed);
    }
    let limit = if early { now.plus(SKEW) } else { Instant(now.0 - SKEW.as_millis() as u64) };
    Err(SignatureError::Skewed { early, signed: claim.date.clone(), limit: limit.basic(), now: now.basic() })
}

/// The payload's hash as the signature has it.
fn declared_payload(request: &HttpRequest, claim: &SignatureClaim) -> String {
    match request.header("x-amz-content-sha256") {
        Some(declared) => declared.to_owned(),
        None if claim.expires.is_some() && claim.service == "s3" => UNSIGNED.to_owned(),
        None => sha256_hex(&request.body),
    }
}

fn canonical_request(request: &HttpRequest, claim: &SignatureClaim, payload: &str) -> String {
    let path = if request.path.is_empty() { "/" } else { &request.path };
    // S3 signs the path as sent; every other service encodes it once more.
    let path = match claim.service.as_str() {
        "s3" => encode_path(&decode(path)),
        _ => encode_path(&normal(path)),
    };
    let mut query: Vec<(String, String)> = request
        .query_pairs()
        .into_iter()
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    query.sort();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut headers = String::new();
    for name in &claim.signed_headers {
        let values: Vec<String> =
            request.headers.iter().filter(|(n, _)| n == name).map(|(_, value)| single_spaced(value)).collect();
        headers.push_str(&format!("{name}:{}\n", values.join(",")));
    }
    let (method, signed) = (&request.method, claim.signed_headers.join(";"));
    format!("{method}\n{path}\n{}\n{headers}\n{signed}\n{payload}", query.join("&"))
}

/// Without empty and dot segments.
fn normal(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    let slash = if path.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    format!("/{}{slash}", kept.join("/"))
}

fn single_spaced(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Equality in a time that does not depend on where the strings differ.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |sum, (x, y)| sum | (x ^ y)) == 0
}

#[cfg(test)]
#[path = "sigv4_tests.rs"]
mod tests;

//! Who signed a request: AWS Signature Version 4, checked over the bytes as they came.
//!
//! Takes header and presigned signatures, plain, unsigned and chunked payloads. Invariant: a request that
//! passes was made by someone who knows the secret, within five minutes of now (or of its own expiry).

use std::time::Duration;

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use bytes::Bytes;

use super::chunked;
use super::http::{Request, decode, encode};
use super::ids::sha256_hex;
use super::time::Instant;
use crate::interfaces::Credential;

/// How far a client's clock may be off, as AWS has it.
const SKEW: Duration = Duration::from_secs(5 * 60);
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// A request whose signature holds.
#[derive(Debug, Clone)]
pub struct Signed {
    pub credential: Credential,
    pub region: String,
    pub service: String,
    /// The payload, without the framing of a chunked upload.
    pub body: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("Missing Authentication Token")]
    Missing,
    /// Signed as before 2014, or in another way than by Signature Version 4.
    #[error("The authorization mechanism you have provided is not supported. Please use {ALGORITHM}.")]
    Mechanism,
    #[error("Authorization header is not complete: {0}")]
    Incomplete(String),
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    #[error("The security token included in the request is expired")]
    Expired,
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
    #[error("Signature {verb}: {signed} is now {relation} than {limit} ({now} {sign} 5 min.)",
        verb = if *.early { "not yet current" } else { "expired" },
        relation = if *.early { "later" } else { "earlier" },
        sign = if *.early { '+' } else { '-' })]
    Skewed { early: bool, signed: String, limit: String, now: String },
    #[error("Request has expired")]
    LinkExpired,
    #[error("Credential should be scoped to a valid region, not '{given}': the workshop sandbox is {expected}")]
    WrongRegion { given: String, expected: String },
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    Digest,
    #[error("The {0} you specified did not match the calculated checksum.")]
    Checksum(String),
    #[error("The body is not a well-formed chunked upload: {0}")]
    Framing(String),
}

/// What the signature says about itself.
struct Claim {
    access_key: String,
    date: String,
    region: String,
    service: String,
    signed_headers: Vec<String>,
    signature: String,
    token: Option<String>,
    /// Set for presigned requests.
    expires: Option<Duration>,
}

impl Claim {
    fn scope(&self) -> String {
        format!("{}/{}/{}/aws4_request", &self.date[..8], self.region, self.service)
    }
}

/// The service a request is meant for, whether or not its signature holds.
pub fn service(request: &Request) -> Option<String> {
    match claim(request) {
        Ok(claim) => Some(claim.service),
        // Only S3 was ever asked so by the clients that still can.
        Err(Refusal::Mechanism) => Some("s3".into()),
        Err(_) => None,
    }
}

/// Checks a request; `lookup` answers the credential of an access key. `machine` is the time that clients
/// sign by, `now` the time that credentials expire by.
pub fn verify(
    request: &Request,
    region: &str,
    machine: Instant,
    now: Instant,
    lookup: impl Fn(&str) -> Option<Credential>,
) -> Result<Signed, Refusal> {
    let claim = claim(request)?;
    let credential = lookup(&claim.access_key).ok_or(Refusal::UnknownKey)?;
    if credential.session_token != claim.token {
        return Err(Refusal::UnknownKey);
    }
    if credential.expires.is_some_and(|expires| Instant::of(expires) <= now) {
        return Err(Refusal::Expired);
    }
    // IAM has one endpoint for all regions and signs as us-east-1.
    if claim.region != region && claim.service != "iam" {
        return Err(Refusal::WrongRegion { given: claim.region, expected: region.to_owned() });
    }
    let signed_at = timely(&claim, machine)?;
    let key = generate_signing_key(&credential.secret_access_key, signed_at.system(), &claim.region, &claim.service);
    let payload = declared_payload(request, &claim);
    let canonical = canonical_request(request, &claim, &payload);
    let to_sign = format!("{ALGORITHM}\n{}\n{}\n{}", claim.date, claim.scope(), sha256_hex(canonical.as_bytes()));
    if !same(&calculate_signature(&key, to_sign.as_bytes()), &claim.signature) {
        return Err(Refusal::Mismatch);
    }
    let body = if payload.starts_with("STREAMING-") {
        let chain =
            chunked::Chain { key: key.as_ref(), date: &claim.date, scope: &claim.scope(), seed: &claim.signature };
        chunked::decode(request, &payload, &chain)?
    } else {
        if payload != UNSIGNED && payload != sha256_hex(&request.body) {
            return Err(Refusal::Digest);
        }
        chunked::verify_headers(request, &request.body)?;
        request.body.clone()
    };
    Ok(Signed { credential, region: claim.region, service: claim.service, body })
}

fn claim(request: &Request) -> Result<Claim, Refusal> {
    match request.header("authorization") {
        Some(header) if header.starts_with("AWS ") => Err(Refusal::Mechanism),
        Some(header) => header_claim(request, header),
        None if request.query_value("X-Amz-Signature").is_some() => query_claim(request),
        None if request.query_value("AWSAccessKeyId").is_some() => Err(Refusal::Mechanism),
        None => Err(Refusal::Missing),
    }
}

fn header_claim(request: &Request, header: &str) -> Result<Claim, Refusal> {
    let Some(fields) = header.strip_prefix(ALGORITHM) else {
        return Err(Refusal::Incomplete(format!("the algorithm must be {ALGORITHM}")));
    };
    let field = |name: &str| {
        fields
            .split(',')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
            .ok_or_else(|| Refusal::Incomplete(format!("it has no {name}")))
    };
    let date = request.header("x-amz-date").ok_or_else(|| Refusal::Incomplete("no X-Amz-Date header".into()))?;
    complete(Claim {
        date: date.to_owned(),
        signed_headers: split_headers(field("SignedHeaders")?),
        signature: field("Signature")?.to_owned(),
        token: request.header("x-amz-security-token").map(str::to_owned),
        expires: None,
        ..credential_scope(field("Credential")?)?
    })
}

fn query_claim(request: &Request) -> Result<Claim, Refusal> {
    let value =
        |name: &str| request.query_value(name).ok_or_else(|| Refusal::Incomplete(format!("the query has no {name}")));
    if value("X-Amz-Algorithm")? != ALGORITHM {
        return Err(Refusal::Incomplete(format!("the algorithm must be {ALGORITHM}")));
    }
    let expires: u64 =
        value("X-Amz-Expires")?.parse().map_err(|_| Refusal::Incomplete("X-Amz-Expires is not a number".into()))?;
    if expires > 7 * 24 * 3600 {
        return Err(Refusal::Incomplete("X-Amz-Expires must be less than a week (in seconds)".into()));
    }
    complete(Claim {
        date: value("X-Amz-Date")?,
        signed_headers: split_headers(&value("X-Amz-SignedHeaders")?),
        signature: value("X-Amz-Signature")?,
        token: request.query_value("X-Amz-Security-Token"),
        expires: Some(Duration::from_secs(expires)),
        ..credential_scope(&value("X-Amz-Credential")?)?
    })
}

/// `AKID/20261123/us-east-1/sts/aws4_request`, with the date kept to be compared.
fn credential_scope(text: &str) -> Result<Claim, Refusal> {
    let parts: Vec<&str> = text.split('/').collect();
    let [access_key, date, region, service, "aws4_request"] = parts[..] else {
        return Err(Refusal::Incomplete("the credential is not KEY/DATE/REGION/SERVICE/aws4_request".into()));
    };
    Ok(Claim {
        access_key: access_key.to_owned(),
        date: date.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        signed_headers: Vec::new(),
        signature: String::new(),
        token: None,
        expires: None,
    })
}

fn complete(claim: Claim) -> Result<Claim, Refusal> {
    if Instant::parse_basic(&claim.date).is_none() {
        return Err(Refusal::Incomplete("the date is not of the form 20261123T064220Z".into()));
    }
    if !claim.signed_headers.iter().any(|name| name == "host") {
        return Err(Refusal::Incomplete("'Host' must be a signed header".into()));
    }
    Ok(claim)
}

fn split_headers(text: &str) -> Vec<String> {
    text.split(';').map(str::to_ascii_lowercase).collect()
}

fn timely(claim: &Claim, now: Instant) -> Result<Instant, Refusal> {
    let signed = Instant::parse_basic(&claim.date).ok_or_else(|| Refusal::Incomplete("no date".into()))?;
    let early = signed > now.plus(SKEW);
    let late = match claim.expires {
        Some(expires) => {
            if signed.plus(expires) < now {
                return Err(Refusal::LinkExpired);
            }
            false
        }
        None => signed.plus(SKEW) < now,
    };
    if !early && !late {
        return Ok(signed);
    }
    let limit = if early { now.plus(SKEW) } else { Instant(now.0 - SKEW.as_millis() as u64) };
    Err(Refusal::Skewed { early, signed: claim.date.clone(), limit: limit.basic(), now: now.basic() })
}

/// The payload's hash as the signature has it.
fn declared_payload(request: &Request, claim: &Claim) -> String {
    match request.header("x-amz-content-sha256") {
        Some(declared) => declared.to_owned(),
        None if claim.expires.is_some() && claim.service == "s3" => UNSIGNED.to_owned(),
        None => sha256_hex(&request.body),
    }
}

fn canonical_request(request: &Request, claim: &Claim, payload: &str) -> String {
    let path = if request.path.is_empty() { "/" } else { &request.path };
    // S3 signs the path as sent; every other service encodes it once more.
    let path = match claim.service.as_str() {
        "s3" => encode(&decode(path), true),
        _ => encode(&normal(path), true),
    };
    let mut query: Vec<(String, String)> = request
        .query_pairs()
        .into_iter()
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| (encode(&name, false), encode(&value, false)))
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

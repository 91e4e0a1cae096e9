//! The password of a DSQL connection: a presigned SigV4 request without its `https://`, taken apart and
//! verified.
//!
//! Invariant: pure; the time is an argument. A token never appears in an error. What is signed is every parameter but
//! the signature, known here or not: one more that was signed is in nobody's way, one that was not breaks the proof; of
//! those with a meaning, none may be there twice, or have no value.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::time::{Duration, SystemTime};

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};

use workshop_base::encoding::{decode_strictly, encode, sha256_hex};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The longest life that a presigned token may ask for: a week.
const LONGEST: u64 = 604_800;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token is not a presigned request: {0}")]
    Malformed(&'static str),
    #[error("the token was signed for the service {0}, not dsql")]
    Service(String),
    /// The texts of AWS's own verifier, which is the same for every service.
    #[error("X-Amz-Expires should be a number")]
    NoNumber,
    #[error("X-Amz-Expires must be non-negative")]
    Negative,
    /// Source: seen on a cluster, 2026.
    #[error("X-Amz-Expires must be less than a week (in seconds)")]
    TooLong,
    /// The text that AWS services use; for DSQL only its first words are known.
    #[error("Signature expired: {signed} is now earlier than {limit} ({now} - {life} sec.)")]
    Expired { signed: String, limit: String, now: String, life: u64 },
    #[error("Signature not yet current: {signed} is still later than {now}")]
    NotYet { signed: String, now: String },
    #[error("The request signature we calculated does not match the signature you provided")]
    Signature,
}

/// A token's claims, not yet proven.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthToken {
    pub host: String,
    /// `DbConnect` or `DbConnectAdmin`.
    pub action: String,
    pub access_key_id: String,
    pub region: String,
    pub session_token: Option<String>,
    signed: SystemTime,
    date: String,
    lifetime: u64,
    scope: String,
    signature: String,
    /// Everything that is signed: names and values, decoded.
    query: Vec<(String, String)>,
}

impl std::fmt::Debug for AuthToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("host", &self.host).field("action", &self.action).finish_non_exhaustive()
    }
}

/// Takes a token apart.
///
/// # Errors
/// The first part that is missing, doubled or malformed.
pub fn parse(text: &str) -> Result<AuthToken, TokenError> {
    let text = text.trim();
    let text = text.strip_prefix("https://").unwrap_or(text);
    let (host, query) = text.split_once('?').ok_or(TokenError::Malformed("no query"))?;
    let host = host.strip_suffix('/').unwrap_or(host);
    if host.is_empty() || host.contains('/') {
        return Err(TokenError::Malformed("no host"));
    }
    let mut all = Vec::new();
    for pair in query.split('&') {
        // A parameter without a name is none that any signer makes.
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name.is_empty() {
            return Err(TokenError::Malformed("a parameter without a name"));
        }
        let decoded = decode_strictly(name).zip(decode_strictly(value));
        all.push(decoded.ok_or(TokenError::Malformed("percent-encoding"))?);
    }
    let get = |name: &'static str| {
        let mut found = all.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone());
        match (found.next(), found.next()) {
            (Some(value), None) if !value.is_empty() => Ok(value),
            _ => Err(TokenError::Malformed(name)),
        }
    };
    if get("X-Amz-Algorithm")? != ALGORITHM {
        return Err(TokenError::Malformed("X-Amz-Algorithm"));
    }
    if get("X-Amz-SignedHeaders")? != "host" {
        return Err(TokenError::Malformed("X-Amz-SignedHeaders"));
    }
    let credential = get("X-Amz-Credential")?;
    let date = get("X-Amz-Date")?;
    let mut parts = credential.splitn(2, '/');
    let (Some(key), Some(scope)) = (parts.next().filter(|key| !key.is_empty()), parts.next()) else {
        return Err(TokenError::Malformed("X-Amz-Credential"));
    };
    let [day, region, service, "aws4_request"] = scope.split('/').collect::<Vec<_>>()[..] else {
        return Err(TokenError::Malformed("X-Amz-Credential"));
    };
    if service != "dsql" {
        return Err(TokenError::Service(service.to_owned()));
    }
    if !date.starts_with(day) {
        return Err(TokenError::Malformed("X-Amz-Date"));
    }
    let lifetime = lifetime(&get("X-Amz-Expires")?)?;
    let session_token = match all.iter().any(|(n, _)| n == "X-Amz-Security-Token") {
        true => Some(get("X-Amz-Security-Token")?),
        false => None,
    };
    Ok(AuthToken {
        host: host.to_owned(),
        action: get("Action")?,
        access_key_id: key.to_owned(),
        region: region.to_owned(),
        session_token,
        signed: instant(&date).ok_or(TokenError::Malformed("X-Amz-Date"))?,
        lifetime,
        scope: scope.to_owned(),
        signature: get("X-Amz-Signature")?,
        date,
        query: all.into_iter().filter(|(n, _)| n != "X-Amz-Signature").collect(),
    })
}

/// Reads for how many seconds the token is to be valid. None at all is well formed, and over at once.
fn lifetime(text: &str) -> Result<u64, TokenError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(TokenError::NoNumber);
    }
    match digits.parse() {
        Ok(1..) if digits.len() < text.len() => Err(TokenError::Negative),
        Ok(seconds @ 0..=LONGEST) => Ok(seconds),
        // Too large for a number of this kind, too.
        Ok(_) | Err(_) => Err(TokenError::TooLong),
    }
}

impl AuthToken {
    /// Proves that the secret's owner signed exactly this.
    ///
    /// # Errors
    /// The signature is another than this secret's.
    pub fn check_signature(&self, secret: &str) -> Result<(), TokenError> {
        let query = canonical_query(self.query.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let to_sign = string_to_sign(&self.host, &query, &self.date, &self.scope);
        let key = generate_signing_key(secret, self.signed, &self.region, "dsql");
        let expected = calculate_signature(key, to_sign.as_bytes());
        if same(expected.as_bytes(), self.signature.as_bytes()) { Ok(()) } else { Err(TokenError::Signature) }
    }

    /// Signed neither too long ago nor, allowing five minutes of skew, in the future; `dated` is what the clock that
    /// judges showed at a date of the signer's.
    ///
    /// # Errors
    /// It was signed too long ago, or is not valid yet.
    pub fn check_time(&self, dated: impl Fn(SystemTime) -> SystemTime, now: SystemTime) -> Result<(), TokenError> {
        let (life, signed) = (Duration::from_secs(self.lifetime), dated(self.signed));
        if signed > now + Duration::from_secs(300) {
            return Err(TokenError::NotYet { signed: self.date.clone(), now: stamp(now) });
        }
        if signed + life < now {
            return Err(TokenError::Expired {
                signed: self.date.clone(),
                limit: stamp(now - life),
                now: stamp(now),
                life: self.lifetime,
            });
        }
        Ok(())
    }
}

fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
}

/// `20261123T064500Z`
fn instant(date: &str) -> Option<SystemTime> {
    let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().into())
}

fn stamp(time: SystemTime) -> String {
    match jiff::Timestamp::try_from(time) {
        Ok(time) => time.strftime("%Y%m%dT%H%M%SZ").to_string(),
        Err(_) => String::new(),
    }
}

/// A token to be made.
pub struct TokenClaim<'a> {
    pub host: &'a str,
    /// `DbConnect` or `DbConnectAdmin`.
    pub action: &'a str,
    pub region: &'a str,
    pub access_key_id: &'a str,
    pub secret_access_key: &'a str,
    pub session_token: Option<&'a str>,
    /// In seconds.
    pub lifetime: u64,
}

impl TokenClaim<'_> {
    /// Signs it as the SDKs do: a presigned request without its scheme, good for `lifetime` from `now`.
    pub fn sign(&self, now: SystemTime) -> String {
        let (host, date) = (self.host, stamp(now));
        let scope = format!("{}/{}/dsql/aws4_request", &date[..8], self.region);
        let mut query = vec![
            ("Action", self.action.to_owned()),
            ("X-Amz-Algorithm", ALGORITHM.to_owned()),
            ("X-Amz-Credential", format!("{}/{scope}", self.access_key_id)),
            ("X-Amz-Date", date.clone()),
            ("X-Amz-Expires", self.lifetime.to_string()),
            ("X-Amz-SignedHeaders", "host".to_owned()),
        ];
        query.extend(self.session_token.map(|token| ("X-Amz-Security-Token", token.to_owned())));
        let query = canonical_query(query.iter().map(|(name, value)| (*name, value.as_str())));
        let key = generate_signing_key(self.secret_access_key, now, self.region, "dsql");
        let signature = calculate_signature(key, string_to_sign(host, &query, &date, &scope).as_bytes());
        format!("{host}/?{query}&X-Amz-Signature={signature}")
    }
}

/// Signs a token with a credential; for tests, here and in the integration tests.
pub fn sign(
    host: &str,
    action: &str,
    region: &str,
    credential: &crate::interfaces::Credential,
    now: SystemTime,
    lifetime: u64,
) -> String {
    let claim = TokenClaim {
        host,
        action,
        region,
        access_key_id: &credential.access_key_id,
        secret_access_key: &credential.secret_access_key,
        session_token: credential.session_token.as_deref(),
        lifetime,
    };
    claim.sign(now)
}

fn canonical_query<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut pairs: Vec<_> = pairs.map(|(name, value)| (encode(name), encode(value))).collect();
    pairs.sort();
    pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn string_to_sign(host: &str, query: &str, date: &str, scope: &str) -> String {
    let request = format!("GET\n/\n{query}\nhost:{host}\n\nhost\n{}", sha256_hex(b""));
    format!("{ALGORITHM}\n{date}\n{scope}\n{}", sha256_hex(request.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interfaces::{Credential, Principal};

    const HOST: &str = "abc.dsql.us-east-1.on.aws";

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000)
    }

    /// Signs whatever parameters stand in the middle of the token, as whoever holds the key could.
    fn resigned(parameters: &[(&str, &str)]) -> String {
        let date = stamp(now());
        let scope = format!("{}/us-east-1/dsql/aws4_request", &date[..8]);
        let credential = format!("AKIA/{scope}");
        let mut query: Vec<(&str, &str)> = vec![
            ("Action", "DbConnect"),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", &date),
            ("X-Amz-Expires", "900"),
            ("X-Amz-SignedHeaders", "host"),
        ];
        for (name, value) in parameters {
            query.retain(|(known, _)| known != name);
            query.push((name, value));
        }
        let mut pairs: Vec<_> = query.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect();
        pairs.sort();
        let request = format!("GET\n/\n{}\nhost:{HOST}\n\nhost\n{}", pairs.join("&"), sha256_hex(b""));
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha256_hex(request.as_bytes()));
        let key = generate_signing_key("secret", now(), "us-east-1", "dsql");
        format!("{HOST}/?{}&X-Amz-Signature={}", pairs.join("&"), calculate_signature(key, to_sign.as_bytes()))
    }

    fn verdict(token: &str) -> Result<(), String> {
        let token = parse(token).map_err(|e| e.to_string())?;
        token.check_signature("secret").and_then(|()| token.check_time(|at| at, now())).map_err(|e| e.to_string())
    }

    #[test]
    fn a_signer_may_ask_for_a_week_and_no_more() {
        for (expires, told) in [
            ("1", ""),
            ("604800", ""),
            ("604801", "X-Amz-Expires must be less than a week (in seconds)"),
            ("99999999999999999999999", "X-Amz-Expires must be less than a week (in seconds)"),
            ("-1", "X-Amz-Expires must be non-negative"),
            ("+900", "X-Amz-Expires should be a number"),
            ("9e2", "X-Amz-Expires should be a number"),
            (" 900", "X-Amz-Expires should be a number"),
            ("", "the token is not a presigned request: X-Amz-Expires"),
        ] {
            let verdict = verdict(&resigned(&[("X-Amz-Expires", expires)]));
            assert_eq!(verdict.err().unwrap_or_default(), told, "{expires:?}");
        }
        let over = parse(&resigned(&[("X-Amz-Expires", "0")])).unwrap();
        let later = now() + Duration::from_secs(1);
        assert!(over.check_time(|at| at, later).unwrap_err().to_string().starts_with("Signature expired: "));
    }

    #[test]
    fn what_was_signed_holds_and_nothing_beside_it() {
        let extra = resigned(&[("X-Amz-User-Agent", "an sdk/1.0")]);
        assert_eq!(verdict(&extra), Ok(()));
        let mismatch = TokenError::Signature.to_string();
        let good = resigned(&[]);
        assert_eq!(verdict(&good), Ok(()));
        for token in [
            good.replace("&X-Amz-Signature", "&DBUser=admin&X-Amz-Signature"),
            format!("{good}&DBUser=admin"),
            extra.replace("&X-Amz-User-Agent=an%20sdk%2F1.0", ""),
            extra.replace("sdk", "kit"),
        ] {
            assert_eq!(verdict(&token), Err(mismatch.clone()), "{token}");
        }
    }

    #[test]
    fn no_parameter_is_empty_or_there_twice() {
        let good = resigned(&[]);
        for (token, what) in [
            (format!("{good}&Action=DbConnectAdmin"), "Action"),
            (format!("{good}&X-Amz-Date=20260101T000000Z"), "X-Amz-Date"),
            (format!("{good}&X-Amz-Security-Token="), "X-Amz-Security-Token"),
            (format!("{good}&"), "a parameter without a name"),
            (resigned(&[("", "x")]), "a parameter without a name"),
            (resigned(&[("Action", "")]), "Action"),
            (resigned(&[("X-Amz-Credential", "/20260921/us-east-1/dsql/aws4_request")]), "X-Amz-Credential"),
            (resigned(&[("X-Amz-SignedHeaders", "")]), "X-Amz-SignedHeaders"),
        ] {
            assert_eq!(verdict(&token), Err(format!("the token is not a presigned request: {what}")), "{token}");
        }
    }

    #[test]
    fn the_signer_of_the_tests_signs_as_the_sdks() {
        let principal = Principal { arn: String::new(), role_arn: None };
        let credential = Credential {
            access_key_id: "AKIA".into(),
            secret_access_key: "secret".into(),
            session_token: None,
            expires: None,
            principal,
        };
        assert_eq!(sign(HOST, "DbConnect", "us-east-1", &credential, now(), 900), resigned(&[]));
    }
}

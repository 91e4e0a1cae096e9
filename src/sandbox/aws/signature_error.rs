//! Why a signature is not accepted, in AWS's words.

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignatureError {
    #[error("Missing Authentication Token")]
    Missing,
    /// Signed as before 2014, or in another way than by Signature Version 4.
    #[error("The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")]
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
    /// `x-amz-…` headers that were sent and not signed.
    #[error("There were headers present in the request which were not signed")]
    Unsigned(Vec<String>),
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != '{day}', from '{date}'."
    )]
    OtherDay { scope: String, day: String, date: String },
}

//! Uploads in `aws-chunked` framing, with signed chunks or a trailing checksum, and S3's checksums.

use aws_sigv4::sign::v4::calculate_signature;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::http::HttpRequest;
use super::signature_error::SignatureError;
use workshop_base::encoding::sha256_hex;

/// The facts that the signatures of chunks are chained on.
pub(crate) struct ChunkChain<'a> {
    pub key: &'a [u8],
    pub date: &'a str,
    pub scope: &'a str,
    /// The signature of the request itself.
    pub seed: &'a str,
}

impl ChunkChain<'_> {
    fn sign(&self, kind: &str, previous: &str, rest: &str) -> String {
        let text = format!("AWS4-HMAC-SHA256-{kind}\n{}\n{}\n{previous}\n{rest}", self.date, self.scope);
        calculate_signature(self.key, text.as_bytes())
    }
}

/// Takes the payload out of its frames. `payload` is the value of `x-amz-content-sha256`.
///
/// # Errors
/// [`SignatureError`]: a frame that is broken, a chunk or trailer that is not signed as it should be, a checksum.
pub(crate) fn decode(request: &HttpRequest, payload: &str, chain: &ChunkChain<'_>) -> Result<Bytes, SignatureError> {
    let signed = match payload {
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => true,
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => false,
        other => return Err(framing(&format!("{other} is not a known kind"))),
    };
    let mut rest = &request.body[..];
    let mut previous = chain.seed.to_owned();
    let mut out = Vec::with_capacity(request.body.len());
    loop {
        let head = line(&mut rest)?;
        let (size, extension) = head.split_once(';').unwrap_or((&head, ""));
        let size = usize::from_str_radix(size, 16).map_err(|_| framing("a chunk has no size"))?;
        let data = rest.get(..size).ok_or_else(|| framing("a chunk is cut off"))?;
        if signed {
            let given = extension.strip_prefix("chunk-signature=").ok_or_else(|| framing("a chunk is not signed"))?;
            let hashes = format!("{}\n{}", sha256_hex(b""), sha256_hex(data));
            previous = chain.sign("PAYLOAD", &previous, &hashes);
            if previous != given {
                return Err(SignatureError::Mismatch);
            }
        }
        if size == 0 {
            break;
        }
        out.extend_from_slice(data);
        rest = &rest[size..];
        if !line(&mut rest)?.is_empty() {
            return Err(framing("a chunk is longer than it says"));
        }
    }
    let trailers = trailers(&mut rest)?;
    let signature = trailers.iter().find(|(name, _)| name == "x-amz-trailer-signature");
    if signed && payload.ends_with("-TRAILER") && signature.is_none() {
        return Err(framing("the trailer is not signed"));
    }
    if let Some((_, given)) = signature {
        let signed: String = trailers
            .iter()
            .filter(|(name, _)| name != "x-amz-trailer-signature")
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect();
        if chain.sign("TRAILER", &previous, &sha256_hex(signed.as_bytes())) != *given {
            return Err(SignatureError::Mismatch);
        }
    }
    if request.header("x-amz-decoded-content-length").is_some_and(|length| length != out.len().to_string()) {
        return Err(framing("x-amz-decoded-content-length says otherwise"));
    }
    for (name, value) in &trailers {
        verify(name, value, &out)?;
    }
    verify_headers(request, &out)?;
    Ok(out.into())
}

/// Checks whatever `x-amz-checksum-…` headers a request has.
///
/// # Errors
/// [`SignatureError::Checksum`], when one of them is another.
pub(crate) fn verify_headers(request: &HttpRequest, body: &[u8]) -> Result<(), SignatureError> {
    request.headers.iter().try_for_each(|(name, value)| verify(name, value, body))
}

fn verify(name: &str, value: &str, body: &[u8]) -> Result<(), SignatureError> {
    let Some(algorithm) = name.strip_prefix("x-amz-checksum-") else { return Ok(()) };
    match checksum(algorithm, body) {
        Some(computed) if computed != value.trim() => Err(SignatureError::Checksum(algorithm.to_ascii_uppercase())),
        _ => Ok(()),
    }
}

/// A checksum as its header has it; None for an algorithm we do not compute.
pub(crate) fn checksum(algorithm: &str, body: &[u8]) -> Option<String> {
    let bytes = match algorithm {
        "crc32" => crc(body, 0xEDB8_8320, 32).to_be_bytes()[4..].to_vec(),
        "crc32c" => crc(body, 0x82F6_3B78, 32).to_be_bytes()[4..].to_vec(),
        "crc64nvme" => crc(body, 0x9A6C_9329_AC4B_C9B5, 64).to_be_bytes().to_vec(),
        "sha256" => Sha256::digest(body).to_vec(),
        _ => return None,
    };
    Some(STANDARD.encode(bytes))
}

/// A reflected CRC with all ones going in and coming out, by table.
fn crc(body: &[u8], polynomial: u64, width: u32) -> u64 {
    let ones = u64::MAX >> (64 - width);
    let table: Vec<u64> = (0..256u64)
        .map(|index| (0..8).fold(index, |value, _| if value & 1 == 1 { (value >> 1) ^ polynomial } else { value >> 1 }))
        .collect();
    body.iter().fold(ones, |sum, &byte| table[((sum ^ u64::from(byte)) & 0xff) as usize] ^ (sum >> 8)) ^ ones
}

fn line(rest: &mut &[u8]) -> Result<String, SignatureError> {
    let end = rest.windows(2).position(|pair| pair == b"\r\n").ok_or_else(|| framing("it ends within a chunk"))?;
    let text = String::from_utf8_lossy(&rest[..end]).into_owned();
    *rest = &rest[end + 2..];
    Ok(text)
}

fn trailers(rest: &mut &[u8]) -> Result<Vec<(String, String)>, SignatureError> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let text = line(rest)?;
        if text.is_empty() {
            break;
        }
        let (name, value) = text.split_once(':').ok_or_else(|| framing("a trailer has no value"))?;
        found.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(found)
}

fn framing(what: &str) -> SignatureError {
    SignatureError::Framing(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_the_check_string() {
        // The catalogue of CRCs gives these for "123456789".
        let hex = |algorithm: &str| {
            let text = checksum(algorithm, b"123456789").unwrap();
            hex::encode(STANDARD.decode(text).unwrap())
        };
        assert_eq!(hex("crc32"), "cbf43926");
        assert_eq!(hex("crc32c"), "e3069283");
        assert_eq!(hex("crc64nvme"), "ae8b14860a799888");
        assert_eq!(checksum("sha1", b""), None);
    }

    const CHAIN: ChunkChain<'_> = ChunkChain { key: b"", date: "", scope: "", seed: "" };

    fn upload(body: &str, trailer: Option<&str>) -> Result<Bytes, SignatureError> {
        framed("STREAMING-UNSIGNED-PAYLOAD-TRAILER", body, trailer)
    }

    fn framed(payload: &str, body: &str, trailer: Option<&str>) -> Result<Bytes, SignatureError> {
        let mut headers = Vec::new();
        if let Some(name) = trailer {
            headers.push(("x-amz-trailer".to_owned(), name.to_owned()));
        }
        let request = HttpRequest {
            method: "PUT".into(),
            path: "/b/k".into(),
            query: String::new(),
            headers,
            body: body.to_owned().into(),
        };
        decode(&request, payload, &CHAIN)
    }

    #[test]
    fn the_trailer_of_signed_chunks_is_signed() {
        let last = CHAIN.sign("PAYLOAD", "", &format!("{0}\n{0}", sha256_hex(b"")));
        let sum = format!("x-amz-checksum-crc32:{}", checksum("crc32", b"").unwrap());
        let signature = CHAIN.sign("TRAILER", &last, &sha256_hex(format!("{sum}\n").as_bytes()));
        for (signed, taken) in [
            (format!("x-amz-trailer-signature:{signature}\r\n"), true),
            ("x-amz-trailer-signature:00\r\n".into(), false),
            (String::new(), false),
        ] {
            let body = format!("0;chunk-signature={last}\r\n{sum}\r\n{signed}\r\n");
            let found = framed("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", &body, Some("x-amz-checksum-crc32"));
            assert_eq!(found.is_ok(), taken, "{signed}: {found:?}");
        }
    }

    #[test]
    fn unsigned_chunks_with_a_trailer() {
        let sum = checksum("crc32", b"hello world").unwrap();
        let body = format!("6\r\nhello \r\n5\r\nworld\r\n0\r\nx-amz-checksum-crc32:{sum}\r\n\r\n");
        assert_eq!(upload(&body, Some("x-amz-checksum-crc32")).unwrap(), "hello world");
        let wrong = body.replace("world", "w0rld");
        assert_eq!(upload(&wrong, Some("x-amz-checksum-crc32")), Err(SignatureError::Checksum("CRC32".into())));
    }

    #[test]
    fn broken_frames_are_refused() {
        for body in ["", "5\r\nab", "zz\r\n", "2\r\nabc\r\n0\r\n\r\n", "0\r\nnonsense\r\n\r\n"] {
            assert!(matches!(upload(body, None), Err(SignatureError::Framing(_))), "{body:?}");
        }
    }
}

//! The sizes that a request may have, looked at before anything of it is interpreted.
//!
//! Invariant: what passes here can be read by code that recurses, copies or compares without asking further.

use super::http::HttpRequest;

/// The longest path, in bytes as sent: an S3 key has 1,024 at most, each of them perhaps escaped.
const LONGEST_PATH: usize = 8 * 1024;
/// The longest query, in bytes as sent: a presigned one has a session token in it.
const LONGEST_QUERY: usize = 16 * 1024;
/// All headers together, in bytes.
const LARGEST_HEADERS: usize = 32 * 1024;

/// Measures all but the body; the error says what is too large.
///
/// # Errors
/// A sentence when path, query or headers are longer than any that a client of ours sends.
pub(crate) fn head(request: &HttpRequest) -> Result<(), String> {
    let headers: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    let parts = [
        ("path", request.path.len(), LONGEST_PATH),
        ("query", request.query.len(), LONGEST_QUERY),
        ("headers", headers, LARGEST_HEADERS),
    ];
    match parts.iter().find(|(_, size, most)| size > most) {
        Some((what, size, most)) => Err(format!("the request's {what}: {size} bytes, and {most} are the most")),
        None => Ok(()),
    }
}

/// The longest body that a service is sent, in bytes.
pub(crate) fn longest_body(service: &str) -> usize {
    match service {
        // The largest single upload S3 takes is 5 GiB; assets of a course are nowhere near.
        "s3" => 300 << 20,
        // A package of 50 MB, the most that is taken outside a bucket, in base64.
        "lambda" => 70 << 20,
        _ => 1 << 20,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_measured_part_by_part() {
        let request = |path: usize, query: usize, header: usize| HttpRequest {
            method: "GET".into(),
            path: "p".repeat(path),
            query: "q".repeat(query),
            headers: vec![("h".into(), "v".repeat(header))],
            body: bytes::Bytes::new(),
        };
        assert_eq!(head(&request(LONGEST_PATH, LONGEST_QUERY, LARGEST_HEADERS - 1)), Ok(()));
        for (path, query, header, what) in
            [(LONGEST_PATH + 1, 0, 0, "path"), (0, LONGEST_QUERY + 1, 0, "query"), (0, 0, LARGEST_HEADERS, "headers")]
        {
            assert!(head(&request(path, query, header)).unwrap_err().contains(what), "{what}");
        }
    }
}

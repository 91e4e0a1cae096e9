//! HTTP requests and responses as plain data, so that everything behind the socket can be tested without one.
//!
//! Invariant: paths and queries are kept as they were sent; signatures are made over those bytes.

use bytes::Bytes;

use workshop_base::encoding::{decode, raw_pairs};

/// A request as it came, header names in lower case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HttpRequest {
    pub method: String,
    /// Still percent-encoded.
    pub path: String,
    /// Without the question mark, still percent-encoded.
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl HttpRequest {
    /// The first value of a header; the name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.trim())
    }

    /// The query's names and values, decoded, in order.
    pub(crate) fn query_pairs(&self) -> Vec<(String, String)> {
        raw_pairs(&self.query).map(|(name, value)| (decode(name), decode(value))).collect()
    }

    /// A decoded query value; `?name` alone counts as empty.
    pub(crate) fn query_value(&self, name: &str) -> Option<String> {
        self.query_pairs().into_iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// The decoded segments of the path. A slash that was sent as `%2F` stays within its segment.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|s| !s.is_empty()).map(decode).collect()
    }
}

/// A response to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HttpResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

impl HttpResponse {
    /// Returns a response with a body of a type.
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        HttpResponse { status, headers: vec![("content-type".into(), content_type.into())], body: body.into() }
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_slash_stays_in_its_segment() {
        let request = HttpRequest {
            method: "GET".into(),
            path: "/a/b%2Fc".into(),
            query: "x=1&y".into(),
            headers: vec![],
            body: Bytes::new(),
        };
        assert_eq!(request.segments(), ["a", "b/c"]);
        assert_eq!(request.query_value("y").as_deref(), Some(""));
    }
}

//! HTTP requests and responses as plain data, so that everything behind the socket can be tested without one.
//!
//! Invariant: paths and queries are kept as they were sent; signatures are made over those bytes.

use bytes::Bytes;

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
        pairs(&self.query, decode)
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

/// The pairs of an `application/x-www-form-urlencoded` body, where a plus sign is a space.
pub(crate) fn form(body: &str) -> Vec<(String, String)> {
    pairs(body, |part| decode(&part.replace('+', " ")))
}

fn pairs(text: &str, decode: impl Fn(&str) -> String) -> Vec<(String, String)> {
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// Percent-encodes everything but the unreserved characters of RFC 3986, as SigV4 asks.
pub(crate) fn encode(text: &str, keep_slash: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte as char),
            b'/' if keep_slash => out.push('/'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Percent-decodes; a broken escape stays as it is, bytes that are not UTF-8 become U+FFFD.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_it_encodes() {
        let text = "arn:aws:lambda:us-east-1:1:function:ä b/c%+~";
        assert_eq!(decode(&encode(text, false)), text);
        assert_eq!(decode(&encode(text, true)), text);
        assert_eq!(encode("a/b c", true), "a/b%20c");
    }

    #[test]
    fn broken_escapes_stay() {
        assert_eq!(decode("100%"), "100%");
        assert_eq!(decode("%zz%4"), "%zz%4");
        assert_eq!(decode("%é1"), "%é1");
    }

    #[test]
    fn form_has_plus_as_space() {
        assert_eq!(form("A=b+c&D=&E"), [("A".into(), "b c".into()), ("D".into(), "".into()), ("E".into(), "".into())]);
    }

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

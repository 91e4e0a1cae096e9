//! Percent-encoding and forms as AWS's protocols have them, and SHA-256 as signatures show it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// All but the unreserved characters of RFC 3986, as SigV4 asks.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// Encodes a query's name or value, or one segment of a path.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Encodes a path; its slashes stay.
pub fn encode_path(text: &str) -> String {
    utf8_percent_encode(text, RESERVED_IN_PATH).to_string()
}

/// Decodes; a broken escape stays as it is, bytes that are not UTF-8 become U+FFFD.
pub fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Decodes; None when an escape is broken or the bytes are not UTF-8.
pub fn decode_strictly(text: &str) -> Option<String> {
    let is_escape =
        |rest: &str| matches!(rest.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    let whole = text.split('%').skip(1).all(is_escape);
    whole.then(|| percent_decode_str(text).decode_utf8().ok().map(Into::into))?
}

/// Returns the pairs of a query, not decoded; a name without a value has an empty one.
pub fn raw_pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Returns the pairs of an `application/x-www-form-urlencoded` body, decoded; a plus sign there is a space.
pub fn form(body: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// Returns SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_it_encodes() {
        let text = "arn:aws:lambda:us-east-1:1:function:ä b/c%+~";
        assert_eq!(decode(&encode(text)), text);
        assert_eq!(decode_strictly(&encode(text)).as_deref(), Some(text));
        assert_eq!(decode(&encode_path(text)), text);
        assert_eq!(encode_path("a/b c"), "a/b%20c");
        assert_eq!(encode("a/b*c"), "a%2Fb%2Ac");
    }

    #[test]
    fn broken_escapes_stay_or_are_refused() {
        for text in ["100%", "%zz%4", "%é1"] {
            assert_eq!(decode(text), text);
            assert_eq!(decode_strictly(text), None, "{text}");
        }
        assert_eq!(decode("%ff"), "\u{fffd}");
        assert_eq!(decode_strictly("%ff"), None);
        assert_eq!(decode_strictly("a%2fb%2B+").as_deref(), Some("a/b++"));
    }

    #[test]
    fn a_plus_sign_is_a_space_in_forms_only() {
        assert_eq!(form(b"a=b+c&d=%2B&&e"), [("a", "b c"), ("d", "+"), ("e", "")].map(|(n, v)| (n.into(), v.into())));
        assert_eq!(raw_pairs("a=b+c&&e").collect::<Vec<_>>(), [("a", "b+c"), ("e", "")]);
    }
}

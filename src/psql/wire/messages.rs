//! The bodies of messages.

use std::io;

/// Returns the first four bytes, of a slice that has them.
pub(crate) fn four(bytes: &[u8]) -> [u8; 4] {
    [bytes[0], bytes[1], bytes[2], bytes[3]]
}

/// A big-endian number from a slice of four.
pub fn int32(bytes: &[u8]) -> i32 {
    i32::from_be_bytes(four(bytes))
}

/// An error for a server that does not keep to the protocol.
pub fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the server sent {what}"))
}

/// The columns of a RowDescription: name and type OID.
///
/// # Errors
/// When the message is cut short.
pub fn columns(body: &[u8]) -> io::Result<Vec<(String, u32)>> {
    Ok(typed_columns(body)?.into_iter().map(|(name, oid, _)| (name, oid)).collect())
}

/// The columns of a RowDescription: name, type OID and type modifier.
///
/// # Errors
/// When the message is cut short.
pub fn typed_columns(body: &[u8]) -> io::Result<Vec<(String, u32, i32)>> {
    let short = || broken("a row description that is cut short");
    let count = body.get(..2).map(|b| u16::from_be_bytes([b[0], b[1]])).ok_or_else(short)?;
    let mut rest = &body[2..];
    let mut out = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let end = rest.iter().position(|&b| b == 0).ok_or_else(short)?;
        let name = String::from_utf8_lossy(&rest[..end]).into_owned();
        // After the name: table OID (4), column number (2), type OID (4), size (2), modifier (4), format (2).
        let fixed = rest.get(end + 1..end + 19).ok_or_else(short)?;
        out.push((name, int32(&fixed[6..10]).cast_unsigned(), int32(&fixed[12..16])));
        rest = &rest[end + 19..];
    }
    Ok(out)
}

/// The values of a DataRow, lent: `None` is NULL.
pub struct RowValues<'a> {
    rest: &'a [u8],
    left: u16,
}

/// Reads the values of a DataRow.
///
/// # Errors
/// When the message is cut short.
pub fn values(body: &[u8]) -> io::Result<RowValues<'_>> {
    let head = body.get(..2).ok_or_else(|| broken("a row that is cut short"))?;
    Ok(RowValues { rest: &body[2..], left: u16::from_be_bytes([head[0], head[1]]) })
}

impl<'a> Iterator for RowValues<'a> {
    type Item = io::Result<Option<&'a [u8]>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let Some(head) = self.rest.get(..4) else { return Some(Err(broken("a row that is cut short"))) };
        let length = int32(head);
        self.rest = &self.rest[4..];
        let Ok(length) = usize::try_from(length) else { return Some(Ok(None)) };
        if self.rest.len() < length {
            return Some(Err(broken("a row that is cut short")));
        }
        let (value, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(Ok(Some(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_without_copying_and_nulls_are_told_apart() {
        let body = [0, 3, 0, 0, 0, 1, b'x', 255, 255, 255, 255, 0, 0, 0, 0];
        let got: Vec<_> = values(&body).unwrap().map(|v| v.unwrap()).collect();
        assert_eq!(got, [Some(&b"x"[..]), None, Some(&b""[..])]);
    }

    #[test]
    fn a_short_row_is_an_error_not_a_panic() {
        assert!(values(&[0, 1, 0, 0, 0, 9, b'x']).unwrap().next().unwrap().is_err());
        assert!(values(&[0]).is_err());
        assert!(columns(&[0, 1, b'a']).is_err());
    }
}

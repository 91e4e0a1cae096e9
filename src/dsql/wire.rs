//! PostgreSQL's wire protocol, version 3: finding frames in a byte buffer, reading the few messages the
//! proxy must understand, writing the ones it answers by itself.
//!
//! Invariant: no I/O. Everything else stays bytes and is passed on untouched.
//! Source: <https://www.postgresql.org/docs/16/protocol-message-formats.html>

use bytes::{BufMut, BytesMut};

/// The largest message a client may send, in bytes: DSQL drops the connection beyond 10 MiB.
pub const CLIENT_MESSAGE_LIMIT: usize = 10 * 1024 * 1024;
/// The largest startup packet, in bytes, as PostgreSQL has it.
const STARTUP_LIMIT: usize = 10_000;

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("invalid message length {0}")]
    Length(usize),
    #[error("message of {0} bytes is too large")]
    TooLarge(usize),
    #[error("malformed {0} message")]
    Malformed(&'static str),
}

/// The first packet of a connection, which has no type byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    Ssl,
    Gss,
    Cancel {
        pid: i32,
        key: i32,
    },
    Startup {
        minor: u16,
        params: Vec<(String, String)>,
    },
    /// A protocol other than 3.x.
    Version(u32),
}

/// The opening packet at the head of `buf` and its length, or None while it is incomplete.
///
/// # Errors
/// A length that no packet has, or a packet that is cut short.
pub fn opening(buf: &[u8]) -> Result<Option<(usize, Opening)>, WireError> {
    let Some(len) = be32(buf, 0) else { return Ok(None) };
    let len = len as usize;
    if len < 8 {
        return Err(WireError::Length(len));
    }
    if len > STARTUP_LIMIT {
        return Err(WireError::TooLarge(len));
    }
    if buf.len() < len {
        return Ok(None);
    }
    let code = be32(buf, 4).unwrap_or_default();
    let body = &buf[8..len];
    let packet = match code {
        SSL_REQUEST => Opening::Ssl,
        GSS_REQUEST => Opening::Gss,
        CANCEL_REQUEST => match (be32(body, 0), be32(body, 4)) {
            (Some(pid), Some(key)) => Opening::Cancel { pid: pid as i32, key: key as i32 },
            _ => return Err(WireError::Malformed("cancel")),
        },
        _ if code >> 16 == 3 => Opening::Startup { minor: (code & 0xffff) as u16, params: pairs(body)? },
        _ => Opening::Version(code),
    };
    Ok(Some((len, packet)))
}

fn pairs(mut body: &[u8]) -> Result<Vec<(String, String)>, WireError> {
    let mut out = Vec::new();
    loop {
        let key = cstr(&mut body).ok_or(WireError::Malformed("startup"))?;
        if key.is_empty() {
            return Ok(out);
        }
        let value = cstr(&mut body).ok_or(WireError::Malformed("startup"))?;
        out.push((key.to_owned(), value.to_owned()));
    }
}

/// The whole length (type byte, length, body) of the frame at the head of `buf`, or None while even the
/// header is incomplete. The body may still be missing.
///
/// # Errors
/// A length below four, or beyond the limit.
pub fn frame_len(buf: &[u8], limit: usize) -> Result<Option<usize>, WireError> {
    if buf.len() < 5 {
        return Ok(None);
    }
    let len = be32(buf, 1).unwrap_or_default() as usize;
    if len < 4 {
        return Err(WireError::Length(len));
    }
    if len > limit {
        return Err(WireError::TooLarge(len));
    }
    Ok(Some(len + 1))
}

fn be32(buf: &[u8], at: usize) -> Option<u32> {
    buf.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

fn be16(buf: &[u8], at: usize) -> Option<u16> {
    buf.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]))
}

/// Takes a zero-terminated UTF-8 string off the head of `body`.
pub fn cstr<'a>(body: &mut &'a [u8]) -> Option<&'a str> {
    let end = body.iter().position(|b| *b == 0)?;
    let text = std::str::from_utf8(&body[..end]).ok()?;
    *body = &body[end + 1..];
    Some(text)
}

/// Returns the first bytes in the strings of a Query or Parse that are no UTF-8, as PostgreSQL writes them; None where
/// all of them are.
pub fn invalid_utf8(kind: u8, body: &[u8]) -> Option<String> {
    let strings = if kind == b'P' { 2 } else { 1 };
    body.split(|b| *b == 0).take(strings).find_map(|text| {
        let at = std::str::from_utf8(text).err()?.valid_up_to();
        let length = match text[at] {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => 1,
        };
        let bytes = text[at..].iter().take(length).map(|b| format!("0x{b:02x}"));
        Some(bytes.collect::<Vec<_>>().join(" "))
    })
}

/// The parts of a Parse message.
#[derive(Debug, PartialEq, Eq)]
pub struct Parse<'a> {
    pub name: &'a str,
    pub sql: &'a str,
    /// The count and OIDs of the parameter types, as on the wire.
    pub types: &'a [u8],
}

/// Takes a Parse apart.
///
/// # Errors
/// It is cut short, or holds what is no UTF-8.
pub fn parse(mut body: &[u8]) -> Result<Parse<'_>, WireError> {
    let bad = WireError::Malformed("Parse");
    let (Some(name), Some(sql)) = (cstr(&mut body), cstr(&mut body)) else { return Err(bad) };
    match be16(body, 0) {
        Some(n) if body.len() == 2 + 4 * n as usize => Ok(Parse { name, sql, types: body }),
        _ => Err(bad),
    }
}

/// The parts of a Bind message.
#[derive(Debug, PartialEq, Eq)]
pub struct Bind<'a> {
    pub portal: &'a str,
    pub statement: &'a str,
    /// Formats, values and result formats, as on the wire.
    pub rest: &'a [u8],
}

/// Takes a Bind apart.
///
/// # Errors
/// It is cut short, or holds what is no UTF-8.
pub fn bind(mut body: &[u8]) -> Result<Bind<'_>, WireError> {
    match (cstr(&mut body), cstr(&mut body)) {
        (Some(portal), Some(statement)) => Ok(Bind { portal, statement, rest: body }),
        _ => Err(WireError::Malformed("Bind")),
    }
}

/// Describe and Close name a statement (`S`) or a portal (`P`).
///
/// # Errors
/// It is cut short, or means neither a statement nor a portal.
pub fn target<'a>(mut body: &'a [u8], what: &'static str) -> Result<(u8, &'a str), WireError> {
    let Some((kind @ (b'S' | b'P'), rest)) = body.split_first().map(|(k, r)| (*k, r)) else {
        return Err(WireError::Malformed(what));
    };
    body = rest;
    cstr(&mut body).map(|name| (kind, name)).ok_or(WireError::Malformed(what))
}

/// Execute: the portal and the largest number of rows to return (0: all).
///
/// # Errors
/// It is cut short.
pub fn execute(mut body: &[u8]) -> Result<(&str, u32), WireError> {
    match (cstr(&mut body), be32(body, 0)) {
        (Some(portal), Some(rows)) => Ok((portal, rows)),
        _ => Err(WireError::Malformed("Execute")),
    }
}

/// The fields of an ErrorResponse or NoticeResponse, as (code, value).
pub fn fields(mut body: &[u8]) -> Vec<(u8, &str)> {
    let mut out = Vec::with_capacity(8);
    while let Some((code, rest)) = body.split_first() {
        if *code == 0 {
            break;
        }
        body = rest;
        let Some(value) = cstr(&mut body) else { break };
        out.push((*code, value));
    }
    out
}

/// One field of an ErrorResponse.
pub fn field(body: &[u8], code: u8) -> Option<&str> {
    fields(body).into_iter().find(|(c, _)| *c == code).map(|(_, v)| v)
}

/// The number of rows that a command tag reports: `UPDATE 3` → 3, `INSERT 0 2` → 2.
pub fn rows_of_tag(tag: &str) -> u64 {
    tag.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// The tag with another number of rows: `UPDATE 3` → `UPDATE 2`. A tag that counts nothing stays.
pub fn recount(tag: &str, rows: u32) -> String {
    match tag.rsplit_once(' ') {
        Some((what, count)) if count.parse::<u64>().is_ok() => format!("{what} {rows}"),
        _ => tag.to_owned(),
    }
}

/// Writes one frame; `body` fills in what follows the length.
pub fn put(out: &mut BytesMut, kind: u8, body: impl FnOnce(&mut BytesMut)) {
    out.put_u8(kind);
    let at = out.len();
    out.put_u32(0);
    body(out);
    let len = (out.len() - at) as u32;
    out[at..at + 4].copy_from_slice(&len.to_be_bytes());
}

fn put_str(out: &mut BytesMut, text: &str) {
    out.put_slice(text.as_bytes());
    out.put_u8(0);
}

/// An ErrorResponse (`E`) or NoticeResponse (`N`) with these fields.
pub fn put_fields<'a>(out: &mut BytesMut, kind: u8, fields: impl IntoIterator<Item = (u8, &'a str)>) {
    put(out, kind, |out| {
        for (code, value) in fields {
            out.put_u8(code);
            // A zero byte would end the field early.
            put_str(out, value.split('\0').next().unwrap_or_default());
        }
        out.put_u8(0);
    });
}

/// ReadyForQuery: `I` idle, `T` in a transaction, `E` in a failed one.
pub fn put_ready(out: &mut BytesMut, status: u8) {
    put(out, b'Z', |out| out.put_u8(status));
}

/// Writes a CommandComplete with this tag.
pub fn put_complete(out: &mut BytesMut, tag: &str) {
    put(out, b'C', |out| put_str(out, tag));
}

/// A message that has only a type: ParseComplete, BindComplete, NoData, Sync, Flush, ….
pub fn put_empty(out: &mut BytesMut, kind: u8) {
    put(out, kind, |_| {});
}

/// Writes a ParameterStatus.
pub fn put_parameter(out: &mut BytesMut, name: &str, value: &str) {
    put(out, b'S', |out| {
        put_str(out, name);
        put_str(out, value);
    });
}

/// AuthenticationOk is 0, AuthenticationCleartextPassword is 3.
pub fn put_auth(out: &mut BytesMut, code: u32) {
    put(out, b'R', |out| out.put_u32(code));
}

/// NegotiateProtocolVersion: we speak 3.0, which is told whole and not as the minor version alone, and know none of
/// these options.
pub fn put_negotiate(out: &mut BytesMut, options: &[&str]) {
    put(out, b'v', |out| {
        out.put_u32(3 << 16);
        out.put_u32(options.len() as u32);
        options.iter().for_each(|o| put_str(out, o));
    });
}

/// Writes a Query.
pub fn put_query(out: &mut BytesMut, sql: &str) {
    put(out, b'Q', |out| put_str(out, sql));
}

/// A Parse; `types` as on the wire, count first.
pub fn put_parse(out: &mut BytesMut, name: &str, sql: &str, types: &[u8]) {
    put(out, b'P', |out| {
        put_str(out, name);
        put_str(out, sql);
        out.put_slice(if types.is_empty() { &[0, 0] } else { types });
    });
}

/// A Bind; `rest` as on the wire.
pub fn put_bind(out: &mut BytesMut, portal: &str, statement: &str, rest: &[u8]) {
    put(out, b'B', |out| {
        put_str(out, portal);
        put_str(out, statement);
        out.put_slice(rest);
    });
}

/// A Bind of the unnamed statement to the unnamed portal; all values and results as text.
pub fn put_text_bind(out: &mut BytesMut, values: &[&str]) {
    put(out, b'B', |out| {
        // Names, and no formats: text is the default.
        out.put_slice(&[0, 0, 0, 0]);
        out.put_u16(values.len() as u16);
        for value in values {
            out.put_u32(value.len() as u32);
            out.put_slice(value.as_bytes());
        }
        out.put_u16(0);
    });
}

/// Writes an Execute for so many rows; 0: all.
pub fn put_execute(out: &mut BytesMut, portal: &str, rows: u32) {
    put(out, b'E', |out| {
        put_str(out, portal);
        out.put_u32(rows);
    });
}

/// A Describe (`D`) or Close (`C`) of a statement (`S`) or portal (`P`).
pub fn put_target(out: &mut BytesMut, message: u8, kind: u8, name: &str) {
    put(out, message, |out| {
        out.put_u8(kind);
        put_str(out, name);
    });
}

/// A startup packet of protocol 3.0.
pub fn put_startup(out: &mut BytesMut, params: &[(&str, &str)]) {
    let at = out.len();
    out.put_u32(0);
    out.put_u32(3 << 16);
    for (key, value) in params {
        put_str(out, key);
        put_str(out, value);
    }
    out.put_u8(0);
    let len = (out.len() - at) as u32;
    out[at..at + 4].copy_from_slice(&len.to_be_bytes());
}

/// Writes a CancelRequest.
pub fn put_cancel(out: &mut BytesMut, pid: i32, key: i32) {
    out.put_u32(16);
    out.put_u32(CANCEL_REQUEST);
    out.put_i32(pid);
    out.put_i32(key);
}

/// The values of a DataRow in text format.
pub fn row(body: &[u8]) -> Option<Vec<Option<String>>> {
    let count = be16(body, 0)? as usize;
    let mut at = 2;
    let mut out = Vec::with_capacity(count);
    for _ in 0..count {
        let len = be32(body, at)? as i32;
        at += 4;
        if len < 0 {
            out.push(None);
            continue;
        }
        let value = body.get(at..at + len as usize)?;
        at += len as usize;
        out.push(Some(String::from_utf8_lossy(value).into_owned()));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_opening_waits_for_its_last_byte() {
        let mut buf = BytesMut::new();
        put_startup(&mut buf, &[("user", "admin"), ("database", "postgres")]);
        for cut in 0..buf.len() {
            assert_eq!(opening(&buf[..cut]), Ok(None), "{cut}");
        }
        let (len, packet) = opening(&buf).unwrap().unwrap();
        assert_eq!(len, buf.len());
        let params = vec![("user".into(), "admin".into()), ("database".into(), "postgres".into())];
        assert_eq!(packet, Opening::Startup { minor: 0, params });
    }

    #[test]
    fn openings_that_lie_about_their_length_are_refused() {
        assert_eq!(opening(&[0, 0, 0, 4, 0, 0, 0, 0]), Err(WireError::Length(4)));
        assert_eq!(opening(&[0x7f, 0, 0, 0]), Err(WireError::TooLarge(0x7f00_0000)));
        let mut cancel = BytesMut::new();
        put_cancel(&mut cancel, 7, -9);
        assert_eq!(opening(&cancel), Ok(Some((16, Opening::Cancel { pid: 7, key: -9 }))));
        assert_eq!(opening(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]), Ok(Some((8, Opening::Ssl))));
    }

    #[test]
    fn an_error_reads_back_as_written() {
        let mut buf = BytesMut::new();
        put_fields(&mut buf, b'E', [(b'S', "ERROR"), (b'C', "40001"), (b'M', "cut\0here")]);
        assert_eq!(frame_len(&buf, usize::MAX), Ok(Some(buf.len())));
        assert_eq!(fields(&buf[5..]), [(b'S', "ERROR"), (b'C', "40001"), (b'M', "cut")]);
        assert_eq!(field(&buf[5..], b'C'), Some("40001"));
        assert_eq!(field(&buf[5..], b'H'), None);
    }

    #[test]
    fn what_is_no_utf8_is_told_by_its_bytes() {
        assert_eq!(invalid_utf8(b'Q', b"select 1\0"), None);
        assert_eq!(invalid_utf8(b'Q', b"select '\xe9 '\0").as_deref(), Some("0xe9 0x20 0x27"));
        assert_eq!(invalid_utf8(b'P', b"name\0select '\xff'\0\0\0").as_deref(), Some("0xff"));
        // What follows the strings of a Parse is numbers.
        assert_eq!(invalid_utf8(b'P', b"\0select 1\0\0\x01\xff\xff\xff\xff"), None);
    }

    #[test]
    fn versions_are_told_whole() {
        let mut out = BytesMut::new();
        put_negotiate(&mut out, &["_pq_.x"]);
        assert_eq!(out[5..9], [0, 3, 0, 0]);
    }

    #[test]
    fn tags_tell_their_rows() {
        let tags = ["INSERT 0 2", "UPDATE 3", "CREATE TABLE", "BEGIN"];
        assert_eq!(tags.map(rows_of_tag), [2, 3, 0, 0]);
        assert_eq!(tags.map(|tag| recount(tag, 1)), ["INSERT 0 1", "UPDATE 1", "CREATE TABLE", "BEGIN"]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoders_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = opening(&bytes);
            let _ = frame_len(&bytes, CLIENT_MESSAGE_LIMIT);
            let _ = parse(&bytes);
            let _ = bind(&bytes);
            let _ = target(&bytes, "Describe");
            let _ = execute(&bytes);
            let _ = fields(&bytes);
            let _ = row(&bytes);
        }
    }
}

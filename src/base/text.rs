//! Text from outside, made safe and short for people. Pure.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Replaces everything that a terminal would obey instead of show: C0 and C1 controls (tab and
/// newline are kept), DEL, and the bidirectional and invisible format characters that can make text
/// read otherwise than it is (Unicode TR 36). What is replaced stays visible as `<1B>` or `<U+202E>`.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) { out.push_str(&escaped(c)) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Returns a character as [`sanitize`] shows it: `<1B>`, `<U+202E>`.
pub fn escaped(c: char) -> String {
    if (c as u32) < 0x100 { format!("<{:02X}>", c as u32) } else { format!("<U+{:04X}>", c as u32) }
}

/// Returns a text in JSON with the characters that [`sanitize`] replaces as `\u` escapes: it means the same to a program,
/// and a terminal that it is shown on obeys nothing of it. So is `##[`, which GitHub's runner obeys anywhere in a line.
/// The text must be JSON already: there all such characters stand in strings.
pub fn json_escaped(json: &str) -> Cow<'_, str> {
    if is_plain(json) && !json.contains("##[") {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.replace("##[", "\\u0023#[").chars() {
        match is_unsafe(c) {
            true => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Sanitizes a text character for character: for a line that is edited, where every one has its place.
pub fn masked(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mask = |c| match c {
        c if !is_unsafe(c) => c,
        // The pictures of the control characters.
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('?'),
        _ => char::REPLACEMENT_CHARACTER,
    };
    Cow::Owned(text.chars().map(mask).collect())
}

/// Returns true when every byte of a text takes one column of a terminal and means nothing else there.
pub fn is_plain(text: &str) -> bool {
    // By pieces that a processor looks through at once.
    let all = |piece: &[u8]| piece.iter().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
    text.as_bytes().chunks(32).all(all)
}

/// Returns true for a character that a terminal obeys, or shows nothing of.
pub fn is_unsafe(c: char) -> bool {
    match c {
        '\t' | '\n' | ' '..='~' => false,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' => true,
        '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' => true,
        '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}' => true,
        c => c.is_control(),
    }
}

/// Splits a text into what a screen shows as one character, each with its place in the text (bytes) and its columns.
pub fn graphemes(text: &str) -> impl DoubleEndedIterator<Item = (usize, &str, usize)> {
    text.grapheme_indices(true).map(|(at, grapheme)| (at, grapheme, grapheme.width()))
}

/// Counts the screen columns of a text: of its graphemes, each on its own, as they are drawn. A control character has one.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { graphemes(text).map(|(_, _, width)| width).sum() }
}

/// Explains the exit code of a shell that could not run the program it was given (POSIX, 2.8.2); None when the code
/// means nothing of the kind.
pub fn not_run(code: Option<i32>) -> Option<&'static str> {
    match code {
        Some(126) => {
            Some("was found and could not be run: it is not executable, or a directory of PATH cannot be read")
        }
        Some(127) => Some("was not found on PATH"),
        _ => None,
    }
}

/// Makes a text one word of a POSIX shell's line: as it is where that is safe, else in quotes.
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+@:,=%".contains(&b);
    match !text.is_empty() && text.bytes().all(plain) {
        true => Cow::Borrowed(text),
        false => Cow::Owned(shell_quoted(text)),
    }
}

/// Puts a text in single quotes for a POSIX shell, whatever it holds.
pub fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Returns a number with its noun, `1 chapter` and `6 chapters`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Returns as much of an author's text as a message can hold: 80 characters, with a mark where there were more.
pub fn shortened(text: &str) -> Cow<'_, str> {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_shell_are_quoted_where_they_must_be() {
        let cases = [
            ("/a/my-app_1", "/a/my-app_1"),
            ("my stage", "'my stage'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
            ("$(x)", "'$(x)'"),
        ];
        for (text, word) in cases {
            assert_eq!(shell_word(text), word);
        }
    }

    #[test]
    fn a_shells_words_for_what_it_could_not_run_are_explained() {
        assert_eq!(not_run(Some(127)), Some("was not found on PATH"));
        assert!(not_run(Some(126)).unwrap().contains("PATH cannot be read"));
        assert_eq!((not_run(Some(1)), not_run(None)), (None, None));
    }

    #[test]
    fn ordinary_text_is_untouched_and_not_copied() {
        assert!(matches!(sanitize("naïve → ok\n\tx"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_keeps_its_meaning_and_loses_what_a_terminal_obeys() {
        let said = "a\u{9b}31m \u{202e}b\u{7f} \u{e0041} ##[error]é";
        let json = format!("{{\"text\":\"{said}\"}}\n");
        let escaped = json_escaped(&json);
        assert_eq!(escaped, "{\"text\":\"a\\u009b31m \\u202eb\\u007f \\udb40\\udc41 \\u0023#[error]é\"}\n");
        assert!(matches!(json_escaped("{\"a\":1}"), Cow::Borrowed(_)));
    }

    #[test]
    fn escape_sequences_and_bidi_controls_become_visible() {
        assert_eq!(sanitize("a\x1b[31mb\u{202e}c\u{9b}d\r"), "a<1B>[31mb<U+202E>c<9B>d<0D>");
    }
}

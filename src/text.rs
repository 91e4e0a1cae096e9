//! Text from outside, made safe and short for people. Pure.

use std::borrow::Cow;

/// Replaces everything that a terminal would obey instead of show: C0 and C1 controls (tab and
/// newline are kept), DEL, and the bidirectional and invisible format characters that can make text
/// read otherwise than it is (Unicode TR 36). What is replaced stays visible as `<1B>` or `<U+202E>`.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !is_unsafe(c) => out.push(c),
            c if (c as u32) < 0x100 => out.push_str(&format!("<{:02X}>", c as u32)),
            c => out.push_str(&format!("<U+{:04X}>", c as u32)),
        }
    }
    Cow::Owned(out)
}

fn is_unsafe(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_untouched_and_not_copied() {
        assert!(matches!(sanitize("naïve → ok\n\tx"), Cow::Borrowed(_)));
    }

    #[test]
    fn escape_sequences_and_bidi_controls_become_visible() {
        assert_eq!(sanitize("a\x1b[31mb\u{202e}c\u{9b}d\r"), "a<1B>[31mb<U+202E>c<9B>d<0D>");
    }
}

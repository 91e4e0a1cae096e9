//! Secrets, and what tells who somebody is: how they look, and how they are kept from screens, records and histories.
//!
//! | where a text goes | what is taken out |
//! |---|---|
//! | a screen that others see | [`redact`]: identities and secrets, one for one |
//! | events, logs, records | [`mask_signatures`], and the values of [`VARIABLES`] |
//! | a history of SQL | [`without_passwords`]; nothing is kept that [`holds_credential`] |

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// The environment variables whose values are secrets.
pub const VARIABLES: &[&str] = &["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD"];

/// Stands for a secret in what is written down.
pub const MASKED: &str = "…";

/// The parameters of a signed request with which somebody else could send it.
const SIGNED: &str = "X-Amz-(?:Signature|Credential|Security-Token)";

/// Takes the signatures out of tokens and signed URLs.
pub fn mask_signatures(text: &str) -> Cow<'_, str> {
    SIGNATURE.replace_all(text, format!("${{1}}{MASKED}"))
}

static SIGNATURE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!(r"(?i)({SIGNED}=)[^&\s\x22']+")).expect("tested"));

/// Tells whether a text holds a token, a signature or a key.
pub fn holds_credential(text: &str) -> bool {
    CREDENTIAL.is_match(text)
}

static CREDENTIAL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!(r"(?i){SIGNED}|\b(AKIA|ASIA)[0-9A-Z]{{16}}\b|aws_secret_access_key|aws_session_token"))
        .expect("tested")
});

/// Takes the passwords out of SQL, connection strings and URLs.
pub fn without_passwords(text: &str) -> String {
    let text = PASSWORD.replace_all(text, format!("$1'{MASKED}'"));
    // Of a column's name in a comparison nothing is known, so that a value that is a name goes too.
    let text = CONNECTION.replace_all(&text, |found: &Captures<'_>| match (found.get(1), found.get(2)) {
        (Some(before), _) => format!("{}{MASKED}", before.as_str()),
        (None, Some(before)) => format!("{}{MASKED}@", before.as_str()),
        (None, None) => String::new(),
    });
    text.into_owned()
}

/// A password in SQL: plain, with escapes, or in dollars, its end perhaps forgotten.
static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?is)\b(password(?:\s*=\s*|\s+))(?:e'(?:[^'\\]|''|\\.)*(?:'|$)|(?:u&)?'(?:[^']|'')*(?:'|$)|\$\w*\$.*?(?:\$\w*\$|$))")
        .expect("tested")
});
/// A password where `\c` takes one: `password=x` and `postgresql://someone:x@…`.
static CONNECTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)(\bpassword\s*=\s*)[^\s'"$;,)&]+|(\bpostgres(?:ql)?://[^\s:/@]*:)[^\s@/]+@"#).expect("tested")
});

/// Stands for a hidden character: one for one, so that tables and diffs keep their columns.
pub const HIDDEN: char = '•';

/// Hides what a projector should not show: account ids, the account and the resource of ARNs, cluster
/// identifiers and their endpoints, access keys, signatures, tokens and passwords. The text keeps its
/// length in characters, and its data is never touched: this is for the renderer, on the way to a screen.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut hide: Vec<Range<usize>> = Vec::new();
    for rule in RULES.iter() {
        for found in rule.captures_iter(text) {
            hide.extend(found.iter().skip(1).flatten().map(|group| group.range()));
        }
    }
    hide.extend(IDENTIFIER.find_iter(text).filter(|m| is_identifier(m.as_str())).map(|m| m.range()));
    if hide.is_empty() {
        return Cow::Borrowed(text);
    }
    hide.sort_by_key(|range| (range.start, range.end));
    let mut out = String::with_capacity(text.len() * 2);
    let mut at = 0;
    for range in hide {
        if range.end <= at {
            continue;
        }
        let start = range.start.max(at);
        out.push_str(&text[at..start]);
        out.extend(text[start..range.end].chars().map(|_| HIDDEN));
        at = range.end;
    }
    out.push_str(&text[at..]);
    Cow::Owned(out)
}

/// Each group is what to hide.
static RULES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12})?:(?:[a-z-]+[/:])?([^\s'\x22,;|)\]}<>`]+)",
        r"\b(\d{12})\b",
        r"\b(?:AKIA|ASIA|AROA|AIDA|AGPA)([A-Z0-9]{8,})\b",
        &format!(r"(?i){SIGNED}=([^&\s'\x22]+)"),
        // What a shell puts in the place of a variable or a command is not there yet.
        r"\b(?i:[a-z_]*(?:password|secret_access_key|session_token|secret_key))=([^\s&'\x22$][^\s&'\x22]*|\$[^\s&'\x22({A-Z_][^\s&'\x22]*)",
        r#"(?i)"(?:password|secretaccesskey|sessiontoken|token)"\s*:\s*"([^"]+)""#,
        r"\b[a-z][a-z0-9+]*://[^\s/:@]+:([^\s/@]+)@",
        r"\beyJ[\w-]{6,}\.[\w-]{6,}\.([\w-]+)",
        r"\bhttps?://([a-z0-9]{10,})\.(?:execute-api|lambda-url)\.",
    ]
    .iter()
    .map(|rule| Regex::new(&rule.replace(r"\b", BOUNDARY)).expect("the rules are tested"))
    .collect()
});

/// Of words in ASCII: the regex crate searches for any other one many times slower, and a row is drawn as often as a
/// key is pressed.
const BOUNDARY: &str = r"(?-u:\b)";

/// Matches what may be a cluster identifier: 26 letters and digits.
static IDENTIFIER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("{BOUNDARY}[a-z0-9]{{26}}{BOUNDARY}")).expect("tested"));

/// Tells whether a word has a digit and a letter, as an identifier that was drawn by chance has.
fn is_identifier(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().any(|b| b.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_request_loses_what_it_could_be_sent_with() {
        let token = "h/?Action=DbConnect&X-Amz-Credential=AKIA/x&x-amz-signature=0abc&X-Amz-Expires=900";
        assert_eq!(
            mask_signatures(token),
            "h/?Action=DbConnect&X-Amz-Credential=…&x-amz-signature=…&X-Amz-Expires=900"
        );
        assert!(holds_credential(token) && !holds_credential("select 'AKIA'"));
    }

    #[test]
    fn redaction_hides_identities_and_keeps_the_length() {
        let cases = [
            ("arn:aws:iam::123456789012:role/Stack-Fn-X", "arn:aws:iam::••••••••••••:role/••••••••••"),
            ("GRANT 'arn:aws:iam::123456789012:role/a';", "GRANT 'arn:aws:iam::••••••••••••:role/•';"),
            ("cdk-assets-123456789012-eu-west-1", "cdk-assets-••••••••••••-eu-west-1"),
            ("abcde1fghij2klmno3pqrst4uv.dsql.us-east-1.on.aws", "••••••••••••••••••••••••••.dsql.us-east-1.on.aws"),
            ("AKIAIOSFODNN7EXAMPLE", "AKIA••••••••••••••••"),
            ("?X-Amz-Signature=ab12&x=1", "?X-Amz-Signature=••••&x=1"),
            ("PGPASSWORD=hunter2 psql", "PGPASSWORD=••••••• psql"),
            ("PGPASSWORD=$ecret psql", "PGPASSWORD=•••••• psql"),
            ("postgres://admin:pw@host/db", "postgres://admin:••@host/db"),
        ];
        for (text, shown) in cases {
            assert_eq!(redact(text), shown);
            assert_eq!(redact(text).chars().count(), text.chars().count());
        }
    }

    #[test]
    fn redaction_leaves_ordinary_text_alone() {
        for text in [
            "password: async () => await signer.getToken()",
            "1763880139123 ms",
            "arn:aws:s3:::",
            "id = 42",
            "PGPASSWORD=$(aws dsql x) psql",
            "PGPASSWORD=$TOKEN",
        ] {
            assert!(matches!(redact(text), Cow::Borrowed(_)), "{text}");
        }
    }
}

//! Payloads of Invoke: whether they are JSON, and how those that are not are refused.

use serde::de::IgnoredAny;

use crate::aws::error::{AwsError, AwsResult};

/// What Lambda's parser, Jackson, would have had instead.
const EXPECTED: &str = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

/// Refuses a payload that is no JSON; none at all is a payload.
///
/// # Errors
/// `InvalidRequestContentException`. Where the payload begins with a word or a character that no JSON begins with, in the
/// words of answers recorded in localstack/localstack (`test_lambda_invoke_payload_encoding_error`) and in
/// github.com/alexcasalboni/aws-lambda-power-tuning/issues/148; else in those of our own parser.
pub(super) fn check(payload: &[u8]) -> AwsResult<()> {
    if payload.is_empty() {
        return Ok(());
    }
    match serde_json::from_slice::<IgnoredAny>(payload) {
        Ok(IgnoredAny) => Ok(()),
        Err(error) => Err(refused(&beginning(payload).unwrap_or_else(|| error.to_string()))),
    }
}

/// Words the refusal.
pub(super) fn refused(why: &str) -> AwsError {
    let message = format!("Could not parse request body into json: Could not parse payload into json: {why}");
    AwsError::new(400, "InvalidRequestContentException", message)
}

/// Says what is wrong with the first word or character; None when the fault is further on.
fn beginning(payload: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(payload).ok()?;
    let body = text.trim_start();
    let start = text.len() - body.len();
    // Lines before it would count; a payload of one line is what is typed.
    if text[..start].contains('\n') {
        return None;
    }
    let first = body.chars().next()?;
    let token: String = body.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$')).collect();
    let at = |column: usize| {
        format!(
            "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: {column}]"
        )
    };
    if first.is_alphabetic() || matches!(first, '_' | '$') {
        if ["null", "true", "false"].contains(&token.as_str()) {
            return None;
        }
        // Jackson has read the character that ends the word, where there is one.
        let ended = usize::from(body.len() > token.len());
        let column = start + token.len() + ended + 1;
        return Some(format!("Unrecognized token '{token}': was expecting {EXPECTED}{}", at(column)));
    }
    if first.is_ascii_digit() || matches!(first, '{' | '[' | '"' | '-') {
        return None;
    }
    let code = u32::from(first);
    let shown = match first.is_control() {
        true => format!("(CTRL-CHAR, code {code})"),
        false => format!("'{first}' (code {code})"),
    };
    Some(format!("Unexpected character ({shown}): expected a valid value {EXPECTED}{}", at(start + 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_is_told_as_lambda_tells_it() {
        let said = |payload: &str| check(payload.as_bytes()).unwrap_err().message;
        let begins = "Could not parse request body into json: Could not parse payload into json: ";
        let at = |column: u32| {
            format!(
                "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: {column}]"
            )
        };
        // As recorded for "test data" in the issue: one past the character that ends the word.
        for (payload, token, column) in [("not json", "not", 5), ("test data", "test", 6), ("not", "not", 4)] {
            assert_eq!(
                said(payload),
                format!(
                    "{begins}Unrecognized token '{token}': was expecting (JSON String, Number, Array, Object or token \
                     'null', 'true' or 'false'){}",
                    at(column)
                )
            );
        }
        assert_eq!(
            said("\u{99}x"),
            format!(
                "{begins}Unexpected character ((CTRL-CHAR, code 153)): expected a valid value (JSON String, Number, Array, \
                 Object or token 'null', 'true' or 'false'){}",
                at(1)
            )
        );
        assert!(
            said("<a>").starts_with(&format!("{begins}Unexpected character ('<' (code 60)): expected a valid value "))
        );
        assert!(said("{\"a\":").starts_with(begins));
        assert!(said("null x").starts_with(begins));
        for good in ["", "1", "null", " {\"a\": [true]}"] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
    }
}

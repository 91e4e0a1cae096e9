//! What must hold for whatever policy somebody writes: the properties that the fuzz target and the random tests here
//! look for. Not part of the program.

use serde_json::{Value, json};

use crate::iam::policy::{self, AccessRequest, Context};
use crate::interfaces::Decision;

const CLUSTER: &str = "arn:aws:dsql:us-east-1:123456789012:cluster/abc";

/// A policy document: no panic; nobody is let in but by an Allow, a Deny stands above everything, and neither order nor
/// repetition matters.
pub fn policies(text: &str) {
    let Ok(document) = serde_json::from_str::<Value>(text) else {
        return wildcards(text);
    };
    let context = Context::from([
        ("aws:username".into(), vec!["ann".into()]),
        ("aws:tagkeys".into(), vec!["team".into(), "cost".into()]),
        ("aws:principalarn".into(), vec!["arn:aws:iam::123456789012:user/ann".into()]),
    ]);
    let everything =
        |effect: &str| json!({"Statement": {"Effect": effect, "Action": "*", "Resource": "*", "Principal": "*"}});
    let (allow, deny) = (everything("Allow"), everything("Deny"));
    for action in ["dsql:DbConnect", "dsql:DbConnectAdmin", "sts:AssumeRole"] {
        let decide = |documents: &[&Value], action: &str| {
            let ask = AccessRequest { action, resource: CLUSTER, context: &context };
            policy::evaluate(documents.iter().copied(), &ask)
        };
        let alone = decide(&[&document], action);
        assert_eq!(decide(&[&document, &document], action), alone);
        assert_eq!(decide(&[&document], &action.to_ascii_uppercase()), alone);
        assert_eq!(decide(&[&document, &deny], action), Decision::ExplicitDeny);
        assert_eq!(decide(&[&deny, &document], action), Decision::ExplicitDeny);
        let either = if alone == Decision::ExplicitDeny { Decision::ExplicitDeny } else { Decision::Allow };
        assert_eq!(decide(&[&document, &allow], action), either);
        assert_eq!(decide(&[&allow, &document], action), either);
        // Whatever it says, it says it only if it says so.
        assert_ne!(decide(&[&each(&document, "Effect", &json!("Maybe"))], action), Decision::Allow);
        assert_ne!(decide(&[&each(&document, "Effect", &json!("Deny"))], action), Decision::Allow);
        assert_ne!(decide(&[&each(&document, "Effect", &json!("Allow"))], action), Decision::ExplicitDeny);
        // A condition that is not known.
        let unknown = each(&document, "Condition", &json!({"Guess": {"aws:username": "ann"}}));
        assert_ne!(decide(&[&unknown], action), Decision::Allow);
        let trusted = policy::trusts(&document, action, &["123456789012"], &context);
        assert!(!policy::trusts(&each(&document, "Effect", &json!("Deny")), action, &["123456789012"], &context));
        assert!(
            !trusted || !policy::trusts(&each(&document, "Principal", &json!({"AWS": "7"})), action, &["8"], &context)
        );
    }
    for trust in [false, true] {
        if policy::malformed(&document, trust).is_none() {
            assert!(document.is_object());
        }
    }
}

/// The same document, with something else in every statement.
fn each(document: &Value, key: &str, value: &Value) -> Value {
    let mut document = document.clone();
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.iter_mut().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for statement in statements.into_iter().filter_map(Value::as_object_mut) {
        statement.insert(key.to_owned(), value.clone());
    }
    document
}

/// What is no document: a pattern, and a text after a line's end.
fn wildcards(text: &str) {
    let (pattern, text) = text.split_once('\n').unwrap_or((text, text));
    let (pattern, text): (String, String) = (pattern.chars().take(64).collect(), text.chars().take(64).collect());
    assert!(policy::wildcard("*", &text));
    assert_eq!(policy::wildcard(&pattern, &text), by_table(&pattern, &text), "{pattern:?} {text:?}");
}

/// Whether each beginning of the pattern is like each beginning of the text.
fn by_table(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut like = vec![false; text.len() + 1];
    like[0] = true;
    for sign in pattern.chars() {
        let mut next = vec![false; text.len() + 1];
        next[0] = sign == '*' && like[0];
        for at in 0..text.len() {
            next[at + 1] = match sign {
                '*' => like[at + 1] || next[at],
                '?' => like[at],
                sign => like[at] && sign == text[at],
            };
        }
        like = next;
    }
    like[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
        let word = proptest::sample::select(words).prop_map(|word| json!(word));
        prop_oneof![word.clone(), proptest::collection::vec(word, 0..3).prop_map(Value::Array), Just(Value::Null)]
    }

    fn statement() -> impl Strategy<Value = Value> {
        let operators = &[
            "StringEquals",
            "StringNotLike",
            "Null",
            "ForAllValues:StringNotEquals",
            "ForAnyValue:StringEquals",
            "StringLikeIfExists",
            "NumericLessThan",
            "Bool",
        ];
        let keys = &["aws:username", "aws:TagKeys", "aws:nobody", "aws:PrincipalArn"];
        let condition = (
            proptest::sample::select(operators.to_vec()),
            proptest::sample::select(keys.to_vec()),
            one_of(&["ann", "team", "true", "*", "${aws:username}"]),
        )
            .prop_map(|(operator, key, wanted)| json!({operator: {key: wanted}}));
        (
            one_of(&["Allow", "Deny"]),
            one_of(&["*", "dsql:*", "dsql:DbConnect", "DSQL:dbconnect?dmin", "sts:AssumeRole"]),
            one_of(&["*", CLUSTER, "arn:aws:dsql:*:*:cluster/*", "arn:aws:s3:::x"]),
            prop_oneof![condition, Just(Value::Null)],
            any::<bool>(),
        )
            .prop_map(|(effect, action, resource, condition, not)| {
                let (action_key, resource_key) = if not { ("NotAction", "NotResource") } else { ("Action", "Resource") };
                json!({"Effect": effect, action_key: action, resource_key: resource, "Condition": condition, "Principal": "*"})
            })
    }

    proptest! {
        #[test]
        fn no_policy_breaks_the_rules(statements in proptest::collection::vec(statement(), 0..4)) {
            policies(&json!({"Statement": statements}).to_string());
        }

        #[test]
        fn no_pattern_is_read_otherwise(pattern in "[a*?]{0,12}", text in "[ab]{0,12}") {
            policies(&format!("{pattern}\n{text}"));
        }
    }
}

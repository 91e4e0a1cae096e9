//! What must hold for whatever is sent to the endpoint: the properties that the fuzz targets and a test here look for. Not
//! part of the program.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::cloudformation::conditions::Evaluation;
use super::cloudformation::resolve::Scope;
use super::cloudformation::{supported, template, validate};
use super::http::HttpRequest;
use super::time::Instant;
use super::{measure, protocol, service_model, sigv4};
use crate::interfaces::{Credential, Principal};
use workshop_base::encoding::{decode, encode};

const SERVICES: [&str; 9] = ["sts", "iam", "s3", "ssm", "logs", "lambda", "dsql", "cloudformation", "cloudcontrolapi"];

/// The endpoint's front: a request line, headers and a body, as text. What nobody signed is never let in, and what a
/// service reads once it is signed is read, bounded and held against its model without a panic.
pub fn requests(text: &str) {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().splitn(3, ' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (method, path, query) = (word(), word(), word());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let request = HttpRequest { method, path, query, headers, body: Bytes::from(body.to_owned()) };
    if measure::head(&request).is_err() {
        return;
    }
    before_the_signature(&request);
    after_the_signature(&request);
}

fn before_the_signature(request: &HttpRequest) {
    let who = Credential {
        access_key_id: "AKIAEXAMPLE".into(),
        secret_access_key: "example".into(),
        session_token: None,
        expires: None,
        principal: Principal { arn: "arn:aws:iam::123456789012:user/learner".into(), role_arn: None },
    };
    let now = Instant(1_790_000_000_000);
    let _ = sigv4::service(request);
    let admitted = sigv4::admit(request, "us-east-1", now, now, |_| Some(who.clone()));
    if let Ok(admitted) = admitted {
        assert!(admitted.verify(request).is_err(), "a request that nobody signed was let in");
    }
}

fn after_the_signature(request: &HttpRequest) {
    for segment in request.segments() {
        assert_eq!(decode(&encode(&segment)), segment);
    }
    for service in SERVICES {
        let protocol = protocol::of(service, request);
        let operation = protocol::operation_hint(protocol, request);
        let _ = service_model::check_rest(service, request);
        let input = match protocol {
            protocol::Protocol::Query => protocol::query_input(request).ok(),
            _ => serde_json::from_slice(&request.body).ok(),
        };
        if let Some(input) = input {
            let _ = service_model::check(service, protocol, &operation, &input);
        }
        let refusal = protocol::not_served(service, protocol, &operation);
        assert!(protocol::error_response(service, protocol, &refusal, "id").status >= 400);
    }
}

/// A template, JSON or YAML: whatever is read is validated, its references found and every value of it evaluated within the
/// bounds of CloudFormation, without a panic.
pub fn templates(text: &str) {
    let Ok(template) = template::parse(text) else { return };
    let _ = supported::unsupported(text);
    if validate::template(&template).is_err() {
        return;
    }
    let resources: BTreeSet<String> = template::section(&template, "Resources").map(|(name, _)| name.clone()).collect();
    let order = validate::dependencies(&template, &resources);
    assert!(order.keys().all(|name| resources.contains(name)));
    let (exports, ssm) = (BTreeMap::new(), BTreeMap::new());
    let scope = Scope {
        template: &template,
        parameters: &BTreeMap::new(),
        resources: &BTreeMap::new(),
        unknown: &resources,
        exports: &exports,
        ssm: &ssm,
        stack_name: "S",
        stack_id: "arn:stack",
        account: "123456789012",
        region: "us-east-1",
        evaluation: &Evaluation::default(),
    };
    for (name, _) in template::section(&template, "Conditions") {
        let _ = scope.condition(name);
    }
    for (_, resource) in template::section(&template, "Resources") {
        let _ = scope.resolve(resource);
    }
    let _ = validate::with_parameters(&scope);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Text out of the words that requests and templates are made of: random letters get nowhere.
    fn worded(words: &'static [&'static str]) -> impl Strategy<Value = String> {
        let word = prop_oneof![4 => proptest::sample::select(words).prop_map(str::to_owned), 1 => "[ -~\n]{0,6}"];
        proptest::collection::vec(word, 0..60).prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_breaks_the_front(text in worded(&[
            "GET", "POST", " ", "/", "\n", "\n\n", "?", "&", "=", "%2F", "%", "Action", "CreateStack", "Tags.member.1.Key",
            "Authorization:", "AWS4-HMAC-SHA256 ", "Credential=AKIAEXAMPLE/20260921/us-east-1/sts/aws4_request", ", ",
            "SignedHeaders=host;x-amz-date", "Signature=0", "X-Amz-Date:20260921T151320Z\n", "X-Amz-Signature", "{", "}",
            "\"", ":", "[", "]", "cluster", "2015-03-31", "functions", "content-type:application/x-www-form-urlencoded\n",
        ])) {
            requests(&text);
        }

        #[test]
        fn nothing_that_a_template_says_breaks_the_stack(text in worded(&[
            "{", "}", "[", "]", ":", ",", "\"", "\n", "  ", "- ", "Resources", "Conditions", "Parameters", "Type",
            "AWS::Lambda::Function", "AWS::IAM::Role", "Properties", "Fn::Sub", "${", "Fn::If", "Fn::GetAtt", "Ref", "Condition",
            "!Ref ", "!Sub ", "!If ", "A", "B", "Fn::Select", "Fn::Split", "Fn::Join", "Fn::Equals", "AWS::Region", "DependsOn",
        ])) {
            templates(&text);
        }
    }
}

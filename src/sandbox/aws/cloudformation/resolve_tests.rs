use super::*;
use serde_json::json;

fn with<T>(template: Value, run: impl FnOnce(&Scope<'_>) -> T) -> T {
    let parameters = BTreeMap::from([
        ("Stage".to_owned(), StackParameter { given: "prod".into(), resolved: None, list: false, no_echo: false }),
        ("Attribute".to_owned(), StackParameter { given: "Arn".into(), resolved: None, list: false, no_echo: false }),
        ("Named".to_owned(), StackParameter { given: "x".into(), resolved: None, list: false, no_echo: false }),
        ("List".to_owned(), StackParameter { given: "a,b".into(), resolved: None, list: true, no_echo: false }),
    ]);
    let resource = Resource {
        physical_id: Some("role-1".into()),
        attributes: serde_json::from_value(json!({"Arn": "arn:aws:iam::1:role/role-1"})).unwrap(),
        ..Resource::new("AWS::IAM::Role")
    };
    let scope = Scope {
        template: &template,
        parameters: &parameters,
        resources: &BTreeMap::from([("Role".to_owned(), resource)]),
        unknown: &BTreeSet::from(["Later".to_owned()]),
        exports: &BTreeMap::from([(
            "shared".to_owned(),
            StackExport { value: "value".to_owned(), stack: "Other".to_owned() },
        )]),
        ssm: &BTreeMap::from([("/x".to_owned(), "42".to_owned())]),
        stack_name: "S",
        stack_id: "arn:stack",
        account: "123456789012",
        region: "us-east-1",
        evaluation: &Evaluation::default(),
    };
    run(&scope)
}

fn value(expression: Value) -> Value {
    let template = json!({
        "Conditions": {"Prod": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}, "Not": {"Fn::Not": [{"Condition": "Prod"}]}},
        "Mappings": {"M": {"us-east-1": {"Key": 7}}},
    });
    with(template, |scope| scope.resolve(&expression)).unwrap().unwrap_or(Value::Null)
}

fn error(expression: Value) -> String {
    with(json!({}), |scope| scope.resolve(&expression)).unwrap_err()
}

#[test]
fn every_function() {
    for (expression, expected) in [
        (json!({"Ref": "Stage"}), json!("prod")),
        (json!({"Ref": "List"}), json!(["a", "b"])),
        (json!({"Ref": "Role"}), json!("role-1")),
        (json!({"Ref": "AWS::Region"}), json!("us-east-1")),
        (json!({"Fn::GetAtt": ["Role", "Arn"]}), json!("arn:aws:iam::1:role/role-1")),
        (json!({"Fn::GetAtt": "Role.Arn"}), json!("arn:aws:iam::1:role/role-1")),
        (json!({"Fn::Sub": "${Stage}-${Role.Arn}-${!Raw}"}), json!("prod-arn:aws:iam::1:role/role-1-${Raw}")),
        (json!({"Fn::Sub": ["${V}${AWS::AccountId}", {"V": {"Ref": "Stage"}}]}), json!("prod123456789012")),
        (json!({"Fn::Join": ["-", ["a", 1, true, {"Ref": "Stage"}]]}), json!("a-1-true-prod")),
        (json!({"Fn::Join": [":", {"Ref": "List"}]}), json!("a:b")),
        (json!({"Fn::Select": ["1", {"Fn::Split": ["/", "x/y/z"]}]}), json!("y")),
        (json!({"Fn::If": ["Prod", {"k": 1}, 2]}), json!({"k": 1})),
        (json!({"Fn::If": ["Not", 1, {"Ref": "AWS::NoValue"}]}), Value::Null),
        (json!({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "Key"]}), json!(7)),
        (json!({"Fn::FindInMap": ["M", "x", "Key", {"DefaultValue": 8}]}), json!(8)),
        (json!({"Fn::ImportValue": {"Fn::Sub": "shared"}}), json!("value")),
        (json!({"Fn::Base64": "hi"}), json!("aGk=")),
        (
            json!({"Fn::Cidr": ["192.168.0.0/24", 3, "5"]}),
            json!(["192.168.0.0/27", "192.168.0.32/27", "192.168.0.64/27"]),
        ),
        (json!({"Fn::Select": [0, {"Fn::GetAZs": ""}]}), json!("us-east-1a")),
        (json!("v{{resolve:ssm:/x}}{{resolve:ssm:/x:3}}"), json!("v4242")),
        (json!({"Fn::GetAtt": ["Role", {"Ref": "Attribute"}]}), json!("arn:aws:iam::1:role/role-1")),
        (json!({"Fn::Join": ["", ["{{resolve:ssm:/", {"Ref": "Named"}, "}}"]]}), json!("42")),
        (json!({"Fn::Sub": "arn:${Later.Arn}"}), json!("arn:{{changeSet:KNOWN_AFTER_APPLY}}")),
        // Of what is not known yet, no part is known.
        (json!({"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::GetAtt": ["Later", "Url"]}]}]}), json!(KNOWN_AFTER_APPLY)),
        (json!({"Fn::Select": [5, {"Fn::Split": [":", {"Fn::Sub": "a:${Later}"}]}]}), json!(KNOWN_AFTER_APPLY)),
        (json!({"Fn::Select": [1, {"Fn::GetAtt": ["Later", "List"]}]}), json!(KNOWN_AFTER_APPLY)),
        (json!({"Fn::Select": [0, {"Fn::Cidr": [{"Ref": "Later"}, 2, 8]}]}), json!(KNOWN_AFTER_APPLY)),
        (json!({"Fn::FindInMap": ["M", {"Ref": "Later"}, "Key"]}), json!(KNOWN_AFTER_APPLY)),
        (json!({"Fn::ImportValue": {"Ref": "Later"}}), json!(KNOWN_AFTER_APPLY)),
        (json!({"Fn::Base64": {"Ref": "Later"}}), json!(KNOWN_AFTER_APPLY)),
        (json!({"Fn::Sub": "{{resolve:ssm:${Later}}}"}), json!(KNOWN_AFTER_APPLY)),
    ] {
        assert_eq!(value(expression.clone()), expected, "{expression}");
    }
}

#[test]
fn no_value_takes_its_member_away() {
    let none = json!({"Ref": "AWS::NoValue"});
    assert_eq!(value(json!({"a": none, "b": [1, none], "c": {"d": none}})), json!({"b": [1], "c": {}}));
}

#[test]
fn a_member_called_condition_is_data() {
    let statement = json!({"Effect": "Allow", "Condition": {"StringEquals": {"a": {"Ref": "Stage"}}}});
    assert_eq!(value(statement), json!({"Effect": "Allow", "Condition": {"StringEquals": {"a": "prod"}}}));
    assert_eq!(value(json!({"Condition": {"Null": {"x": "true"}}})), json!({"Condition": {"Null": {"x": "true"}}}));
}

#[test]
fn refusals_name_what_is_wrong() {
    assert!(error(json!({"Ref": "Nobody"})).contains("[Nobody]"));
    assert!(error(json!({"Fn::GetAtt": ["Role", "Nope"]})).contains("does not support attribute type Nope"));
    assert!(error(json!({"Fn::Select": [9, ["a"]]})).contains("at index 9"));
    assert!(error(json!({"Fn::ImportValue": "gone"})).contains("No export named gone found"));
    assert!(error(json!({"Fn::Cidr": ["10.0.0.0/24", 2, 8]})).contains("no 2 blocks of 8 bits"));
    assert!(error(json!({"Fn::If": ["Missing", 1, 2]})).contains("Missing"));
    assert!(error(json!("{{resolve:secretsmanager:x}}")).contains("secretsmanager:x"));
}

#[test]
fn equality_is_of_texts() {
    let truth = |value: Value| with(json!({}), |scope| scope.truth(&value)).unwrap();
    assert!(truth(json!({"Fn::Equals": [1, "1"]})));
    assert!(truth(json!({"Fn::Equals": [true, "true"]})));
    assert!(truth(json!({"Fn::Or": [{"Fn::Equals": ["a", "b"]}, {"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}]})));
    assert!(!truth(json!({"Fn::And": [{"Fn::Equals": ["a", "b"]}, {"Fn::Equals": ["a", "a"]}]})));
}

/// Each level names the one below twice; what is named is evaluated once, and the whole is measured.
#[test]
fn values_that_double_are_bounded() {
    let doubled =
        |levels: usize| (0..levels).fold(json!("x"), |inner, _| json!({"Fn::Sub": ["${v}${v}", {"v": inner}]}));
    assert_eq!(value(doubled(10)), json!("x".repeat(1 << 10)));
    assert!(error(doubled(30)).contains("come to more than"));
}

#[test]
fn conditions_are_evaluated_once_however_many_rest_on_them() {
    let mut conditions = Map::from_iter([("C0".to_owned(), json!({"Fn::Equals": [{"Ref": "Stage"}, "prod"]}))]);
    for number in 1..2_000 {
        let before = json!({"Condition": format!("C{}", number - 1)});
        conditions.insert(format!("C{number}"), json!({"Fn::And": [before, before]}));
    }
    assert_eq!(with(json!({"Conditions": conditions}), |scope| scope.condition("C1999")), Ok(true));
    let circle = json!({"Conditions": {"A": {"Condition": "B"}, "B": {"Fn::Not": [{"Condition": "A"}]}}});
    assert!(with(circle, |scope| scope.condition("A")).unwrap_err().contains("circular condition dependency"));
}

/// On the stack of a thread of the runtime, in a build without optimisation.
#[test]
fn a_template_as_deep_as_may_be_is_evaluated() {
    let depth = crate::aws::cloudformation::yaml::MAX_DEPTH / 2 - 1;
    let joined = (0..depth).fold(json!("x"), |inner, _| json!({"Fn::Join": ["", [inner]]}));
    assert_eq!(value(joined), json!("x"));
    let negated = (0..depth).fold(json!({"Fn::Equals": [1, 1]}), |inner, _| json!({"Fn::Not": [inner]}));
    assert_eq!(with(json!({}), |scope| scope.truth(&negated)), Ok(depth.is_multiple_of(2)));
}

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::lesson::model::Template;

fn fill_with(text: &str, place: TemplateSyntax, value: Value) -> Result<String, TemplateError> {
    render(&Template(text.to_owned()), place, |_| Some(value.clone()))
}

fn complaints(text: &str, place: TemplateSyntax) -> Vec<String> {
    check(text, place).iter().map(ToString::to_string).collect()
}

#[test]
fn references_are_found_and_escapes_kept() {
    let text = "$${HOME} ${outputs.LambdaRoleArn} ${capture.n_1}${region} $ ${";
    assert_eq!(
        references(text),
        [Reference::Output("LambdaRoleArn".into()), Reference::Capture("n_1".into()), Reference::Region]
    );
    assert_eq!(fill_with("$${a} $$${b}", TemplateSyntax::Plain, json!("x")).unwrap(), "${a} $${b}");
    assert_eq!(complaints(text, TemplateSyntax::Plain), ["`${` is never closed"]);
}

#[test]
fn an_unknown_name_is_told_with_the_nearest() {
    let errors = check("${output.Arn} ${cluster.endpiont} ${xyz} ${outputs.a-b}", TemplateSyntax::Plain);
    let hints: Vec<_> = errors.iter().map(|e| (e.to_string(), e.hint())).collect();
    assert_eq!(hints[0].0, "`${output.Arn}` names nothing");
    assert!(hints[0].1.starts_with("did you mean `outputs.Arn`?"), "{}", hints[0].1);
    assert!(hints[1].1.starts_with("did you mean `cluster.endpoint`?"), "{}", hints[1].1);
    assert!(hints[2].1.starts_with("there are outputs.KEY, "), "{}", hints[2].1);
    assert_eq!(errors.len(), 4);
}

#[test]
fn values_are_quoted_for_their_place() {
    let hostile = json!("a'; drop table accounts; --");
    assert_eq!(
        fill_with("AWS IAM GRANT myapp TO ${outputs.Arn};", TemplateSyntax::Sql, hostile.clone()).unwrap(),
        "AWS IAM GRANT myapp TO 'a''; drop table accounts; --';"
    );
    assert_eq!(
        fill_with("select ${capture.x}::text", TemplateSyntax::Sql, json!(r"\'")).unwrap(),
        r"select E'\\'''::text"
    );
    assert_eq!(
        fill_with("echo --x=${region}", TemplateSyntax::Shell, json!("$(rm -rf ~)'`")).unwrap(),
        r"echo --x='$(rm -rf ~)'\''`'"
    );
    assert_eq!(fill_with("echo ${region}", TemplateSyntax::Shell, json!("")).unwrap(), "echo ''");
    assert_eq!(fill_with("is ${region}", TemplateSyntax::Plain, json!("it's")).unwrap(), "is it's");
    assert_eq!(fill_with(r"\c ${capture.db}", TemplateSyntax::Sql, json!("it's")).unwrap(), r"\c 'it''s'");
}

#[test]
fn json_values_keep_their_type_where_they_stand_alone() {
    let text = r#"{"n": "${capture.n}", "s": "n=${capture.n}", "v": ${capture.n}, "${capture.n}" : 1}"#;
    let of = |value| serde_json::from_str::<Value>(&fill_with(text, TemplateSyntax::Json, value).unwrap()).unwrap();
    assert_eq!(of(json!(90)), json!({"n": 90, "s": "n=90", "v": 90, "90": 1}));
    assert_eq!(of(json!("a\"b\n")), json!({"n": "a\"b\n", "s": "n=a\"b\n", "v": "a\"b\n", "a\"b\n": 1}));
    assert_eq!(fill_with(r#"{"s": "\"${capture.n}"}"#, TemplateSyntax::Json, json!(1)).unwrap(), r#"{"s": "\"1"}"#);
    assert_eq!(fill_with("{\"x\": ${capture.n}}", TemplateSyntax::Json, json!([1])).unwrap(), "{\"x\": [1]}");
    assert_eq!(complaints(r#"{"a": ${region}"#, TemplateSyntax::Json).len(), 1);
    assert!(complaints(r#"{"a": ${region}, "b": "x${region}y"}"#, TemplateSyntax::Json).is_empty());
}

#[test]
fn values_inside_a_json_value() {
    let lookup = |_: &Reference| Some(json!(7));
    let value = json!({"a": ["${capture.n}", "n=${capture.n}"], "b": true});
    assert_eq!(render_value(&value, &lookup).unwrap(), json!({"a": [7, "n=7"], "b": true}));
}

#[test]
fn texts_for_people_hold_values_and_whatever_else_looks_like_it() {
    let known = |reference: &Reference| match reference {
        Reference::Output(key) if key == "Url" => Some("https://x".to_owned()),
        Reference::Region => Some("eu-west-1".to_owned()),
        _ => None,
    };
    for (text, shown) in [
        ("Open ${outputs.Url} in ${region}.", "Open https://x in eu-west-1."),
        ("`curl ${outputs.Url}/a`", "`curl https://x/a`"),
        ("Then ${outputs.Later} and ${cluster.endpoint}.", "Then <Later> and <endpoint>."),
        ("${HOME}, ${x, `${name}` and $${outputs.Url}", "${HOME}, ${x, `${name}` and ${outputs.Url}"),
        ("$${HOME} stays", "$${HOME} stays"),
        ("${a\n}${region}", "${a\n}eu-west-1"),
        ("nothing", "nothing"),
    ] {
        assert_eq!(in_prose(text, known), shown);
    }
    assert_eq!(
        misspelt("${output.Url} ${HOME} ${event.name} ${outputs.Url} ${clusters.endpoint}"),
        ["output.Url", "clusters.endpoint"]
    );
}

#[test]
fn places_that_cannot_hold_a_value_are_refused_before_there_is_one() {
    let bad_sql = [
        "select '${region}'",
        r"select E'it''s \' ${region}'",
        "select \"${region}\"",
        "select 1 -- ${region}",
        "select /* /* */ ${region} */ 1",
        "select $$ ${region} $$",
        "select $a$ $$ ${region} $a$",
        "select x${region}",
        "select ${region}'x'",
        "select ${region}${region}",
        "select :${region}",
    ];
    for text in bad_sql {
        assert!(matches!(check(text, TemplateSyntax::Sql)[0], TemplateError::BadPlace { .. }), "{text}");
    }
    for text in [
        "select 'it''s', ${region} -- '",
        "select (${region}), $1, ${account}::int",
        "select $$'$$, ${region}",
        // The `e` of a word is no prefix: this text ends at its backslash.
        r"select date'', ${region}, type'' || ${region}",
    ] {
        assert!(check(text, TemplateSyntax::Sql).is_empty(), "{text}");
    }
    let bad_shell = [
        "echo '${region}'",
        "echo \"${region}\"",
        "echo \\${region}",
        "# it's\necho '${region}'",
        "echo `${region}`",
        "cat <<E\n${region}\nE",
        "echo \"$(cat \"${region}\")\"",
        "echo \"$${x:-\"${region}\"}\"",
        "echo $'it\\'s' ${region} '",
        "echo $((1 + ${region}))",
        "echo $(( (1 + 2) * ${region} ))",
        "echo $(( '1' )) ${region}",
        "echo $(( $((1)) + ${region} ))",
    ];
    for text in bad_shell {
        assert!(matches!(check(text, TemplateSyntax::Shell)[0], TemplateError::BadPlace { .. }), "{text}");
    }
    for text in [
        "echo \"$${HOME}/x\" ${region}",
        "a=${region}; b $(c ${stack}) # x",
        "echo 'it'\\''s' ${region}",
        "echo $# ${region}",
        "echo $(( (1 + 2) * 3 ))${region} $(${region})",
        "echo $(( $(echo ${region} | wc -c) + 1 ))",
        "n=$(( $(grep -c \"a\" a.txt) + 1 )); echo ${region}",
    ] {
        assert!(check(text, TemplateSyntax::Shell).is_empty(), "{text}: {:?}", check(text, TemplateSyntax::Shell));
    }
    assert!(matches!(
        fill_with("echo '${region}'", TemplateSyntax::Shell, json!("x")),
        Err(TemplateError::BadPlace { .. })
    ));
}

#[test]
fn a_value_that_would_become_part_of_another_is_refused_before_it_is_known() {
    for text in ["1${region}", "[-${region}]", "{\"n\": ${region}.5}", "[${region}${stack}]", "[\"a\"${region}]"] {
        assert!(matches!(check(text, TemplateSyntax::Json)[0], TemplateError::BadPlace { .. }), "{text}");
        assert!(
            matches!(fill_with(text, TemplateSyntax::Json, json!(1)), Err(TemplateError::BadPlace { .. })),
            "{text}"
        );
    }
    for text in ["${region}", "[${region},${stack}]", "{\"n\":${region}}", "[ ${region}\n]", "\"1${region}${stack}.5\""]
    {
        assert!(check(text, TemplateSyntax::Json).is_empty(), "{text}: {:?}", check(text, TemplateSyntax::Json));
    }
}

#[test]
fn values_that_fit_nowhere_are_refused() {
    assert!(matches!(fill_with("${region}", TemplateSyntax::Shell, json!("a\0b")), Err(TemplateError::Unfit { .. })));
    assert!(matches!(fill_with("${region}", TemplateSyntax::Sql, json!({"a": 1})), Err(TemplateError::Unfit { .. })));
    assert!(matches!(fill_with("\\c ${region}", TemplateSyntax::Sql, json!("a\nb")), Err(TemplateError::Unfit { .. })));
    let missing = render(&Template("${outputs.Arn}".into()), TemplateSyntax::Sql, |_| None);
    assert_eq!(missing, Err(TemplateError::NoValue("outputs.Arn".into())));
}

proptest! {
    /// Whatever the value, `sh` gets it back as one word, and only that.
    #[test]
    fn the_shell_sees_one_word(value in "[^\0]{0,20}") {
        let line = fill_with("printf %s-%s ${region} end", TemplateSyntax::Shell, json!(value)).unwrap();
        let output = std::process::Command::new("sh").arg("-c").arg(&line).output().unwrap();
        prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{value}-end"));
    }

    /// Whatever the value, the JSON around it stays what it was.
    #[test]
    fn json_stays_json(value in any::<String>()) {
        let text = fill_with(r#"["${region}", "<${region}>", ${region}]"#, TemplateSyntax::Json, json!(value)).unwrap();
        let read: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read, json!([value, format!("<{value}>"), value]));
    }

    /// Whatever the value, the literal it becomes ends where it should and says what it was.
    #[test]
    fn sql_reads_the_literal_back(value in "[^\0]{0,20}") {
        let sql = fill_with("select ${region}", TemplateSyntax::Sql, json!(value)).unwrap();
        let literal = sql.strip_prefix("select ").unwrap();
        let (escapes, body) = match literal.strip_prefix("E'") {
            Some(body) => (true, body),
            None => (false, literal.strip_prefix('\'').unwrap()),
        };
        let mut read = String::new();
        let mut chars = body.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' if escapes => read.push(chars.next().unwrap()),
                '\'' if chars.next_if_eq(&'\'').is_some() => read.push('\''),
                '\'' => break,
                c => read.push(c),
            }
        }
        prop_assert_eq!(chars.next(), None);
        prop_assert_eq!(read, value);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), odd in "[${}a.'\"\\\\ ]{0,30}") {
        for place in [TemplateSyntax::Sql, TemplateSyntax::Json, TemplateSyntax::Shell, TemplateSyntax::Plain] {
            check(&text, place);
            check(&odd, place);
            let _ = fill_with(&odd, place, json!("v"));
        }
    }
}

#[test]
fn what_is_known_is_shown_as_it_will_be_sent() {
    let known = |reference: &Reference| match reference {
        Reference::Output(key) if key == "Arn" => Some(json!("arn:it's")),
        Reference::Capture(name) if name == "once" => Some(json!("an \"id\"")),
        _ => None,
    };
    let shown = |sql: &str| Template(sql.into()).shown(TemplateSyntax::Sql, known);
    let payload = Template("{\"id\": \"${capture.once}\"}".into());
    assert_eq!(payload.shown(TemplateSyntax::Json, known), r#"{"id": "an \"id\""}"#);
    assert_eq!(shown("AWS IAM GRANT myapp TO ${outputs.Arn};"), "AWS IAM GRANT myapp TO 'arn:it''s';");
    assert_eq!(shown("SELECT ${outputs.Later}"), "SELECT '<Later>'");
    assert_eq!(shown("GRANT r TO ${caller.arn}"), "GRANT r TO '<caller.arn>'");
}

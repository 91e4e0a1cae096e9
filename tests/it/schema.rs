//! `workshop schema` describes the format that `workshop lint` accepts: what is valid to the one is
//! valid to the other, as far as JSON Schema can say it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use workshop_course::lesson::schema::schema;

/// Where a document breaks a schema; an evaluator of the words that ours uses, and of no others.
fn faults(schema: &Value, root: &Value, value: &Value, at: &str) -> Vec<String> {
    let Value::Object(words) = schema else { return Vec::new() };
    let valid = |schema: &Value| faults(schema, root, value, at).is_empty();
    let mut found = Vec::new();
    let mut require = |holds: bool, word: &str| {
        if !holds {
            found.push(format!("{at}: {word}"));
        }
    };
    let mut inner = Vec::new();
    for (word, rule) in words {
        let list = || rule.as_array().unwrap();
        match word.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" | "format" | "then" | "else" => {}
            "$ref" => inner.extend(faults(root.pointer(&rule.as_str().unwrap()[1..]).unwrap(), root, value, at)),
            "type" => require(is_a(rule.as_str().unwrap(), value), word),
            "enum" => require(list().contains(value), word),
            "const" => require(rule == value, word),
            "anyOf" => require(list().iter().any(valid), word),
            "oneOf" => require(list().iter().filter(|s| valid(s)).count() == 1, word),
            "not" => require(!valid(rule), word),
            "if" => inner.extend(faults(&words[if valid(rule) { "then" } else { "else" }], root, value, at)),
            "pattern" => require(
                value.as_str().is_none_or(|text| regex::Regex::new(rule.as_str().unwrap()).unwrap().is_match(text)),
                word,
            ),
            "minimum" => require(value.as_f64().is_none_or(|n| n >= rule.as_f64().unwrap()), word),
            "maximum" => require(value.as_f64().is_none_or(|n| n <= rule.as_f64().unwrap()), word),
            "minItems" => require(value.as_array().is_none_or(|v| v.len() as u64 >= rule.as_u64().unwrap()), word),
            "items" => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    inner.extend(faults(rule, root, item, &format!("{at}/{i}")));
                }
            }
            "required" => {
                for key in list() {
                    require(value.as_object().is_none_or(|v| v.contains_key(key.as_str().unwrap())), word);
                }
            }
            "properties" | "additionalProperties" => {}
            other => panic!("the schema uses `{other}`, which this evaluator does not know"),
        }
    }
    for (key, item) in value.as_object().into_iter().flatten() {
        let below = format!("{at}/{key}");
        match (words.get("properties").and_then(|p| p.get(key)), words.get("additionalProperties")) {
            (Some(property), _) => inner.extend(faults(property, root, item, &below)),
            (None, Some(Value::Bool(false))) => inner.push(format!("{below}: additionalProperties")),
            (None, Some(rule)) => inner.extend(faults(rule, root, item, &below)),
            (None, None) => {}
        }
    }
    found.append(&mut inner);
    found
}

fn is_a(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        other => panic!("no such type: {other}"),
    }
}

fn yaml_files(directory: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    assert!(!files.is_empty());
    files
}

fn faults_of(path: &Path) -> Vec<String> {
    let value: Value = serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let schema = schema();
    faults(&schema, &schema, &value, "")
}

#[test]
fn the_schema_accepts_every_valid_lesson() {
    for directory in ["lessons", "tests/lessons/base/lessons", "tests/lessons/valid"] {
        for path in yaml_files(directory) {
            assert_eq!(faults_of(&path), [""; 0], "{}", path.display());
        }
    }
}

/// Files beside the chapters, and in what the schema refuses them.
#[test]
fn parts_and_translations_have_formats_of_their_own() {
    let schema = schema();
    let found = |text: &str| faults(&schema, &schema, &serde_yaml::from_str(text).unwrap(), "");
    for text in [
        "title: Ein Kurs\n",
        "title: Ein Kurs\ncosts: eine Funktion\n",
        "goals: [Sehen]\n",
        "prerequisites: {Node.js: Hole es.}\n",
        "choices: {language: {title: Sprache}}\n",
        "title: Anfang\nsteps:\n  copy: {title: Holen, say: Hier., hints: [Da.]}\nchecks:\n  there: {on_fail: Nichts.}\n",
        "checks: {there: {title: Da}}\n",
        "- {id: copy, title: Copy, minutes: 1, say: Copy it., edit: all}\n- {id: a, title: A, minutes: 0, say: x, sql: {statements: [{run: select 1}]}}\n",
        "- {id: there, title: It is there, file: {path: a, exists: true}}\n- {id: one, title: One, sql: {query: select 1}}\n",
    ] {
        assert_eq!(found(text), [""; 0], "{text}");
    }
    for (text, fault) in [
        ("titel: Ein Kurs\n", ": required"),
        ("title: Ein Kurs\nslot: 3\n", ": anyOf"),
        ("steps: {copy: {titel: Holen}}\n", "/steps/copy/titel: additionalProperties"),
        ("title: Anfang\nminutes: 3\n", ": required"),
        ("- {id: copy, title: Copy, say: Copy it., edit: all}\n", "/0: required"),
        ("- {id: there, titel: There, file: {path: a, exists: true}}\n", "/0/titel: additionalProperties"),
        ("- {id: both, title: A, file: {path: a}, http: {url: \"http://x\"}}\n", "/0: oneOf"),
    ] {
        assert!(found(text).iter().any(|found| found == fault), "{text}: {:?}", found(text));
    }
}

#[test]
fn the_schema_refuses_what_is_malformed() {
    let refused = [
        ("a-list", "required"),
        ("no-title", "required"),
        ("two-actions", "oneOf"),
        ("load", "maximum"),
        ("course-wrong", "additionalProperties"),
        ("checks-that-cannot-pass", "oneOf"),
    ];
    for (case, word) in refused {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/lessons/invalid/{case}.yaml"));
        let faults = faults_of(&path);
        assert!(faults.iter().any(|fault| fault.ends_with(word)), "{case}: {faults:?}");
    }
}

#[test]
fn the_schema_holds_nothing_of_our_own() {
    let text = schema().to_string();
    assert!(!text.contains("\"x-"), "editors do not know our words");
    assert!(text.contains("One hunk between the previous chapter's snapshot and this one's"), "docs are hover texts");
}

use proptest::prelude::*;

use saphyr_parser::ScalarStyle;

use crate::read::{read, scalar};
use crate::types::YamlValue;

fn same(a: &serde_yaml::Value, b: &serde_yaml::Value) -> bool {
    // NaN is not equal to itself.
    format!("{a:?}") == format!("{b:?}")
}

#[test]
fn scalars_mean_what_they_mean_to_serde_yaml() {
    let words = "yes no on off true True TRUE tRUE false False null Null NULL ~ nul 012 0x1F 0o17 0b1 +1 -0 - \
                 1_000 1e3 1.50 .5 5. .inf -.INF .nan NaN 2024-01-01 12:30 1.2.3 18446744073709551615 \
                 '1' \"true\" $x a#b";
    for word in words.split(' ').filter(|word| *word != "-") {
        let text = format!("key: {word}\n");
        let (_, root, problems) = read("f".into(), &text);
        assert!(problems.is_empty());
        let theirs: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        assert!(same(&root.unwrap().to_value(), &theirs), "{word}: {theirs:?}");
    }
}

#[test]
fn places_are_lines_and_columns_in_characters() {
    let text = "# ü\nkéy: 'ünïcode'\nlist:\n  - one\n  - two: |\n      first\n      a ${x} b ${x}\n";
    let (document, root, _) = read("f".into(), text);
    let root = root.unwrap();
    let spot = document.spot(root.get("kéy").unwrap().at);
    assert_eq!((spot.line, spot.column, spot.length, spot.excerpt.as_str()), (2, 6, 9, "kéy: 'ünïcode'"));
    let YamlValue::List(items) = &root.get("list").unwrap().value else { panic!("a list") };
    let spot = document.spot(items[0].at);
    assert_eq!((spot.line, spot.column, spot.length), (4, 5, 3));
    let block = items[1].get("two").unwrap().at;
    assert_eq!(document.spot(block).line, 6, "a block begins with its first line of text");
    let second = document.spot(document.find(block, "${x}", 1));
    assert_eq!((second.line, second.column, second.length), (7, 16, 4));
    let nowhere = document.find(block, "${y}", 0);
    assert_eq!(nowhere, block);
}

#[test]
fn what_is_nested_too_deep_is_refused_and_not_followed() {
    let flow = "[".repeat(5000);
    let block: String = (0..200).map(|i| format!("{}k:\n", " ".repeat(i))).collect();
    for text in [flow, block] {
        let (_, root, problems) = read("f".into(), &text);
        assert!(root.is_none());
        assert_eq!(problems.len(), 1);
    }
}

proptest! {
    /// Whatever can be read at all is read as serde_yaml reads it, and nothing makes either panic.
    #[test]
    fn both_readings_agree(text in "(([a-c]: |- |  - |    )?([a-c0-9.:#'\"|>~{}\\[\\], -]{0,6}|true|null)\n){0,8}") {
        let (_, root, problems) = read("f".into(), &text);
        let theirs = serde_yaml::from_str::<serde_yaml::Value>(&text);
        if let (Some(root), true, Ok(theirs)) = (root, problems.is_empty(), theirs) {
            prop_assert!(same(&with_text_keys(&root.to_value()), &with_text_keys(&theirs)), "{theirs:?}");
        }
    }
}

/// A key is always a word here; to serde_yaml it may be a number.
fn with_text_keys(value: &serde_yaml::Value) -> serde_yaml::Value {
    match value {
        serde_yaml::Value::Sequence(items) => serde_yaml::Value::Sequence(items.iter().map(with_text_keys).collect()),
        serde_yaml::Value::Mapping(map) => {
            let entries = map.iter().map(|(key, value)| {
                let key = match key {
                    serde_yaml::Value::Number(_) | serde_yaml::Value::Null | serde_yaml::Value::Bool(_) => {
                        "scalar".into()
                    }
                    serde_yaml::Value::String(name) if scalar(name, ScalarStyle::Plain).is_plain() => "scalar".into(),
                    other => other.clone(),
                };
                (key, with_text_keys(value))
            });
            serde_yaml::Value::Mapping(entries.collect())
        }
        other => other.clone(),
    }
}

impl YamlValue {
    fn is_plain(&self) -> bool {
        matches!(self, YamlValue::Plain(_))
    }
}

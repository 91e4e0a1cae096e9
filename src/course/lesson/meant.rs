//! What an author probably meant who wrote a value of another type: advice in the words that would be right there.

use serde_json::Value as Schema;
use serde_yaml::Value as Yaml;

use super::kinds;
use workshop_yaml::{Node, YamlValue};

/// A schema with its `$defs`, for looking up what it refers to.
#[derive(Clone, Copy)]
pub struct Meaning<'a> {
    pub root: &'a Schema,
}

/// Names that other tools' files have for what ours call otherwise.
const ELSEWHERE_SO: [(&str, &str); 8] = [
    ("cmd", "run"),
    ("command", "run"),
    ("script", "run"),
    ("name", "title"),
    ("description", "say"),
    ("text", "say"),
    ("body", "say"),
    ("duration", "minutes"),
];

impl<'a> Meaning<'a> {
    /// Advises on a value of the wrong type under a key, or an item of a list.
    pub fn hint(self, node: &Node, schema: &'a Schema, key: &str) -> Option<String> {
        let wanted = self.types(schema);
        let scalar = match &node.value {
            YamlValue::Text(text) => text.clone(),
            YamlValue::Plain(Yaml::Number(number)) => number.to_string(),
            YamlValue::Map(_) if wanted.contains(&"array") => {
                return Some("each item of a list begins with `- `: put that before its first key".to_owned());
            }
            YamlValue::List(_) if wanted.contains(&"string") && !wanted.contains(&"array") => {
                return Some(match kind_of(self.resolve(schema)) {
                    Some("sql") => format!("one text: `{key}: |`, and below it each statement with its semicolon"),
                    _ => format!("one text and no list: `{key}: |`, and its lines below it"),
                });
            }
            YamlValue::List(items) if wanted.contains(&"object") && first_text(items).is_some() => {
                first_text(items).unwrap_or_default().to_owned()
            }
            YamlValue::List(_) if wanted.contains(&"object") => {
                return Some("it has keys and no items: take the `- ` away".to_owned());
            }
            _ => return None,
        };
        if self.is_minutes(schema) {
            return minutes(&scalar).map(|minutes| format!("minutes are one number: `{minutes}`"));
        }
        let is_number = |kind: &&str| match *kind {
            "number" => scalar.parse::<f64>().is_ok(),
            "integer" => scalar.parse::<i64>().is_ok(),
            _ => false,
        };
        if wanted.iter().any(is_number) {
            return Some("take the quotes away".to_owned());
        }
        if wanted.contains(&"boolean") {
            return truth(&scalar).map(|truth| format!("write `{truth}`, without quotes"));
        }
        let sample = self.sample(schema, &scalar).filter(|sample| sample.starts_with(['[', '{']))?;
        Some(match key.contains(' ') {
            true => format!("as in `{sample}`"),
            false => format!("as in `{key}: {sample}`"),
        })
    }

    /// Returns the key that was probably meant: one that is a key elsewhere is more likely in the wrong place than misspelt by
    /// several letters.
    pub fn meant_key<'k>(self, key: &str, known: &[&'k str]) -> Option<&'k str> {
        let elsewhere_so = ELSEWHERE_SO.iter().find(|(other, _)| *other == key).map(|(_, ours)| *ours);
        if let Some(ours) = known.iter().find(|known| elsewhere_so == Some(**known)) {
            return Some(*ours);
        }
        let elsewhere = self.owners(key).is_some();
        let close = |known: &str| {
            known.starts_with(key) || key.starts_with(known) || strsim::damerau_levenshtein(key, known) < 2
        };
        kinds::nearest(key, known).filter(|known| !elsewhere || close(known))
    }

    /// Returns what to do about a key that is not known here.
    pub fn hint_on_key(self, key: &str) -> Option<String> {
        let owners = self.owners(key);
        let merges = (key == "<<").then(|| "keys are not merged here: write them out".to_owned());
        merges.or(owners.map(|owners| format!("`{key}` is a key of {owners}: look at its indentation")))
    }

    /// Names the mappings that have a key, for who has written it in another: "a step or a check".
    fn owners(self, key: &str) -> Option<String> {
        let inner = self.root.get("$defs").and_then(Schema::as_object).into_iter().flatten().map(|(_, schema)| schema);
        let all = std::iter::once(self.root).chain(inner);
        let has = |schema: &&Schema| schema.get("properties").is_some_and(|properties| properties.get(key).is_some());
        let titles = all.filter(has).filter_map(|schema| schema.get("title")?.as_str());
        let mut titles: Vec<&str> =
            titles.filter(|title| title.starts_with("a ") || title.starts_with("an ")).collect();
        titles.sort_unstable();
        titles.dedup();
        match titles.split_last() {
            Some((last, [])) => Some((*last).to_owned()),
            Some((last, rest)) if rest.len() < 3 => Some(format!("{} or {last}", rest.join(", "))),
            Some((_, rest)) => Some(format!("{}, {} and others", rest[0], rest[1])),
            None => None,
        }
    }

    fn resolve(self, schema: &'a Schema) -> &'a Schema {
        match schema.get("$ref").and_then(Schema::as_str) {
            Some(path) => self.root.pointer(path.trim_start_matches('#')).unwrap_or(schema),
            None => schema,
        }
    }

    /// The types that a schema takes, those of a union all.
    fn types(self, schema: &'a Schema) -> Vec<&'a str> {
        let schema = self.resolve(schema);
        match schema.get("anyOf").and_then(Schema::as_array) {
            Some(options) => options.iter().flat_map(|option| self.types(option)).collect(),
            None => schema.get("type").and_then(Schema::as_str).into_iter().collect(),
        }
    }

    fn is_minutes(self, schema: &'a Schema) -> bool {
        kind_of(self.resolve(schema)) == Some("minutes")
    }

    /// The value that a schema takes, in one line of YAML, with an author's scalar where it most likely belongs.
    fn sample(self, schema: &'a Schema, scalar: &str) -> Option<String> {
        let schema = self.resolve(schema);
        if let Some(options) = schema.get("anyOf").and_then(Schema::as_array) {
            let text =
                |option: &&'a Schema| self.resolve(option).get("type").and_then(Schema::as_str) == Some("string");
            let plain = options.iter().filter(text).find_map(|option| self.sample(option, scalar));
            return plain.or_else(|| options.iter().rev().find_map(|option| self.sample(option, scalar)));
        }
        if let Some(words) = words(schema) {
            return words.contains(&scalar).then(|| scalar.to_owned());
        }
        match schema.get("type").and_then(Schema::as_str)? {
            "array" => {
                let items = schema.get("items")?;
                let each = scalar.split(',').map(|item| self.sample(items, item.trim()));
                Some(format!("[{}]", each.collect::<Option<Vec<String>>>()?.join(", ")))
            }
            "string" => Some(in_flow(scalar)),
            "number" | "integer" => scalar.parse::<f64>().is_ok().then(|| scalar.to_owned()),
            "object" => {
                let required = schema.get("required").and_then(Schema::as_array)?;
                let keys: Vec<&str> = required.iter().filter_map(Schema::as_str).collect();
                match keys.as_slice() {
                    [only] => {
                        let inner = schema.get("properties")?.get(only)?;
                        Some(format!("{{{only}: {}}}", self.sample(inner, scalar).unwrap_or_else(|| "…".to_owned())))
                    }
                    [] => None,
                    several => {
                        let each: Vec<String> = several.iter().map(|key| format!("{key}: …")).collect();
                        Some(format!("{{{}}}", each.join(", ")))
                    }
                }
            }
            _ => None,
        }
    }
}

/// Returns the words that a schema allows, when it allows only those.
pub fn words(schema: &Schema) -> Option<Vec<&str>> {
    if let Some(words) = schema.get("enum").and_then(Schema::as_array) {
        return Some(words.iter().filter_map(Schema::as_str).collect());
    }
    let options = schema.get("oneOf").and_then(Schema::as_array)?;
    options.iter().map(|option| option.get("const").and_then(Schema::as_str)).collect()
}

fn first_text(items: &[Node]) -> Option<&str> {
    match &items.first()?.value {
        YamlValue::Text(text) => Some(text),
        _ => None,
    }
}

/// The form that a schema names for its texts and numbers.
fn kind_of(schema: &Schema) -> Option<&str> {
    schema.get("x-kind").and_then(Schema::as_str)
}

/// A text as it stands in `[…]` and `{…}`.
fn in_flow(text: &str) -> String {
    let text = workshop_base::text::shortened(text);
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | '_' | '/' | '-' | '$' | '@' | '+');
    let safe = text.chars().all(plain) && text.starts_with(|c: char| c.is_alphanumeric() || c == '.' || c == '/');
    if safe { text.into_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

/// Reads minutes as people write them: `1:30`, `1,5`, `1/2`, `2 min`, `90s`, `02`.
fn minutes(text: &str) -> Option<f64> {
    let text = text.trim().to_lowercase();
    let parse = |text: &str| text.trim().replace(',', ".").parse::<f64>().ok().filter(|n| n.is_finite() && *n >= 0.0);
    if let Some((whole, seconds)) = text.split_once(':') {
        return Some(to_cents(parse(whole)? + parse(seconds).filter(|seconds| *seconds < 60.0)? / 60.0));
    }
    if let Some((above, below)) = text.split_once('/') {
        let below = parse(below).filter(|below| *below > 0.0)?;
        return Some(to_cents(parse(above)? / below));
    }
    let digits = text.trim_end_matches(|c: char| c.is_alphabetic() || c == '.' || c == ' ');
    let number = parse(digits)?;
    let factor = match text[digits.len()..].trim().trim_end_matches('.') {
        "" | "m" | "min" | "mins" | "minute" | "minutes" | "minuten" | "'" => 1.0,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0 / 60.0,
        "h" | "hour" | "hours" => 60.0,
        _ => return None,
    };
    Some(to_cents(number * factor))
}

fn to_cents(minutes: f64) -> f64 {
    (minutes * 100.0).round() / 100.0
}

fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_read_as_people_write_them() {
        let read = ["1:30", "1,5", "2m", "2 min", "90s", "02", "1.5", "1h", "1/2"].map(minutes);
        assert_eq!(read, [1.5, 1.5, 2.0, 2.0, 1.5, 2.0, 1.5, 60.0, 0.5].map(Some));
        assert_eq!(["soon", "1:75", "-1", "", "2 x", "1/0"].map(minutes), [None; 6]);
    }

    #[test]
    fn a_text_is_quoted_in_flow_where_it_must_be() {
        assert_eq!(in_flow("npm test"), "npm test");
        assert_eq!(in_flow("echo 'a, b'"), "'echo ''a, b'''");
        assert_eq!(in_flow("- x"), "'- x'");
    }
}

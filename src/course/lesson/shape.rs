//! Checks a located tree against the schema of the lesson files, and reports every deviation.
//!
//! Invariant: what comes out is what went in wherever that was sound, so that serde_yaml can read it
//! and `load` can go on looking for problems of another kind. Values that were wrong are replaced by
//! a harmless one and remembered as broken, and `load` says nothing more about those.

use serde_json::Value as Schema;
use serde_yaml::{Mapping, Value as Yaml};

use super::kinds;
use super::meant::{Meaning, words};
use super::sound::Sound;
use workshop_base::problem::Problem;
use workshop_yaml::{self as yaml, Document, Node, YamlValue};

/// Checks a document's root against a schema with `$defs`.
pub fn check(document: &Document, root: &Node, schema: &Schema) -> Sound {
    let mut shaper = Shaper { document, schema, sound: Sound::default() };
    shaper.sound.value = shaper.value(root, schema, "the file");
    shaper.sound
}

/// Takes a document as it stands.
pub fn unchecked(root: &Node) -> Sound {
    Sound::whole(root.to_value())
}

struct Shaper<'a> {
    document: &'a Document,
    /// Holds the `$defs`.
    schema: &'a Schema,
    sound: Sound,
}

impl<'a> Shaper<'a> {
    fn resolve(&self, schema: &'a Schema) -> &'a Schema {
        match schema.get("$ref").and_then(Schema::as_str) {
            Some(path) => self.schema.pointer(path.trim_start_matches('#')).unwrap_or(schema),
            None => schema,
        }
    }

    fn value(&mut self, node: &Node, schema: &'a Schema, name: &str) -> Yaml {
        let schema = self.resolve(schema);
        if let YamlValue::Refused = node.value {
            self.sound.repaired = true;
            self.sound.distrust(node);
            return self.harmless(schema);
        }
        if let Some(options) = schema.get("anyOf").and_then(Schema::as_array) {
            let option = options.iter().map(|option| self.resolve(option)).find(|option| accepts(option, node));
            return match option.map(|option| (option, words(option))) {
                Some((option, Some(words))) => self.word(node, (option, schema), &words, name, self.describe(schema)),
                Some((option, None)) => match self.written_otherwise(node, option, schema, name) {
                    Some(problem) => self.replace(node, schema, problem),
                    None => self.value(node, option, name),
                },
                None => self.wrong_type(node, schema, name),
            };
        }
        if let Some(words) = words(schema) {
            return self.word(node, (schema, schema), &words, name, kinds::one_of(&words));
        }
        match (schema.get("type").and_then(Schema::as_str), &node.value) {
            (Some("object"), YamlValue::Map(_)) => self.object(node, schema),
            (Some("array"), YamlValue::List(items)) => self.list(node, items, schema, name),
            (Some("string"), YamlValue::Text(text)) => self.text(node, text, schema, name),
            (Some(kind @ ("integer" | "number" | "boolean" | "null")), YamlValue::Plain(plain))
                if is_a(kind, plain) =>
            {
                self.number(node, plain, schema, name)
            }
            (None, _) => node.to_value(),
            (Some(_), _) => self.wrong_type(node, schema, name),
        }
    }

    /// Reports a whole number that is written as no person would read it, where text could be meant: `0x10`, `+5`.
    fn written_otherwise(&self, node: &Node, option: &'a Schema, union: &'a Schema, name: &str) -> Option<Problem> {
        let YamlValue::Plain(Yaml::Number(number)) = &node.value else { return None };
        let whole = option.get("type").and_then(Schema::as_str) == Some("integer");
        let source = self.document.source(node.at);
        let source = source.trim();
        if !whole || source == number.to_string() || self.kind_of_text(union).is_none() {
            return None;
        }
        let problem = Problem::course(format_args!("{} is the number {number}, written `{source}`", quoted(name)));
        Some(
            problem
                .expected(self.describe(union))
                .hint(format!("write `{number}`, or put it in quotes to make it text")),
        )
    }

    fn object(&mut self, node: &Node, schema: &'a Schema) -> Yaml {
        let YamlValue::Map(entries) = &node.value else { return Yaml::Null };
        let properties = schema.get("properties").and_then(Schema::as_object);
        let known: Vec<&str> = properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let noun = schema.get("title").and_then(Schema::as_str).unwrap_or("this");
        let mut clean = Mapping::new();
        let mut misspelt = Vec::new();
        for (key, value) in entries {
            let property = properties.and_then(|p| p.get(&key.name));
            match property.or(schema.get("additionalProperties").filter(|s| s.is_object())) {
                Some(schema) => {
                    let value = self.value(value, schema, &key.name);
                    clean.insert(Yaml::from(key.name.as_str()), value);
                }
                None => {
                    let mut problem = Problem::course(format_args!("{noun} has no key `{}`", key.name));
                    let meaning = Meaning { root: self.schema };
                    let meant = meaning.meant_key(&key.name, &known);
                    problem.hint = match meant {
                        Some(meant) => Some(format!("did you mean `{meant}`?")),
                        None => meaning.hint_on_key(&key.name),
                    };
                    if let Some(meant) = meant.filter(|meant| node.get(meant).is_none()) {
                        misspelt.push(meant);
                        self.sound.misses(node, meant);
                    }
                    let problem = problem.expected(kinds::one_of(&known));
                    self.sound.problems.push(problem.at(self.document.spot(key.at)));
                    self.sound.repaired = true;
                }
            }
        }
        for key in schema.get("required").and_then(Schema::as_array).into_iter().flatten().filter_map(Schema::as_str) {
            if node.get(key).is_none() {
                let of = self.identified(node, noun);
                let property = properties.and_then(|p| p.get(key)).unwrap_or(&Schema::Null);
                let expected = format!("`{key}:` with {}", self.describe(property));
                if !misspelt.contains(&key) {
                    self.report(node, Problem::course(format_args!("{of} lacks `{key}`")).expected(expected));
                }
                self.sound.misses(node, key);
                clean.insert(Yaml::from(key), self.harmless(property));
            }
        }
        self.choices(node, schema, noun);
        Yaml::Mapping(clean)
    }

    /// Checks the keys of which one, or at most one, must be there.
    fn choices(&mut self, node: &Node, schema: &'a Schema, noun: &str) {
        let YamlValue::Map(entries) = &node.value else { return };
        let (keys, needed) = match (schema.get("x-exactly-one-of"), schema.get("x-at-most-one-of")) {
            (Some(keys), _) => (keys, true),
            (None, Some(keys)) => (keys, false),
            (None, None) => return,
        };
        let keys: Vec<&str> = keys.as_array().into_iter().flatten().filter_map(Schema::as_str).collect();
        let mut given = entries.iter().filter(|(key, _)| keys.contains(&key.name.as_str())).map(|(key, _)| key);
        match (given.next(), given.next()) {
            (Some(first), Some(second)) => {
                let of = self.identified(node, noun);
                let problem = Problem::course(format_args!("{of} has both `{}` and `{}`", first.name, second.name));
                let problem = problem.expected(format!("only one of {}", kinds::list(&keys)));
                self.sound.problems.push(problem.at(self.document.spot(second.at)));
                self.sound.distrust(node);
            }
            (None, _) if needed => {
                let of = self.identified(node, noun);
                let lacks = match noun {
                    "an action" => "does nothing",
                    "a generator" => "makes nothing",
                    "a sign of readiness" => "says nothing to wait for",
                    "an address of a database" => "names none",
                    _ => "says nothing to prove",
                };
                let problem = Problem::course(format_args!("{of} {lacks}"));
                self.report(node, problem.expected(kinds::one_of(&keys)));
                self.sound.distrust(node);
            }
            (_, _) => {}
        }
    }

    /// "step `deploy`", when it has an id.
    fn identified(&self, node: &Node, noun: &str) -> String {
        match node.get("id").map(|id| &id.value) {
            Some(YamlValue::Text(id)) => {
                let bare = noun.strip_prefix("a ").or(noun.strip_prefix("an ")).unwrap_or(noun);
                format!("{bare} `{id}`")
            }
            _ => noun.to_owned(),
        }
    }

    fn list(&mut self, node: &Node, items: &[Node], schema: &'a Schema, name: &str) -> Yaml {
        let least = schema.get("minItems").and_then(Schema::as_u64).unwrap_or(0);
        if (items.len() as u64) < least {
            let (message, expected) = match items {
                [] => (format!("`{name}` is empty"), "at least one item".to_owned()),
                _ => (format!("`{name}` has too few items"), format!("at least {least} of them")),
            };
            self.report(node, Problem::course(message).expected(expected));
            self.sound.distrust(node);
        }
        let of_items = schema.get("items").unwrap_or(&Schema::Null);
        let one = if name.contains(' ') { name.to_owned() } else { format!("an item of `{name}`") };
        Yaml::Sequence(items.iter().map(|item| self.value(item, of_items, &one)).collect())
    }

    fn text(&mut self, node: &Node, text: &str, schema: &'a Schema, name: &str) -> Yaml {
        let kind = schema.get("x-kind").and_then(Schema::as_str).unwrap_or_default();
        if let Some(at) = node.cut_by.filter(|_| kinds::is_free_text(kind)) {
            let problem = Problem::course(format_args!("{} ends before the `#`, which begins a comment", quoted(name)))
                .hint("text that holds ` #` goes in quotes; a comment stands on a line of its own, or two blanks away");
            self.sound.problems.push(problem.at(self.document.spot(at)));
            self.sound.distrust(node);
            return Yaml::from(text);
        }
        let problems = kinds::check(kind, text, name, &self.describe(schema));
        if problems.is_empty() {
            return Yaml::from(text);
        }
        for (problem, piece) in problems {
            let at = piece.map_or(node.at, |(piece, nth)| self.document.find(node.at, &piece, nth));
            self.sound.problems.push(problem.at(self.document.spot(at)));
        }
        self.sound.distrust(node);
        Yaml::from(text)
    }

    /// Takes one of some words. `union` is what else the place takes.
    fn word(
        &mut self,
        node: &Node,
        (schema, union): (&'a Schema, &'a Schema),
        words: &[&str],
        name: &str,
        expected: String,
    ) -> Yaml {
        match &node.value {
            YamlValue::Text(text) if words.contains(&text.as_str()) => Yaml::from(text.as_str()),
            YamlValue::Text(text) => {
                let mut problem = Problem::course(format_args!("{} cannot be `{text}`", quoted(name)));
                let meaning = Meaning { root: self.schema };
                problem.hint = kinds::did_you_mean(text, words).or_else(|| meaning.hint(node, union, name));
                self.replace(node, schema, problem.expected(expected))
            }
            _ => self.wrong_type(node, schema, name),
        }
    }

    fn number(&mut self, node: &Node, plain: &Yaml, schema: &'a Schema, name: &str) -> Yaml {
        let bound = |key| schema.get(key).and_then(Schema::as_f64);
        let widest = (schema.get("format").and_then(Schema::as_str) == Some("uint32")).then_some(f64::from(u32::MAX));
        let (least, most) = (bound("minimum"), bound("maximum").or(widest));
        let minutes = schema.get("x-kind").and_then(Schema::as_str) == Some("minutes");
        let (least, most) = if minutes { (Some(0.0), Some(kinds::MOST_MINUTES)) } else { (least, most) };
        let number = plain.as_f64().unwrap_or_default();
        let too_small = least.is_some_and(|least| number < least);
        if too_small || most.is_some_and(|most| number > most) || !number.is_finite() {
            let expected = match (least, most) {
                (Some(least), Some(most)) => format!("a number from {least} to {most}"),
                (Some(least), None) => format!("a number of at least {least}"),
                (None, Some(most)) => format!("a number of at most {most}"),
                (None, None) => "a finite number".to_owned(),
            };
            let problem = Problem::course(format_args!("{} is out of range", quoted(name))).expected(expected);
            return self.replace(node, schema, problem);
        }
        plain.clone()
    }

    fn wrong_type(&mut self, node: &Node, schema: &'a Schema, name: &str) -> Yaml {
        let expected = self.describe(schema);
        let key = name;
        let name = quoted(name);
        let mut problem = match &node.value {
            YamlValue::Plain(Yaml::Null) => Problem::course(format_args!("{name} has no value")),
            YamlValue::Plain(Yaml::Bool(_)) => Problem::course(format_args!("{name} is a truth value")),
            YamlValue::Plain(_) => Problem::course(format_args!("{name} is a number")),
            YamlValue::Text(_) => Problem::course(format_args!("{name} is text")),
            YamlValue::List(_) => Problem::course(format_args!("{name} is a list")),
            YamlValue::Map(_) => Problem::course(format_args!("{name} is a mapping")),
            YamlValue::Refused => Problem::course(format_args!("{name} cannot be read")),
        };
        let meaning = Meaning { root: self.schema };
        problem.hint = self.hint_on_type(node, schema, key).or_else(|| meaning.hint(node, schema, key));
        self.replace(node, schema, problem.expected(expected))
    }

    /// Returns what an author probably meant who wrote a value of another type.
    fn hint_on_type(&self, node: &Node, schema: &'a Schema, key: &str) -> Option<String> {
        let kind = self.kind_of_text(schema)?;
        let source = self.document.source(node.at);
        match &node.value {
            YamlValue::Plain(Yaml::Bool(truth)) if self.takes_null(schema) => {
                Some(format!("a truth value is printed as `t` or `f`: write `{}`", if *truth { "t" } else { "f" }))
            }
            YamlValue::Plain(Yaml::Bool(_) | Yaml::Number(_)) => {
                if kinds::check(kind, &source, "it", "").is_empty() {
                    return Some("put it in quotes to make it text".to_owned());
                }
                let is_number = matches!(node.value, YamlValue::Plain(Yaml::Number(_)));
                (kind == "duration" && is_number).then(|| format!("a duration has a unit: `{source}s`"))
            }
            YamlValue::Plain(_) if node.cut_by.is_some() || self.document.spot(node.at).excerpt.contains(" #") => {
                Some("`#` begins a comment: text that begins with it goes in quotes".to_owned())
            }
            YamlValue::List(_) | YamlValue::Map(_) if source.starts_with(['[', '{']) => match kind {
                "id" => None,
                "json" => Some(format!("JSON is text here, in single quotes: `{key}: '{{\"name\": 1}}'`")),
                _ => yaml::quotes(&source),
            },
            YamlValue::Map(_) => Some(yaml::COLON.to_owned()),
            YamlValue::Plain(_) | YamlValue::Text(_) | YamlValue::List(_) | YamlValue::Refused => None,
        }
    }

    /// The kind of text that a schema takes; `None` when it takes none.
    fn kind_of_text(&self, schema: &'a Schema) -> Option<&'a str> {
        let schema = self.resolve(schema);
        if schema.get("type").and_then(Schema::as_str) == Some("string") && words(schema).is_none() {
            return Some(schema.get("x-kind").and_then(Schema::as_str).unwrap_or_default());
        }
        let any = schema.get("anyOf").and_then(Schema::as_array);
        any.into_iter().flatten().find_map(|option| self.kind_of_text(option))
    }

    /// Tells a value that the console prints: of all that lessons hold, only that can be null.
    fn takes_null(&self, schema: &'a Schema) -> bool {
        let options = self.resolve(schema).get("anyOf").and_then(Schema::as_array);
        options.into_iter().flatten().any(|option| option.get("type").and_then(Schema::as_str) == Some("null"))
    }

    fn replace(&mut self, node: &Node, schema: &'a Schema, problem: Problem) -> Yaml {
        self.report(node, problem);
        self.sound.distrust(node);
        self.harmless(schema)
    }

    fn report(&mut self, node: &Node, problem: Problem) {
        self.sound.repaired = true;
        self.sound.problems.push(problem.at(self.document.spot(node.at)));
    }

    /// A value that serde_yaml takes for this schema.
    fn harmless(&self, schema: &'a Schema) -> Yaml {
        let schema = self.resolve(schema);
        if let Some(first) = schema.get("anyOf").and_then(Schema::as_array).and_then(|options| options.first()) {
            return self.harmless(first);
        }
        if let Some(first) = words(schema).and_then(|words| words.first().copied()) {
            return Yaml::from(first);
        }
        match schema.get("type").and_then(Schema::as_str) {
            Some("string") => Yaml::from(""),
            Some("integer") => Yaml::from(schema.get("minimum").and_then(Schema::as_i64).unwrap_or(0)),
            Some("number") => Yaml::from(0.0),
            Some("boolean") => Yaml::from(false),
            Some("array") => Yaml::Sequence(Vec::new()),
            Some("object") => {
                let required = schema.get("required").and_then(Schema::as_array).into_iter().flatten();
                let properties = schema.get("properties").unwrap_or(&Schema::Null);
                let fill =
                    |key: &'a str| (Yaml::from(key), self.harmless(properties.get(key).unwrap_or(&Schema::Null)));
                Yaml::Mapping(required.filter_map(Schema::as_str).map(fill).collect())
            }
            _ => Yaml::Null,
        }
    }

    /// Returns what a schema is for, in words for a message: "a list", "one of `a` and `b`".
    fn describe(&self, schema: &'a Schema) -> String {
        let schema = self.resolve(schema);
        if let Some(options) = schema.get("anyOf").and_then(Schema::as_array) {
            let options: Vec<String> = options.iter().map(|option| self.describe(option)).collect();
            return options.join(" or ");
        }
        if let Some(words) = words(schema) {
            return kinds::one_of(&words);
        }
        if schema.get("x-kind").is_some()
            && let Some(text) = schema.get("description").and_then(Schema::as_str)
        {
            let text = text.trim_end_matches('.');
            let mut chars = text.chars();
            return match chars.next() {
                Some(first) if !text.starts_with("SQL") && !text.starts_with("JSON") => {
                    first.to_lowercase().chain(chars).collect()
                }
                _ => text.to_owned(),
            };
        }
        match schema.get("type").and_then(Schema::as_str) {
            Some("string") => "text".to_owned(),
            Some("integer") => "a whole number".to_owned(),
            Some("number") => "a number".to_owned(),
            Some("boolean") => "`true` or `false`".to_owned(),
            Some("null") => "`null`".to_owned(),
            Some("array") => "a list".to_owned(),
            Some("object") => {
                let required = schema.get("required").and_then(Schema::as_array).into_iter().flatten();
                let keys: Vec<String> = required.filter_map(|key| Some(format!("`{}:`", key.as_str()?))).collect();
                let one_of = schema.get("x-exactly-one-of").and_then(Schema::as_array).into_iter().flatten();
                let one_of: Vec<&str> = one_of.filter_map(Schema::as_str).collect();
                let with = match (keys.as_slice(), one_of.as_slice()) {
                    ([], []) => String::new(),
                    ([], words) => format!(", with {}", kinds::one_of(words)),
                    (keys, _) => format!(", with {}", keys.join(", ")),
                };
                format!("a mapping of keys to values{with}")
            }
            _ => "a value".to_owned(),
        }
    }
}

/// Returns whether a value is of the type that a branch of a union is for.
fn accepts(schema: &Schema, node: &Node) -> bool {
    match (schema.get("type").and_then(Schema::as_str), &node.value) {
        (Some("object"), YamlValue::Map(_))
        | (Some("array"), YamlValue::List(_))
        | (Some("string"), YamlValue::Text(_)) => true,
        (Some(kind), YamlValue::Plain(plain)) => is_a(kind, plain),
        // Words that are described one by one have no type of their own.
        (None, YamlValue::Text(_)) => words(schema).is_some(),
        _ => false,
    }
}

fn is_a(kind: &str, plain: &Yaml) -> bool {
    match kind {
        "null" => plain.is_null(),
        "boolean" => plain.is_bool(),
        // No whole number of a lesson is larger.
        "integer" => plain.as_i64().is_some(),
        "number" => plain.is_number(),
        _ => false,
    }
}

/// Keys are quoted in messages; "an item of steps" and "the file" are not keys.
fn quoted(name: &str) -> String {
    if name.contains(' ') { name.to_owned() } else { format!("`{name}`") }
}

//! The JSON Schema of the lesson files, for editors and for `shape`.
//!
//! Invariant: both come from the types in `format`, so what an editor accepts is what `lint` accepts, as
//! far as JSON Schema can say it.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::format::{CHECKS, ChapterTextsYaml, ChapterYaml, CourseTextsYaml, CourseYaml, FactsYaml, STEP_ACTIONS};

/// The schema of `course.yaml`, with the `x-` words that `shape` obeys.
pub static COURSE: LazyLock<Value> = LazyLock::new(of::<CourseYaml>);

/// The same of a chapter file. It takes longer to make than `course.yaml` takes to read.
pub static CHAPTER: LazyLock<Value> = LazyLock::new(of::<ChapterYaml>);

/// The same of `facts.yaml`.
pub static FACTS: LazyLock<Value> = LazyLock::new(of::<FactsYaml>);

/// The same of a translation of `course.yaml`, and of a chapter file.
pub static COURSE_TEXTS: LazyLock<Value> = LazyLock::new(of::<CourseTextsYaml>);
pub static CHAPTER_TEXTS: LazyLock<Value> = LazyLock::new(of::<ChapterTextsYaml>);

/// Names the schema for whoever keeps a copy: a name and no address, since a course is written offline, too.
const ID: &str = "urn:workshop:lesson-schema";

/// One JSON Schema for all lesson files: `course.yaml`, `facts.yaml`, the chapters, their parts and their translations.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    let formats = [
        ("Course", &COURSE),
        ("Chapter", &CHAPTER),
        ("Facts", &FACTS),
        ("CourseTexts", &COURSE_TEXTS),
        ("ChapterTexts", &CHAPTER_TEXTS),
    ];
    for (name, format) in formats {
        let mut format = Value::clone(format);
        let Some(object) = format.as_object_mut() else { continue };
        object.shift_remove("$schema");
        if let Some(Value::Object(inner)) = object.shift_remove("$defs") {
            definitions.extend(inner.into_iter().map(|(name, inner)| (public_name(&name).to_owned(), inner)));
        }
        definitions.insert(name.to_owned(), format);
    }
    let part = json!({
        "title": "part of the lesson in a file of its own",
        "description": "The items of that file, in this place.",
        "type": "object",
        "additionalProperties": false,
        "required": ["include"],
        "properties": {
            "include": {
                "description": "A file in a folder beside the chapters, `parts/install.yaml`: a list of items.",
                "type": "string",
                "pattern": "^[^/].*/.*\\.yaml$",
            },
        },
    });
    definitions.insert("Include".into(), part);
    definitions.insert("ChapterPart".into(), part_of_a_chapter());
    let lists = definitions.get_mut("Chapter").and_then(|chapter| chapter.get_mut("properties"));
    if let Some(lists) = lists {
        for name in ["steps", "checks"] {
            if let Some(items) = lists.get_mut(name).and_then(|list| list.get_mut("items")) {
                // Told apart by the key: of alternatives, an editor would only say that none fits.
                *items = json!({
                    "if": { "type": "object", "required": ["include"] },
                    "then": { "$ref": "#/$defs/Include" },
                    "else": items.clone(),
                });
            }
        }
    }
    // By name, so that a new one moves no other; what each holds stands as its type declares it.
    definitions.sort_keys();
    let mut definitions = Value::Object(definitions);
    publish(&mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "A lesson file of workshop: course.yaml, facts.yaml, a chapter, a part of one, or a translation",
        "if": { "type": "array" },
        "then": { "$ref": "#/$defs/ChapterPart" },
        "else": {
            "if": { "required": ["chapters"] },
            "then": { "$ref": "#/$defs/Course" },
            "else": {
                "if": { "required": ["facts"] },
                "then": { "$ref": "#/$defs/Facts" },
                "else": translation_or_chapter(),
            },
        },
        "$defs": definitions,
    })
}

/// Tells a chapter from a translation: that has its steps and checks by their ids. Where it has none, it is one of the course or
/// of a chapter, and has nothing that a chapter's file must have.
fn translation_or_chapter() -> Value {
    let by_id = |list: &str| json!({ "required": [list], "properties": { list: { "type": "object" } } });
    let of_a_chapter = ["snapshot", "minutes", "steps", "checks", "on_stage"].map(|key| json!({ "required": [key] }));
    let of_a_translation =
        ["title", "costs", "goals", "choices", "prerequisites"].map(|key| json!({ "required": [key] }));
    json!({
        "if": { "anyOf": [by_id("steps"), by_id("checks")] },
        "then": { "$ref": "#/$defs/ChapterTexts" },
        "else": {
            "if": {
                "anyOf": of_a_translation,
                "not": { "anyOf": of_a_chapter },
            },
            "then": { "anyOf": [{ "$ref": "#/$defs/CourseTexts" }, { "$ref": "#/$defs/ChapterTexts" }] },
            "else": { "$ref": "#/$defs/Chapter" },
        },
    })
}

/// Describes a file that is included: a list of steps, or of checks, which are told from steps by what they look at.
fn part_of_a_chapter() -> Value {
    let looks_at = CHECKS.iter().filter(|key| !STEP_ACTIONS.contains(key)).map(|key| json!({ "required": [key] }));
    let asks = json!({ "required": ["sql"], "properties": { "sql": { "required": ["query"] } } });
    json!({
        "title": "a part of a chapter",
        "description": "Steps, or checks, which a chapter includes.",
        "type": "array",
        "items": {
            "if": { "anyOf": looks_at.chain([asks]).collect::<Vec<_>>() },
            "then": { "$ref": "#/$defs/Check" },
            "else": { "$ref": "#/$defs/Step" },
        },
    })
}

fn of<T: schemars::JsonSchema>() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    forbid_null(&mut schema);
    schema
}

/// A key that may be left out may not be left empty: serde would take `null` for "not given", and an
/// author who wrote the key meant something.
fn forbid_null(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    for (_, property) in object.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        let Value::Object(property) = property else { continue };
        property.shift_remove("default");
        if let Some(Value::Array(types)) = property.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                property["type"] = only.clone();
            }
        }
        if let Some(Value::Array(options)) = property.get_mut("anyOf") {
            options.retain(|option| *option != json!({ "type": "null" }));
            if let [Value::Object(only)] = options.as_slice() {
                let only = only.clone();
                property.shift_remove("anyOf");
                property.extend(only);
            }
        }
    }
    for (_, value) in object.iter_mut() {
        match value {
            Value::Object(_) => forbid_null(value),
            Value::Array(items) => items.iter_mut().for_each(forbid_null),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// Returns the name of a type without what tells it from the model's: readers of the schema know one of them only.
fn public_name(name: &str) -> &str {
    name.strip_suffix("Yaml").unwrap_or(name)
}

/// Says in JSON Schema's own words what the `x-` words say.
fn publish(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(publish),
        Value::Object(object) => {
            object.values_mut().for_each(publish);
            if let Some(Value::String(path)) = object.get_mut("$ref") {
                *path = public_name(path).to_owned();
            }
            if let Some(kind) = object.shift_remove("x-kind") {
                match kind.as_str().unwrap_or_default() {
                    "id" => object.insert("pattern".into(), json!("^[a-z][a-z0-9-]*$")),
                    "directory" => object.insert("pattern".into(), json!("^[A-Za-z0-9][A-Za-z0-9._-]*$")),
                    "database_url" => object.insert("pattern".into(), json!("^postgres(ql)?://")),
                    "variable" => object.insert("pattern".into(), json!("^[A-Za-z_][A-Za-z0-9_]*$")),
                    "date" => object.insert("format".into(), json!("date")),
                    "span" => object.insert("pattern".into(), json!("^[+-]?[0-9]")),
                    "figure" => object
                        .insert("pattern".into(), json!("^(failed|per_second|p50_ms|p99_ms|(sum|mean|max)\\(.+\\))$")),
                    "duration" => object.insert("pattern".into(), json!("^[0-9]")),
                    "sqlstate" => object.insert("pattern".into(), json!("^[0-9A-Z]{5}$")),
                    "path" => object.insert("pattern".into(), json!("^\\$")),
                    "minutes" => object.insert("minimum".into(), json!(0)),
                    "pattern" => object.insert("format".into(), json!("regex")),
                    "stack" => object.insert("pattern".into(), json!("^[A-Za-z][A-Za-z0-9-]*$")),
                    "plain" | "capture" => None,
                    "url" => object.insert("pattern".into(), json!("^(https?://|\\$\\{)")),
                    _ => object.insert("pattern".into(), json!("\\S")),
                };
            }
            if let Some(Value::Array(keys)) = object.shift_remove("x-exactly-one-of") {
                let each: Vec<Value> = keys.iter().map(|key| json!({ "required": [key] })).collect();
                object.insert("oneOf".into(), Value::Array(each));
            }
            if let Some(Value::Array(keys)) = object.shift_remove("x-at-most-one-of") {
                let each: Vec<Value> = keys.iter().map(|key| json!({ "required": [key] })).collect();
                let none = json!({ "not": { "anyOf": each } });
                object.insert("oneOf".into(), Value::Array(each.into_iter().chain([none]).collect()));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

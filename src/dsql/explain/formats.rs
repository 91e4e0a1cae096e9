//! The same plan as JSON, YAML and XML, with PostgreSQL's spacing. Storage nodes stand first among a node's
//! plans. That DSQL has these formats, and so, is inferred: no sample was found.

use super::tree::{PlanNode, PlanTree, PlanValue};
use crate::statement::ExplainFormat;

/// The whole document, as one text.
pub fn document(plan: &PlanTree, format: ExplainFormat) -> String {
    let mut fields = vec![("Plan".to_owned(), value(&plan.root))];
    fields.extend(plan.rest.iter().cloned());
    match format {
        ExplainFormat::Json => {
            let mut out = String::from("[\n  ");
            json(&PlanValue::Object(fields), 2, &mut out);
            out + "\n]"
        }
        ExplainFormat::Yaml => {
            let mut out = String::from("- ");
            yaml_fields(&fields, 2, &mut out);
            out
        }
        ExplainFormat::Xml => {
            let mut out = String::from("<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query>\n");
            fields.iter().for_each(|(k, v)| xml(k, v, 4, &mut out));
            out + "  </Query>\n</explain>"
        }
        ExplainFormat::Text => String::new(),
    }
}

fn value(node: &PlanNode) -> PlanValue {
    let mut fields = node.fields.clone();
    let children: Vec<PlanValue> = node.storage.iter().chain(&node.plans).map(value).collect();
    if !children.is_empty() {
        fields.push(("Plans".into(), PlanValue::List(children)));
    }
    PlanValue::Object(fields)
}

/// A number as its field has it.
fn number(key: &str, n: f64) -> String {
    match () {
        () if key.ends_with("Cost") => format!("{n:.2}"),
        () if key.ends_with("Time") => format!("{n:.3}"),
        () if key.ends_with("DPU") => format!("{n:.5}"),
        () => format!("{n:.0}"),
    }
}

fn scalar(key: &str, value: &PlanValue) -> Option<String> {
    Some(match value {
        PlanValue::Null => "null".into(),
        PlanValue::Bool(b) => b.to_string(),
        PlanValue::Number(n) => number(key, *n),
        PlanValue::Integer(n) => match key.ends_with("Cost") || key.ends_with("Time") {
            true => number(key, *n as f64),
            false => n.to_string(),
        },
        PlanValue::Text(_) | PlanValue::List(_) | PlanValue::Object(_) => return None,
    })
}

fn pad(indent: usize, out: &mut String) {
    out.push_str(&" ".repeat(indent));
}

fn text_json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn json(value: &PlanValue, indent: usize, out: &mut String) {
    match value {
        PlanValue::Object(fields) => {
            out.push_str("{\n");
            for (n, (key, value)) in fields.iter().enumerate() {
                pad(indent + 2, out);
                out.push_str(&format!("{}: ", text_json(key)));
                match scalar(key, value) {
                    Some(scalar) => out.push_str(&scalar),
                    None => json(value, indent + 2, out),
                }
                out.push_str(if n + 1 < fields.len() { ",\n" } else { "\n" });
            }
            pad(indent, out);
            out.push('}');
        }
        PlanValue::List(list) if list.iter().any(|item| matches!(item, PlanValue::Object(_))) => {
            out.push_str("[\n");
            for (n, item) in list.iter().enumerate() {
                pad(indent + 2, out);
                json(item, indent + 2, out);
                out.push_str(if n + 1 < list.len() { ",\n" } else { "\n" });
            }
            pad(indent, out);
            out.push(']');
        }
        PlanValue::List(list) => {
            let items = list.iter().map(|item| {
                let mut one = String::new();
                json(item, indent, &mut one);
                one
            });
            out.push_str(&format!("[{}]", items.collect::<Vec<_>>().join(", ")));
        }
        PlanValue::Text(text) => out.push_str(&text_json(text)),
        other => out.push_str(&scalar("", other).unwrap_or_default()),
    }
}

/// Fields, the first of which follows what has been written already.
fn yaml_fields(fields: &[(String, PlanValue)], indent: usize, out: &mut String) {
    for (n, (key, value)) in fields.iter().enumerate() {
        if n > 0 {
            out.push('\n');
            pad(indent, out);
        }
        out.push_str(&format!("{key}: "));
        match value {
            PlanValue::Object(fields) => {
                out.push('\n');
                pad(indent + 2, out);
                yaml_fields(fields, indent + 2, out);
            }
            PlanValue::List(list) => {
                for item in list {
                    out.push('\n');
                    pad(indent + 2, out);
                    out.push_str("- ");
                    match item {
                        PlanValue::Object(fields) => yaml_fields(fields, indent + 4, out),
                        other => out.push_str(&yaml_scalar("", other)),
                    }
                }
            }
            other => out.push_str(&yaml_scalar(key, other)),
        }
    }
}

fn yaml_scalar(key: &str, value: &PlanValue) -> String {
    match value {
        PlanValue::Text(text) => text_json(text),
        other => scalar(key, other).unwrap_or_default(),
    }
}

fn xml(key: &str, value: &PlanValue, indent: usize, out: &mut String) {
    let tag: String =
        key.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    pad(indent, out);
    let item = if key == "Plans" { "Plan" } else { "Item" };
    match value {
        PlanValue::Object(fields) => {
            out.push_str(&format!("<{tag}>\n"));
            fields.iter().for_each(|(k, v)| xml(k, v, indent + 2, out));
            pad(indent, out);
            out.push_str(&format!("</{tag}>\n"));
        }
        PlanValue::List(list) => {
            out.push_str(&format!("<{tag}>\n"));
            list.iter().for_each(|v| xml(item, v, indent + 2, out));
            pad(indent, out);
            out.push_str(&format!("</{tag}>\n"));
        }
        PlanValue::Text(text) => {
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            out.push_str(&format!("<{tag}>{text}</{tag}>\n"));
        }
        other => out.push_str(&format!("<{tag}>{}</{tag}>\n", scalar(key, other).unwrap_or_default())),
    }
}

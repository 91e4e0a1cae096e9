//! Name patterns of `\d…`: `accounts`, `public.a*`, `"Mixed".x?`. Pure.

use workshop_base::sql::quote_literal;

/// A pattern taken apart into regular expressions, as the server's `~` takes them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pattern {
    pub schema: Option<String>,
    pub name: Option<String>,
}

/// Takes a pattern apart. Outside double quotes letters are folded to lower case, `*` stands for any text and
/// `?` for any character; other signs of regular expressions keep their meaning, but `$`, which names may hold.
pub fn pattern(text: &str) -> Pattern {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let part = parts.last_mut().expect("there is always a last part");
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                part.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            '*' if !quoted => part.push_str(".*"),
            '?' if !quoted => part.push('.'),
            '$' => part.push_str("\\$"),
            '[' if !quoted && chars.peek() == Some(&']') => part.push_str("\\["),
            c if quoted && "|*+?()[]{}.^\\".contains(c) => {
                part.push('\\');
                part.push(c);
            }
            c if quoted => part.push(c),
            c => part.extend(c.to_lowercase()),
        }
    }
    let name = parts.pop();
    let schema = parts.pop();
    Pattern { schema: schema.and_then(whole), name: name.and_then(whole) }
}

/// The whole name must match; a pattern that matches all names is none.
fn whole(part: String) -> Option<String> {
    (part != ".*").then(|| format!("^({part})$"))
}

/// The conditions that a pattern puts on a query, joined by AND and ready to follow one. `visible` is the
/// condition for names without a schema.
pub fn conditions(text: Option<&str>, schema: Option<&str>, name: &str, visible: Option<&str>) -> String {
    let pattern = text.map(pattern).unwrap_or_default();
    let mut out = String::new();
    if let (Some(expression), Some(column)) = (&pattern.schema, schema) {
        out.push_str(&format!(
            " AND {column} OPERATOR(pg_catalog.~) {} COLLATE pg_catalog.default",
            quote_literal(expression)
        ));
    }
    if let Some(expression) = &pattern.name {
        out.push_str(&format!(
            " AND {name} OPERATOR(pg_catalog.~) {} COLLATE pg_catalog.default",
            quote_literal(expression)
        ));
    }
    // `*.*` asks for every schema, visible or not.
    let asks_schema = text.is_some_and(|t| dots(t) > 0);
    if let (false, Some(visible)) = (asks_schema, visible) {
        out.push_str(&format!(" AND {visible}"));
    }
    out
}

/// Counts the dots that part a pattern, those in quotes not counted.
pub fn dots(text: &str) -> usize {
    let mut quoted = false;
    text.chars()
        .filter(|&c| {
            quoted ^= c == '"';
            c == '.' && !quoted
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_regular_expressions() {
        let p = pattern("Public.acc*_?");
        assert_eq!((p.schema.as_deref(), p.name.as_deref()), (Some("^(public)$"), Some("^(acc.*_.)$")));
        assert_eq!(pattern("\"Mixed.Case*\"").name.as_deref(), Some("^(Mixed\\.Case\\*)$"));
        assert_eq!(pattern("*"), Pattern::default());
        // A part that is empty is nobody's name.
        assert_eq!(pattern("public.").name.as_deref(), Some("^()$"));
        assert_eq!(pattern(".t").schema.as_deref(), Some("^()$"));
        assert_eq!(pattern("\"\"").name.as_deref(), Some("^()$"));
        assert_eq!(pattern("a$b").name.as_deref(), Some("^(a\\$b)$"));
        assert_eq!((dots("a.b.c"), dots("\"a.b\".c")), (2, 1));
    }

    #[test]
    fn a_pattern_cannot_leave_its_quotes() {
        let got = conditions(Some("a'b"), None, "n", None);
        assert!(got.contains("'^(a''b)$'"), "{got}");
    }
}

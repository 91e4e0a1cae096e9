//! Syntax colours through tree-sitter, on a thread of their own.
//!
//! Invariant: nothing on the way to a frame compiles a query or parses a file. Text is shown plain until
//! its colours arrive, and they arrive as data: ranges and styles per line.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::mpsc;

use ratatui::style::Style;
use tree_sitter_highlight::{HighlightConfiguration, HighlightEvent, Highlighter};

use super::sql_colours;
use super::theme::{self, Pieces};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lang {
    TypeScript,
    JavaScript,
    Json,
    Yaml,
    Sql,
}

impl Lang {
    /// From a path or from the word behind a code fence.
    pub fn of(name: &str) -> Option<Lang> {
        match name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase().as_str() {
            "ts" | "tsx" | "mts" | "cts" | "typescript" => Some(Lang::TypeScript),
            "js" | "mjs" | "cjs" | "jsx" | "javascript" => Some(Lang::JavaScript),
            "json" | "jsonc" => Some(Lang::Json),
            "yaml" | "yml" => Some(Lang::Yaml),
            "sql" | "psql" | "postgresql" => Some(Lang::Sql),
            _ => None,
        }
    }
}

/// Colours of a text, line by line.
pub type Colours = Arc<Vec<Pieces>>;

/// A text to colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HighlightJob {
    pub key: u64,
    pub lang: Lang,
    pub text: String,
}

impl HighlightJob {
    /// Makes the job of colouring a text, under the key that its colours are known by.
    pub fn new(lang: Lang, text: &str) -> HighlightJob {
        HighlightJob { key: key(lang, text), lang, text: text.to_owned() }
    }
}

/// Returns the key of a text in a language: the same in every run of one build.
pub fn key(lang: Lang, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (lang, text).hash(&mut hasher);
    hasher.finish()
}

/// Starts the thread; it ends when the sender is dropped.
pub fn start(done: impl Fn(u64, Colours) + Send + 'static) -> mpsc::Sender<HighlightJob> {
    let (jobs, queue) = mpsc::channel::<HighlightJob>();
    let thread = std::thread::Builder::new().name("highlight".into());
    // Without the thread there are no colours, and that is all.
    let _ = thread.spawn(move || {
        let mut painter = Painter::default();
        while let Ok(job) = queue.recv() {
            done(job.key, Arc::new(painter.paint(job.lang, &job.text)));
        }
    });
    jobs
}

/// Compiles each language's query once.
#[derive(Default)]
pub struct Painter {
    configurations: HashMap<Lang, Option<HighlightConfiguration>>,
    highlighter: Option<Highlighter>,
}

impl Painter {
    /// Colours a text line by line; compiles the language's query when it is the first of it.
    pub fn paint(&mut self, lang: Lang, text: &str) -> Vec<Pieces> {
        // As where it is typed: what only DSQL has, and psql's commands, are in no grammar.
        if lang == Lang::Sql {
            return sql_colours::paint(text);
        }
        let configuration = self.configurations.entry(lang).or_insert_with(|| configure(lang));
        let mut lines = vec![Pieces::new()];
        let Some(configuration) = configuration else { return lines };
        let highlighter = self.highlighter.get_or_insert_with(Highlighter::new);
        let Ok(events) = highlighter.highlight(configuration, text.as_bytes(), None, None, |_| None) else {
            return lines;
        };
        let mut styles: Vec<Style> = Vec::new();
        let mut line_start = 0;
        for event in events {
            match event {
                Ok(HighlightEvent::HighlightStart(capture)) => styles.push(CAPTURES[capture.0].1),
                Ok(HighlightEvent::HighlightEnd) => {
                    styles.pop();
                }
                Ok(HighlightEvent::Source { start, end }) => {
                    let mut at = start;
                    for part in text[start..end].split_inclusive('\n') {
                        let ends = part.ends_with('\n');
                        let length = part.trim_end_matches(['\n', '\r']).len();
                        if let (Some(style), true) = (styles.last(), length > 0) {
                            let range = at - line_start..at - line_start + length;
                            lines.last_mut().expect("never empty").push((range, *style));
                        }
                        at += part.len();
                        if ends {
                            line_start = at;
                            lines.push(Pieces::new());
                        }
                    }
                }
                Err(_) => break,
            }
        }
        lines
    }
}

fn configure(lang: Lang) -> Option<HighlightConfiguration> {
    let (language, name, highlights, locals) = match lang {
        Lang::TypeScript => (
            tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            "typescript",
            // TypeScript's query holds only what it adds to JavaScript's.
            format!("{}\n{}", tree_sitter_typescript::HIGHLIGHTS_QUERY, tree_sitter_javascript::HIGHLIGHT_QUERY),
            tree_sitter_typescript::LOCALS_QUERY,
        ),
        Lang::JavaScript => (
            tree_sitter_javascript::LANGUAGE.into(),
            "javascript",
            tree_sitter_javascript::HIGHLIGHT_QUERY.to_owned(),
            tree_sitter_javascript::LOCALS_QUERY,
        ),
        Lang::Json => (tree_sitter_json::LANGUAGE.into(), "json", tree_sitter_json::HIGHLIGHTS_QUERY.to_owned(), ""),
        Lang::Yaml => (tree_sitter_yaml::LANGUAGE.into(), "yaml", tree_sitter_yaml::HIGHLIGHTS_QUERY.to_owned(), ""),
        Lang::Sql => return None,
    };
    let mut configuration = HighlightConfiguration::new(language, name, &highlights, "", locals).ok()?;
    let names: Vec<&str> = CAPTURES.iter().map(|(name, _)| *name).collect();
    configuration.configure(&names);
    Some(configuration)
}

/// tree-sitter's capture names (the longest that fits is taken) and what they look like.
const CAPTURES: [(&str, Style); 20] = [
    ("keyword", theme::CODE_KEYWORD),
    ("conditional", theme::CODE_KEYWORD),
    ("storageclass", theme::CODE_KEYWORD),
    ("attribute", theme::CODE_NAME),
    ("type.qualifier", theme::CODE_KEYWORD),
    ("string", theme::CODE_STRING),
    ("string.special.key", theme::CODE_NAME),
    ("number", theme::CODE_NUMBER),
    ("float", theme::CODE_NUMBER),
    ("boolean", theme::CODE_NUMBER),
    ("constant.builtin", theme::CODE_NUMBER),
    ("comment", theme::CODE_COMMENT),
    ("type", theme::CODE_TYPE),
    ("constructor", theme::CODE_TYPE),
    ("function", theme::CODE_NAME),
    ("function.method", theme::CODE_NAME),
    ("property", theme::TEXT),
    ("field", theme::TEXT),
    ("variable", theme::TEXT),
    ("escape", theme::CODE_NUMBER),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn style_of(lang: Lang, text: &str, word: &str) -> Option<Style> {
        let lines = Painter::default().paint(lang, text);
        let (row, line) = text.lines().enumerate().find(|(_, l)| l.contains(word))?;
        let at = line.find(word)?;
        lines[row].iter().find(|(range, _)| range.contains(&at)).map(|(_, style)| *style)
    }

    #[test]
    fn every_language_compiles_and_colours() {
        assert_eq!(style_of(Lang::TypeScript, "\nconst a: Foo = 'x';", "const"), Some(theme::CODE_KEYWORD));
        assert_eq!(style_of(Lang::TypeScript, "const a: Foo = 'x';", "'x'"), Some(theme::CODE_STRING));
        assert_eq!(style_of(Lang::JavaScript, "return 42;", "return"), Some(theme::CODE_KEYWORD));
        assert_eq!(style_of(Lang::Json, "{\"a\": 42}", "42"), Some(theme::CODE_NUMBER));
        assert_eq!(style_of(Lang::Yaml, "# hm\na: 'x'", "# hm"), Some(theme::CODE_COMMENT));
        assert_eq!(style_of(Lang::Sql, "select 'x';", "select"), Some(theme::CODE_KEYWORD));
    }

    #[test]
    fn names_and_fences_tell_the_language() {
        assert_eq!(Lang::of("cdk/lib/stack.ts"), Some(Lang::TypeScript));
        assert_eq!(Lang::of("sql"), Some(Lang::Sql));
        assert_eq!(Lang::of("Makefile"), None);
    }
}

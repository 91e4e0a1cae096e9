//! The line editor: rustyline with our completion and history.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, RwLock};

use futures::future::BoxFuture;
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::history::{History as _, MemHistory};
use rustyline::{ColorMode, CompletionType, Config, Context, EditMode, Editor, GraphemeClusterMode};

use crate::complete::{CompletionNames, complete};
use crate::console::{InputLine, LineSource};
use crate::history::History;
use workshop_base::text::{graphemes, is_unsafe, masked, sanitize};

/// The answers that rustyline wants while a line is edited.
struct Helper {
    names: Arc<RwLock<CompletionNames>>,
    /// The way that the terminal counts columns, as the editor believes.
    terminal: GraphemeClusterMode,
}

impl Completer for Helper {
    type Candidate = Pair;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let Ok(names) = self.names.read() else { return Ok((cursor, Vec::new())) };
        // The lines before this one name the tables whose columns are meant here.
        let whole = format!("{}{line}", names.pending);
        let (from, found) = complete(&whole, names.pending.len() + cursor, &names);
        // A line editor puts in what all have in common: what only resembles the word counts where nothing begins with it.
        let best = found.first().map(|candidate| candidate.fit);
        let found = found.into_iter().filter(|candidate| Some(candidate.fit) == best);
        let pairs = found.map(|c| Pair { display: sanitize(&c.text).into_owned(), replacement: c.text });
        Ok((from.saturating_sub(names.pending.len()), pairs.collect()))
    }
}

impl rustyline::hint::Hinter for Helper {
    type Hint = String;
}
/// A text that was pasted, completed or kept from before comes from outside: the terminal sees none of its commands.
impl Highlighter for Helper {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        shown(line, self.terminal)
    }

    fn highlight_char(&self, line: &str, _: usize, _: CmdKind) -> bool {
        line.chars().any(is_unsafe)
    }
}

/// A line as the terminal may see it, in the columns that the editor counts for it: none for most of what is not shown,
/// and none for an escape sequence. So nothing stands there, and what follows (at the end, what comes before) is
/// inverted to say so.
fn shown(line: &str, terminal: GraphemeClusterMode) -> Cow<'_, str> {
    if !line.chars().any(is_unsafe) {
        return line.into();
    }
    let mut parts: Vec<(String, bool)> = Vec::new();
    let mut hidden = false;
    let mut sequence = Sequence::None;
    for (_, grapheme, _) in graphemes(line) {
        let inside = sequence != Sequence::None || grapheme == "\x1b";
        sequence = sequence.after(grapheme);
        let safe: String = grapheme.chars().filter(|c| !is_unsafe(*c)).collect();
        if inside || (safe.is_empty() && terminal.width(grapheme) == 0) {
            hidden = true;
            continue;
        }
        if safe.is_empty() {
            parts.push((masked(grapheme).into_owned(), std::mem::take(&mut hidden)));
            continue;
        }
        // A terminal that knows clusters draws one by all of its characters; none of the joiners command anything.
        let whole = terminal.width(&safe) != terminal.width(grapheme);
        let text = if whole { grapheme.replace(|c| is_unsafe(c) && c != JOINER, "") } else { safe };
        let marked = hidden || (!whole && text.len() < grapheme.len());
        parts.push((text, marked));
        hidden = false;
    }
    if let (true, Some((_, marked))) = (hidden, parts.last_mut()) {
        *marked = true;
    }
    let paint = |(text, marked): (String, bool)| if marked { format!("\x1b[7m{text}\x1b[27m") } else { text };
    parts.into_iter().map(paint).collect::<String>().into()
}

const JOINER: char = '\u{200d}';

/// The part of an escape sequence that the editor believes to be in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sequence {
    None,
    Begun,
    Parameters,
}

impl Sequence {
    fn after(self, grapheme: &str) -> Sequence {
        match self {
            Sequence::None if grapheme == "\x1b" => Sequence::Begun,
            Sequence::Begun if grapheme == "[" => Sequence::Parameters,
            Sequence::Parameters if grapheme.starts_with(|c: char| c == ';' || c.is_ascii_digit()) => self,
            Sequence::None | Sequence::Begun | Sequence::Parameters => Sequence::None,
        }
    }
}

impl rustyline::validate::Validator for Helper {}
impl rustyline::Helper for Helper {}

type Lines = Editor<Helper, MemHistory>;

/// Lines typed by a person.
pub struct EditorLines {
    /// Away while a line is edited on its own thread.
    editor: Option<Lines>,
    names: Arc<RwLock<CompletionNames>>,
    history: History,
    /// Lines from `\e` and the rest of a paste, run before anything is typed.
    waiting: VecDeque<String>,
    over: bool,
    /// The statement that the line to be typed goes on with.
    pending: String,
    /// The next line begins a statement.
    begins: bool,
    /// The prompt that the statement began at.
    first_prompt: String,
    /// The rest of an edited text when all that is complete in it has run, is shown, as if it had been typed.
    edited: bool,
}

impl EditorLines {
    /// Lines with completion from `names`, and the newest `size` entries of a history to go back to; with vi's keys or emacs'.
    ///
    /// # Errors
    /// When the terminal cannot be set up.
    pub fn new(
        names: Arc<RwLock<CompletionNames>>,
        history: History,
        size: usize,
        vi: bool,
    ) -> rustyline::Result<EditorLines> {
        let config = Config::builder()
            .edit_mode(if vi { EditMode::Vi } else { EditMode::Emacs })
            .completion_type(CompletionType::List)
            .bracketed_paste(true)
            // Otherwise the highlighter, which makes lines safe, is not asked.
            .color_mode(ColorMode::Forced)
            .auto_add_history(false)
            .history_ignore_dups(true)?
            .max_history_size(size)?
            .build();
        let terminal = config.grapheme_cluster_mode();
        let mut editor = Lines::with_history(config, MemHistory::new())?;
        for entry in history.entries() {
            editor.history_mut().add(entry)?;
        }
        editor.set_helper(Some(Helper { names: names.clone(), terminal }));
        Ok(EditorLines {
            editor: Some(editor),
            names,
            history,
            waiting: VecDeque::new(),
            over: false,
            pending: String::new(),
            begins: false,
            first_prompt: String::new(),
            edited: false,
        })
    }

    /// Tells whether the input has ended (Ctrl-D).
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Text to be read next, as if it had been typed.
    pub fn put(&mut self, text: &str) {
        for line in text.lines().rev() {
            self.waiting.push_front(line.to_owned());
        }
    }

    /// A text that the person has edited, to be read next.
    pub fn put_edited(&mut self, text: &str) {
        self.put(text);
        self.edited = true;
    }

    /// Drops what was to be read before anything is typed: a cancel ends all that was pasted.
    pub fn drop_waiting(&mut self) {
        self.waiting.clear();
        self.pending.clear();
        self.edited = false;
    }

    async fn read(&mut self, prompt: &str) -> InputLine {
        if self.begins {
            prompt.clone_into(&mut self.first_prompt);
        }
        if let Some(line) = self.waiting.pop_front() {
            return InputLine::Line(line);
        }
        if std::mem::take(&mut self.edited) && !self.pending.trim().is_empty() {
            print!("{}", sanitize(&format!("{}{}", self.first_prompt, self.pending)));
        }
        if let Ok(mut names) = self.names.write() {
            names.pending.clone_from(&self.pending);
        }
        let Some(mut editor) = self.editor.take() else { return InputLine::End };
        let prompt = prompt.to_owned();
        let read = tokio::task::spawn_blocking(move || {
            let line = editor.readline(&prompt);
            (editor, line)
        });
        match read.await {
            Ok((editor, line)) => {
                self.editor = Some(editor);
                match line {
                    // What was pasted is read line by line, as if it had been typed: comments and commands end with theirs.
                    Ok(text) => match text.split_once('\n') {
                        Some((first, rest)) => {
                            self.put(rest);
                            InputLine::Line(first.to_owned())
                        }
                        None => InputLine::Line(text),
                    },
                    Err(ReadlineError::Interrupted) => InputLine::Interrupted,
                    Err(_) => InputLine::End,
                }
            }
            Err(_) => InputLine::End,
        }
    }
}

impl LineSource for EditorLines {
    fn line<'a>(&'a mut self, prompt: &'a str) -> BoxFuture<'a, InputLine> {
        Box::pin(async move {
            self.over = false;
            let fed = self.read(prompt).await;
            // The data of a COPY is nobody's command.
            let begins = std::mem::take(&mut self.begins);
            match fed {
                InputLine::Line(line) => InputLine::Line(match bare_word(&line) {
                    Some(command) if begins => command.to_owned(),
                    _ => line,
                }),
                InputLine::Interrupted => {
                    self.pending.clear();
                    InputLine::Interrupted
                }
                InputLine::NotText(bytes) => InputLine::NotText(bytes),
                InputLine::End => {
                    self.over = true;
                    InputLine::End
                }
            }
        })
    }

    fn goes_on(&mut self, statement: &str) {
        self.begins = statement.is_empty();
        // Of a paste of many lines only what is left at its end is asked for.
        if self.waiting.is_empty() {
            self.pending.clear();
            self.pending.push_str(statement);
            self.pending.extend((!statement.is_empty()).then_some('\n'));
        }
    }

    fn remember(&mut self, text: &str) {
        let before = self.history.entries().len();
        self.history.add(text);
        if let (Some(entry), Some(editor)) = (self.history.entries().get(before), &mut self.editor) {
            editor.history_mut().add(entry).ok();
        }
    }

    fn runs_rest(&self) -> bool {
        false
    }

    fn history(&self) -> Vec<String> {
        self.history.entries().to_vec()
    }
}

/// The words that psql takes without a backslash at an empty prompt.
fn bare_word(line: &str) -> Option<&'static str> {
    match line.trim().trim_end_matches(';').trim_end() {
        "quit" | "exit" => Some("\\q"),
        "help" => Some("\\?"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complete::model::KnownRelation;

    #[test]
    fn names_and_lines_from_outside_do_not_command_the_terminal() {
        let name = "e\u{1b}[31mvil\u{202e}";
        let relation = KnownRelation {
            schema: "public".to_owned(),
            name: name.to_owned(),
            kind: 'r',
            visible: true,
            columns: Vec::new(),
        };
        let names = CompletionNames { relations: vec![relation], ..CompletionNames::default() };
        let helper = Helper { names: Arc::new(RwLock::new(names)), terminal: GraphemeClusterMode::WcWidth };
        let line = "select * from ";
        let history = MemHistory::new();
        let (_, pairs) = helper.complete(line, line.len(), &Context::new(&history)).unwrap();
        assert_eq!(pairs[0].replacement, format!("\"{name}\""));
        assert_eq!(pairs[0].display, "\"e<1B>[31mvil<U+202E>\"");
        let line = format!("{line}{}", pairs[0].replacement);
        assert_eq!(helper.highlight(&line, 0), "select * from \"e\u{1b}[7mv\u{1b}[27mil\u{1b}[7m\"\u{1b}[27m");
        assert!(helper.highlight_char(&line, 0, CmdKind::Other));
        assert!(!helper.highlight_char("select 1", 0, CmdKind::Other));
    }

    #[test]
    fn an_edited_line_takes_the_columns_that_the_editor_counts() {
        let strip = |text: &str| text.replace("\x1b[7m", "").replace("\x1b[27m", "");
        let lines = [
            "select 1",
            "a\u{200b}b",
            "a\u{202e}",
            "\u{feff}a",
            "a\u{1}b\u{7f}",
            "日本\u{200d}x",
            "👩\u{200d}🚀 x",
            "e\u{301}\u{200b}x",
        ];
        for terminal in [GraphemeClusterMode::WcWidth, GraphemeClusterMode::Unicode, GraphemeClusterMode::NoZwj] {
            for line in lines {
                let drawn = strip(&shown(line, terminal));
                let columns = |text: &str| graphemes(text).map(|(_, g, _)| terminal.width(g)).sum::<u16>();
                assert_eq!(columns(&drawn), columns(line), "{line:?} {terminal:?}");
                assert!(!drawn.chars().any(|c| is_unsafe(c) && c != JOINER), "{drawn:?}");
            }
        }
        assert_eq!(strip(&shown("a\x1b[1;31mb\x1bcd", GraphemeClusterMode::WcWidth)), "abd");
    }

    #[test]
    fn words_of_a_newcomer_are_understood() {
        assert_eq!(bare_word("quit;"), Some("\\q"));
        assert_eq!(bare_word(" help "), Some("\\?"));
        assert_eq!(bare_word("select 1;"), None);
    }
}

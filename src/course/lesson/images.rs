//! Images in texts: `![what it shows](images/flow.png)`, a file beside the lessons.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path};
use std::sync::LazyLock;

use regex::Regex;

use super::kinds;
use super::lens::Lens;
use workshop_base::problem::Problem;
use workshop_base::text::shortened;

/// An image that a text shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextImage {
    /// What it shows, for who does not see it.
    pub alt: String,
    /// Below the directory of the lessons.
    pub path: String,
    /// As it is written.
    pub written: String,
}

/// No image that anyone looks at on a stage is larger than this, in bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;
/// The first bytes of every PNG file.
const PNG: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

static IMAGE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"!\[([^\]\n]*)\]\(([^)\s]*)(?:\s+"[^"\n]*")?\)"#).expect("tested"));

/// Returns the images of a Markdown text, in order; what stands in code is none.
pub fn in_text(text: &str) -> Vec<TextImage> {
    // Most texts have none, and the pattern takes longer to make than to read a whole course.
    if !text.contains("![") {
        return Vec::new();
    }
    let all = prose_lines(text).flat_map(|line| IMAGE.captures_iter(line));
    let image = |found: regex::Captures<'_>| TextImage {
        alt: found[1].trim().to_owned(),
        path: found[2].to_owned(),
        written: found[0].to_owned(),
    };
    all.map(image).collect()
}

/// Returns a Markdown text for who sees no images: with what they show, and where they lie.
pub fn as_words(text: &str) -> String {
    let shown = |found: &regex::Captures<'_>| format!("[picture: {}; {}]", found[1].trim(), &found[2]);
    let mut fences = Fences::default();
    let line = |line: &str| {
        if fences.holds(line) || holds_code(line) {
            line.to_owned()
        } else {
            IMAGE.replace_all(line, shown).into_owned()
        }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// The lines of a text that are no code.
fn prose_lines(text: &str) -> impl Iterator<Item = &str> {
    let mut fences = Fences::default();
    text.lines().filter(move |line| !fences.holds(line) && !holds_code(line))
}

/// Tells whether a line outside of fences is code, or shows how an image is written.
fn holds_code(line: &str) -> bool {
    line.starts_with("    ") || line.contains("`![")
}

/// Finds the blocks of code between fences, line by line: one ends with as many of the sign that it begins with, or more, and
/// nothing behind them (CommonMark 0.31, 4.5).
#[derive(Default)]
struct Fences {
    open: Option<(char, usize)>,
}

impl Fences {
    /// Tells whether a line is within a block of code or one of its fences.
    fn holds(&mut self, line: &str) -> bool {
        let text = line.trim_start();
        let sign = text.chars().next().filter(|sign| matches!(sign, '`' | '~'));
        let length = text.chars().take_while(|c| Some(*c) == sign).count();
        match (self.open, sign) {
            (Some((opener, at_least)), Some(sign)) if sign == opener && length >= at_least => {
                if text[length..].trim().is_empty() {
                    self.open = None;
                }
                true
            }
            (Some(_), _) => true,
            (None, Some(sign)) if length >= 3 && (sign == '~' || !text[length..].contains('`')) => {
                self.open = Some((sign, length));
                true
            }
            (None, _) => false,
        }
    }
}

/// Reports each image of a text that nobody would see: that is not there, is none, or says nothing to who does not see it.
pub(super) fn check(text: &str, lens: Lens<'_>, lessons: &Path, problems: &mut Vec<Problem>) {
    if lens.is_broken() || !text.contains("![") {
        return;
    }
    for TextImage { alt, path, written } in in_text(text) {
        let spot = lens.spot_of(&written, 0);
        if let Some(problem) = wrong(lessons, &path) {
            problems.push(problem.at(spot.clone()));
        }
        if alt.is_empty() {
            let problem = Problem::course("the picture has no text for who does not see it")
                .expected("what it shows, between the brackets")
                .hint(format!("as in `![The queue fills up]({path})`"));
            problems.push(problem.at(spot));
        }
    }
}

fn wrong(lessons: &Path, path: &str) -> Option<Problem> {
    const EXPECTED: &str = "a PNG file below the directory of the lessons, `images/flow.png`";
    let say = |message: String| Some(Problem::course(message).expected(EXPECTED));
    if path.contains("://") || path.starts_with("data:") {
        return say(format!("`{}` is not with the course", shortened(path)));
    }
    if path.is_empty() || !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
        return say(format!("`{}` is not below the directory of the lessons", shortened(path)));
    }
    let file = lessons.join(path);
    if !file.is_file() {
        let mut problem = Problem::course(format_args!("there is no {}", file.display())).expected(EXPECTED);
        let names = beside(&file, lessons);
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        problem.hint = kinds::did_you_mean(path, &names);
        return Some(problem);
    }
    if file.metadata().is_ok_and(|meta| meta.len() > MAX_FILE) {
        return say(format!("`{path}` is larger than 4 MiB"));
    }
    let mut first = [0; 8];
    let read = File::open(&file).and_then(|mut file| file.read_exact(&mut first));
    if read.is_err() || first != PNG {
        return say(format!("`{path}` is not a PNG file"));
    }
    None
}

/// The images that lie where one was looked for, by their paths below the lessons.
fn beside(file: &Path, lessons: &Path) -> Vec<String> {
    let dir = file.parent().filter(|dir| dir.is_dir()).unwrap_or(lessons);
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let images = entries.filter(|path| path.extension().is_some_and(|end| end == "png"));
    images.filter_map(|path| Some(path.strip_prefix(lessons).ok()?.to_str()?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_in_prose_and_not_in_code() {
        let text = "See ![The flow](images/flow.png \"title\") and ![b](b.png).\n\n```md\n![no](no.png)\n```\n\n    ![no](no.png)\n";
        let found: Vec<(String, String)> = in_text(text).into_iter().map(|image| (image.alt, image.path)).collect();
        let pair = |alt: &str, path: &str| (alt.to_owned(), path.to_owned());
        assert_eq!(found, [pair("The flow", "images/flow.png"), pair("b", "b.png")]);
        assert!(as_words(text).starts_with("See [picture: The flow; images/flow.png] and [picture: b; b.png].\n"));
        assert!(as_words(text).contains("```md\n![no](no.png)\n```"));
        for code in ["    ![no](no.png)", "Write `![no](no.png)`."] {
            assert_eq!(as_words(code), code);
        }
    }

    #[test]
    fn a_block_of_code_ends_with_the_fence_that_it_began_with() {
        let paths = |text: &str| in_text(text).into_iter().map(|image| image.path).collect::<Vec<_>>();
        for block in
            ["~~~\n```\n![no](no.png)\n~~~", "````\n```\n![no](no.png)\n```\n````", "```\n![no](no.png)\n```js\n```"]
        {
            assert_eq!(paths(&format!("{block}\n![yes](yes.png)\n")), ["yes.png"], "{block}");
        }
        // Three signs in a row that are no fence.
        assert_eq!(paths("```code``` and\n![yes](yes.png)"), ["yes.png"]);
    }
}

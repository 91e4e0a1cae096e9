//! The inner forms of text in lesson files: durations, patterns, templates, version ranges. Pure.

use std::time::Duration;

use super::json_path;
use super::model::LoadFigure;
use super::template::{self, Occurrences, TemplateError, TemplateSyntax};
use workshop_base::database_url::DatabaseUrl;
use workshop_base::problem::Problem;
use workshop_base::text::shortened;

/// The most minutes that a step, a chapter or a slot can have: a day.
pub const MOST_MINUTES: f64 = 1440.0;

/// Returns what is wrong with a text of a kind, each with the piece of it to point at, and which of those that are written
/// so. `expected` describes the kind. A kind without an inner form is always right.
pub fn check(kind: &str, text: &str, name: &str, expected: &str) -> Vec<(Problem, Option<(String, usize)>)> {
    let wrong = |message: String| vec![(Problem::course(message).expected(expected), None)];
    let place = match kind {
        "text" if text.trim().is_empty() => return wrong(format!("`{name}` is empty")),
        "id" if text.ends_with(".yaml") || text.ends_with(".yml") => {
            let (problem, at) = wrong(format!("`{}` is the name of a file", shortened(text))).remove(0);
            return vec![(problem.hint("leave `.yaml` away"), at)];
        }
        "id" if !is_id(text) => {
            let (mut problem, at) = wrong(format!("`{}` is not a name", shortened(text))).remove(0);
            problem.hint = as_id(text).map(|id| format!("as in `{id}`"));
            return vec![(problem, at)];
        }
        "directory" if !is_directory_name(text) => {
            return wrong(format!("`{}` cannot be the name of a directory everywhere", shortened(text)));
        }
        "database_url" => match DatabaseUrl::parse(text) {
            Ok(url) if url.password.is_some() && !url.is_here() => {
                let problem = Problem::course("a password in a lesson is known to everybody who has the course");
                let problem = problem.expected("`url_from:` with the name of a variable that has the address");
                return vec![(problem, None)];
            }
            Ok(_) => return Vec::new(),
            Err(error) => {
                let problem = Problem::course(format_args!("not an address of a PostgreSQL server: {error}"));
                return vec![(problem.expected(expected).hint(error.hint()), None)];
            }
        },
        "stack" if !is_stack_name(text) => {
            return wrong(format!("`{}` cannot be the name of a stack", shortened(text)));
        }
        "variable" if !is_variable(text) => {
            return wrong(format!("`{}` is not the name of a variable", shortened(text)));
        }
        "date" => match text.parse::<jiff::civil::Date>() {
            Ok(_) if text.len() == 10 => return Vec::new(),
            Ok(_) | Err(_) => return wrong(format!("`{}` is not a day", shortened(text))),
        },
        "duration" => match duration(text) {
            Some(long) if long.as_secs_f64() > MOST_MINUTES * 60.0 => {
                return wrong(format!("`{}` is longer than a day", shortened(text)));
            }
            Some(_) => return Vec::new(),
            None if text.parse::<jiff::SignedDuration>().is_ok_and(|long| !long.is_positive()) => {
                return wrong(format!("`{}` is not longer than nothing", shortened(text)));
            }
            None => {
                let (mut problem, at) = wrong(format!("`{}` is not a duration", shortened(text))).remove(0);
                problem.hint = as_duration(text).map(|meant| format!("as in `{meant}`"));
                return vec![(problem, at)];
            }
        },
        "span" => match span_ms(text) {
            Some(_) => return Vec::new(),
            None => return wrong(format!("`{}` does not say how far a clock is moved", shortened(text))),
        },
        "figure" => match LoadFigure::parse(text) {
            Some(_) => return Vec::new(),
            None => return wrong(format!("`{}` is no figure of a load", shortened(text))),
        },
        "capture" if json_path::is_path(text) => match json_path::parse(text) {
            Ok(_) => return Vec::new(),
            Err(_) => return wrong(format!("`{}` is not a JSONPath", shortened(text))),
        },
        "pattern" | "capture" => match regex::Regex::new(text) {
            Ok(_) => return Vec::new(),
            Err(error) => {
                let said = last_line(&error.to_string()).to_owned();
                let (mut problem, at) = wrong(format!("not a regular expression: {said}")).remove(0);
                problem.hint = hint_on_pattern(text, &said);
                return vec![(problem, at)];
            }
        },
        "path" => match json_path::parse(text) {
            Ok(_) => return Vec::new(),
            Err(why) if why.starts_with("a JSONPath") => return wrong(why),
            Err(_) => {
                let (mut problem, at) = wrong(format!("`{}` is not a JSONPath", shortened(text))).remove(0);
                let dot = if text.starts_with(['.', '[']) { "" } else { "." };
                let rooted = format!("${dot}{text}");
                problem.hint = json_path::parse(&rooted).is_ok().then(|| format!("as in `{}`", shortened(&rooted)));
                return vec![(problem, at)];
            }
        },
        "sqlstate" if !is_sqlstate(text) => {
            let (mut problem, at) = wrong(format!("`{}` is not an SQLSTATE", shortened(text))).remove(0);
            let capitals = text.to_uppercase();
            problem.hint = is_sqlstate(&capitals).then(|| format!("in capitals: `{capitals}`"));
            return vec![(problem, at)];
        }
        "version" => match semver::VersionReq::parse(text) {
            Ok(_) => return Vec::new(),
            Err(error) => {
                let (mut problem, at) =
                    wrong(format!("`{}` is not a range of versions: {error}", shortened(text))).remove(0);
                problem.hint = hint_on_version(text);
                return vec![(problem, at)];
            }
        },
        "url" if !["${", "http://", "https://"].iter().any(|begin| text.starts_with(begin)) => {
            let (problem, at) = wrong(format!("`{}` is not a web address", shortened(text))).remove(0);
            return vec![(problem.hint("write it as http://127.0.0.1:3000/path"), at)];
        }
        "url" => match wrong_in_address(text) {
            Some((why, hint)) => {
                let (problem, at) = wrong(format!("`{}` is not a web address: {why}", shortened(text))).remove(0);
                return vec![(problem.hint(hint), at)];
            }
            None => TemplateSyntax::Url,
        },
        "sql" => TemplateSyntax::Sql,
        "json" => TemplateSyntax::Json,
        "shell" => TemplateSyntax::Shell,
        "function" if !text.contains("${") && !is_function_name(text) => {
            return wrong(format!("`{}` cannot be the name of a function", shortened(text)));
        }
        "plain" | "function" => TemplateSyntax::Plain,
        _ => return Vec::new(),
    };
    if text.trim().is_empty() && place != TemplateSyntax::Plain {
        return wrong(format!("`{name}` is empty"));
    }
    let mut occurrences = Occurrences::default();
    let mut told = |error: TemplateError| (Problem::course(&error).hint(error.hint()), occurrences.of(&error, text));
    template::check(text, place).into_iter().map(&mut told).collect()
}

/// Returns whether a kind is text that a person writes freely, so that a `#` in it may be meant.
pub fn is_free_text(kind: &str) -> bool {
    matches!(kind, "text" | "pattern" | "capture" | "sql" | "json" | "shell" | "url" | "plain")
}

/// `90s`, `2m`, `1m 30s`: longer than nothing.
pub fn duration(text: &str) -> Option<Duration> {
    let starts_with_digit = text.starts_with(|c: char| c.is_ascii_digit());
    let parsed: jiff::SignedDuration = text.parse().ok().filter(|_| starts_with_digit)?;
    parsed.try_into().ok().filter(|duration: &Duration| !duration.is_zero())
}

/// The duration that a text would be which other tools take for one: `1m 30s` for `1:30` and `1m30`, `5s` for `PT5S`, `24h` for
/// `1d`.
fn as_duration(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let number = |text: &str| text.parse::<u64>().ok();
    let meant = if let Some((minutes, seconds)) = text.split_once(':') {
        format!("{}m {}s", number(minutes)?, number(seconds).filter(|seconds| *seconds < 60)?)
    } else if let Some(days) = text.strip_suffix('d').and_then(number) {
        format!("{}h", days.checked_mul(24)?)
    } else if let Some((minutes, seconds)) = text.split_once('m').filter(|(_, seconds)| number(seconds).is_some()) {
        format!("{}m {seconds}s", number(minutes)?)
    } else {
        text.strip_prefix("pt")?.to_owned()
    };
    duration(&meant).filter(|long| long.as_secs_f64() <= MOST_MINUTES * 60.0).map(|_| meant)
}

/// `+16m`, `-1h 1m`, in milliseconds: within ten years, and not nothing.
pub fn span_ms(text: &str) -> Option<i64> {
    const FARTHEST_MS: i64 = 10 * 365 * 86_400_000;
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let far = i64::try_from(duration(rest)?.as_millis()).ok()?;
    (far > 0 && far <= FARTHEST_MS).then_some(sign * far)
}

/// Says what keeps a web address from being one, and what to do about it. A host or a port that a reference stands for is not
/// known yet.
fn wrong_in_address(text: &str) -> Option<(&'static str, &'static str)> {
    // A reference holds no blank and no colon.
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let whole = text.split("${").map(|piece| piece.split_once('}').map_or(piece, |(_, rest)| rest)).collect::<String>();
    if whole.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Some(("it holds a blank or a line break", "a blank is written `%20`"));
    }
    if text.starts_with("${") {
        return None;
    }
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (host, None),
    };
    if host.is_empty() {
        return Some(("it names no host", "write it as http://127.0.0.1:3000/path"));
    }
    let is_port = |port: &str| port.contains("${") || port.parse::<u16>().is_ok();
    port.is_some_and(|port| !is_port(port))
        .then_some(("its port is no number up to 65535", "write it as http://127.0.0.1:3000/path"))
}

fn is_directory_name(text: &str) -> bool {
    text.len() <= 100
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// Returns whether Lambda takes this as a function's name, with an alias or a version after a colon perhaps, or as its ARN (its
/// API reference, `Invoke`, `FunctionName`).
fn is_function_name(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$'))
    };
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [name] | [name, _] => name.len() <= 64 && parts.iter().all(|part| is_word(part)),
        [account, "function", rest @ ..] => is_word(account) && matches!(rest.len(), 1 | 2),
        ["arn", _, "lambda", _, _, "function", rest @ ..] => matches!(rest.len(), 1 | 2),
        _ => false,
    }
}

/// Returns whether CloudFormation takes this as a stack's name: letters, digits and hyphens, beginning with a letter, at most
/// 128 (its API reference, `CreateStack`, `StackName`).
fn is_stack_name(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn is_variable(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Returns true for lower-case letters, digits and hyphens that begin with a letter.
pub fn is_id(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// The name that a text would be: `change-it` for `Change it`, `ch01` for `snapshots/ch01/`.
fn as_id(text: &str) -> Option<String> {
    // What stands for several names is none.
    if text.contains(['*', '?', '$', '{', ',']) || text.contains("..") {
        return None;
    }
    let last = text.trim_end_matches('/').rsplit('/').next().unwrap_or(text).to_lowercase();
    let dashed: String = last.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let id = dashed.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    (is_id(&id) && id.len() <= 60).then_some(id)
}

/// Returns what to write instead, for the commonest ways to miss the syntax of patterns.
fn hint_on_pattern(text: &str, said: &str) -> Option<String> {
    if !template::references(text).is_empty() {
        return Some(
            "nothing is filled in in a pattern: match what stands around the value, and of the value its form"
                .to_owned(),
        );
    }
    if said.contains("look-around") {
        return Some(
            "say it without: a pattern is searched for anywhere in the text, and its lines are all of it".to_owned(),
        );
    }
    if said.contains("repetition operator missing") {
        return Some("`*` repeats what stands before it: `.*` is any text, `\\*` the sign itself".to_owned());
    }
    let escaped = regex::escape(text);
    (said.contains("unclosed") || said.contains("unopened"))
        .then(|| format!("as plain text: `{}`", shortened(&escaped)))
}

/// Returns what to write instead of a range as other tools have it.
fn hint_on_version(text: &str) -> Option<String> {
    if text.contains("||") {
        return Some("one range, whose parts stand between commas and must all hold: `>=20, <25`".to_owned());
    }
    // npm parts what must hold by blanks; Python has `==`, and `~=`, whose last part may grow (PEP 440, "Compatible release").
    let compatible = if text.matches('.').count() < 2 { "^" } else { "~" };
    let signs = text.replace("==", "=").replace("~=", compatible).replace("=>", ">=").replace("=<", "<=");
    let joined = signs.split_whitespace().fold(String::new(), |all, part| {
        let ends_a_part = all.ends_with(|c: char| c.is_ascii_digit());
        all + if ends_a_part { ", " } else { "" } + part
    });
    if joined != text && semver::VersionReq::parse(&joined).is_ok() {
        return Some(format!("as in `{}`", shortened(&joined)));
    }
    let bare: String = text.chars().filter(|c| !matches!(c, 'v' | 'V')).collect();
    // A version alone would be taken for that and no later one.
    let range = if bare.starts_with(|c: char| c.is_ascii_digit()) { format!(">={bare}") } else { bare };
    semver::VersionReq::parse(&range).ok().map(|_| format!("without the `v`: `{}`", shortened(&range)))
}

fn is_sqlstate(text: &str) -> bool {
    text.len() == 5 && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// regex's message is a drawing; its last line is the sentence.
fn last_line(message: &str) -> &str {
    let line = message.lines().last().unwrap_or(message);
    line.strip_prefix("error: ").unwrap_or(line)
}

/// The nearest of some words, as a hint.
pub fn did_you_mean(word: &str, known: &[&str]) -> Option<String> {
    nearest(word, known).map(|known| format!("did you mean `{known}`?"))
}

/// The word that was probably meant.
pub fn nearest<'w>(word: &str, known: &[&'w str]) -> Option<&'w str> {
    let near = known.iter().filter_map(|known| Some((mistyped(word, known)?, known)));
    // Of a single letter that is wrong nothing is left.
    let near = near.filter(|(wrong, _)| *wrong == 0 || *wrong < word.chars().count());
    near.min_by_key(|(wrong, _)| *wrong).map(|(_, known)| *known)
}

/// Counts the letters that are wrong in a word, if another could have been meant by it; their case is none of them.
pub fn mistyped(word: &str, known: &str) -> Option<usize> {
    let far = (word.chars().count() / 3).max(1);
    Some(strsim::damerau_levenshtein(&word.to_lowercase(), &known.to_lowercase())).filter(|wrong| *wrong <= far)
}

/// "`a`, `b` or `c`"
pub fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().filter(|word| !word.is_empty()).map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "nothing".to_owned(),
    }
}

/// "one of `a`, `b` or `c`", "`a`"
pub fn one_of(words: &[&str]) -> String {
    if words.len() > 2 { format!("one of {}", list(words)) } else { list(words) }
}

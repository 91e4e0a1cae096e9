//! Checks over HTTP: the request with its values in it, and the answer against what it must be. Pure.

use super::cloud::millis;
use super::expect::{self, Mismatch};
use super::http::{HttpAnswer, HttpRequest};
use super::mismatch;
use super::values::Values;
use workshop_base::problem::Result;
use workshop_course::lesson::model::{HttpBody, HttpCheck};
use workshop_course::lesson::template::TemplateSyntax;

/// Lines of an answer that a record shows.
const SHOWN: usize = 20;

/// The texts of a check over HTTP that may hold references.
pub fn texts(http: &HttpCheck) -> Vec<String> {
    let body = http.body.iter().map(|body| match body {
        HttpBody::Json(text) | HttpBody::Text(text) => text.0.clone(),
    });
    let headers = http.headers.iter().map(|(_, value)| value.0.clone());
    [http.url.0.clone()].into_iter().chain(headers).chain(body).chain(expect::assertions(&http.expect)).collect()
}

/// The request of a check, with its values in it.
///
/// # Errors
/// When a reference has no value.
pub fn request(http: &HttpCheck, values: &Values) -> Result<HttpRequest> {
    let mut headers = Vec::new();
    for (name, value) in &http.headers {
        headers.push((name.clone(), values.plain(value)?));
    }
    let body = match &http.body {
        None => String::new(),
        Some(HttpBody::Text(text)) => values.plain(text)?,
        Some(HttpBody::Json(json)) => {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            values.fill(json, TemplateSyntax::Json)?
        }
    };
    let url = values.fill(&http.url, TemplateSyntax::Url)?;
    Ok(HttpRequest { method: http.method.clone(), url, headers, body })
}

/// An answer over HTTP against what it must be.
///
/// # Errors
/// When a reference has no value, or a path or pattern is not valid.
pub fn mismatch(check: &HttpCheck, came: &HttpAnswer, values: &Values) -> Result<Option<Mismatch>> {
    let wanted = check.status.map_or(200..=299, |status| status..=status);
    if !wanted.contains(&came.status) {
        let expected = check.status.map_or("a status from 200 to 299".to_owned(), |status| format!("status {status}"));
        return Ok(Some(Mismatch::new(expected, format!("status {}", came.status))));
    }
    for (name, pattern) in &check.answer_headers {
        let found: Vec<&str> =
            came.headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect();
        let regex = mismatch::compile(pattern)?;
        if !found.iter().any(|value| regex.is_match(value)) {
            let actual = if found.is_empty() { "it is not there".to_owned() } else { found.join(", ") };
            return Ok(Some(Mismatch::new(format!("header {name} matches /{pattern}/"), actual)));
        }
    }
    if let Some(pattern) = &check.matches
        && !mismatch::compile(pattern)?.is_match(&came.body)
    {
        return Ok(Some(Mismatch::new(format!("an answer that matches /{pattern}/"), brief(&came.body))));
    }
    if check.expect.is_empty() {
        return Ok(None);
    }
    let Ok(document) = serde_json::from_str(&came.body) else {
        return Ok(Some(Mismatch::new("an answer in JSON", brief(&came.body))));
    };
    for one in &check.expect {
        if let Some(mismatch) = expect::json(one, &document, values)? {
            return Ok(Some(mismatch));
        }
    }
    Ok(None)
}

/// Returns the beginning of an answer, for the record of a check that did not pass.
pub fn shown(came: &HttpAnswer) -> Vec<String> {
    let head = came.headers.iter().map(|(name, value)| format!("{name}: {value}"));
    let body = came.body.lines().map(str::to_owned);
    let all = [format!("{} after {} ms", came.status, millis(came.took))].into_iter().chain(head).chain(body);
    all.take(SHOWN).collect()
}

/// As much of a text as a record can show.
fn brief(text: &str) -> String {
    const MOST: usize = 400;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None if text.is_empty() => "nothing".to_owned(),
        None => text.trim_end().to_owned(),
    }
}

//! Command lines that show by hand what a step or a check does.

use super::http::HttpRequest;
use workshop_base::text::{shell_quoted, shell_word};

/// The console command that asks by hand; `usual` connects where nobody is named.
pub fn sql_line(role: &str, usual: &str, sql: &str) -> String {
    let sql = shell_quoted(sql);
    if role == usual {
        format!("workshop sql -c {sql}")
    } else {
        format!("workshop sql -U {} -c {sql}", shell_word(role))
    }
}

/// The aws command that invokes by hand. Version 2 of it takes the payload for base64 unless told otherwise.
pub fn invoke_line(function: &str, payload: &str) -> String {
    let (function, payload) = (shell_word(function), shell_quoted(payload));
    format!(
        "aws lambda invoke --function-name {function} --cli-binary-format raw-in-base64-out --payload {payload} /dev/stdout"
    )
}

/// A shell line for a directory below the project.
pub fn in_directory(cwd: &str, line: &str) -> String {
    if cwd.is_empty() || cwd == "." { line.to_owned() } else { format!("cd {} && {line}", shell_word(cwd)) }
}

/// The curl line that sends a request by hand.
pub fn http_line(request: &HttpRequest) -> String {
    // Told a method, curl waits for the body that an answer to HEAD announces and does not have.
    let mut line = match request.method.as_str() {
        "HEAD" => "curl -I".to_owned(),
        method => format!("curl -i -X {method}"),
    };
    for (name, value) in &request.headers {
        line.push_str(&format!(" -H {}", shell_quoted(&format!("{name}: {value}"))));
    }
    if !request.body.is_empty() {
        // Of -d, a text that begins with @ names a file.
        line.push_str(&format!(" --data-raw {}", shell_quoted(&request.body)));
    }
    format!("{line} {}", shell_quoted(&request.url))
}

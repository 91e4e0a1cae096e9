//! Command lines that show by hand what a step or a check does.

use workshop_base::text::shell_quoted;
use workshop_psql::token::ADMIN;

/// The console command that asks by hand.
pub fn sql_line(role: &str, sql: &str) -> String {
    let sql = shell_quoted(sql);
    if role == ADMIN { format!("workshop sql -c {sql}") } else { format!("workshop sql -U {role} -c {sql}") }
}

/// The aws command that invokes by hand. Version 2 of it takes the payload for base64 unless told otherwise.
pub fn invoke_line(function: &str, payload: &str) -> String {
    let payload = shell_quoted(payload);
    format!(
        "aws lambda invoke --function-name {function} --cli-binary-format raw-in-base64-out --payload {payload} /dev/stdout"
    )
}

/// A shell line for a directory below the project.
pub fn in_directory(cwd: &str, line: &str) -> String {
    if cwd.is_empty() || cwd == "." { line.to_owned() } else { format!("cd {cwd} && {line}") }
}

//! The command line of a CDK application, as its `cdk.json` has it.

use serde::Serialize;
use serde_json::Value;

/// An application that Node.js runs, and that can run in a process that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppLine {
    /// The line as it stands there.
    line: String,
    /// Node's own options.
    options: Vec<String>,
    /// The program and its arguments.
    argv: Vec<String>,
}

impl AppLine {
    /// Puts the line as it stands there in the place of ours, which the CDK names when the application fails.
    pub fn named(&self, printed: String) -> String {
        if printed.contains(CLIENT) { printed.replace(CLIENT, &self.line) } else { printed }
    }

    /// Reads a `cdk.json`. None where the application is something else than a CommonJS program of Node's, or is started by
    /// more than plain words.
    pub fn of(cdk_json: &str) -> Option<AppLine> {
        let line = match serde_json::from_str::<Value>(cdk_json).ok()?.get("app")? {
            Value::String(line) => line.clone(),
            Value::Array(words) => words.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?.join(" "),
            _ => return None,
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_./@:=,+- ".contains(c);
        if !line.chars().all(is_plain) {
            return None;
        }
        let mut words = line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned);
        let mut options = Vec::new();
        if words.next()? != "node" {
            return None;
        }
        let program = loop {
            let word = words.next()?;
            match word.as_str() {
                "-r" | "--require" => options.extend([word, words.next()?]),
                "--enable-source-maps" | "--no-warnings" | "--no-deprecation" => options.push(word),
                _ if word.starts_with("--require=") => options.push(word),
                _ if word.starts_with('-') => return None,
                _ => break word,
            }
        };
        let argv = std::iter::once(program).chain(words).collect();
        Some(AppLine { line, options, argv })
    }
}

/// The command line that the CDK is given in its place (`host.cjs`).
const CLIENT: &str = "node \"$WORKSHOP_CDK_CLIENT\"";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_that_fails_is_named_as_its_project_names_it() {
        assert!(include_str!("host.cjs").contains(CLIENT));
        let line = AppLine::of(r#"{"app": "node bin/app.js"}"#).unwrap();
        let failed = format!("{CLIENT}: Subprocess exited with error 1");
        assert_eq!(line.named(failed), "node bin/app.js: Subprocess exited with error 1");
    }

    #[test]
    fn a_program_of_nodes_is_read_with_its_options() {
        let line = AppLine::of(r#"{"app": "node --require tsx/cjs bin/app.ts --stage x"}"#).unwrap();
        assert_eq!(line.options, ["--require", "tsx/cjs"]);
        assert_eq!(line.argv, ["bin/app.ts", "--stage", "x"]);
        assert_eq!(AppLine::of(r#"{"app": ["node", "-r", "a/b", "app.js"]}"#).unwrap().line, "node -r a/b app.js");
    }

    #[test]
    fn anything_else_runs_as_the_project_says() {
        for app in
            ["npx ts-node bin/app.ts", "node", "node --import tsx a.ts", "node a.js && b", "node $APP", "mvn exec"]
        {
            assert_eq!(AppLine::of(&serde_json::json!({ "app": app }).to_string()), None, "{app}");
        }
        assert_eq!(AppLine::of("{}"), None);
    }
}

//! What a program has printed last, as far as it tells more than the sentence that was found in it.

use workshop_engine::event::Failure;
use workshop_engine::progress::Progress;

/// Rows of it under the reason of a failure.
const ROWS: usize = 6;
/// Beginnings of lines that tell where in its own code the program was, or that all went well so far.
const FRAMES: [&str; 14] = [
    "at ",
    "name: '",
    "Node.js v",
    "Bundling asset ",
    "⚡ Done in",
    "✨",
    "(node:",
    "node:internal/",
    "throw ",
    "- internal/",
    "Require stack:",
    "requireStack: [",
    "code: '",
    "Error: Transform failed with",
];
/// Parts of such lines.
const PROGRESS: [&str; 5] =
    [": start: ", ": success: ", ": creating CloudFormation changeset", "-building/", ": Subprocess exited with"];

/// Returns the last lines of a failure's output that tell more than what was said, and than how far the program had come.
/// Files of the project are named by their place in it.
pub fn of(progress: &Progress, failure: &Failure) -> Vec<String> {
    let output: Vec<String> = failure.output.iter().map(|line| progress.in_project(line).into_owned()).collect();
    let mut lines = telling(&output, &progress.in_project(&failure.actual));
    lines.split_off(lines.len().saturating_sub(ROWS))
}

/// A warning of Node's is about something else.
fn telling(output: &[String], told: &str) -> Vec<String> {
    let warned = output.iter().rposition(|line| line.starts_with("(Use `node --trace"));
    let from = output.iter().take(warned.unwrap_or(0)).rposition(|line| line.starts_with("(node:")).unwrap_or(0);
    let warning = |at: usize| warned.is_some_and(|warned| (from..=warned).contains(&at));
    let lines = output.iter().enumerate().filter(|(at, line)| !warning(*at) && tells(line, told));
    lines.map(|(_, line)| line.clone()).collect()
}

fn tells(line: &str, told: &str) -> bool {
    let line = line.trim();
    // A line of a bundle is no sentence.
    let bundled = line.chars().count() > 300;
    // A file alone, as Node quotes the ones that asked for a module.
    let file = line.trim_matches(['\'', ',']);
    let place = (file.starts_with("node_modules/") || file.starts_with("internal/")) && !file.contains(' ');
    let frame = FRAMES.iter().any(|begins| line.starts_with(begins)) || PROGRESS.iter().any(|has| line.contains(has));
    // esbuild counts columns otherwise than what was said does: its sentence is the same all the same.
    let sentence = line.split_once(": ERROR: ").map_or(line, |(_, sentence)| sentence);
    !place && !frame && !bundled && line.len() > 2 && !told.contains(sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_words(output: &[&str], actual: &str) -> Vec<String> {
        let progress = Progress { workdir: Some("/home/app".into()), ..Progress::default() };
        let output = output.iter().map(|line| (*line).to_owned()).collect();
        of(&progress, &Failure { output, actual: actual.into(), ..Failure::default() })
    }

    #[test]
    fn of_a_programs_last_words_those_are_shown_that_say_something() {
        let output = [
            "to continue please upgrade",
            "(Use `node --trace-warnings ...` to show where the warning was created)",
            "Bundling asset TheStack/Function/Code/Stage...",
            "  ...324e-building/index.js  1.1kb",
            "/home/app/cdk/lib/stack.ts:25",
            "    at Object.<anonymous> (cdk/lib/stack.ts:25:5)",
            "TheStack: success: Published x",
            "node x: Subprocess exited with error 1",
        ];
        assert_eq!(last_words(&output, "exit code 1"), ["cdk/lib/stack.ts:25"]);
        assert!(last_words(&output[4..5], "cdk/lib/stack.ts:25: why").is_empty(), "it was said");
    }

    #[test]
    fn a_place_is_not_told_twice_and_not_where_a_package_is() {
        // tsx 4.21 and esbuild 0.28, Node.js 20.
        let output = [
            "/home/app/node_modules/tsx/dist/register-B1c7OH6V.cjs:22",
            "Error: Transform failed with 1 error:",
            "/home/app/cdk/lib/stack.ts:53:15: ERROR: Unexpected \";\"",
            "  name: 'TransformError'",
        ];
        let said = "/home/app/cdk/lib/stack.ts:53:16: Unexpected \";\"\nexit code 1";
        assert_eq!(last_words(&output, said), Vec::<String>::new());
        let missing = [
            "node:internal/modules/cjs/loader:1210",
            "  throw err;",
            "Require stack:",
            "- internal/preload",
            "- /home/app/cdk/bin/app.ts",
            "  code: 'MODULE_NOT_FOUND',",
            "  requireStack: [",
            "    '/home/app/node_modules/tsx/dist/cjs/index.cjs',",
            "    'internal/preload'",
        ];
        assert_eq!(last_words(&missing, "Error: Cannot find module 'tsx/cjs'"), ["- cdk/bin/app.ts"]);
    }
}

//! The sentence in a deploy's output that says why it failed, among everything else that the CDK, Node and the
//! compilers print around it. Pure.

use std::sync::LazyLock;

use regex::Regex;

/// The worth of a sentence that says why, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// A compiler's word with its place in a file, or the CDK's on one construct.
    Placed,
    /// The CDK's word at the end of a stack that failed: CloudFormation's own sentence, mostly.
    Stack,
    /// An exception that nobody caught.
    Exception,
}

/// Reads output line by line, and keeps the first of its best sentences.
#[derive(Debug, Default)]
pub struct CauseFinder {
    best: Option<(Rank, String)>,
    /// An error whose place stands on one of the next lines.
    unplaced: Option<String>,
    /// The line of the application that makes the resource which failed.
    place: Option<String>,
    /// The last sentence of all: what a program says before it gives up, whatever it puts around that.
    last: Option<String>,
    /// Within a warning of Node's, which is about something else.
    warning: bool,
}

/// `lib/stack.ts:4:7: ERROR: Unexpected ";"` (esbuild 0.28, tsx).
static ESBUILD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s*(\S.*?:\d+:\d+): ERROR: (.+)$").ok());
/// `✘ [ERROR] Expected ";" but found "x"`, and two lines on `    lib/stack.ts:4:7:` (esbuild's own command).
static ESBUILD_LONG: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s*(?:✘|X) \[ERROR\] (.+)$").ok());
static PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s+(\S+:\d+:\d+):$").ok());
/// `lib/stack.ts(4,7): error TS1109: Expression expected.`, `lib/stack.ts:4:7 - error TS1109: …` (tsc, ts-node).
static TYPESCRIPT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*(\S.*?(?:\(\d+,\d+\)|:\d+:\d+))(?:: | - )error (TS\d+: .+)$").ok());
/// `[Error at /TheStack/Queue] the name is taken` (CDK annotations).
static ANNOTATION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s*\[Error at (/\S+)\] (.+)$").ok());
/// `❌  TheStack failed: ToolkitError: …` (aws-cdk 2.1145).
static STACK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*❌\s+.*?(?:failed|error)[^:]*: (?:_?[A-Z]\w*(?:Error|Exception)\w*: )*(.+)$").ok()
});
/// `TypeError: x is not a function`, of Node and of Python.
static EXCEPTION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(?:Uncaught )?((?:[\w.]+\.)?(?:[A-Z]\w*)?(?:Error|Exception)(?: \[\w+\])?: .+)$").ok()
});
/// `Source Location: new TheStack (/work/cdk/lib/stack.ts:51:5)` (aws-cdk 2.1145, behind a resource that failed).
static SOURCE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^Source Location: .*\(([^()]+:\d+:\d+)\)$").ok());
/// Says only that something else was said before.
const EMPTY: &[&str] =
    &["Transform failed", "Build failed with", "Subprocess exited", "Command failed", "Failed to bundle"];

impl CauseFinder {
    /// Takes one line of output in.
    pub fn take(&mut self, line: &str) {
        if let Some(cause) = self.placed(line) {
            self.keep(Rank::Placed, cause);
        } else if let Some(found) = captures(&STACK, line) {
            self.keep(Rank::Stack, found[0].clone());
        } else if let Some(found) = captures(&EXCEPTION, line) {
            self.keep(Rank::Exception, found[0].clone());
        }
        if let Some(place) = captures(&SOURCE, line.trim()).filter(|_| self.place.is_none()) {
            self.place = Some(place[0].clone());
        }
        self.warning = (self.warning || line.starts_with("(node:")) && !is_progress(line);
        if is_sentence(line) && !self.warning {
            self.last = Some(line.trim().to_owned());
        }
        if line.starts_with("(Use `node --trace") {
            self.warning = false;
        }
    }

    fn placed(&mut self, line: &str) -> Option<String> {
        if let Some(message) = captures(&ESBUILD_LONG, line) {
            self.unplaced = Some(message[0].clone());
            return None;
        }
        if let Some(place) = captures(&PLACE, line)
            && let Some(message) = self.unplaced.take()
        {
            return Some(format!("{}: {message}", counted_from_one(&place[0])));
        }
        if let Some(found) = captures(&ESBUILD, line) {
            return Some(format!("{}: {}", counted_from_one(&found[0]), found[1]));
        }
        let found = [&TYPESCRIPT, &ANNOTATION].into_iter().find_map(|pattern| captures(pattern, line))?;
        Some(format!("{}: {}", found[0], found[1]))
    }

    fn keep(&mut self, rank: Rank, cause: String) {
        let better = self.best.as_ref().is_none_or(|(best, _)| rank < *best);
        if better && !EMPTY.iter().any(|empty| cause.contains(empty)) {
            self.best = Some((rank, cause.trim().to_owned()));
        }
    }

    /// Returns the line of the application that makes what failed, if the CDK has named it: `/work/cdk/lib/stack.ts:51:5`.
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// Returns the sentence, if there was one.
    pub fn cause(self) -> Option<String> {
        let (unplaced, last) = (self.unplaced, self.last);
        self.best.map(|(_, cause)| cause).or(unplaced).or(last)
    }
}

/// esbuild counts columns from 0 (its `Location`), compilers and editors from 1, as all places here.
fn counted_from_one(place: &str) -> String {
    let (before, column) = place.rsplit_once(':').unwrap_or((place, ""));
    column.parse::<u32>().map_or_else(|_| place.to_owned(), |column| format!("{before}:{}", column.saturating_add(1)))
}

/// Finds the package that Node or esbuild says is not there: `@aws-sdk/dsql-signer`. What begins with a dot or a slash is a
/// file, and what stands behind the name is in the package.
pub fn missing_package(text: &str) -> Option<&str> {
    static LACKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let name = r"((?:@[\w.-]+/)?\w[\w.-]*)";
        let lacks =
            format!(r#"Cannot find (?:module|package) '{name}(?:/[^']*)?'|Could not resolve "{name}(?:/[^"]*)?""#);
        Regex::new(&lacks).ok()
    });
    let found = LACKS.as_ref()?.captures(text)?;
    found.get(1).or(found.get(2)).map(|name| name.as_str())
}

/// Tells whether a line may be a program's last word: not where in its own code it was, not how far it is, not an aside.
/// (With `--progress events`, aws-cdk 2.1145 prints CloudFormation's refusal of a template as such a line, without a mark.)
fn is_sentence(line: &str) -> bool {
    let text = line.trim();
    let aside = ["at ", "(", "Node.js v", "✨", "✅", "⚡", "👋", "❌", "[", "Command failed"];
    let empty = text.contains("Subprocess exited");
    let code = text.chars().count() > 1000 && !text.contains(". ");
    // As short as "Rate exceeded", but no name with a size.
    let words = text.split_whitespace().count();
    let short = words == 2 && text.chars().all(|c| c.is_alphabetic() || c == ' ');
    (words > 2 || short) && !empty && !aside.iter().any(|aside| text.starts_with(aside)) && !is_progress(text) && !code
}

/// Tells whether a line says how far the CDK is.
fn is_progress(line: &str) -> bool {
    line.trim_end().ends_with("...") || line.contains(": success: ") || line.contains(": start: ")
}

/// The groups of a pattern, in order.
fn captures(pattern: &LazyLock<Option<Regex>>, line: &str) -> Option<Vec<String>> {
    let found = pattern.as_ref()?.captures(line)?;
    Some(found.iter().skip(1).flatten().map(|group| group.as_str().to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(printed: &str) -> Option<String> {
        let mut finder = CauseFinder::default();
        printed.lines().for_each(|line| finder.take(line));
        finder.cause()
    }

    #[test]
    fn an_error_without_a_kind_is_said_by_its_own_words() {
        let thrown = "/work/cdk/lib/stack.ts:9\n    throw new Error('the stack is wrong here');\n          ^\n\n\
            Error: the stack is wrong here\n    at new Stack (/work/cdk/lib/stack.ts:9:11)\n\nNode.js v20.20.2\n\
            node \"$CLIENT\": Subprocess exited with error 1";
        assert_eq!(cause(thrown).as_deref(), Some("Error: the stack is wrong here"));
        let missing = "Error: Cannot find module 'not-there'\nRequire stack:\n- /work/cdk/lib/stack.ts\n    at x (y:1:2) {\n\
            code: 'MODULE_NOT_FOUND',\n  requireStack: [\nNode.js v20.20.2\nnode \"$CLIENT\": Subprocess exited with error 1";
        assert_eq!(cause(missing).as_deref(), Some("Error: Cannot find module 'not-there'"));
    }

    #[test]
    fn a_package_that_is_not_there_is_no_file() {
        assert_eq!(missing_package("Error: Cannot find module 'aws-cdk-lib'"), Some("aws-cdk-lib"));
        assert_eq!(missing_package("Cannot find package '@a/b'"), Some("@a/b"));
        assert_eq!(missing_package("Error: Cannot find module 'tsx/cjs'"), Some("tsx"));
        assert_eq!(missing_package("lambda/src/db.ts:2:21: Could not resolve \"pg\""), Some("pg"));
        for file in ["Could not resolve \"./db\"", "Cannot find module './stack'", "Cannot find module '/w/x.ts'"] {
            assert_eq!(missing_package(file), None, "{file}");
        }
    }

    #[test]
    fn a_syntax_error_is_said_with_its_place() {
        let tsx = "node:internal/process/promises:288\n            triggerUncaughtException(err, true);\n\n\
            Error: Transform failed with 1 error:\n/work/cdk/lib/stack.ts:41:15: ERROR: Unexpected \";\"\n    at failureErrorWithLog\n\
            Node.js v20.20.2\nSubprocess exited with error 1";
        assert_eq!(cause(tsx).as_deref(), Some("/work/cdk/lib/stack.ts:41:16: Unexpected \";\""));
        let bundled = "✘ [ERROR] Expected \")\" but found \";\"\n\n    ../lambda/src/index.ts:12:3:\n      12 │   call(;\n\n1 error\n\
            Error: Failed to bundle asset TheStack/Function/Code/Stage";
        assert_eq!(cause(bundled).as_deref(), Some("../lambda/src/index.ts:12:4: Expected \")\" but found \";\""));
        let tsc = "TSError: ⨯ Unable to compile TypeScript:\nlib/stack.ts(41,15): error TS1109: Expression expected.";
        assert_eq!(cause(tsc).as_deref(), Some("lib/stack.ts(41,15): TS1109: Expression expected."));
    }

    #[test]
    fn cloudformations_own_sentence_comes_without_what_wraps_it() {
        let refused = "TheStack: creating CloudFormation changeset...\n\
            ❌  TheStack failed: ToolkitError: ValidationError: Unrecognized resource types: [AWS::SQS::Queue].\n    at x";
        assert_eq!(cause(refused).as_deref(), Some("Unrecognized resource types: [AWS::SQS::Queue]."));
        let bare = "TheStack: success: Published TheStack Template (current)\nTheStack: creating CloudFormation changeset...\n\
            Template format error: Unrecognized resource types: [AWS::SQS::Queue]. This is the sandbox.\n";
        assert_eq!(
            cause(bare).as_deref(),
            Some("Template format error: Unrecognized resource types: [AWS::SQS::Queue]. This is the sandbox.")
        );
    }

    #[test]
    fn an_exception_counts_when_nothing_says_more() {
        let thrown = "/work/cdk/bin/app.ts:9\nTypeError: stack.grant is not a function\n    at Object.<anonymous>";
        assert_eq!(cause(thrown).as_deref(), Some("TypeError: stack.grant is not a function"));
        let python = "Traceback (most recent call last):\n  File \"app.py\", line 3, in <module>\nNameError: name 'x' is not defined\n\
            python3 app.py: Subprocess exited with error 1";
        assert_eq!(cause(python).as_deref(), Some("NameError: name 'x' is not defined"));
        let annotated = "[Error at /TheStack/Queue] the name is taken\nFound errors\nValidationError: Found errors";
        assert_eq!(cause(annotated).as_deref(), Some("/TheStack/Queue: the name is taken"));
    }

    #[test]
    fn a_warning_of_nodes_is_no_cause() {
        let throttled = "(node:4729) Warning: NodeVersionSupportWarning: The AWS SDK for JavaScript (v3)\n\n\
            More information can be found at: https://a.co/c895JFp\n\
            (Use `node --trace-warnings ...` to show where the warning was created)\n\
            TheStack: creating CloudFormation changeset...\nRate exceeded";
        assert_eq!(cause(throttled).as_deref(), Some("Rate exceeded"));
        let again = "(node:1) Warning: old\nMore is said here\nTheStack: success: Published x\nAccess Denied\n  index.js  1.1kb";
        assert_eq!(cause(again).as_deref(), Some("Access Denied"));
    }

    #[test]
    fn what_is_no_sentence_is_no_cause() {
        assert_eq!(cause("✨  Synthesis time: 1.2s\n ✅  TheStack\nOutputs:\n"), None);
        assert_eq!(cause("❌  TheStack failed\n    at Object.<anonymous> (/x/y.js:3:1)\nNode.js v20.20.2"), None);
    }
}

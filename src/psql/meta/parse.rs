//! What a backslash command says. Pure.

use super::super::exec::Shape;
use super::args::Args;

/// A command with its arguments.
#[derive(Debug, Clone)]
pub enum Command {
    Shell(Option<String>),
    Aligned,
    Title(Option<String>),
    Cd(Option<String>),
    Connect {
        database: Option<String>,
        user: Option<String>,
        host: Option<String>,
        port: Option<String>,
    },
    ConnInfo,
    Copy(String),
    Describe {
        what: What,
        pattern: Option<String>,
        more: bool,
        system: bool,
    },
    Edit {
        file: Option<String>,
        line: Option<u32>,
    },
    Echo {
        to: EchoTo,
        text: String,
        newline: bool,
    },
    Encoding(Option<String>),
    ErrVerbose,
    FieldSeparator(Option<String>),
    Send(Shape),
    GDesc,
    Help(Option<String>),
    SqlHelp(Option<String>),
    If(Option<String>),
    Elif(Option<String>),
    Else,
    Endif,
    Include {
        file: Option<String>,
        relative: bool,
    },
    Output(Option<String>),
    Print,
    Prompt {
        text: Option<String>,
        name: Option<String>,
    },
    Pset {
        name: Option<String>,
        value: Option<String>,
    },
    Quit,
    Reset,
    History(Option<String>),
    Set {
        name: Option<String>,
        value: Option<String>,
    },
    Getenv {
        name: Option<String>,
        variable: Option<String>,
    },
    Setenv {
        variable: Option<String>,
        value: Option<String>,
    },
    ShowFunction {
        name: Option<String>,
        more: bool,
    },
    ShowView {
        name: Option<String>,
        more: bool,
    },
    Configuration {
        pattern: Option<String>,
        more: bool,
    },
    Tuples(Option<String>),
    Timing(Option<String>),
    Unset(Option<String>),
    Watch(Result<Watch, String>),
    Write(Option<String>),
    Expanded(Option<String>),
    /// Known, but not to be had here, and why.
    Refused(&'static str),
}

/// What `\d…` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// `\d`: with a name the relations in full, without one a list.
    Any,
    /// `\dt \di \dv \ds \dm \dE`, any of them together.
    Relations {
        tables: bool,
        indexes: bool,
        views: bool,
        sequences: bool,
        materialized: bool,
        foreign: bool,
    },
    Schemas,
    Functions {
        kinds: Kinds,
    },
    Roles,
    Privileges,
    Types,
    Domains,
    Databases,
}

/// Which functions `\df` lists; all of them when none is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds {
    pub aggregate: bool,
    pub normal: bool,
    pub procedure: bool,
    pub trigger: bool,
    pub window: bool,
}

/// Where `\echo`, `\qecho` and `\warn` write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EchoTo {
    Output,
    Results,
    Errors,
}

/// `\watch`
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    /// Seconds between runs.
    pub interval: Option<f64>,
    /// Runs at most.
    pub count: Option<u64>,
    /// Ends when fewer rows come.
    pub min_rows: Option<u64>,
}

/// The names there are, for completion.
pub const NAMES: &[&str] = &[
    "!",
    "?",
    "a",
    "c",
    "C",
    "cd",
    "conninfo",
    "connect",
    "copy",
    "d",
    "d+",
    "dD",
    "dS",
    "dT",
    "dconfig",
    "dconfig+",
    "df",
    "df+",
    "di",
    "di+",
    "dn",
    "dn+",
    "dp",
    "ds",
    "ds+",
    "dt",
    "dt+",
    "du",
    "du+",
    "dv",
    "dv+",
    "e",
    "echo",
    "edit",
    "elif",
    "else",
    "encoding",
    "endif",
    "errverbose",
    "f",
    "g",
    "gdesc",
    "getenv",
    "gexec",
    "gset",
    "gx",
    "h",
    "help",
    "i",
    "if",
    "include",
    "ir",
    "l",
    "l+",
    "list",
    "o",
    "out",
    "p",
    "print",
    "prompt",
    "pset",
    "q",
    "qecho",
    "quit",
    "r",
    "reset",
    "s",
    "set",
    "setenv",
    "sf",
    "sf+",
    "sv",
    "sv+",
    "t",
    "timing",
    "unset",
    "w",
    "warn",
    "watch",
    "write",
    "x",
    "z",
];

/// Reads the arguments of the command with this name.
///
/// # Errors
/// psql's text for a command that does not exist.
pub fn parse(name: &str, args: &mut Args) -> Result<Command, String> {
    Ok(match name {
        "!" => Command::Shell(args.whole_line()),
        "?" => Command::Help(args.normal()),
        "a" => Command::Aligned,
        "c" | "connect" => {
            Command::Connect { database: args.normal(), user: args.normal(), host: args.normal(), port: args.normal() }
        }
        "C" => Command::Title(args.normal()),
        "cd" => Command::Cd(args.normal()),
        "conninfo" => Command::ConnInfo,
        "copy" => Command::Copy(args.whole_line().unwrap_or_default()),
        "e" | "edit" => {
            let first = args.normal();
            let second = args.normal();
            match (first, second) {
                (Some(line), None) if line.parse::<u32>().is_ok() => {
                    Command::Edit { file: None, line: line.parse().ok() }
                }
                (file, line) => Command::Edit { file, line: line.and_then(|l| l.parse().ok()) },
            }
        }
        "echo" => echo(args, EchoTo::Output),
        "qecho" => echo(args, EchoTo::Results),
        "warn" => echo(args, EchoTo::Errors),
        "encoding" => Command::Encoding(args.normal()),
        "errverbose" => Command::ErrVerbose,
        "f" => Command::FieldSeparator(args.normal()),
        "g" | "gx" => Command::Send(send(name == "gx", args)?),
        "gset" => Command::Send(Shape { gset: Some(args.normal().unwrap_or_default()), ..Shape::default() }),
        "gexec" => Command::Send(Shape { gexec: true, ..Shape::default() }),
        "gdesc" => Command::GDesc,
        "h" | "help" => Command::SqlHelp(args.whole_line()),
        "if" => Command::If(condition(args)),
        "elif" => Command::Elif(condition(args)),
        "else" => Command::Else,
        "endif" => Command::Endif,
        "i" | "include" => Command::Include { file: args.normal(), relative: false },
        "ir" | "include_relative" => Command::Include { file: args.normal(), relative: true },
        "l" | "list" | "l+" | "list+" => Command::Describe {
            what: What::Databases,
            pattern: args.pattern(),
            more: name.ends_with('+'),
            system: true,
        },
        "o" | "out" => Command::Output(args.file_or_pipe()),
        "p" | "print" => Command::Print,
        "prompt" => {
            let (first, second) = (args.normal(), args.normal());
            match second {
                Some(name) => Command::Prompt { text: first, name: Some(name) },
                None => Command::Prompt { text: None, name: first },
            }
        }
        "pset" => Command::Pset { name: args.normal(), value: args.normal() },
        "q" | "quit" => Command::Quit,
        "r" | "reset" => Command::Reset,
        "s" => Command::History(args.normal()),
        "set" => {
            let name = args.normal();
            let rest = args.left();
            Command::Set { value: name.is_some().then(|| rest.concat()), name }
        }
        "getenv" => Command::Getenv { name: args.normal(), variable: args.normal() },
        "setenv" => Command::Setenv { variable: args.normal(), value: args.normal() },
        "sf" | "sf+" => Command::ShowFunction { name: args.whole_line(), more: name.ends_with('+') },
        "sv" | "sv+" => Command::ShowView { name: args.whole_line(), more: name.ends_with('+') },
        "t" => Command::Tuples(args.normal()),
        "timing" => Command::Timing(args.normal()),
        "unset" => Command::Unset(args.normal()),
        "w" | "write" => Command::Write(args.file_or_pipe()),
        "watch" => Command::Watch(watch(args)),
        "x" => Command::Expanded(args.normal()),
        "z" => Command::Describe { what: What::Privileges, pattern: args.pattern(), more: false, system: false },
        "dconfig" | "dconfig+" => Command::Configuration { pattern: args.pattern(), more: name.ends_with('+') },
        "H" | "html" | "T" => Command::Refused(NO_HTML),
        "password" => Command::Refused(NO_PASSWORDS),
        "bind" => Command::Refused("\\bind is not here: PREPARE a statement, and EXECUTE it with its values"),
        "copyright" => Command::Refused("\\copyright is not here: postgresql.org/about/licence has PostgreSQL's"),
        "crosstabview" => {
            Command::Refused("\\crosstabview is not here: \\g (format=csv) file gives the rows to a spreadsheet")
        }
        "ef" | "ev" => {
            Command::Refused("\\ef and \\ev are not here: \\sf or \\sv shows the definition, \\e edits a statement")
        }
        "lo_export" | "lo_import" | "lo_list" | "lo_unlink" => {
            Command::Refused("there are no large objects in Aurora DSQL: a bytea column holds up to 1 MiB")
        }
        _ => match name.strip_prefix('d').and_then(describe) {
            Some((what, more, system)) => Command::Describe { what, pattern: args.pattern(), more, system },
            None if ELSEWHERE.contains(&name.trim_end_matches(['+', 'S'])) => Command::Refused(NOT_LISTED),
            None => return Err(format!("invalid command \\{name}")),
        },
    })
}

fn echo(args: &mut Args, to: EchoTo) -> Command {
    let (mut text, mut newline, mut first) = (String::new(), true, true);
    while let Some((word, quoted)) = args.normal_quoted() {
        if first && word == "-n" && !quoted && newline {
            newline = false;
            continue;
        }
        if !first {
            text.push(' ');
        }
        text.push_str(&word);
        first = false;
    }
    Command::Echo { to, text, newline }
}

/// A condition is all the words that follow, joined.
fn condition(args: &mut Args) -> Option<String> {
    let words = args.left();
    (!words.is_empty()).then(|| words.join(" "))
}

fn send(expanded: bool, args: &mut Args) -> Result<Shape, String> {
    let mut shape = Shape { expanded, ..Shape::default() };
    let Some(first) = args.file_or_pipe() else { return Ok(shape) };
    let Some(mut word) = first.strip_prefix('(').map(str::to_owned) else {
        shape.file = Some(first);
        return Ok(shape);
    };
    loop {
        let last = word.ends_with(')');
        let setting = word.trim_end_matches(')');
        if !setting.is_empty() {
            let (name, value) = match setting.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (setting, None),
            };
            shape.settings.push((name.to_owned(), value));
        }
        if last {
            break;
        }
        word = args.normal().ok_or("\\g: missing right parenthesis")?;
    }
    shape.file = args.file_or_pipe();
    Ok(shape)
}

fn watch(args: &mut Args) -> Result<Watch, String> {
    let mut watch = Watch { interval: None, count: None, min_rows: None };
    for word in args.left() {
        if word.split_once('=').is_none() && watch.interval.is_some() {
            return Err("\\watch: interval value is specified more than once".to_owned());
        }
        let seconds = |text: &str| {
            text.parse::<f64>()
                .ok()
                .filter(|s| *s >= 0.0 && s.is_finite())
                .ok_or_else(|| format!("\\watch: incorrect interval value \"{text}\""))
        };
        let count = |what: &str, text: &str| {
            text.parse::<u64>()
                .ok()
                .filter(|n| *n > 0)
                .ok_or_else(|| format!("\\watch: incorrect {what} value \"{text}\""))
        };
        let twice = |what: &str| Err(format!("\\watch: {what} is specified more than once"));
        match word.split_once('=') {
            Some(("i" | "interval", value)) => {
                if watch.interval.replace(seconds(value)?).is_some() {
                    return twice("interval value");
                }
            }
            Some(("c" | "count", value)) => {
                if watch.count.replace(count("iteration count", value)?).is_some() {
                    return twice("iteration count");
                }
            }
            Some(("m" | "min_rows", value)) => {
                if watch.min_rows.replace(count("minimum row count", value)?).is_some() {
                    return twice("minimum row count");
                }
            }
            Some(_) => return Err(format!("\\watch: unrecognized parameter \"{word}\"")),
            None => {
                if watch.interval.replace(seconds(&word)?).is_some() {
                    return twice("interval value");
                }
            }
        }
    }
    Ok(watch)
}

/// What the letters behind `\d` ask for, with `S` (system) and `+` (more).
fn describe(letters: &str) -> Option<(What, bool, bool)> {
    let more = letters.contains('+');
    let system = letters.contains('S');
    let bare: String = letters.chars().filter(|c| !matches!(c, '+' | 'S')).collect();
    let what = match bare.as_str() {
        "" => What::Any,
        "n" => What::Schemas,
        kinds if kinds.starts_with('f') && kinds[1..].chars().all(|c| "anptw".contains(c)) => What::Functions {
            kinds: Kinds {
                aggregate: kinds.contains('a'),
                normal: kinds.contains('n'),
                procedure: kinds.contains('p'),
                trigger: kinds.contains('t'),
                window: kinds.contains('w'),
            },
        },
        "u" | "g" => What::Roles,
        "p" => What::Privileges,
        "T" => What::Types,
        "D" => What::Domains,
        kinds if kinds.chars().all(|c| matches!(c, 't' | 'i' | 'v' | 's' | 'm' | 'E')) => What::Relations {
            tables: kinds.contains('t'),
            indexes: kinds.contains('i'),
            views: kinds.contains('v'),
            sequences: kinds.contains('s'),
            materialized: kinds.contains('m'),
            foreign: kinds.contains('E'),
        },
        _ => return None,
    };
    Some((what, more, system))
}

/// psql's listings of what Aurora DSQL does not have, or of what few ever look at.
const ELSEWHERE: &[&str] = &[
    "da", "dA", "dAc", "dAf", "dAo", "dAp", "db", "dc", "dC", "dd", "ddp", "des", "det", "deu", "dew", "dF", "dFd",
    "dFp", "dFt", "dl", "dL", "do", "dO", "dP", "dPi", "dPt", "dPn", "drds", "drg", "dRp", "dRs", "dx", "dX", "dy",
];
const NOT_LISTED: &str = "this listing of psql is not here: \\? tells which are; the catalogue itself can be asked";
const NO_HTML: &str =
    "HTML is not here: \\pset format csv, or \\g (format=csv) file, gives a form that other programs read";
const NO_PASSWORDS: &str = "Aurora DSQL has no passwords: a role connects with an IAM token; \
                            AWS IAM GRANT role TO 'arn' says which IAM identity may be which role";

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Command {
        let (name, rest) = super::super::args::command_name(text);
        parse(name, &mut Args::new(text, text.len() - rest.len(), None)).unwrap()
    }

    #[test]
    fn letters_of_d() {
        assert_eq!(
            describe("t+"),
            Some((
                What::Relations {
                    tables: true,
                    indexes: false,
                    views: false,
                    sequences: false,
                    materialized: false,
                    foreign: false
                },
                true,
                false
            ))
        );
        assert!(matches!(describe("Sti"), Some((What::Relations { tables: true, indexes: true, .. }, false, true))));
        assert_eq!(describe("nonsense"), None);
    }

    #[test]
    fn watch_takes_psql_17_s_words() {
        let Command::Watch(Ok(watch)) = parsed("watch i=0.5 c=3 m=1") else { panic!() };
        assert_eq!(watch, Watch { interval: Some(0.5), count: Some(3), min_rows: Some(1) });
        assert!(matches!(parsed("watch -1"), Command::Watch(Err(_))));
        assert!(matches!(parsed("watch i=1 2"), Command::Watch(Err(_))));
    }

    #[test]
    fn echo_knows_n_only_unquoted_and_first() {
        assert!(matches!(parsed("echo -n a b"), Command::Echo { text, newline: false, .. } if text == "a b"));
        assert!(matches!(parsed("echo '-n' a"), Command::Echo { text, newline: true, .. } if text == "-n a"));
    }

    #[test]
    fn g_takes_settings_and_a_file() {
        let Command::Send(shape) = parsed("g (format=csv tuples_only=on) out.csv") else { panic!() };
        assert_eq!(shape.settings.len(), 2);
        assert_eq!(shape.file.as_deref(), Some("out.csv"));
        let Command::Send(shape) = parsed("g | sort -n") else { panic!() };
        assert_eq!(shape.file.as_deref(), Some("| sort -n"));
    }
}

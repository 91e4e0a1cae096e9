//! Reading a backslash command. Pure.

use super::args::Args;
use super::model::{
    CatalogueCommand, ConditionCommand, EchoTarget, FunctionKinds, ListingKind, LooksCommand, MetaCommand,
    SessionCommand, StatementCommand, SystemCommand, VariableCommand, WatchOptions,
};
use crate::exec::options::SendOptions;

/// Begins what is said of a name that no command has.
pub(super) const UNKNOWN: &str = "invalid command";

/// Reads the arguments of the command with this name, as the psql of this version does (160000 is 16).
///
/// # Errors
/// psql's text for a command that does not exist, or whose arguments are cut short.
pub(crate) fn parse(name: &str, args: &mut Args, version: u32) -> Result<MetaCommand, String> {
    let found = condition(name, args)
        .map(MetaCommand::Condition)
        .or_else(|| looks(name, args).map(MetaCommand::Looks))
        .or_else(|| variable(name, args).map(MetaCommand::Variable))
        .or_else(|| session(name, args).map(MetaCommand::Session))
        .or_else(|| system(name, args).map(MetaCommand::System))
        .or_else(|| catalogue(name, args).map(MetaCommand::Catalogue))
        .or_else(|| refused(name).map(MetaCommand::Refused));
    match found {
        Some(command) => Ok(command),
        None => match statement(name, args, version)? {
            Some(command) => Ok(MetaCommand::Statement(command)),
            None => Err(format!("{UNKNOWN} \\{name}")),
        },
    }
}

fn condition(name: &str, args: &mut Args) -> Option<ConditionCommand> {
    // A condition is all the words that follow, joined.
    let words = |args: &mut Args| Some(args.left().join(" ")).filter(|words| !words.is_empty());
    Some(match name {
        "if" => ConditionCommand::If(words(args)),
        "elif" => ConditionCommand::Elif(words(args)),
        "else" => ConditionCommand::Else,
        "endif" => ConditionCommand::Endif,
        _ => return None,
    })
}

fn statement(name: &str, args: &mut Args, version: u32) -> Result<Option<StatementCommand>, String> {
    Ok(Some(match name {
        "g" | "gx" => StatementCommand::Send(send(name, args)?),
        "gset" => {
            let gset = Some(args.normal().unwrap_or_default());
            StatementCommand::Send(SendOptions { gset, ..SendOptions::default() })
        }
        "gexec" => StatementCommand::Send(SendOptions { gexec: true, ..SendOptions::default() }),
        "gdesc" => StatementCommand::Columns,
        "watch" => StatementCommand::Watch(watch(args, version)),
        "e" | "edit" => match (args.word(), args.word()) {
            (Some(line), None) if line.parse::<u32>().is_ok() => {
                StatementCommand::Edit { file: None, line: line.parse().ok() }
            }
            (file, line) => StatementCommand::Edit { file, line: line.and_then(|l| l.parse().ok()) },
        },
        "p" | "print" => StatementCommand::Print,
        "r" | "reset" => StatementCommand::Reset,
        "w" | "write" => StatementCommand::Write(args.word_or_pipe()),
        _ => return Ok(None),
    }))
}

fn looks(name: &str, args: &mut Args) -> Option<LooksCommand> {
    Some(match name {
        "a" => LooksCommand::Aligned,
        "C" => LooksCommand::Title(args.word()),
        "f" => LooksCommand::FieldSeparator(args.normal()),
        "t" => LooksCommand::Tuples(args.word()),
        "x" => LooksCommand::Expanded(args.word()),
        "pset" => LooksCommand::Pset { name: args.normal(), value: args.normal() },
        "timing" => LooksCommand::Timing(args.normal()),
        "o" | "out" => LooksCommand::Output(args.word_or_pipe()),
        "echo" => echo(args, EchoTarget::Output),
        "qecho" => echo(args, EchoTarget::Results),
        "warn" => echo(args, EchoTarget::Errors),
        _ => return None,
    })
}

fn variable(name: &str, args: &mut Args) -> Option<VariableCommand> {
    Some(match name {
        "set" => {
            let name = args.normal();
            let rest = args.left();
            VariableCommand::Set { value: name.is_some().then(|| rest.concat()), name }
        }
        "unset" => VariableCommand::Unset(args.normal()),
        "getenv" => VariableCommand::Getenv { name: args.normal(), variable: args.normal() },
        "setenv" => {
            args.left();
            VariableCommand::Setenv
        }
        "prompt" => match (args.normal(), args.normal()) {
            (text, Some(name)) => VariableCommand::Prompt { text, name: Some(name) },
            (name, None) => VariableCommand::Prompt { text: None, name },
        },
        _ => return None,
    })
}

fn session(name: &str, args: &mut Args) -> Option<SessionCommand> {
    Some(match name {
        "c" | "connect" => {
            SessionCommand::Connect { database: args.name(), user: args.name(), host: args.name(), port: args.name() }
        }
        "conninfo" => SessionCommand::Info,
        "encoding" => SessionCommand::Encoding(args.normal()),
        "errverbose" => SessionCommand::LastError,
        "restrict" => SessionCommand::Restrict(args.word()),
        "unrestrict" => SessionCommand::Unrestrict(args.word()),
        "q" | "quit" => SessionCommand::Quit,
        _ => return None,
    })
}

fn system(name: &str, args: &mut Args) -> Option<SystemCommand> {
    Some(match name {
        "!" => SystemCommand::Shell(args.whole_line()),
        "?" => SystemCommand::Help(args.normal()),
        "cd" => SystemCommand::Cd(args.word()),
        "copy" => SystemCommand::Copy(args.line().unwrap_or_default()),
        "h" | "help" => SystemCommand::SqlHelp(args.line()),
        "i" | "include" => SystemCommand::Include { file: args.word(), relative: false },
        "ir" | "include_relative" => SystemCommand::Include { file: args.word(), relative: true },
        "s" => SystemCommand::History(args.word()),
        _ => return None,
    })
}

fn catalogue(name: &str, args: &mut Args) -> Option<CatalogueCommand> {
    let more = name.ends_with('+');
    Some(match name {
        "l" | "list" | "l+" | "list+" => {
            CatalogueCommand::Describe { what: ListingKind::Databases, pattern: args.word(), more, system: true }
        }
        "z" | "zS" => {
            let (pattern, system) = (args.word(), name.ends_with('S'));
            CatalogueCommand::Describe { what: ListingKind::Privileges, pattern, more, system }
        }
        "sf" | "sf+" => CatalogueCommand::Function { name: args.line(), more },
        "sv" | "sv+" => CatalogueCommand::View { name: args.line(), more },
        "dconfig" | "dconfig+" => CatalogueCommand::Configuration { pattern: args.word(), more },
        _ => {
            let (what, more, system) = name.strip_prefix('d').and_then(describe)?;
            CatalogueCommand::Describe { what, pattern: args.word(), more, system }
        }
    })
}

/// Tells why a command that psql has is not here.
fn refused(name: &str) -> Option<&'static str> {
    Some(match name {
        "H" | "html" | "T" => NO_HTML,
        "password" => NO_PASSWORDS,
        "bind" => "\\bind is not here: \\set a variable, and write :'variable' where its value is to stand",
        "copyright" => "\\copyright is not here: postgresql.org/about/licence has PostgreSQL's",
        "crosstabview" => "\\crosstabview is not here: \\g (format=csv) file gives the rows to a spreadsheet",
        "ef" | "ev" => "\\ef and \\ev are not here: \\sf or \\sv shows the definition, \\e edits a statement",
        "lo_export" | "lo_import" | "lo_list" | "lo_unlink" => {
            "there are no large objects in Aurora DSQL: a bytea column holds up to 1 MiB"
        }
        name if ELSEWHERE.contains(&name.trim_end_matches(['+', 'S'])) => NOT_LISTED,
        _ => return None,
    })
}

fn echo(args: &mut Args, to: EchoTarget) -> LooksCommand {
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
    LooksCommand::Echo { to, text, newline }
}

fn send(name: &str, args: &mut Args) -> Result<SendOptions, String> {
    let mut how = SendOptions { expanded: name == "gx", ..SendOptions::default() };
    let Some(first) = args.file_or_pipe() else { return Ok(how) };
    let Some(mut word) = first.strip_prefix('(').map(str::to_owned) else {
        how.file = Some(first);
        return Ok(how);
    };
    loop {
        let last = word.ends_with(')');
        let setting = word.trim_end_matches(')');
        if !setting.is_empty() {
            let (name, value) = match setting.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (setting, None),
            };
            how.settings.push((name.to_owned(), value));
        }
        if last {
            break;
        }
        word = args.normal().ok_or_else(|| format!("\\{name}: missing right parenthesis"))?;
    }
    how.file = args.file_or_pipe();
    Ok(how)
}

fn watch(args: &mut Args, version: u32) -> Result<WatchOptions, String> {
    let mut watch = WatchOptions { interval: None, count: None, min_rows: None };
    if version < 160_000 {
        // One number, and what is none counts as a second.
        let number = |text: &str| text.parse().ok().filter(|s: &f64| *s > 0.0 && s.is_finite()).unwrap_or(1.0);
        watch.interval = args.word().map(|text| number(&text));
        return Ok(watch);
    }
    for word in args.words() {
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
            Some(("m" | "min_rows", value)) if version >= 170_000 => {
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

/// Reads what the letters behind `\d` ask for, with `S` (system) and `+` (more).
fn describe(letters: &str) -> Option<(ListingKind, bool, bool)> {
    // psql looks at the first letter alone of most, so that `\dt;` lists tables; `\d;` and `\df;` are no commands.
    let letters = if letters.starts_with([';', 'f']) { letters } else { letters.trim_end_matches(';') };
    let more = letters.contains('+');
    let system = letters.contains('S');
    let bare: String = letters.chars().filter(|c| !matches!(c, '+' | 'S')).collect();
    let what = match bare.as_str() {
        "" => ListingKind::Any,
        "n" => ListingKind::Schemas,
        kinds if kinds.starts_with('f') && kinds[1..].chars().all(|c| "anptw".contains(c)) => ListingKind::Functions {
            kinds: FunctionKinds {
                aggregate: kinds.contains('a'),
                normal: kinds.contains('n'),
                procedure: kinds.contains('p'),
                trigger: kinds.contains('t'),
                window: kinds.contains('w'),
            },
        },
        "u" | "g" => ListingKind::Roles,
        "p" => ListingKind::Privileges,
        "T" => ListingKind::Types,
        "D" => ListingKind::Domains,
        kinds if kinds.chars().all(|c| matches!(c, 't' | 'i' | 'v' | 's' | 'm' | 'E')) => ListingKind::Relations {
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

    fn parsed(text: &str) -> MetaCommand {
        let (name, rest) = crate::meta::command_name(text);
        parse(name, &mut Args::new(text, text.len() - rest.len(), None), 170_000).unwrap()
    }

    #[test]
    fn letters_of_d() {
        assert_eq!(
            describe("t+"),
            Some((
                ListingKind::Relations {
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
        assert!(matches!(
            describe("Sti"),
            Some((ListingKind::Relations { tables: true, indexes: true, .. }, false, true))
        ));
        assert_eq!(describe("nonsense"), None);
        assert_eq!(describe("t;"), describe("t"));
        assert_eq!(describe("+;"), describe("+"));
        assert_eq!((describe(";"), describe("f;"), describe("t;x")), (None, None, None));
    }

    #[test]
    fn watch_takes_psql_17_s_words() {
        let MetaCommand::Statement(StatementCommand::Watch(Ok(watch))) = parsed("watch i=0.5 c=3 m=1") else {
            panic!()
        };
        assert_eq!(watch, WatchOptions { interval: Some(0.5), count: Some(3), min_rows: Some(1) });
        let of_16 = |text| super::watch(&mut Args::new(text, 0, None), 160_000);
        assert_eq!(of_16("m=1").unwrap_err(), "\\watch: unrecognized parameter \"m=1\"");
        assert_eq!(of_16("c=2").unwrap().count, Some(2));
        assert_eq!(super::watch(&mut Args::new("x", 0, None), 150_000).unwrap().interval, Some(1.0));
        assert!(matches!(parsed("watch -1"), MetaCommand::Statement(StatementCommand::Watch(Err(_)))));
        assert!(matches!(parsed("watch i=1 2"), MetaCommand::Statement(StatementCommand::Watch(Err(_)))));
    }

    #[test]
    fn echo_knows_n_only_unquoted_and_first() {
        assert!(
            matches!(parsed("echo -n a b"), MetaCommand::Looks(LooksCommand::Echo { text, newline: false, .. }) if text == "a b")
        );
        assert!(
            matches!(parsed("echo '-n' a"), MetaCommand::Looks(LooksCommand::Echo { text, newline: true, .. }) if text == "-n a")
        );
    }

    #[test]
    fn g_takes_settings_and_a_file() {
        let MetaCommand::Statement(StatementCommand::Send(how)) = parsed("g (format=csv tuples_only=on) out.csv")
        else {
            panic!()
        };
        assert_eq!(how.settings.len(), 2);
        assert_eq!(how.file.as_deref(), Some("out.csv"));
        let MetaCommand::Statement(StatementCommand::Send(how)) = parsed("g | sort -n") else { panic!() };
        assert_eq!(how.file.as_deref(), Some("| sort -n"));
    }
}

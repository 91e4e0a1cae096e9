//! The prompt (`\set PROMPT1`): psql's escapes. Pure.

use crate::report::TxState;
use crate::scan::PromptStatus;
use crate::vars::Vars;
use workshop_base::text::{masked, width};

/// The facts that a prompt can tell.
#[derive(Debug, Clone)]
pub struct PromptFacts<'a> {
    pub host: &'a str,
    pub port: u16,
    pub user: &'a str,
    pub database: &'a str,
    pub superuser: bool,
    /// The server process, 0 without a connection.
    pub process: i32,
    pub tx: TxState,
    pub status: PromptStatus,
    /// Inside a branch of `\if` that is not taken.
    pub inactive: bool,
    /// The statement so far; its lines are counted only where a prompt says so.
    pub statement: &'a str,
}

/// The prompt for the next line.
pub fn prompt(vars: &Vars, facts: &PromptFacts) -> String {
    let name = if facts.status == PromptStatus::Statement { "PROMPT1" } else { "PROMPT2" };
    expand(vars.get(name).unwrap_or_default(), vars, facts, false)
}

/// Columns that the last line of the first prompt takes, the text that is marked as invisible not counted.
fn first_width(vars: &Vars, facts: &PromptFacts) -> usize {
    let format = vars.get("PROMPT1").unwrap_or_default();
    let facts = PromptFacts { status: PromptStatus::Statement, statement: "", ..facts.clone() };
    let first = expand(format, vars, &facts, true);
    width(first.rsplit('\n').next().unwrap_or_default())
}

/// The transaction's state as `%x` shows it.
pub fn tx_mark(tx: TxState) -> &'static str {
    match tx {
        TxState::Idle => "",
        TxState::Open => "*",
        TxState::Failed => "!",
        TxState::Unknown => "?",
    }
}

/// Fills a prompt in. Of one that is `measured` its own width and invisible text are no part.
fn expand(format: &str, vars: &Vars, facts: &PromptFacts, measured: bool) -> String {
    let mut out = String::new();
    let mut invisible_from = None;
    let database = masked(facts.database);
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('/') => out.push_str(&database),
            Some('~') => out.push_str(if facts.database == facts.user { "~" } else { &database }),
            Some('M') => out.push_str(facts.host),
            Some('m') => out.push_str(facts.host.split('.').next().unwrap_or_default()),
            Some('>') => out.push_str(&facts.port.to_string()),
            Some('n') => out.push_str(facts.user),
            Some('p') => out.push_str(&facts.process.to_string()),
            Some('#') => out.push(if facts.superuser { '#' } else { '>' }),
            Some('x') => out.push_str(tx_mark(facts.tx)),
            Some('l') => out.push_str(&(1 + facts.statement.matches('\n').count()).to_string()),
            Some('R') => out.push(match facts.status {
                PromptStatus::Statement if facts.inactive => '@',
                PromptStatus::Statement if vars.on("SINGLELINE") => '^',
                status => status.mark(),
            }),
            Some(':') => {
                let name: String = chars.by_ref().take_while(|c| *c != ':').collect();
                // `\gset` may have put anything there.
                out.push_str(&masked(vars.get(&name).unwrap_or_default()));
            }
            // What goes on stands below what it goes on with.
            Some('w') if measured => {}
            Some('w') => out.extend(std::iter::repeat_n(' ', first_width(vars, facts))),
            // Marks of invisible text mean something to readline only.
            Some('[') => invisible_from = Some(out.len()),
            Some(']') => {
                if let Some(from) = invisible_from.take().filter(|_| measured) {
                    out.truncate(from);
                }
            }
            Some(d) if d.is_digit(8) => {
                let mut code = d.to_digit(8).unwrap_or(0);
                while let Some(d) = chars.peek().and_then(|c| c.to_digit(8)).filter(|_| code < 32) {
                    code = code * 8 + d;
                    chars.next();
                }
                out.extend(char::from_u32(code));
            }
            Some(other) => out.push(other),
            None => out.push('%'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(vars: &Vars, tx: TxState, status: PromptStatus) -> String {
        let facts = PromptFacts {
            host: "abc.dsql.us-east-1.on.aws",
            port: 5432,
            user: "admin",
            database: "postgres",
            superuser: false,
            process: 7,
            tx,
            status,
            inactive: false,
            statement: "",
        };
        prompt(vars, &facts)
    }

    #[test]
    fn the_state_of_transaction_and_text_is_in_the_prompt() {
        let mut vars = Vars::default();
        assert_eq!(shown(&vars, TxState::Idle, PromptStatus::Statement), "postgres=> ");
        assert_eq!(shown(&vars, TxState::Open, PromptStatus::More), "postgres-*> ");
        assert_eq!(shown(&vars, TxState::Failed, PromptStatus::Statement), "postgres=!> ");
        assert_eq!(shown(&vars, TxState::Unknown, PromptStatus::Quote), "postgres'?> ");
        vars.put("PROMPT2", "%w|");
        vars.put("PROMPT1", "%[%033[1m%]日\n%/%R%#%[%033[0m%] %w");
        assert_eq!(shown(&vars, TxState::Open, PromptStatus::More), "           |");
        vars.put("PROMPT1", "%%ww%%[x%]%n");
        assert_eq!(shown(&vars, TxState::Open, PromptStatus::More), format!("{}|", " ".repeat("%ww%[xadmin".len())));
        vars.put("SINGLELINE", "on");
        vars.put("PROMPT1", "%R");
        assert_eq!(shown(&vars, TxState::Idle, PromptStatus::Statement), "^");
        vars.put("PROMPT1", "%n@%m:%>/%p %:x:%%");
        vars.put("x", "y");
        assert_eq!(shown(&vars, TxState::Idle, PromptStatus::Statement), "admin@abc:5432/7 y%");
        // The person's own codes reach the terminal, a value's do not.
        vars.put("PROMPT1", "%033[1m%:x:");
        vars.put("x", "\u{1b}[2J");
        assert_eq!(shown(&vars, TxState::Idle, PromptStatus::Statement), "\u{1b}[1m\u{241b}[2J");
    }
}

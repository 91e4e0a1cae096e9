//! `workshop sql`: the console on the course's cluster, without the screen.

use std::io::IsTerminal;

use super::args::{Common, SqlArgs};
use super::sandbox::Waiting;
use super::{block_on, course, places, target, wants_color};
use crate::aws::{Clients, cluster};
use crate::engine::{self, real};
use crate::problem::Result;
use crate::sql::history;
use crate::sql::repl::{self, Action, Invocation};

pub fn run(common: &Common, args: SqlArgs, actions: Vec<Action>) -> Result<u8> {
    args.refuse()?;
    let (variables, settings) = (args.variables(), args.settings());
    let workdir = places::workdir(common)?;
    let course = course::read(common)?;
    let target = target::of(common, &course);
    block_on(async {
        let mut waiting = Waiting::new();
        let reach = target::Reach::new(common, target, &workdir)?;
        // Held until the console ends: the sandbox stays as long.
        let (environment, held) = reach.environment(|now| waiting.show(&now)).await?;
        waiting.clear();
        // The shell's PGHOST counts when it names a cluster; it may as well name someone's own server.
        let named = std::env::var("PGHOST").ok().filter(|host| cluster::parse_endpoint(host).is_some());
        let mut connector = match args.host.clone().or(named) {
            Some(host) => real::connector(&environment, &Clients::connect(&environment).await?, host),
            None => {
                let world = real::connect(environment, None, &workdir).await?;
                let host = engine::cluster_host(&world, &course.stack).await?;
                world.connector(host)
            }
        };
        connector.database = args.database;
        connector.port = args.port.unwrap_or(connector.port);
        let invocation = Invocation {
            actions,
            variables,
            settings,
            unaligned: args.no_align,
            csv: args.csv,
            tuples_only: args.tuples_only,
            expanded: args.expanded,
            quiet: args.quiet,
            single_transaction: args.single_transaction,
            output: args.output,
            history: places::is_ours(&workdir).then(|| workdir.join(places::MARK).join(history::FILE)),
            pager: pager(),
            hints: true,
            color: wants_color(common.color, std::io::stderr().is_terminal()),
        };
        let code = repl::run(connector, &args.role, invocation).await;
        drop(held);
        Ok(code)
    })
}

/// What long output is read in, as psql has it: PSQL_PAGER, else PAGER, else `less` where there is one. One of
/// nothing but blanks is none.
fn pager() -> Option<String> {
    let named = ["PSQL_PAGER", "PAGER"].iter().find_map(|name| std::env::var(name).ok());
    let less = || std::env::split_paths(&std::env::var_os("PATH")?).find(|dir| dir.join("less").is_file());
    match named {
        Some(named) => Some(named).filter(|named| !named.trim().is_empty()),
        None => less().map(|_| "less".to_owned()),
    }
}

//! `workshop sql`: the console on the course's cluster, without the screen.

use std::io::IsTerminal;

use super::args::{Common, SqlArgs};
use super::sandbox::Waiting;
use super::{block_on, course, places, target, wants_color};
use crate::aws::{Clients, Environment, cluster};
use crate::engine::{self, real};
use crate::lesson::model::Target;
use crate::problem::Result;
use crate::sandbox::control;
use crate::sql::repl::{self, Action, Invocation};

pub fn run(common: &Common, args: SqlArgs, actions: Vec<Action>) -> Result<u8> {
    let workdir = places::workdir(common)?;
    let course = course::read(common)?;
    let target = target::of(common, &course);
    block_on(async {
        // Held until the console ends: the sandbox stays as long.
        let lease = match target {
            Target::Aws => None,
            Target::Local => {
                let mut waiting = Waiting::new();
                let lease =
                    control::ensure(&workdir, &target::sandbox(common, None)?, |now| waiting.show(&now)).await?;
                waiting.clear();
                Some(lease)
            }
        };
        let environment = match &lease {
            Some(lease) => Environment(lease.environment.clone()),
            None => target::account(common, std::env::vars()),
        };
        // The shell's PGHOST counts when it names a cluster; it may as well name someone's own server.
        let named = std::env::var("PGHOST").ok().filter(|host| cluster::parse_endpoint(host).is_some());
        let host = match args.host.clone().or(named) {
            Some(host) => host,
            None => {
                let world = real::connect(environment.clone(), &workdir).await?;
                engine::cluster_host(&*world, &course.stack).await?
            }
        };
        let clients = Clients::connect(&environment).await?;
        let connector = real::connector(&environment, &clients, host);
        let invocation = Invocation {
            actions,
            variables: args.variables,
            settings: args.settings,
            unaligned: args.no_align,
            csv: args.csv,
            tuples_only: args.tuples_only,
            expanded: args.expanded,
            quiet: args.quiet,
            output: args.output,
            history: places::is_ours(&workdir).then(|| workdir.join(places::MARK).join("sql_history")),
            hints: true,
            color: wants_color(common.color, std::io::stderr().is_terminal()),
        };
        let code = repl::run(connector, &args.role, invocation).await;
        drop(lease);
        Ok(code)
    })
}

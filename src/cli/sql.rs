//! `workshop sql`: the console on the course's cluster, without the screen.

use std::path::Path;

use super::args::{CommonOptions, SqlArgs};
use super::output::colors_stderr;
use super::runtime::block_on;
use super::sandbox::ProgressLine;
use super::{course, places, target};
use workshop_base::problem::{Kind, Problem, Result};
use workshop_course::lesson::model::Target;
use workshop_engine::aws::{Clients, cluster};
use workshop_engine::{self, aws_target};
use workshop_psql::history;
use workshop_psql::repl::{self, ScriptAction, SqlInvocation};
use workshop_sandbox::control;

/// Runs the console on the cluster that is meant, and returns its exit code.
///
/// # Errors
/// When no cluster can be told, or the target cannot be reached.
pub fn run(common: &CommonOptions, args: SqlArgs, actions: Vec<ScriptAction>) -> Result<u8> {
    args.refuse()?;
    let (variables, settings) = (args.variables(), args.settings());
    let workdir = places::workdir(common)?;
    let (told, common) = (common, &target::remembered(common, &workdir)?);
    let course = match places::course(common) {
        // One that was asked for has to be there. Else it only says which stack the cluster is in.
        Err(problem) if common.lessons.is_some() => return Err(problem),
        Err(_) => None,
        Ok(_) => Some(course::read(common)?),
    };
    // The shell's PGHOST counts when it names a cluster; it may as well name someone's own server.
    let named = std::env::var("PGHOST").ok().filter(|host| cluster::parse_endpoint(host).is_some());
    let named = args.host.clone().or(named);
    let wanted = common.target.map(Target::from);
    let target =
        target_with_cluster(wanted, course.as_ref().map(|c| c.target), places::is_ours(&workdir), named.is_some())
            .ok_or_else(|| nowhere(&workdir))?;
    let stack = course.and_then(|course| course.stack);
    block_on(async {
        let mut waiting = ProgressLine::new();
        let reach = target::Reach::new(common, target, &workdir)?;
        // Held until the console ends: the sandbox stays as long.
        let (mut environment, held) = reach.environment(|now| waiting.show(&now)).await?;
        waiting.clear();
        let mut connector = match named {
            Some(host) => {
                // Its token is for the region that it is in, whichever the shell is set to.
                if let (None, Some((_, region))) = (&told.region, cluster::parse_endpoint(&host)) {
                    environment.0.insert("AWS_REGION".to_owned(), region.to_owned());
                }
                aws_target::connector(&environment, &Clients::connect(&environment).await?, host)
            }
            None => {
                let world = aws_target::connect(environment, None, &workdir).await?;
                let host = match &stack {
                    Some(stack) => workshop_engine::cluster_host(&world, stack).await,
                    None => Err(unnamed(target)),
                };
                let host = match (host, target) {
                    // One that was made by hand, without the stack.
                    (Err(problem), Target::Local) => sandboxes(common, &workdir).await?.ok_or(problem)?,
                    (host, _) => host?,
                };
                world.connector(host)
            }
        };
        connector.database = args.database;
        connector.port = args.port.unwrap_or(connector.port);
        let invocation = SqlInvocation {
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
            color: colors_stderr(common.color),
        };
        let code = repl::run(connector, &args.role, invocation).await;
        drop(held);
        Ok(code)
    })
}

/// Chooses the target that has the cluster: the one asked for, else that of the work that was begun here, else the account
/// that the shell's environment leads to, if a cluster is named. None when there is nothing to go by.
fn target_with_cluster(wanted: Option<Target>, course: Option<Target>, begun: bool, named: bool) -> Option<Target> {
    let target = wanted.or(if begun { course.or(Some(Target::Local)) } else { None });
    match target.or(if named { Some(Target::Aws) } else { course }) {
        // There is no sandbox here, and one that is started now has no cluster.
        Some(Target::Local) if !begun => None,
        found => found,
    }
}

/// Returns the endpoint of the sandbox's own first cluster.
async fn sandboxes(common: &CommonOptions, workdir: &Path) -> Result<Option<String>> {
    let mut variables = control::env(workdir, &target::sandbox(common, None)?).await?;
    Ok(variables.remove("PGHOST"))
}

fn nowhere(workdir: &Path) -> Problem {
    Problem::usage(format!("there is no cluster to connect to: nothing was begun in {}", workdir.display())).hint(
        "pass the --workdir that a workshop or a sandbox was begun in, name a cluster with -h or PGHOST, \
         or start `workshop` first",
    )
}

fn unnamed(target: Target) -> Problem {
    match target {
        Target::Local => Problem::new(Kind::Failed, "the sandbox has no cluster")
            .hint("deploy one, or make one: `aws dsql create-cluster` after `eval \"$(workshop sandbox env)\"`"),
        Target::Aws => Problem::usage("there is no course here that says which cluster is meant")
            .hint("name it with -h (`aws dsql list-clusters` lists identifiers; an endpoint is IDENTIFIER.dsql.REGION.on.aws)"),
    }
}

/// Returns the program that long output is read in, as psql has it: PSQL_PAGER, else PAGER, else `less` where there is one. One of
/// nothing but blanks is none.
fn pager() -> Option<String> {
    let named = ["PSQL_PAGER", "PAGER"].iter().find_map(|name| std::env::var(name).ok());
    let less = || std::env::split_paths(&std::env::var_os("PATH")?).find(|dir| dir.join("less").is_file());
    match named {
        Some(named) => Some(named).filter(|named| !named.trim().is_empty()),
        None => less().map(|_| "less".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Target::{Aws, Local};

    #[test]
    fn a_cluster_is_looked_for_where_something_was_begun_or_named() {
        // In a course's directory and out of one, with and without work that was begun.
        assert_eq!(target_with_cluster(None, Some(Local), true, false), Some(Local));
        assert_eq!(target_with_cluster(None, None, true, false), Some(Local));
        assert_eq!(target_with_cluster(None, Some(Aws), true, true), Some(Aws));
        assert_eq!(target_with_cluster(Some(Aws), Some(Local), true, false), Some(Aws));
        // After `sandbox env`, or with -h.
        assert_eq!(target_with_cluster(None, Some(Local), false, true), Some(Aws));
        assert_eq!(target_with_cluster(None, None, false, true), Some(Aws));
        assert_eq!(target_with_cluster(None, Some(Aws), false, false), Some(Aws));
        // An empty sandbox is not started for it.
        assert_eq!(target_with_cluster(None, Some(Local), false, false), None);
        assert_eq!(target_with_cluster(Some(Local), None, false, true), None);
        assert_eq!(target_with_cluster(None, None, false, false), None);
    }
}

//! `workshop sql`: the console on the course's cluster, without the screen.

use std::io::IsTerminal as _;
use std::path::Path;

use super::args::{CommonOptions, SqlArgs};
use super::output::colors_stderr;
use super::runtime::block_on;
use super::sandbox::ProgressLine;
use super::{course, places, target};
use crate::tui::UserConfig;
use workshop_base::database_url::{DatabaseUrl, UrlTls};
use workshop_base::problem::{Kind, Problem, Result};
use workshop_course::lesson::model::{Course, CourseDatabase, Target};
use workshop_engine::aws::{Clients, cluster};
use workshop_engine::aws_target::{self, Held};
use workshop_psql::history;
use workshop_psql::repl::{self, ScriptAction, SqlInvocation};
use workshop_psql::session::Connector;
use workshop_psql::token::ADMIN;
use workshop_sandbox::control;

/// Runs the console on the database that is meant, and returns its exit code.
///
/// # Errors
/// When no database can be told, or it cannot be reached.
pub fn run(common: &CommonOptions, args: SqlArgs, actions: Vec<ScriptAction>) -> Result<u8> {
    args.refuse()?;
    let (variables, settings) = (args.variables(), args.settings());
    let typed = actions.is_empty() && std::io::stdin().is_terminal();
    let vi = has_vis_keys(typed, |name| std::env::var(name).ok())?;
    let workdir = places::workdir(common)?;
    let common = &target::remembered(common, &workdir)?;
    let server = server(&args, |name| std::env::var(name).ok())?;
    let course = match places::course(common) {
        // A server that is named needs no course.
        _ if server.is_some() => None,
        // One that was asked for has to be there. Else it only says which database is meant.
        Err(problem) if common.lessons.is_some() => return Err(problem),
        Err(_) => None,
        Ok(_) => Some(course::read(common)?),
    };
    block_on(async {
        let found = match (server, course) {
            (Some(url), _) => Found::server(&url),
            (None, Some(course)) if course.database != CourseDatabase::Cluster && args.host.is_none() => {
                own_database(common, &workdir, &course).await?
            }
            (None, course) => cluster_of(common, &args, &workdir, course).await?,
        };
        let Found { mut connector, role, hints, held } = found;
        if let Some(database) = args.database.filter(|database| !database.contains("://")) {
            connector.database = database;
        }
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
            hints,
            color: colors_stderr(common.color),
            vi,
        };
        let code = repl::run(connector, &args.role.unwrap_or(role), invocation).await;
        drop(held);
        Ok(code)
    })
}

/// Tells whether lines are edited with vi's keys: as the person's own settings have it, which nobody needs who does not type.
fn has_vis_keys(typed: bool, variable: impl Fn(&str) -> Option<String>) -> Result<bool> {
    Ok(typed && UserConfig::read(variable)?.vi)
}

/// The database that is meant, and who connects where nobody is named.
struct Found {
    connector: Connector,
    role: String,
    /// Errors are explained as DSQL means them.
    hints: bool,
    /// Held until the console ends: the sandbox stays as long.
    held: Option<Held>,
}

impl Found {
    fn server(url: &DatabaseUrl) -> Found {
        let role = url.user.clone().unwrap_or_else(target::user);
        Found { connector: Connector::to_server(url, &role), role, hints: false, held: None }
    }
}

/// Returns the ordinary server that the command line names: by an address, or by a host that is no cluster's endpoint.
fn server(args: &SqlArgs, variable: impl Fn(&str) -> Option<String>) -> Result<Option<DatabaseUrl>> {
    if let Some(text) = args.database.as_deref().filter(|database| database.contains("://")) {
        let url = DatabaseUrl::parse(text);
        let mut url =
            url.map_err(|e| Problem::usage(format!("-d is not an address of a server: {e}")).hint(e.hint()))?;
        url.password = url.password.or_else(|| variable("PGPASSWORD"));
        return Ok(Some(url));
    }
    let Some(host) = args.host.clone().filter(|host| cluster::parse_endpoint(host).is_none()) else { return Ok(None) };
    let port = args.port.or_else(|| variable("PGPORT")?.parse().ok());
    let tls = match variable("PGSSLMODE").as_deref() {
        Some("disable") => UrlTls::Off,
        Some("require" | "verify-ca" | "verify-full") => UrlTls::Verified,
        Some(_) | None => UrlTls::IfRemote,
    };
    Ok(Some(DatabaseUrl {
        host,
        port: port.unwrap_or(5432),
        user: args.role.clone().or_else(|| variable("PGUSER")),
        password: variable("PGPASSWORD"),
        database: args.database.clone().or_else(|| variable("PGDATABASE")),
        tls,
        ca: variable("PGSSLROOTCERT").filter(|ca| ca != "system"),
    }))
}

/// The database that a course has besides the cluster of a stack.
async fn own_database(common: &CommonOptions, workdir: &Path, course: &Course) -> Result<Found> {
    if course.database == CourseDatabase::Postgres && !places::is_ours(workdir) {
        return Err(Problem::usage(format!("there is no database yet: nothing was begun in {}", workdir.display()))
            .hint("pass the --workdir that the workshop was begun in, or start `workshop` first"));
    }
    let mut waiting = ProgressLine::new();
    let reach = target::DatabaseReach::new(common, workdir, &course.database)?;
    let (own, held) = reach.reach(|now| waiting.show(&now)).await?;
    waiting.clear();
    let own = own.ok_or_else(|| unnamed(Target::Aws))?;
    Ok(Found { connector: own.connector, role: own.site.role, hints: false, held })
}

/// The cluster that is named, else that of the course's stack.
async fn cluster_of(common: &CommonOptions, args: &SqlArgs, workdir: &Path, course: Option<Course>) -> Result<Found> {
    // The shell's PGHOST counts when it names a cluster; it may as well name someone's own server.
    let named = std::env::var("PGHOST").ok().filter(|host| cluster::parse_endpoint(host).is_some());
    let named = args.host.clone().or(named);
    let wanted = common.target.map(Target::from);
    if let Some(course) = course.as_ref().filter(|course| !course.asks_database() && named.is_none()) {
        return Err(Problem::usage(format!("“{}” has no database", course.title))
            .hint("name one: -h HOST, -h ENDPOINT of a cluster, or -d postgres://ROLE@HOST:5432/DATABASE"));
    }
    let target =
        target_with_cluster(wanted, course.as_ref().map(|c| c.target), places::is_ours(workdir), named.is_some())
            .ok_or_else(|| nowhere(workdir))?;
    let mut waiting = ProgressLine::new();
    let reach = target::Reach::new(common, target, workdir)?;
    let (mut environment, held) = reach.environment(|now| waiting.show(&now)).await?;
    waiting.clear();
    let connector = match named {
        Some(host) => {
            // Its token is for the region that it is in, whichever the shell is set to.
            if let (None, Some((_, region))) = (&common.region, cluster::parse_endpoint(&host)) {
                environment.0.insert("AWS_REGION".to_owned(), region.to_owned());
            }
            aws_target::connector(&environment, &Clients::connect(&environment).await?, host)
        }
        None => {
            let world = aws_target::connect(environment, None, None, workdir, None).await?;
            let host = match course.and_then(|course| course.stack) {
                Some(stack) => workshop_engine::cluster_host(&world, &stack).await,
                None => Err(unnamed(target)),
            };
            let host = match (host, target) {
                // One that was made by hand, without the stack.
                (Err(problem), Target::Local) => sandboxes(common, workdir).await?.ok_or(problem)?,
                (host, _) => host?,
            };
            world.connector(host)
        }
    };
    Ok(Found { connector, role: ADMIN.to_owned(), hints: true, held })
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
    fn a_server_that_is_no_cluster_is_named_as_psql_names_it() {
        use clap::Parser;
        let named = |line: &str| {
            let cli = crate::cli::args::Cli::parse_from(["workshop", "sql"].into_iter().chain(line.split_whitespace()));
            let Some(crate::cli::args::CliCommand::Sql(args)) = cli.command else { unreachable!() };
            let vars = [("PGUSER", "me"), ("PGPASSWORD", "hunter2"), ("PGPORT", "6000")];
            let of = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
            server(&args, of).unwrap().map(|url| (url.to_string(), url.password.unwrap_or_default()))
        };
        let is = |url: &str| Some((url.to_owned(), "hunter2".to_owned()));
        assert_eq!(named("-h db.example"), is("postgres://me@db.example:6000"));
        assert_eq!(named("-h db.example -U app -d shop -p 5433"), is("postgres://app@db.example:5433/shop"));
        assert_eq!(named("-d postgres://app@h/x"), is("postgres://app@h:5432/x"));
        assert_eq!(named("-h abc.dsql.us-east-1.on.aws"), None);
        assert_eq!(named("-d postgres"), None);
    }

    #[test]
    fn whoever_types_has_the_keys_of_the_own_settings() {
        let dir = tempfile::tempdir().unwrap();
        let keys = |typed, text: &str| {
            std::fs::create_dir_all(dir.path().join("workshop")).unwrap();
            std::fs::write(dir.path().join("workshop/config"), text).unwrap();
            let home = dir.path().to_string_lossy().into_owned();
            has_vis_keys(typed, |name| (name == "XDG_CONFIG_HOME").then(|| home.clone()))
        };
        assert!(keys(true, "editing_mode = vi\n").unwrap());
        assert!(!keys(true, "editing_mode = emacs\n").unwrap());
        assert!(keys(true, "editing_mode = ed\n").is_err());
        assert!(!keys(false, "editing_mode = ed\n").unwrap());
    }

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

//! The target of a run: the sandbox that is started for it, or the user's account.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::args::CommonOptions;
use super::controls::SandboxControls;
use super::shell;
use workshop_base::database_url::DatabaseUrl;
use workshop_base::problem::{Problem, Result};
use workshop_course::lesson::model::{Course, CourseDatabase, Target};
use workshop_engine::aws::Environment;
use workshop_engine::aws_target::{self, Held};
use workshop_engine::cloud::{BoxFuture, CloudTarget, Prepare, Report, StateStore, TargetControls};
use workshop_engine::event::Preparation;
use workshop_engine::offline_target::OfflineTarget;
use workshop_engine::own_database::OwnDatabase;
use workshop_engine::{self, AwsSelection, Begun, TemplateCheck};
use workshop_sandbox::control::{self, SandboxKind, SandboxOptions};
use workshop_sandbox::progress::StartProgress;
use workshop_sandbox::state;

/// Longer than this nobody waits without a word.
const LONG: Duration = Duration::from_secs(10);
const UNANSWERED: &str = "waiting for AWS to say whose credentials these are (sts:GetCallerIdentity)";

/// Returns the target as told on the command line, else the course's own.
pub fn of(common: &CommonOptions, course: &Course) -> Target {
    common.target.map_or(course.target, Target::from)
}

/// Refuses a target that a course does not run on.
///
/// # Errors
/// Says which it runs on.
pub fn allowed(course: &Course, target: Target) -> Result<()> {
    if course.runs_on(target) || !course.needs_cloud() {
        return Ok(());
    }
    let (here, there) = match target {
        Target::Local => ("the sandbox does not have all that it uses", "--target aws"),
        Target::Aws => ("it is written for the sandbox", "--target local"),
    };
    Err(Problem::usage(format!("“{}” does not run here: {here}", course.title)).hint(format!("run it with {there}")))
}

/// Returns what looks through templates before they are deployed to a target: the sandbox does not have everything.
pub fn template_check(target: Target) -> Option<TemplateCheck> {
    match target {
        Target::Aws => None,
        Target::Local => Some(Arc::new(|template: &str| unsupported(template))),
    }
}

/// Says what of a template the sandbox does not have. A text that is no template is CloudFormation's to refuse.
pub fn unsupported(template: &str) -> Option<Problem> {
    let found = workshop_sandbox::aws::unsupported(template).unwrap_or_default();
    let said: Vec<String> = found.iter().map(|one| format!("{}: {}", one.logical_id, one.because)).collect();
    (!said.is_empty()).then(|| {
        let hint = if found.iter().all(|one| one.accepted_by_aws) {
            "run the course in an account with --target aws; one that needs that says `targets: [aws]` in course.yaml"
        } else {
            "mend it in the project and deploy again: AWS does not take it, either"
        };
        Problem::failed(said.join("\n")).expected("the sandbox has all that the template asks for").hint(hint)
    })
}

/// Returns the options as told, and where nothing is told, as the session in a directory has them: its target, and of an
/// account the profile and the region that it was asked for by.
///
/// # Errors
/// When a newer workshop has saved the session.
pub fn remembered(common: &CommonOptions, workdir: &Path) -> Result<CommonOptions> {
    let begun = workshop_engine::begun(workdir)?;
    Ok(begun.map_or_else(|| common.clone(), |begun| filled_in(common, begun)))
}

fn filled_in(common: &CommonOptions, begun: Begun) -> CommonOptions {
    let mut common = common.clone();
    let same = common.target.is_none_or(|told| Target::from(told) == begun.target);
    common.target.get_or_insert(begun.target.into());
    // Another profile has a region of its own.
    if same && begun.target == Target::Aws && (common.profile.is_none() || common.profile == begun.asked.profile) {
        common.profile = common.profile.or(begun.asked.profile);
        common.region = common.region.or(begun.asked.region);
    }
    common
}

/// Returns the account that is asked for; the sandbox is none.
pub fn asked(common: &CommonOptions, target: Target) -> AwsSelection {
    match target {
        Target::Local => AwsSelection::default(),
        Target::Aws => AwsSelection { profile: common.profile.clone(), region: common.region.clone() },
    }
}

/// Returns the directory where everything that may be fetched again is kept.
///
/// # Errors
/// When the user has no home directory.
pub fn cache() -> Result<PathBuf> {
    state::cache_dir().ok_or_else(|| {
        Problem::environment("there is no directory for the cache").hint("set HOME, or WORKSHOP_CACHE to a directory")
    })
}

/// Returns how the sandbox is started from here.
///
/// # Errors
/// When this program's own file cannot be found.
pub fn sandbox(common: &CommonOptions, port: Option<u16>) -> Result<SandboxOptions> {
    let exe = std::env::current_exe().map_err(|e| {
        Problem::environment(format!("this program's own file cannot be found: {e}")).hint("start it by its full path")
    })?;
    Ok(SandboxOptions {
        exe,
        cache: cache()?,
        region: common.region.clone(),
        port,
        database_port: None,
        kind: SandboxKind::Cloud,
        background: false,
    })
}

/// Says which directories a target is of.
pub struct Place {
    /// The one that its sandbox belongs to.
    pub sandbox: PathBuf,
    /// The one that file names in the console begin at.
    pub console: PathBuf,
    /// What is started there yields the processor to everybody else, the sandbox first of all.
    pub background: bool,
}

/// Makes the target ready that a course needs, each time the engine asks: an account or the sandbox, a database of the
/// course's own, or nothing at all.
///
/// # Errors
/// When there is no place for the cache.
pub fn prepare(common: &CommonOptions, target: Target, workdir: &Path, course: &Course) -> Result<Prepare> {
    let place = Place { sandbox: workdir.to_owned(), console: workdir.to_owned(), background: false };
    prepare_at(common, target, place, course)
}

/// The same in other places than one working directory.
///
/// # Errors
/// When there is no place for the cache.
pub fn prepare_at(common: &CommonOptions, target: Target, place: Place, course: &Course) -> Result<Prepare> {
    let Place { sandbox, console: workdir, background } = place;
    let reach = match course.needs_cloud() {
        true => Some(Arc::new(Reach::new(common, target, &sandbox)?.in_background(background))),
        false => None,
    };
    let database = Arc::new(DatabaseReach::new(common, &sandbox, &course.database)?);
    let tells = course.needs_target();
    Ok(Arc::new(move |report: Report| {
        let (reach, database, workdir) = (reach.clone(), database.clone(), workdir.clone());
        Box::pin(async move {
            let begun = Instant::now();
            let tell = |now: StartProgress| {
                let (done, total, unit) = now.megabytes().map_or((0, None, ""), |(done, total)| (done, total, "MB"));
                report.preparing(Preparation::Sandbox, &now.what, done, total, unit);
            };
            let (database, of_database) = database.reach(tell).await?;
            let Some(reach) = reach else {
                if tells {
                    report.prepared(Preparation::Sandbox, begun.elapsed());
                }
                return Ok(Arc::new(OfflineTarget::new(
                    database,
                    of_database,
                    &workdir,
                    &shell::secrets(shell::variables()),
                )) as Arc<dyn CloudTarget>);
            };
            let (environment, held) = reach.environment(tell).await?;
            let (held, controls) = (both(held, of_database), reach.controls());
            let connecting = aws_target::connect(environment, held, controls, &workdir, database);
            let waiting = || report.preparing(Preparation::Sandbox, UNANSWERED, 0, None, "");
            let world = told_when_long(waiting, connecting).await?;
            let world = if background { world.in_background() } else { world };
            report.prepared(Preparation::Sandbox, begun.elapsed());
            Ok(Arc::new(world) as Arc<dyn CloudTarget>)
        })
    }))
}

/// Waits for an answer, and has it said when that takes long.
pub async fn told_when_long<T>(tell: impl FnOnce(), answer: impl Future<Output = T>) -> T {
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        () = tokio::time::sleep(LONG) => {
            tell();
            answer.await
        }
    }
}

/// Returns what keeps the target's whole states under names; an account has no such thing, and neither has a
/// database of the course's own.
///
/// # Errors
/// When there is no place for the cache.
pub fn states(
    common: &CommonOptions,
    target: Target,
    workdir: &Path,
    course: &Course,
) -> Result<Option<Arc<dyn StateStore>>> {
    Ok(match target {
        _ if !course.needs_target() => Some(Arc::new(NoStates)),
        // What a database of the course's own holds is not the sandbox's to put back.
        _ if !course.needs_cloud() || course.database != CourseDatabase::Cluster => None,
        Target::Local => Some(Arc::new(SandboxStates { workdir: workdir.to_owned(), options: sandbox(common, None)? })),
        Target::Aws => None,
    })
}

/// The states of a course that has all in its files.
struct NoStates;

impl StateStore for NoStates {
    fn save(&self, _: String) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn restore(&self, _: String) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// The saved states of the sandbox of a working directory.
struct SandboxStates {
    workdir: PathBuf,
    options: SandboxOptions,
}

impl StateStore for SandboxStates {
    fn save(&self, name: String) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { control::save(&self.workdir, &self.options, &name).await })
    }

    fn restore(&self, name: String) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { control::restore(&self.workdir, &self.options, &name).await })
    }

    fn clear(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { control::clear(&self.workdir, &self.options).await })
    }
}

/// Holds what two things live on, until the first of them has gone away.
fn both(one: Option<Held>, other: Option<Held>) -> Option<Held> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Box::pin(async move {
            tokio::select! {
                () = one => {}
                () = other => {}
            }
        })),
        (one, other) => one.or(other),
    }
}

/// The way from here to a database that a course has besides its stack's cluster.
pub struct DatabaseReach {
    workdir: PathBuf,
    database: CourseDatabase,
    options: SandboxOptions,
}

impl DatabaseReach {
    /// Finds the way to a course's database.
    ///
    /// # Errors
    /// When there is no place for the cache.
    pub fn new(common: &CommonOptions, workdir: &Path, database: &CourseDatabase) -> Result<DatabaseReach> {
        let options = SandboxOptions { kind: SandboxKind::Database, region: None, ..sandbox(common, None)? };
        Ok(DatabaseReach { workdir: workdir.to_owned(), database: database.clone(), options })
    }

    /// Returns the database, started if it is the course's to start, and what keeps it running as long as it is held. None
    /// when there is none but a cluster.
    ///
    /// # Errors
    /// When it cannot be started, or the variable that should have its address has none.
    pub async fn reach(&self, tell: impl FnMut(StartProgress)) -> Result<(Option<OwnDatabase>, Option<Held>)> {
        let address = |text: &str, from: &str| {
            DatabaseUrl::parse(text).map_err(|e| {
                Problem::usage(format!("{from} is not an address of a PostgreSQL server: {e}")).hint(e.hint())
            })
        };
        match &self.database {
            CourseDatabase::Cluster => Ok((None, None)),
            CourseDatabase::Url(url) => Ok((Some(OwnDatabase::new(address(url, "`database`")?, &user())), None)),
            CourseDatabase::UrlFrom(name) => {
                let value = std::env::var(name).unwrap_or_default();
                if value.is_empty() {
                    return Err(Problem::environment(format!("the course's database is not known: {name} is not set"))
                        .hint(format!("export {name}=postgres://ROLE:PASSWORD@HOST:5432/DATABASE, then start again")));
                }
                Ok((Some(OwnDatabase::new(address(&value, name)?, &user())), None))
            }
            CourseDatabase::Postgres => {
                let mut lease = control::ensure(&self.workdir, &self.options, tell).await?;
                let url = lease.environment.get("DATABASE_URL").cloned().unwrap_or_default();
                let own = OwnDatabase::new(address(&url, "the database's own")?, "postgres");
                Ok((Some(own), Some(Box::pin(async move { lease.lost().await }))))
            }
        }
    }
}

/// Returns who connects to a database whose address names nobody: as libpq has it, PGUSER, else the user of this machine.
pub fn user() -> String {
    let named = ["PGUSER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "postgres".to_owned())
}

/// The way to a target from here.
pub struct Reach {
    workdir: PathBuf,
    /// Of the sandbox; None when it is an account.
    options: Option<SandboxOptions>,
    account: Environment,
}

impl Reach {
    /// Finds the way to a target: the sandbox of a working directory, or an account.
    ///
    /// # Errors
    /// When there is no place for the cache.
    pub fn new(common: &CommonOptions, target: Target, workdir: &Path) -> Result<Reach> {
        let options = match target {
            Target::Local => Some(sandbox(common, None)?),
            Target::Aws => None,
        };
        Ok(Reach { workdir: workdir.to_owned(), options, account: shell::account(common, shell::variables()) })
    }

    /// Has a sandbox that is started for it yield the processor to everybody else.
    #[must_use]
    pub fn in_background(mut self, background: bool) -> Reach {
        if let Some(options) = &mut self.options {
            options.background = background;
        }
        self
    }

    /// Returns what directs it, where that is the sandbox.
    pub fn controls(&self) -> Option<Arc<dyn TargetControls>> {
        let options = self.options.as_ref()?;
        Some(Arc::new(SandboxControls::new(&self.workdir, options)))
    }

    /// Returns the variables that reach it, and what keeps the sandbox running as long as it is held and tells its end.
    ///
    /// # Errors
    /// When the sandbox cannot be started.
    pub async fn environment(&self, tell: impl FnMut(StartProgress)) -> Result<(Environment, Option<Held>)> {
        let Some(options) = &self.options else { return Ok((self.account.clone(), None)) };
        let mut lease = control::ensure(&self.workdir, options, tell).await?;
        let environment = Environment(lease.environment.clone());
        Ok((environment, Some(Box::pin(async move { lease.lost().await }))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::Parser;

    #[test]
    fn what_is_not_told_is_as_the_session_has_it() {
        let session = |target| Begun {
            target,
            asked: AwsSelection { profile: Some("stage".into()), region: Some("eu-west-1".into()) },
            choices: Default::default(),
        };
        let resumed = |line: &str, target| {
            let cli = Cli::parse_from(["workshop"].into_iter().chain(line.split_whitespace()));
            let common = filled_in(&cli.common, session(target));
            let target = common.target.map(Target::from);
            (target, common.profile.unwrap_or_default(), common.region.unwrap_or_default())
        };
        let is = |target, profile: &str, region: &str| (Some(target), profile.to_owned(), region.to_owned());
        assert_eq!(resumed("--target aws", Target::Aws), is(Target::Aws, "stage", "eu-west-1"));
        assert_eq!(resumed("--target aws --region us-east-2", Target::Aws), is(Target::Aws, "stage", "us-east-2"));
        assert_eq!(resumed("--target aws --profile other", Target::Aws), is(Target::Aws, "other", ""));
        assert_eq!(resumed("--target local", Target::Aws), is(Target::Local, "", ""));
        assert_eq!(resumed("--target aws", Target::Local), is(Target::Aws, "", ""));
    }
}

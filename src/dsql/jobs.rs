//! The work that DSQL does on its own time: building indexes, validating constraints, clearing away what
//! was dropped. One worker a cluster; the rows that it works through are in the database (`jobs.sql`), so
//! that a restart finds them.
//!
//! A job is `submitted`, then `processing`, then done. How long it stays in each is [`Pace`]'s, by the
//! sandbox's clock: the work itself takes milliseconds here, which nobody would see.
//!
//! Invariant: the worker waits for no client: what it cannot have at once it tries again later; and no
//! reader or writer waits for the worker.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::backend::{Backend, BackendError, Rows};
use super::catalog_change::CatalogChange;
use super::cluster::DatabaseCluster;
use crate::interfaces::TimeSource;
use workshop_base::sql::quote_literal;

/// How long jobs take and are remembered, by the sandbox's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Before a job is begun.
    pub submitted: Duration,
    /// Before it is done. DSQL was seen to take 2 to 30 s, whatever the size.
    pub processing: Duration,
    /// How long a finished job's row is kept. AWS user guide, asynchronous indexes, read 2026-10.
    pub kept: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            submitted: Duration::from_millis(500),
            // Long enough for somebody who looks every two seconds to see it.
            processing: Duration::from_millis(2_500),
            kept: Duration::from_secs(30 * 60),
        }
    }
}

/// The life of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JobStatus {
    Submitted,
    Processing,
    Done,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct AsyncJob {
    id: String,
    status: JobStatus,
    /// When it entered its status, in milliseconds since 1970; None: it was not looked at yet.
    since: Option<u64>,
    /// What it is for is not there any more.
    void: bool,
}

/// What is to be done about a job now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JobTurn {
    /// Nothing, for so long.
    Wait(Duration),
    Begin,
    Finish,
    Forget,
}

fn turn(job: &AsyncJob, now: u64, pace: Pace) -> JobTurn {
    let Some(since) = job.since else { return JobTurn::Wait(Duration::ZERO) };
    let (span, then) = match job.status {
        JobStatus::Submitted | JobStatus::Processing if job.void => return JobTurn::Finish,
        JobStatus::Submitted => (pace.submitted, JobTurn::Begin),
        JobStatus::Processing => (pace.processing, JobTurn::Finish),
        JobStatus::Done => (pace.kept, JobTurn::Forget),
    };
    // A clock that was moved back makes nothing wait longer than it would from now on.
    let passed = Duration::from_millis(now.saturating_sub(since.min(now)));
    match span.checked_sub(passed) {
        None | Some(Duration::ZERO) => then,
        Some(left) => JobTurn::Wait(left),
    }
}

/// The clock can be moved: who waits by it looks this often.
const GLANCE: Duration = Duration::from_millis(50);
/// The same while nothing but old rows is left.
const LONG_GLANCE: Duration = Duration::from_secs(1);
/// What the worker may wait for, each time that it tries.
const SETTING: &str = "SET lock_timeout = '100ms'; SET temp_file_limit = -1; SET client_min_messages = error";

/// Works until the cluster is gone.
pub async fn work(cluster: Arc<DatabaseCluster>, clock: TimeSource, pace: Pace) {
    let mut backend = None;
    let mut failures = 0u32;
    loop {
        let pause = match turns(&cluster, &mut backend, &clock, pace).await {
            Ok(pause) => {
                failures = 0;
                pause
            }
            Err(error) => {
                tracing::debug!(%error, "jobs are left for later");
                backend = None;
                failures += 1;
                // A server that does not come back has nobody who waits for its jobs.
                (failures < 100).then_some(Duration::from_millis(200))
            }
        };
        let pause = async {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = pause => {}
            () = cluster.jobs.wake.notified() => {}
            () = cluster.jobs.gone.cancelled() => return,
        }
    }
}

/// Does what is due. How long until there may be more; None: until somebody wakes us.
async fn turns(
    cluster: &Arc<DatabaseCluster>,
    connection: &mut Option<Backend>,
    clock: &TimeSource,
    pace: Pace,
) -> Result<Option<Duration>, BackendError> {
    let backend = match connection {
        Some(backend) => backend,
        None => connection.insert(connect(cluster).await?),
    };
    loop {
        let now = milliseconds(clock());
        let first = cluster.jobs.first().take().map_or(now, milliseconds);
        let jobs: Vec<AsyncJob> = backend.query(JOBS).await?.into_iter().filter_map(job).collect();
        if jobs.is_empty() {
            return Ok(None);
        }
        let mut again = false;
        for job in &jobs {
            if job.since.is_none() {
                let id = quote_literal(&job.id);
                backend.query(&format!("UPDATE pg_dsql.job SET since = {first} WHERE job_id = {id}")).await?;
                again = true;
                continue;
            }
            again |= match turn(job, now, pace) {
                JobTurn::Wait(_) => false,
                JobTurn::Begin => begin(backend, job, pace).await.map(|()| true)?,
                JobTurn::Finish => finish(cluster, backend, job, now).await?,
                JobTurn::Forget => forget(backend, job).await.map(|()| true)?,
            };
        }
        if !again {
            return Ok(Some(until_due(cluster, &jobs, clock, pace).await));
        }
    }
}

/// Waits until a job is due by a clock that may be moved meanwhile, or there are new ones.
async fn until_due(cluster: &DatabaseCluster, jobs: &[AsyncJob], clock: &TimeSource, pace: Pace) -> Duration {
    let glance = if jobs.iter().all(|j| j.status == JobStatus::Done) { LONG_GLANCE } else { GLANCE };
    loop {
        let now = milliseconds(clock());
        let due = jobs.iter().any(|job| !matches!(turn(job, now, pace), JobTurn::Wait(_)));
        tokio::select! {
            () = tokio::time::sleep(glance) => {}
            () = cluster.jobs.wake.notified() => return Duration::ZERO,
            () = cluster.jobs.gone.cancelled() => return Duration::ZERO,
        }
        if due {
            return Duration::ZERO;
        }
    }
}

async fn connect(cluster: &DatabaseCluster) -> Result<Backend, BackendError> {
    let mut backend = Backend::connect_as_owner(&cluster.server).await?;
    backend.query(SETTING).await?;
    for row in backend.query("SELECT job_id, status FROM pg_dsql.job WHERE status IN ('completed', 'failed')").await? {
        if let [Some(id), Some(status)] = &row[..] {
            announce(&mut backend, id, status).await?;
        }
    }
    Ok(backend)
}

const JOBS: &str = "SELECT job_id, status, since, job_type IN ('INDEX_BUILD', 'VALIDATE_CONSTRAINT') \
    AND NOT EXISTS (SELECT FROM pg_class WHERE oid = object_id) FROM pg_dsql.job ORDER BY start_time, job_id";

fn job(row: Vec<Option<String>>) -> Option<AsyncJob> {
    let [Some(id), Some(status), since, Some(void)] = <[_; 4]>::try_from(row).ok()? else { return None };
    let status = match status.as_str() {
        "submitted" => JobStatus::Submitted,
        "processing" => JobStatus::Processing,
        _ => JobStatus::Done,
    };
    Some(AsyncJob { id, status, since: since.and_then(|s| s.parse().ok()), void: void == "t" })
}

async fn begin(backend: &mut Backend, job: &AsyncJob, pace: Pace) -> Result<(), BackendError> {
    let (id, span) = (quote_literal(&job.id), pace.submitted.as_millis());
    let sql = "UPDATE pg_dsql.job SET status = 'processing', update_time = clock_timestamp()";
    backend.query(&format!("{sql}, since = since + {span} WHERE job_id = {id}")).await.map(|_| ())
}

/// Does the job. False: somebody is in the way.
async fn finish(
    cluster: &Arc<DatabaseCluster>,
    backend: &mut Backend,
    job: &AsyncJob,
    now: u64,
) -> Result<bool, BackendError> {
    let id = quote_literal(&job.id);
    // An idle transaction that holds what we wait for is asked to give it up, as it would be by a client.
    let watch = cluster.watch();
    let Some((failure, why)) = validated(cluster, backend, &id).await? else { return Ok(false) };
    backend.query("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    let run = format!(
        "SELECT pg_dsql.run_job({id}, {}, {}); \
        UPDATE pg_dsql.job SET since = {now} WHERE job_id = {id} RETURNING status, job_type",
        quote_literal(&failure),
        quote_literal(&why)
    );
    let done: Rows = match backend.query(&run).await {
        Ok(rows) => rows,
        Err(error @ BackendError::Io(_)) => return Err(error),
        Err(error) => {
            tracing::debug!(%error, job = %job.id, "the job is tried again");
            backend.query("ROLLBACK").await?;
            return Ok(false);
        }
    };
    drop(watch);
    let Some([Some(status), Some(kind)]) = done.first().map(Vec::as_slice) else {
        backend.query("ROLLBACK").await?;
        return Ok(false);
    };
    // Before anybody can see the end: who waited for it knows the catalogue that comes of it.
    if status == "completed" && !job.void && matches!(kind.as_str(), "INDEX_BUILD" | "VALIDATE_CONSTRAINT") {
        let sql = format!(
            "SELECT 'uses', NULL, u.* FROM pg_dsql.job j LEFT JOIN pg_index i ON i.indexrelid = j.object_id, \
             pg_dsql.used_as(ARRAY[coalesce(i.indrelid, j.object_id)], '{{}}', '{{}}', '{{}}') u WHERE j.job_id = {id}"
        );
        cluster.changed(CatalogChange::of_rows(backend.query(&sql).await?)).await;
    }
    backend.query("COMMIT").await?;
    announce(backend, &job.id, status).await?;
    Ok(true)
}

/// The constraint that a job validates: its table, that table's owner, and whether he can log in.
const TO_VALIDATE: &str = "SELECT c.oid::regclass, quote_ident(j.argument), r.rolname, r.rolcanlogin \
    FROM pg_dsql.job j JOIN pg_class c ON c.oid = j.object_id JOIN pg_roles r ON r.oid = c.relowner \
    WHERE j.job_type = 'VALIDATE_CONSTRAINT' AND j.job_id = ";
/// Stands in for an owner who cannot log in, for as long as a validation takes.
const STAND_IN: &str = "sandbox_validation";

/// Validates a constraint in a session of its table's owner, as it runs what the client has defined. What that has
/// come to, by SQLSTATE and text, both empty if it is well or there is none; None: somebody is in the way.
async fn validated(
    cluster: &DatabaseCluster,
    backend: &mut Backend,
    id: &str,
) -> Result<Option<(String, String)>, BackendError> {
    let rows = backend.query(&format!("{TO_VALIDATE}{id}")).await?;
    let Some([Some(table), Some(constraint), Some(owner), Some(logs_in)]) = rows.first().map(Vec::as_slice) else {
        return Ok(Some(Default::default()));
    };
    let stands_in = logs_in != "t";
    if stands_in {
        let role = format!("\"{}\"", owner.replace('"', "\"\""));
        let made = format!("DROP ROLE IF EXISTS {STAND_IN}; CREATE ROLE {STAND_IN} LOGIN IN ROLE {role}");
        backend.query(&made).await?;
    }
    let who = if stands_in { STAND_IN } else { owner };
    let outcome = async {
        let mut session = Backend::connect(&cluster.server, who, &[]).await?;
        session.query("SET lock_timeout = '100ms'").await?;
        session.query(&format!("ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")).await
    };
    let outcome = outcome.await;
    if stands_in {
        backend.query(&format!("DROP ROLE IF EXISTS {STAND_IN}")).await?;
    }
    match outcome {
        Ok(_) => Ok(Some(Default::default())),
        Err(error) if matches!(error.code(), "" | "55P03" | "40P01" | "57014" | "40001" | "53300") => {
            tracing::debug!(%error, "a validation is tried again");
            Ok(None)
        }
        Err(error) => {
            let failure = error.failure();
            Ok(Some((failure.code, failure.message)))
        }
    }
}

/// Lets those know of the end whose snapshot is older; see `pg_dsql.ended`.
async fn announce(backend: &mut Backend, id: &str, status: &str) -> Result<(), BackendError> {
    let lock = if status == "completed" { 1 } else { 2 };
    let sql = format!("SELECT pg_advisory_lock(hashtextextended({}, {lock}))", quote_literal(id));
    backend.query(&sql).await.map(|_| ())
}

async fn forget(backend: &mut Backend, job: &AsyncJob) -> Result<(), BackendError> {
    let id = quote_literal(&job.id);
    let unlock = |n| format!("SELECT pg_advisory_unlock(hashtextextended({id}, {n}))");
    backend
        .query(&format!("DELETE FROM pg_dsql.job WHERE job_id = {id}; {}; {}", unlock(1), unlock(2)))
        .await
        .map(|_| ())
}

fn milliseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(status: JobStatus) -> AsyncJob {
        AsyncJob { id: "x".into(), status, since: Some(10_000), void: false }
    }

    fn at(job: &AsyncJob, now: u64) -> JobTurn {
        turn(job, now, Pace::default())
    }

    #[test]
    fn each_status_has_its_time() {
        assert_eq!(at(&job(JobStatus::Submitted), 10_100), JobTurn::Wait(Duration::from_millis(400)));
        assert_eq!(at(&job(JobStatus::Submitted), 10_500), JobTurn::Begin);
        assert_eq!(at(&job(JobStatus::Processing), 12_499), JobTurn::Wait(Duration::from_millis(1)));
        assert_eq!(at(&job(JobStatus::Processing), 12_500), JobTurn::Finish);
        assert_eq!(at(&job(JobStatus::Done), 10_000 + 1_799_999), JobTurn::Wait(Duration::from_millis(1)));
        assert_eq!(at(&job(JobStatus::Done), 10_000 + 1_800_000), JobTurn::Forget);
    }

    #[test]
    fn what_has_lost_its_object_is_over_at_once() {
        let void = AsyncJob { void: true, ..job(JobStatus::Submitted) };
        assert_eq!(at(&void, 10_000), JobTurn::Finish);
        assert_eq!(
            at(&AsyncJob { void: true, ..job(JobStatus::Done) }, 10_000),
            JobTurn::Wait(Duration::from_secs(1_800))
        );
    }

    #[test]
    fn a_clock_that_was_moved_back_makes_nothing_wait_for_ever() {
        assert_eq!(at(&job(JobStatus::Submitted), 0), JobTurn::Wait(Duration::from_millis(500)));
    }
}

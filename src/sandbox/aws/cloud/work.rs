//! What takes its time: stack operations, functions, databases.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::{Cloud, spec};
use crate::aws::cloudformation::api;
use crate::aws::cloudformation::engine::{self, Job, Made, Verb};
use crate::aws::cloudformation::resources::{self, Place, Work};
use crate::aws::dsql;
use crate::interfaces::{InvokeResult, LambdaError};

/// How long DescribeStacks waits for a stack to settle. Clients poll every 5 s and give up on one request
/// after a minute or more; a short wait here is what makes a deploy as fast as its resources.
const HOLD: Duration = Duration::from_secs(20);
/// Waits before an asynchronous invocation that failed is tried again, as Lambda has it.
const RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

impl Cloud {
    pub(super) async fn invoke(&self, name: &str, payload: bytes::Bytes) -> Result<InvokeResult, LambdaError> {
        let result = self.functions.invoke(name, payload).await?;
        let group = self.world().state.functions.get(name).map(|function| function.log_group(name));
        let group = group.unwrap_or_else(|| format!("/aws/lambda/{name}"));
        let mut logs = self.logs.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        logs.add(&group, &result.request_id, &result.log_tail, self.now());
        Ok(result)
    }

    pub(super) fn invoke_later(self: &Arc<Self>, name: String, payload: bytes::Bytes) {
        let cloud = self.clone();
        self.spawn(async move {
            for pause in RETRIES.into_iter().map(Some).chain([None]) {
                match cloud.invoke(&name, payload.clone()).await {
                    Ok(result) if result.function_error.is_none() => return,
                    Ok(_) => tracing::warn!(function = name, "an asynchronous invocation failed"),
                    Err(error) => tracing::warn!(function = name, %error, "an asynchronous invocation failed"),
                }
                let Some(pause) = pause else { return };
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = cloud.stop.cancelled() => return,
                }
            }
        });
    }

    pub(super) async fn put_function(&self, name: &str) -> Result<(), LambdaError> {
        let spec = spec(&self.world(), name);
        let spec =
            spec.ok_or_else(|| LambdaError::BadCode("the deployment package is gone from the sandbox's disk".into()))?;
        self.functions.put(spec).await
    }

    /// Until nothing is under way on the stack, or for as long as a client waits without worry.
    pub(super) async fn settle(&self, stack: &str) {
        let deadline = tokio::time::Instant::now() + HOLD;
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            let busy = self.world().state.stack(stack).is_some_and(|stack| stack.status.in_progress());
            if !busy || self.stop.is_cancelled() {
                return;
            }
            if tokio::time::timeout_at(deadline, moved).await.is_err() {
                return;
            }
        }
    }

    /// Works off a stack's operation.
    pub(super) fn drive(self: &Arc<Self>, stack: String) {
        let cloud = self.clone();
        self.spawn(async move {
            let mut running = FuturesUnordered::new();
            loop {
                let now = cloud.now();
                let jobs = api::with_engine(&mut cloud.world(), &stack, now, engine::pump).unwrap_or_default();
                if let Err(error) = cloud.save() {
                    tracing::error!(%error, "the state could not be saved");
                }
                cloud.moved.notify_waiters();
                for (id, job) in jobs {
                    let (cloud, stack) = (cloud.clone(), stack.clone());
                    running.push(async move { (id, cloud.perform(&stack, id, &job).await) });
                }
                let finished = tokio::select! {
                    finished = running.next() => finished,
                    // What runs is left as it is; the next start finds it in the state.
                    () = cloud.stop.cancelled() => return,
                };
                let Some((id, result)) = finished else { return };
                if let Err(reason) = &result {
                    tracing::info!(stack, reason, "a resource failed");
                }
                let now = cloud.now();
                api::with_engine(&mut cloud.world(), &stack, now, |stack, env| engine::finish(stack, id, result, env));
            }
        });
    }

    /// One resource's work, waiting included.
    async fn perform(self: &Arc<Self>, stack: &str, id: u64, job: &Job) -> Result<Made, String> {
        let work = {
            let now = self.now();
            let mut world = self.world();
            let name = world.state.stacks.get(stack).map(|s| s.name.clone()).unwrap_or_default();
            resources::start(&mut Place { world: &mut world, stack: &name, now }, job)?
        };
        let known = match &work {
            Work::Done(made) | Work::PutFunction { made, .. } => Some(made.physical_id.as_str()),
            Work::Ensure { cluster } => Some(cluster.as_str()),
            Work::RemoveFunction { .. } | Work::Drop { .. } => None,
        };
        if let Some(physical) = known.filter(|_| matches!(job.verb, Verb::Create | Verb::Replace)) {
            let now = self.now();
            api::with_engine(&mut self.world(), stack, now, |stack, env| engine::initiated(stack, id, physical, env));
            self.moved.notify_waiters();
        }
        match work {
            Work::Done(made) => Ok(made),
            Work::PutFunction { name, made, old } => match self.put_function(&name).await {
                Ok(()) => Ok(made),
                Err(error) => {
                    let mut world = self.world();
                    match old {
                        Some(old) => world.state.functions.insert(name, *old),
                        None => world.state.functions.remove(&name),
                    };
                    Err(format!("Resource handler returned message: \"{error}\" (HandlerErrorCode: InvalidRequest)"))
                }
            },
            Work::RemoveFunction { name } => {
                self.functions.remove(&name).await;
                Ok(Made { physical_id: name, ..Made::default() })
            }
            Work::Ensure { cluster } if job.express => {
                self.ensure(cluster.clone());
                let world = self.world();
                let found = world.state.clusters.get(&cluster).ok_or("the cluster is gone")?;
                let attributes = found.attributes(&cluster, &world.state.region);
                Ok(Made { physical_id: cluster, attributes })
            }
            Work::Ensure { cluster } => match self.databases.ensure(&cluster).await {
                Ok(_) => resources::cluster_ready(&mut self.world(), &cluster),
                Err(error) => {
                    self.world().state.clusters.remove(&cluster);
                    Err(format!("Resource handler returned message: \"{error}\" (HandlerErrorCode: NotStabilized)"))
                }
            },
            Work::Drop { cluster } => {
                self.databases.delete(&cluster).await.map_err(|error| {
                    format!(
                        "Resource handler returned message: \"{error}\" (HandlerErrorCode: GeneralServiceException)"
                    )
                })?;
                let mut world = self.world();
                world.state.clusters.remove(&cluster);
                world.dirty = true;
                Ok(Made { physical_id: cluster, ..Made::default() })
            }
        }
    }

    pub(super) fn ensure(self: &Arc<Self>, cluster: String) {
        let cloud = self.clone();
        self.spawn(async move {
            let up = tokio::select! {
                up = cloud.databases.ensure(&cluster) => up,
                () = cloud.stop.cancelled() => return,
            };
            if let Err(error) = &up {
                tracing::error!(cluster, error, "a cluster's database could not be started");
            }
            let mut world = cloud.world();
            if let Some(found) = world.state.clusters.get_mut(&cluster).filter(|c| c.status == dsql::Status::Creating) {
                found.status = if up.is_ok() { dsql::Status::Active } else { dsql::Status::Failed };
                world.dirty = true;
            }
            drop(world);
            cloud.saved_in_background();
        });
    }

    pub(super) fn drop_cluster(self: &Arc<Self>, cluster: String) {
        let cloud = self.clone();
        self.spawn(async move {
            let gone = tokio::select! {
                gone = cloud.databases.delete(&cluster) => gone,
                () = cloud.stop.cancelled() => return,
            };
            let mut world = cloud.world();
            match gone {
                Ok(()) => {
                    world.state.clusters.remove(&cluster);
                }
                Err(error) => {
                    tracing::error!(cluster, error, "a cluster's database could not be deleted");
                    if let Some(found) = world.state.clusters.get_mut(&cluster) {
                        found.status = dsql::Status::Failed;
                    }
                }
            }
            world.dirty = true;
            drop(world);
            cloud.saved_in_background();
        });
    }

    fn saved_in_background(&self) {
        if let Err(error) = self.save() {
            tracing::error!(%error, "the state could not be saved");
        }
    }
}

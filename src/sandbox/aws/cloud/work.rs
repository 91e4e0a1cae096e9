//! The work that takes its time: stack operations, functions, databases.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};

use super::core::{Cloud, Front, spec};
use super::retries::Retries;
use crate::aws::cloudformation::api;
use crate::aws::cloudformation::engine::{self, Created};
use crate::aws::cloudformation::model::{ResourceJob, Verb};
use crate::aws::cloudformation::resources::{self, ResourceContext, ResourceWork};
use crate::aws::lambda;
use crate::aws::records::{ClusterStatus, FunctionRecord};
use crate::aws::service::World;
use crate::interfaces::{Invocation, InvokeResult, LambdaError};
use workshop_dsql::conditions::SandboxFault;

/// The longest that DescribeStacks waits for a stack to settle. Clients poll every 5 s and give up on one request
/// after a minute or more; a short wait here is what makes a deploy as fast as its resources.
const HOLD: Duration = Duration::from_secs(20);

impl Cloud {
    /// Runs a function, and keeps its log.
    ///
    /// # Errors
    /// [`LambdaError`], when there is no such version or no environment for it; not for what the function throws.
    pub(super) async fn invoke(&self, key: &str, call: Invocation) -> Result<InvokeResult, LambdaError> {
        if self.conditions.strikes(SandboxFault::Throttled) {
            return Err(LambdaError::TooManyRequests);
        }
        let result = self.functions.invoke(key, call).await?;
        let name = key.split_once(':').map_or(key, |(name, _)| name);
        let group = self.world().state.functions.get(name).map(|function| function.log_group(name));
        let group = group.unwrap_or_else(|| format!("/aws/lambda/{name}"));
        self.logs().add(&group, &result.log_stream, &result.log, self.now());
        Ok(result)
    }

    /// Runs a function in the background, and again where it fails or cannot be run now. The answer to the caller, each
    /// attempt's context and each log tell of the same request.
    pub(super) fn invoke_later(self: &Arc<Self>, name: String, call: Invocation) {
        let cloud = self.clone();
        self.spawn(async move {
            let (begun, mut retries) = (tokio::time::Instant::now(), Retries::default());
            let states = cloud.states.load(Ordering::Relaxed);
            loop {
                let error = match cloud.invoke(&name, call.clone()).await {
                    Ok(result) if result.function_error.is_none() => return,
                    Ok(_) => None,
                    Err(error) => Some(error),
                };
                tracing::warn!(function = name, ?error, "an asynchronous invocation failed");
                let Some(pause) = retries.after(error.as_ref(), begun.elapsed()) else { return };
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = cloud.stop.cancelled() => return,
                }
                if cloud.states.load(Ordering::Relaxed) != states {
                    return;
                }
            }
        });
    }

    /// Hands versions of a function to the Lambda service. When one is refused, the state has again what it had: `old`,
    /// or nothing under that name; but where somebody has changed the function since, that stays.
    ///
    /// # Errors
    /// [`LambdaError`] of the first that is refused.
    pub(super) async fn put_functions(
        &self,
        keys: &[String],
        old: Option<Box<FunctionRecord>>,
    ) -> Result<(), LambdaError> {
        let _updating = Updating(self, keys);
        for key in keys {
            let now = |world: &World| lambda::record(&world.state, key).map(|(_, f)| (f.blob.clone(), f.modified));
            let (spec, handed) = {
                let world = self.world();
                (spec(&world, key), now(&world))
            };
            let put = match spec {
                Some(spec) => self.functions.put(spec).await,
                None => Err(LambdaError::BadCode("the deployment package is gone from the sandbox's disk".into())),
            };
            if put.is_err() {
                let mut world = self.world();
                if now(&world) != handed {
                    return put;
                }
                match (key.split_once(':'), old) {
                    (None, Some(old)) => put_again(&mut world.state.functions, key, *old),
                    (None, None) => drop(world.state.functions.remove(key)),
                    (Some((name, version)), _) => {
                        let version = version.parse().unwrap_or_default();
                        // It is new, and nothing points to it.
                        let _ = lambda::remove_version(&mut world, name, version);
                    }
                }
                world.dirty = true;
                return put;
            }
        }
        Ok(())
    }

    /// Takes versions from the Lambda service, and closes URLs that are gone with their function.
    pub(super) async fn remove_functions(&self, keys: &[String]) {
        for key in keys {
            self.functions.remove(key).await;
        }
        self.close_fronts();
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

    /// Works off a stack's operation, in the background.
    pub(super) fn drive(self: &Arc<Self>, stack: String) {
        let cloud = self.clone();
        self.spawn(async move {
            if AssertUnwindSafe(cloud.work_off(&stack)).catch_unwind().await.is_err() {
                tracing::error!(stack, "a fault of the sandbox broke a stack's operation off");
                let now = cloud.now();
                api::with_engine(&mut cloud.world(), &stack, now, engine::give_up);
                cloud.saved_in_background();
                cloud.moved.notify_waiters();
            }
        });
    }

    async fn work_off(self: &Arc<Self>, stack: &str) {
        let mut running = FuturesUnordered::new();
        loop {
            let now = self.now();
            let jobs = api::with_engine(&mut self.world(), stack, now, engine::pump).unwrap_or_default();
            self.saved_in_background();
            self.moved.notify_waiters();
            for (id, job) in jobs {
                running.push(async move {
                    // A fault of ours fails the resource that met it; the operation takes it as any other failure.
                    let performed = AssertUnwindSafe(self.perform(stack, id, &job)).catch_unwind().await;
                    (id, performed.unwrap_or_else(|_| Err("Internal Failure".into())))
                });
            }
            let finished = tokio::select! {
                finished = running.next() => finished,
                // What runs is left as it is; the next start finds it in the state.
                () = self.stop.cancelled() => return,
            };
            let Some((id, result)) = finished else { return };
            if let Err(reason) = &result {
                tracing::info!(stack, reason, "a resource failed");
            }
            let now = self.now();
            api::with_engine(&mut self.world(), stack, now, |stack, env| engine::finish(stack, id, result, env));
        }
    }

    /// One resource's work, waiting included.
    async fn perform(self: &Arc<Self>, stack: &str, id: u64, job: &ResourceJob) -> Result<Created, String> {
        let work = self.begun(stack, id, job)?;
        match work {
            ResourceWork::Done(created) => {
                if job.verb == Verb::Delete && job.kind == "AWS::Logs::LogGroup" {
                    self.logs().remove(&created.physical_id);
                }
                Ok(created)
            }
            ResourceWork::PutFunction { key, created, old } => {
                let refused = |error| {
                    format!("Resource handler returned message: \"{error}\" (HandlerErrorCode: InvalidRequest)")
                };
                self.put_functions(&[key], old).await.map_err(refused)?;
                Ok(created)
            }
            ResourceWork::RemoveFunctions { keys, created } => {
                self.remove_functions(&keys).await;
                Ok(created)
            }
            ResourceWork::OpenUrl { function, qualifier, mut created } => {
                let shown = self.open_url(&function, qualifier.as_deref()).await?;
                created.attributes.insert("FunctionUrl".into(), shown["FunctionUrl"].clone());
                Ok(created)
            }
            ResourceWork::OpenApi { id, mut created } => {
                let port = self.open_front(Front::Api(id)).await?;
                created.attributes.insert("ApiEndpoint".into(), format!("http://127.0.0.1:{port}").into());
                Ok(created)
            }
            ResourceWork::CloseFronts(created) => {
                self.close_fronts();
                Ok(created)
            }
            ResourceWork::Ensure { cluster } if job.express => {
                self.ensure(cluster.clone());
                let world = self.world();
                let found = world.state.clusters.get(&cluster).ok_or("the cluster is gone")?;
                let attributes = found.attributes(&cluster, &world.state.region);
                Ok(Created { physical_id: cluster, attributes })
            }
            ResourceWork::Ensure { cluster } => match self.databases.ensure(&cluster).await {
                Ok(_) => resources::cluster_ready(&mut self.world(), &cluster),
                Err(error) => {
                    self.world().state.clusters.remove(&cluster);
                    Err(format!("Resource handler returned message: \"{error}\" (HandlerErrorCode: NotStabilized)"))
                }
            },
            ResourceWork::Drop { cluster } => {
                self.databases.delete(&cluster).await.map_err(|error| {
                    format!(
                        "Resource handler returned message: \"{error}\" (HandlerErrorCode: GeneralServiceException)"
                    )
                })?;
                let mut world = self.world();
                world.state.clusters.remove(&cluster);
                world.dirty = true;
                Ok(Created { physical_id: cluster, ..Created::default() })
            }
        }
    }

    /// Does what of a resource's work can be done at once, and notes its name. Both under one lock: whoever saves the state
    /// saves both or neither, so that nothing is forgotten that is there.
    fn begun(&self, stack: &str, id: u64, job: &ResourceJob) -> Result<ResourceWork, String> {
        let now = self.now();
        let mut world = self.world();
        let found = world.state.stacks.get(stack);
        if found.and_then(|stack| stack.operation.as_ref()).is_some_and(|operation| operation.has_cancelled(id)) {
            return Err("cancelled before it began".into());
        }
        let found = found.map(|s| (s.name.clone(), s.id.clone(), s.tags().clone()));
        let (name, stack_id, stack_tags) = found.unwrap_or_default();
        let mut context =
            ResourceContext { world: &mut world, stack: &name, stack_id: &stack_id, stack_tags: &stack_tags, now };
        let work = resources::start(&mut context, job)?;
        let known = match &work {
            ResourceWork::Done(created)
            | ResourceWork::PutFunction { created, .. }
            | ResourceWork::OpenApi { created, .. }
            | ResourceWork::OpenUrl { created, .. } => Some(created.physical_id.as_str()),
            ResourceWork::Ensure { cluster } => Some(cluster.as_str()),
            ResourceWork::RemoveFunctions { .. } | ResourceWork::CloseFronts(_) | ResourceWork::Drop { .. } => None,
        };
        if let Some(physical) = known.filter(|_| matches!(job.verb, Verb::Create | Verb::Replace)) {
            api::with_engine(&mut world, stack, now, |stack, env| engine::initiated(stack, id, physical, env));
            self.moved.notify_waiters();
        }
        Ok(work)
    }

    /// Brings up a cluster's database in the background; the cluster is then `ACTIVE`, or `FAILED`.
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
            if let Some(found) = world.state.clusters.get_mut(&cluster).filter(|c| c.status == ClusterStatus::Creating)
            {
                found.status = if up.is_ok() { ClusterStatus::Active } else { ClusterStatus::Failed };
                world.dirty = true;
            }
            drop(world);
            cloud.saved_in_background();
        });
    }

    /// Takes down a cluster's database in the background, and forgets the cluster.
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
                        found.status = ClusterStatus::Failed;
                    }
                }
            }
            world.dirty = true;
            drop(world);
            cloud.saved_in_background();
        });
    }

    /// Saves, where nobody waits for an answer that could tell of a failure.
    pub(super) fn saved_in_background(&self) {
        if let Err(error) = self.save() {
            tracing::error!(%error, "the state could not be saved");
        }
    }
}

/// Gives a function its code and settings again; what was added to it beside them since stays.
fn put_again(functions: &mut BTreeMap<String, FunctionRecord>, name: &str, old: FunctionRecord) {
    let again = match functions.remove(name) {
        Some(FunctionRecord { aliases, permissions, policy_revisions, urls, .. }) => {
            FunctionRecord { aliases, permissions, policy_revisions, urls, ..old }
        }
        None => old,
    };
    functions.insert(name.to_owned(), again);
}

/// Functions that are being handed over, until it is dropped.
struct Updating<'a>(&'a Cloud, &'a [String]);

impl Drop for Updating<'_> {
    fn drop(&mut self) {
        let updating = &mut self.0.world().updating;
        for key in self.1 {
            if let Some(at) = updating.iter().position(|name| name == key) {
                updating.swap_remove(at);
            }
        }
    }
}

//! The endpoint as a whole: socket in front, state behind, functions and databases beside it.
//!
//! The only part that waits. Invariant: the world's lock is never held across a wait, and every answer goes
//! out after what it tells is on disk.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::cloudformation::api;
use super::cloudformation::engine::{self, Job, Made, Verb};
use super::cloudformation::resources::{self, Place, Work};
use super::error::AwsError;
use super::http::{Request, Response};
use super::ids::Ids;
use super::logs::{self, Logs};
use super::protocol::{self, Protocol};
use super::service::{Call, Next, World};
use super::state::{State, StateError, Store};
use super::time::Instant;
use super::{cloudcontrol, dsql, iam_api, lambda, s3, sigv4, ssm, sts};
use crate::sandbox::iam::policy::Context;
use crate::sandbox::seams::{
    Authority, Clock, ClusterInfo, Credential, Databases, Decision, FunctionSpec, Functions, Issuer, LambdaError,
    Principal,
};

/// How long DescribeStacks waits for a stack to settle. Clients poll every 5 s and give up on one request
/// after a minute or more; a short wait here is what makes a deploy as fast as its resources.
const HOLD: Duration = Duration::from_secs(20);
/// Waits before an asynchronous invocation that failed is tried again, as Lambda has it.
const RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

pub struct Cloud {
    world: Mutex<World>,
    logs: Mutex<Logs>,
    functions: Arc<dyn Functions>,
    databases: Arc<dyn Databases>,
    clock: Clock,
    /// What clients sign by; the sandbox's own clock may have been moved.
    machine: Clock,
    /// Told whenever a stack has moved.
    moved: Notify,
    tasks: Mutex<JoinSet<()>>,
    stop: CancellationToken,
}

impl Cloud {
    /// Opens the state in `dir`, or begins one. Hands all functions to `functions` and picks up what was under
    /// way when the last process ended. Needs a Tokio runtime.
    pub async fn open(
        dir: &Path,
        region: &str,
        account: &str,
        functions: Arc<dyn Functions>,
        databases: Arc<dyn Databases>,
        clock: Clock,
    ) -> Result<Arc<Self>, StateError> {
        let store = Store::open(dir)?;
        let mut ids = Ids::new();
        let (state, fresh) = match store.load()? {
            Some(state) => (state, false),
            None => (State::new(account, region, &mut ids), true),
        };
        let world = World { state, ids, store, dirty: fresh };
        let cloud = Arc::new(Cloud {
            world: Mutex::new(world),
            logs: Mutex::new(Logs::default()),
            functions,
            databases,
            clock,
            machine: Arc::new(std::time::SystemTime::now),
            moved: Notify::new(),
            tasks: Mutex::new(JoinSet::new()),
            stop: CancellationToken::new(),
        });
        cloud.save()?;
        cloud.resume().await;
        Ok(cloud)
    }

    /// Takes up what the state says: functions, clusters that were on their way, stacks in the middle of something.
    async fn resume(self: &Arc<Self>) {
        let specs: Vec<FunctionSpec> = {
            let world = self.world();
            world.state.functions.keys().filter_map(|name| spec(&world, name)).collect()
        };
        for spec in specs {
            let name = spec.name.clone();
            if let Err(error) = self.functions.put(spec).await {
                tracing::error!(function = name, %error, "a function could not be taken up again");
            }
        }
        let (stacks, clusters): (Vec<String>, Vec<(String, dsql::Status)>) = {
            let world = self.world();
            let stacks = world.state.stacks.values().filter(|s| s.operation.is_some()).map(|s| s.id.clone());
            (stacks.collect(), world.state.clusters.iter().map(|(id, c)| (id.clone(), c.status)).collect())
        };
        for stack in stacks {
            let now = self.now();
            api::with_engine(&mut self.world(), &stack, now, engine::recover);
            self.drive(stack);
        }
        for (cluster, status) in clusters {
            match status {
                dsql::Status::Creating => self.ensure(cluster),
                dsql::Status::Deleting => self.drop_cluster(cluster),
                dsql::Status::Active | dsql::Status::Updating | dsql::Status::Failed => {}
            }
        }
    }

    /// Credentials of the one user, who may do everything.
    pub fn user_credential(&self) -> Credential {
        self.world().state.iam.user_credential()
    }

    pub fn region(&self) -> String {
        self.world().state.region.clone()
    }

    pub fn account(&self) -> String {
        self.world().state.account.clone()
    }

    /// All clusters that are not being deleted, newest first.
    pub fn clusters(&self) -> Vec<ClusterInfo> {
        let world = self.world();
        let mut all: Vec<_> = world.state.clusters.iter().filter(|(_, c)| c.status != dsql::Status::Deleting).collect();
        all.sort_by_key(|(_, cluster)| std::cmp::Reverse(cluster.created));
        all.into_iter().map(|(id, cluster)| cluster.info(id, &world.state.region)).collect()
    }

    /// Writes the state to disk if it has changed. Every answer does so by itself.
    pub fn save(&self) -> Result<(), StateError> {
        let mut world = self.world();
        if !world.dirty {
            return Ok(());
        }
        let text = Store::text(&world.state);
        world.store.save(&text)?;
        world.dirty = false;
        Ok(())
    }

    /// Takes the state that now lies in the directory in place of the one in memory: after a restore. Call it
    /// while nothing is under way; functions that are gone are removed, the others handed over anew.
    pub async fn reload(self: &Arc<Self>) -> Result<(), StateError> {
        let gone: Vec<String> = {
            let mut world = self.world();
            let Some(state) = world.store.load()? else { return Ok(()) };
            let gone =
                world.state.functions.keys().filter(|name| !state.functions.contains_key(*name)).cloned().collect();
            world.state = state;
            world.dirty = false;
            gone
        };
        for name in gone {
            self.functions.remove(&name).await;
        }
        self.resume().await;
        Ok(())
    }

    /// Whether a stack operation is under way.
    pub fn busy(&self) -> bool {
        self.world().state.stacks.values().any(|stack| stack.operation.is_some())
    }

    /// Everything the endpoint answers.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        let cloud = self.clone();
        axum::Router::new().fallback(move |request: axum::extract::Request| {
            let cloud = cloud.clone();
            async move { cloud.serve_one(request).await }
        })
    }

    /// Serves until `shutdown`, then ends what is under way in the background and saves.
    pub async fn serve(
        self: &Arc<Self>,
        listener: tokio::net::TcpListener,
        shutdown: CancellationToken,
    ) -> std::io::Result<()> {
        let stop = shutdown.clone();
        axum::serve(listener, self.router()).with_graceful_shutdown(async move { stop.cancelled().await }).await?;
        self.close().await;
        Ok(())
    }

    /// Ends what runs in the background. What was under way is picked up by the next start.
    pub async fn close(&self) {
        self.stop.cancel();
        self.moved.notify_waiters();
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        while tasks.join_next().await.is_some() {}
        if let Err(error) = self.save() {
            tracing::error!(%error, "the state could not be saved");
        }
    }

    async fn serve_one(self: &Arc<Self>, request: axum::extract::Request) -> axum::response::Response {
        let (parts, body) = request.into_parts();
        let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let mut request = Request {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers.iter().map(header).collect(),
            body: bytes::Bytes::new(),
        };
        let response = match to_bytes(body, s3::MAX_BODY).await {
            Ok(body) => {
                request.body = body;
                self.handle(request).await
            }
            Err(error) => {
                tracing::warn!(%error, path = request.path, "a request's body could not be read");
                let error = AwsError::new(413, "EntityTooLarge", format!("the body could not be read: {error}"));
                protocol::error_response("s3", Protocol::RestXml, &error, "")
            }
        };
        let mut out = axum::response::Response::new(Body::from(response.body));
        *out.status_mut() =
            axum::http::StatusCode::from_u16(response.status).unwrap_or(axum::http::StatusCode::BAD_REQUEST);
        for (name, value) in response.headers {
            let pair = (axum::http::HeaderName::try_from(name), axum::http::HeaderValue::try_from(value));
            if let (Ok(name), Ok(value)) = pair {
                out.headers_mut().insert(name, value);
            }
        }
        out
    }

    /// One request, from its bytes to its answer.
    pub async fn handle(self: &Arc<Self>, request: Request) -> Response {
        let request_id = self.world().ids.uuid();
        let service = sigv4::service(&request).unwrap_or_else(|| "an unknown service".into());
        let protocol = protocol::of(&service, &request);
        let operation = protocol::operation_hint(protocol, &request);
        let result = self.answer(request, &service, protocol, &request_id).await;
        let result = match self.save() {
            Ok(()) => result,
            Err(error) => {
                tracing::error!(%error, "the state could not be saved");
                Err(AwsError::new(400, "InsufficientStorage", format!("the sandbox could not save its state: {error}")))
            }
        };
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                // What we do not have is news; what a client asks in vain is often how it finds out.
                if error.not_served() {
                    tracing::warn!(service, operation, code = error.code, status = error.status, "{}", error.message);
                } else {
                    tracing::info!(service, operation, code = error.code, status = error.status, "{}", error.message);
                }
                protocol::error_response(&service, protocol, &error, &request_id)
            }
        };
        tracing::debug!(service, operation, status = response.status, "answered");
        match response.headers.iter().any(|(name, _)| name == "x-amzn-requestid") {
            true => response,
            false if protocol == Protocol::RestXml => response.with("x-amz-request-id", request_id),
            false => response.with("x-amzn-requestid", request_id),
        }
    }

    async fn answer(
        self: &Arc<Self>,
        mut request: Request,
        service: &str,
        protocol: Protocol,
        request_id: &str,
    ) -> Result<Response, AwsError> {
        let now = self.now();
        let region = self.region();
        let signed_by = Instant::of((self.machine)());
        let signed = sigv4::verify(&request, &region, signed_by, now, |key| self.credential(key))
            .map_err(|refusal| protocol::refused(protocol, &refusal))?;
        request.body = signed.body;
        let operation = protocol::operation_hint(protocol, &request);
        let input = if protocol == Protocol::Query { protocol::query_input(&request) } else { Value::Null };
        let next = {
            let mut world = self.world();
            let mut call =
                Call { world: &mut world, now, caller: &signed.credential, request: &request, service, protocol };
            match service {
                "sts" => sts::call(&mut call, &operation, &input),
                "iam" => iam_api::call(&mut call, &operation, &input),
                "cloudformation" => api::call(&mut call, &operation, &input),
                "cloudcontrolapi" => cloudcontrol::call(&mut call, &operation),
                "ssm" => ssm::call(&mut call, &operation),
                "logs" => logs::call(&mut call, &operation, &self.logs.lock().unwrap_or_else(|e| e.into_inner())),
                "s3" => s3::call(&mut call),
                "lambda" => lambda::call(&mut call),
                "dsql" => dsql::call(&mut call),
                _ => Err(call.not_served(&operation)),
            }?
        };
        let result = |value: &Value| protocol::query_response(service, &operation, value, request_id);
        Ok(match next {
            Next::Result(value) => result(&value),
            Next::Json(status, value) => protocol::json_response(status, protocol, &value),
            Next::Respond(response) => response,
            Next::Invoke { name, payload, tail } => {
                let invoked = self.invoke(&name, payload).await.map_err(lambda::refused)?;
                lambda::invoked(invoked, tail)
            }
            Next::InvokeLater { name, payload } => {
                self.invoke_later(name, payload);
                protocol::json_response(202, protocol, &Value::Null)
            }
            Next::PutFunction { name, status, answer } => {
                self.put_function(&name).await.map_err(lambda::refused)?;
                protocol::json_response(status, protocol, &answer)
            }
            Next::RemoveFunction { name } => {
                self.functions.remove(&name).await;
                protocol::json_response(200, protocol, &json!({"StatusCode": 204}))
            }
            Next::Drive { stack, answer } => {
                self.drive(stack);
                result(&answer)
            }
            Next::Settle { stack } => {
                self.settle(&stack).await;
                result(&api::described(&self.world(), &stack)?)
            }
            Next::Ensure { cluster, answer } => {
                self.ensure(cluster);
                protocol::json_response(200, protocol, &answer)
            }
            Next::Drop { cluster, answer } => {
                self.drop_cluster(cluster);
                protocol::json_response(200, protocol, &answer)
            }
        })
    }

    fn world(&self) -> MutexGuard<'_, World> {
        // A panic while the lock was held is a bug of one request; the others go on.
        self.world.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Runs in the background; [`Cloud::close`] waits for it.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    fn now(&self) -> Instant {
        Instant::of((self.clock)())
    }

    async fn invoke(
        &self,
        name: &str,
        payload: bytes::Bytes,
    ) -> Result<crate::sandbox::seams::InvokeResult, LambdaError> {
        let result = self.functions.invoke(name, payload).await?;
        let mut logs = self.logs.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        logs.add(name, &result.request_id, &result.log_tail, self.now());
        Ok(result)
    }

    fn invoke_later(self: &Arc<Self>, name: String, payload: bytes::Bytes) {
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

    async fn put_function(&self, name: &str) -> Result<(), LambdaError> {
        let spec = spec(&self.world(), name);
        let spec =
            spec.ok_or_else(|| LambdaError::BadCode("the deployment package is gone from the sandbox's disk".into()))?;
        self.functions.put(spec).await
    }

    /// Until nothing is under way on the stack, or for as long as a client waits without worry.
    async fn settle(&self, stack: &str) {
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
    fn drive(self: &Arc<Self>, stack: String) {
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

    fn ensure(self: &Arc<Self>, cluster: String) {
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

    fn drop_cluster(self: &Arc<Self>, cluster: String) {
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

fn spec(world: &World, name: &str) -> Option<FunctionSpec> {
    let function = world.state.functions.get(name)?;
    let code =
        world.store.get(&function.blob).inspect_err(|error| tracing::error!(%error, "a package is gone")).ok()?;
    Some(function.spec(name, code))
}

impl Authority for Cloud {
    fn credential(&self, access_key_id: &str) -> Option<Credential> {
        self.world().state.iam.credential(access_key_id)
    }

    fn authorize(&self, principal: &Principal, action: &str, resource: &str) -> Decision {
        self.world().state.iam.authorize(principal, action, resource, &Context::new())
    }

    fn cluster(&self, host: &str) -> Option<ClusterInfo> {
        let world = self.world();
        let id = host.split('.').next()?;
        let cluster = world.state.clusters.get(id).filter(|cluster| cluster.endpoint == host)?;
        Some(cluster.info(id, &world.state.region))
    }

    fn role_exists(&self, role_arn: &str) -> bool {
        self.world().state.iam.role_by_arn(role_arn).is_some()
    }
}

impl Issuer for Cloud {
    fn assume(&self, role_arn: &str, session_name: &str, lifetime: Duration) -> Option<Credential> {
        let now = (self.clock)();
        let mut world = self.world();
        let world = &mut *world;
        world.dirty = true;
        world.state.iam.assume(role_arn, session_name, lifetime, now, &mut world.ids)
    }
}

//! The endpoint as a whole: socket in front, state behind, functions and databases beside it.
//!
//! The only part that waits. Invariant: the world's lock is never held across a wait, and every answer goes
//! out after what it tells is on disk.

mod answer;
mod work;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::cloudformation::api;
use super::cloudformation::engine;
use super::dsql;
use super::ids::Ids;
use super::logs::Logs;
use super::service::World;
use super::state::{State, StateError, Store};
use super::time::Instant;
use crate::iam::policy::Context;
use crate::interfaces::{
    Authority, ClusterInfo, Credential, Databases, Decision, FunctionSpec, Functions, Issuer, Principal, TimeSource,
};

pub struct Cloud {
    world: Mutex<World>,
    logs: Mutex<Logs>,
    functions: Arc<dyn Functions>,
    databases: Arc<dyn Databases>,
    clock: TimeSource,
    /// What clients sign by; the sandbox's own clock may have been moved.
    machine: TimeSource,
    /// Told whenever a stack has moved.
    moved: Notify,
    tasks: Mutex<JoinSet<()>>,
    stop: CancellationToken,
    /// Requests read it while they change anything; who keeps them all out writes it.
    hold: tokio::sync::RwLock<()>,
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
        clock: TimeSource,
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
            hold: tokio::sync::RwLock::default(),
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

    /// Keeps everything as it is until the guard is dropped: requests wait, those under way have ended. Stack
    /// operations go on: see [`Cloud::busy`].
    pub async fn hold(&self) -> tokio::sync::RwLockWriteGuard<'_, ()> {
        self.hold.write().await
    }

    /// Waits until no cluster is being made or deleted.
    pub async fn settled(&self) {
        let moving = |c: &dsql::Cluster| matches!(c.status, dsql::Status::Creating | dsql::Status::Deleting);
        while self.world().state.clusters.values().any(moving) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether a stack operation is under way.
    pub fn busy(&self) -> bool {
        self.world().state.stacks.values().any(|stack| stack.operation.is_some())
    }

    pub async fn close(&self) {
        self.stop.cancel();
        self.moved.notify_waiters();
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        while tasks.join_next().await.is_some() {}
        if let Err(error) = self.save() {
            tracing::error!(%error, "the state could not be saved");
        }
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

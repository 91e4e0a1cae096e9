//! The endpoint itself: opened, asked by the other parts of the sandbox, saved, closed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::aws::cloudformation::api;
use crate::aws::cloudformation::engine;
use crate::aws::ids::Ids;
use crate::aws::lambda;
use crate::aws::logs::Logs;
use crate::aws::records::{ClusterRecord, ClusterStatus};
use crate::aws::service::World;
use crate::aws::state::CloudState;
use crate::aws::store::{Aside, StateError, Store};
use crate::aws::time::Instant;
use crate::iam::policy::Context;
use crate::interfaces::{
    Authority, ClusterInfo, Credential, Databases, Decision, FunctionSpec, Functions, Issuer, Principal, TimeSource,
};
use workshop_dsql::conditions::Conditions;

/// Something that answers on a port of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Front {
    /// A function's URL; the qualifier is empty for the function itself.
    Url { function: String, qualifier: String },
    /// An HTTP API by its id.
    Api(String),
}

/// An open port, and how to close it.
#[derive(Debug, Clone)]
pub(super) struct OpenFront {
    pub(super) port: u16,
    pub(super) closed: CancellationToken,
}

pub struct Cloud {
    pub(super) world: Mutex<World>,
    pub(super) logs: Mutex<Logs>,
    pub(super) functions: Arc<dyn Functions>,
    pub(super) databases: Arc<dyn Databases>,
    pub(super) clock: TimeSource,
    /// The clock that clients sign by; the sandbox's own clock may have been moved.
    pub(super) machine: TimeSource,
    /// Told whenever a stack has moved.
    pub(super) moved: Notify,
    pub(super) tasks: Mutex<JoinSet<()>>,
    pub(super) stop: CancellationToken,
    /// Requests read it while they change anything; who keeps them all out writes it.
    pub(super) hold: tokio::sync::RwLock<()>,
    /// Counts the states that have taken the place of the one before: what waits for its turn in one is nothing in the next.
    pub(super) states: AtomicU64,
    /// Open ports in front of functions.
    pub(super) fronts: Mutex<BTreeMap<Front, OpenFront>>,
    /// The parts of the saved state that could not be read.
    pub(super) aside: Option<Aside>,
    pub(super) conditions: Conditions,
}

impl Cloud {
    /// Opens the state in `dir`, or begins one. Hands all functions to `functions` and picks up what was under
    /// way when the last process ended. Needs a Tokio runtime.
    ///
    /// # Errors
    /// [`StateError`], when the directory cannot be used or the state cannot be saved. What cannot be read is put aside.
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
        let recovered = store.recover(Instant::of((clock)()), &mut ids)?;
        if let Some(aside) = &recovered.aside {
            tracing::error!("the state of the cloud was {aside}");
        }
        let fresh = recovered.state.is_none() || recovered.aside.is_some();
        let state = recovered.state.unwrap_or_else(|| CloudState::new(account, region, &mut ids));
        let world = World { state, ids, store, updating: Vec::new(), dirty: fresh };
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
            states: AtomicU64::new(0),
            hold: tokio::sync::RwLock::default(),
            fronts: Mutex::default(),
            aside: recovered.aside,
            conditions: Conditions::default(),
        });
        cloud.save()?;
        cloud.resume().await;
        Ok(cloud)
    }

    /// Takes up what the state says: functions, clusters that were on their way, stacks in the middle of something.
    async fn resume(self: &Arc<Self>) {
        // First: where one has to take another port, functions are to be told of it.
        self.open_fronts().await;
        let specs: Vec<FunctionSpec> = {
            let world = self.world();
            world
                .state
                .functions
                .iter()
                .flat_map(|(name, f)| lambda::keys(name, f))
                .filter_map(|key| spec(&world, &key))
                .collect()
        };
        for spec in specs {
            let name = spec.name.clone();
            if let Err(error) = self.functions.put(spec).await {
                tracing::error!(function = name, %error, "a function could not be taken up again");
            }
        }
        let (stacks, clusters): (Vec<String>, Vec<(String, ClusterStatus)>) = {
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
                ClusterStatus::Creating => self.ensure(cluster),
                ClusterStatus::Deleting => self.drop_cluster(cluster),
                ClusterStatus::Active | ClusterStatus::Updating | ClusterStatus::Failed => {}
            }
        }
        self.saved_in_background();
    }

    /// Credentials of the one user, who may do everything.
    pub fn user_credential(&self) -> Credential {
        self.world().state.iam.user_credential()
    }

    /// Returns what of the saved state could not be read when it was opened, and where that is kept.
    pub fn aside(&self) -> Option<&Aside> {
        self.aside.as_ref()
    }

    /// Returns the one Region that the sandbox is.
    pub fn region(&self) -> String {
        self.world().state.region.clone()
    }

    /// Returns the one account's number, twelve digits.
    pub fn account(&self) -> String {
        self.world().state.account.clone()
    }

    /// All clusters that are not being deleted, newest first.
    pub fn clusters(&self) -> Vec<ClusterInfo> {
        let world = self.world();
        let mut all: Vec<_> =
            world.state.clusters.iter().filter(|(_, c)| c.status != ClusterStatus::Deleting).collect();
        all.sort_by_key(|(_, cluster)| std::cmp::Reverse(cluster.created));
        all.into_iter().map(|(id, cluster)| cluster.info(id, &world.state.region)).collect()
    }

    /// Writes the state to disk if it has changed. Every answer does so by itself.
    ///
    /// # Errors
    /// [`StateError::Io`], when it cannot be written; it is tried again with the next answer.
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

    /// Tells if a state lies in a directory that can be taken up.
    ///
    /// # Errors
    /// [`StateError`], when one lies there that cannot be read.
    pub fn holds_state(dir: &Path) -> Result<bool, StateError> {
        Ok(Store::open(dir)?.load()?.is_some())
    }

    /// Takes the state that now lies in the directory in place of the one in memory: after a restore. Call it
    /// while nothing is under way; functions that are gone are removed, the others handed over anew.
    ///
    /// # Errors
    /// [`StateError`], when the state that lies there cannot be read; the one in memory stays.
    pub async fn reload(self: &Arc<Self>) -> Result<(), StateError> {
        let Some(state) = self.world().store.load()? else { return Ok(()) };
        self.replace_state(state).await;
        Ok(())
    }

    /// Deletes all that it holds; its user's credentials stay valid. Call it while nothing is under way.
    ///
    /// # Errors
    /// [`StateError::Io`], when that cannot be written.
    pub async fn clear(self: &Arc<Self>) -> Result<(), StateError> {
        let empty = self.world().state.emptied();
        self.replace_state(empty).await;
        self.world().dirty = true;
        self.save()
    }

    async fn replace_state(self: &Arc<Self>, state: CloudState) {
        let gone: Vec<String> = {
            let mut world = self.world();
            let all = |state: &CloudState| -> Vec<String> {
                state.functions.iter().flat_map(|(name, function)| lambda::keys(name, function)).collect()
            };
            let (before, after) = (all(&world.state), all(&state));
            world.state = state;
            world.dirty = false;
            self.states.fetch_add(1, Ordering::Relaxed);
            // What functions of another state wrote is none of these.
            *self.logs() = Logs::default();
            before.into_iter().filter(|key| !after.contains(key)).collect()
        };
        self.remove_functions(&gone).await;
        self.resume().await;
    }

    /// Keeps everything as it is until the guard is dropped: requests wait, those under way have ended. Stack
    /// operations go on: see [`Cloud::busy`].
    pub async fn hold(&self) -> tokio::sync::RwLockWriteGuard<'_, ()> {
        self.hold.write().await
    }

    /// Waits until no cluster is being made or deleted.
    pub async fn settled(&self) {
        let moving = |c: &ClusterRecord| matches!(c.status, ClusterStatus::Creating | ClusterStatus::Deleting);
        while self.world().state.clusters.values().any(moving) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Tells that a stack operation is under way.
    pub fn busy(&self) -> bool {
        self.world().state.stacks.values().any(|stack| stack.operation.is_some())
    }

    /// Ends what is under way in the background, and saves. Stack operations go on at the next start.
    pub async fn close(&self) {
        self.stop.cancel();
        self.moved.notify_waiters();
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        while tasks.join_next().await.is_some() {}
        if let Err(error) = self.save() {
            tracing::error!(%error, "the state could not be saved");
        }
    }

    /// Locks the world. Not to be held across a wait.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        // A panic while the lock was held is a bug of one request; the others go on.
        self.world.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Locks what functions have logged, as [`Cloud::world`].
    pub(super) fn logs(&self) -> MutexGuard<'_, Logs> {
        self.logs.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Runs in the background; [`Cloud::close`] waits for it.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Reads the sandbox's clock.
    pub(super) fn now(&self) -> Instant {
        Instant::of((self.clock)())
    }
}

/// Makes a version ready for the Lambda service; None when it, or its package, is gone.
pub(super) fn spec(world: &World, key: &str) -> Option<FunctionSpec> {
    let (name, function) = lambda::record(&world.state, key)?;
    let code =
        world.store.get(&function.blob).inspect_err(|error| tracing::error!(%error, "a package is gone")).ok()?;
    Some(function.spec(name, code))
}

impl Authority for Cloud {
    fn credential(&self, access_key_id: &str) -> Option<Credential> {
        self.world().state.iam.credential(access_key_id)
    }

    fn authorize(&self, principal: &Principal, action: &str, resource: &str) -> Decision {
        let now = self.now();
        self.world().state.iam.authorize(principal, action, resource, now, &Context::new())
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

    fn conditions(&self) -> Conditions {
        self.conditions.clone()
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

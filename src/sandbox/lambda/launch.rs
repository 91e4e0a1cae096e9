//! How a function's process is started: its program, its variables, its log, and what finds all that it leaves behind.
//!
//! Invariant: a function runs as its role and sees nothing of the user's own environment but `PATH` and what the machine's
//! programs need to run at all.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use super::api::RuntimeApi;
use super::environment::Environment;
use super::log::FunctionLog;
use super::node::{NodeBinary, NodeRuntimes, major_of};
use super::report;
use super::types::{FunctionVersion, LambdaConfig, safe_name};
use crate::child::DeathSignal;
use crate::interfaces::{Credential, FunctionSpec, Issuer, LambdaError, LogFormat};
use crate::launch::Launch;
use crate::sweep;

/// Sends cluster host names to the proxy; the user's own programs load it too.
pub const PRELOAD: &str = include_str!("runtime/preload.cjs");
/// The Node.js side, file by file.
const RUNTIME: [(&str, &str); 11] = [
    ("bootstrap.mjs", include_str!("runtime/bootstrap.mjs")),
    ("classic.mjs", include_str!("runtime/classic.mjs")),
    ("context.mjs", include_str!("runtime/context.mjs")),
    ("current.mjs", include_str!("runtime/current.mjs")),
    ("errors.mjs", include_str!("runtime/errors.mjs")),
    ("log.mjs", include_str!("runtime/log.mjs")),
    ("module.mjs", include_str!("runtime/module.mjs")),
    ("paths.mjs", include_str!("runtime/paths.mjs")),
    ("preload.cjs", PRELOAD),
    ("stream.mjs", include_str!("runtime/stream.mjs")),
    ("wire.mjs", include_str!("runtime/wire.mjs")),
];
/// Life of an environment's credentials; it is replaced before they expire.
const CREDENTIALS: Duration = Duration::from_secs(6 * 3600);

/// What an environment has where its function's configuration says nothing else. Source: AWS Lambda developer guide, "Using
/// Lambda environment variables" (2026-11), the unreserved ones.
const DEFAULTS: [(&str, &str); 2] = [("TZ", ":UTC"), ("LANG", "en_US.UTF-8")];
/// The same, taken from this machine, whose programs run the function.
const INHERITED: [&str; 3] = ["PATH", "TMPDIR", "LD_LIBRARY_PATH"];
/// The locale of the C library, which a `LANG` of the function's own is not to be hidden by.
const LOCALE: (&str, &str) = ("LC_ALL", "C.UTF-8");

/// Returns a function's own variables, and the defaults for those that it does not have. `machine` looks up this machine's.
fn own_and_default(
    own: &BTreeMap<String, String>,
    machine: impl Fn(&str) -> Option<OsString>,
) -> Vec<(OsString, OsString)> {
    let mut env: BTreeMap<OsString, OsString> =
        DEFAULTS.into_iter().map(|(n, value)| (n.into(), value.into())).collect();
    if !own.contains_key("LANG") {
        env.insert(LOCALE.0.into(), LOCALE.1.into());
    }
    env.extend(INHERITED.into_iter().filter_map(|name| Some((name.into(), machine(name)?))));
    for (name, value) in own {
        let value = match env.get(OsStr::new(name)) {
            Some(others) if name.ends_with("PATH") => joined(value, others),
            _ => value.into(),
        };
        env.insert(name.into(), value);
    }
    env.into_iter().collect()
}

/// Returns places to look in, the function's own before others without which nothing runs here.
fn joined(own: &str, others: &OsStr) -> OsString {
    [OsStr::new(own), OsStr::new(":"), others].into_iter().collect()
}

/// Makes up the name of an environment's log stream. In a group of the function's own choice, which others may share, it
/// has the function's name in it (Lambda developer guide, "Configuring CloudWatch log groups").
fn log_stream(spec: &FunctionSpec, now: SystemTime) -> String {
    let name = spec.logging.group.as_ref().map_or("", |_| &spec.name);
    format!("{}/{name}[{}]{:032x}", report::date(now), spec.version, rand::random::<u128>())
}

/// Starts the environments of all functions.
pub(super) struct Launcher {
    pub config: LambdaConfig,
    pub nodes: NodeRuntimes,
    api: RuntimeApi,
    issuer: OnceLock<Arc<dyn Issuer>>,
}

impl Launcher {
    /// Lays out the directories and the Node.js side of the runtime.
    ///
    /// # Errors
    /// When the disk refuses a file or a directory.
    pub fn new(config: LambdaConfig, api: RuntimeApi) -> io::Result<Launcher> {
        let runtime = config.run.join("runtime");
        for dir in [config.run.join("functions"), config.run.join("node_modules"), runtime.clone(), config.logs.clone()]
        {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        for (name, text) in RUNTIME {
            fs::write(runtime.join(name), text)?;
        }
        let nodes = NodeRuntimes::new(config.cache.clone());
        Ok(Launcher { config, nodes, api, issuer: OnceLock::new() })
    }

    /// Says who gives functions their roles' credentials. Only the first counts.
    pub fn set_issuer(&self, issuer: Arc<dyn Issuer>) {
        let _ = self.issuer.set(issuer);
    }

    /// Starts an environment and returns it with the time at which its credentials expire.
    ///
    /// # Errors
    /// When the role is gone, or the process cannot be started.
    pub async fn start(&self, version: &FunctionVersion) -> Result<(Environment, Option<SystemTime>), LambdaError> {
        let spec = &version.spec;
        let issuer = self.issuer.get().ok_or(LambdaError::Role)?;
        let credential = issuer.assume(&spec.role_arn, &spec.name, CREDENTIALS).ok_or(LambdaError::Role)?;
        let node = self.nodes.provide(&spec.runtime).await;
        let (registration, runtime) = self.api.register();
        let marker = self.config.run.join("environment").join(registration.key());
        let own = self.config.run.join("runtime");
        let stream = log_stream(spec, (self.config.clock)());
        let launch = Launch {
            program: node.program.clone(),
            args: vec![
                format!("--max-old-space-size={}", (spec.memory_mb * 9 / 10).max(32)).into(),
                "--require".into(),
                own.join("preload.cjs").into(),
                own.join("bootstrap.mjs").into(),
            ],
            env: self.variables(version, &credential, &registration.address, &node, &marker, &stream),
            dir: version.dir.clone(),
            user: None,
            signal: DeathSignal::Kill,
            stdout: Stdio::null(),
            stderr: Stdio::null(),
        };
        let log = self.config.logs.join(format!("{}.log", safe_name(&spec.name)));
        let mut log = FunctionLog::open(&log, &version.dir, &own, RUNTIME.map(|(name, _)| name));
        if let Some(note) = &node.note
            && !version.told.swap(true, Ordering::Relaxed)
        {
            log.platform(&format!("[workshop] {} is the function's runtime, and {note}\n", spec.runtime));
        }
        let started =
            Environment::start(&self.config.spawner, launch, registration, runtime, log, marker, stream).await;
        started
            .map(|environment| (environment, credential.expires))
            .map_err(|error| LambdaError::Start(error.to_string()))
    }

    /// The function's own variables first: the runtime's cannot be overridden, but for those of [`DEFAULTS`].
    fn variables(
        &self,
        version: &FunctionVersion,
        credential: &Credential,
        api: &str,
        node: &NodeBinary,
        marker: &std::path::Path,
        stream: &str,
    ) -> Vec<(OsString, OsString)> {
        let FunctionVersion { spec, dir, .. } = version;
        let config = &self.config;
        let mut env = own_and_default(&spec.environment, |name| std::env::var_os(name));
        let nowhere: PathBuf = config.run.join("none");
        let group = spec.logging.group.clone().unwrap_or_else(|| format!("/aws/lambda/{}", spec.name));
        let packages = config.run.join("node_modules").into_os_string();
        let packages = spec.environment.get("NODE_PATH").map_or(packages.clone(), |own| joined(own, &packages));
        let set: [(&str, OsString); 26] = [
            ("AWS_LAMBDA_RUNTIME_API", api.into()),
            ("_HANDLER", spec.handler.clone().into()),
            ("LAMBDA_TASK_ROOT", dir.into()),
            ("LAMBDA_RUNTIME_DIR", config.run.join("runtime").into()),
            ("AWS_LAMBDA_FUNCTION_NAME", spec.name.clone().into()),
            ("AWS_LAMBDA_FUNCTION_VERSION", spec.version.clone().into()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", spec.memory_mb.to_string().into()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", group.into()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", stream.into()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".into()),
            ("AWS_EXECUTION_ENV", format!("AWS_Lambda_{}", spec.runtime).into()),
            ("AWS_REGION", config.region.clone().into()),
            ("AWS_DEFAULT_REGION", config.region.clone().into()),
            ("AWS_ACCESS_KEY_ID", credential.access_key_id.clone().into()),
            ("AWS_SECRET_ACCESS_KEY", credential.secret_access_key.clone().into()),
            ("AWS_SESSION_TOKEN", credential.session_token.clone().unwrap_or_default().into()),
            ("AWS_ENDPOINT_URL", config.endpoint_url.clone().into()),
            ("AWS_CONFIG_FILE", nowhere.clone().into()),
            ("AWS_SHARED_CREDENTIALS_FILE", nowhere.into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("NODE_EXTRA_CA_CERTS", (&config.ca).into()),
            ("NODE_PATH", packages),
            ("WORKSHOP_DSQL_PORT", config.dsql_port.to_string().into()),
            (sweep::MARKER, marker.into()),
            ("NO_COLOR", "1".into()),
            ("PWD", dir.into()),
        ];
        let mut more: Vec<(&str, OsString)> = vec![("NODE_DISABLE_COLORS", "1".into())];
        if spec.logging.format == LogFormat::Json {
            more.push(("AWS_LAMBDA_LOG_FORMAT", "JSON".into()));
            more.push(("AWS_LAMBDA_LOG_LEVEL", spec.logging.application_level.clone().into()));
        }
        let options = node.options(major_of(&spec.runtime));
        if !options.is_empty() {
            // The function's own come last, which decide.
            let own = spec.environment.get("NODE_OPTIONS").map(String::as_str).unwrap_or_default();
            more.push(("NODE_OPTIONS", format!("{options} {own}").trim_end().into()));
        }
        let set: Vec<(&str, OsString)> = set.into_iter().chain(more).collect();
        env.retain(|(name, _)| !set.iter().any(|(ours, _)| name == ours));
        env.extend(set.into_iter().map(|(name, value)| (name.into(), value)));
        env
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_reserved_is_the_functions_to_say() {
        let machine = |name: &str| (name == "PATH").then(|| OsString::from("/bin"));
        let of = |own: &[(&str, &str)]| -> BTreeMap<String, String> {
            let own = own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let text = |text: OsString| text.into_string().expect("plain text");
            own_and_default(&own, machine).into_iter().map(|(name, value)| (text(name), text(value))).collect()
        };
        let plain = of(&[("MINE", "x")]);
        for (name, value) in
            [("MINE", "x"), ("TZ", ":UTC"), ("LANG", "en_US.UTF-8"), ("LC_ALL", "C.UTF-8"), ("PATH", "/bin")]
        {
            assert_eq!(plain.get(name).map(String::as_str), Some(value), "{name}");
        }
        let own = of(&[("TZ", "Europe/Paris"), ("LANG", "de_DE.UTF-8"), ("PATH", "/opt/bin")]);
        assert_eq!((own["TZ"].as_str(), own["LANG"].as_str()), ("Europe/Paris", "de_DE.UTF-8"));
        assert_eq!(own["PATH"], "/opt/bin:/bin", "Node.js is found all the same");
        assert_eq!(own.get("LC_ALL"), None, "it would hide the other");
    }
}

//! The environment that makes a person's own tools talk to the sandbox: variables, a database token,
//! and the words of each shell for them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use workshop_base::surroundings;
use workshop_dsql::token::TokenClaim;

/// Variables that are cleared in any case, also where this program's own environment does not show it: it would lead the tools
/// elsewhere. The last three, until there is a cluster, to another database with this one's port, or with its password.
const UNSET: [&str; 6] =
    ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "PGSERVICE", "PGHOST", "PGPASSWORD"];
/// The life of a token, DSQL's own default.
/// Source: Aurora DSQL user guide, "Generating an authentication token".
const TOKEN_LIFE: Duration = Duration::from_secs(900);
/// The role that [`Access::variables`] connects as.
const ROLE: &str = "admin";

/// Says how a running sandbox is reached.
#[derive(Clone)]
pub struct Access {
    pub region: String,
    /// `http://127.0.0.1:PORT`
    pub endpoint_url: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub dsql_port: u16,
    /// The certificate authority.
    pub ca: PathBuf,
    /// It and the authorities that this machine trusts, for clients that know one list only.
    pub bundle: Option<PathBuf>,
    /// It and the authorities that the user has told Node.js of.
    pub node_ca: PathBuf,
    /// The sandbox's state directory: the CDK's home and the preload are there.
    pub state: PathBuf,
}

/// A shell's way of setting variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShellSyntax {
    Posix,
    Fish,
    Powershell,
    Json,
}

impl Access {
    /// Returns every variable but what a cluster adds.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let path = |name: &str| self.state.join(name).display().to_string();
        let ca = self.ca.display().to_string();
        let bundle = self.bundle.as_ref().map(|bundle| ("SSL_CERT_FILE", bundle.display().to_string()));
        let variables = [
            ("AWS_ENDPOINT_URL", self.endpoint_url.clone()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_DEFAULT_REGION", self.region.clone()),
            ("AWS_ACCESS_KEY_ID", self.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_access_key.clone()),
            // The user's own files must not be read.
            ("AWS_CONFIG_FILE", path("no-aws-config")),
            ("AWS_SHARED_CREDENTIALS_FILE", path("no-aws-credentials")),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            // The CDK remembers which account a key belongs to.
            ("CDK_HOME", path("cdk")),
            ("NODE_EXTRA_CA_CERTS", self.node_ca.display().to_string()),
            ("NODE_OPTIONS", node_options(&self.state.join(PRELOAD))),
            ("PYTHONPATH", path(PYTHON)),
            ("PGHOSTADDR", "127.0.0.1".into()),
            ("PGPORT", self.dsql_port.to_string()),
            ("PGSSLMODE", "verify-full".into()),
            ("PGSSLROOTCERT", ca),
            ("PGDATABASE", "postgres".into()),
            ("PGUSER", ROLE.into()),
        ];
        variables.into_iter().chain(bundle).map(|(name, value)| (name.to_string(), value)).collect()
    }

    /// Returns what lets a bare `psql` connect to the cluster at `host`: its name, and a token made now.
    pub fn with_cluster(&self, host: &str, now: SystemTime) -> BTreeMap<String, String> {
        let mut variables = self.variables();
        variables.insert("PGHOST".into(), host.into());
        variables.insert("PGPASSWORD".into(), self.token(host, now));
        variables
    }

    /// Makes a database token for `admin`, good for 15 minutes from `now`.
    pub fn token(&self, host: &str, now: SystemTime) -> String {
        let claim = TokenClaim {
            host,
            action: "DbConnectAdmin",
            region: &self.region,
            access_key_id: &self.access_key_id,
            secret_access_key: &self.secret_access_key,
            session_token: None,
            lifetime: TOKEN_LIFE.as_secs(),
        };
        claim.sign(now)
    }
}

/// What sends Python's lookups of clusters to the proxy, and its place in the state directory.
pub(crate) const SITECUSTOMIZE: &str = include_str!("python/sitecustomize.py");
pub(crate) const PYTHON: &str = "python";
/// The preload's name in the state directory.
pub const PRELOAD: &str = "preload.cjs";

/// Node splits NODE_OPTIONS at spaces, except between double quotes.
fn node_options(preload: &Path) -> String {
    let path = preload.display().to_string();
    if path.contains([' ', '"', '\\']) {
        let path = path.replace('\\', "\\\\").replace('"', "\\\"");
        return format!("--require \"{path}\"");
    }
    format!("--require {path}")
}

/// Returns the lines that make a shell's programs talk to the sandbox: they set `variables`, clear what of the shell's own
/// `vars` would lead elsewhere, and keep this machine out of its proxies.
pub fn render(
    shell: ShellSyntax,
    variables: &BTreeMap<String, String>,
    vars: impl IntoIterator<Item = (String, String)>,
) -> String {
    let mut set = variables.clone();
    let mut cleared: BTreeSet<String> = UNSET.iter().map(|name| (*name).to_string()).collect();
    let mut proxies: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in vars {
        if surroundings::leads_away(&name) {
            cleared.insert(name);
        } else if matches!(name.as_str(), "NO_PROXY" | "no_proxy") {
            proxies.insert(name, value);
        } else if name == "PYTHONPATH"
            && let Some(ours) = set.get_mut(&name)
        {
            *ours = surroundings::path_beside(ours, &value);
        }
    }
    let there = |name: &str| proxies.get(name).map(String::as_str);
    let both = surroundings::no_proxies(there("NO_PROXY"), there("no_proxy"));
    set.extend(both.map(|(name, value)| (name.to_string(), value)));
    cleared.retain(|name| !set.contains_key(name) || UNSET.contains(&name.as_str()));
    lines(shell, &set, &cleared)
}

fn lines(shell: ShellSyntax, set: &BTreeMap<String, String>, cleared: &BTreeSet<String>) -> String {
    let mut text = String::new();
    match shell {
        ShellSyntax::Json => {
            let mut all: BTreeMap<&str, Option<&str>> = cleared.iter().map(|name| (name.as_str(), None)).collect();
            all.extend(set.iter().map(|(name, value)| (name.as_str(), Some(value.as_str()))));
            text = serde_json::to_string_pretty(&all).expect("text maps to text");
            text.push('\n');
        }
        ShellSyntax::Posix => {
            // A name that no shell can have is none of its variables.
            let names: Vec<&str> = cleared.iter().map(String::as_str).filter(|name| is_name(name)).collect();
            let _ = writeln!(text, "unset {}", names.join(" "));
            for (name, value) in set {
                let _ = writeln!(text, "export {name}='{}'", value.replace('\'', r"'\''"));
            }
        }
        ShellSyntax::Fish => {
            for name in cleared.iter().filter(|name| is_name(name)) {
                let _ = writeln!(text, "set -e {name};");
            }
            for (name, value) in set {
                let value = value.replace('\\', r"\\").replace('\'', r"\'");
                let _ = writeln!(text, "set -gx {name} '{value}';");
            }
        }
        ShellSyntax::Powershell => {
            for name in cleared.iter().filter(|name| is_name(name)) {
                let _ = writeln!(text, "Remove-Item Env:{name} -ErrorAction SilentlyContinue");
            }
            for (name, value) in set {
                let _ = writeln!(text, "$Env:{name} = '{}'", value.replace('\'', "''"));
            }
        }
    }
    text
}

/// Letters, digits and underscores: what is written into a shell's line as it stands.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Returns lines for `/etc/hosts` that lead clients which resolve names themselves to the clusters on this machine.
pub fn hosts(clusters: &[String]) -> String {
    clusters.iter().map(|cluster| format!("127.0.0.1 {cluster}\n")).collect()
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("endpoint_url", &self.endpoint_url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        Access {
            region: "us-east-1".into(),
            endpoint_url: "http://127.0.0.1:4566".into(),
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            dsql_port: 5433,
            ca: "/s/tls/ca.pem".into(),
            bundle: Some("/s/tls/bundle.pem".into()),
            node_ca: "/s/tls/ca.pem".into(),
            state: "/my work/it's".into(),
        }
    }

    #[test]
    fn every_shell_gets_its_own_quotes() {
        let variables = access().variables();
        let bare = |shell, variables: &BTreeMap<String, String>| render(shell, variables, []);
        let posix = bare(ShellSyntax::Posix, &variables);
        assert!(
            posix.starts_with("unset AWS_IGNORE_CONFIGURED_ENDPOINT_URLS AWS_PROFILE AWS_SESSION_TOKEN PGHOST "),
            "{posix}"
        );
        assert!(posix.contains("export CDK_HOME='/my work/it'\\''s/cdk'\n"), "{posix}");
        assert!(posix.contains(r#"export NODE_OPTIONS='--require "/my work/it'\''s/preload.cjs"'"#), "{posix}");
        assert!(bare(ShellSyntax::Fish, &variables).contains(r"set -gx CDK_HOME '/my work/it\'s/cdk';"));
        assert!(bare(ShellSyntax::Powershell, &variables).contains("$Env:CDK_HOME = '/my work/it''s/cdk'"));
        let json: serde_json::Value = serde_json::from_str(&bare(ShellSyntax::Json, &variables)).expect("JSON");
        assert_eq!(json["AWS_PROFILE"], serde_json::Value::Null);
        assert_eq!(json["PGPORT"], "5433");
        // A cluster's own come after what clears another's.
        let json = bare(ShellSyntax::Json, &access().with_cluster("h", SystemTime::UNIX_EPOCH));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).expect("JSON")["PGHOST"], "h");
    }

    #[test]
    fn what_the_shell_has_of_another_account_goes_and_its_proxies_stay_away() {
        let vars = [
            ("AWS_ENDPOINT_URL_S3", "https://s3.example"),
            ("AWS_USE_FIPS_ENDPOINT", "true"),
            ("AWS_REGION", "eu-west-1"),
            ("PGPASSFILE", "/p"),
            ("NODE_ENV", "production"),
            ("npm_config_omit", "dev"),
            ("npm_config_omit$(x)", "dev"),
            ("AWS_$(reboot)", "x"),
            ("HTTP_PROXY", "http://proxy:1"),
            ("no_proxy", "corp.example"),
            ("PATH", "/bin"),
        ];
        let vars = vars.map(|(name, value)| (name.to_string(), value.to_string()));
        let posix = render(ShellSyntax::Posix, &access().variables(), vars);
        let unset: Vec<&str> = posix.lines().next().expect("a line").split(' ').collect();
        for name in ["AWS_ENDPOINT_URL_S3", "AWS_USE_FIPS_ENDPOINT", "PGPASSFILE", "NODE_ENV", "npm_config_omit"] {
            assert!(unset.contains(&name), "{name}: {posix}");
        }
        assert!(!posix.contains("$("), "{posix}");
        for name in ["AWS_REGION", "HTTP_PROXY", "PATH"] {
            assert!(!unset.contains(&name), "{name}: {posix}");
        }
        for name in ["NO_PROXY", "no_proxy"] {
            let line = format!("export {name}='corp.example,127.0.0.1,localhost,.localhost,::1'\n");
            assert!(posix.contains(&line), "{posix}");
        }
    }

    #[test]
    fn the_token_is_what_the_sdk_would_sign() {
        // Signed by botocore for the same key, host and time.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_411_200);
        let token = access().token("abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws", now);
        let (request, signature) = token.rsplit_once('=').expect("a signature");
        assert!(request.starts_with("abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws/?Action=DbConnectAdmin&"));
        assert_eq!(signature, "ef482e21f99dc689352794820bed66ae0df9eb8656dba0ea9d603c27db197e1d");
    }
}

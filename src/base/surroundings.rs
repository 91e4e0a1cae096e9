//! The environment that a user happens to have, and what of it must not reach a program that is to talk to this machine
//! alone. Pure: the variables are arguments.

/// Beginnings of the names that lead AWS's tools and SDKs, the CDK, PostgreSQL's programs or Node.js somewhere else than
/// the local target, or to another account than the course's.
const LEADING: [&str; 5] = ["AWS_", "CDK_", "PG", "AMAZON_", "DSQL_"];
/// Such names in full. `NODE_ENV` decides what npm installs.
const LEADING_NAMES: [&str; 3] = ["NODE_ENV", "NODE_OPTIONS", "BOTO_CONFIG"];
/// Those that begin so and lead nowhere: how much a tool says, and what a person set for the sandbox's own sake.
const HARMLESS: [&str; 4] = ["AWS_PAGER", "AWS_CLI_AUTO_PROMPT", "PG_COLOR", "PG_COLORS"];
/// npm's settings that decide which packages are installed and whether at all; a registry, a proxy or a cache stays.
const NPM: [&str; 14] = [
    "also",
    "dev",
    "dry_run",
    "global",
    "include",
    "install_strategy",
    "location",
    "omit",
    "only",
    "optional",
    "package_lock",
    "package_lock_only",
    "production",
    "save",
];
/// Lists what git tells its hooks, and the commands of `git rebase --exec`, of the repository that they are about (`git rev-parse
/// --local-env-vars`, but for settings): whoever works in a directory of its own is in none of it.
pub const GIT_REPOSITORY: [&str; 10] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_NAMESPACE",
];
/// Where nothing is asked through a proxy: this machine.
const LOOPBACK: [&str; 4] = ["127.0.0.1", "localhost", ".localhost", "::1"];

/// Says if a variable of the user's would lead a program away from the local target.
pub fn leads_away(name: &str) -> bool {
    let begins = LEADING.iter().any(|beginning| {
        name.strip_prefix(beginning).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase() || c == '_'))
    });
    (begins && !HARMLESS.contains(&name) && !name.starts_with("PGP_"))
        || LEADING_NAMES.contains(&name)
        || decides_npm(name)
}

/// Says if a variable of the user's decides which packages npm installs, or whether it installs any: `npm_config_omit`,
/// `NPM_CONFIG_PRODUCTION` and the like. npm reads them in either case, and a dash for an underscore.
pub fn decides_npm(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    name == "node_env" || name.strip_prefix("npm_config_").is_some_and(|setting| NPM.contains(&setting))
}

/// Returns the value of `NO_PROXY` that keeps this machine out of the user's proxies, beside what is `there` already.
fn no_proxy(there: Option<&str>) -> String {
    let there = there.unwrap_or_default();
    let mut hosts: Vec<&str> = there.split(',').map(str::trim).filter(|host| !host.is_empty()).collect();
    // One star is everything.
    if !hosts.contains(&"*") {
        let missing = LOOPBACK.into_iter().filter(|ours| !hosts.contains(ours));
        hosts.extend(missing.collect::<Vec<_>>());
    }
    hosts.join(",")
}

/// Returns both spellings of that variable, of which programs read the one or the other: where one is set, the other
/// follows it.
pub fn no_proxies(upper: Option<&str>, lower: Option<&str>) -> [(&'static str, String); 2] {
    [("NO_PROXY", no_proxy(upper.or(lower))), ("no_proxy", no_proxy(lower.or(upper)))]
}

/// Returns a list of directories that begins with `ours`, whatever is `there` already.
pub fn path_beside(ours: &str, there: &str) -> String {
    let rest = there.split(':').filter(|dir| !dir.is_empty() && *dir != ours);
    std::iter::once(ours).chain(rest).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_a_real_account_is_known() {
        for name in [
            "AWS_PROFILE",
            "AWS_ENDPOINT_URL_S3",
            "AWS_ENDPOINT_URL_CLOUDFORMATION",
            "AWS_USE_FIPS_ENDPOINT",
            "AWS_USE_DUALSTACK_ENDPOINT",
            "AWS_SESSION_TOKEN",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CA_BUNDLE",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "CDK_DEFAULT_ACCOUNT",
            "PGHOST",
            "PGSERVICE",
            "PGOPTIONS",
            "PGPASSFILE",
            "NODE_ENV",
            "npm_config_omit",
            "NPM_CONFIG_PRODUCTION",
            "npm_config_dry-run",
        ] {
            assert!(leads_away(name), "{name}");
        }
        for name in [
            "PATH",
            "HOME",
            "AWS_PAGER",
            "PG_COLOR",
            "PGP_KEY",
            "HTTP_PROXY",
            "npm_config_registry",
            "npm_config_cache",
            "npm_config_https_proxy",
            "PAGER",
            "AWSOME",
            "GPG_TTY",
        ] {
            assert!(!leads_away(name), "{name}");
        }
    }

    #[test]
    fn this_machine_is_never_asked_through_a_proxy() {
        assert_eq!(no_proxy(None), "127.0.0.1,localhost,.localhost,::1");
        assert_eq!(no_proxy(Some("corp.example, localhost")), "corp.example,localhost,127.0.0.1,.localhost,::1");
        assert_eq!(no_proxy(Some("*")), "*");
        let [upper, lower] = no_proxies(None, Some("corp.example"));
        assert_eq!(
            (upper.1.as_str(), upper.1.as_str()),
            (lower.1.as_str(), "corp.example,127.0.0.1,localhost,.localhost,::1")
        );
        assert_eq!(path_beside("/ours", "/theirs:/ours:"), "/ours:/theirs");
    }
}

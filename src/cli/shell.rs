//! What the user's shell says: which account is meant, and what no command of a course may have told.

use std::collections::BTreeMap;

use super::args::CommonOptions;
use workshop_base::secret;
use workshop_engine::aws::Environment;

/// The variables of the user's shell that an account, or something that stands for one, is reached by.
const PASSED_ON: &[&str] = &["PGHOSTADDR", "PGPORT", "PGSSLROOTCERT"];
/// Credentials in the shell, which a `--profile` on the command line overrides.
const KEYS: &[&str] = &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// Returns the variables of this program's own environment, as far as they are text: a shell may have others.
pub fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Returns the secrets that the user's shell hands to every command of a course: none of them is told. A password that is a
/// word, as throw-away servers have it, is none.
pub fn secrets(vars: impl Iterator<Item = (String, String)>) -> Environment {
    let vars: BTreeMap<String, String> = vars.collect();
    let words = ["PGUSER", "PGDATABASE"].map(|name| vars.get(name).cloned());
    let is_word = |value: &String| value == "postgres" || words.iter().flatten().any(|word| word == value);
    let known = vars.iter().filter(|(name, value)| secret::VARIABLES.contains(&name.as_str()) && !is_word(value));
    Environment(known.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// Returns the user's own environment, as far as it says which account to use; options outrank it.
pub fn account(common: &CommonOptions, vars: impl Iterator<Item = (String, String)>) -> Environment {
    let vars: BTreeMap<String, String> = vars.collect();
    // What every child has anyway, for it to be told of none.
    let Environment(mut environment) = secrets(vars.clone().into_iter());
    environment
        .extend(vars.into_iter().filter(|(name, _)| name.starts_with("AWS_") || PASSED_ON.contains(&name.as_str())));
    if let Some(profile) = &common.profile {
        environment.insert("AWS_PROFILE".into(), profile.clone());
        // Empty is not set, for us and for every AWS tool we start.
        environment.extend(KEYS.iter().map(|key| ((*key).to_owned(), String::new())));
    }
    if let Some(region) = &common.region {
        environment.insert("AWS_REGION".into(), region.clone());
        environment.insert("AWS_DEFAULT_REGION".into(), region.clone());
    }
    Environment(environment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;
    use clap::Parser;

    fn vars() -> impl Iterator<Item = (String, String)> {
        let vars =
            [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_REGION", "eu-west-1"), ("HOME", "/home/x"), ("PGPORT", "5432")];
        vars.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned()))
    }

    #[test]
    fn a_profile_on_the_command_line_outranks_keys_in_the_shell() {
        let cli = Cli::parse_from(["workshop", "--profile", "stage", "--region", "us-east-2"]);
        let environment = account(&cli.common, vars());
        assert_eq!(environment.get("AWS_PROFILE"), Some("stage"));
        assert_eq!(environment.get("AWS_ACCESS_KEY_ID"), None);
        assert_eq!(environment.get("AWS_REGION"), Some("us-east-2"));
        assert_eq!(environment.get("HOME"), None);
    }

    #[test]
    fn without_options_the_shell_decides() {
        let cli = Cli::parse_from(["workshop"]);
        let environment = account(&cli.common, vars());
        assert_eq!(environment.get("AWS_ACCESS_KEY_ID"), Some("AKID"));
        assert_eq!(environment.get("AWS_REGION"), Some("eu-west-1"));
        assert_eq!(environment.get("PGPORT"), Some("5432"));
    }

    #[test]
    fn the_secrets_of_the_shell_are_known_and_its_words_are_none() {
        let known = |vars: &[(&str, &str)]| {
            let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            secrets(vars.chain([("HOME".to_owned(), "/root".to_owned())])).0.into_keys().collect::<Vec<_>>()
        };
        let names = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD"];
        assert_eq!(known(&names.map(|name| (name, "hunter2"))), names);
        for word in [&[("PGPASSWORD", "postgres")][..], &[("PGPASSWORD", "shop"), ("PGDATABASE", "shop")]] {
            assert_eq!(known(word), Vec::<String>::new());
        }
        let cli = Cli::parse_from(["workshop"]);
        let vars = [("PGPASSWORD".to_owned(), "hunter2".to_owned())].into_iter();
        assert_eq!(account(&cli.common, vars).get("PGPASSWORD"), Some("hunter2"), "of commands beside an account");
    }
}

//! The account, region and endpoint that are meant: as every AWS tool reads it.

use std::collections::BTreeMap;

/// The environment variables that say which account, region and endpoint to use: those of the sandbox,
/// or the user's own. Child processes get the same. `Debug` names the variables, never their values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(pub BTreeMap<String, String>);

impl Environment {
    /// The value of a variable; an empty one counts as not set, as the AWS tools have it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

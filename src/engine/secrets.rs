//! Secrets that have found their way into what a child prints.

use std::borrow::Cow;

use crate::aws::Environment;
use workshop_base::secret;

/// Finds what must not be shown: the values of secret variables, and signatures in tokens and signed URLs.
pub struct Secrets(Vec<String>);

impl Secrets {
    /// Learns what must not be shown: what these variables have, and a password of a database.
    pub fn new(environment: &Environment, password: Option<&str>) -> Secrets {
        let named = secret::VARIABLES.iter().filter_map(|name| environment.get(name));
        Secrets(named.chain(password).filter(|value| !value.is_empty()).map(str::to_owned).collect())
    }

    /// Returns a text without them.
    pub fn mask(&self, mut text: String) -> String {
        for value in &self.0 {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), secret::MASKED);
            }
        }
        match secret::mask_signatures(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(masked) => masked,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn secrets_do_not_get_through() {
        let environment = Environment(BTreeMap::from([
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "wJalrXUtnFEMI".to_owned()),
            ("AWS_REGION".to_owned(), "us-east-1".to_owned()),
        ]));
        let secrets = Secrets::new(&environment, Some("hunter2"));
        let said = secrets.mask("export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI in us-east-1".to_owned());
        assert_eq!(said, "export AWS_SECRET_ACCESS_KEY=… in us-east-1");
        assert_eq!(secrets.mask("postgres://app:hunter2@h/x".to_owned()), "postgres://app:…@h/x");
        let token = "h.dsql.us-east-1.on.aws/?Action=DbConnectAdmin&X-Amz-Credential=AKIA/x&X-Amz-Signature=0abc&X-Amz-Expires=900";
        assert_eq!(
            secrets.mask(format!("PGPASSWORD={token} psql")),
            "PGPASSWORD=h.dsql.us-east-1.on.aws/?Action=DbConnectAdmin&X-Amz-Credential=…&X-Amz-Signature=…&X-Amz-Expires=900 psql"
        );
    }
}

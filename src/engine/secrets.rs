//! Secrets that have found their way into what a child prints.

use regex::Regex;

use crate::aws::Environment;

/// Variables whose values must never be shown.
const SECRET: &[&str] = &["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD"];
/// Stands for a secret.
const MASKED: &str = "…";

/// Finds what must not be shown: the values of secret variables, and signatures in tokens and signed URLs.
pub struct Secrets {
    values: Vec<String>,
    signed: Option<Regex>,
}

impl Secrets {
    /// Learns what must not be shown: what these variables have, and a password of a database.
    pub fn new(environment: &Environment, password: Option<&str>) -> Secrets {
        let named = SECRET.iter().filter_map(|name| environment.get(name));
        let values = named.chain(password).filter(|value| !value.is_empty()).map(str::to_owned).collect();
        let signed = Regex::new(r"(?i)(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s\x22']+").ok();
        Secrets { values, signed }
    }

    /// Returns a text without them.
    pub fn mask(&self, mut text: String) -> String {
        for value in &self.values {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), MASKED);
            }
        }
        match &self.signed {
            Some(signed) if signed.is_match(&text) => signed.replace_all(&text, format!("${{1}}{MASKED}")).into_owned(),
            _ => text,
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

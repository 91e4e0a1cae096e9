//! Database tokens: an IAM identity turned into a password for one connection.
//!
//! A token is signed here, without a call, so that making one never fails for want of a permission;
//! only connecting does.

use std::future::Future;
use std::pin::Pin;

use aws_config::Region;
use aws_sdk_dsql::auth_token::{AuthTokenGenerator, Config};

use super::{Clients, cluster};
use workshop_base::problem::{Problem, Result};
use workshop_psql::token::{ADMIN, Secret, TokenSource};

impl TokenSource for Clients {
    fn token(&self, host: &str, role: &str) -> Pin<Box<dyn Future<Output = Result<Secret>> + Send + '_>> {
        let (host, role) = (host.to_owned(), role.to_owned());
        Box::pin(async move { token(self, &host, &role).await })
    }
}

/// Signs a token that lasts 15 minutes, the service's default.
///
/// # Errors
/// When there are no credentials to sign with.
pub async fn token(clients: &Clients, host: &str, role: &str) -> Result<Secret> {
    // The region in the host's name is the one that the signature must carry.
    let region = cluster::parse_endpoint(host).map_or(clients.region.as_str(), |(_, region)| region);
    let config = Config::builder()
        .hostname(host)
        .region(Region::new(region.to_owned()))
        .build()
        .map_err(|e| Problem::environment(format!("no database token for {host}: {e}")))?;
    let generator = AuthTokenGenerator::new(config);
    let token = match role {
        ADMIN => generator.db_connect_admin_auth_token(&clients.config).await,
        _ => generator.db_connect_auth_token(&clients.config).await,
    };
    token.map(|t| Secret::new(t.as_str())).map_err(|e| {
        Problem::environment(format!("no database token for {host}: {e}"))
            .hint("sign in (aws sso login, or aws configure) and pass --profile, then connect again")
    })
}

#[cfg(test)]
mod tests {
    use super::super::Environment;
    use super::*;

    fn environment() -> Environment {
        let vars =
            [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "sesame"), ("AWS_REGION", "us-east-1")];
        Environment(vars.map(|(k, v)| (k.to_owned(), v.to_owned())).into())
    }

    #[tokio::test]
    async fn the_action_follows_the_role_and_the_region_the_host() {
        let clients = Clients::connect(&environment()).await.unwrap();
        let admin = token(&clients, "abc.dsql.eu-west-1.on.aws", "admin").await.unwrap();
        assert!(admin.expose().starts_with("abc.dsql.eu-west-1.on.aws/?Action=DbConnectAdmin&"));
        assert!(admin.expose().contains("eu-west-1%2Fdsql%2Faws4_request"));
        let other = token(&clients, "abc.dsql.eu-west-1.on.aws", "myapp").await.unwrap();
        assert!(other.expose().contains("Action=DbConnect&"));
    }

    #[tokio::test]
    async fn nothing_prints_a_secret() {
        let clients = Clients::connect(&environment()).await.unwrap();
        let token = token(&clients, "abc.dsql.us-east-1.on.aws", "admin").await.unwrap();
        for shown in [format!("{token:?}"), format!("{token}"), format!("{:?}", environment()), format!("{clients:?}")]
        {
            assert!(!shown.contains("X-Amz") && !shown.contains("sesame"), "{shown}");
        }
    }
}

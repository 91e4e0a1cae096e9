//! SDK clients for one environment, and who it belongs to.

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_http_client::{Builder, tls};

use super::environment::Environment;
use super::error::{Error, Result, explain};

/// One client per service, sharing credentials, connections and region.
#[derive(Clone, Debug)]
pub struct Clients {
    pub cloudformation: aws_sdk_cloudformation::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub dsql: aws_sdk_dsql::Client,
    pub sts: aws_sdk_sts::Client,
    /// For signing database tokens, which needs no call.
    pub config: SdkConfig,
    pub region: String,
}

/// Whose credentials these are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// 12 digits.
    pub account: String,
    pub arn: String,
}

impl Clients {
    /// Clients for an environment. An endpoint and keys in it are used as they stand; without them the
    /// user's own configuration decides (`AWS_PROFILE`, SSO, `AWS_REGION`, … as in every AWS tool).
    /// Calls nothing yet, but for what the configuration itself needs.
    ///
    /// # Errors
    /// When no region is configured, or something that cannot be one.
    pub async fn connect(environment: &Environment) -> Result<Clients> {
        let http =
            Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone());
        if let Some(region) = environment.get("AWS_REGION").or(environment.get("AWS_DEFAULT_REGION")) {
            loader = loader.region(Region::new(region.to_owned()));
        }
        if let Some(endpoint) = environment.get("AWS_ENDPOINT_URL") {
            // A shell's AWS_USE_FIPS_ENDPOINT or AWS_USE_DUALSTACK_ENDPOINT is refused beside an endpoint.
            loader = loader.endpoint_url(endpoint).use_fips(false).use_dual_stack(false);
        }
        if let (Some(key), Some(secret)) =
            (environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY"))
        {
            let session = environment.get("AWS_SESSION_TOKEN").map(str::to_owned);
            let credentials = Credentials::new(key, secret, session, None, "environment");
            loader = loader.credentials_provider(SharedCredentialsProvider::new(credentials));
        } else if let Some(profile) = environment.get("AWS_PROFILE") {
            loader = loader.profile_name(profile);
            // Keys that are there and empty stand for keys in the shell that must not count; the SDK's own chain would
            // look at the shell first.
            if environment.0.contains_key("AWS_ACCESS_KEY_ID") {
                let region = environment.get("AWS_REGION").map(|region| Region::new(region.to_owned()));
                let provider = ProviderConfig::default().with_http_client(http).with_region(region);
                let files = ProfileFileCredentialsProvider::builder().profile_name(profile).configure(&provider);
                loader = loader.credentials_provider(SharedCredentialsProvider::new(files.build()));
            }
        }
        let config = loader.load().await;
        let region = config.region().map(ToString::to_string).ok_or(Error::NoRegion)?;
        // It becomes a part of host names.
        if region.is_empty() || !region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err(Error::BadRegion(region));
        }
        Ok(Clients {
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            dsql: aws_sdk_dsql::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            config,
            region,
        })
    }

    /// Who we are: the first call to make, since it needs no permission.
    ///
    /// # Errors
    /// Without credentials, with expired ones, without a network.
    pub async fn caller(&self) -> Result<Caller> {
        let answer = self.sts.get_caller_identity().send().await.map_err(|e| explain("sts:GetCallerIdentity", e))?;
        Ok(Caller { account: answer.account.unwrap_or_default(), arn: answer.arn.unwrap_or_default() })
    }
}

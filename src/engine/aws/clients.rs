//! SDK clients for one environment, and who it belongs to.

use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_http_client::{Builder, tls};

use super::environment::Environment;
use super::error::{Error, Result, explain};
use super::throttling::Throttling;

/// The time that a connection may take to be made, an answer to begin, and one attempt at a call in all. The SDK tries a call
/// three times, so that an endpoint which accepts and never answers is given up after a minute and a half.
const CONNECT: Duration = Duration::from_secs(5);
const READ: Duration = Duration::from_secs(20);
const ATTEMPT: Duration = Duration::from_secs(30);
/// The time that an answer may take before the network counts as gone.
const REACH: Duration = Duration::from_secs(3);
/// The first pause after a throttled call, each further one twice as long, and how many there are: 15 s in all.
const THROTTLED: Duration = Duration::from_millis(500);
const THROTTLED_TRIES: u32 = 5;
/// Lambda's own limit of 15 minutes, and the way there and back.
const INVOKE: Duration = Duration::from_secs(15 * 60 + 10);

fn timeouts(read: Duration, attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(read).operation_attempt_timeout(attempt).build()
}

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
    /// What all of them are throttled by.
    pub throttling: Throttling,
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
        let defaults = aws_config::defaults(BehaviorVersion::latest());
        let mut loader = defaults.http_client(http.clone()).timeout_config(timeouts(READ, ATTEMPT));
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
        let throttling = Throttling::default();
        let stacks = aws_sdk_cloudformation::config::Builder::from(&config).interceptor(throttling.clone());
        // A function may take its time: it answers when it is done.
        let functions = aws_sdk_lambda::config::Builder::from(&config).timeout_config(timeouts(INVOKE, INVOKE));
        let functions = functions.interceptor(throttling.clone());
        let clusters = aws_sdk_dsql::config::Builder::from(&config).interceptor(throttling.clone());
        let callers = aws_sdk_sts::config::Builder::from(&config).interceptor(throttling.clone());
        Ok(Clients {
            cloudformation: aws_sdk_cloudformation::Client::from_conf(stacks.build()),
            lambda: aws_sdk_lambda::Client::from_conf(functions.build()),
            dsql: aws_sdk_dsql::Client::from_conf(clusters.build()),
            sts: aws_sdk_sts::Client::from_conf(callers.build()),
            config,
            region,
            throttling,
        })
    }

    /// Asks who we are: the first call to make, since it needs no permission.
    ///
    /// # Errors
    /// Without credentials, with expired ones, without a network.
    pub async fn caller(&self) -> Result<Caller> {
        patiently(|| identity(&self.sts)).await
    }

    /// Asks once, and for a short time, whether AWS can be reached. Whatever it answers, it can.
    ///
    /// # Errors
    /// Without a network.
    pub async fn reach(&self) -> Result<()> {
        match self.ask_once().await {
            Err(gone @ (Error::Network { .. } | Error::TimedOut { .. })) => Err(gone),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Asks each service once, and for a short time, whether it works. One that throttles does, since the SDK waits and goes
    /// on, and so does one that says no.
    ///
    /// # Errors
    /// That of a service that cannot be reached, is too slow, or is out of order.
    pub async fn work(&self) -> Result<()> {
        let limits = || TimeoutConfig::builder().operation_timeout(REACH).build();
        let stacks = aws_sdk_cloudformation::config::Builder::new().timeout_config(limits());
        let stacks = stacks.retry_config(RetryConfig::disabled());
        let functions = aws_sdk_lambda::config::Builder::new().timeout_config(limits());
        let functions = functions.retry_config(RetryConfig::disabled());
        let clusters = aws_sdk_dsql::config::Builder::new().timeout_config(limits());
        let clusters = clusters.retry_config(RetryConfig::disabled());
        let (caller, stacks, functions, clusters) = tokio::join!(
            self.ask_once(),
            self.cloudformation.list_stacks().customize().config_override(stacks).send(),
            self.lambda.list_functions().max_items(1).customize().config_override(functions).send(),
            self.dsql.list_clusters().max_results(1).customize().config_override(clusters).send(),
        );
        let answers = [
            caller,
            stacks.map(drop).map_err(|e| explain("cloudformation:ListStacks", e)),
            functions.map(drop).map_err(|e| explain("lambda:ListFunctions", e)),
            clusters.map(drop).map_err(|e| explain("dsql:ListClusters", e)),
        ];
        let out_of_order =
            |error: &Error| matches!(error, Error::Network { .. } | Error::TimedOut { .. } | Error::Unavailable { .. });
        answers.into_iter().find(|answer| answer.as_ref().is_err_and(out_of_order)).unwrap_or(Ok(()))
    }

    async fn ask_once(&self) -> Result<()> {
        let limits = TimeoutConfig::builder().operation_timeout(REACH).build();
        let once = aws_sdk_sts::config::Builder::new().timeout_config(limits).retry_config(RetryConfig::disabled());
        let asked = self.sts.get_caller_identity().customize().config_override(once).send().await;
        asked.map(drop).map_err(|e| explain("sts:GetCallerIdentity", e))
    }
}

/// Asks until the service does not throttle any more, some seconds long: beside what the SDK tries by itself, which three
/// callers at once use up. Not for a call that must be seen to be throttled.
///
/// # Errors
/// Those of the last answer.
pub async fn patiently<T, F: Future<Output = Result<T>>>(ask: impl Fn() -> F) -> Result<T> {
    patiently_by(THROTTLED, ask).await
}

async fn patiently_by<T, F: Future<Output = Result<T>>>(mut pause: Duration, ask: impl Fn() -> F) -> Result<T> {
    for _ in 0..THROTTLED_TRIES {
        match ask().await {
            Err(Error::Throttled { .. }) => tokio::time::sleep(pause).await,
            answer => return answer,
        }
        pause *= 2;
    }
    ask().await
}

async fn identity(sts: &aws_sdk_sts::Client) -> Result<Caller> {
    let answer = sts.get_caller_identity().send().await.map_err(|e| explain("sts:GetCallerIdentity", e))?;
    Ok(Caller { account: answer.account.unwrap_or_default(), arn: answer.arn.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn clients_of(listener: &tokio::net::TcpListener) -> Clients {
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let vars = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "sesame"),
            ("AWS_REGION", "us-east-1"),
        ];
        let environment = Environment(vars.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        Clients::connect(&environment).await.unwrap()
    }

    #[tokio::test]
    async fn a_service_that_is_down_is_told_by_its_status_and_is_the_surroundings() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = clients_of(&listener).await.config.into_builder();
        let config = config.retry_config(aws_config::retry::RetryConfig::disabled()).build();
        let answering = async {
            let (mut client, _) = listener.accept().await.unwrap();
            assert!(client.read(&mut [0; 4096]).await.unwrap() > 0);
            client.write_all(b"HTTP/1.1 503 Slow Down\r\ncontent-length: 4\r\n\r\ndown").await.unwrap();
        };
        let client = aws_sdk_sts::Client::new(&config);
        let (error, ()) = tokio::join!(identity(&client), answering);
        let problem = workshop_base::problem::Problem::from(error.unwrap_err());
        assert_eq!(problem.message, "sts:GetCallerIdentity is not to be had: the service answered 503");
        assert_eq!(problem.kind, workshop_base::problem::Kind::Environment);
    }

    #[tokio::test]
    async fn what_throttles_is_counted_while_the_sdk_waits_and_asks_again() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let clients = clients_of(&listener).await;
        let mut throttled = clients.throttling.subscribe();
        let body =
            "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>";
        let answering = async {
            let (mut client, _) = listener.accept().await.unwrap();
            assert!(client.read(&mut [0; 4096]).await.unwrap() > 0);
            let answer = format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            client.write_all(answer.as_bytes()).await.unwrap();
            throttled.changed().await.unwrap();
        };
        tokio::select! {
            answer = identity(&clients.sts) => panic!("nothing has answered it yet: {answer:?}"),
            () = answering => assert_eq!(*clients.throttling.subscribe().borrow(), 1),
        }
    }

    #[tokio::test]
    async fn a_connection_that_is_closed_in_the_middle_of_a_call_is_no_want_of_credentials() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let clients = clients_of(&listener).await;
        let cutting = async {
            let (mut asked, _) = listener.accept().await.unwrap();
            assert!(asked.read(&mut [0; 4096]).await.unwrap() > 0);
        };
        let (error, ()) = tokio::join!(clients.ask_once(), cutting);
        let said = error.unwrap_err();
        assert!(matches!(&said, Error::Network { reason, .. } if reason.contains("connection")), "{said:?}");
    }

    #[tokio::test]
    async fn what_is_throttled_is_asked_again_and_nothing_else_is() {
        use std::cell::Cell;
        let throttled = || Error::Throttled { operation: "x", message: "slow down".into() };
        let asked = Cell::new(0);
        let answers_at = |last: u32| {
            let asked = &asked;
            move || {
                asked.set(asked.get() + 1);
                std::future::ready(if asked.get() < last { Err(throttled()) } else { Ok(()) })
            }
        };
        assert_eq!(patiently_by(Duration::ZERO, answers_at(4)).await, Ok(()));
        asked.set(0);
        assert_eq!(patiently_by(Duration::ZERO, answers_at(u32::MAX)).await, Err(throttled()));
        assert_eq!(asked.get(), THROTTLED_TRIES + 1);
        asked.set(0);
        let gone = || {
            asked.set(asked.get() + 1);
            std::future::ready(Err::<(), _>(Error::TimedOut { operation: "x" }))
        };
        assert_eq!(patiently_by(Duration::ZERO, gone).await, Err(Error::TimedOut { operation: "x" }));
        assert_eq!(asked.get(), 1);
    }

    #[tokio::test]
    async fn an_endpoint_that_takes_a_connection_and_never_answers_is_given_up() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let clients = clients_of(&silent).await;
        let limits = clients.config.timeout_config().unwrap();
        assert!(limits.connect_timeout().is_some() && limits.read_timeout().is_some());
        // The same limits, short enough for a test.
        let short = timeouts(Duration::from_millis(100), Duration::from_millis(200));
        let config = clients.config.into_builder().timeout_config(short).build();
        let error = identity(&aws_sdk_sts::Client::new(&config)).await.unwrap_err();
        assert_eq!(error, Error::TimedOut { operation: "sts:GetCallerIdentity" });
    }

    #[tokio::test]
    async fn a_service_that_says_no_is_reached_and_one_that_is_not_there_is_not() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let clients = clients_of(&listener).await;
        let answer = async move {
            let (mut asked, _) = listener.accept().await.unwrap();
            let _ = asked.read(&mut [0; 4096]).await.unwrap();
            asked.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        };
        let (reached, ()) = tokio::join!(clients.reach(), answer);
        assert_eq!(reached, Ok(()));
        assert!(matches!(clients.reach().await, Err(Error::Network { .. })), "nobody listens any more");
    }
    /// Answers every question with one status, to all but one service with 403.
    async fn one_that_fails(status: &'static str, service: &'static str) -> Result<()> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let clients = clients_of(&listener).await;
        let serving = async move {
            while let Ok((mut asked, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut request = vec![0; 8192];
                    let n = asked.read(&mut request).await.unwrap();
                    let failing = String::from_utf8_lossy(&request[..n]).contains(&format!("/{service}/aws4_request"));
                    let status = if failing { status } else { "403 Forbidden" };
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                    asked.write_all(answer.as_bytes()).await.unwrap();
                });
            }
        };
        tokio::select! {
            worked = clients.work() => worked,
            () = serving => unreachable!("it accepts until the test ends"),
        }
    }

    #[tokio::test]
    async fn one_service_that_is_out_of_order_is_told_by_its_name_and_one_that_says_no_works() {
        let told = one_that_fails("503 Service Unavailable", "cloudformation").await.unwrap_err();
        let said = "cloudformation:ListStacks is not to be had: the service answered 503";
        assert_eq!(told.to_string(), said);
        assert_eq!(one_that_fails("400 Bad Request", "lambda").await, Ok(()));
    }
}

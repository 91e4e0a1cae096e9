//! Function URLs and HTTP APIs: a port of loopback each, in front of functions.
//!
//! Invariant: what comes in under a name that is not loopback's is refused, as at the endpoint; pages may ask, as they
//! may on AWS, and read the answer only where the CORS configuration says so.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard};

use axum::body::to_bytes;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::core::{Cloud, Front, OpenFront};
use super::socket;
use crate::aws::http::{HttpRequest, HttpResponse};
use crate::aws::http_api::{self, Routed};
use crate::aws::lambda::url_events::{UrlCaller, UrlSigner, cors, event, response, streamed, url_event};
use crate::aws::lambda::{self, allows};
use crate::aws::measure;
use crate::aws::records::{FunctionRecord, FunctionUrlRecord, HttpApiRecord};
use crate::aws::sigv4;
use crate::aws::time::Instant;
use crate::iam::policy::Context;
use crate::interfaces::{Authority, Credential, Decision, Invocation, LambdaError};
use crate::origin_check;

/// The longest body that functions are asked with, in bytes.
const LONGEST_BODY: usize = 6 << 20;

/// What stands behind a port.
enum Behind {
    Url(Box<(FunctionRecord, FunctionUrlRecord)>),
    Api(Box<HttpApiRecord>),
}

impl Behind {
    fn port(&self) -> Option<u16> {
        match self {
            Behind::Url(url) => url.1.port,
            Behind::Api(api) => api.port,
        }
    }

    fn cors(&self) -> &Value {
        match self {
            Behind::Url(url) => &url.1.cors,
            Behind::Api(api) => &api.cors,
        }
    }
}

impl Cloud {
    /// Opens a function's URL, if it is not open, and shows it.
    ///
    /// # Errors
    /// A sentence, when no port can be had or the URL is gone.
    pub(super) async fn open_url(self: &Arc<Self>, function: &str, qualifier: Option<&str>) -> Result<Value, String> {
        let place = qualifier.unwrap_or_default().to_owned();
        self.open_front(Front::Url { function: function.to_owned(), qualifier: place }).await?;
        lambda::shown_url(&self.world(), function, qualifier).map_err(|error| error.message)
    }

    /// Opens what the state has.
    pub(super) async fn open_fronts(self: &Arc<Self>) {
        let mut all: Vec<Front> = {
            let world = self.world();
            let of = |(name, f): (&String, &FunctionRecord)| {
                let front = |qualifier: &String| Front::Url { function: name.clone(), qualifier: qualifier.clone() };
                f.urls.keys().map(front).collect::<Vec<_>>()
            };
            let urls = world.state.functions.iter().flat_map(of);
            urls.chain(world.state.http_apis.keys().cloned().map(Front::Api)).collect()
        };
        // Those first that come back where they were: no other is given a place that one of them had.
        all.sort_by_cached_key(|front| !self.is_free_for(front));
        for front in all {
            if let Err(error) = self.open_front(front.clone()).await {
                tracing::error!(?front, error, "it could not be opened");
            }
        }
    }

    /// Tells whether a front can have the port again that it had.
    fn is_free_for(&self, front: &Front) -> bool {
        let port = self.behind(front).and_then(|behind| behind.port());
        port.is_some_and(|port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok())
    }

    /// Opens the port of a front, if it is not open; the one that it had before, where that is free.
    ///
    /// # Errors
    /// A sentence, when no port can be had or what is to stand behind it is gone.
    pub(super) async fn open_front(self: &Arc<Self>, front: Front) -> Result<u16, String> {
        let behind = self.behind(&front).ok_or("what is to be opened is gone")?;
        let open = self.opened().get(&front).cloned();
        match open {
            Some(open) if behind.port() == Some(open.port) => return Ok(open.port),
            // Opened for another state than the one that is there now, which names a port of its own.
            Some(open) => open.closed.cancel(),
            None => {}
        }
        let listener = match tokio::net::TcpListener::bind(("127.0.0.1", behind.port().unwrap_or(0))).await {
            Ok(listener) => listener,
            // Somebody else has it now.
            Err(_) => tokio::net::TcpListener::bind(("127.0.0.1", 0))
                .await
                .map_err(|error| format!("no port can be had: {error}"))?,
        };
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        let closed = self.stop.child_token();
        self.opened().insert(front.clone(), OpenFront { port, closed: closed.clone() });
        {
            let mut world = self.world();
            world.dirty = true;
            let state = &mut world.state;
            let slot = match &front {
                Front::Url { function, qualifier } => {
                    let record = state.functions.get_mut(function);
                    record.and_then(|record| record.urls.get_mut(qualifier)).map(|url| &mut url.port)
                }
                Front::Api(id) => state.http_apis.get_mut(id).map(|api| &mut api.port),
            };
            *slot.ok_or("what is to be opened is gone")? = Some(port);
            if let Some(before) = behind.port().filter(|before| *before != port) {
                tracing::warn!(?front, before, port, "its port is taken; what names it names the new one");
                state.move_front(before, port);
            }
        }
        self.serve_front(listener, front, closed);
        Ok(port)
    }

    /// Closes what the state no longer has.
    pub(super) fn close_fronts(&self) {
        self.opened().retain(|front, open| {
            let stays = self.behind(front).is_some();
            if !stays {
                open.closed.cancel();
            }
            stays
        });
    }

    fn opened(&self) -> MutexGuard<'_, BTreeMap<Front, OpenFront>> {
        self.fronts.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn behind(&self, front: &Front) -> Option<Behind> {
        let world = self.world();
        Some(match front {
            Front::Url { function, qualifier } => {
                let record = world.state.functions.get(function)?;
                let url = record.urls.get(qualifier)?;
                Behind::Url(Box::new((record.clone(), url.clone())))
            }
            Front::Api(id) => Behind::Api(Box::new(world.state.http_apis.get(id)?.clone())),
        })
    }

    fn serve_front(self: &Arc<Self>, listener: tokio::net::TcpListener, front: Front, closed: CancellationToken) {
        let cloud = self.clone();
        let router = axum::Router::new().fallback(move |request: axum::extract::Request| {
            let (cloud, front) = (cloud.clone(), front.clone());
            async move { socket::sent(cloud.answer_front(&front, request).await) }
        });
        self.spawn(async move {
            let ended = axum::serve(listener, router).with_graceful_shutdown(closed.cancelled_owned()).await;
            if let Err(error) = ended {
                tracing::error!(%error, "a port in front of functions has ended");
            }
        });
    }

    async fn answer_front(self: &Arc<Self>, front: &Front, request: axum::extract::Request) -> HttpResponse {
        let (parts, body) = request.into_parts();
        let mut named = parts.headers.clone();
        named.remove("origin");
        named.remove("sec-fetch-site");
        if let Some(why) = origin_check::refusal(&parts.uri, &named) {
            return refused(403, &why);
        }
        let Some(behind) = self.behind(front) else { return refused(404, "Not Found") };
        let mut request = socket::head(&parts);
        if let Err(what) = measure::head(&request) {
            return refused(431, &what);
        }
        match to_bytes(body, LONGEST_BODY).await {
            Ok(body) => request.body = body,
            Err(_) => return refused(413, TOO_LARGE),
        }
        let origin = request.header("origin").map(str::to_owned);
        let preflight = request.method == "OPTIONS" && request.header("access-control-request-method").is_some();
        let allowed = origin.as_deref().map(|origin| cors(behind.cors(), origin, preflight)).unwrap_or_default();
        let mut response = match (&behind, front) {
            _ if preflight && !behind.cors().is_null() => {
                let status = if matches!(behind, Behind::Api(_)) { 204 } else { 200 };
                HttpResponse { status, headers: Vec::new(), body: bytes::Bytes::new() }
            }
            (Behind::Url(url), Front::Url { function, qualifier }) => {
                let qualifier = Some(qualifier.as_str()).filter(|qualifier| !qualifier.is_empty());
                self.answer_url(function, qualifier, url, request).await
            }
            (Behind::Api(api), Front::Api(id)) => self.answer_api(id, api, &request).await,
            (Behind::Url(_), Front::Api(_)) | (Behind::Api(_), Front::Url { .. }) => refused(404, "Not Found"),
        };
        for (name, value) in allowed {
            response.headers.retain(|(known, _)| known != name);
            response = response.with(name, value);
        }
        response
    }

    async fn answer_url(
        &self,
        function: &str,
        qualifier: Option<&str>,
        (record, url): &(FunctionRecord, FunctionUrlRecord),
        mut request: HttpRequest,
    ) -> HttpResponse {
        let caller = match self.url_caller(record, url, qualifier, &mut request) {
            Ok(caller) => caller,
            Err(refusal) => return refusal,
        };
        let (request_id, account, id) = {
            let mut world = self.world();
            let id = caller.as_ref().map(|caller| world.state.iam.unique_id(&caller.principal)).unwrap_or_default();
            (world.ids.uuid(), world.state.account.clone(), id)
        };
        let signed = caller.as_ref().map(|caller| UrlSigner {
            arn: &caller.principal.arn,
            access_key: &caller.access_key_id,
            id: &id,
        });
        let caller = UrlCaller { account: &account, signed, request_id: &request_id };
        let event = url_event(&url.id, &request, &caller, self.now());
        let streams = url.mode == "RESPONSE_STREAM";
        let call = Invocation::new(&lambda::url_arn(record, qualifier), event.to_string().into());
        // A URL's request is the invocation; that of an API is another.
        let call = Invocation { request_id: request_id.clone(), ..call };
        match self.run(function, record, qualifier, call, streams).await {
            Ok(Some(response)) => response.with("x-amzn-requestid", request_id),
            Ok(None) => {
                HttpResponse::new(502, "application/json", "Internal Server Error").with("x-amzn-requestid", request_id)
            }
            Err(LambdaError::TooManyRequests) => refused(429, "Rate Exceeded."),
            Err(LambdaError::NotFound(_)) => refused(404, "Not Found"),
            // In base64 a body may be larger than it came.
            Err(LambdaError::TooLarge) => refused(413, TOO_LARGE),
            Err(_) => HttpResponse::new(502, "application/json", "Internal Server Error"),
        }
    }

    async fn answer_api(&self, id: &str, api: &HttpApiRecord, request: &HttpRequest) -> HttpResponse {
        let said = |status: u16, text: &str| HttpResponse::new(status, "application/json", http_api::message(text));
        let Some(routed) = http_api::route(api, request) else { return said(404, "Not Found") };
        let integration = routed.route.target.strip_prefix("integrations/").and_then(|id| api.integrations.get(id));
        let Some(arn) = integration else { return said(500, "Internal Server Error") };
        let (function, qualifier) = lambda::split(arn);
        let (record, request_id) = {
            let mut world = self.world();
            (world.state.functions.get(function).cloned(), world.ids.uuid())
        };
        let Some(record) = record.filter(|record| self.api_may(id, &request.method, &routed, record, qualifier)) else {
            tracing::warn!(api = id, function, "the function's policy does not let the API invoke it");
            return said(500, "Internal Server Error");
        };
        let caller = UrlCaller { account: &api.account, signed: None, request_id: &request_id };
        let mut event = event(id, request, &caller, self.now());
        http_api::complete(&mut event, id, api, &routed);
        let call = Invocation::new(&lambda::url_arn(&record, qualifier), event.to_string().into());
        match self.run(function, &record, qualifier, call, false).await {
            Ok(Some(response)) => response.with("apigw-requestid", request_id),
            Ok(None) => said(500, "Internal Server Error"),
            Err(LambdaError::TooManyRequests) => said(429, "Too Many Requests"),
            Err(_) => said(500, "Internal Server Error"),
        }
    }

    /// Asks the function's policy about the API, as the source of this request.
    fn api_may(
        &self,
        id: &str,
        method: &str,
        routed: &Routed<'_>,
        record: &FunctionRecord,
        qualifier: Option<&str>,
    ) -> bool {
        let (region, account) = (self.region(), self.account());
        let source = http_api::source_arn(&region, &account, id, method, routed);
        let context = Context::from([
            ("aws:sourcearn".to_owned(), vec![source]),
            ("aws:sourceaccount".to_owned(), vec![account]),
        ]);
        allows(record, qualifier, "lambda:InvokeFunction", &["apigateway.amazonaws.com"], &context)
    }

    /// Runs the function, and makes its answer a response; none for one that failed, or answered what is no
    /// response. `streams`: what it streams is taken for a stream.
    async fn run(
        &self,
        function: &str,
        record: &FunctionRecord,
        qualifier: Option<&str>,
        call: Invocation,
        streams: bool,
    ) -> Result<Option<HttpResponse>, LambdaError> {
        let chosen = self.world().ids.fraction();
        let version = record.chosen(qualifier, chosen).map(|version| version.version.clone());
        let version = version.ok_or_else(|| LambdaError::NotFound(function.to_owned()))?;
        let result = self.invoke(&lambda::key(function, &version), call).await;
        let result = result.inspect_err(
            |error| tracing::warn!(function, %error, "a request to a function was answered with an error"),
        )?;
        Ok(match (&result.function_error, result.streamed.as_deref().filter(|_| streams)) {
            (None, Some(kind)) => Some(streamed(&result.payload, kind)),
            (None, None) => response(&result.payload),
            (Some(_), _) => None,
        })
    }

    /// Says who asks: nobody in particular where the URL takes everybody, else the signer. The function's policy, and
    /// the signer's own, are asked.
    fn url_caller(
        &self,
        record: &FunctionRecord,
        url: &FunctionUrlRecord,
        qualifier: Option<&str>,
        request: &mut HttpRequest,
    ) -> Result<Option<Credential>, HttpResponse> {
        let through = ("lambda:invokedviafunctionurl".to_owned(), vec!["true".to_owned()]);
        let typed = ("lambda:functionurlauthtype".to_owned(), vec![url.auth.clone()]);
        // Lambda developer guide, "Control access to Lambda function URLs" (2025-10): new URLs need both.
        let asked: [(&str, Context); 2] =
            [("lambda:InvokeFunctionUrl", Context::from([typed])), ("lambda:InvokeFunction", Context::from([through]))];
        let asked = &asked[..if url.needs_both { 2 } else { 1 }];
        if url.auth == "NONE" {
            return match asked.iter().all(|(action, context)| allows(record, qualifier, action, &["*"], context)) {
                true => Ok(None),
                false => Err(forbidden(FORBIDDEN)),
            };
        }
        // Of another service it could be signed without its body.
        if sigv4::service(request).is_some_and(|service| service != "lambda") {
            return Err(forbidden("Credential should be scoped to correct service: 'lambda'."));
        }
        let region = self.region();
        let signed_by = Instant::of((self.machine)());
        let known = |key: &str| self.credential(key).filter(|found| self.world().state.iam.stands(&found.principal));
        let signed = sigv4::admit(request, &region, signed_by, self.now(), known)
            .and_then(|admitted| admitted.verify(request))
            .map_err(|refusal| forbidden(&refusal.to_string()))?;
        request.body = signed.body;
        let credential = signed.credential;
        let arn = lambda::url_arn(record, qualifier);
        let principal = &credential.principal;
        let callers = [principal.arn.as_str(), principal.role_arn.as_deref().unwrap_or(&principal.arn)];
        // The function's policy is asked only where the caller's own say nothing: an explicit Deny wins.
        let may = asked.iter().all(|(action, context)| {
            let decision = self.world().state.iam.authorize(principal, action, &arn, self.now(), context);
            match decision {
                Decision::Allow => true,
                Decision::NoPolicyAllows => allows(record, qualifier, action, &callers, context),
                Decision::ExplicitDeny => false,
            }
        });
        if may { Ok(Some(credential)) } else { Err(forbidden(FORBIDDEN)) }
    }
}

const TOO_LARGE: &str = "Request Too Large";
const FORBIDDEN: &str = "Forbidden. For troubleshooting Function URL authorization issues, see: \
                         https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html";

/// The header is that of answers recorded in localstack/localstack (test_lambda_url_persists_after_alias_delete).
fn forbidden(message: &str) -> HttpResponse {
    refused(403, message).with("x-amzn-errortype", "AccessDeniedException")
}

fn refused(status: u16, message: &str) -> HttpResponse {
    HttpResponse::new(status, "application/json", json!({ "Message": message }).to_string())
}

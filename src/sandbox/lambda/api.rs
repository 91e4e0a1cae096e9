//! The Lambda Runtime API on loopback: what the runtime inside an environment talks to.
//!
//! Each environment has an address of its own (`127.0.0.1:PORT/<secret>`), so that none can answer for
//! another. This only carries messages; [`super::environment`] decides.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::Router;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use base64::Engine;
use bytes::{Bytes, BytesMut};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::origin_check;

/// The largest answer of a function, in bytes. Source: the text of Lambda's own error.
pub const ANSWER_LIMIT: usize = 6_291_556;
const ERROR_LIMIT: usize = 1 << 20;

/// One invocation, as the runtime gets it.
#[derive(Debug)]
pub struct InvocationEvent {
    pub request_id: String,
    pub deadline: SystemTime,
    pub function_arn: String,
    pub trace_id: String,
    pub payload: Bytes,
    pub client_context: Option<String>,
}

/// A message of the runtime's.
#[derive(Debug)]
pub enum FromRuntime {
    /// It is ready for an invocation, and waits here for it.
    Next(oneshot::Sender<InvocationEvent>),
    Answer {
        request_id: String,
        payload: Bytes,
        /// Its content type, where it was streamed.
        streamed: Option<String>,
    },
    TooLarge {
        request_id: String,
    },
    Failed {
        request_id: String,
        payload: Bytes,
    },
    InitFailed {
        kind: String,
        payload: Bytes,
    },
}

type Environments = Arc<Mutex<HashMap<String, mpsc::UnboundedSender<FromRuntime>>>>;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct RuntimeApi {
    address: String,
    environments: Environments,
}

/// Unregisters its environment when dropped.
#[derive(Debug)]
pub struct Registration {
    /// For `AWS_LAMBDA_RUNTIME_API`.
    pub address: String,
    key: String,
    environments: Environments,
}

impl RuntimeApi {
    /// Listens on a free port of loopback; serves until the future is dropped.
    ///
    /// # Errors
    /// When loopback has no free port.
    pub async fn bind() -> io::Result<(RuntimeApi, impl Future<Output = io::Result<()>> + Send + 'static)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let environments = Environments::default();
        let routes = Router::new()
            .route("/{key}/2018-06-01/runtime/invocation/next", get(next))
            .route("/{key}/2018-06-01/runtime/invocation/{id}/response", post(answer))
            .route("/{key}/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .route("/{key}/2018-06-01/runtime/init/error", post(init_failed))
            .with_state(environments.clone())
            .layer(from_fn(of_this_machine));
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        Ok((RuntimeApi { address, environments }, async move { axum::serve(listener, routes).await }))
    }

    /// Makes an address for one environment, and the end that its messages arrive at.
    pub fn register(&self) -> (Registration, mpsc::UnboundedReceiver<FromRuntime>) {
        let key = format!("{:032x}", rand::random::<u128>());
        let (to, from) = mpsc::unbounded_channel();
        lock(&self.environments).insert(key.clone(), to);
        let address = format!("{}/{key}", self.address);
        (Registration { address, key, environments: self.environments.clone() }, from)
    }
}

impl Registration {
    /// Returns what names the environment, and nobody guesses.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        lock(&self.environments).remove(&self.key);
    }
}

async fn of_this_machine(request: Request, next: Next) -> Response {
    match origin_check::refusal(request.uri(), request.headers()) {
        Some(why) => (StatusCode::FORBIDDEN, why).into_response(),
        None => next.run(request).await,
    }
}

async fn next(State(environments): State<Environments>, Path(key): Path<String>) -> Response {
    let (give, event) = oneshot::channel();
    if !forward(&environments, &key, FromRuntime::Next(give)) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Ok(event) = event.await else { return StatusCode::GONE.into_response() };
    let deadline = event.deadline.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    let headers = [
        ("content-type", "application/json".to_string()),
        ("lambda-runtime-aws-request-id", event.request_id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", event.function_arn),
        ("lambda-runtime-trace-id", event.trace_id),
    ];
    let mut response = (headers, event.payload).into_response();
    if let Some(context) = event.client_context.and_then(|context| HeaderValue::try_from(context).ok()) {
        response.headers_mut().insert("lambda-runtime-client-context", context);
    }
    response
}

/// Takes an answer. A runtime that says so gets its next invocation in return, which saves it a call.
async fn answer(
    State(environments): State<Environments>,
    Path((key, request_id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let streams = header("lambda-runtime-function-response-mode") == Some("streaming");
    let streamed = header("content-type").filter(|_| streams).map(str::to_owned);
    let taken = take_answer(&environments, &key, request_id, streamed, body).await;
    match taken.is_success() && headers.contains_key("workshop-next") {
        true => next(State(environments), Path(key)).await,
        false => taken.into_response(),
    }
}

async fn take_answer(
    environments: &Environments,
    key: &str,
    request_id: String,
    streamed: Option<String>,
    body: Body,
) -> StatusCode {
    // To its end in any case: a reply in the middle would break the runtime's connection.
    let mut payload = BytesMut::new();
    let mut large = false;
    let mut trailers = HeaderMap::new();
    let mut body = Box::pin(body);
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let Ok(frame) = frame else { return StatusCode::BAD_REQUEST };
        match frame.into_data() {
            Ok(chunk) => {
                large |= payload.len() + chunk.len() > ANSWER_LIMIT;
                if !large {
                    payload.extend_from_slice(&chunk);
                }
            }
            Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    // A streaming handler that failed on its way says so at the end of what it has streamed.
    if let Some(failure) = trailers.get("lambda-runtime-function-error-body") {
        let failure = base64::engine::general_purpose::STANDARD.decode(failure).unwrap_or_default();
        return accepted(forward(environments, key, FromRuntime::Failed { request_id, payload: failure.into() }));
    }
    if large {
        forward(environments, key, FromRuntime::TooLarge { request_id });
        return StatusCode::PAYLOAD_TOO_LARGE;
    }
    accepted(forward(environments, key, FromRuntime::Answer { request_id, payload: payload.freeze(), streamed }))
}

async fn failed(
    State(environments): State<Environments>,
    Path((key, request_id)): Path<(String, String)>,
    body: Body,
) -> StatusCode {
    let payload = to_bytes(body, ERROR_LIMIT).await.unwrap_or_default();
    accepted(forward(&environments, &key, FromRuntime::Failed { request_id, payload }))
}

async fn init_failed(
    State(environments): State<Environments>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    let kind = headers.get("lambda-runtime-function-error-type").and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or("Error").to_string();
    let payload = to_bytes(body, ERROR_LIMIT).await.unwrap_or_default();
    accepted(forward(&environments, &key, FromRuntime::InitFailed { kind, payload }))
}

fn forward(environments: &Environments, key: &str, message: FromRuntime) -> bool {
    lock(environments).get(key).is_some_and(|to| to.send(message).is_ok())
}

fn accepted(told: bool) -> StatusCode {
    if told { StatusCode::ACCEPTED } else { StatusCode::FORBIDDEN }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

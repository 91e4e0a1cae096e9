//! Requests in, answers out: from the bytes of one to the bytes of the other.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::Cloud;
use crate::aws::cloudformation::api;
use crate::aws::error::AwsError;
use crate::aws::http::{Request, Response};
use crate::aws::protocol::{self, Protocol};
use crate::aws::service::{Call, Next};
use crate::aws::time::Instant;
use crate::aws::{cloudcontrol, dsql, iam_api, lambda, logs, s3, sigv4, ssm, sts};
use crate::interfaces::Authority;
use crate::origin_check;

impl Cloud {
    /// Everything the endpoint answers.
    pub fn router(self: &Arc<Self>) -> axum::Router {
        let cloud = self.clone();
        axum::Router::new().fallback(move |request: axum::extract::Request| {
            let cloud = cloud.clone();
            async move { cloud.serve_one(request).await }
        })
    }

    /// Serves until `shutdown`, then ends what is under way in the background and saves.
    pub async fn serve(
        self: &Arc<Self>,
        listener: tokio::net::TcpListener,
        shutdown: CancellationToken,
    ) -> std::io::Result<()> {
        let stop = shutdown.clone();
        axum::serve(listener, self.router()).with_graceful_shutdown(async move { stop.cancelled().await }).await?;
        self.close().await;
        Ok(())
    }

    async fn serve_one(self: &Arc<Self>, request: axum::extract::Request) -> axum::response::Response {
        let (parts, body) = request.into_parts();
        let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let request = Request {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers.iter().map(header).collect(),
            body: bytes::Bytes::new(),
        };
        let stranger = origin_check::refusal(&parts.uri, &parts.headers);
        let response = match (stranger, to_bytes(body, s3::MAX_BODY)) {
            (Some(why), _) => {
                tracing::warn!(path = request.path, "{why}");
                let service = sigv4::service(&request).unwrap_or_default();
                let error = AwsError::new(403, "AccessDenied", why);
                protocol::error_response(&service, protocol::of(&service, &request), &error, "")
            }
            (None, body) => self.with_body(request, body.await).await,
        };
        let mut out = axum::response::Response::new(Body::from(response.body));
        *out.status_mut() =
            axum::http::StatusCode::from_u16(response.status).unwrap_or(axum::http::StatusCode::BAD_REQUEST);
        for (name, value) in response.headers {
            let pair = (axum::http::HeaderName::try_from(name), axum::http::HeaderValue::try_from(value));
            if let (Ok(name), Ok(value)) = pair {
                out.headers_mut().insert(name, value);
            }
        }
        out
    }

    async fn with_body(self: &Arc<Self>, mut request: Request, body: Result<bytes::Bytes, axum::Error>) -> Response {
        match body {
            Ok(body) => {
                request.body = body;
                self.handle(request).await
            }
            Err(error) => {
                tracing::warn!(%error, path = request.path, "a request's body could not be read");
                let error = AwsError::new(413, "EntityTooLarge", format!("the body could not be read: {error}"));
                protocol::error_response("s3", Protocol::RestXml, &error, "")
            }
        }
    }

    /// One request, from its bytes to its answer.
    pub async fn handle(self: &Arc<Self>, request: Request) -> Response {
        let request_id = self.world().ids.uuid();
        let service = sigv4::service(&request).unwrap_or_else(|| "an unknown service".into());
        let protocol = protocol::of(&service, &request);
        let operation = protocol::operation_hint(protocol, &request);
        let result = self.answer(request, &service, protocol, &request_id).await;
        let result = match self.save() {
            Ok(()) => result,
            Err(error) => {
                tracing::error!(%error, "the state could not be saved");
                Err(AwsError::new(400, "InsufficientStorage", format!("the sandbox could not save its state: {error}")))
            }
        };
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                // What we do not have is news; what a client asks in vain is often how it finds out.
                if error.not_served() {
                    tracing::warn!(service, operation, code = error.code, status = error.status, "{}", error.message);
                } else {
                    tracing::info!(service, operation, code = error.code, status = error.status, "{}", error.message);
                }
                protocol::error_response(&service, protocol, &error, &request_id)
            }
        };
        tracing::debug!(service, operation, status = response.status, "answered");
        match response.headers.iter().any(|(name, _)| name == "x-amzn-requestid") {
            true => response,
            false if protocol == Protocol::RestXml => response.with("x-amz-request-id", request_id),
            false => response.with("x-amzn-requestid", request_id),
        }
    }

    async fn answer(
        self: &Arc<Self>,
        mut request: Request,
        service: &str,
        protocol: Protocol,
        request_id: &str,
    ) -> Result<Response, AwsError> {
        let now = self.now();
        let region = self.region();
        let signed_by = Instant::of((self.machine)());
        let signed = sigv4::verify(&request, &region, signed_by, now, |key| self.credential(key))
            .map_err(|refusal| protocol::refused(protocol, &refusal))?;
        request.body = signed.body;
        let operation = protocol::operation_hint(protocol, &request);
        let input = if protocol == Protocol::Query { protocol::query_input(&request) } else { Value::Null };
        let mut held = Some(self.hold.read().await);
        let next = {
            let mut world = self.world();
            let mut call =
                Call { world: &mut world, now, caller: &signed.credential, request: &request, service, protocol };
            match service {
                "sts" => sts::call(&mut call, &operation, &input),
                "iam" => iam_api::call(&mut call, &operation, &input),
                "cloudformation" => api::call(&mut call, &operation, &input),
                "cloudcontrolapi" => cloudcontrol::call(&mut call, &operation),
                "ssm" => ssm::call(&mut call, &operation),
                "logs" => logs::call(&mut call, &operation, &self.logs.lock().unwrap_or_else(|e| e.into_inner())),
                "s3" => s3::call(&mut call),
                "lambda" => lambda::call(&mut call),
                "dsql" => dsql::call(&mut call),
                _ => Err(call.not_served(&operation)),
            }?
        };
        let result = |value: &Value| protocol::query_response(service, &operation, value, request_id);
        Ok(match next {
            Next::Result(value) => result(&value),
            Next::Json(status, value) => protocol::json_response(status, protocol, &value),
            Next::Respond(response) => response,
            Next::Invoke { name, payload, tail } => {
                // A function may run for minutes, and changes nothing here but by requests of its own.
                held.take();
                let invoked = self.invoke(&name, payload).await.map_err(lambda::refused)?;
                lambda::invoked(invoked, tail)
            }
            Next::InvokeLater { name, payload } => {
                self.invoke_later(name, payload);
                protocol::json_response(202, protocol, &Value::Null)
            }
            Next::PutFunction { name, status, answer } => {
                self.put_function(&name).await.map_err(lambda::refused)?;
                protocol::json_response(status, protocol, &answer)
            }
            Next::RemoveFunction { name } => {
                self.functions.remove(&name).await;
                protocol::json_response(200, protocol, &json!({"StatusCode": 204}))
            }
            Next::Drive { stack, answer } => {
                self.drive(stack);
                result(&answer)
            }
            Next::Settle { stack } => {
                self.settle(&stack).await;
                result(&api::described(&self.world(), &stack)?)
            }
            Next::Ensure { cluster, answer } => {
                self.ensure(cluster);
                protocol::json_response(200, protocol, &answer)
            }
            Next::Drop { cluster, answer } => {
                self.drop_cluster(cluster);
                protocol::json_response(200, protocol, &answer)
            }
        })
    }
}

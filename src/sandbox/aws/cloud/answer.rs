//! Requests in, answers out: from the bytes of one to the bytes of the other.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use futures::FutureExt as _;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::core::Cloud;
use super::socket;
use crate::aws::cloudformation::api;
use crate::aws::error::AwsError;
use crate::aws::http::{HttpRequest, HttpResponse};
use crate::aws::protocol::{self, Protocol};
use crate::aws::service::{Call, Response};
use crate::aws::sigv4::{self, Admitted};
use crate::aws::time::Instant;
use crate::aws::{cloudcontrol, dsql, iam_api, lambda, logs, measure, s3, service_model, ssm, sts};
use crate::interfaces::{Authority, Credential};
use crate::origin_check;

/// The facts of a request that are known before anybody vouches for it.
struct Arrival {
    /// As its credential's scope names it.
    service: String,
    protocol: Protocol,
    request_id: String,
}

impl Cloud {
    /// Everything the endpoint answers.
    pub(crate) fn router(self: &Arc<Self>) -> axum::Router {
        let cloud = self.clone();
        axum::Router::new().fallback(move |request: axum::extract::Request| {
            let cloud = cloud.clone();
            async move { cloud.serve_one(request).await }
        })
    }

    /// Serves until `shutdown`, then ends what is under way in the background and saves.
    ///
    /// # Errors
    /// Of the listener; requests have their own.
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

    /// Answers a request off the socket. Its body is read only once its head says who sends it.
    async fn serve_one(self: &Arc<Self>, request: axum::extract::Request) -> axum::response::Response {
        let (parts, body) = request.into_parts();
        let request = socket::head(&parts);
        let arrival = self.arrive(&request);
        let stranger = origin_check::refusal(&parts.uri, &parts.headers);
        let response = match stranger {
            Some(why) => {
                tracing::warn!(path = request.path, "{why}");
                self.respond(&arrival, "", Err(AwsError::new(403, "AccessDenied", why)))
            }
            None => match self.admit(&request, &arrival) {
                Ok(admitted) => self.with_body(request, arrival, admitted, body).await,
                Err(error) => {
                    // Read and dropped: a client that is cut off while it sends may not see the answer.
                    socket::drain(body).await;
                    self.respond(&arrival, "", Err(error))
                }
            },
        };
        socket::sent(response)
    }

    async fn with_body(
        self: &Arc<Self>,
        mut request: HttpRequest,
        arrival: Arrival,
        admitted: Admitted,
        body: Body,
    ) -> HttpResponse {
        match to_bytes(body, measure::longest_body(&arrival.service)).await {
            Ok(body) => {
                request.body = body;
                self.to_its_end(request, arrival, admitted).await
            }
            Err(error) => {
                tracing::warn!(%error, path = request.path, "a request's body could not be read");
                let error = protocol::too_large(arrival.protocol, &format!("the body could not be read: {error}"));
                self.respond(&arrival, "", Err(error))
            }
        }
    }

    /// Answers in a task of its own: what a request has begun is ended also when its client has hung up.
    async fn to_its_end(self: &Arc<Self>, request: HttpRequest, arrival: Arrival, admitted: Admitted) -> HttpResponse {
        let (reply, answer) = tokio::sync::oneshot::channel();
        let cloud = self.clone();
        self.spawn(async move {
            tokio::select! {
                // Nobody may be there to hear it.
                answer = cloud.admitted(request, arrival, admitted) => drop(reply.send(answer)),
                () = cloud.stop.cancelled() => {}
            }
        });
        answer.await.unwrap_or_else(|_| HttpResponse::new(503, "text/plain", "the sandbox is stopping"))
    }

    /// Answers one request, from its bytes to the answer's, without a socket.
    #[cfg(test)]
    pub(crate) async fn handle(self: &Arc<Self>, request: HttpRequest) -> HttpResponse {
        let arrival = self.arrive(&request);
        match self.admit(&request, &arrival) {
            Ok(admitted) => self.admitted(request, arrival, admitted).await,
            Err(error) => self.respond(&arrival, "", Err(error)),
        }
    }

    /// Reads of a request what an answer in its service's shape needs.
    fn arrive(&self, request: &HttpRequest) -> Arrival {
        let request_id = self.world().ids.uuid();
        let service = match measure::head(request) {
            Ok(()) => sigv4::service(request).unwrap_or_else(|| "an unknown service".into()),
            Err(_) => "an unknown service".into(),
        };
        Arrival { protocol: protocol::of(&service, request), service, request_id }
    }

    /// Says who sends a request, from its head alone.
    fn admit(&self, request: &HttpRequest, arrival: &Arrival) -> Result<Admitted, AwsError> {
        measure::head(request).map_err(|what| protocol::too_large(arrival.protocol, &what))?;
        let signed_by = Instant::of((self.machine)());
        let known = |key: &str| self.credential(key).filter(|found| self.world().state.iam.stands(&found.principal));
        sigv4::admit(request, &self.region(), signed_by, self.now(), known)
            .map_err(|refusal| protocol::refused(arrival.protocol, &refusal))
    }

    async fn admitted(
        self: &Arc<Self>,
        mut request: HttpRequest,
        arrival: Arrival,
        admitted: Admitted,
    ) -> HttpResponse {
        let signed = match admitted.verify(&request) {
            Ok(signed) => signed,
            Err(refusal) => return self.respond(&arrival, "", Err(protocol::refused(arrival.protocol, &refusal))),
        };
        request.body = signed.body;
        let operation = protocol::operation_hint(arrival.protocol, &request);
        let answered = self.answer(&request, &arrival, &operation, &signed.credential);
        // A fault of ours ends the request that met it, and no other.
        let result = AssertUnwindSafe(answered).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(service = arrival.service, operation, "a fault of the sandbox broke a request off");
            Err(protocol::broken_off(&arrival.service, arrival.protocol))
        });
        let result = match self.save() {
            Ok(()) => result,
            Err(error) => {
                tracing::error!(%error, "the state could not be saved");
                Err(AwsError::new(400, "InsufficientStorage", format!("the sandbox could not save its state: {error}")))
            }
        };
        self.respond(&arrival, &operation, result)
    }

    /// Puts a result in its service's shape, with the request's id, and logs it.
    fn respond(&self, arrival: &Arrival, operation: &str, result: Result<HttpResponse, AwsError>) -> HttpResponse {
        let Arrival { service, protocol, request_id } = arrival;
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                // What we do not have is news; what a client asks in vain is often how it finds out.
                if error.not_served() {
                    tracing::warn!(service, operation, code = error.code, status = error.status, "{}", error.message);
                } else {
                    tracing::info!(service, operation, code = error.code, status = error.status, "{}", error.message);
                }
                protocol::error_response(service, *protocol, &error, request_id)
            }
        };
        tracing::debug!(service, operation, status = response.status, "answered");
        match response.headers.iter().any(|(name, _)| name == "x-amzn-requestid") {
            true => response,
            false if *protocol == Protocol::RestXml => response.with("x-amz-request-id", request_id.as_str()),
            false => response.with("x-amzn-requestid", request_id.as_str()),
        }
    }

    async fn answer(
        self: &Arc<Self>,
        request: &HttpRequest,
        arrival: &Arrival,
        operation: &str,
        caller: &Credential,
    ) -> Result<HttpResponse, AwsError> {
        let now = self.now();
        let Arrival { service, protocol, request_id } = arrival;
        let (service, protocol) = (service.as_str(), *protocol);
        let input = match protocol {
            Protocol::Query => protocol::query_input(request)?,
            Protocol::Json => serde_json::from_slice(&request.body).unwrap_or_default(),
            Protocol::RestJson | Protocol::RestXml => Value::Null,
        };
        match protocol {
            Protocol::Query | Protocol::Json => service_model::check(service, protocol, operation, &input)?,
            Protocol::RestJson => service_model::check_rest(service, request)?,
            Protocol::RestXml => {}
        }
        let mut held = Some(self.hold.read().await);
        let next = {
            let mut world = self.world();
            let mut call = Call { world: &mut world, now, caller, request, request_id, service, protocol };
            match service {
                "sts" => sts::call(&mut call, operation, &input),
                "iam" => iam_api::call(&mut call, operation, &input),
                "cloudformation" => api::call(&mut call, operation, &input),
                "cloudcontrolapi" => cloudcontrol::call(&mut call, operation),
                "ssm" => ssm::call(&mut call, operation),
                "logs" => logs::call(&mut call, operation, &self.logs()),
                "s3" => s3::call(&mut call),
                "lambda" => lambda::call(&mut call),
                "dsql" => dsql::call(&mut call),
                _ => Err(call.not_served(operation)),
            }?
        };
        let result = |value: &Value| protocol::query_response(service, operation, value, request_id);
        Ok(match next {
            Response::Query(value) => result(&value),
            Response::Json(status, value) => protocol::json_response(status, protocol, &value),
            Response::Http(response) => response,
            Response::Invoke { key, call, version, tail } => {
                // A function may run for minutes, and changes nothing here but by requests of its own.
                held.take();
                let invoked = self.invoke(&key, call).await.map_err(lambda::refused)?;
                lambda::invoked(invoked, &version, tail)
            }
            Response::InvokeLater { key, call } => {
                self.invoke_later(key, call);
                protocol::json_response(202, protocol, &Value::Null)
            }
            Response::PutFunction { keys, old, status, answer } => {
                self.put_functions(&keys, old).await.map_err(lambda::refused)?;
                protocol::json_response(status, protocol, &answer)
            }
            Response::RemoveFunctions { keys } => {
                self.remove_functions(&keys).await;
                protocol::json_response(204, protocol, &Value::Null)
            }
            Response::CloseFronts => {
                self.close_fronts();
                protocol::json_response(204, protocol, &Value::Null)
            }
            Response::OpenUrl { function, qualifier, status } => {
                let shown = self.open_url(&function, qualifier.as_deref()).await;
                let shown = shown.map_err(|why| AwsError::new(400, "ServiceException", why))?;
                protocol::json_response(status, protocol, &shown)
            }
            Response::Drive { stack, answer } => {
                self.drive(stack);
                result(&answer)
            }
            Response::Settle { stack } => {
                self.settle(&stack).await;
                result(&api::described(&self.world(), &stack)?)
            }
            Response::Ensure { cluster, answer } => {
                self.ensure(cluster);
                protocol::json_response(200, protocol, &answer)
            }
            Response::Drop { cluster, answer } => {
                self.drop_cluster(cluster);
                protocol::json_response(200, protocol, &answer)
            }
        })
    }
}

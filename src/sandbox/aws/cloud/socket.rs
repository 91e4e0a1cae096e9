//! Requests and responses between the socket and plain data.

use std::time::Duration;

use axum::body::Body;
use futures::StreamExt as _;

use crate::aws::http::{HttpRequest, HttpResponse};

/// Takes a request off the socket, without its body.
pub(super) fn head(parts: &axum::http::request::Parts) -> HttpRequest {
    let header = |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    HttpRequest {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.iter().map(header).collect(),
        body: bytes::Bytes::new(),
    }
}

/// Puts a response on the socket. Headers that HTTP does not know are left out.
pub(super) fn sent(response: HttpResponse) -> axum::response::Response {
    let mut out = axum::response::Response::new(Body::from(response.body));
    *out.status_mut() =
        axum::http::StatusCode::from_u16(response.status).unwrap_or(axum::http::StatusCode::BAD_REQUEST);
    for (name, value) in response.headers {
        let pair = (axum::http::HeaderName::try_from(name), axum::http::HeaderValue::try_from(value));
        if let (Ok(name), Ok(value)) = pair {
            out.headers_mut().append(name, value);
        }
    }
    out
}

/// Of a refused request, the most that is read and for how long.
const DRAINED: usize = 1 << 20;
const DRAINING: Duration = Duration::from_millis(250);

/// Reads what a refused request has still to say, within bounds, and keeps nothing of it.
pub(super) async fn drain(body: Body) {
    let reading = async {
        let mut parts = body.into_data_stream();
        let mut left = DRAINED;
        while let Some(Ok(part)) = parts.next().await {
            match left.checked_sub(part.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // Whoever sends no more has nothing to lose.
    let _ = tokio::time::timeout(DRAINING, reading).await;
}

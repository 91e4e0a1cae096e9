//! Requests over HTTP, for checks and for processes that are waited for. One request, one answer: redirects are not
//! followed, so that a check sees what the server said.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use workshop_base::problem::{Problem, Result};

/// Bytes of an answer that are read.
const MOST: usize = 1 << 20;
/// Said of us to servers.
const AGENT: &str = concat!("workshop/", env!("CARGO_PKG_VERSION"));

type HttpClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Made when the first request is: a course without HTTP reads no certificates.
static CLIENT: LazyLock<Result<HttpClient, String>> = LazyLock::new(|| {
    let provider = rustls::crypto::ring::default_provider();
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(provider)
        .map_err(|error| format!("this machine's certificate authorities cannot be read: {error}"))?
        .https_or_http()
        .enable_http1()
        .build();
    // Each request on a connection of its own: a server that was started again between two has forgotten the first.
    Ok(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector))
});

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    pub method: String,
    /// `http://…` or `https://…`
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// A server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// As text, as far as a mebibyte; what is no text is replaced.
    pub body: String,
    pub took: Duration,
}

impl HttpRequest {
    /// Makes a request without a body.
    pub fn get(url: impl Into<String>) -> HttpRequest {
        HttpRequest { method: "GET".to_owned(), url: url.into(), headers: Vec::new(), body: String::new() }
    }

    /// Sends it and returns the answer. Inner: why there was none, in one line.
    ///
    /// # Errors
    /// When it is no request that could be sent: an address, a method or a header that is none.
    pub async fn send(&self) -> Result<Result<HttpAnswer, String>> {
        let client = CLIENT.as_ref().map_err(|why| {
            Problem::environment(why).hint("install the machine's certificate authorities (ca-certificates)")
        })?;
        let unfit = |error: hyper::http::Error| {
            Problem::failed(format!("this is no request over HTTP: {} {}: {error}", self.method, self.url))
                .hint("look at the address, the method and the headers of the check, and at the values in them")
        };
        let mut request = hyper::Request::builder().method(self.method.as_str()).uri(&self.url);
        if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("user-agent")) {
            request = request.header("user-agent", AGENT);
        }
        for (name, value) in &self.headers {
            request = request.header(name.as_str(), value.as_str());
        }
        let request = request.body(Full::new(Bytes::from(self.body.clone()))).map_err(unfit)?;
        let begun = Instant::now();
        let answer = match client.request(request).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(innermost(&error))),
        };
        let (head, body) = answer.into_parts();
        let body = match Limited::new(body, MOST).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Ok(Err(format!("the answer broke off, or is longer than 1 MiB: {error}"))),
        };
        let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Ok(Ok(HttpAnswer {
            status: head.status.as_u16(),
            headers: head.headers.iter().map(header).collect(),
            body: String::from_utf8_lossy(&body).into_owned(),
            took: begun.elapsed(),
        }))
    }
}

/// The error that says most: the innermost. The outer ones say that something failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut inner = error.source();
    while let Some(cause) = inner {
        said = cause.to_string();
        inner = cause.source();
    }
    said.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A server that says one thing to the first who asks, and what it was asked.
    async fn served(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let n = socket.read(&mut asked).await.unwrap();
            socket.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&asked[..n]).into_owned()
        });
        (url, asked)
    }

    #[tokio::test]
    async fn a_request_is_sent_as_it_is_and_its_answer_comes_whole() {
        let (url, asked) = served(
            "HTTP/1.1 302 Found\r\nLocation: /b\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{\"ok\":true}",
        )
        .await;
        let request = HttpRequest {
            method: "PUT".into(),
            url: format!("{url}/a?b=c"),
            headers: vec![("x-test".into(), "1".into())],
            body: "hello".into(),
        };
        let answer = request.send().await.unwrap().unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (302, "{\"ok\":true}"), "and no redirect is followed");
        assert!(answer.headers.contains(&("location".into(), "/b".into())));
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("PUT /a?b=c HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("x-test: 1\r\n") && asked.ends_with("\r\n\r\nhello"), "{asked}");
    }

    #[tokio::test]
    async fn no_answer_and_no_request_are_told_apart() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        assert_eq!(HttpRequest::get(&url).send().await.unwrap().unwrap_err(), "Connection refused");
        let wrong = HttpRequest { method: "NO SUCH".into(), ..HttpRequest::get(&url) };
        assert!(wrong.send().await.unwrap_err().message.contains("no request over HTTP"));
    }
}

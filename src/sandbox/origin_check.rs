//! Who may talk to the sandbox's HTTP sockets: programs of this machine, and never a web page.
//!
//! A page that a browser shows can reach loopback, under a name of its own (DNS rebinding) or across
//! origins. Programs do neither: a request that does is refused before anything of it is read.

use std::net::IpAddr;

use axum::http::{HeaderMap, Uri, header};

/// Why a request is refused, if it is.
pub fn refusal(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    // Browsers tell an Origin with a POST, and with every request, an image's too, from where it is sent. No program
    // does; Node's `fetch` has a Sec-Fetch-Mode, which says nothing.
    for name in ["Origin", "Sec-Fetch-Site"] {
        if headers.contains_key(name.to_ascii_lowercase()) {
            return Some(format!(
                "the workshop sandbox takes no requests from web pages: this one has the header {name}"
            ));
        }
    }
    let named = headers.get_all(header::HOST).iter().map(|value| value.to_str().unwrap_or_default());
    let hosts: Vec<&str> = named.chain(uri.authority().map(|authority| authority.as_str())).collect();
    match hosts.iter().find(|host| !is_loopback(host)) {
        Some(host) => Some(format!("the workshop sandbox is asked under the name '{host}': use 127.0.0.1")),
        None if hosts.is_empty() => Some("the request has no Host header".into()),
        None => None,
    }
}

/// `127.0.0.1:4000`, `[::1]:4000`, `localhost`, and names below it, which are loopback (RFC 6761, 6.3).
fn is_loopback(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<axum::http::uri::Authority>() else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(uri: &'static str, headers: &[(&'static str, &'static str)]) -> bool {
        let pairs = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        refusal(&Uri::from_static(uri), &pairs.collect()).is_some()
    }

    #[test]
    fn programs_of_this_machine_pass() {
        for host in ["127.0.0.1:4000", "127.9.9.9", "[::1]:4000", "localhost:4000", "LocalHost", "bucket.localhost:1"] {
            assert!(!refused("/", &[("host", host)]), "{host}");
        }
        assert!(!refused("http://127.0.0.1:4000/", &[]), "HTTP/2 names it there");
    }

    #[test]
    fn other_names_and_web_pages_do_not() {
        for host in ["evil.example:4000", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "", "0.0.0.0"]
        {
            assert!(refused("/", &[("host", host)]), "{host}");
        }
        assert!(refused("/", &[]), "no name at all");
        assert!(refused("/", &[("host", "127.0.0.1:1"), ("host", "evil.example")]), "two names");
        assert!(refused("http://evil.example/", &[("host", "127.0.0.1:1")]), "another in the request line");
        for value in ["cross-site", "same-site", "none"] {
            assert!(refused("/", &[("host", "127.0.0.1:4000"), ("sec-fetch-site", value)]), "a page's image: {value}");
        }
        assert!(!refused("/", &[("host", "127.0.0.1:4000"), ("sec-fetch-mode", "cors")]), "Node's fetch");
        for origin in ["http://evil.example", "http://127.0.0.1:4000", "null"] {
            assert!(refused("/", &[("host", "127.0.0.1:4000"), ("origin", origin)]), "{origin}");
        }
    }
}

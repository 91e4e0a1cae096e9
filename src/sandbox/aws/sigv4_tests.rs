use std::time::SystemTime;

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;

use super::*;
use crate::interfaces::Principal;

fn credential(token: Option<&str>) -> Credential {
    Credential {
        access_key_id: "AKIAEXAMPLE".into(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG".into(),
        session_token: token.map(str::to_owned),
        expires: None,
        principal: Principal { arn: "arn:aws:iam::123456789012:user/attendee".into(), role_arn: None },
    }
}

const NOW: Instant = Instant(1_795_416_140_000);

/// Signs with AWS's own signer.
fn signed(service: &str, uri: &str, body: &'static [u8], presign: bool, with: &Credential, at: Instant) -> HttpRequest {
    let identity = aws_sdk_sts::config::Credentials::new(
        &with.access_key_id,
        &with.secret_access_key,
        with.session_token.clone(),
        None::<SystemTime>,
        "test",
    )
    .into();
    let mut settings = SigningSettings::default();
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    if presign {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(900));
    }
    let payload = match body {
        b"free" => SignableBody::UnsignedPayload,
        _ if presign && service == "s3" => SignableBody::UnsignedPayload,
        body => SignableBody::Bytes(body),
    };
    if body == b"free" {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name(service)
        .time(at.system())
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let method = if presign { "GET" } else { "POST" };
    let headers = [("host", "127.0.0.1:4000"), ("x-test", "  two   spaces ")];
    let signable =
        SignableRequest::new(method, format!("http://127.0.0.1:4000{uri}"), headers.into_iter(), payload).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let mut query = query.to_owned();
    let mut all: Vec<(String, String)> = headers.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
    let (added, params) = instructions.into_parts();
    for header in added {
        all.push((header.name().to_owned(), header.value().to_owned()));
    }
    for (name, value) in params {
        let sep = if query.is_empty() { "" } else { "&" };
        query.push_str(&format!("{sep}{name}={}", encode(&value)));
    }
    HttpRequest { method: method.into(), path: path.into(), query, headers: all, body: Bytes::from_static(body) }
}

fn check(request: &HttpRequest, with: &Credential) -> Result<SignedRequest, SignatureError> {
    let lookup = |key: &str| (key == with.access_key_id).then(|| with.clone());
    admit(request, "us-east-1", NOW, NOW, lookup)?.verify(request)
}

#[test]
fn accepts_what_the_sdk_signs() {
    let with = credential(None);
    for (service, uri) in [
        ("sts", "/"),
        ("dsql", "/cluster/abc?max-results=5&next-token=a%2Bb%3D"),
        ("lambda", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af/invocations"),
        ("s3", "/bucket/a%20key/with%2Bplus?x-id=PutObject&list-type=2"),
    ] {
        let request = signed(service, uri, b"payload", false, &with, NOW);
        let signed = check(&request, &with).unwrap_or_else(|refusal| panic!("{service} {uri}: {refusal}"));
        assert_eq!(signed.body, "payload");
    }
}

#[test]
fn accepts_temporary_credentials_and_presigned_requests() {
    let with = credential(Some("token//+=="));
    check(&signed("sts", "/", b"", false, &with, NOW), &with).unwrap();
    check(&signed("s3", "/bucket/key", b"", true, &with, NOW), &with).unwrap();
    check(&signed("sts", "/?Action=GetCallerIdentity", b"", true, &with, NOW), &with).unwrap();
}

/// `free` is signed as a payload that nobody vouches for.
#[test]
fn a_body_without_a_hash_is_for_s3_alone() {
    let with = credential(None);
    assert_eq!(check(&signed("s3", "/bucket/key", b"free", false, &with, NOW), &with).unwrap().body, "free");
    for service in ["sts", "dsql", "lambda"] {
        let request = signed(service, "/", b"free", false, &with, NOW);
        assert_eq!(check(&request, &with).unwrap_err(), SignatureError::Mismatch, "{service}");
    }
}

#[test]
fn the_head_alone_tells_a_stranger() {
    let with = credential(None);
    let lookup = |key: &str| (key == with.access_key_id).then(|| with.clone());
    let head = |mut request: HttpRequest| {
        request.body = Bytes::new();
        admit(&request, "us-east-1", NOW, NOW, lookup).map(|_| ())
    };
    assert_eq!(head(signed("lambda", "/x", b"payload", false, &with, NOW)), Ok(()));
    // Where the head declares the payload's hash, a wrong signature shows before the payload comes.
    let mut forged = signed("s3", "/bucket/key", b"free", false, &with, NOW);
    assert_eq!(head(forged.clone()), Ok(()));
    forged.path = "/bucket/other".into();
    assert_eq!(head(forged), Err(SignatureError::Mismatch));
}

#[test]
fn refuses_what_was_changed_on_the_way() {
    let with = credential(None);
    let request = signed("sts", "/?a=1", b"payload", false, &with, NOW);
    let changed = |change: fn(&mut HttpRequest)| {
        let mut copy = request.clone();
        change(&mut copy);
        check(&copy, &with).unwrap_err()
    };
    assert_eq!(changed(|r| r.method = "PUT".into()), SignatureError::Mismatch);
    assert_eq!(changed(|r| r.path = "/x".into()), SignatureError::Mismatch);
    assert_eq!(changed(|r| r.query = "a=2".into()), SignatureError::Mismatch);
    assert_eq!(changed(|r| r.body = Bytes::from_static(b"other")), SignatureError::Mismatch);
    assert_eq!(changed(|r| r.headers[1].1 = "other".into()), SignatureError::Mismatch);
    let mut other = with.clone();
    other.secret_access_key.push('x');
    assert_eq!(check(&request, &other).unwrap_err(), SignatureError::Mismatch);
}

#[test]
fn refuses_unknown_keys_missing_tokens_and_expired_ones() {
    let with = credential(Some("token"));
    let request = signed("sts", "/", b"", false, &with, NOW);
    assert_eq!(admit(&request, "us-east-1", NOW, NOW, |_| None).err(), Some(SignatureError::UnknownKey));
    let without = signed("sts", "/", b"", false, &credential(None), NOW);
    assert_eq!(check(&without, &with).unwrap_err(), SignatureError::UnknownKey);
    let expired = Credential { expires: Some(NOW.system()), ..with.clone() };
    assert_eq!(check(&request, &expired).unwrap_err(), SignatureError::Expired);
    let unsigned = HttpRequest { headers: vec![("host".into(), "h".into())], ..request };
    assert_eq!(check(&unsigned, &with).unwrap_err(), SignatureError::Missing);
}

#[test]
fn refuses_a_clock_that_is_off_and_a_region_that_is_not_ours() {
    let with = credential(None);
    let early = signed("sts", "/", b"", false, &with, NOW.plus(Duration::from_secs(400)));
    let late = signed("sts", "/", b"", false, &with, Instant(NOW.0 - 400_000));
    assert!(check(&early, &with).unwrap_err().to_string().starts_with("Signature not yet current: "));
    let text = check(&late, &with).unwrap_err().to_string();
    assert_eq!(
        text,
        "Signature expired: 20261123T063540Z is now earlier than 20261123T063720Z (20261123T064220Z - 5 min.)"
    );
    let link = signed("s3", "/b/k", b"", true, &with, Instant(NOW.0 - 901_000));
    assert_eq!(check(&link, &with).unwrap_err(), SignatureError::LinkExpired);
    let request = signed("sts", "/", b"", false, &with, NOW);
    let refusal = admit(&request, "eu-west-1", NOW, NOW, |_| Some(with.clone())).err().expect("refused");
    assert!(matches!(refusal, SignatureError::WrongRegion { .. }));
}

#[test]
fn nonsense_does_not_panic() {
    let with = credential(None);
    for header in [
        "",
        "AWS4-HMAC-SHA256",
        "Basic x",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=x",
    ] {
        let request = HttpRequest {
            method: "GET".into(),
            path: String::new(),
            query: String::new(),
            headers: vec![("authorization".into(), header.into()), ("x-amz-date".into(), "é".into())],
            body: Bytes::new(),
        };
        assert!(check(&request, &with).is_err());
    }
}

#[test]
fn signatures_of_version_2_get_the_answer_of_s3() {
    let with = credential(None);
    let mut link = signed("s3", "/bucket/key", b"", true, &with, NOW);
    link.query = "AWSAccessKeyId=AKIAEXAMPLE&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D&Expires=1795416140".into();
    let mut header = HttpRequest { query: String::new(), ..link.clone() };
    header.headers.push(("authorization".into(), "AWS AKIAEXAMPLE:vjbyPxybdZaNmGa+yT272YEAiv4=".into()));
    for request in [link, header] {
        assert_eq!(service(&request).as_deref(), Some("s3"));
        assert_eq!(check(&request, &with).unwrap_err(), SignatureError::Mechanism);
    }
}

//! Objects and their lists, as the SDKs ask for them. Statuses, codes and members are those of the Amazon S3 API reference
//! (2026-11), `ListObjects`, `GetObject`, `PutObject`.

use super::*;

async fn filled(keys: &[&str]) -> Bench {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "storage", &storage()).await;
    for key in keys {
        bench.upload(key, b"data").await;
    }
    bench
}

async fn asked(bench: &Bench, method: &str, uri: &str, headers: &[(&str, &str)]) -> (HttpResponse, String) {
    let body: &[u8] = if method == "PUT" { b"other" } else { b"" };
    let answer = bench.send("s3", method, uri, headers, body).await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    (answer, text)
}

fn all<'a>(text: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    text.split(from).skip(1).filter_map(|rest| rest.split(to).next()).collect()
}

#[tokio::test]
async fn the_older_list_goes_on_where_its_marker_says() {
    let bench = filled(&["a", "dir/b", "dir/c", "e%20f", "g"]).await;
    // As boto3 asks for it.
    let (_, text) = asked(&bench, "GET", "/assets?encoding-type=url", &[]).await;
    assert_eq!(all(&text, "<Key>", "<"), ["a", "dir/b", "dir/c", "e+f", "g"]);
    assert!(text.contains("<EncodingType>url<") && text.contains("<Marker></Marker>"), "{text}");
    let (mut seen, mut marker) = (Vec::new(), String::new());
    for _ in 0..9 {
        let uri = format!("/assets?delimiter=%2F&marker={}&max-keys=1", encode(&marker));
        let (_, text) = asked(&bench, "GET", &uri, &[]).await;
        seen.extend(all(&text, "<Key>", "<").into_iter().map(str::to_owned));
        let groups = all(&text, "<CommonPrefixes><Prefix>", "<");
        seen.extend(groups.into_iter().map(str::to_owned));
        let Some(next) = all(&text, "<NextMarker>", "<").first().map(|next| (*next).to_owned()) else { break };
        marker = next;
    }
    assert_eq!(seen, ["a", "dir/", "e f", "g"]);
    let (_, text) = asked(&bench, "GET", "/assets?list-type=2&max-keys=2&start-after=a", &[]).await;
    assert_eq!(all(&text, "<Key>", "<"), ["dir/b", "dir/c"]);
    let next = all(&text, "<NextContinuationToken>", "<")[0].to_owned();
    let (_, text) =
        asked(&bench, "GET", &format!("/assets?continuation-token={}&list-type=2", encode(&next)), &[]).await;
    assert_eq!(all(&text, "<Key>", "<"), ["e f", "g"]);
    // An address that is signed has the signature among its parameters.
    let (answer, _) = asked(&bench, "GET", "/assets?list-type=2&X-Amz-Expires=60", &[]).await;
    assert_eq!(answer.status, 200);
    let (_, text) = asked(&bench, "GET", "/assets?list-type=2&max-keys=0", &[]).await;
    assert!(text.contains("<KeyCount>0<") && text.contains("<IsTruncated>false<"), "{text}");
    for wrong in ["max-keys=x", "max-keys=-1", "encoding-type=b"] {
        let (answer, text) = asked(&bench, "GET", &format!("/assets?{wrong}"), &[]).await;
        assert!(answer.status == 400 && text.contains("<Code>InvalidArgument<"), "{wrong}: {text}");
    }
}

#[tokio::test]
async fn an_object_is_what_the_request_expects_or_refused() {
    let bench = filled(&["k"]).await;
    let code = async |method: &str, uri: &str, headers: &[(&str, &str)]| {
        let (answer, text) = asked(&bench, method, uri, headers).await;
        (answer.status, all(&text, "<Code>", "<").first().map(|code| (*code).to_owned()))
    };
    let refused = |status: u16, code: &str| (status, Some(code.to_owned()));
    let (object, _) = asked(&bench, "GET", "/assets/k", &[]).await;
    let tag = object.headers.iter().find(|(name, _)| name == "etag").expect("a tag").1.clone();
    assert_eq!(code("GET", "/assets/k", &[("if-none-match", &tag)]).await, (304, None));
    assert_eq!(code("GET", "/assets/k", &[("if-match", "\"other\"")]).await, refused(412, "PreconditionFailed"));
    assert_eq!(code("GET", "/assets/k", &[("if-match", &tag)]).await, (200, None));
    assert_eq!(code("GET", "/assets/k", &[("range", "bytes=4-")]).await, refused(416, "InvalidRange"));
    assert_eq!(code("GET", "/assets/k?versionId=other", &[]).await, refused(404, "NoSuchVersion"));
    assert_eq!(code("PUT", "/assets/k", &[("if-none-match", "*")]).await, refused(412, "PreconditionFailed"));
    assert_eq!(code("PUT", "/assets/k", &[("if-match", "\"other\"")]).await, refused(412, "PreconditionFailed"));
    assert_eq!(code("PUT", "/assets/new", &[("if-match", &tag)]).await, refused(404, "NoSuchKey"));
    assert_eq!(code("DELETE", "/assets/k", &[("if-match", "\"other\"")]).await, refused(412, "PreconditionFailed"));
    assert_eq!(code("DELETE", "/assets/k?versionId=other", &[]).await, (204, None));
    assert_eq!(asked(&bench, "GET", "/assets/k", &[]).await.1, "data", "none of these changed it");
    let kept = [("cache-control", "max-age=60"), ("content-encoding", "gzip"), ("if-none-match", "*")];
    assert_eq!(code("PUT", "/assets/new", &kept).await, (200, None));
    let (object, _) = asked(&bench, "GET", "/assets/new", &[]).await;
    for (name, value) in &kept[..2] {
        assert!(object.headers.contains(&((*name).to_owned(), (*value).to_owned())), "{name}");
    }
}

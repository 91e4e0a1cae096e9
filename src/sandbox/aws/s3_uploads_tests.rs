//! Uploads in parts, as the SDKs and the CDK send what is larger than a few megabytes. Statuses and codes are those of the
//! Amazon S3 API reference (2026-11), "Error responses".

use super::*;

/// The least that a part may have which is not the last.
const LEAST: usize = 5 << 20;

async fn begun(bench: &Bench, key: &str) -> String {
    let answer =
        bench.send("s3", "POST", &format!("/assets/{key}?uploads="), &[("content-type", "text/plain")], b"").await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    between(std::str::from_utf8(&answer.body).unwrap(), "<UploadId>", "<").to_owned()
}

async fn part(bench: &Bench, key: &str, id: &str, number: u32, body: &[u8]) -> (u32, String) {
    let answer = bench.send("s3", "PUT", &format!("/assets/{key}?partNumber={number}&uploadId={id}"), &[], body).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let tag = answer.headers.iter().find(|(name, _)| name == "etag").expect("a part has a tag").1.clone();
    (number, tag)
}

async fn completed(bench: &Bench, key: &str, id: &str, parts: &[&(u32, String)]) -> (u16, String) {
    let listed: Vec<String> = parts
        .iter()
        .map(|(number, tag)| {
            let tag = tag.replace('"', "&quot;");
            format!("<Part><ChecksumCRC32>x</ChecksumCRC32><ETag>{tag}</ETag><PartNumber>{number}</PartNumber></Part>")
        })
        .collect();
    let body = format!("<CompleteMultipartUpload xmlns=\"x\">{}</CompleteMultipartUpload>", listed.concat());
    let answer = bench.send("s3", "POST", &format!("/assets/{key}?uploadId={id}"), &[], body.as_bytes()).await;
    (answer.status, String::from_utf8(answer.body.to_vec()).unwrap())
}

#[tokio::test]
async fn what_is_sent_in_parts_is_one_object() {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "storage", &storage()).await;
    let id = begun(&bench, "big.zip").await;
    let second = part(&bench, "big.zip", &id, 2, b"the end").await;
    let first = part(&bench, "big.zip", &id, 1, &vec![b'x'; LEAST]).await;
    // What was told of it is there after a restart.
    let bench = bench.restarted().await;
    assert_eq!(bench.send("s3", "GET", "/assets/big.zip", &[], b"").await.status, 404, "not yet");
    let (status, text) = completed(&bench, "big.zip", &id, &[&first, &second]).await;
    assert!(status == 200 && text.contains("-2&quot;</ETag>"), "{text}");
    let object = bench.send("s3", "GET", "/assets/big.zip", &[], b"").await;
    assert_eq!((object.status, object.body.len()), (200, LEAST + 7));
    assert!(object.body.ends_with(b"xthe end"));
    assert!(object.headers.contains(&("content-type".into(), "text/plain".into())));
    let tag = object.headers.iter().find(|(name, _)| name == "etag").map(|(_, tag)| tag.replace('"', "&quot;"));
    assert!(text.contains(&format!("<ETag>{}</ETag>", tag.expect("a tag"))), "the one that was answered: {text}");
    assert_eq!(completed(&bench, "big.zip", &id, &[&first, &second]).await.0, 404, "it is completed");
}

#[tokio::test]
async fn parts_that_make_no_object_are_refused() {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "storage", &storage()).await;
    let id = begun(&bench, "k").await;
    let (one, two) = (part(&bench, "k", &id, 1, b"small").await, part(&bench, "k", &id, 2, b"last").await);
    let wrong = (1, two.1.clone());
    for (parts, code) in [
        (vec![&one, &two], "EntityTooSmall"),
        (vec![&two, &one], "InvalidPartOrder"),
        (vec![&wrong], "InvalidPart"),
        (vec![], "MalformedXML"),
    ] {
        let (status, text) = completed(&bench, "k", &id, &parts).await;
        assert!(status == 400 && text.contains(&format!("<Code>{code}<")), "{code}: {text}");
    }
    assert_eq!(bench.send("s3", "PUT", &format!("/assets/k?partNumber=0&uploadId={id}"), &[], b"x").await.status, 400);
    assert_eq!(completed(&bench, "other", &id, &[&two]).await.0, 404, "it is another key's");
    assert_eq!(bench.send("s3", "DELETE", &format!("/assets/k?uploadId={id}"), &[], b"").await.status, 204);
    assert_eq!(completed(&bench, "k", &id, &[&two]).await.0, 404, "it was given up");
    assert_eq!(bench.send("s3", "GET", "/assets/k", &[], b"").await.status, 404);
}

use bytes::Bytes;
use std::sync::Arc;
use workshop::sandbox::seams::*;
struct Fake;
impl Functions for Fake {
    fn put(&self, f: FunctionSpec) -> BoxFuture<'_, Result<(), LambdaError>> {
        eprintln!("put {} {} bytes {:?}", f.name, f.code.len(), f.environment);
        Box::pin(async { Ok(()) })
    }
    fn remove(&self, n: &str) -> BoxFuture<'_, ()> {
        eprintln!("remove {n}");
        Box::pin(async {})
    }
    fn invoke(&self, n: &str, p: Bytes) -> BoxFuture<'_, Result<InvokeResult, LambdaError>> {
        let n = n.to_owned();
        Box::pin(async move {
            Ok(InvokeResult {
                request_id: "11111111-1111-1111-1111-111111111111".into(),
                payload: p,
                function_error: None,
                log_tail: format!("START {n}\nEND\n"),
            })
        })
    }
}
impl Databases for Fake {
    fn ensure(&self, _: &str) -> BoxFuture<'_, Result<PgServer, String>> {
        Box::pin(async {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            Ok(PgServer { socket_dir: "/tmp".into(), port: 1, superuser: "s".into(), database: "postgres".into() })
        })
    }
    fn delete(&self, _: &str) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}
#[tokio::main]
async fn main() {
    tracing_subscriber::fmt().with_env_filter("workshop=debug").with_writer(std::io::stderr).init();
    let dir = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let fake = Arc::new(Fake);
    let cloud = workshop::sandbox::aws::Cloud::open(
        &dir,
        "us-east-1",
        "123456789012",
        fake.clone(),
        fake,
        Arc::new(std::time::SystemTime::now),
    )
    .await
    .unwrap();
    let l = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let c = cloud.user_credential();
    std::fs::write(dir.join("env"), format!("export AWS_ENDPOINT_URL=http://{} AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={} AWS_CONFIG_FILE=/nonexistent/c AWS_SHARED_CREDENTIALS_FILE=/nonexistent/s AWS_EC2_METADATA_DISABLED=true CDK_HOME={}/cdkhome CDK_DISABLE_VERSION_CHECK=1\n", l.local_addr().unwrap(), c.access_key_id, c.secret_access_key, dir.display())).unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let s2 = stop.clone();
    tokio::spawn(async move {
        let mut t = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
        t.recv().await;
        s2.cancel();
    });
    cloud.serve(l, stop).await.unwrap();
}

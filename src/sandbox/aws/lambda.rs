//! Lambda's control plane and Invoke. Running functions is the [`Functions`](crate::interfaces::Functions)' work.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::{AwsError, Result};
use super::http::Response;
use super::protocol::operation_hint;
use super::service::{Call, Next, World, page, text};
use super::time::Instant;
use crate::interfaces::{FunctionSpec, InvokeResult, LambdaError, LogFormat, LogSettings};

/// Largest payload of a synchronous invocation, 6 MB; of an asynchronous one, 1 MB (raised in 2025-10).
const MAX_PAYLOAD: usize = 6 * 1024 * 1024;
const MAX_EVENT: usize = 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    pub arn: String,
    pub runtime: String,
    pub handler: String,
    pub role_arn: String,
    pub description: String,
    pub memory_mb: u32,
    pub timeout_s: u32,
    pub environment: BTreeMap<String, String>,
    pub architectures: Vec<String>,
    pub tags: BTreeMap<String, String>,
    /// The uploaded zip.
    pub blob: String,
    pub size: u64,
    pub modified: Instant,
    pub revision: String,
    /// Where the zip came from, for `GetFunction`.
    pub source: Option<(String, String)>,
    #[serde(default)]
    pub logging: LogSettings,
}

impl Function {
    pub fn spec(&self, name: &str, code: Bytes) -> FunctionSpec {
        FunctionSpec {
            name: name.into(),
            arn: self.arn.clone(),
            runtime: self.runtime.clone(),
            handler: self.handler.clone(),
            role_arn: self.role_arn.clone(),
            memory_mb: self.memory_mb,
            timeout: Duration::from_secs(self.timeout_s.into()),
            environment: self.environment.clone(),
            code,
            logging: self.logging.clone(),
        }
    }

    /// Returns the log group that the function writes to.
    pub fn log_group(&self, name: &str) -> String {
        self.logging.group.clone().unwrap_or_else(|| format!("/aws/lambda/{name}"))
    }

    fn logging_config(&self, name: &str) -> Value {
        let LogSettings { format, application_level, system_level, .. } = &self.logging;
        match format {
            LogFormat::Text => json!({"LogFormat": "Text", "LogGroup": self.log_group(name)}),
            LogFormat::Json => json!({
                "LogFormat": "JSON",
                "ApplicationLogLevel": application_level,
                "SystemLogLevel": system_level,
                "LogGroup": self.log_group(name),
            }),
        }
    }

    fn code_sha256(&self) -> String {
        let bytes: Vec<u8> =
            (0..32).filter_map(|i| u8::from_str_radix(self.blob.get(i * 2..i * 2 + 2)?, 16).ok()).collect();
        STANDARD.encode(bytes)
    }

    fn configuration(&self, name: &str) -> Value {
        json!({
            "FunctionName": name,
            "FunctionArn": self.arn,
            "Runtime": self.runtime,
            "Role": self.role_arn,
            "Handler": self.handler,
            "CodeSize": self.size,
            "CodeSha256": self.code_sha256(),
            "Description": self.description,
            "Timeout": self.timeout_s,
            "MemorySize": self.memory_mb,
            "LastModified": self.modified.lambda(),
            "Version": "$LATEST",
            "Environment": {"Variables": self.environment},
            "TracingConfig": {"Mode": "PassThrough"},
            "RevisionId": self.revision,
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "Architectures": self.architectures,
            "EphemeralStorage": {"Size": 512},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "LoggingConfig": self.logging_config(name),
        })
    }
}

pub fn call(call: &mut Call<'_>) -> Result<Next> {
    let segments = call.request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.request.method.as_str(), segments.as_slice()) {
        ("GET", ["2015-03-31", "functions"]) => list(call),
        ("POST", ["2015-03-31", "functions"]) => create(call),
        ("GET", ["2015-03-31", "functions", name]) => get(call, name),
        ("DELETE", ["2015-03-31", "functions", name]) => delete(call, name),
        ("POST", ["2015-03-31", "functions", name, "invocations"]) => invoke(call, name),
        ("GET", ["2015-03-31", "functions", name, "configuration"]) => {
            let (name, function) = allowed(call, name, "lambda:GetFunctionConfiguration")?;
            Ok(Next::Json(200, function.configuration(&name)))
        }
        ("GET", ["2015-03-31", "functions", name, "versions"]) => {
            let (name, function) = allowed(call, name, "lambda:ListVersionsByFunction")?;
            Ok(Next::Json(200, json!({"Versions": [function.configuration(&name)]})))
        }
        ("PUT", ["2015-03-31", "functions", name, "configuration"]) => update_configuration(call, name),
        ("PUT", ["2015-03-31", "functions", name, "code"]) => update_code(call, name),
        ("GET", ["2017-03-31", "tags", arn]) => {
            let (_, function) = allowed(call, arn, "lambda:ListTags")?;
            Ok(Next::Json(200, json!({"Tags": function.tags})))
        }
        ("GET", ["2019-09-30", "functions", name, "concurrency"]) => {
            allowed(call, name, "lambda:GetFunctionConcurrency")?;
            Ok(Next::Json(200, json!({})))
        }
        ("GET", ["2016-08-19", "account-settings"]) => {
            call.allow("lambda:GetAccountSettings", "*")?;
            let functions = call.world.state.functions.len();
            Ok(Next::Json(
                200,
                json!({"AccountLimit": {"TotalCodeSize": 80_530_636_800_u64}, "AccountUsage": {"FunctionCount": functions}}),
            ))
        }
        _ => Err(call.not_served(&operation_hint(call.protocol, call.request))),
    }
}

/// A name, a partial ARN or an ARN, with or without a version: the name. Only `$LATEST` exists here.
fn name_of(given: &str) -> (&str, Option<&str>) {
    let parts: Vec<&str> = given.split(':').collect();
    match parts.as_slice() {
        ["arn", "aws", "lambda", _, _, "function", name] => (name, None),
        ["arn", "aws", "lambda", _, _, "function", name, version] => (name, Some(version)),
        [_, "function", name] => (name, None),
        [name, version] => (name, Some(version)),
        _ => (given, None),
    }
}

pub fn arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:aws:lambda:{region}:{account}:function:{name}")
}

fn arn_of(call: &Call<'_>, name: &str) -> String {
    arn(&call.world.state.account, &call.world.state.region, name)
}

fn not_found(arn: &str) -> AwsError {
    AwsError::new(404, "ResourceNotFoundException", format!("Function not found: {arn}"))
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new(400, "InvalidParameterValueException", message)
}

fn allowed(call: &Call<'_>, given: &str, action: &str) -> Result<(String, Function)> {
    let (name, version) = name_of(given);
    let arn = arn_of(call, name);
    call.allow(action, &arn)?;
    let asked = call.request.query_value("Qualifier").or(version.map(str::to_owned));
    if let Some(version) = asked.filter(|version| version != "$LATEST") {
        return Err(not_found(&format!("{arn}:{version}")));
    }
    let function = call.world.state.functions.get(name).ok_or_else(|| not_found(&arn))?;
    Ok((name.to_owned(), function.clone()))
}

fn list(call: &Call<'_>) -> Result<Next> {
    call.allow("lambda:ListFunctions", "*")?;
    let all: Vec<Value> = call.world.state.functions.iter().map(|(name, f)| f.configuration(name)).collect();
    let size = call.request.query_value("MaxItems").and_then(|n| n.parse().ok()).unwrap_or(50).clamp(1, 50);
    let (functions, next) = page(all, call.request.query_value("Marker").as_deref(), size)?;
    Ok(Next::Json(200, json!({"Functions": functions, "NextMarker": next})))
}

fn get(call: &Call<'_>, given: &str) -> Result<Next> {
    let (name, function) = allowed(call, given, "lambda:GetFunction")?;
    let host = call.request.header("host").unwrap_or("127.0.0.1");
    // AWS hands out a link of its own bucket; here it is where the code came from, to be fetched with credentials.
    let location = function.source.as_ref().map(|(bucket, key)| super::s3::address(host, bucket, key));
    Ok(Next::Json(
        200,
        json!({
            "Configuration": function.configuration(&name),
            "Code": {"RepositoryType": "S3", "Location": location},
            "Tags": function.tags,
        }),
    ))
}

fn create(call: &mut Call<'_>) -> Result<Next> {
    let input = call.json()?;
    let name = text(&input, "FunctionName").ok_or_else(|| invalid("FunctionName is missing"))?.to_owned();
    let arn = arn_of(call, &name);
    call.allow("lambda:CreateFunction", &arn)?;
    if call.world.state.functions.contains_key(&name) {
        return Err(AwsError::new(409, "ResourceConflictException", format!("Function already exist: {name}")));
    }
    if let Some(role) = text(&input, "Role") {
        call.allow("iam:PassRole", role)?;
    }
    let mut properties = input.clone();
    properties["Environment"] = input["Environment"].clone();
    let made = make(call.world, &name, &properties, None, call.now)?;
    let answer = made.configuration(&name);
    call.world.state.functions.insert(name.clone(), made);
    call.changed();
    Ok(Next::PutFunction { name, status: 201, answer })
}

fn delete(call: &mut Call<'_>, given: &str) -> Result<Next> {
    let (name, _) = allowed(call, given, "lambda:DeleteFunction")?;
    call.world.state.functions.remove(&name);
    call.changed();
    Ok(Next::RemoveFunction { name })
}

fn update_configuration(call: &mut Call<'_>, given: &str) -> Result<Next> {
    let (name, old) = allowed(call, given, "lambda:UpdateFunctionConfiguration")?;
    let input = call.json()?;
    let made = make(call.world, &name, &input, Some(&old), call.now)?;
    replaced(call, name, made)
}

fn update_code(call: &mut Call<'_>, given: &str) -> Result<Next> {
    let (name, old) = allowed(call, given, "lambda:UpdateFunctionCode")?;
    let input = call.json()?;
    let (blob, size, source) = code(call.world, &input, &old.handler)?;
    let revision = call.world.ids.uuid();
    let made = Function { blob, size, source, revision, modified: call.now, ..old };
    if super::service::flag(&input, "DryRun") {
        return Ok(Next::Json(200, made.configuration(&name)));
    }
    replaced(call, name, made)
}

fn replaced(call: &mut Call<'_>, name: String, made: Function) -> Result<Next> {
    let answer = made.configuration(&name);
    call.world.state.functions.insert(name.clone(), made);
    call.changed();
    Ok(Next::PutFunction { name, status: 200, answer })
}

fn invoke(call: &mut Call<'_>, given: &str) -> Result<Next> {
    let (name, _) = allowed(call, given, "lambda:InvokeFunction")?;
    let payload = call.request.body.clone();
    if !payload.is_empty()
        && let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&payload)
    {
        return Err(bad_payload(&error.to_string()));
    }
    let kind = call.request.header("x-amz-invocation-type").unwrap_or("RequestResponse");
    let most = if kind == "Event" { MAX_EVENT } else { MAX_PAYLOAD };
    if payload.len() > most {
        return Err(AwsError::new(
            413,
            "RequestTooLargeException",
            format!("Request must be smaller than {most} bytes for the InvokeFunction operation"),
        ));
    }
    match kind {
        "RequestResponse" => {
            let tail = call.request.header("x-amz-log-type") == Some("Tail");
            Ok(Next::Invoke { name, payload, tail })
        }
        "Event" => Ok(Next::InvokeLater { name, payload }),
        "DryRun" => Ok(Next::Respond(Response { status: 204, headers: Vec::new(), body: Bytes::new() })),
        other => Err(invalid(format!("{other} is not a valid InvocationType"))),
    }
}

fn bad_payload(why: &str) -> AwsError {
    AwsError::new(400, "InvalidRequestContentException", format!("Could not parse request body into json: {why}"))
}

/// The answer to a synchronous invocation.
pub fn invoked(result: InvokeResult, tail: bool) -> Response {
    let mut response = Response::new(200, "application/json", result.payload)
        .with("x-amzn-requestid", result.request_id)
        .with("x-amz-executed-version", "$LATEST");
    if let Some(error) = result.function_error {
        response = response.with("x-amz-function-error", error);
    }
    if tail {
        response = response.with("x-amz-log-result", STANDARD.encode(result.log_tail));
    }
    // AWS has no such header: what waited for a free environment there is the caller's latency too, and nobody's figure.
    if !result.queued.is_zero() {
        response = response.with("x-workshop-queued-ms", format!("{:.1}", result.queued.as_secs_f64() * 1000.0));
    }
    response
}

/// What a failure of the Lambda service is to a client.
pub fn refused(error: LambdaError) -> AwsError {
    match error {
        LambdaError::NotFound(name) => not_found(&name),
        LambdaError::BadCode(why) => invalid(why),
        LambdaError::TooManyRequests => AwsError::new(429, "TooManyRequestsException", "Rate Exceeded.")
            .member("Reason", "ConcurrentInvocationLimitExceeded"),
        LambdaError::BadPayload(why) => bad_payload(&why),
        LambdaError::TooLarge => AwsError::new(413, "RequestTooLargeException", error.to_string()),
        LambdaError::Role => invalid(error.to_string()),
        // 500 on AWS; clients would try for a minute before they show it.
        LambdaError::Start(_) => AwsError::new(400, "ServiceException", error.to_string()),
    }
}

/// A function from the members that the API and CloudFormation share; what is missing stays as it was.
pub fn make(world: &mut World, name: &str, input: &Value, old: Option<&Function>, now: Instant) -> Result<Function> {
    let number = |key: &str| {
        let value = input.get(key).filter(|v| !v.is_null());
        value.map(|v| {
            v.as_u64()
                .or_else(|| v.as_str().and_then(|t| t.parse().ok()))
                .ok_or_else(|| invalid(format!("{key} is not a number")))
        })
    };
    let timeout = number("Timeout").transpose()?.unwrap_or(old.map_or(3, |o| o.timeout_s.into()));
    if !(1..=900).contains(&timeout) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{timeout}' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"
        )));
    }
    let memory = number("MemorySize").transpose()?.unwrap_or(old.map_or(128, |o| o.memory_mb.into()));
    if !(128..=10_240).contains(&memory) {
        return Err(invalid(format!(
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 10240 and at least 128, not {memory}"
        )));
    }
    let given = |key: &str| text(input, key).map(str::to_owned);
    let runtime = given("Runtime").or(old.map(|o| o.runtime.clone())).ok_or_else(|| {
        invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    })?;
    if !runtime.starts_with("nodejs") {
        return Err(invalid(format!("the workshop sandbox runs nodejs functions only, not {runtime}")));
    }
    let handler = given("Handler").or(old.map(|o| o.handler.clone())).ok_or_else(|| {
        invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    })?;
    let role_arn = given("Role").or(old.map(|o| o.role_arn.clone())).ok_or_else(|| invalid("Role is missing"))?;
    let trusted = world
        .state
        .iam
        .role_by_arn(&role_arn)
        .is_some_and(|(_, role)| world.state.iam.trusts_service(role, "lambda.amazonaws.com"));
    if !trusted {
        return Err(invalid("The role defined for the function cannot be assumed by Lambda."));
    }
    let environment = match &input["Environment"] {
        Value::Null => old.map(|o| o.environment.clone()).unwrap_or_default(),
        environment => variables(&environment["Variables"])?,
    };
    let (blob, size, source) = match (input.get("Code"), old) {
        (Some(given), _) => code(world, given, &handler)?,
        (None, Some(old)) => (old.blob.clone(), old.size, old.source.clone()),
        (None, None) => return Err(invalid("Code is missing")),
    };
    let architectures: Vec<String> = match &input["Architectures"] {
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => old.map(|o| o.architectures.clone()).unwrap_or_else(|| vec!["x86_64".into()]),
    };
    let logging = match &input["LoggingConfig"] {
        Value::Null => old.map(|o| o.logging.clone()).unwrap_or_default(),
        given => logging(given)?,
    };
    Ok(Function {
        logging,
        arn: arn(&world.state.account, &world.state.region, name),
        runtime,
        handler,
        role_arn,
        description: given("Description").or(old.map(|o| o.description.clone())).unwrap_or_default(),
        memory_mb: memory as u32,
        timeout_s: timeout as u32,
        environment,
        architectures,
        tags: super::tags::map(&input["Tags"]).or(old.map(|o| o.tags.clone())).unwrap_or_default(),
        blob,
        size,
        modified: now,
        revision: world.ids.uuid(),
        source,
    })
}

/// A function's `LoggingConfig`. Source: botocore's service model of Lambda, LoggingConfig; levels are for JSON only.
fn logging(given: &Value) -> Result<LogSettings> {
    let one_of = |key: &str, values: &[&str]| match text(given, key) {
        None => Ok(None),
        Some(value) if values.contains(&value) => Ok(Some(value.to_owned())),
        Some(value) => Err(invalid(format!(
            "1 validation error detected: Value '{value}' at 'loggingConfig.{}{}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
            key[..1].to_lowercase(),
            &key[1..],
            values.join(", ")
        ))),
    };
    let format = match one_of("LogFormat", &["JSON", "Text"])?.as_deref() {
        Some("JSON") => LogFormat::Json,
        _ => LogFormat::Text,
    };
    let application = one_of("ApplicationLogLevel", &["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"])?;
    let system = one_of("SystemLogLevel", &["DEBUG", "INFO", "WARN"])?;
    if format == LogFormat::Text && (application.is_some() || system.is_some()) {
        return Err(invalid("ApplicationLogLevel and SystemLogLevel need the LogFormat JSON"));
    }
    let standard = LogSettings::default();
    Ok(LogSettings {
        format,
        application_level: application.unwrap_or(standard.application_level),
        system_level: system.unwrap_or(standard.system_level),
        group: text(given, "LogGroup").map(str::to_owned),
    })
}

/// Names that Lambda keeps for itself.
const RESERVED: &[&str] = &[
    "_HANDLER",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

fn variables(given: &Value) -> Result<BTreeMap<String, String>> {
    let empty = Map::new();
    let given = given.as_object().unwrap_or(&empty);
    let reserved: Vec<&str> = given.keys().map(String::as_str).filter(|name| RESERVED.contains(name)).collect();
    if !reserved.is_empty() {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided contains reserved keys that are currently not supported for modification. Reserved keys used in \
             this request: {}",
            reserved.join(", ")
        )));
    }
    let text = |value: &Value| super::cloudformation::resolve::scalar(value);
    given
        .iter()
        .map(|(name, value)| Ok((name.clone(), text(value).ok_or_else(|| invalid(format!("{name} must be a text")))?)))
        .collect()
}

/// Where a package is kept, its size in bytes, and the bucket and key it came from.
type Package = (String, u64, Option<(String, String)>);

/// The zip a function is made of: from a bucket, in the request, or a file of source text.
fn code(world: &World, given: &Value, handler: &str) -> Result<Package> {
    let keep = |body: &[u8]| {
        world.store.put(body).map_err(|error| invalid(format!("the sandbox could not keep the package: {error}")))
    };
    match (text(given, "S3Bucket"), text(given, "S3Key"), &given["ZipFile"]) {
        (Some(bucket), Some(key), _) => {
            let missing = |code: &str, what: &str| {
                invalid(format!("Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {what}"))
            };
            let bucket_found = world
                .state
                .buckets
                .get(bucket)
                .ok_or_else(|| missing("NoSuchBucket", "The specified bucket does not exist"))?;
            let object = bucket_found
                .objects
                .get(key)
                .ok_or_else(|| missing("NoSuchKey", "The specified key does not exist."))?;
            Ok((object.blob.clone(), object.size, Some((bucket.into(), key.into()))))
        }
        (_, _, Value::String(given)) => {
            // The API sends a zip in base64, CloudFormation the text of one source file.
            let zip = match STANDARD.decode(given).ok().filter(|bytes| bytes.starts_with(b"PK")) {
                Some(zip) => zip,
                None => zipped(handler, given)?,
            };
            Ok((keep(&zip)?, zip.len() as u64, None))
        }
        _ => match text(given, "ImageUri") {
            Some(_) => Err(invalid("the workshop sandbox does not run functions from container images")),
            None => Err(invalid("Please provide a source for the function code.")),
        },
    }
}

fn zipped(handler: &str, source: &str) -> Result<Vec<u8>> {
    let module = handler.split('.').next().unwrap_or("index");
    let module_syntax = source.lines().any(|line| line.starts_with("import ") || line.starts_with("export "));
    let name = format!("{module}.{}", if module_syntax { "mjs" } else { "js" });
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
    let packed = writer
        .start_file(name, options)
        .and_then(|()| writer.write_all(source.as_bytes()).map_err(Into::into))
        .and_then(|()| writer.finish());
    packed.map(std::io::Cursor::into_inner).map_err(|error| invalid(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_every_form() {
        for given in ["f", "123456789012:function:f", "arn:aws:lambda:us-east-1:123456789012:function:f"] {
            assert_eq!(name_of(given), ("f", None), "{given}");
        }
        assert_eq!(name_of("f:$LATEST"), ("f", Some("$LATEST")));
        assert_eq!(name_of("arn:aws:lambda:us-east-1:1:function:f:7"), ("f", Some("7")));
    }

    #[test]
    fn reserved_variables_are_refused_by_name() {
        let error = variables(&json!({"AWS_REGION": "x", "MINE": "y"})).unwrap_err();
        assert!(error.message.ends_with("AWS_REGION"), "{}", error.message);
        assert_eq!(variables(&json!({"PORT": 5432, "ON": true})).unwrap()["PORT"], "5432");
    }

    #[test]
    fn a_source_text_becomes_a_zip() {
        let zip = zipped("index.handler", "exports.handler = async () => 1").unwrap();
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut archive.by_name("index.js").unwrap(), &mut text).unwrap();
        assert_eq!(text, "exports.handler = async () => 1");
    }
}

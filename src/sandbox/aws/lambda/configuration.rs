//! A function's configuration: from a request or a template, and as the API shows it.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::code::code;
use super::names::{LATEST, invalid};
use super::runtimes;
use super::settings::settings;
use crate::aws::error::AwsResult;
use crate::aws::function_names::arn;
use crate::aws::records::{FunctionRecord, ShownSettings};
use crate::aws::service::{World, text};
use crate::aws::time::Instant;
use crate::interfaces::{FunctionSpec, LogFormat, LogSettings, runtime_version};

impl FunctionRecord {
    /// The ARN of this version; of the newest code it has no version in it.
    pub(crate) fn qualified_arn(&self) -> String {
        match self.version.as_str() {
            LATEST => self.arn.clone(),
            version => format!("{}:{version}", self.arn),
        }
    }

    /// Returns the log group that the function writes to.
    pub(crate) fn log_group(&self, name: &str) -> String {
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

    fn empty() -> Self {
        FunctionRecord {
            arn: String::new(),
            runtime: String::new(),
            handler: String::new(),
            role_arn: String::new(),
            description: String::new(),
            memory_mb: 0,
            timeout_s: 0,
            environment: BTreeMap::new(),
            architectures: Vec::new(),
            tags: BTreeMap::new(),
            blob: String::new(),
            size: 0,
            modified: Instant(0),
            revision: String::new(),
            source: None,
            version: String::new(),
            logging: LogSettings::default(),
            versions: BTreeMap::new(),
            last_version: 0,
            aliases: BTreeMap::new(),
            permissions: BTreeMap::new(),
            urls: BTreeMap::new(),
            settings: ShownSettings::default(),
            published_from: None,
            policy_revisions: BTreeMap::new(),
        }
    }

    /// Returns what the Lambda service needs to run it. `code` is its zip.
    pub(crate) fn spec(&self, name: &str, code: Bytes) -> FunctionSpec {
        FunctionSpec {
            name: name.into(),
            version: self.version.clone(),
            arn: self.qualified_arn(),
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

    /// Returns the hash of the package as the API writes it, in base64.
    pub(super) fn code_sha256(&self) -> String {
        let bytes: Vec<u8> =
            (0..32).filter_map(|i| u8::from_str_radix(self.blob.get(i * 2..i * 2 + 2)?, 16).ok()).collect();
        STANDARD.encode(bytes)
    }

    /// Shows it as GetFunctionConfiguration has it.
    pub(super) fn configuration(&self, name: &str) -> Value {
        let mut shown = self.listed(name);
        let (_, runtime) = runtime_version(&self.runtime, &self.arn);
        shown["RuntimeVersionConfig"] = json!({"RuntimeVersionArn": runtime});
        shown["State"] = "Active".into();
        shown["LastUpdateStatus"] = "Successful".into();
        shown
    }

    /// Shows it as lists have it, without its state (localstack/localstack, test_publish_version_on_create).
    pub(super) fn listed(&self, name: &str) -> Value {
        let mut shown = json!({
            "FunctionName": name,
            "FunctionArn": self.qualified_arn(),
            "Runtime": self.runtime,
            "Role": self.role_arn,
            "Handler": self.handler,
            "CodeSize": self.size,
            "CodeSha256": self.code_sha256(),
            "Description": self.description,
            "Timeout": self.timeout_s,
            "MemorySize": self.memory_mb,
            "LastModified": self.modified.lambda(),
            "Version": self.version,
            "RevisionId": self.revision,
            "PackageType": "Zip",
            "Architectures": self.architectures,
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "LoggingConfig": self.logging_config(name),
        });
        if let Some(members) = shown.as_object_mut() {
            members.extend(self.shown_settings());
        }
        shown
    }
}

/// A function from the members that the API and CloudFormation share; what is missing stays as it was.
pub(crate) fn make(
    world: &mut World,
    name: &str,
    input: &Value,
    old: Option<&FunctionRecord>,
    now: Instant,
) -> AwsResult<FunctionRecord> {
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
    let settings = settings(input, old)?;
    let given = |key: &str| text(input, key).map(str::to_owned);
    let runtime = given("Runtime").or(old.map(|o| o.runtime.clone())).ok_or_else(|| {
        invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    })?;
    runtimes::check(&runtime)?;
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
        (Some(given), _) => code(world, given)?,
        (None, Some(old)) => (old.blob.clone(), old.size, old.source.clone()),
        (None, None) => return Err(invalid("Code is missing")),
    };
    let architectures =
        architectures(input).or_else(|| old.map(|o| o.architectures.clone())).unwrap_or_else(|| vec!["x86_64".into()]);
    let logging = match &input["LoggingConfig"] {
        Value::Null => old.map(|o| o.logging.clone()).unwrap_or_default(),
        given => logging(given)?,
    };
    Ok(FunctionRecord {
        arn: arn(&world.state.account, &world.state.region, name),
        runtime,
        handler,
        role_arn,
        description: given("Description").or(old.map(|o| o.description.clone())).unwrap_or_default(),
        memory_mb: memory as u32,
        timeout_s: timeout as u32,
        environment,
        architectures,
        tags: crate::aws::tags::map(&input["Tags"]).or(old.map(|o| o.tags.clone())).unwrap_or_default(),
        blob,
        size,
        modified: now,
        revision: world.ids.uuid(),
        source,
        version: LATEST.into(),
        logging,
        settings,
        // What was published, allowed and given an address stays with the name.
        ..old.cloned().unwrap_or_else(FunctionRecord::empty)
    })
}

/// Returns the architectures that a request names, if it does.
pub(super) fn architectures(input: &Value) -> Option<Vec<String>> {
    let list = input["Architectures"].as_array()?;
    Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
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

fn variables(given: &Value) -> AwsResult<BTreeMap<String, String>> {
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
    let text = |value: &Value| crate::aws::cloudformation::resolve::scalar(value);
    let variables: BTreeMap<String, String> = given
        .iter()
        .map(|(name, value)| Ok((name.clone(), text(value).ok_or_else(|| invalid(format!("{name} must be a text")))?)))
        .collect::<AwsResult<_>>()?;
    let measured = serde_json::to_string(&variables).unwrap_or_default();
    if measured.len() > MAX_ENVIRONMENT {
        return Err(invalid(format!(
            "Lambda was unable to configure your environment variables because the environment variables you have \
             provided exceeded the 4KB limit. String measured: {measured}"
        )));
    }
    Ok(variables)
}

/// Bytes of all environment variables together. Source: Lambda developer guide, "Lambda quotas", 4 KB.
const MAX_ENVIRONMENT: usize = 4 * 1024;

/// Reads a function's `LoggingConfig`. Source: botocore's service model of Lambda, LoggingConfig; levels are for JSON only.
fn logging(given: &Value) -> AwsResult<LogSettings> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_variables_are_refused_by_name() {
        let error = variables(&json!({"AWS_REGION": "x", "MINE": "y"})).unwrap_err();
        assert!(error.message.ends_with("AWS_REGION"), "{}", error.message);
        assert_eq!(variables(&json!({"PORT": 5432, "ON": true})).unwrap()["PORT"], "5432");
    }
}

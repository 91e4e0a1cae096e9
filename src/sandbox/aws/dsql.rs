//! DSQL's control plane: clusters and their tags and policies. Facts: dsql API model of 2018-05-10 as in
//! botocore 1.43, limits of the DSQL user guide (2026-10).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::error::{AwsError, AwsResult};
use super::records::{ClusterRecord, ClusterStatus};
use super::service::{Call, Response, World, flag, page, text};
use super::time::Instant;
use crate::interfaces::ClusterInfo;
use workshop_base::encoding::sha256_hex;

/// Single-Region clusters per account and Region.
pub(crate) const MAX_CLUSTERS: usize = 20;

impl ClusterRecord {
    /// Returns what the database proxy knows of a cluster.
    pub(crate) fn info(&self, identifier: &str, region: &str) -> ClusterInfo {
        ClusterInfo {
            identifier: identifier.into(),
            arn: self.arn.clone(),
            region: region.into(),
            endpoint: self.endpoint.clone(),
            status: self.status.as_str().into(),
        }
    }

    fn encryption(&self) -> Value {
        let kind = if self.kms_key.is_some() { "CUSTOMER_MANAGED_KMS_KEY" } else { "AWS_OWNED_KMS_KEY" };
        json!({"encryptionType": kind, "kmsKeyArn": self.kms_key, "encryptionStatus": "ENABLED"})
    }

    fn brief(&self, identifier: &str) -> Value {
        json!({
            "identifier": identifier,
            "arn": self.arn,
            "status": self.status.as_str(),
            "creationTime": self.created.seconds(),
        })
    }

    fn shown(&self, identifier: &str) -> Value {
        let mut shown = self.brief(identifier);
        shown["deletionProtectionEnabled"] = self.deletion_protection.into();
        shown["encryptionDetails"] = self.encryption();
        shown["endpoint"] = self.endpoint.clone().into();
        if !self.metric_groups.is_empty() {
            shown["metricGroups"] = self.metric_groups.iter().map(|group| json!({"metricGroup": group})).collect();
        }
        shown
    }

    /// Returns the attributes that CloudFormation's `GetAtt` gives.
    pub(crate) fn attributes(&self, identifier: &str, region: &str) -> Map<String, Value> {
        let encryption = self.encryption();
        let service = service_name(region);
        let private = format!("{identifier}.{}.{region}.on.aws", service.rsplit('.').next().unwrap_or("dsql"));
        Map::from_iter([
            ("CreationTime".to_owned(), json!(self.created.iso())),
            (
                "EncryptionDetails".to_owned(),
                json!({
                "EncryptionType": encryption["encryptionType"], "EncryptionStatus": "ENABLED", "KmsKeyArn": self.kms_key}),
            ),
            ("EncryptionDetails.EncryptionStatus".to_owned(), json!("ENABLED")),
            ("EncryptionDetails.EncryptionType".to_owned(), encryption["encryptionType"].clone()),
            ("EncryptionDetails.KmsKeyArn".to_owned(), json!(self.kms_key.clone().unwrap_or_default())),
            ("Endpoint".to_owned(), json!(self.endpoint)),
            ("Identifier".to_owned(), json!(identifier)),
            ("PolicyVersion".to_owned(), json!(self.policy_version.to_string())),
            ("ResourceArn".to_owned(), json!(self.arn)),
            ("Status".to_owned(), json!("ACTIVE")),
            ("VpcEndpoint".to_owned(), json!(private)),
            ("VpcEndpointServiceName".to_owned(), json!(service)),
        ])
    }
}

/// `com.amazonaws.<region>.dsql-<6 hexadecimal digits>`: one per Region and cell; here the digits follow from the Region.
fn service_name(region: &str) -> String {
    format!("com.amazonaws.{region}.dsql-{}", &sha256_hex(region.as_bytes())[..6])
}

/// Answers an operation of DSQL, if IAM allows it.
pub(crate) fn call(call: &mut Call<'_>) -> AwsResult<Response> {
    let segments = call.request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.request.method.as_str(), segments.as_slice()) {
        ("POST", ["cluster"]) => create(call),
        ("GET", ["cluster"]) => list(call),
        ("GET", ["cluster", id]) => {
            let cluster = allowed(call, id, "dsql:GetCluster")?;
            let mut shown = cluster.shown(id);
            shown["tags"] = json!(cluster.tags);
            Ok(Response::Json(200, shown))
        }
        ("POST", ["cluster", id]) => update(call, id),
        ("DELETE", ["cluster", id]) => delete(call, id),
        ("GET", ["clusters", id, "vpc-endpoint-service-name"]) => {
            let cluster = allowed(call, id, "dsql:GetVpcEndpointServiceName")?;
            let attributes = cluster.attributes(id, &call.world.state.region);
            Ok(Response::Json(
                200,
                json!({"serviceName": attributes["VpcEndpointServiceName"], "clusterVpcEndpoint": attributes["VpcEndpoint"]}),
            ))
        }
        ("POST", ["cluster", id, "policy"]) => put_policy(call, id),
        ("GET", ["cluster", id, "policy"]) => {
            let cluster = allowed(call, id, "dsql:GetClusterPolicy")?;
            let policy = has_policy(&cluster, id)?;
            Ok(Response::Json(200, json!({"policy": policy, "policyVersion": cluster.policy_version.to_string()})))
        }
        ("DELETE", ["cluster", id, "policy"]) => {
            let cluster = allowed(call, id, "dsql:DeleteClusterPolicy")?;
            has_policy(&cluster, id)?;
            expects_version(&cluster, id, call.request.query_value("expected-policy-version").as_deref())?;
            let version = change(call, id, |cluster| {
                cluster.policy = None;
                cluster.policy_version += 1;
                cluster.policy_version
            })?;
            Ok(Response::Json(200, json!({"policyVersion": version.to_string()})))
        }
        ("GET", ["tags", arn]) => {
            let (_, cluster) = tagged(call, arn, "dsql:ListTagsForResource")?;
            Ok(Response::Json(200, json!({"tags": cluster.tags})))
        }
        ("POST", ["tags", arn]) => {
            let (id, _) = tagged(call, arn, "dsql:TagResource")?;
            let added = tags_of(&call.json()?)?;
            change(call, &id, |cluster| cluster.tags.extend(added))?;
            Ok(Response::Json(200, json!({})))
        }
        ("DELETE", ["tags", arn]) => {
            let (id, _) = tagged(call, arn, "dsql:UntagResource")?;
            let keys: Vec<String> = call
                .request
                .query_pairs()
                .into_iter()
                .filter(|(name, _)| name == "tagKeys")
                .map(|(_, key)| key)
                .collect();
            change(call, &id, |cluster| cluster.tags.retain(|name, _| !keys.contains(name)))?;
            Ok(Response::Json(200, json!({})))
        }
        ("POST", ["stream", id]) => {
            allowed(call, id, "dsql:CreateStream")?;
            Err(invalid("unknownOperation", "the workshop sandbox does not have streams"))
        }
        ("GET", ["stream", id]) => {
            allowed(call, id, "dsql:ListStreams")?;
            Ok(Response::Json(200, json!({"streams": []})))
        }
        ("GET" | "DELETE", ["stream", id, stream]) => {
            let verb = if call.request.method == "GET" { "dsql:GetStream" } else { "dsql:DeleteStream" };
            allowed(call, id, verb)?;
            Err(not_found("stream", stream, format!("The stream {stream} does not exist")))
        }
        _ => Err(call.not_served_route()),
    }
}

fn not_found(kind: &str, id: &str, message: String) -> AwsError {
    AwsError::new(404, "ResourceNotFoundException", message).member("resourceId", id).member("resourceType", kind)
}

fn invalid(reason: &str, message: impl Into<String>) -> AwsError {
    AwsError::new(400, "ValidationException", message).member("reason", reason)
}

fn allowed(call: &Call<'_>, id: &str, action: &str) -> AwsResult<ClusterRecord> {
    if id.len() != 26 || !id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        return Err(invalid("fieldValidationFailed", format!("Invalid cluster identifier: {id}")));
    }
    call.allow(action, &call.arn("dsql", &format!("cluster/{id}")))?;
    let found = call.world.state.clusters.get(id).cloned();
    found.ok_or_else(|| not_found("cluster", id, format!("The cluster {id} does not exist")))
}

fn tagged(call: &Call<'_>, arn: &str, action: &str) -> AwsResult<(String, ClusterRecord)> {
    let prefix = call.arn("dsql", "cluster/");
    let id = arn
        .strip_prefix(prefix.as_str())
        .ok_or_else(|| invalid("fieldValidationFailed", format!("{arn} is not the ARN of a cluster")))?;
    Ok((id.to_owned(), allowed(call, id, action)?))
}

fn change<T>(call: &mut Call<'_>, id: &str, with: impl FnOnce(&mut ClusterRecord) -> T) -> AwsResult<T> {
    let cluster = call.world.state.clusters.get_mut(id);
    let cluster = cluster.ok_or_else(|| not_found("cluster", id, format!("The cluster {id} does not exist")))?;
    let result = with(cluster);
    call.changed();
    Ok(result)
}

fn list(call: &Call<'_>) -> AwsResult<Response> {
    call.allow("dsql:ListClusters", "*")?;
    let all: Vec<Value> =
        call.world.state.clusters.iter().map(|(id, cluster)| json!({"identifier": id, "arn": cluster.arn})).collect();
    let size: usize = call.request.query_value("max-results").and_then(|n| n.parse().ok()).unwrap_or(100).clamp(1, 100);
    let (clusters, next) = page(all, call.request.query_value("next-token").as_deref(), size)
        .map_err(|error| invalid("fieldValidationFailed", error.message))?;
    Ok(Response::Json(200, json!({"clusters": clusters, "nextToken": next})))
}

/// A cluster as it is asked for, by the API and by CloudFormation alike.
#[derive(Debug, Default)]
pub(crate) struct ClusterSpec {
    pub deletion_protection: bool,
    pub kms_key: Option<String>,
    pub policy: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub client_token: Option<String>,
    /// A hash of all the rest.
    pub request: Option<String>,
    pub metric_groups: Vec<String>,
}

/// A new cluster, still `CREATING`; its identifier.
pub(crate) fn insert(world: &mut World, wish: ClusterSpec, now: Instant) -> AwsResult<String> {
    if world.state.clusters.len() >= MAX_CLUSTERS {
        return Err(AwsError::new(402, "ServiceQuotaExceededException", "You have reached the cluster limit.")
            .member("resourceId", "")
            .member("resourceType", "cluster")
            .member("serviceCode", "dsql")
            .member("quotaCode", ""));
    }
    let identifier = world.ids.cluster();
    let (region, account) = (&world.state.region, &world.state.account);
    let cluster = ClusterRecord {
        arn: format!("arn:aws:dsql:{region}:{account}:cluster/{identifier}"),
        endpoint: format!("{identifier}.dsql.{region}.on.aws"),
        status: ClusterStatus::Creating,
        created: now,
        deletion_protection: wish.deletion_protection,
        kms_key: wish.kms_key,
        policy_version: u64::from(wish.policy.is_some()),
        policy: wish.policy,
        tags: wish.tags,
        client_token: wish.client_token,
        request: wish.request,
        metric_groups: wish.metric_groups,
    };
    world.state.clusters.insert(identifier.clone(), cluster);
    world.dirty = true;
    Ok(identifier)
}

/// The refusal of a cluster that is protected.
pub(crate) fn protected(id: &str) -> AwsError {
    invalid(
        "deletionProtectionEnabled",
        format!("Cluster {id} cannot be deleted while deletion protection is enabled. Disable it and try again."),
    )
}

fn create(call: &mut Call<'_>) -> AwsResult<Response> {
    call.allow("dsql:CreateCluster", &call.arn("dsql", "cluster/*"))?;
    let input = call.json()?;
    if !input["multiRegionProperties"].is_null() {
        return Err(invalid("other", "the workshop sandbox does not have multi-Region clusters"));
    }
    let token = text(&input, "clientToken").map(str::to_owned);
    let mut rest = input.clone();
    if let Some(members) = rest.as_object_mut() {
        members.remove("clientToken");
    }
    // The same request, whichever way its keys stand.
    rest.sort_all_objects();
    let request = Some(sha256_hex(rest.to_string().as_bytes()));
    let same = |cluster: &ClusterRecord| token.is_some() && cluster.client_token == token;
    if let Some((id, cluster)) = call.world.state.clusters.iter().find(|(_, cluster)| same(cluster)) {
        return match cluster.request.is_none() || cluster.request == request {
            true => Ok(Response::Json(200, cluster.shown(id))),
            false => Err(conflict(id, "The client token was used before with other parameters.".into())),
        };
    }
    let policy = text(&input, "policy").map(str::to_owned);
    policy.as_deref().map_or(Ok(()), well_formed)?;
    let wish = ClusterSpec {
        deletion_protection: protected_by_default(&input["deletionProtectionEnabled"]),
        kms_key: customers_key(text(&input, "kmsEncryptionKey")),
        policy,
        tags: tags_of(&input)?,
        client_token: token.clone(),
        request,
        metric_groups: metric_groups(&input).unwrap_or_default(),
    };
    let cluster = insert(call.world, wish, call.now)?;
    let answer = call.world.state.clusters[&cluster].shown(&cluster);
    Ok(Response::Ensure { cluster, answer })
}

/// The name that stands for a key of AWS's own.
pub(crate) const OWNED_KEY: &str = "AWS_OWNED_KMS_KEY";

/// Returns the key that a caller names, unless it is AWS's own.
pub(crate) fn customers_key(given: Option<&str>) -> Option<String> {
    given.filter(|key| *key != OWNED_KEY).map(str::to_owned)
}

/// Returns what was asked for; a cluster is protected where nothing is said (DSQL user guide, "Configuring
/// single-Region clusters", 2026-11: `create-cluster` alone answers `true`).
pub(crate) fn protected_by_default(given: &Value) -> bool {
    given.is_null() || *given == true || *given == "true"
}

fn metric_groups(input: &Value) -> Option<Vec<String>> {
    let groups = input["metricGroups"].as_array()?;
    Some(groups.iter().filter_map(|group| Some(text(group, "metricGroup")?.to_owned())).collect())
}

/// Checks that a policy is a JSON map.
pub(crate) fn well_formed(policy: &str) -> AwsResult<()> {
    match serde_json::from_str(policy) {
        Ok(Value::Object(_)) => Ok(()),
        _ => Err(invalid("fieldValidationFailed", "policy is not valid JSON")),
    }
}

/// Reads a request's tags.
fn tags_of(input: &Value) -> AwsResult<BTreeMap<String, String>> {
    let tags = super::tags::map(&input["tags"]).unwrap_or_default();
    own(&tags)?;
    Ok(tags)
}

/// Refuses tags that only AWS's own services may set: those that begin with `aws:`.
pub(crate) fn own(tags: &BTreeMap<String, String>) -> AwsResult<()> {
    match tags.keys().find(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        Some(_) => {
            Err(invalid("fieldValidationFailed", "aws: prefixed tag key names are not allowed for external use."))
        }
        None => Ok(()),
    }
}

fn update(call: &mut Call<'_>, id: &str) -> AwsResult<Response> {
    let cluster = allowed(call, id, "dsql:UpdateCluster")?;
    if cluster.status != ClusterStatus::Active {
        let message = format!("Cluster {id} is in {} state and cannot be updated.", cluster.status.as_str());
        return Err(conflict(id, message));
    }
    let input = call.json()?;
    if !input["multiRegionProperties"].is_null() {
        return Err(invalid("other", "the workshop sandbox does not have multi-Region clusters"));
    }
    let brief = change(call, id, |cluster| {
        if !input["deletionProtectionEnabled"].is_null() {
            cluster.deletion_protection = flag(&input, "deletionProtectionEnabled");
        }
        if let Some(key) = text(&input, "kmsEncryptionKey") {
            cluster.kms_key = customers_key(Some(key));
        }
        if let Some(groups) = metric_groups(&input) {
            cluster.metric_groups = groups;
        }
        cluster.brief(id)
    })?;
    // It is made at once here; the service says that it is being made.
    let mut brief = brief;
    brief["status"] = ClusterStatus::Updating.as_str().into();
    Ok(Response::Json(200, brief))
}

fn conflict(id: &str, message: String) -> AwsError {
    AwsError::new(409, "ConflictException", message).member("resourceId", id).member("resourceType", "cluster")
}

fn delete(call: &mut Call<'_>, id: &str) -> AwsResult<Response> {
    let cluster = allowed(call, id, "dsql:DeleteCluster")?;
    if cluster.deletion_protection {
        return Err(protected(id));
    }
    match cluster.status {
        ClusterStatus::Deleting => return Ok(Response::Json(200, cluster.brief(id))),
        ClusterStatus::Creating => return Err(conflict(id, format!("Cluster {id} is being created."))),
        ClusterStatus::Active | ClusterStatus::Updating | ClusterStatus::Failed => {}
    }
    let answer = change(call, id, |cluster| {
        cluster.status = ClusterStatus::Deleting;
        cluster.brief(id)
    })?;
    Ok(Response::Drop { cluster: id.to_owned(), answer })
}

/// Returns a cluster's policy.
///
/// # Errors
/// That it has none, as the operation's model lists it.
fn has_policy<'a>(cluster: &'a ClusterRecord, id: &str) -> AwsResult<&'a str> {
    let none = || not_found("cluster-policy", id, format!("The cluster {id} does not have a resource policy"));
    cluster.policy.as_deref().ok_or_else(none)
}

/// Holds the version that a caller expects against the one that a policy has: it shall not be lost by accident.
fn expects_version(cluster: &ClusterRecord, id: &str, expected: Option<&str>) -> AwsResult<()> {
    match expected.is_some_and(|expected| expected != cluster.policy_version.to_string()) {
        true => Err(conflict(id, "The policy has another version than the one expected".into())),
        false => Ok(()),
    }
}

fn put_policy(call: &mut Call<'_>, id: &str) -> AwsResult<Response> {
    let cluster = allowed(call, id, "dsql:PutClusterPolicy")?;
    let input = call.json()?;
    let policy =
        text(&input, "policy").ok_or_else(|| invalid("fieldValidationFailed", "policy is missing"))?.to_owned();
    well_formed(&policy)?;
    expects_version(&cluster, id, text(&input, "expectedPolicyVersion"))?;
    let version = change(call, id, |cluster| {
        cluster.policy = Some(policy);
        cluster.policy_version += 1;
        cluster.policy_version
    })?;
    Ok(Response::Json(200, json!({"policyVersion": version.to_string()})))
}

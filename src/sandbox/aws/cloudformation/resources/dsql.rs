//! DSQL clusters.

use serde_json::json;

use super::handler::{HandlerResult, ResourceContext, ResourceWork, SystemTags, creates, physical, refusal, text};
use crate::aws::cloudformation::engine::Created;
use crate::aws::cloudformation::model::{ResourceJob, Verb};
use crate::aws::dsql::{ClusterSpec, customers_key, insert, own, protected, protected_by_default, well_formed};
use crate::aws::error::AwsError;
use crate::aws::protocol::Protocol;
use crate::aws::records::ClusterStatus;
use crate::aws::service::World;
use crate::aws::service_model;
use crate::aws::tags;

const SERVICE: &str = "DSql";

/// Handles clusters.
pub(crate) fn cluster(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    let all_tags = context.tags(job, SystemTags::Given);
    let ids = &mut context.world.ids;
    if job.verb == Verb::Delete {
        let id = physical(job);
        let Some(cluster) = context.world.state.clusters.get_mut(&id) else {
            return Ok(ResourceWork::Done(Created { physical_id: id, ..Created::default() }));
        };
        if cluster.deletion_protection {
            return Err(refusal(ids, SERVICE, &protected(&id), "InvalidRequest"));
        }
        cluster.status = ClusterStatus::Deleting;
        return Ok(ResourceWork::Drop { cluster: id });
    }
    let properties = &job.properties;
    if properties["MultiRegionProperties"].as_object().is_some_and(|map| !map.is_empty()) {
        return Err("the workshop sandbox does not have multi-Region clusters".into());
    }
    let tags = tags::map(&properties["Tags"]).unwrap_or_default();
    let (key, policy) = (text(properties, "KmsEncryptionKey"), text(properties, "PolicyDocument"));
    let asked = json!({"kmsEncryptionKey": key, "policy": policy, "tags": tags});
    let within = service_model::check("dsql", Protocol::RestJson, "CreateCluster", &asked)
        .and_then(|()| own(&tags))
        .and_then(|()| policy.as_deref().map_or(Ok(()), well_formed));
    if let Err(error) = within {
        return Err(refusal(&mut context.world.ids, SERVICE, &error, "InvalidRequest"));
    }
    let wish = ClusterSpec {
        deletion_protection: protected_by_default(&properties["DeletionProtectionEnabled"]),
        kms_key: customers_key(key.as_deref()),
        policy,
        tags: all_tags,
        ..ClusterSpec::default()
    };
    if creates(job) {
        return match insert(context.world, wish, context.now) {
            Ok(cluster) => Ok(ResourceWork::Ensure { cluster }),
            Err(error) => Err(refusal(&mut context.world.ids, SERVICE, &error, "ServiceLimitExceeded")),
        };
    }
    let id = physical(job);
    let region = context.world.state.region.clone();
    let Some(cluster) = context.world.state.clusters.get_mut(&id) else {
        let error = AwsError::new(404, "", format!("The cluster {id} does not exist"));
        return Err(refusal(ids, SERVICE, &error, "NotFound"));
    };
    if cluster.policy != wish.policy {
        cluster.policy_version += 1;
    }
    // The service is not told what the template does not say, and leaves it.
    if !properties["DeletionProtectionEnabled"].is_null() {
        cluster.deletion_protection = wish.deletion_protection;
    }
    cluster.kms_key = wish.kms_key;
    cluster.policy = wish.policy;
    cluster.tags = wish.tags;
    Ok(ResourceWork::Done(Created { attributes: cluster.attributes(&id, &region), physical_id: id }))
}

/// Marks a cluster `ACTIVE` whose database is up.
///
/// # Errors
/// A sentence when it was deleted meanwhile.
pub(crate) fn ready(world: &mut World, id: &str) -> Result<Created, String> {
    let region = world.state.region.clone();
    let cluster = world.state.clusters.get_mut(id).ok_or("the cluster was deleted while it was being created")?;
    cluster.status = ClusterStatus::Active;
    world.dirty = true;
    Ok(Created { physical_id: id.into(), attributes: cluster.attributes(id, &region) })
}

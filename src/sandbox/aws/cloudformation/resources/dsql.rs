//! DSQL clusters.

use super::super::engine::{Job, Made, Verb};
use super::{Handled, Place, Work, creates, physical, refusal, text, truth};
use crate::aws::dsql::{Status, Wish, insert, protected};
use crate::aws::error::AwsError;
use crate::aws::service::World;
use crate::aws::tags;

const SERVICE: &str = "DSql";

pub fn cluster(place: &mut Place<'_>, job: &Job) -> Handled {
    let ids = &mut place.world.ids;
    if job.verb == Verb::Delete {
        let id = physical(job);
        let Some(cluster) = place.world.state.clusters.get_mut(&id) else {
            return Ok(Work::Done(Made { physical_id: id, ..Made::default() }));
        };
        if cluster.deletion_protection {
            return Err(refusal(ids, SERVICE, &protected(&id), "InvalidRequest"));
        }
        cluster.status = Status::Deleting;
        return Ok(Work::Drop { cluster: id });
    }
    let properties = &job.properties;
    if properties["MultiRegionProperties"].as_object().is_some_and(|map| !map.is_empty()) {
        return Err("the workshop sandbox does not have multi-Region clusters".into());
    }
    let wish = Wish {
        deletion_protection: truth(properties, "DeletionProtectionEnabled"),
        kms_key: text(properties, "KmsEncryptionKey"),
        policy: text(properties, "PolicyDocument"),
        tags: tags::map(&properties["Tags"]).unwrap_or_default(),
        client_token: None,
    };
    if creates(job) {
        return match insert(place.world, wish, place.now) {
            Ok(cluster) => Ok(Work::Ensure { cluster }),
            Err(error) => Err(refusal(&mut place.world.ids, SERVICE, &error, "ServiceLimitExceeded")),
        };
    }
    let id = physical(job);
    let region = place.world.state.region.clone();
    let Some(cluster) = place.world.state.clusters.get_mut(&id) else {
        let error = AwsError::new(404, "", format!("The cluster {id} does not exist"));
        return Err(refusal(ids, SERVICE, &error, "NotFound"));
    };
    if cluster.policy != wish.policy {
        cluster.policy_version += 1;
    }
    cluster.deletion_protection = wish.deletion_protection;
    cluster.kms_key = wish.kms_key;
    cluster.policy = wish.policy;
    cluster.tags = wish.tags;
    Ok(Work::Done(Made { attributes: cluster.attributes(&id, &region), physical_id: id }))
}

pub fn ready(world: &mut World, id: &str) -> Result<Made, String> {
    let region = world.state.region.clone();
    let cluster = world.state.clusters.get_mut(id).ok_or("the cluster was deleted while it was being created")?;
    cluster.status = Status::Active;
    world.dirty = true;
    Ok(Made { physical_id: id.into(), attributes: cluster.attributes(id, &region) })
}

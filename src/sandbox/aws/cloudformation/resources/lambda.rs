//! Functions.

use serde_json::{Value, json};

use super::super::engine::{Job, Verb};
use super::{Handled, Place, Work, already_exists, creates, made, named, physical, refusal};
use crate::aws::lambda;

/// Properties that would change what a function does and that the sandbox does not have.
const REFUSED: &[&str] =
    &["VpcConfig", "FileSystemConfigs", "Layers", "ImageConfig", "CapacityProviderConfig", "DurableConfig"];

pub fn function(place: &mut Place<'_>, job: &Job) -> Handled {
    if job.verb == Verb::Delete {
        let name = physical(job);
        place.world.state.functions.remove(&name);
        return Ok(Work::RemoveFunction { name });
    }
    let given = |name: &&&str| match &job.properties[**name] {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    if let Some(property) = REFUSED.iter().find(given) {
        return Err(format!("the workshop sandbox does not have {property} of AWS::Lambda::Function"));
    }
    let name = if creates(job) { named(place, job, "FunctionName", 64) } else { physical(job) };
    let old = place.world.state.functions.get(&name).cloned();
    if creates(job) && old.is_some() {
        return Err(already_exists(&mut place.world.ids, "AWS::Lambda::Function", &name));
    }
    // What the template does not say goes back to its default, so nothing is taken over from the old function.
    match lambda::make(place.world, &name, &job.properties, None, place.now) {
        Ok(function) => {
            let made = made(&name, [("Arn", json!(function.arn))]);
            place.world.state.functions.insert(name.clone(), function);
            Ok(Work::PutFunction { name, made, old: old.map(Box::new) })
        }
        Err(error) => Err(refusal(&mut place.world.ids, "Lambda", &error, "InvalidRequest")),
    }
}

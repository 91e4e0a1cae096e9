//! What looking at stacks has found, as it is stored: drift, and what is wrong with a change set.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws::time::Instant;

/// One thing that is wrong with a change set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ValidationFinding {
    pub logical_id: String,
    pub kind: String,
    /// The name that is taken; None for what is wrong with the properties.
    pub taken: Option<String>,
    /// `/Resources/Fn/Properties/Tiemout`
    pub path: String,
    pub reason: String,
}

impl ValidationFinding {
    /// Returns the kind of the check that found it, as DescribeEvents has it.
    pub(crate) fn check(&self) -> &'static str {
        if self.taken.is_some() { "NAME_CONFLICT_VALIDATION" } else { "PROPERTY_VALIDATION" }
    }
}

/// One look for drift: how what is there differs from what the stack last made of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DriftDetection {
    pub id: String,
    pub at: Instant,
    /// By logical id.
    pub resources: BTreeMap<String, ResourceDrift>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResourceDrift {
    pub status: DriftStatus,
    /// The properties of the template and those that are there; of the properties that are compared.
    pub expected: Value,
    pub actual: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DriftStatus {
    InSync,
    Modified,
    Deleted,
    NotChecked,
}

impl DriftStatus {
    /// As CloudFormation writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            DriftStatus::InSync => "IN_SYNC",
            DriftStatus::Modified => "MODIFIED",
            DriftStatus::Deleted => "DELETED",
            DriftStatus::NotChecked => "NOT_CHECKED",
        }
    }
}

//! Aurora DSQL clusters: where one stands.

use super::Clients;
use super::error::{Result, explain};

/// Its type in a stack.
pub const RESOURCE: &str = "AWS::DSQL::Cluster";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterState {
    pub identifier: String,
    /// `CREATING`, `ACTIVE`, `IDLE`, …
    pub status: String,
    pub endpoint: String,
}

/// A cluster by its identifier (the first label of its endpoint); None when there is none.
///
/// # Errors
/// As every AWS call.
pub async fn describe(clients: &Clients, identifier: &str) -> Result<Option<ClusterState>> {
    match clients.dsql.get_cluster().identifier(identifier).send().await {
        Ok(answer) => Ok(Some(ClusterState {
            status: answer.status.as_str().to_owned(),
            endpoint: answer.endpoint.unwrap_or_else(|| endpoint_of(&answer.identifier, &clients.region)),
            identifier: answer.identifier,
        })),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => Ok(None),
        Err(error) => Err(explain("dsql:GetCluster", error)),
    }
}

/// `<identifier>.dsql.<region>.on.aws`, the form of every public endpoint
/// (Aurora DSQL user guide, "Connecting to Aurora DSQL", 2026-10).
pub fn endpoint_of(identifier: &str, region: &str) -> String {
    format!("{identifier}.dsql.{region}.on.aws")
}

/// The identifier and region in an endpoint's name, if it has that form.
pub fn parse_endpoint(endpoint: &str) -> Option<(&str, &str)> {
    let (identifier, rest) = endpoint.split_once(".dsql.")?;
    let region = rest.strip_suffix(".on.aws")?;
    (!identifier.is_empty() && !region.is_empty() && !region.contains('.')).then_some((identifier, region))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_names_its_cluster_and_region() {
        assert_eq!(parse_endpoint(&endpoint_of("abc", "eu-west-1")), Some(("abc", "eu-west-1")));
        assert_eq!(parse_endpoint("localhost"), None);
        assert_eq!(parse_endpoint(".dsql.x.on.aws"), None);
    }
}

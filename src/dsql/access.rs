//! Who may connect: the token against the cluster, the credentials, the policies and the role mapping.
//!
//! Invariant: no I/O but the Authority's memory; every refusal is FATAL 08006 with its cause in HINT, but for a missing
//! mapping, of which nothing is told.

use crate::interfaces::{Authority, ClusterInfo, Decision, Principal, Time};

use super::texts::{Rule, SqlFailure};
use super::token;

/// A principal that IAM lets connect; the database still has to know the role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    pub principal: Principal,
    /// The role must be mapped to the principal: true for every role but `admin`.
    pub needs_mapping: bool,
}

/// The cluster that a client asks for by SNI, if it can be connected to.
///
/// # Errors
/// 08006 without a server name, for a name that no cluster has, and for a cluster that does not take connections.
pub fn cluster(authority: &dyn Authority, sni: Option<&str>) -> Result<ClusterInfo, SqlFailure> {
    let Some(host) = sni else { return Err(Rule::NoSni.failure().fatal()) };
    let Some(cluster) = authority.cluster(host) else { return Err(denied(format!("cluster {host} does not exist"))) };
    match cluster.status.as_str() {
        "ACTIVE" | "IDLE" | "UPDATING" => Ok(cluster),
        "DELETING" | "DELETED" | "FAILED" => {
            Err(denied(format!("cluster {} is {}", cluster.identifier, cluster.status)))
        }
        _ => Err(Rule::WakingUp.failure().fatal()),
    }
}

/// Verifies the token in full, but for the role mapping.
///
/// # Errors
/// 08006 with the cause as HINT: the token is malformed, forged, expired or for something else, or no policy allows it.
pub fn admit(
    authority: &dyn Authority,
    cluster: &ClusterInfo,
    user: &str,
    password: &str,
    time: &Time,
) -> Result<Admitted, SqlFailure> {
    let now = (time.now)();
    let token = token::parse(password).map_err(|e| denied(e.to_string()))?;
    let unknown = || denied("The security token included in the request is invalid".to_owned());
    let credential = authority.credential(&token.access_key_id).ok_or_else(unknown)?;
    if credential.session_token != token.session_token {
        return Err(unknown());
    }
    token.check_signature(&credential.secret_access_key).map_err(|e| denied(e.to_string()))?;
    if credential.expires.is_some_and(|at| at < now) {
        return Err(denied("The security token included in the request is expired".to_owned()));
    }
    token.check_time(&*time.dated, now).map_err(|e| denied(e.to_string()))?;
    if !token.host.eq_ignore_ascii_case(&cluster.endpoint) {
        return Err(denied(format!("the token was signed for host {}, not {}", token.host, cluster.endpoint)));
    }
    if token.region != cluster.region {
        return Err(denied(format!("the token was signed for region {}, not {}", token.region, cluster.region)));
    }
    let admin = user == "admin";
    if !matches!((admin, token.action.as_str()), (true, "DbConnectAdmin") | (false, "DbConnect")) {
        return Err(denied(format!("Wrong user to action mapping. user: {user}, action: {}", token.action)));
    }
    let action = format!("dsql:{}", token.action);
    let who = &credential.principal;
    let because = match authority.authorize(who, &action, &cluster.arn) {
        Decision::Allow => return Ok(Admitted { principal: credential.principal, needs_mapping: !admin }),
        Decision::NoPolicyAllows => format!("because no identity-based policy allows the {action} action"),
        Decision::ExplicitDeny => "with an explicit deny in an identity-based policy".to_owned(),
    };
    let (arn, resource) = (&who.arn, &cluster.arn);
    Err(denied(format!("User: {arn} is not authorized to perform: {action} on resource: {resource} {because}")))
}

/// The role is not there, or the principal has no mapping to it, or it cannot log in: told without a cause.
pub fn unmapped(exists: bool) -> SqlFailure {
    let rule = if exists { Rule::Unmapped } else { Rule::NoRole };
    rule.failure().fatal()
}

fn denied(hint: String) -> SqlFailure {
    Rule::AccessDenied.failure().fatal().hint(hint)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::interfaces::{Credential, TimeSource};

    struct Cloud {
        decision: Decision,
    }

    const HOST: &str = "abc.dsql.us-east-1.on.aws";

    fn credential() -> Credential {
        let arn = "arn:aws:sts::1:assumed-role/r/s".to_owned();
        Credential {
            access_key_id: "AKIA".into(),
            secret_access_key: "secret".into(),
            session_token: Some("a/b+c==".into()),
            expires: None,
            principal: Principal { arn, role_arn: Some("arn:aws:iam::1:role/r".into()) },
        }
    }

    impl Authority for Cloud {
        fn credential(&self, id: &str) -> Option<Credential> {
            (id == "AKIA").then(credential)
        }
        fn authorize(&self, _: &Principal, _: &str, _: &str) -> Decision {
            self.decision.clone()
        }
        fn cluster(&self, host: &str) -> Option<ClusterInfo> {
            (host == HOST).then(|| ClusterInfo {
                identifier: "abc".into(),
                arn: "arn:aws:dsql:us-east-1:1:cluster/abc".into(),
                region: "us-east-1".into(),
                endpoint: HOST.into(),
                status: "ACTIVE".into(),
            })
        }
        fn role_exists(&self, _: &str) -> bool {
            true
        }
    }

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000)
    }

    fn signed(host: &str, action: &str, region: &str) -> String {
        token::sign(host, action, region, &credential(), now(), 900)
    }

    fn hint(user: &str, token: &str, later: u64, decision: Decision) -> String {
        let cloud = Cloud { decision };
        let cluster = cluster(&cloud, Some(HOST)).unwrap();
        let clock: TimeSource = Arc::new(move || now() + Duration::from_secs(later));
        match admit(&cloud, &cluster, user, token, &clock.into()) {
            Ok(_) => "admitted".into(),
            Err(failure) => {
                assert_eq!((failure.severity, failure.code.as_str()), ("FATAL", "08006"));
                assert_eq!(failure.message, "unable to accept connection, access denied");
                failure.hint.unwrap()
            }
        }
    }

    #[test]
    fn each_claim_is_verified() {
        let good = signed(HOST, "DbConnectAdmin", "us-east-1");
        let allow = || Decision::Allow;
        assert_eq!(hint("admin", &good, 0, allow()), "admitted");
        assert_eq!(hint("admin", &format!("https://{good}"), 899, allow()), "admitted");
        assert_eq!(hint("myapp", &signed(HOST, "DbConnect", "us-east-1"), 0, allow()), "admitted");
        assert_eq!(
            hint("myapp", &good, 0, allow()),
            "Wrong user to action mapping. user: myapp, action: DbConnectAdmin"
        );
        assert_eq!(
            hint("admin", &signed(HOST, "DbConnect", "us-east-1"), 0, allow()),
            "Wrong user to action mapping. user: admin, action: DbConnect"
        );
        assert!(hint("admin", &good, 901, allow()).starts_with("Signature expired: 20260921T"));
        assert!(hint("admin", &good.replace("DbConnectAdmin", "DbConnect"), 0, allow()).contains("does not match"));
        assert!(hint("admin", &signed(HOST, "DbConnectAdmin", "us-west-2"), 0, allow()).contains("region us-west-2"));
        assert!(
            hint("admin", &signed("x.on.aws", "DbConnectAdmin", "us-east-1"), 0, allow()).contains("host x.on.aws")
        );
        assert!(hint("admin", "hunter2", 0, allow()).contains("not a presigned request"));
        assert!(hint("admin", &good.replace("AKIA", "AKIB"), 0, allow()).contains("invalid"));
        assert_eq!(
            hint("admin", &good.replace("Expires=900", "Expires=604801"), 0, allow()),
            "X-Amz-Expires must be less than a week (in seconds)"
        );
        assert_eq!(
            hint("admin", &good, 0, Decision::NoPolicyAllows),
            "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: dsql:DbConnectAdmin on resource: \
             arn:aws:dsql:us-east-1:1:cluster/abc because no identity-based policy allows the dsql:DbConnectAdmin action"
        );
    }

    #[test]
    fn a_connection_without_a_name_is_refused() {
        let cloud = Cloud { decision: Decision::Allow };
        assert_eq!(cluster(&cloud, None).unwrap_err().message, "unable to accept connection, sni was not received");
        assert!(cluster(&cloud, Some("other")).unwrap_err().hint.unwrap().contains("does not exist"));
    }

    #[test]
    fn a_token_stays_out_of_debug() {
        let token = token::parse(&signed(HOST, "DbConnect", "us-east-1")).unwrap();
        let shown = format!("{token:?}");
        assert!(!shown.contains("AKIA") && !shown.contains(&token.session_token.unwrap()), "{shown}");
    }
}

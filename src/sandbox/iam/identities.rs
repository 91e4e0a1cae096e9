//! Roles, policies and issued credentials.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::ids::Ids;
use crate::aws::time::Instant;
use crate::interfaces::{Credential, Decision, Principal};

use super::managed;
use super::policy::{self, AccessRequest, Context};

/// The one IAM user; may do everything.
pub(crate) const USER: &str = "attendee";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Role {
    pub arn: String,
    pub id: String,
    pub path: String,
    pub created: Instant,
    pub trust: Value,
    /// Inline policies by name.
    pub inline: BTreeMap<String, Value>,
    /// ARNs of attached managed policies.
    pub managed: Vec<String>,
    pub boundary: Option<String>,
    pub description: Option<String>,
    /// In seconds.
    pub max_session: u64,
    pub tags: BTreeMap<String, String>,
}

/// A customer's managed policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ManagedPolicy {
    pub name: String,
    pub id: String,
    pub document: Value,
}

/// Issued credentials as they are stored.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct IssuedCredential {
    secret: String,
    token: Option<String>,
    expires: Option<Instant>,
    arn: String,
    role_arn: Option<String>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Iam {
    account: String,
    region: String,
    /// Access key of the user.
    user_key: String,
    pub user_id: String,
    pub roles: BTreeMap<String, Role>,
    pub policies: BTreeMap<String, ManagedPolicy>,
    sessions: BTreeMap<String, IssuedCredential>,
}

impl Iam {
    /// Returns an account with its one user and no roles.
    pub(crate) fn new(account: &str, region: &str, ids: &mut Ids) -> Self {
        let user_key = ids.access_key("AKIA");
        let user = IssuedCredential {
            secret: ids.secret(40),
            token: None,
            expires: None,
            arn: format!("arn:aws:iam::{account}:user/{USER}"),
            role_arn: None,
        };
        Iam {
            account: account.into(),
            region: region.into(),
            user_id: ids.unique("AIDA"),
            roles: BTreeMap::new(),
            policies: BTreeMap::new(),
            sessions: BTreeMap::from([(user_key.clone(), user)]),
            user_key,
        }
    }

    /// Returns the account with its one user alone, whose credentials stay as they are.
    pub(crate) fn emptied(&self) -> Self {
        let own = |(key, _): &(&String, &IssuedCredential)| **key == self.user_key;
        Iam {
            account: self.account.clone(),
            region: self.region.clone(),
            user_key: self.user_key.clone(),
            user_id: self.user_id.clone(),
            roles: BTreeMap::new(),
            policies: BTreeMap::new(),
            sessions: self.sessions.iter().filter(own).map(|(key, issued)| (key.clone(), issued.clone())).collect(),
        }
    }

    /// Returns the credentials of the one user.
    pub(crate) fn user_credential(&self) -> Credential {
        self.credential(&self.user_key).expect("the user's credential is made with the state and never removed")
    }

    /// Returns credentials that were issued, expired ones too for an hour.
    pub(crate) fn credential(&self, access_key_id: &str) -> Option<Credential> {
        let session = self.sessions.get(access_key_id)?;
        Some(Credential {
            access_key_id: access_key_id.into(),
            secret_access_key: session.secret.clone(),
            session_token: session.token.clone(),
            expires: session.expires.map(Instant::system),
            principal: Principal { arn: session.arn.clone(), role_arn: session.role_arn.clone() },
        })
    }

    /// Returns the ARN of a role; `path` begins and ends with a slash.
    pub(crate) fn role_arn(&self, path: &str, name: &str) -> String {
        format!("arn:aws:iam::{}:role{path}{name}", self.account)
    }

    /// Finds a role, with its name.
    pub(crate) fn role_by_arn(&self, arn: &str) -> Option<(&str, &Role)> {
        let name = arn.rsplit('/').next()?;
        self.roles.get_key_value(name).filter(|(_, role)| role.arn == arn).map(|(name, role)| (name.as_str(), role))
    }

    /// Tells that whoever was issued credentials is still there: those of a role go with it.
    pub(crate) fn stands(&self, principal: &Principal) -> bool {
        principal.role_arn.as_ref().is_none_or(|arn| self.role_by_arn(arn).is_some())
    }

    /// Temporary credentials for a role. Does not ask its trust policy.
    pub(crate) fn assume(
        &mut self,
        role_arn: &str,
        session_name: &str,
        lifetime: Duration,
        now: SystemTime,
        ids: &mut Ids,
    ) -> Option<Credential> {
        let (name, _) = self.role_by_arn(role_arn)?;
        let arn = format!("arn:aws:sts::{}:assumed-role/{name}/{session_name}", self.account);
        let now = Instant::of(now);
        // An hour's grace, so that a late request is told "expired" and not "unknown".
        self.sessions.retain(|_, s| s.expires.is_none_or(|e| e.plus(Duration::from_secs(3600)) > now));
        let key = ids.access_key("ASIA");
        let session = IssuedCredential {
            secret: ids.secret(40),
            token: Some(ids.secret(240)),
            expires: Some(now.plus(lifetime)),
            arn,
            role_arn: Some(role_arn.into()),
        };
        self.sessions.insert(key.clone(), session);
        self.credential(&key)
    }

    /// Asks a role's trust policy about a caller.
    pub(crate) fn trusts(&self, role: &Role, caller: &Principal, at: Instant, extra: &Context) -> bool {
        let root = format!("arn:aws:iam::{}:root", self.account);
        let arn = caller.role_arn.as_ref().unwrap_or(&caller.arn);
        // A trusted account means that the account's own policies decide.
        let context = self.context(caller, at, extra);
        policy::trusts(&role.trust, "sts:AssumeRole", &[&caller.arn, arn, &root, &self.account], &context)
    }

    /// Asks a role's trust policy about a service (`lambda.amazonaws.com`).
    pub(crate) fn trusts_service(&self, role: &Role, service: &str) -> bool {
        policy::trusts(&role.trust, "sts:AssumeRole", &[service], &Context::new())
    }

    /// Decides whether a principal may do something now. `extra`: further condition keys. The user may do everything.
    pub(crate) fn authorize(
        &self,
        principal: &Principal,
        action: &str,
        resource: &str,
        now: Instant,
        extra: &Context,
    ) -> Decision {
        let context = self.context(principal, now, extra);
        let ask = AccessRequest { action, resource, context: &context };
        let Some(role_arn) = &principal.role_arn else {
            let user = format!("arn:aws:iam::{}:user/{USER}", self.account);
            return if principal.arn == user { Decision::Allow } else { Decision::NoPolicyAllows };
        };
        let Some((_, role)) = self.role_by_arn(role_arn) else { return Decision::NoPolicyAllows };
        let attached: Vec<Value> = role.managed.iter().filter_map(|arn| self.document(arn)).collect();
        let decision = policy::evaluate(role.inline.values().chain(&attached), &ask);
        let Some(boundary) = &role.boundary else { return decision };
        let document = self.document(boundary).unwrap_or(json!({}));
        match (decision, policy::evaluate([&document], &ask)) {
            // A Deny of either wins, also over what a resource's own policy would allow.
            (Decision::ExplicitDeny, _) | (_, Decision::ExplicitDeny) => Decision::ExplicitDeny,
            (Decision::Allow, within) => within,
            (Decision::NoPolicyAllows, _) => Decision::NoPolicyAllows,
        }
    }

    /// Returns what GetCallerIdentity calls `UserId`: the user's own, or the role's with the name of the session.
    pub(crate) fn unique_id(&self, principal: &Principal) -> String {
        let Some(role) = &principal.role_arn else { return self.user_id.clone() };
        let id = self.role_by_arn(role).map(|(_, role)| role.id.as_str()).unwrap_or_default();
        format!("{id}:{}", principal.arn.rsplit('/').next().unwrap_or_default())
    }

    /// The document of a managed policy, the customer's or AWS's.
    pub(crate) fn document(&self, arn: &str) -> Option<Value> {
        self.policies.get(arn).map(|p| p.document.clone()).or_else(|| managed::document(arn))
    }

    /// The condition keys that every request has.
    fn context(&self, principal: &Principal, now: Instant, extra: &Context) -> Context {
        let mut context = extra.clone();
        let arn = principal.role_arn.as_ref().unwrap_or(&principal.arn);
        let mut put = |key: &str, value: &str| {
            context.insert(key.into(), vec![value.into()]);
        };
        put("aws:principalarn", arn);
        put("aws:principalaccount", &self.account);
        put("aws:resourceaccount", &self.account);
        put("s3:resourceaccount", &self.account);
        put("aws:sourceaccount", &self.account);
        put("aws:requestedregion", &self.region);
        put("aws:securetransport", "true");
        put("aws:currenttime", &now.iso());
        put("aws:epochtime", &(now.0 / 1_000).to_string());
        put("aws:sourceip", "127.0.0.1");
        put("aws:viaawsservice", "false");
        put("aws:principalisawsservice", "false");
        put("aws:userid", &self.unique_id(principal));
        match &principal.role_arn {
            None => {
                put("aws:username", USER);
                put("aws:principaltype", "User");
            }
            Some(_) => {
                put("aws:principaltype", "AssumedRole");
                put("aws:multifactorauthpresent", "false");
            }
        }
        context
    }
}

/// Words the refusal of a caller; the wording names the cause as AWS's does.
pub(crate) fn denied(principal: &Principal, action: &str, resource: &str, decision: &Decision) -> String {
    let cause = match decision {
        Decision::ExplicitDeny => "with an explicit deny in an identity-based policy".to_owned(),
        Decision::Allow | Decision::NoPolicyAllows => {
            format!("because no identity-based policy allows the {action} action")
        }
    };
    format!("User: {} is not authorized to perform: {action} on resource: {resource} {cause}", principal.arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant(1_795_416_140_123);

    fn role(managed: &[&str], inline: Value) -> Role {
        Role {
            arn: "arn:aws:iam::123456789012:role/r".into(),
            id: "AROA".into(),
            path: "/".into(),
            created: Instant(0),
            trust: json!({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]}),
            inline: BTreeMap::from([("p".into(), inline)]),
            managed: managed.iter().map(|m| (*m).into()).collect(),
            boundary: None,
            description: None,
            max_session: 3600,
            tags: BTreeMap::new(),
        }
    }

    fn iam() -> (Iam, Ids) {
        let mut ids = Ids::seeded(1);
        (Iam::new("123456789012", "us-east-1", &mut ids), ids)
    }

    #[test]
    fn the_user_may_do_everything_and_a_role_only_what_it_is_given() {
        let (mut iam, mut ids) = iam();
        iam.roles.insert("r".into(), role(&["arn:aws:iam::aws:policy/AmazonAuroraDSQLReadOnlyAccess"], json!({})));
        let user = iam.user_credential().principal;
        let arn = "arn:aws:iam::123456789012:role/r";
        let session = iam.assume(arn, "s", Duration::from_secs(900), SystemTime::UNIX_EPOCH, &mut ids).unwrap();
        assert_eq!(session.principal.arn, "arn:aws:sts::123456789012:assumed-role/r/s");
        let ask = |p: &Principal, action: &str| iam.authorize(p, action, "*", NOW, &Context::new());
        assert_eq!(ask(&user, "dsql:DbConnectAdmin"), Decision::Allow);
        assert_eq!(ask(&session.principal, "dsql:GetCluster"), Decision::Allow);
        assert_eq!(ask(&session.principal, "dsql:DbConnectAdmin"), Decision::NoPolicyAllows);
    }

    #[test]
    fn a_role_that_is_gone_allows_nothing_and_cannot_be_assumed() {
        let (mut iam, mut ids) = iam();
        iam.roles.insert("r".into(), role(&["arn:aws:iam::aws:policy/AdministratorAccess"], json!({})));
        let arn = "arn:aws:iam::123456789012:role/r";
        let session = iam.assume(arn, "s", Duration::from_secs(900), SystemTime::UNIX_EPOCH, &mut ids).unwrap();
        iam.roles.clear();
        assert_eq!(iam.authorize(&session.principal, "a:B", "*", NOW, &Context::new()), Decision::NoPolicyAllows);
        assert!(iam.assume(arn, "s", Duration::from_secs(900), SystemTime::UNIX_EPOCH, &mut ids).is_none());
        assert!(iam.credential(&session.access_key_id).is_some());
    }

    #[test]
    fn trust_is_for_whom_it_names() {
        let (iam, _) = iam();
        let role = role(&[], json!({}));
        assert!(iam.trusts_service(&role, "lambda.amazonaws.com"));
        assert!(!iam.trusts_service(&role, "cloudformation.amazonaws.com"));
        assert!(!iam.trusts(&role, &iam.user_credential().principal, NOW, &Context::new()));
    }

    #[test]
    fn a_boundary_limits() {
        let (mut iam, mut ids) = iam();
        let mut bounded = role(&["arn:aws:iam::aws:policy/AdministratorAccess"], json!({}));
        bounded.boundary = Some("arn:aws:iam::aws:policy/ReadOnlyAccess".into());
        iam.roles.insert("r".into(), bounded);
        let session = iam
            .assume("arn:aws:iam::123456789012:role/r", "s", Duration::from_secs(9), SystemTime::UNIX_EPOCH, &mut ids)
            .unwrap();
        assert_eq!(iam.authorize(&session.principal, "s3:GetObject", "*", NOW, &Context::new()), Decision::Allow);
        assert_eq!(
            iam.authorize(&session.principal, "s3:PutObject", "*", NOW, &Context::new()),
            Decision::NoPolicyAllows
        );
        // A Deny of the boundary's counts also where no policy says anything, as a resource's own then would be asked.
        let deny = json!({"Statement": {"Effect": "Deny", "Action": "lambda:*", "Resource": "*"}});
        let arn = "arn:aws:iam::123456789012:policy/deny";
        iam.policies.insert(arn.into(), ManagedPolicy { name: "deny".into(), id: "P".into(), document: deny });
        let role = iam.roles.get_mut("r").unwrap();
        (role.managed, role.boundary) = (Vec::new(), Some(arn.into()));
        let decision = iam.authorize(&session.principal, "lambda:InvokeFunction", "*", NOW, &Context::new());
        assert_eq!(decision, Decision::ExplicitDeny);
    }
    #[test]
    fn what_every_request_tells_of_itself_is_asked_for() {
        let (mut iam, mut ids) = iam();
        let arn = "arn:aws:iam::123456789012:role/r";
        iam.roles.insert("r".into(), role(&[], json!({})));
        let session = iam.assume(arn, "s", Duration::from_secs(900), NOW.system(), &mut ids).unwrap().principal;
        for (condition, allows) in [
            (json!({"DateGreaterThan": {"aws:CurrentTime": "2026-11-23T00:00:00Z"}}), true),
            (json!({"DateLessThan": {"aws:CurrentTime": "2026-11-23"}}), false),
            (json!({"NumericLessThan": {"aws:EpochTime": "1795416141"}}), true),
            (json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "127.0.0.0/8"]}}), true),
            (json!({"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}), false),
            (json!({"StringLike": {"aws:userid": "AROA*:s"}}), true),
            (json!({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}), true),
            (json!({"Bool": {"aws:ViaAWSService": "true"}}), false),
        ] {
            let document =
                json!({"Statement": {"Effect": "Allow", "Action": "a:B", "Resource": "*", "Condition": condition}});
            iam.roles.insert("r".into(), role(&[], document.clone()));
            let expected = if allows { Decision::Allow } else { Decision::NoPolicyAllows };
            assert_eq!(iam.authorize(&session, "a:B", "*", NOW, &Context::new()), expected, "{condition}");
            let mut trusting = role(&[], json!({}));
            trusting.trust = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": arn},
                "Condition": condition}});
            assert_eq!(iam.trusts(&trusting, &session, NOW, &Context::new()), allows, "{condition}");
        }
    }
}

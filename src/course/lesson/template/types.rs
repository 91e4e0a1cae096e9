//! References, the syntaxes they are put into, and what can be wrong with that.

use workshop_base::problem::Problem;

/// The syntax that a template becomes, and so how its values are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateSyntax {
    /// SQL: a value becomes a literal, `'it''s'`.
    Sql,
    /// JSON: a value becomes a JSON value; inside a string, part of it. A string that is nothing but
    /// one reference takes the value's own type: `"${capture.n}"` can become `90`.
    Json,
    /// A `sh -c` line: a value becomes a quoted word.
    Shell,
    /// A web address: a value at its beginning is an address itself, one in the host is a host or a port, and one after it is
    /// percent-encoded.
    Url,
    /// Text that nothing interprets.
    Plain,
}

/// The thing that a reference names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// An output of the stack, `outputs.KEY`, or of another, `outputs.STACK.KEY`.
    Output(String),
    ClusterEndpoint,
    ClusterIdentifier,
    Region,
    Account,
    /// Who the credentials belong to, as `AWS IAM GRANT` takes it: a user's ARN, or a role's.
    Caller,
    Stack,
    Function,
    /// Something that a check kept, `capture.NAME`.
    Capture(String),
    /// A value of the author's, `var.NAME`.
    Variable(String),
    /// The option that was chosen, `choice.NAME`.
    Choice(String),
    /// Something that a load makes up, `generate.NAME`.
    Generated(String),
}

/// All names that a reference can have, as written for people.
pub const NAMES: [&str; 12] = [
    "outputs.KEY",
    "cluster.endpoint",
    "cluster.identifier",
    "region",
    "account",
    "caller.arn",
    "stack",
    "function",
    "capture.NAME",
    "generate.NAME",
    "var.NAME",
    "choice.NAME",
];

/// A fault of a template, or with putting a value into it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// With the rest of its line.
    #[error("`${{` is never closed")]
    Unclosed(String),
    #[error("`${{{0}}}` names nothing")]
    Unknown(String),
    /// A reference without the signs that make it one, as written.
    #[error("`{0}` is no reference, and stays as it stands")]
    Unmarked(String),
    #[error("`${{{name}}}` stands {place}")]
    /// `nth` of the references of this name, from 0.
    BadPlace { name: String, nth: usize, place: &'static str, fix: &'static str },
    #[error("`${{{0}}}` has no value yet")]
    NoValue(String),
    #[error("the value of `${{{name}}}` {why}")]
    Unfit { name: String, why: &'static str },
    /// With the text where reading stopped, when it is part of the template.
    #[error("the payload is not JSON: {why}")]
    NotJson { why: String, near: Option<String> },
}

impl TemplateError {
    /// Returns what to do about it.
    pub fn hint(&self) -> String {
        match self {
            TemplateError::Unclosed(_) => "close it with `}`, or write `$${` for a literal `${`".into(),
            TemplateError::Unknown(name) => match suggestion(name) {
                Some(near) => format!("did you mean `{near}`? A literal `${{` is written `$${{`"),
                None => format!("there are {}; a literal `${{` is written `$${{`", NAMES.join(", ")),
            },
            TemplateError::Unmarked(text) => {
                let name = text.trim_start_matches(['$', '{', ' ']).trim_end_matches(['}', ' ']);
                format!("write `${{{name}}}`")
            }
            TemplateError::BadPlace { fix, .. } => (*fix).into(),
            TemplateError::NoValue(name) if name.starts_with("outputs.") => {
                "deploy the stack first, and see that its template has this output".into()
            }
            TemplateError::NoValue(name) if name.starts_with("capture.") => "run what captures it first".into(),
            TemplateError::NoValue(_) => "deploy the stack first".into(),
            TemplateError::Unfit { .. } => "look at where the value comes from".into(),
            TemplateError::NotJson { .. } => "write the payload as JSON; references may stand for whole values".into(),
        }
    }

    /// The piece of the template that it is about, as written.
    pub fn snippet(&self) -> Option<String> {
        match self {
            TemplateError::Unclosed(text) | TemplateError::Unmarked(text) => Some(text.clone()),
            TemplateError::Unknown(name)
            | TemplateError::NoValue(name)
            | TemplateError::BadPlace { name, .. }
            | TemplateError::Unfit { name, .. } => Some(format!("${{{name}}}")),
            TemplateError::NotJson { near, .. } => near.clone(),
        }
    }
}

impl From<TemplateError> for Problem {
    fn from(error: TemplateError) -> Problem {
        Problem::failed(&error).hint(error.hint())
    }
}

impl Reference {
    /// Returns what a name between `${` and `}` refers to.
    pub fn parse(name: &str) -> Option<Reference> {
        let word = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        // Of another stack than the course's: `outputs.STACK.KEY`.
        let stack = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let output = |s: &str| s.split_once('.').map_or(word(s), |(name, key)| stack(name) && word(key));
        Some(match name {
            "cluster.endpoint" => Reference::ClusterEndpoint,
            "cluster.identifier" => Reference::ClusterIdentifier,
            "region" => Reference::Region,
            "account" => Reference::Account,
            "caller.arn" => Reference::Caller,
            "stack" => Reference::Stack,
            "function" => Reference::Function,
            _ => match name.split_once('.')? {
                ("outputs", key) if output(key) => Reference::Output(key.to_owned()),
                ("capture", key) if word(key) => Reference::Capture(key.to_owned()),
                ("generate", key) if word(key) => Reference::Generated(key.to_owned()),
                ("var", key) if word(key) => Reference::Variable(key.to_owned()),
                ("choice", key) if word(&key.replace('-', "_")) => Reference::Choice(key.to_owned()),
                _ => return None,
            },
        })
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reference::Output(key) => write!(f, "outputs.{key}"),
            Reference::ClusterEndpoint => f.write_str("cluster.endpoint"),
            Reference::ClusterIdentifier => f.write_str("cluster.identifier"),
            Reference::Region => f.write_str("region"),
            Reference::Account => f.write_str("account"),
            Reference::Caller => f.write_str("caller.arn"),
            Reference::Stack => f.write_str("stack"),
            Reference::Function => f.write_str("function"),
            Reference::Capture(name) => write!(f, "capture.{name}"),
            Reference::Generated(name) => write!(f, "generate.{name}"),
            Reference::Variable(name) => write!(f, "var.{name}"),
            Reference::Choice(name) => write!(f, "choice.{name}"),
        }
    }
}

/// Returns the name that was probably meant.
pub(super) fn suggestion(name: &str) -> Option<String> {
    if name.contains(['$', '{']) {
        return None;
    }
    let (head, tail) = name.split_once('.').unwrap_or((name, ""));
    // Any short name is near to `var`.
    let far = |near: &str| if near.starts_with("var.") { 1 } else { 3.max(head.len() / 3) };
    let known = NAMES.map(|n| n.split_once('.').map_or((n, ""), |(head, tail)| (head, tail)));
    known
        .iter()
        .map(|&(known_head, known_tail)| match known_tail {
            "KEY" | "NAME" => format!("{known_head}.{}", if tail.is_empty() { known_tail } else { tail }),
            "" => known_head.to_owned(),
            _ => format!("{known_head}.{known_tail}"),
        })
        .map(|near| (strsim::damerau_levenshtein(&near, name), near))
        .filter(|(distance, near)| *distance <= far(near))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, near)| near)
}

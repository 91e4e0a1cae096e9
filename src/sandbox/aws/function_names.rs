//! The names that functions go by, and what they say. Pure.

/// A name in a request, taken apart.
pub(crate) struct GivenFunction<'a> {
    pub region: Option<&'a str>,
    pub account: Option<&'a str>,
    pub name: &'a str,
    pub qualifier: Option<&'a str>,
}

/// Takes a name, a partial ARN or an ARN apart, with or without a version or alias; None for what is none of them.
/// The forms are those of the pattern of `FunctionName` in botocore's service model.
pub(crate) fn take_apart(given: &str) -> Option<GivenFunction<'_>> {
    let parts: Vec<&str> = given.split(':').collect();
    let mut rest = parts.as_slice();
    // Each may be left out; the last part is never one of them.
    let mut take = |fits: fn(&str) -> bool| match rest {
        [first, others @ ..] if !others.is_empty() && fits(first) => {
            rest = others;
            Some(*first)
        }
        _ => None,
    };
    let (region, account) = match parts.as_slice() {
        ["arn", _, "lambda", region, account, "function", named @ ..] => {
            rest = named;
            (Some(*region), Some(*account))
        }
        _ => {
            let in_region = take(is_region);
            let of_account = take(is_account);
            take(|part| part == "function");
            (in_region, of_account)
        }
    };
    match rest {
        [name] => Some(GivenFunction { region, account, name, qualifier: None }),
        [name, qualifier] => Some(GivenFunction { region, account, name, qualifier: Some(qualifier) }),
        _ => None,
    }
}

fn is_region(part: &str) -> bool {
    let number = part.rsplit('-').next().unwrap_or_default();
    part.split('-').count() >= 3 && number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_account(part: &str) -> bool {
    part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the function and the qualifier that a name, a partial ARN or an ARN stands for.
pub(crate) fn split(given: &str) -> (&str, Option<&str>) {
    take_apart(given).map_or((given, None), |given| (given.name, given.qualifier))
}

/// Returns the ARN of a function, without a version.
pub(crate) fn arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:aws:lambda:{region}:{account}:function:{name}")
}

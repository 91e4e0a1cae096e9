//! The runtimes that functions may name, and how others are refused.

use super::names::invalid;
use crate::aws::error::AwsResult;
use crate::aws::service_model;

/// The runtimes that functions may name.
pub(crate) const RUNTIMES: [&str; 3] = ["nodejs20.x", "nodejs22.x", "nodejs24.x"];

/// Those that AWS names in its refusal, in its order. Source: localstack/localstack, `test_create_lambda_exceptions`,
/// recorded 2026.
const OF_AWS: &str = "nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, \
                      python3.10, python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, \
                      dotnet10, dotnet8, java11, dotnet6, nodejs18.x, provided.al2, java8.al2";

/// Those of which AWS makes no functions any more. Source: the same record,
/// `test_create_deprecated_function_runtime_with_validation_enabled`.
const GONE: [&str; 8] =
    ["dotnetcore3.1", "go1.x", "java8", "nodejs12.x", "nodejs14.x", "provided", "python3.7", "ruby2.7"];

/// Refuses a runtime that functions here cannot have.
///
/// # Errors
/// `InvalidParameterValueException`: in AWS's words for what is no runtime there either, else by the sandbox's name.
pub(super) fn check(runtime: &str) -> AwsResult<()> {
    if RUNTIMES.contains(&runtime) {
        return Ok(());
    }
    if GONE.contains(&runtime) {
        return Err(invalid(format!(
            "The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. We \
             recommend you use a supported runtime while creating or updating functions."
        )));
    }
    if service_model::values("lambda", "Runtime").iter().any(|one| one == runtime) {
        let ours = RUNTIMES.join(", ");
        return Err(invalid(format!("the workshop sandbox runs functions of {ours} only, not {runtime}")));
    }
    Err(invalid(format!(
        "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [{OF_AWS}] or be a \
         valid ARN"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_runtime_is_refused_in_aws_words() {
        let said = |runtime: &str| check(runtime).unwrap_err().message;
        assert!(check("nodejs24.x").is_ok());
        assert!(said("python3.13").contains("the workshop sandbox runs functions of nodejs20.x"));
        assert!(said("go1.x").starts_with("The runtime parameter of go1.x is no longer supported"));
        let unknown = said("NODEJS24.X");
        assert!(
            unknown.starts_with("Value NODEJS24.X at 'runtime' failed to satisfy constraint: Member must satisfy enum")
        );
        assert!(unknown.ends_with("provided.al2, java8.al2] or be a valid ARN"), "{unknown}");
    }
}

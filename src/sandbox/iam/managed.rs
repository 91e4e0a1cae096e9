//! The policies that AWS itself manages, as far as the sandbox knows them (contents as of 2026-02).

use serde_json::{Value, json};

/// The document of an AWS managed policy by ARN (`arn:aws:iam::aws:policy/…`).
pub(crate) fn document(arn: &str) -> Option<Value> {
    let name = arn.strip_prefix("arn:aws:iam::aws:policy/")?;
    let allow = |actions: &[&str]| json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
    Some(match name {
        "AdministratorAccess" => allow(&["*"]),
        "PowerUserAccess" => json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"}]}),
        // AWS lists some thousand actions by name; what they have in common is how they begin.
        "ReadOnlyAccess" => {
            allow(&["*:Get*", "*:List*", "*:Describe*", "*:BatchGet*", "*:Lookup*", "*:FilterLogEvents"])
        }
        "AWSCloudFormationReadOnlyAccess" => allow(&[
            "cloudformation:Describe*",
            "cloudformation:BatchDescribe*",
            "cloudformation:EstimateTemplateCost",
            "cloudformation:Get*",
            "cloudformation:List*",
            "cloudformation:ValidateTemplate",
            "cloudformation:Detect*",
        ]),
        "AWSCloudFormationFullAccess" => allow(&["cloudformation:*"]),
        "AmazonAuroraDSQLFullAccess" | "AmazonAuroraDSQLConsoleFullAccess" => allow(&[
            "dsql:PutClusterPolicy",
            "dsql:GetClusterPolicy",
            "dsql:DeleteClusterPolicy",
            "dsql:CreateCluster",
            "dsql:GetCluster",
            "dsql:UpdateCluster",
            "dsql:DeleteCluster",
            "dsql:ListClusters",
            "dsql:TagResource",
            "dsql:UntagResource",
            "dsql:ListTagsForResource",
            "dsql:DbConnectAdmin",
            "dsql:DbConnect",
            "dsql:PutMultiRegionProperties",
            "dsql:PutWitnessRegion",
            "dsql:AddPeerCluster",
            "dsql:RemovePeerCluster",
            "dsql:GetVpcEndpointServiceName",
        ]),
        "AmazonAuroraDSQLReadOnlyAccess" => allow(&[
            "dsql:GetCluster",
            "dsql:ListClusters",
            "dsql:ListTagsForResource",
            "dsql:GetVpcEndpointServiceName",
        ]),
        "service-role/AWSLambdaBasicExecutionRole" => {
            allow(&["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
        }
        "service-role/AWSLambdaVPCAccessExecutionRole" => allow(&[
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "ec2:CreateNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ]),
        "AWSLambda_FullAccess" => {
            allow(&["lambda:*", "logs:DescribeLogStreams", "logs:GetLogEvents", "logs:FilterLogEvents"])
        }
        "AWSLambda_ReadOnlyAccess" => allow(&["lambda:Get*", "lambda:List*"]),
        "AWSXRayDaemonWriteAccess" => allow(&["xray:PutTraceSegments", "xray:PutTelemetryRecords"]),
        "CloudWatchLambdaInsightsExecutionRolePolicy" => {
            allow(&["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
        }
        "AmazonS3ReadOnlyAccess" => allow(&["s3:Get*", "s3:List*", "s3:Describe*"]),
        "AmazonS3FullAccess" => allow(&["s3:*"]),
        "AmazonSSMReadOnlyAccess" => allow(&["ssm:Describe*", "ssm:Get*", "ssm:List*"]),
        "CloudWatchLogsFullAccess" => allow(&["logs:*"]),
        _ => return None,
    })
}

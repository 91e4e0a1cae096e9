import * as path from 'node:path';
import * as cdk from 'aws-cdk-lib';
import * as dsql from 'aws-cdk-lib/aws-dsql';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as nodejs from 'aws-cdk-lib/aws-lambda-nodejs';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

export class ReinventDat401Stack extends cdk.Stack {
  constructor(scope: Construct, id: string, props?: cdk.StackProps) {
    super(scope, id, props);

    // Create DSQL cluster
    const cluster = new dsql.CfnCluster(this, 'DsqlCluster', {
      deletionProtectionEnabled: false,
      tags: [{ key: 'Name', value: 'DAT401' }],
    });

    const lambdaFunction = new nodejs.NodejsFunction(this, 'ReinventDat401Function', {
      functionName: 'reinvent-dat401',
      entry: path.join(__dirname, '../../lambda/src/index.ts'),
      runtime: lambda.Runtime.NODEJS_24_X,
      memorySize: 512,
      environment: {
        CLUSTER_ENDPOINT: cluster.attrEndpoint,
      },
      timeout: cdk.Duration.seconds(30),
      bundling: {
        // The AWS SDK goes into the bundle: what runs is what package-lock.json pins
        externalModules: [],
        target: 'node20',
      },
    });

    // Add DSQL DbConnect permission for the myapp role
    lambdaFunction.addToRolePolicy(new iam.PolicyStatement({
      effect: iam.Effect.ALLOW,
      actions: ['dsql:DbConnect'],
      resources: [cluster.attrResourceArn],
    }));

    // Output the function name for invoking it by hand
    new cdk.CfnOutput(this, 'FunctionName', {
      value: lambdaFunction.functionName,
      description: 'Lambda Function Name',
    });

    // Output the cluster endpoint for easy access
    new cdk.CfnOutput(this, 'ClusterEndpoint', {
      value: cluster.attrEndpoint,
      description: 'DSQL Cluster Endpoint',
    });

    // Output the Lambda execution role ARN
    new cdk.CfnOutput(this, 'LambdaRoleArn', {
      value: lambdaFunction.role!.roleArn,
      description: 'Lambda Execution Role ARN',
    });
  }
}

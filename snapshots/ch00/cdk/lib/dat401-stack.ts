import * as path from 'node:path';
import * as cdk from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as nodejs from 'aws-cdk-lib/aws-lambda-nodejs';
import { Construct } from 'constructs';

export class ReinventDat401Stack extends cdk.Stack {
  constructor(scope: Construct, id: string, props?: cdk.StackProps) {
    super(scope, id, props);

    const lambdaFunction = new nodejs.NodejsFunction(this, 'ReinventDat401Function', {
      functionName: 'reinvent-dat401',
      entry: path.join(__dirname, '../../lambda/src/index.ts'),
      runtime: lambda.Runtime.NODEJS_24_X,
      memorySize: 512,
      timeout: cdk.Duration.seconds(30),
      bundling: {
        // The AWS SDK goes into the bundle: what runs is what package-lock.json pins
        externalModules: [],
        target: 'node20',
      },
    });

    // Output the function name for invoking it by hand
    new cdk.CfnOutput(this, 'FunctionName', {
      value: lambdaFunction.functionName,
      description: 'Lambda Function Name',
    });
  }
}

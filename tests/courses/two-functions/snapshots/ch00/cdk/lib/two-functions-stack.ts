import * as path from 'node:path';
import * as cdk from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as nodejs from 'aws-cdk-lib/aws-lambda-nodejs';
import { Construct } from 'constructs';

export class TwoFunctionsStack extends cdk.Stack {
  constructor(scope: Construct, id: string, props?: cdk.StackProps) {
    super(scope, id, props);

    const greet = new nodejs.NodejsFunction(this, 'Greet', {
      entry: path.join(__dirname, '../../lambda/src/greet.ts'),
      runtime: lambda.Runtime.NODEJS_24_X,
      memorySize: 512,
      timeout: cdk.Duration.seconds(30),
      bundling: {
        // The AWS SDK goes into the bundle: what runs is what package-lock.json pins
        externalModules: [],
        target: 'node20',
      },
    });

    // Its name is CloudFormation's own: whoever invokes it asks the stack
    new cdk.CfnOutput(this, 'GreetFunction', { value: greet.functionName });
  }
}

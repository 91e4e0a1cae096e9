import * as cdk from 'aws-cdk-lib';
import { TwoFunctionsStack } from '../lib/two-functions-stack';

const app = new cdk.App();

new TwoFunctionsStack(app, 'TwoFunctionsStack', {
  description: 'Two functions',
});

import * as cdk from 'aws-cdk-lib';
import { ReinventDat401Stack } from '../lib/dat401-stack';

const app = new cdk.App();

new ReinventDat401Stack(app, 'ReinventDat401Stack', {
  description: 'DAT401 - Amazon Aurora DSQL: a developer perspective',
});

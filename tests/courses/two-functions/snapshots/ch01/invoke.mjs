import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';

// node invoke.mjs FUNCTION JSON
const [FunctionName, Payload] = process.argv.slice(2);
const { Payload: answer } = await new LambdaClient().send(new InvokeCommand({ FunctionName, Payload }));
console.log(Buffer.from(answer).toString());

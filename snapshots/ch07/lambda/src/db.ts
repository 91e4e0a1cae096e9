import { DsqlSigner } from '@aws-sdk/dsql-signer';
import { Pool } from 'pg';

let pool: Pool | undefined;

// One pool for each Lambda environment, kept from one invocation to the next.
export async function getPool(): Promise<Pool> {
  if (pool) {
    return pool;
  }

  const clusterEndpoint = process.env.CLUSTER_ENDPOINT!;
  const region = process.env.AWS_REGION!;

  const signer = new DsqlSigner({
    hostname: clusterEndpoint,
    region,
  });

  pool = new Pool({
    host: clusterEndpoint,
    port: 5432,
    database: 'postgres',
    user: 'myapp',
    password: async () => await signer.getDbConnectAuthToken(),
    ssl: true,
    max: 20,
    idleTimeoutMillis: 30000,
    // The service ends a connection after 60 minutes: let it go before that, between two transactions
    maxLifetimeSeconds: 55 * 60,
    connectionTimeoutMillis: 5000,
  });

  // A connection that is lost while idle must not end the process: the pool opens another.
  pool.on('error', (error) => console.warn('Idle connection lost:', error.message));

  return pool;
}

import { Pool } from 'pg';

let pool: Pool | undefined;

// One pool for each Lambda environment, kept from one invocation to the next.
export async function getPool(): Promise<Pool> {
  if (pool) {
    return pool;
  }

  pool = new Pool({
    host: 'localhost',
    port: 5432,
    database: 'postgres',
    user: 'admin',
    password: 'placeholder',
    ssl: true,
    max: 20,
    idleTimeoutMillis: 30000,
    connectionTimeoutMillis: 5000,
  });

  // A connection that is lost while idle must not end the process: the pool opens another.
  pool.on('error', (error) => console.warn('Idle connection lost:', error.message));

  return pool;
}

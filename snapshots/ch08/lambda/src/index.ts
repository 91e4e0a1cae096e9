import { randomUUID } from 'node:crypto';
import { Handler } from 'aws-lambda';
import { getPool } from './db';
import { retrying } from './retry';

interface Request {
  payer_id: number;
  payee_id: number;
  amount: number;
  // The caller's own id for this transfer: asking twice with one id moves the money once
  transfer_id?: string;
}

interface Response {
  balance: number;
  attempts: number;
  transfer_id: string;
  repeated: boolean;
}

export const handler: Handler<Request, Response> = (event) =>
  retrying((attempt) => transfer(event, attempt));

// One try: everything or nothing
async function transfer(event: Request, attempt: number): Promise<Response> {
  if (!(event.amount >= 0)) {
    throw new Error('Amount must not be negative');
  }

  const pool = await getPool();
  const client = await pool.connect();
  let broken: Error | undefined;

  try {
    // Begin transaction
    await client.query('BEGIN');

    // Record it first, under the caller's key: who comes second finds it taken
    const transferId = event.transfer_id ?? randomUUID();
    const record = await client.query(
      'INSERT INTO transfers (id, payer_id, payee_id, amount) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING',
      [transferId, event.payer_id, event.payee_id, event.amount],
    );

    if (record.rowCount === 0) {
      const { rows } = await client.query('SELECT balance FROM accounts WHERE id = $1', [event.payer_id]);
      await client.query('ROLLBACK');
      return { balance: rows[0].balance, attempts: attempt, transfer_id: transferId, repeated: true };
    }

    // Deduct from payer
    const deductResult = await client.query(
      'UPDATE accounts SET balance = balance - $1 WHERE id = $2 RETURNING balance',
      [event.amount, event.payer_id],
    );

    if (deductResult.rows.length === 0) {
      throw new Error('Payer account not found');
    }

    const payerBalance = deductResult.rows[0].balance;

    if (payerBalance < 0) {
      throw new Error('Insufficient balance');
    }

    // Add to payee
    const addResult = await client.query(
      'UPDATE accounts SET balance = balance + $1 WHERE id = $2',
      [event.amount, event.payee_id],
    );

    if (addResult.rowCount === 0) {
      throw new Error('Payee account not found');
    }

    // Commit transaction
    await client.query('COMMIT');

    return {
      balance: payerBalance,
      attempts: attempt,
      transfer_id: transferId,
      repeated: false,
    };
  } catch (error) {
    // Where not even that gets through, the connection is not fit for anybody else
    await client.query('ROLLBACK').catch((failure) => (broken = failure));
    throw error;
  } finally {
    client.release(broken);
  }
}

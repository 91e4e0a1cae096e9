import { Handler } from 'aws-lambda';
import { getPool } from './db';
import { retrying } from './retry';

interface Request {
  payer_id: number;
  payee_id: number;
  amount: number;
}

interface Response {
  balance: number;
  attempts: number;
  transfer_id: string;
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

  try {
    // Begin transaction
    await client.query('BEGIN');

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

    // Record it, under a key that no other transaction wants
    const record = await client.query(
      'INSERT INTO transfers (payer_id, payee_id, amount) VALUES ($1, $2, $3) RETURNING id',
      [event.payer_id, event.payee_id, event.amount],
    );

    // Commit transaction
    await client.query('COMMIT');

    return {
      balance: payerBalance,
      attempts: attempt,
      transfer_id: record.rows[0].id,
    };
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  } finally {
    client.release();
  }
}

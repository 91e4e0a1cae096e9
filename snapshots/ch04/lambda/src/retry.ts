// SQLSTATE of both conflicts: OC000, another transaction has changed the same rows;
// OC001, the schema has changed. Nothing of the transaction is left, so it may run again
const CONFLICT = '40001';
const TRIES = 20;

export async function retrying<T>(transaction: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction(attempt);
    } catch (error) {
      if (!isConflict(error) || attempt === TRIES) {
        throw error;
      }
      // Longer each time, and by chance: those who have met must not meet again
      await sleep(Math.random() * Math.min(10 * 2 ** attempt, 1000));
    }
  }
}

function isConflict(error: unknown): boolean {
  // Libraries between us and the driver wrap its errors: the code may be further in
  for (let e = error; e instanceof Error; e = e.cause) {
    if ('code' in e && e.code === CONFLICT) return true;
  }
  return false;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

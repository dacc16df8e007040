/** Test data that lies beside the checkout and is not part of it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Path of a file or folder of the shared data, or undefined where this machine has none: skip the test then. */
export function sharedData(...path: string[]): string | undefined {
  const full = join(import.meta.dirname, '../../shared/data', ...path);
  return existsSync(full) ? full : undefined;
}

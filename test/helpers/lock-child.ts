/**
 * Waits for a lock, checks that nobody else is inside, and dies without letting go.
 * Arguments: what the lock is for. Exit: by SIGKILL if all is well, 1 if two were inside.
 */
import { closeSync, openSync, rmSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { tryLock } from '../../src/lock.ts';

const [path] = process.argv.slice(2);
while (!tryLock(path).taken) await setTimeout(1);
closeSync(openSync(`${path}.inside`, 'wx'));
await setTimeout(5);
rmSync(`${path}.inside`);
process.kill(process.pid, 'SIGKILL');

/** One process at a time: lock files, which a process that died does not hold. */
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { RecaptionError } from './errors.ts';
import { temporaryName, writeError } from './files.ts';
import { isRunning, type ProcessName, thisProcess } from './processes.ts';

export type Lock = { taken: true; release(): void } | { taken: false; owner: ProcessName };

/**
 * Takes the lock of `path`, a file `<path>.lock` that names its owner, or says who has it. Does not wait.
 * @throws RecaptionError `write-failed`, `disk-full` when no file can be made there.
 */
export function tryLock(path: string): Lock {
  const name = `${path}.lock`;
  try {
    for (;;) {
      if (create(name)) return held(name);
      const owner = ownerOf(name);
      if (owner === undefined) continue; // released since
      const lock: Lock | undefined = isRunning(owner) ? { taken: false, owner } : takeOver(name);
      if (lock !== undefined) return lock;
    }
  } catch (error) {
    throw writeError(name, error);
  }
}

/**
 * Takes the lock of an output.
 * @param doing what its owner is doing there: `drawing into this folder` @param place as the user knows it
 * @returns releases it
 * @throws RecaptionError `output-busy` where another process has it, and those of `tryLock`
 */
export function lockOutput(path: string, doing: string, place = path): () => void {
  const lock = tryLock(path);
  if (lock.taken) return lock.release;
  throw new RecaptionError('output-busy', `${ownerInWords(lock.owner)} is ${doing}`, {
    place,
    hint: `Wait for it to end, or give another --out. If no such program runs, delete ${path}.lock.`,
  });
}

/** `process 4711`, with its machine if that is another one. */
export function ownerInWords({ pid, host }: ProcessName): string {
  if (pid === 0) return 'another process';
  return host === hostname() ? `process ${pid}` : `process ${pid} on ${host}`;
}

function held(name: string): Lock {
  let mine = true;
  const release = () => {
    if (mine) rmSync(name, { force: true });
    mine = false; // the next owner's is not ours to remove
  };
  return { taken: true, release };
}

/**
 * Puts our lock in the place of a dead one; undefined when that is gone already. Whoever does so holds a lock on the lock:
 * otherwise the slower of two would remove not the dead one, but the one that the faster has just put there.
 */
function takeOver(name: string): Lock | undefined {
  const turn = tryLock(name);
  if (!turn.taken) return turn;
  try {
    const owner = ownerOf(name);
    if (owner === undefined || isRunning(owner)) return undefined;
    const whole = temporaryName(name);
    writeFileSync(whole, ours());
    renameSync(whole, name);
    return held(name);
  } finally {
    turn.release();
  }
}

/** What the system says of a file system without hard links, as on memory cards. */
const NO_LINKS = ['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'];
/** Milliseconds that an owner without hard links needs at most between making the file and writing its name. */
const WRITING_MS = 2000;

/** Makes the lock file with its whole content at once; false when there is one. */
function create(name: string): boolean {
  const whole = temporaryName(name);
  try {
    writeFileSync(whole, ours(), { flag: 'wx' });
    try {
      linkSync(whole, name);
    } catch (error) {
      if (!NO_LINKS.includes(codeOf(error))) throw error;
      writeFileSync(name, ours(), { flag: 'wx' });
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(whole, { force: true });
  }
}

function ours(): string {
  const { pid, host, started = '' } = thisProcess();
  return `${pid} ${host} ${started}\n`;
}

/** Undefined when there is no lock. What names nobody was torn by a crash, unless it is being written just now. */
function ownerOf(name: string): ProcessName | undefined {
  try {
    const text = readFileSync(name, 'utf8');
    if (text === '' && Date.now() - statSync(name).mtimeMs < WRITING_MS) return { pid: 0, host: '' };
    const [pid, host = hostname(), started] = text.split(/\s+/).filter((word) => word !== '');
    return { pid: Number(pid), host, started };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

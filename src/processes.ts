/** Who left a file behind, and whether that program still runs. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessName {
  pid: number;
  host: string;
  /** When it started, as its system counts; undefined where that cannot be known. Numbers of processes are given out again. */
  started?: string;
}

export const thisProcess = (): ProcessName => ({
  pid: process.pid,
  host: hostname(),
  started: startOf(process.pid),
});

/** False only when it is certain that the process has ended: of another machine nobody can tell from here. */
export function isRunning({ pid, host, started }: ProcessName): boolean {
  if (host !== hostname()) return true;
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false; // that one runs, as somebody else's
  }
  const now = startOf(pid);
  return now === undefined || started === undefined || now === started;
}

/** Linux: clock ticks between the start of the system and that of the process; '' for one that has ended and is still listed. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may hold anything; after it come the state and, as 22nd field of all, the start.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return 'ZX'.includes(fields[0]) ? '' : fields[19];
  } catch {
    return undefined;
  }
}

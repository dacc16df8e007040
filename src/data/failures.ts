/** The samples that a job had to leave out, and the list of them that stays. */
import { readFile, rm } from 'node:fs/promises';
import { writeError, writeFileAtomic } from '../files.ts';
import { tryJson } from './lines.ts';
import type { Failure, OnFailure } from './sample.ts';

export interface FailureList {
  /** Several passes over a collection meet the same broken picture: it is listed once. */
  add: OnFailure;
  all(): readonly Failure[];
  /** What was added since the last call. */
  news(): Failure[];
}

export function failureList(): FailureList {
  const seen = new Set<string>();
  const list: Failure[] = [];
  let told = 0;
  return {
    add(failure) {
      const name = JSON.stringify([failure.key, failure.place]);
      if (seen.has(name)) return;
      seen.add(name);
      list.push(failure);
    },
    all: () => list,
    news() {
      const fresh = list.slice(told);
      told = list.length;
      return fresh;
    },
  };
}

/**
 * Replaces the lines of one output in a `failures.jsonl` and keeps what else is there; an empty list is no file.
 * Lines are `{key, place, code, message, output}`.
 */
export async function writeFailures(
  path: string,
  output: string,
  failures: readonly Failure[],
): Promise<void> {
  const before = await readFile(path, 'utf8').catch(() => '');
  const others = before.split('\n').filter((line) => line !== '' && outputOf(line) !== output);
  const lines = [...others, ...failures.map((failure) => JSON.stringify({ ...failure, output }))];
  try {
    if (lines.length > 0) await writeFileAtomic(path, `${lines.join('\n')}\n`);
    else await rm(path, { force: true });
  } catch (error) {
    throw writeError(path, error);
  }
}

const outputOf = (line: string): unknown =>
  (tryJson(line) as { output?: unknown } | null | undefined)?.output;

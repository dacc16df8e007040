/** The folder of a training run: what it was started with, what it goes on from, what it told. */
import { createHash } from 'node:crypto';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tryJson } from '../../data/lines.ts';
import { RecaptionError } from '../../errors.ts';
import { exists, writeError, writeFileAtomic } from '../../files.ts';
import type { Device } from '../../tensor/device.ts';
import { loadState } from '../model-folder.ts';
import type { PreparedImage } from './prepare.ts';

/** What every training run is asked for. */
export interface RunOptions {
  /** Model folder to make. */
  out: string;
  device: Device;
  resume: boolean;
  signal: AbortSignal;
}

export interface Closable {
  close(): Promise<void>;
}

/** Closes what the work has opened, the last first, however it ends. */
export async function* withOpened<E>(work: (opened: Closable[]) => AsyncGenerator<E>): AsyncGenerator<E> {
  const opened: Closable[] = [];
  try {
    yield* work(opened);
  } finally {
    await Promise.allSettled(opened.reverse().map((thing) => thing.close()));
  }
}

/** What must be the same for a run to go on: all options but where and how it runs. */
export function runName<O extends RunOptions & { configPlace?: string }>({
  configPlace: _,
  out: __,
  device: ___,
  resume: ____,
  signal: _____,
  ...run
}: O): string {
  return JSON.stringify(run);
}

/**
 * What an earlier session left in the folder to go on from.
 * @throws RecaptionError `run-exists` without --resume, `run-differs` if it was started with other options.
 */
export async function savedState(path: string, options: RunOptions) {
  const saved = await loadState(path).catch((error) => {
    if (error instanceof RecaptionError && error.code === 'file-not-found') return undefined;
    throw error;
  });
  if (!saved) {
    if (!(await exists(join(options.out, 'model.safetensors')))) return undefined;
    throw new RecaptionError(
      'run-exists',
      'a trained model is already in this folder, without the state to go on from',
      {
        place: options.out,
        hint: 'Name another --out; to start from this model, give it as --init.',
      },
    );
  }
  if (!options.resume) {
    throw new RecaptionError('run-exists', 'a training run is already in this folder', {
      place: options.out,
      hint: 'Add --resume to go on with it, or name another --out.',
    });
  }
  if (saved.metadata.run !== runName(options)) {
    throw new RecaptionError('run-differs', 'the run in this folder was started with other options', {
      place: options.out,
      hint: `It was started with ${saved.metadata.run}`,
    });
  }
  return saved;
}

/** Names a set of training images with their captions, in their order. */
export function fingerprint(images: readonly PreparedImage[]): string {
  const hash = createHash('sha256');
  for (const { key, hash: content, captions } of images)
    hash.update(JSON.stringify([key, content, captions]));
  return hash.digest('hex').slice(0, 16);
}

export const otherData = (place: string, count: number): RecaptionError =>
  new RecaptionError(
    'run-differs',
    `the training images are not those that the run was started with; ${count} are there now`,
    {
      place,
      hint: 'Put back what was added, removed or changed, or start a new run in another folder.',
    },
  );

/** Keeps a picture of how far a run is, and shows the latest beside the model. @returns where it is kept */
export async function writePreview(out: string, step: number, png: Uint8Array): Promise<string> {
  const path = join(out, 'previews', `step-${String(step).padStart(7, '0')}.png`);
  await writeFileAtomic(path, png);
  await writeFileAtomic(join(out, 'preview.png'), png);
  return path;
}

/** Appends an event to metrics.jsonl. */
export async function logMetrics(out: string, event: object): Promise<void> {
  const path = join(out, 'metrics.jsonl');
  await appendFile(path, `${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`).catch(
    (error) => {
      throw writeError(path, error);
    },
  );
}

/** Drops the lines of steps that will be done again, and a last line that was cut. */
export async function trimMetrics(out: string, step: number): Promise<void> {
  const path = join(out, 'metrics.jsonl');
  const text = await readFile(path, 'utf8').catch(() => '');
  const kept = text.split('\n').filter((line) => {
    const event = tryJson(line) as { step?: number } | undefined;
    return event?.step !== undefined && event.step <= step;
  });
  await writeFileAtomic(path, kept.map((line) => `${line}\n`).join(''));
}

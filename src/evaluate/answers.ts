/** What a judge has answered, kept in a file: answers cost money and time, and none is asked for twice. */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, stat, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { readLines, tryJson } from '../data/lines.ts';
import { RecaptionError } from '../errors.ts';
import { exists, writeError } from '../files.ts';
import type { Image } from '../image/image.ts';
import { lockOutput } from '../lock.ts';
import type { Judge, Judgement } from './judge.ts';

const rowSchema = z.object({
  /** Judge, question and picture. */
  key: z.string(),
  response: z.string(),
  verdict: z.enum(['correct', 'incorrect']).optional(),
  yes: z.boolean().optional(),
  probability: z.number().min(0).max(1).optional(),
});
type Row = z.infer<typeof rowSchema>;

export interface Answers {
  /** The judge, who is asked only what is not there yet. Answers are on the disk before they are given. */
  remember(judge: Judge): Judge;
  /** Answers that were there when the file was opened. */
  known: number;
  close(): Promise<void>;
}

/**
 * Opens a file of answers, or starts one. A last line that a kill cut short is asked for again. Until it is closed, no other process can open it.
 * @throws RecaptionError `output-busy`, `bad-answers` where a line is no answer, `write-failed`
 */
export async function openAnswers(path: string): Promise<Answers> {
  await mkdir(dirname(path), { recursive: true }).catch((error) => {
    throw writeError(path, error);
  });
  const release = lockOutput(path, 'judging into this folder');
  try {
    const known = (await exists(path)) ? await readAnswers(path) : new Map<string, Judgement>();
    const file = await open(path, 'a').catch((error) => {
      throw writeError(path, error);
    });
    return { known: known.size, remember: (judge) => remembering(judge, known, writer(file, path)), async close() {
      await file.close();
      release();
    } }; // biome-ignore format: one line
  } catch (error) {
    release();
    throw error;
  }
}

async function readAnswers(path: string): Promise<Map<string, Judgement>> {
  const known = new Map<string, Judgement>();
  let end = 0;
  for await (const { number, bytes, at, length, ended } of readLines(path)) {
    if (!ended) break;
    const row = rowSchema.safeParse(tryJson(`${bytes}`)).data;
    if (!row) {
      throw new RecaptionError('bad-answers', 'this line is no answer of a judge', {
        place: `${path}:${number}`,
        hint: 'Delete the line, and it is asked for again; or give another --out.',
      });
    }
    const { key, ...judgement } = row;
    known.set(key, judgement);
    end = at + length;
  }
  if ((await stat(path)).size > end) await truncate(path, end);
  return known;
}

function writer(file: FileHandle, path: string): (row: Row) => Promise<void> {
  let turn = Promise.resolve();
  return (row) => {
    turn = turn.then(async () => {
      await file.appendFile(`${JSON.stringify(row)}\n`).catch((error) => {
        throw writeError(path, error);
      });
    });
    return turn;
  };
}

const digest = (...parts: (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 32);
};

function remembering(judge: Judge, known: Map<string, Judgement>, write: (row: Row) => Promise<void>): Judge {
  const pictures = new WeakMap<Image, string>();
  const pictureOf = (image: Image): string => {
    const own = pictures.get(image) ?? digest(`${image.width}`, image.data);
    pictures.set(image, own);
    return own;
  };
  const recall = async (
    image: Image,
    about: readonly string[],
    ask: () => Promise<Judgement>,
  ): Promise<Judgement> => {
    const key = digest(judge.id, ...about, pictureOf(image));
    const before = known.get(key);
    if (before) return before;
    const judgement = await ask();
    if (judgement.failure || (judgement.verdict === undefined && judgement.yes === undefined))
      return judgement; // another time it may be there
    await write({ key, ...judgement });
    known.set(key, judgement);
    return judgement;
  };
  return {
    ...judge,
    verdict: (image, prompt, seed) =>
      recall(image, ['verdict', prompt, `${seed}`], () => judge.verdict(image, prompt, seed)),
    yes: (image, question) => recall(image, ['yes', question], () => judge.yes(image, question)),
  };
}

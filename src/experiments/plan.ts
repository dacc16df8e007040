/** What a comparison is about, fixed before anything is trained, and kept beside the runs: whoever goes on finds the same. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Blend } from '../data/blend.ts';
import { tryJson } from '../data/lines.ts';
import { RecaptionError } from '../errors.ts';
import { exists } from '../files.ts';
import { writeJson } from '../models/model-folder.ts';
import type { Prompt, PromptKind } from './prompts.ts';

export interface Plan {
  /** Everything that was asked for, but where and how it runs. */
  asked: unknown;
  arms: { name: string; captions: Blend; reworded: boolean }[];
  seeds: number[];
  /** Of each training; measured once where minutes were asked for. */
  steps: number;
  prompts: Partial<Record<PromptKind, Prompt[]>>;
  /** Names the pictures and captions that the arms learn. */
  data: string;
  /** Hashes of the models that the generators are made of, by what they are for. */
  models: Record<string, string>;
}

const FILE = 'plan.json';
const fileSchema = z.looseObject({
  format: z.literal(1),
  plan: z.looseObject({
    steps: z.int().positive(),
    prompts: z.record(
      z.string(),
      z.array(z.object({ key: z.string(), text: z.string(), asked: z.string() })),
    ),
  }),
});

/**
 * The plan in the folder, if there is one and the caller wants to go on.
 * @throws RecaptionError `run-exists` without `resume`, `bad-plan`
 */
export async function savedPlan(out: string, resume: boolean): Promise<Plan | undefined> {
  const place = join(out, FILE);
  if (!(await exists(place))) return undefined;
  if (!resume) {
    throw new RecaptionError('run-exists', 'a comparison is already in this folder', {
      place: out,
      hint: 'Add --resume to go on with it, or name another --out.',
    });
  }
  const { data } = fileSchema.safeParse(tryJson(await readFile(place, 'utf8')));
  if (data) return data.plan as unknown as Plan;
  throw new RecaptionError('bad-plan', 'this is not the plan of a comparison', {
    place,
    hint: 'The file was changed: start again in another folder.',
  });
}

/** @throws RecaptionError `run-differs` where the saved plan is another, in anything but its steps */
export function samePlan(
  saved: Plan,
  { steps: _, ...now }: Omit<Plan, 'steps'> & { steps?: number },
  out: string,
): void {
  for (const key of Object.keys(now) as (keyof typeof now)[]) {
    if (JSON.stringify(saved[key]) === JSON.stringify(now[key])) continue;
    throw new RecaptionError(
      'run-differs',
      `the comparison in this folder was started with other ${key === 'asked' ? optionThatDiffers(saved.asked, now.asked) : WHAT[key]}`,
      {
        place: out,
        hint: 'Repeat the command that it was started with, on the same pictures; or name another --out.',
      },
    );
  }
}

/** The first option that differs, with what it was. */
function optionThatDiffers(before: unknown, now: unknown): string {
  const [old, fresh] = [before, now].map((asked) => (asked ?? {}) as Record<string, unknown>);
  const name = [...new Set([...Object.keys(old), ...Object.keys(fresh)])].find((one) => JSON.stringify(old[one]) !== JSON.stringify(fresh[one]));
  return name === undefined ? WHAT.asked : `${name}: ${JSON.stringify(old[name]) ?? 'none'} then`;
} // biome-ignore format: one line

const WHAT: Record<Exclude<keyof Plan, 'steps'>, string> = {
  asked: 'options',
  arms: 'captions to compare',
  seeds: 'seeds',
  prompts: 'prompts',
  data: 'pictures or captions',
  models: 'models to start from or to read with',
};

export const savePlan = (out: string, plan: Plan): Promise<void> => writeJson(out, FILE, { format: 1, plan });

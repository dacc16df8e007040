/** Draws prompts into a folder: pictures, an index of them, and one picture of all. Killed at any time, it goes on where it was. */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { tryJson } from '../data/lines.ts';
import type { Failure } from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';
import { exists, readError, writeError, writeFileAtomic } from '../files.ts';
import type { GenerateRequest, Generator } from '../generators/generator.ts';
import { decodeImage, encodePng, gridOf, type Image, readPngText, withPngText } from '../image/index.ts';
import { lockOutput } from '../lock.ts';
import { SAMPLERS } from '../models/diffusion-transformer/solve.ts';

const rowSchema = z.object({
  /** Name of the picture within the folder. */
  file: z.string(),
  prompt: z.string(),
  negative: z.string().optional(),
  seed: z.number(),
  /** Id of the generator. */
  model: z.string(),
  steps: z.number().optional(),
  guidance: z.number().optional(),
  sampler: z.enum(SAMPLERS).optional(),
  shift: z.number().optional(),
});
/** A line of `index.jsonl`: a picture, and everything that it was made from. */
export type PictureRow = z.infer<typeof rowSchema>;

export interface GenerateJobOptions {
  generator: Generator;
  prompts: readonly string[];
  /** Pictures of each prompt. */
  count: number;
  /** Seed of each prompt's first picture; the next has the next one. */
  seed: number;
  /** Every prompt has noise of its own: seeds go on from prompt to prompt, in place of beginning again. */
  apart?: boolean;
  request: Omit<GenerateRequest, 'seeds' | 'onStep'>;
  out: string;
  /** What pictures are called within `out`, perhaps in folders of their own; default: `pictureName`. */
  nameOf?: (prompt: number, k: number) => string;
  /** Also make `grid.png`: a row for each prompt, where each has several pictures. */
  grid: boolean;
  /** Replace pictures that were made otherwise. */
  overwrite?: boolean;
  /** Write `preview.png` while it draws. */
  previews?: boolean;
  signal: AbortSignal;
}

export type GenerateEvent =
  | { kind: 'plan'; pictures: number; done: number }
  | {
      kind: 'progress';
      done: number;
      total: number;
      step: number;
      steps: number;
      imagesPerSecond: number;
      secondsLeft: number;
    }
  | { kind: 'preview'; path: string }
  | { kind: 'picture'; row: PictureRow }
  | { kind: 'failure'; failure: Failure }
  | {
      kind: 'done';
      pictures: number;
      added: number;
      failed: number;
      out: string;
      grid?: string;
      stopped: boolean;
    };

/** Name of the k-th picture of a prompt, of so many prompts with so many pictures each. */
export const pictureName = (
  prompt: number,
  k: number,
  { prompts, count }: { prompts: number; count: number },
): string =>
  `${String(prompt).padStart(Math.max(5, `${prompts}`.length), '0')}${count > 1 ? `-${k}` : ''}.png`;

/** More pictures make a grid that no viewer opens. */
const MOST_IN_GRID = 400;

/**
 * Draws what is not there yet. Pictures are PNG files with their prompt, seed and model within; `index.jsonl` lists them.
 * @throws RecaptionError `output-exists` where a picture of that name was made otherwise; `output-busy`, `write-failed`, `disk-full`
 */
export async function* generatePictures(options: GenerateJobOptions): AsyncGenerator<GenerateEvent> {
  const { generator, out, signal } = options;
  for (const prompt of options.prompts) generator.check(prompt);
  if (options.request.negative?.trim()) generator.check(options.request.negative);
  await mkdir(out, { recursive: true }).catch((error) => {
    throw writeError(out, error);
  });
  const index = join(out, 'index.jsonl');
  const release = lockOutput(index, 'drawing into this folder', out);
  try {
    yield* draw(options, index);
  } finally {
    release();
  }

  async function* draw(
    { prompts, count, request, seed, apart, grid, overwrite, previews, ...options }: GenerateJobOptions,
    index: string,
  ): AsyncGenerator<GenerateEvent> {
    const { negative, ...how } = request;
    const { nameOf = (i, k) => pictureName(i, k, { prompts: prompts.length, count }) } = options;
    const asked = { ...generator.defaults, ...Object.fromEntries(Object.entries(how).filter(([, v]) => v !== undefined)) }; // biome-ignore format: one line
    const rows = prompts.flatMap((prompt, i) =>
      Array.from({ length: count }, (_, k): PictureRow => {
        const file = nameOf(i, k);
        return {
          file,
          prompt,
          ...(negative?.trim() && { negative }),
          seed: seed + (apart ? i * count : 0) + k,
          model: generator.id,
          ...asked,
        };
      }),
    );
    const known = await readIndex(index);
    const todo: PictureRow[] = [];
    for (const row of rows) {
      const there = await exists(join(out, row.file));
      const before = known.get(row.file) ?? (there ? await rowWithin(join(out, row.file)) : undefined);
      if (there && before && same(before, row)) continue;
      if (there && !overwrite) {
        throw new RecaptionError('output-exists', 'a picture of this name was made from something else', {
          place: join(out, row.file),
          hint: 'Give another --out, or --overwrite to replace it.',
        });
      }
      todo.push(row);
    }
    yield { kind: 'plan', pictures: rows.length, done: rows.length - todo.length };

    const started = performance.now();
    let added = 0;
    const refused = new Set<PictureRow>();
    const parts = Array.from({ length: Math.ceil(todo.length / generator.batch) }, (_, i) => todo.slice(i * generator.batch, (i + 1) * generator.batch)); // biome-ignore format: one line
    while (parts.length > 0 && !signal.aborted) {
      const part = parts.shift()!;
      const at = added + refused.size;
      const told: GenerateEvent[] = [];
      let wake = () => {};
      const seeds = part.map((row) => row.seed);
      const drawing = generator
        .generate(
          part.map(({ prompt }) => prompt),
          {
            ...asked,
            negative,
            seeds,
            onStep: async ({ step, steps, images }) => {
              const done = at + (part.length * step) / steps;
              const rate = done / ((performance.now() - started) / 1000);
              told.push({ kind: 'progress', done: Math.floor(done), total: todo.length, step, steps, imagesPerSecond: rate, secondsLeft: (todo.length - done) / rate }); // biome-ignore format: one line
              if (previews && step % Math.ceil(steps / 5) === 0 && step < steps) {
                const path = join(out, 'preview.png');
                await writeFileAtomic(path, await encodePng(gridOf(await images())));
                told.push({ kind: 'preview', path });
              }
              wake();
            },
          },
        )
        .finally(() => wake());
      let images: Image[] | undefined;
      const finished = drawing.then((drawn) => {
        images = drawn;
      });
      finished.catch(() => {}); // thrown below
      try {
        while (images === undefined) {
          yield* told.splice(0);
          await Promise.race([finished, new Promise<void>((resolve) => { wake = resolve; })]); // biome-ignore format: one line
          if (images === undefined && told.length === 0) await finished;
        }
      } catch (error) {
        if (!(error instanceof RecaptionError) || error.code !== 'server-refused') throw error;
        // A server may refuse a prompt and draw the others.
        if (part.length > 1) parts.unshift(...part.map((row) => [row]));
        else {
          refused.add(part[0]);
          const { prompt, file } = part[0];
          yield {
            kind: 'failure',
            failure: { key: file, place: prompt, code: error.code, message: error.message },
          };
        }
        continue;
      }
      yield* told.splice(0);
      for (const [i, row] of part.entries()) {
        const png = await encodePng(images[i]);
        await mkdir(dirname(join(out, row.file)), { recursive: true });
        await writeFileAtomic(join(out, row.file), withPngText(png, metadataOf(row, generator.size)));
      }
      await appendFile(index, part.map((row) => `${JSON.stringify(row)}\n`).join('')).catch((error) => {
        throw writeError(index, error);
      });
      added += part.length;
      for (const row of part) yield { kind: 'picture', row };
    }
    const stopped = added + refused.size < todo.length;
    if (!stopped && (added > 0 || rows.some(({ file }) => !known.has(file)))) {
      const named = new Set(rows.map(({ file }) => file));
      const others = [...known.values()].filter(({ file }) => !named.has(file)); // of other commands
      const drawn = rows.filter((row) => !refused.has(row));
      await writeFileAtomic(index, [...others, ...drawn].map((row) => `${JSON.stringify(row)}\n`).join(''));
    }
    let gridPath: string | undefined;
    if (grid && !stopped && rows.length > refused.size) {
      const shown = rows.filter((row) => !refused.has(row)).slice(0, MOST_IN_GRID);
      const images = [];
      for (const { file } of shown) images.push(await decodeImage(join(out, file)));
      gridPath = join(out, 'grid.png');
      await writeFileAtomic(gridPath, await encodePng(gridOf(images, count > 1 ? { columns: count } : {})));
    }
    yield {
      kind: 'done',
      pictures: rows.length,
      added,
      failed: refused.size,
      out,
      ...(gridPath && { grid: gridPath }),
      stopped,
    };
  }
}

/** What other programs look for in a PNG (`parameters`, as the web UIs write it), and ours in JSON. */
function metadataOf(row: PictureRow, size: number): Record<string, string> {
  const { prompt, negative, seed, model, steps, guidance, sampler } = row;
  const away = negative === undefined ? '' : `\nNegative prompt: ${negative}`;
  const facts = `Steps: ${steps}, Sampler: ${sampler}, CFG scale: ${guidance}, Seed: ${seed}, Size: ${size}x${size}, Model: ${model}`;
  return { parameters: `${prompt}${away}\n${facts}`, recaption: JSON.stringify(row) };
}

/** The row that a picture carries; none where it is not ours. */
async function rowWithin(path: string): Promise<PictureRow | undefined> {
  const bytes = await readFile(path).catch((error) => {
    throw readError(path, error);
  });
  return rowSchema.safeParse(tryJson(readPngText(bytes).recaption ?? '')).data;
}

/** The rows of an index by file; of a line that a kill cut short nothing. */
export async function readIndex(path: string): Promise<Map<string, PictureRow>> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const rows = new Map<string, PictureRow>();
  for (const line of text.split('\n')) {
    const row = rowSchema.safeParse(tryJson(line)).data;
    if (row) rows.set(row.file, row);
  }
  return rows;
}

const same = (a: PictureRow, b: PictureRow): boolean =>
  (Object.keys({ ...a, ...b }) as (keyof PictureRow)[]).every((key) => a[key] === b[key]);

/** Stored answers of a judge, as DALL-E 3's were published: `{ path: { correct, response } }`, four pictures of each prompt. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { parseCsv } from '../data/csv.ts';
import { tryJson } from '../data/lines.ts';
import { RecaptionError } from '../errors.ts';
import { readError } from '../files.ts';
import { additive } from '../metrics/additive.ts';
import { bootstrap, type Interval, scoresOf } from '../metrics/bootstrap.ts';
import { readVerdict } from './verdict.ts';

export interface VerdictReport {
  /** Share of the pictures whose answer says "correct". */
  overall: number;
  /** Share of the answers whose stored flag is what their words say. */
  agreement: number;
  /** The share by the prompts' categories, where they are given. */
  categories: Record<string, number>;
  /** 95 %, bootstrapped over prompts with all their pictures. */
  intervals: { overall: Interval; categories: Record<string, Interval> };
  n: number;
  prompts: number;
  /** Answers that say neither; they count as incorrect. */
  undecided: number;
}

const fileSchema = z.record(z.string(), z.object({ correct: z.boolean(), response: z.string() }));

/** The prompt's number and the picture's, in a path that ends in `<n>_<k>.png`. */
const PATH = /(\d+)_(\d+)\.\w+$/;

/**
 * Reads a file of stored answers from their words alone.
 * @param prompts a CSV with `prompt` and `category` in the order of the numbers
 * @throws RecaptionError `file-not-found`, `bad-verdicts`, `bad-csv`
 */
export async function evaluateVerdicts(file: string, prompts?: string): Promise<VerdictReport> {
  const read = (path: string) =>
    readFile(path, 'utf8').catch((error) => {
      throw readError(path, error);
    });
  const parsed = fileSchema.safeParse(tryJson(await read(file)));
  if (!parsed.success || Object.keys(parsed.data).length === 0) {
    throw new RecaptionError('bad-verdicts', 'these are no stored verdicts', {
      place: file,
      hint: 'A file of verdicts is a JSON object of paths, each with "correct" (true or false) and "response" (what the judge said).',
    });
  }
  const answers = Object.entries(parsed.data).map(([path, { correct, response }]) => {
    const [, prompt] = PATH.exec(path) ?? [];
    if (prompt === undefined) {
      throw new RecaptionError('bad-verdicts', 'a path does not say which prompt its picture is of', {
        place: `${file}: ${path}`,
        hint: 'Paths end in PROMPT_PICTURE.png, such as 17_0.png.',
      });
    }
    return { prompt: Number(prompt), correct, verdict: readVerdict(response) };
  });
  const categories = prompts === undefined ? [] : parseCsv(await read(prompts), ['prompt', 'category'], prompts).map(({ category }) => category); // biome-ignore format: one line
  const first = firstNumber(answers.map(({ prompt }) => prompt), categories.length, file); // biome-ignore format: one line
  const rows = new Map<number, [correct: number, n: number]>();
  for (const { prompt, verdict } of answers) {
    const row = rows.get(prompt) ?? [0, 0];
    rows.set(prompt, [row[0] + Number(verdict === 'correct'), row[1] + 1]);
  }
  const named = new Map<string, [number, number][]>();
  for (const [prompt, row] of rows) {
    const category = categories[prompt - first];
    if (category !== undefined) named.set(category, [...(named.get(category) ?? []), row]);
  }
  const overall = shareOf([...rows.values()]);
  const shares = [...named].map(([name, list]) => [name, shareOf(list)] as const);
  return {
    overall: overall.rate,
    agreement: answers.filter(({ correct, verdict }) => (verdict === 'correct') === correct).length / answers.length, // biome-ignore format: one line
    categories: Object.fromEntries(shares.map(([name, { rate }]) => [name, rate])),
    intervals: {
      overall: overall.interval,
      categories: Object.fromEntries(shares.map(([name, { interval }]) => [name, interval])),
    },
    n: answers.length,
    prompts: rows.size,
    undecided: answers.filter(({ verdict }) => verdict === undefined).length,
  };
}

function shareOf(rows: [correct: number, n: number][]): { rate: number; interval: Interval } {
  const table = additive(rows, 2, ([correct, n]) => [n > 0 ? correct / n : 0]);
  return { rate: scoresOf(table)[0], interval: bootstrap(table)[0] };
}

/** Published files count prompts from 0 or from 1: whichever fits the list. @throws RecaptionError where neither does */
function firstNumber(numbers: readonly number[], count: number, place: string): number {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const first = low === 0 ? 0 : high >= count ? 1 : 0;
  if (count === 0 || high - first < count) return first;
  throw new RecaptionError('bad-verdicts', `there are pictures of prompt ${high}, and ${count} prompts`, {
    place,
    hint: 'The list of prompts belongs to other verdicts.',
  });
}

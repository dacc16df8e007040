/** Puts every picture beside its prompt and every measure on both, a batch at a time; says how far it got when it is stopped. */
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { failureList, loadImages, withKeys } from '../data/index.ts';
import type { Dataset, Failure, OnFailure } from '../data/sample.ts';
import { RecaptionError, reason } from '../errors.ts';
import type { Distribution, DistributionScore } from '../evaluate/distribution.ts';
import { isMarked, type Measure, type MeasureName, type Seen } from '../evaluate/measures.ts';
import type { SuitePrompt } from '../evaluate/suites.ts';
import { writeError, writeFileAtomic } from '../files.ts';
import { additive } from '../metrics/additive.ts';
import { bootstrap, type Interval, scoresOf } from '../metrics/bootstrap.ts';
import { FRECHET_LEAST } from '../metrics/frechet.ts';
import { random } from '../random.ts';
import { batches, untilStopped } from './caption-job.ts';
import { collectEnds, evaluationPage, THUMBNAIL } from './evaluate-page.ts';

export interface EvaluateJobOptions {
  prompts: readonly SuitePrompt[];
  pictures: () => Dataset | Promise<Dataset>;
  /** Of each picture that is wanted, by the key of its sample, the number of its prompt. */
  places: ReadonlyMap<string, number>;
  measures: readonly Measure[];
  distributions: readonly Distribution[];
  /** What the distributions compare with. */
  against?: Dataset;
  /** Folder for `pictures.jsonl`, `report.json` and `report.html`. */
  out?: string;
  /** What belongs into the report beside the figures: suite, generator, command. */
  about: Record<string, unknown>;
  /** Of the bootstrap. */
  seed: number;
  signal: AbortSignal;
}

export interface ScoreWithInterval {
  /** Null where nothing was measured. */
  score: number | null;
  /** 95 %, bootstrapped over prompts with all their pictures. */
  interval: Interval | null;
  /** Pictures. */
  n: number;
}

export interface MeasureReport extends ScoreWithInterval {
  by: string;
  prompts: number;
  categories: Record<string, ScoreWithInterval>;
  /** Every category counts the same: GenEval's overall score. */
  meanOfCategories?: ScoreWithInterval;
  /** Pictures that it says nothing of, by why. */
  unmarked: Record<string, number>;
  /** What has to be known beside: texts that were cut, agreement of repeated judgements. */
  besides: Record<string, number>;
}

export interface EvaluationReport {
  /** Suite, generator, command. */
  about: Record<string, unknown>;
  prompts: number;
  /** Pictures that were read. */
  pictures: number;
  /** Pictures that could not be. */
  unreadable: number;
  /** It was stopped before all pictures were seen. */
  partial: boolean;
  measures: Partial<Record<MeasureName, MeasureReport>>;
  distributions: Record<string, DistributionScore>;
  warnings: string[];
  seed: number;
}

export type EvaluateEvent =
  | { kind: 'progress'; label: string; done: number; total?: number; imagesPerSecond: number; secondsLeft?: number }
  | { kind: 'failure'; failure: Failure }
  | { kind: 'picture'; picture: string; prompt: string; scores: Record<string, number>; detail: Record<string, object> }
  | { kind: 'report'; report: EvaluationReport; page?: string }; // biome-ignore format: one line

const REPORTS = ['report.json', 'report.html'];

/** Pictures that all measures see at once. */
const BATCH = 32;

/** @throws RecaptionError those of the measures, after a report of what was measured until then; `write-failed` */
export async function* evaluatePictures(options: EvaluateJobOptions): AsyncGenerator<EvaluateEvent> {
  const { prompts, places, measures, distributions, out, about, seed, signal } = options;
  const sums = measures.map(() => prompts.map(() => [0, 0]));
  const unmarked = measures.map((): Record<string, number> => ({}));
  const ends = new Map(measures.map(({ name }) => [name, collectEnds()]));
  let seen = 0;
  const failures = failureList();
  const news = () => failures.news().map((failure): EvaluateEvent => ({ kind: 'failure', failure }));
  const maxSide = Math.max(THUMBNAIL, ...[...measures, ...distributions].map(({ resolution }) => resolution));
  const decoded = (pictures: Dataset, onFailure: OnFailure) =>
    batches(untilStopped(loadImages(pictures, { maxSide, ahead: BATCH, onFailure }), signal), BATCH);
  if (out !== undefined) for (const name of REPORTS) await rm(join(out, name), { force: true }); // what stands there is of other pictures, or will be
  const rows = out === undefined ? undefined : await opened(join(out, 'pictures.jsonl'));
  const started = performance.now();
  const progress = (label: string, done: number, of?: number, from = started): EvaluateEvent => {
    const imagesPerSecond = (1000 * done) / (performance.now() - from);
    return { kind: 'progress', label, done, total: of, imagesPerSecond, ...(of !== undefined && { secondsLeft: (of - done) / imagesPerSecond }) }; // biome-ignore format: one line
  };
  let broken: unknown;
  try {
    const wanted = withKeys(await options.pictures(), places.keys());
    for await (const batch of decoded(wanted, failures.add)) {
      yield* news();
      const pictures = batch.map(({ sample: { key }, image }): Seen & { at: number; name: string } => {
        const at = places.get(key)!;
        return { at, name: key, prompt: prompts[at], image };
      });
      const images = pictures.map(({ image }) => image);
      const [marks] = await Promise.all([
        Promise.all(measures.map((measure) => measure.see(pictures))),
        ...distributions.map((one) => one.see(images, false)),
      ]);
      const told: string[] = [];
      for (const [i, { at, name, prompt }] of pictures.entries()) {
        const event = { kind: 'picture' as const, picture: name, prompt: prompt.prompt, scores: {} as Record<string, number>, detail: {} as Record<string, object> }; // biome-ignore format: one line
        for (const [m, measure] of measures.entries()) {
          const mark = marks[m][i];
          if (isMarked(mark)) {
            sums[m][at][0] += mark.score;
            sums[m][at][1]++;
            event.scores[measure.name] = mark.score;
            if (rows) await ends.get(measure.name)!.add({ picture: name, prompt: prompt.prompt, ...mark }, images[i]); // biome-ignore format: one line
            if (mark.detail) event.detail[measure.name] = mark.detail;
          } else {
            const { code, message } = mark.failure;
            unmarked[m][code] = (unmarked[m][code] ?? 0) + 1;
            yield {
              kind: 'failure',
              failure: { key: name, place: `${name}, ${measure.name}`, code, message },
            };
          }
        }
        const { kind: _, ...row } = event;
        told.push(`${JSON.stringify(row)}\n`);
        yield event;
      }
      await rows?.appendFile(told.join('')).catch((error) => {
        throw writeError(join(out!, 'pictures.jsonl'), error);
      });
      seen += pictures.length;
      yield progress('evaluating', seen + failures.all().length, places.size);
    }
    yield* news();
    if (options.against && !signal.aborted) {
      let others = 0;
      const from = performance.now();
      const lost = failureList();
      for await (const batch of decoded(options.against, lost.add)) {
        const images = batch.map(({ image }) => image);
        await Promise.all(distributions.map((one) => one.see(images, true)));
        others += images.length;
        yield progress('looking at the others', others, undefined, from);
      }
      for (const failure of lost.all()) yield { kind: 'failure', failure };
    }
    if (!signal.aborted) for (const measure of measures) measure.decide?.();
  } catch (error) {
    if (!(signal.aborted && error === signal.reason)) broken = error; // what was measured before is told all the same
  } finally {
    await rows?.close();
  }
  const unreadable = failures.all().length;
  if (seen === 0 && broken !== undefined) throw broken;
  if (seen === 0 && !signal.aborted) throw new RecaptionError('no-images', unreadable > 0 ? `none of the ${unreadable} pictures could be read` : 'there was no picture of any prompt', { hint: 'Name the folder of the pictures, and the suite that they were drawn for.' }); // biome-ignore format: one line
  const partial = signal.aborted || broken !== undefined;
  const measured = measures.map((measure, m) => [measure.name, reportOf(measure, sums[m], prompts, unmarked[m], seed)] as const); // biome-ignore format: one line
  const alone: string[] = [];
  const wholes = partial ? [] : distributions.flatMap((one) => {
    try {
      return [[one.name, one.score()] as const];
    } catch (error) {
      if (!(error instanceof RecaptionError) || error.code !== 'too-few-pictures') throw error;
      alone.push(`no Fréchet distance of ${one.name}: ${error.message}`);
      return [];
    }
  }); // biome-ignore format: one line
  const fewest = Math.min(...wholes.flatMap(([, { n, others }]) => [n, others]));
  const report: EvaluationReport = {
    about,
    prompts: prompts.length,
    pictures: seen,
    unreadable,
    partial,
    measures: Object.fromEntries(measured),
    distributions: Object.fromEntries(wholes),
    warnings: [
      ...(partial
        ? [
            `${broken === undefined ? 'stopped' : `broken off (${reason(broken)})`}: these figures are of ${seen} of ${places.size} pictures`,
          ]
        : []),
      ...alone,
      ...measures.flatMap((measure) => measure.warnings()),
      ...(fewest < FRECHET_LEAST ? [`Fréchet distances of ${fewest} pictures: below ${FRECHET_LEAST} they are mostly bias, and only those of equally many pictures can be set side by side`] : []), // biome-ignore format: one line
    ],
    seed,
  };
  if (out === undefined) {
    yield { kind: 'report', report };
    if (broken !== undefined) throw broken;
    return;
  }
  await writeFileAtomic(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  const path = join(out, 'report.html');
  await writeFileAtomic(path, evaluationPage(report, ends));
  yield { kind: 'report', report, page: path };
  if (broken !== undefined) throw broken;
}

/** A file that is written anew, in a folder that is made where it is not there. */
const opened = async (path: string) => {
  try {
    await mkdir(dirname(path), { recursive: true });
    return await open(path, 'w');
  } catch (error) {
    throw writeError(path, error);
  }
};

/** [sum of scores, pictures] of each prompt, as scores with intervals. */
function reportOf(
  { by, besides }: Measure,
  sums: readonly number[][],
  prompts: readonly SuitePrompt[],
  unmarked: Record<string, number>,
  seed: number,
): MeasureReport {
  const marked = prompts.flatMap(({ category }, i) => (sums[i][1] > 0 ? [{ category, row: sums[i] }] : []));
  const named = Map.groupBy(marked.filter(({ category }) => category !== undefined), ({ category }) => category!); // biome-ignore format: one line
  const categories = [...named.keys()];
  const score = (rows: readonly (readonly number[])[]) => scored(rows, 2, ([sum, n]) => sum / Math.max(1, n), seed); // biome-ignore format: one line
  // Columns of the categories one beside the other, so that a draw of prompts moves all of them.
  const spread = marked.flatMap(({ category, row }) => {
    if (category === undefined) return [];
    const wide = Array<number>(2 * categories.length).fill(0);
    wide.splice(2 * categories.indexOf(category), 2, ...row);
    return [wide];
  });
  const mean = (all: Float64Array) => {
    const own = categories.map((_, i) => [all[2 * i], all[2 * i + 1]]).filter(([, n]) => n > 0);
    return own.reduce((sum, [total, n]) => sum + total / n, 0) / Math.max(1, own.length);
  };
  return {
    by,
    ...score(marked.map(({ row }) => row)),
    prompts: marked.length,
    categories: Object.fromEntries(
      [...named].map(([name, list]) => [name, score(list.map(({ row }) => row))]),
    ),
    ...(categories.length > 1 && { meanOfCategories: scored(spread, 2 * categories.length, mean, seed) }),
    unmarked,
    besides: besides(),
  };
}

function scored(rows: readonly (readonly number[])[], width: number, scoreOf: (sums: Float64Array) => number, seed: number): ScoreWithInterval {
  const table = additive(rows, width, (sums) => [scoreOf(sums)]);
  const n = rows.reduce((sum, row) => sum + row.reduce((own, value, i) => own + (i % 2 === 1 ? value : 0), 0), 0);
  if (rows.length === 0) return { score: null, interval: null, n: 0 };
  return { score: scoresOf(table)[0], interval: bootstrap(table, { seed })[0], n };
} // biome-ignore format: one line

/** Whose picture each is where nobody listens: every prompt gets those of another, by the seed. */
export function shuffled(count: number, seed: number): number[] {
  const order = random(seed, 'others').shuffle([...Array(count).keys()]);
  const other = new Array<number>(count);
  for (const [k, at] of order.entries()) other[at] = order[(k + 1) % count];
  return other;
}

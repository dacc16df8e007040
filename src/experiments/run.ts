/** One arm with one seed: trained, asked to draw, judged. Every part that is finished is found again. */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tryJson } from '../data/lines.ts';
import { RecaptionError } from '../errors.ts';
import { checkScene, SKILLS } from '../evaluate/scene-check.ts';
import { readScene } from '../evaluate/scene-reader.ts';
import { addVerdict, emptyRow, type SceneRow } from '../evaluate/scenes.ts';
import { exists, writeFileAtomic } from '../files.ts';
import type { Generator } from '../generators/generator.ts';
import { loadGenerator } from '../generators/load.ts';
import { SNAPSHOTS, type TrainGeneratorOptions, trainGenerator } from '../generators/train.ts';
import type { GeneratorEvent } from '../generators/train-events.ts';
import { decodeImage, type Image } from '../image/index.ts';
import { generatePictures, pictureName } from '../jobs/generate-job.ts';
import { type ClipEncoder, cosine } from '../metrics/clip-score.ts';
import { statePath } from '../models/training/loop.ts';
import { type Provenance, provenance } from '../provenance.ts';
import { readClaims } from '../world/index.ts';
import type { Prompt, PromptKind } from './prompts.ts';

/** What was measured of the pictures of one kind of prompt: a row for each prompt, in their order. */
export interface Judged {
  /** Sums as `sceneTable` reads them, where the prompts are of scenes. */
  scenes?: SceneRow[];
  /** Sum of 100 · cosine, and the number of pictures; where a CLIP looked at them. */
  clip?: [sum: number, pictures: number][];
  /** Prompts that the CLIP does not read to their end. */
  cut?: number;
  /** Of the first picture of each prompt: whether all that was asked for is there, and what is not. */
  verdicts?: { met: boolean; missed: string[] }[];
}

export interface CurvePoint {
  step: number;
  /** Mean of 100 · cosine over the first prompts of each kind, one picture each. */
  clip: Partial<Record<PromptKind, number>>;
}

/** What a run leaves in `judged.json`. */
export interface RunResult {
  arm: string;
  seed: number;
  plan: string;
  /** Pictures that could be read, and were learnt; and a name for these very pictures. */
  learnt: number;
  pictures: string;
  step: number;
  /** Weights and folder's name. */
  generator: string;
  parameters: number;
  judged: Partial<Record<PromptKind, Judged>>;
  curve: CurvePoint[];
  minutes: Minutes;
  /** By whom, where and when it was finished. */
  made: Provenance;
}

/** Wall-clock minutes: of the training those of all sessions, of the rest those of the session that finished it. */
export interface Minutes {
  training: number;
  drawing: number;
  judging: number;
}

export type RunEvent =
  | GeneratorEvent
  | { kind: 'drawing'; done: number; total: number; imagesPerSecond: number; secondsLeft: number }
  | { kind: 'judging'; done: number; total: number; imagesPerSecond: number; secondsLeft: number }
  | { kind: 'curve'; point: CurvePoint };

export interface RunOptions {
  arm: string;
  /** How the arm is trained; `out` is the run's folder. */
  training: TrainGeneratorOptions;
  prompts: ReadonlyMap<PromptKind, readonly Prompt[]>;
  /** Pictures of each prompt, and the seed of the noise of the first prompt's first: the others have the next ones, in every run the same. */
  count: number;
  noise: number;
  /** The prompts are of scenes: read the pictures back. */
  scenes: boolean;
  clip?: ClipEncoder;
  /** Changes with whatever decides about the result: that of another plan is not taken for this one's. */
  plan: string;
}

/** Prompts of each kind that are drawn at every snapshot. */
const CURVE_PROMPTS = 32;

const RESULT = 'judged.json';
/** Where the runs of a comparison lie in its folder. */
export const RUNS = 'runs';
export const runFolder = (arm: string, seed: number): string => join(RUNS, `${arm}-${seed}`);

/** Trains, draws and judges what of that is still to do. @returns undefined where it was stopped */
export async function* runArm(options: RunOptions): AsyncGenerator<RunEvent, RunResult | undefined> {
  const { arm, training, prompts } = options;
  const { out, seed, device, signal } = training;
  const before = await savedResult(out);
  if (before) {
    if (before.plan === options.plan) {
      await rm(join(out, SNAPSHOTS), { recursive: true, force: true }); // of a session that was killed as it ended
      return before;
    }
    throw new RecaptionError('run-differs', 'this run is of another comparison', { place: out, hint: 'Name another --out, or delete the folder of the run.' }); // biome-ignore format: one line
  }
  const clock = startClock();

  let step = 0;
  let parameters = 0;
  let learnt = 0;
  let pictures = '';
  let trained = 0;
  const resume = await exists(statePath(out));
  for await (const event of clock.of('training', trainGenerator({ ...training, resume }))) {
    if (event.kind === 'plan')
      [parameters, learnt, pictures] = [event.parameters, event.images, event.pictures];
    if (event.kind === 'done') [step, trained] = [event.step, event.minutes];
    yield event;
    if (event.kind === 'done' && event.stopped) return undefined;
  }

  const generator = await loadGenerator(out, { device });
  try {
    const judged: RunResult['judged'] = {};
    for (const [kind, own] of prompts) {
      const folder = join(out, 'pictures', kind);
      const drawing = generatePictures({
        generator,
        prompts: own.map(({ text }) => text),
        count: options.count,
        seed: options.noise,
        apart: true,
        request: {},
        out: folder,
        grid: false,
        signal,
      });
      for await (const event of clock.of('drawing', drawing)) {
        if (event.kind === 'progress') yield { ...event, kind: 'drawing' };
        if (event.kind === 'done' && event.stopped) return undefined;
      }
      judged[kind] = yield* clock.of('judging', judge(folder, own, options));
      if (signal.aborted) return undefined;
    }
    const curve = yield* curveOf(options, clock);
    if (signal.aborted) return undefined;
    const { minutes } = clock;
    minutes.training = Math.max(minutes.training, trained); // with that of sessions before this one
    const result = {
      arm,
      seed,
      plan: options.plan,
      step,
      generator: generator.id,
      parameters,
      learnt,
      pictures,
      judged,
      curve,
      minutes,
      made: provenance(),
    };
    await writeFileAtomic(join(out, RESULT), JSON.stringify(result));
    await rm(join(out, SNAPSHOTS), { recursive: true, force: true }); // they have told what they know
    return result;
  } finally {
    await generator.close();
  }
}

async function savedResult(out: string): Promise<RunResult | undefined> {
  const text = await readFile(join(out, RESULT), 'utf8').catch(() => '');
  return tryJson(text) as RunResult | undefined;
}

interface RunClock {
  minutes: Minutes;
  /** Passes on what a part of the work tells, and counts the time that it takes. */
  of<Event, Result>(part: keyof Minutes, work: AsyncGenerator<Event, Result>): AsyncGenerator<Event, Result>;
  during<T>(part: keyof Minutes, work: Promise<T>): Promise<T>;
}

function startClock(): RunClock {
  const minutes: Minutes = { training: 0, drawing: 0, judging: 0 };
  const during = async <T>(part: keyof Minutes, work: Promise<T>): Promise<T> => {
    const started = performance.now();
    try {
      return await work;
    } finally {
      minutes[part] += (performance.now() - started) / 60_000;
    }
  };
  return {
    minutes,
    during,
    async *of(part, work) {
      try {
        for (;;) {
          const { value, done } = await during(part, work.next());
          if (done) return value;
          yield value;
        }
      } finally {
        await work.return(undefined as never);
      }
    },
  };
}

/** Reads the pictures of a folder, and sets them beside what was asked for. */
async function* judge(
  folder: string,
  prompts: readonly Prompt[],
  { count, scenes, clip, training: { signal } }: RunOptions,
): AsyncGenerator<RunEvent, Judged> {
  const started = performance.now();
  const judged: Required<Judged> = { scenes: [], clip: [], cut: 0, verdicts: [] };
  for (const [i, { asked }] of prompts.entries()) {
    if (signal.aborted) break;
    const images: Image[] = [];
    for (let k = 0; k < count; k++)
      images.push(await decodeImage(join(folder, pictureName(i, k, { prompts: prompts.length, count }))));
    if (scenes) {
      const row = emptyRow();
      const claims = readClaims(asked);
      for (const [k, image] of images.entries()) {
        const verdict = checkScene(claims, readScene(image));
        addVerdict(row, verdict);
        if (k > 0) continue;
        const missed = SKILLS.filter((skill) => verdict.tally[skill].met < verdict.tally[skill].asked);
        judged.verdicts.push({ met: verdict.met, missed });
      }
      judged.scenes.push(row);
    }
    if (clip) {
      const { sum, cut } = await clipSum(clip, asked, images);
      judged.clip.push([sum, images.length]);
      judged.cut += cut;
    }
    const done = (i + 1) * count;
    const rate = (1000 * done) / (performance.now() - started);
    const total = prompts.length * count;
    yield { kind: 'judging', done, total, imagesPerSecond: rate, secondsLeft: (total - done) / rate };
  }
  return {
    ...(scenes && { scenes: judged.scenes, verdicts: judged.verdicts }),
    ...(clip && { clip: judged.clip, cut: judged.cut }),
  };
}

async function clipSum(
  clip: ClipEncoder,
  text: string,
  images: readonly Image[],
): Promise<{ sum: number; cut: number }> {
  const { embeddings: [words], cut } = await clip.embedTexts([text]); // biome-ignore format: one line
  const pictures = await clip.embedImages(images);
  return { sum: pictures.reduce((sum, picture) => sum + 100 * cosine(picture, words), 0), cut };
}

/** The CLIP score of each snapshot on the first prompts: how prompt following came about. */
async function* curveOf(
  { training, prompts, clip, noise }: RunOptions,
  clock: RunClock,
): AsyncGenerator<RunEvent, CurvePoint[]> {
  const points: CurvePoint[] = [];
  if (!clip) return points;
  for (const { step, path } of await snapshotsOf(training.out)) {
    if (training.signal.aborted) return points;
    const snapshot = await loadGenerator(training.out, { device: training.device, weights: path });
    try {
      const point: CurvePoint = { step, clip: {} };
      for (const [kind, all] of prompts) {
        const own = all.slice(0, CURVE_PROMPTS);
        const images = await clock.during('drawing', snapshotPictures(snapshot, own, noise));
        const sums = await clock.during('judging', embedAll(clip, own, images));
        point.clip[kind] = sums.reduce((sum, score) => sum + score, 0) / sums.length;
      }
      points.push(point);
      yield { kind: 'curve', point };
    } finally {
      await snapshot.close();
    }
  }
  return points;
}

async function snapshotsOf(out: string): Promise<{ step: number; path: string }[]> {
  const folder = join(out, SNAPSHOTS);
  const names = (await readdir(folder).catch(() => [])).filter((name) =>
    /^step-\d+\.safetensors$/.test(name),
  );
  return names.sort().map((name) => ({ step: Number(/\d+/.exec(name)), path: join(folder, name) }));
}

const snapshotPictures = (generator: Generator, prompts: readonly Prompt[], noise: number) =>
  generator.generate(
    prompts.map(({ text }) => text),
    { seeds: prompts.map((_, i) => noise + i) },
  );

async function embedAll(clip: ClipEncoder, prompts: readonly Prompt[], images: Image[]): Promise<number[]> {
  const { embeddings } = await clip.embedTexts(prompts.map(({ asked }) => asked));
  const pictures = await clip.embedImages(images);
  return pictures.map((picture, i) => 100 * cosine(picture, embeddings[i]));
}

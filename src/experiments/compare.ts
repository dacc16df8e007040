/**
 * Does one way to caption pictures make a better generator than another? The same generator (same first weights, same pictures in the same
 * order, same noise, same steps) is trained on each, asked for the same prompts with the same noise, and judged (DALL-E 3 paper, section 3).
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Upsampler } from '../captioners/upsampler.ts';
import { failureList } from '../data/index.ts';
import type { Failure } from '../data/sample.ts';
import { refuseInsideSource } from '../data/trainers/apart.ts';
import { RecaptionError } from '../errors.ts';
import { exists, writeError } from '../files.ts';
import { type GeneratorFile, parseGeneratorFile } from '../generators/config.ts';
import { generatorFolder } from '../generators/folder.ts';
import { type TrainGeneratorOptions, trainGenerator } from '../generators/train.ts';
import { lockOutput } from '../lock.ts';
import type { ClipEncoder } from '../metrics/clip-score.ts';
import { openCodec } from '../models/autoencoder/codec.ts';
import { hashOfWeights, writeJson } from '../models/model-folder.ts';
import { openTextEncoder } from '../models/text-encoder/encoder.ts';
import { statePath } from '../models/training/loop.ts';
import type { Device } from '../tensor/device.ts';
import { trainBpe } from '../text/bpe.ts';
import { createTokenizer, loadTokenizer } from '../text/tokenizer.ts';
import { type Arm, checkArms } from './arms.ts';
import { type Plan, samePlan, savedPlan, savePlan } from './plan.ts';
import { type Captioned, captionsOf, type Prompt, type PromptKind, promptsFor, readCaptioned, type Split, splitCollection } from './prompts.ts'; // biome-ignore format: one line
import { type CompareReport, summarise, writeReport } from './report.ts';
import { RUNS, type RunEvent, type RunResult, runArm, runFolder } from './run.ts';

export interface CompareOptions {
  /** Collections with captions, in any form that `openDataset` reads. */
  data: string[];
  /** Two and more ways to caption them; differences are to the first. */
  arms: readonly Arm[];
  /** Runs of each arm, with the seeds `seed`, `seed` + 1 … */
  seeds: number;
  seed: number;
  /** Of each training. Minutes are turned into steps once, by trying, so that all arms take the same. */
  steps?: number;
  minutes?: number;
  /** Kinds of captions that prompts are made of. */
  prompts: readonly PromptKind[];
  /** Collections that prompts are taken from; none: pictures of `data` that no arm learns. */
  test?: readonly string[];
  /** How many of these. */
  heldOut: number;
  /** Prompts of each kind, at most; pictures of each prompt. */
  most: number;
  count: number;
  /** `{ model, training, draw }` of `trainGenerator`. */
  config?: unknown;
  configPlace?: string;
  size?: number;
  latent?: string;
  text?: string;
  /** Generator that all arms start from. */
  init?: string;
  /** What looks at the pictures besides the scene reader: anybody's collection can be judged by it. */
  clip?: ClipEncoder;
  /** Which descriptive prompts are of the kind `rare`. */
  rare?: (text: string) => boolean;
  /** For the kind `upsampled`. */
  upsample?: Pick<Upsampler, 'id' | 'upsample'>;
  /** What the sentences are about; default: prompts of scenes fully met, or else the CLIP score. */
  main?: 'met' | 'claims' | 'clip';
  /** What the comparison is called, and the command that repeats it. */
  title?: string;
  command?: string;
  out: string;
  device: Device;
  resume: boolean;
  signal: AbortSignal;
}

export type CompareEvent =
  | {
      kind: 'comparison';
      arms: string[];
      seeds: number[];
      runs: number;
      steps: number;
      learnt: number;
      leftOut: { sayAPrompt: number; withoutKind: number };
      prompts: Partial<Record<PromptKind, number>>;
    }
  | { kind: 'measuring'; done: number; total: number }
  | { kind: 'run'; arm: string; seed: number; number: number; runs: number; event: RunEvent }
  | { kind: 'run-done'; number: number; runs: number; result: RunResult; secondsLeft: number }
  | { kind: 'failure'; failure: Failure }
  | { kind: 'warning'; code: string; message: string }
  | { kind: 'report'; report: CompareReport; path: string; complete: boolean }
  /** Whether there are runs to go on with. */
  | { kind: 'stopped'; kept: boolean };

/** What of the folder is locked. */
const LOCKED = 'plan.json';
/** Steps that tell how long one takes; the first are slower than the rest. */
const TRIED = 14;
const WARM = 4;
/** Points of the curve over training. */
const POINTS = 5;
/** Texts longer than this share of all are cut, as in training. */
const CUT = 0.995;

/**
 * Trains, draws, judges and reports what is not there yet. In the folder: plan.json, runs/ARM-SEED/ with each model and its pictures,
 * report.json and report.html, written anew after every run.
 * @throws RecaptionError `bad-arm`, `no-prompts`, `too-few-pictures`, `nothing-judges`, `run-exists`, `run-differs`, and those of `trainGenerator`
 */
export async function* compare(options: CompareOptions): AsyncGenerator<CompareEvent> {
  const started = performance.now();
  const { arms, out, clip } = options;
  const { saved, file } = await checkComparison(options);
  for (const place of [...options.data, ...(options.test ?? [])]) await refuseInsideSource(place, out);
  const failures = failureList();
  const data = await readCaptioned(options.data, failures.add);
  const test = options.test && (await readCaptioned(options.test, failures.add));
  for (const failure of failures.news()) yield { kind: 'failure', failure };

  const reader = await readerOf(options, file, data);
  const split = await splitCollection(data, test, {
    arms,
    kinds: options.prompts,
    heldOut: options.heldOut,
    most: options.most,
    seed: options.seed,
    fits: (text) => reader.count(text) <= reader.room,
    rare: options.rare,
    upsample:
      options.upsample &&
      ((prompts) => longerAsBefore(saved, prompts) ?? options.upsample!.upsample(prompts)),
  });
  if (!split.readable && !clip) {
    const what = split.scenes ? 'no prompt asks for anything that can be read back from a picture' : 'nobody can tell whether a picture shows its prompt'; // biome-ignore format: one line
    throw new RecaptionError('nothing-judges', what, {
      hint: 'Scenes of the world are read back; for other pictures name a CLIP, such as --clip Xenova/clip-vit-base-patch32.',
    });
  }
  if (split.tooLong > 0) yield { kind: 'warning', code: 'prompt-too-long', message: `${split.tooLong} prompts are longer than the text encoder reads, and are left out` }; // biome-ignore format: one line
  const learnt = data.filter(({ key }) => !split.leaveOut.has(key));
  const seeds = Array.from({ length: options.seeds }, (_, i) => options.seed + i);
  const given = {
    asked: askedFor(options),
    arms: arms.map(({ name, captions, reword }) => ({ name, captions, reworded: reword !== undefined })),
    seeds,
    prompts: Object.fromEntries(split.prompts) as Plan['prompts'],
    data: nameOf(data, split.leaveOut, arms),
    models: { ...reader.models, ...(options.latent !== undefined && { latent: await codecId(options.latent, options.device) }) }, // biome-ignore format: one line
  };
  if (saved) samePlan(saved, given, out);
  await mkdir(out, { recursive: true }).catch((error) => {
    throw writeError(out, error);
  });
  const release = lockOutput(join(out, LOCKED), 'working on this comparison', out);
  try {
    if (!saved) await rm(join(out, RUNS), { recursive: true, force: true }); // that were never begun
    const asked = arms.flatMap((arm) => [...promptsFor(arm, split.prompts).values()].flat());
    const words = await reader.prepare(learnt, asked, out);
    yield* allRuns({ options, split, learnt, given, saved, words, failures, started });
  } finally {
    release();
  }
}

/**
 * What can be known before any picture is read: whether the arms, the configuration and the folder do.
 * @throws RecaptionError as `compare`
 */
export async function checkComparison({ arms, out, resume, config, configPlace = 'config', init, data, test = [] }: Pick<CompareOptions, 'arms' | 'out' | 'resume' | 'config' | 'configPlace' | 'init'> & { data: readonly string[]; test?: readonly string[] }): Promise<{ saved: Plan | undefined; file: GeneratorFile }> {
  checkArms(arms);
  const saved = await savedPlan(out, resume);
  if (!saved && (await anyBegun(out))) throw new RecaptionError('run-exists', 'there are runs in this folder, of which nobody knows any more what they are', { place: join(out, RUNS), hint: 'Its plan.json is gone: name another --out, or delete the folder.' }); // biome-ignore format: one line
  const file = parseGeneratorFile(config, configPlace);
  if (init !== undefined) await generatorFolder(init);
  const both = test.find((place) => data.some((other) => resolve(other) === resolve(place)));
  if (both !== undefined) throw new RecaptionError('test-is-data', 'the prompts would be of pictures that are learnt', { place: both, hint: 'Name other pictures by --test, or leave it out: then some of --data are held out.' }); // biome-ignore format: one line
  return { saved, file };
} // biome-ignore format: one line

/** Whether a run was trained so far that something of it is there. */
async function anyBegun(out: string): Promise<boolean> {
  for (const run of await readdir(join(out, RUNS)).catch(() => []))
    for (const place of [statePath(join(out, RUNS, run)), join(out, RUNS, run, 'model.safetensors')])
      if (await exists(place)) return true;
  return false;
}

/** What was made of the same prompts when the comparison was begun: a language model may answer otherwise each time. */
function longerAsBefore(saved: Plan | undefined, prompts: readonly string[]): Promise<string[]> | undefined {
  const before = saved?.prompts.upsampled ?? [];
  const same = before.length === prompts.length && before.every(({ asked }, i) => asked === prompts[i]);
  return same ? Promise.resolve(before.map(({ text }) => text)) : undefined;
}

async function codecId(ref: string, device: Device): Promise<string> {
  const codec = await openCodec(ref, { device });
  await codec.close();
  return codec.id;
}

interface Prepared {
  options: CompareOptions;
  split: Split;
  learnt: readonly Captioned[];
  given: Omit<Plan, 'steps'>;
  saved: Plan | undefined;
  words: Words;
  /** What was told already. */
  failures: ReturnType<typeof failureList>;
  /** When the comparison was asked for, by `performance.now`. */
  started: number;
}

/** Every arm with every seed, and a report after each. */
async function* allRuns({
  options,
  split,
  learnt,
  given,
  saved,
  words,
  failures,
  started,
}: Prepared): AsyncGenerator<CompareEvent> {
  const { arms, out, signal, clip } = options;
  const { seeds } = given;
  const training = (arm: Arm, seed: number, steps: number): TrainGeneratorOptions => ({
    data: options.data,
    captions: arm.captions,
    config: withLooks(options.config, steps),
    configPlace: options.configPlace,
    size: options.size,
    latent: options.latent,
    text: options.text,
    init: options.init,
    ...words,
    leaveOut: split.leaveOut,
    reword: arm.reword,
    steps,
    seed,
    out: join(out, runFolder(arm.name, seed)),
    device: options.device,
    resume: false,
    signal,
  });
  let steps = saved?.steps ?? options.steps;
  if (steps === undefined) steps = yield* measureSteps(options, training(arms[0], seeds[0], TRIED), join(out, 'trial')); // biome-ignore format: one line
  if (signal.aborted) {
    yield { kind: 'stopped', kept: saved !== undefined };
    return;
  }
  const plan: Plan = { ...given, steps };
  const runs = seeds.flatMap((seed) => arms.map((arm) => ({ arm, seed })));
  yield {
    kind: 'comparison',
    arms: arms.map(({ name }) => name),
    seeds,
    runs: runs.length,
    steps,
    learnt: split.learnt,
    leftOut: { sayAPrompt: split.sayAPrompt, withoutKind: split.withoutKind },
    prompts: Object.fromEntries([...split.prompts].map(([kind, { length }]) => [kind, length])),
  };

  const results: RunResult[] = [];
  let spent = 0; // minutes of the runs of this session
  let fresh = 0;
  let planned = saved !== undefined;
  const digest = createHash('sha256').update(JSON.stringify(plan)).digest('hex').slice(0, 16);
  for (const [i, { arm, seed }] of runs.entries()) {
    const began = performance.now();
    const run = runArm({
      arm: arm.name,
      training: training(arm, seed, steps),
      prompts: promptsFor(arm, split.prompts),
      count: options.count,
      noise: options.seed,
      scenes: split.scenes,
      clip,
      plan: digest,
    });
    let worked = false;
    let result: RunResult | undefined;
    for (;;) {
      const next = await run.next();
      if (next.done) {
        result = next.value;
        break;
      }
      worked = true;
      // Only what can be begun is kept: a size that does not fit leaves nothing behind.
      const { value: event } = next;
      if (!planned && event.kind === 'plan') {
        await savePlan(out, plan);
        planned = true;
      }
      if (event.kind === 'failure') {
        // All arms learn the same pictures: once is enough.
        const { key, code } = event.failure;
        if (!failures.all().some((one) => one.key === key && one.code === code)) {
          failures.add(event.failure);
          yield event;
        }
      }
      yield { kind: 'run', arm: arm.name, seed, number: i + 1, runs: runs.length, event };
    }
    if (result === undefined || signal.aborted) {
      yield { kind: 'stopped', kept: planned };
      return;
    }
    results.push(result);
    if (result.pictures !== results[0].pictures)
      throw new RecaptionError('run-differs', `"${result.arm}" with seed ${result.seed} has learnt other pictures than "${results[0].arm}" with seed ${results[0].seed}`, { place: out, hint: 'The pictures were changed between the trainings: start again in another folder.' }); // biome-ignore format: one line
    if (worked) {
      spent += (performance.now() - began) / 1000;
      fresh++;
    }
    const secondsLeft = fresh > 0 ? ((runs.length - i - 1) * spent) / fresh : 0;
    yield { kind: 'run-done', number: i + 1, runs: runs.length, result, secondsLeft };
    const complete = i === runs.length - 1;
    if (!complete && !worked) continue;
    const report = summarise({ options, plan, split, learnt, results, complete, minutes: (performance.now() - started) / 60_000 }); // biome-ignore format: one line
    const path = await writeReport(out, report, { learnt, arms, data: options.data });
    yield { kind: 'report', report, path, complete };
  }
}

/** All options that change what comes out. */
function askedFor({
  data,
  test,
  prompts,
  heldOut,
  most,
  count,
  config,
  size,
  latent,
  text,
  init,
  clip,
  upsample,
  steps,
  minutes,
}: CompareOptions): unknown {
  const full = (places: readonly string[] | undefined) => places?.map((place) => resolve(place));
  return { data: full(data), test: full(test), prompts, heldOut, most, count, config, size, latent, text, init, clip: clip?.id, upsample: upsample?.id, steps, minutes }; // biome-ignore format: one line
}

/** Of all pictures, whether they are learnt, and all that arms may read of them: a tokenizer is learnt from those that are left out, too. */
function nameOf(data: readonly Captioned[], leaveOut: ReadonlySet<string>, arms: readonly Arm[]): string {
  const hash = createHash('sha256');
  for (const one of data)
    hash.update(JSON.stringify([one.key, leaveOut.has(one.key), ...arms.map((arm) => captionsOf(one, arm))]));
  return hash.digest('hex').slice(0, 16);
}

/** What all arms read with: a tokenizer, and room for so many tokens; none where the generator that they start from has its own. */
interface Words {
  tokenizer?: string;
  room?: number;
}

interface Reader {
  /** Hashes of the models that the generators are made of. */
  models: Record<string, string>;
  /** Tokens of a text, and how many are read at most. */
  count(text: string): number;
  room: number;
  /** @param prompts as the arms get them */
  prepare(learnt: readonly Captioned[], prompts: readonly Prompt[], out: string): Promise<Words>;
}

/** Who turns texts into tokens: a frozen encoder, the generator that all start from, or a tokenizer learnt from the captions of all arms. */
async function readerOf(
  options: CompareOptions,
  { model }: GeneratorFile,
  data: readonly Captioned[],
): Promise<Reader> {
  const init = options.init === undefined ? undefined : await generatorFolder(options.init);
  const models = init && { init: await hashOfWeights(init.files.weights, 16) };
  const room = init?.model.text.maxTokens ?? model.text.maxTokens;
  const text = options.text ?? init?.text?.ref;
  /** Room for nearly all captions of all arms, and for every prompt. */
  const roomOf = (count: Reader['count'], most: number, learnt: readonly Captioned[], prompts: readonly Prompt[]): number => {
    const lengths = learnt.flatMap((one) => options.arms.flatMap((arm) => captionsOf(one, arm))).map(count).sort((a, b) => a - b);
    const usual = lengths[Math.min(lengths.length - 1, Math.floor(CUT * lengths.length))];
    const longest = prompts.reduce((most, { text }) => Math.max(most, count(text)), usual);
    return Math.min(most, 8 * Math.ceil(longest / 8));
  }; // biome-ignore format: one line
  if (text !== undefined) {
    const encoder = await openTextEncoder(text, { device: options.device, maxTokens: room });
    await encoder.close();
    const { count, maxTokens, id } = encoder;
    return { models: { ...models, text: id }, count, room: maxTokens, prepare: async (learnt, prompts) => (init ? {} : { room: roomOf(count, maxTokens, learnt, prompts) }) }; // biome-ignore format: one line
  }
  if (init) {
    const { encode } = await loadTokenizer(init.files.tokenizer);
    return { models: models!, count: (said) => encode(said).length, room, prepare: async () => ({}) };
  }
  const texts = data.flatMap((one) => options.arms.flatMap((arm) => captionsOf(one, arm)));
  const tokenizer = createTokenizer(trainBpe(texts, { vocabSize: model.text.vocabulary }));
  const count = (said: string) => tokenizer.encode(said).length;
  return {
    models: {},
    count,
    room,
    async prepare(learnt, prompts, out) {
      await writeJson(out, 'tokenizer.json', tokenizer.toJSON());
      return { tokenizer: join(out, 'tokenizer.json'), room: roomOf(count, room, learnt, prompts) };
    },
  };
}

/** The user's configuration, looking at the run a few times. */
function withLooks(config: unknown, steps: number): unknown {
  const { training, ...rest } = (config ?? {}) as { training?: object };
  return { ...rest, training: { ...training, validateEvery: Math.ceil(steps / POINTS), snapshots: true } };
}

/** How many steps the minutes are worth, by trying a few on the first arm. */
async function* measureSteps(
  { minutes = 5 }: CompareOptions,
  training: TrainGeneratorOptions,
  out: string,
): AsyncGenerator<CompareEvent, number> {
  await rm(out, { recursive: true, force: true });
  const times: number[] = [];
  let last = performance.now();
  for await (const event of trainGenerator({ ...training, out, config: withoutLooks(training.config) })) {
    if (event.kind !== 'step') continue;
    times.push(performance.now() - last);
    last = performance.now();
    yield { kind: 'measuring', done: event.step, total: TRIED };
  }
  await rm(out, { recursive: true, force: true });
  const usual = times.slice(WARM).sort((a, b) => a - b);
  return Math.max(1, Math.round((minutes * 60_000) / usual[Math.floor(usual.length / 2)]));
}

function withoutLooks(config: unknown): unknown {
  const { training, ...rest } = config as { training: object };
  return { ...rest, training: { ...training, validateEvery: 10 * TRIED, snapshots: false, previews: 0 } };
}

/** What a comparison found, in numbers and in a sentence; `report.json` is this, `report.html` shows it. */
import { join } from 'node:path';
import { drawCaptions } from '../data/blend.ts';
import { loadImages, openDataset, withKeys } from '../data/index.ts';
import { checkScene } from '../evaluate/scene-check.ts';
import { addVerdict, emptyRow, SCENE_SCORES, type SceneScore, sceneTable } from '../evaluate/scenes.ts';
import { writeFileAtomic } from '../files.ts';
import { dataUrl, decodeImage, encodePng } from '../image/index.ts';
import { pictureName } from '../jobs/generate-job.ts';
import { type Additive, additive, sumRows } from '../metrics/additive.ts';
import {
  bootstrap,
  type Difference,
  type Interval,
  pairedBootstrap,
  scoresOf,
} from '../metrics/bootstrap.ts';
import { type CaptionStyle, captionStyle, countStyle } from '../metrics/style.ts';
import { writeJson } from '../models/model-folder.ts';
import { type Provenance, provenance } from '../provenance.ts';
import { readClaims, type Scene } from '../world/index.ts';
import { type Arm, mixInWords } from './arms.ts';
import type { CompareOptions } from './compare.ts';
import type { Plan } from './plan.ts';
import type { Captioned, Prompt, PromptKind, Split } from './prompts.ts';
import { reportPage } from './report-page.ts';
import { type RunResult, runFolder } from './run.ts';

/** Shares in [0, 1]; `clip` is 100 · cosine. */
export type Score = SceneScore | 'clip';

export interface Estimate {
  value: number;
  /** 95 %: over prompts, and over seeds where there are several. */
  interval: Interval;
}

export interface ArmReport {
  name: string;
  captions: string;
  /** Something is done to the captions besides. */
  reworded: boolean;
  /** Of the captions that it learns, one of each picture. */
  style: CaptionStyle;
  /** Of scenes: how much of what these captions claim is true, in all and by skill. */
  truth?: Partial<Record<SceneScore, { rate: number; claims: number }>>;
}

export interface ArmResult {
  kind: PromptKind;
  arm: string;
  scores: Partial<Record<Score, Estimate & { asked: number }>>;
  /** The main score of each seed. */
  perSeed: { seed: number; value: number }[];
}

export interface ArmDifference extends Difference {
  kind: PromptKind;
  score: Score;
  from: string;
  to: string;
  perSeed: (Difference & { seed: number })[];
}

/** What it is worth to make prompts longer: the same prompts drawn as they were and as they became, judged by what they were. */
export interface UpsamplingEffect {
  /** The kind that was made longer, among those that were drawn as they are too. */
  of: PromptKind;
  prompts: number;
  /** That became longer; the others stayed as they were. */
  longer: number;
  /** The main score of each arm. */
  arms: (Difference & { arm: string; short: number; upsampled: number })[];
}

export interface Curve {
  kind: PromptKind;
  arm: string;
  /** Mean over the seeds, and the least and the most of them. */
  points: { step: number; mean: number; least: number; most: number }[];
}

export interface Example {
  kind: PromptKind;
  prompt: Prompt;
  /** For each arm the picture of the first seed, within the folder. */
  arms: { name: string; picture: string; met?: boolean; missed?: string[] }[];
}

export interface CompareReport {
  format: 1;
  title: string;
  /** All runs are done. */
  complete: boolean;
  /** Which score the sentences are about. */
  main: Score;
  conclusion: string[];
  command?: string;
  made: Provenance;
  comparison: {
    data: string[];
    test?: readonly string[];
    learnt: number;
    sayAPrompt: number;
    withoutKind: number;
    /** Prompts that the text encoder cannot read to their end; they are not asked. */
    tooLong: number;
    steps: number;
    seeds: number[];
    prompts: Partial<Record<PromptKind, number>>;
    picturesPerPrompt: number;
    noise: number;
    parameters: number;
    clip?: string;
    /** Prompts that this CLIP reads the beginning of. */
    cut?: number;
    upsampler?: string;
    init?: string;
    config?: unknown;
  };
  arms: ArmReport[];
  results: ArmResult[];
  differences: ArmDifference[];
  /** Where prompts were drawn both ways. */
  upsampling?: UpsamplingEffect;
  curves: Curve[];
  examples: Example[];
  minutes: {
    runs: { arm: string; seed: number; training: number; drawing: number; judging: number; made: Provenance }[]; // biome-ignore format: one line
    /** Of this session, from its start. */
    session: number;
  };
}

export interface Summary {
  options: CompareOptions;
  plan: Plan;
  split: Split;
  learnt: readonly Captioned[];
  results: readonly RunResult[];
  complete: boolean;
  minutes: number;
}

/** Captions whose style is counted, and whose truth, of each arm. */
const STYLED = 2000;
/** Prompts of each kind whose pictures are shown. */
const SHOWN = 12;

export function summarise({
  options,
  plan,
  split,
  learnt,
  results,
  complete,
  minutes,
}: Summary): CompareReport {
  const { arms, clip } = options;
  const main: Score = split.readable ? (options.main ?? 'met') : 'clip';
  // Only seeds that every arm has been trained with: the others would not be paired.
  const seeds = plan.seeds.filter((seed) => arms.every(({ name }) => found(results, name, seed)));
  const kinds = [...split.prompts.keys()];
  const all = (kind: PromptKind, arm: string) =>
    seeds.map((seed) => scored(found(results, arm, seed)!, kind));
  const any = seeds.length > 0 ? kinds : [];
  const measured = any.flatMap((kind) =>
    arms.map(({ name }) => resultOf(kind, name, seeds, all(kind, name), main)),
  );
  const pairs = arms.flatMap((to, i) => arms.slice(0, i).map((from) => ({ from: from.name, to: to.name })));
  const differences = any.flatMap((kind) =>
    pairs.flatMap(({ from, to }) => differencesOf(kind, from, to, seeds, all(kind, from), all(kind, to))),
  );
  const upsampling = seeds.length > 0 ? upsamplingOf(split.prompts, arms, all, main) : undefined;
  return {
    format: 1,
    title: options.title ?? 'Which captions make the better generator?',
    complete,
    main,
    conclusion: conclude(
      measured,
      differences,
      main,
      arms,
      { seeds: seeds.length, count: options.count },
      upsampling,
    ),
    ...(options.command && { command: options.command }),
    made: provenance(),
    comparison: {
      data: options.data,
      ...(options.test && { test: options.test }),
      learnt: results[0]?.learnt ?? split.learnt,
      sayAPrompt: split.sayAPrompt,
      withoutKind: split.withoutKind,
      tooLong: split.tooLong,
      steps: plan.steps,
      seeds: plan.seeds,
      prompts: Object.fromEntries([...split.prompts].map(([kind, { length }]) => [kind, length])),
      picturesPerPrompt: options.count,
      noise: options.seed,
      parameters: results[0]?.parameters ?? 0,
      ...(clip && { clip: clip.id, cut: Object.values(results[0]?.judged ?? {}).reduce((sum, { cut = 0 }) => sum + cut, 0) }), // biome-ignore format: one line
      ...(options.upsample && { upsampler: options.upsample.id }),
      ...(options.init && { init: options.init }),
      ...(options.config !== undefined && { config: options.config }),
    },
    arms: arms.map((arm) => armReport(arm, learnt.slice(0, STYLED), plan.seeds[0])),
    results: measured,
    differences,
    ...(upsampling && { upsampling }),
    curves: kinds.flatMap((kind) => arms.map(({ name }) => curveOf(kind, name, results))).filter(({ points }) => points.length > 0), // biome-ignore format: one line
    examples: any.flatMap((kind) => examplesOf(kind, split, arms, results, seeds[0], options.count)), // biome-ignore format: one line
    minutes: {
      runs: results.map(({ arm, seed, minutes, made }) => ({ arm, seed, ...minutes, made })),
      session: minutes,
    },
  };
}

function armReport(arm: Arm, learnt: readonly Captioned[], seed: number): ArmReport {
  const captions = learnt.map((one) => ({
    image: one.key,
    text: learntCaption(one, arm, seed),
    scene: one.scene,
  }));
  const truth = captions.every(({ scene }) => scene) ? truthOf(captions) : undefined;
  return {
    name: arm.name,
    captions: mixInWords(arm.captions),
    reworded: arm.reword !== undefined,
    style: captionStyle(countStyle(captions), { top: 5 }),
    ...(truth && { truth }),
  };
}

function truthOf(captions: readonly { text: string; scene?: Scene }[]): ArmReport['truth'] {
  const rows = captions.map(({ text, scene }) => {
    const row = emptyRow();
    addVerdict(row, checkScene(readClaims(text), scene!));
    return row;
  });
  const sums = sumRows(sceneTable(rows));
  return Object.fromEntries(
    SCENE_SCORES.flatMap((score, i) => {
      const claims = sums[2 * i + 1];
      return claims > 0 ? [[score, { rate: sums[2 * i] / claims, claims }]] : [];
    }),
  );
}

const found = (results: readonly RunResult[], arm: string, seed: number) =>
  results.find((one) => one.arm === arm && one.seed === seed);

/** The caption that an arm learns of a picture in the first pass. */
export function learntCaption(
  { key, captions }: Captioned,
  { captions: blend, reword }: Arm,
  seed: number,
): string {
  const [{ text, kind }] = drawCaptions({ key, captions }, blend, { seed, epoch: 0 }).captions;
  return reword ? reword(text, { key, kind }) : text;
}

/** Scores of the pictures of a kind of prompt; `asked` is the column that counts how often a score was asked for. */
interface Scored {
  table: Additive;
  names: { score: Score; asked: number }[];
}

function scored({ judged }: RunResult, kind: PromptKind): Scored {
  const { scenes, clip } = judged[kind]!;
  const parts: Scored[] = [];
  if (scenes) parts.push({ table: sceneTable(scenes), names: SCENE_SCORES.map((score, i) => ({ score, asked: 2 * i + 1 })) }); // biome-ignore format: one line
  if (clip) parts.push({ table: additive(clip, 2, ([sum, count]) => [count > 0 ? sum / count : 0]), names: [{ score: 'clip', asked: 1 }] }); // biome-ignore format: one line
  return parts.reduce(beside);
}

/** The columns of both, of the same prompts. */
function beside(one: Scored, other: Scored): Scored {
  const { width } = one.table;
  const prompts = one.table.rows.length / width;
  const rowOf = ({ table: { rows, width } }: Scored, i: number) => rows.subarray(i * width, (i + 1) * width);
  const rows = Array.from({ length: prompts }, (_, i) => [...rowOf(one, i), ...rowOf(other, i)]);
  return {
    table: additive(rows, width + other.table.width, (sum) => [
      ...one.table.scores(sum.subarray(0, width)),
      ...other.table.scores(sum.subarray(width)),
    ]),
    names: [...one.names, ...other.names.map(({ score, asked }) => ({ score, asked: width + asked }))],
  };
}

const tablesOf = (all: readonly Scored[]): Additive[] => all.map(({ table }) => table);

/** Places of the scores that anybody asked for. */
function askedFor([{ table, names }]: readonly Scored[]): { score: Score; at: number; asked: number }[] {
  const sums = sumRows(table);
  return names
    .map(({ score, asked }, at) => ({ score, at, asked: sums[asked] }))
    .filter(({ asked }) => asked > 0);
}

function resultOf(
  kind: PromptKind,
  arm: string,
  seeds: readonly number[],
  all: readonly Scored[],
  main: Score,
): ArmResult {
  const [values, intervals] = [scoresOf(tablesOf(all)), bootstrap(tablesOf(all))];
  const wanted = askedFor(all);
  const mainAt = wanted.find(({ score }) => score === main)?.at ?? 0;
  return {
    kind,
    arm,
    scores: Object.fromEntries(wanted.map(({ score, at, asked }) => [score, { value: values[at], interval: intervals[at], asked: asked * all.length }])), // biome-ignore format: one line
    perSeed: all.map(({ table }, i) => ({ seed: seeds[i], value: scoresOf(table)[mainAt] })),
  };
}

function differencesOf(
  kind: PromptKind,
  from: string,
  to: string,
  seeds: readonly number[],
  one: readonly Scored[],
  other: readonly Scored[],
): ArmDifference[] {
  const all = pairedBootstrap(tablesOf(one), tablesOf(other));
  const each = seeds.map((_, i) => pairedBootstrap(one[i].table, other[i].table));
  return askedFor(one).map(({ score, at }) => ({
    kind,
    score,
    from,
    to,
    ...all[at],
    perSeed: seeds.map((seed, i) => ({ seed, ...each[i][at] })),
  }));
}

function upsamplingOf(
  prompts: Split['prompts'],
  arms: readonly Arm[],
  all: (kind: PromptKind, arm: string) => Scored[],
  main: Score,
): UpsamplingEffect | undefined {
  const longer = prompts.get('upsampled');
  const [of] = [...prompts].find(([kind, own]) => kind !== 'upsampled' && own.length === longer?.length && own.every(({ asked }, i) => asked === longer[i].asked)) ?? []; // biome-ignore format: one line
  if (longer === undefined || of === undefined) return undefined;
  return {
    of,
    prompts: longer.length,
    longer: longer.filter(({ text, asked }) => text !== asked).length,
    arms: arms.flatMap(({ name: arm }) => {
      const [before, after] = [all(of, arm), all('upsampled', arm)];
      const at = askedFor(before).find(({ score }) => score === main)?.at;
      if (at === undefined) return [];
      const [short, upsampled] = [before, after].map((one) => scoresOf(tablesOf(one))[at]);
      return [{ arm, short, upsampled, ...pairedBootstrap(tablesOf(before), tablesOf(after))[at] }];
    }),
  };
}

function curveOf(kind: PromptKind, arm: string, results: readonly RunResult[]): Curve {
  const own = results.filter((one) => one.arm === arm);
  const steps = [...new Set(own.flatMap(({ curve }) => curve.map(({ step }) => step)))].sort((a, b) => a - b);
  const points = steps.flatMap((step) => {
    const values = own.flatMap(({ curve }) => curve.find((point) => point.step === step)?.clip[kind] ?? []);
    if (values.length === 0) return [];
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return [{ step, mean, least: Math.min(...values), most: Math.max(...values) }];
  });
  return { kind, arm, points };
}

function examplesOf(
  kind: PromptKind,
  { prompts }: Split,
  arms: readonly Arm[],
  results: readonly RunResult[],
  seed: number,
  count: number,
): Example[] {
  const all = prompts.get(kind)!;
  const name = (i: number) => pictureName(i, 0, { prompts: all.length, count });
  return all.slice(0, SHOWN).map((prompt, i) => ({
    kind,
    prompt,
    arms: arms.map((arm) => ({
      name: arm.name,
      picture: join(runFolder(arm.name, seed), 'pictures', kind, name(i)),
      ...found(results, arm.name, seed)?.judged[kind]?.verdicts?.[i],
    })),
  }));
}

/** How a sentence about a main score begins and what an arm does in it. */
const SAY: Partial<Record<Score, { of: (kind: PromptKind) => string; does: (figure: string) => string }>> = {
  met: { of: (kind) => `Of the ${kind} prompts`, does: (figure) => `meets ${figure} % in full` },
  claims: { of: (kind) => `Of all that ${kind} prompts ask for`, does: (figure) => `draws ${figure} %` },
  clip: { of: (kind) => `On ${kind} prompts`, does: (figure) => `has a CLIP score of ${figure}` },
};

/** With fewer prompts nothing is said of differences: all that is resampled is the same few. */
const LEAST_PROMPTS = 20;

/** Prompts of a kind that ask for something that can be judged, each of which was drawn so many times. */
export function judgedOf(results: readonly ArmResult[], kind: PromptKind, times: number): number {
  const { scores = {} } = results.find((one) => one.kind === kind) ?? {};
  return ((scores.met ?? scores.clip)?.asked ?? 0) / times;
}

/** A sentence for each kind of prompt and each arm after the first: what it gained, or that nothing was shown. */
function conclude(
  results: readonly ArmResult[],
  differences: readonly ArmDifference[],
  main: Score,
  arms: readonly Arm[],
  { seeds, count }: { seeds: number; count: number },
  upsampling: UpsamplingEffect | undefined,
): string[] {
  const [{ name: first }] = arms;
  const [scale, points, percent] = main === 'clip' ? [1, '', ''] : [100, ' points', ' %'];
  const figure = (x: number) => (scale * x + 0).toFixed(main === 'clip' ? 2 : 1).replace(/^-(0\.0+)$/, '$1');
  const { of, does } = SAY[main]!;
  const once = seeds > 1 ? '' : ', one training each: another may turn out otherwise';
  const verdict = (
    figures: string,
    asked: number,
    { interval, difference }: Difference,
    more: string,
  ): string => {
    if (asked < LEAST_PROMPTS)
      return `${figures}: ${asked === 1 ? '1 prompt that can be judged is' : `${asked} prompts that can be judged are`} too few to say more.`;
    const ends = difference < 0 && interval[1] < 0 ? interval.map((end) => -end).reverse() : interval;
    const spread = `95 % interval over prompts${seeds > 1 ? ' and seeds' : ''} ${ends.map(figure).join(' to ')}`;
    if (interval[0] <= 0 && interval[1] >= 0)
      return `${figures}: no difference shown (${figure(difference)}${points}, ${spread}${once}).`;
    return `${figures}: ${figure(Math.abs(difference))}${points} ${difference > 0 ? 'more' : 'less'} (${spread}${more}).`;
  };
  const betweenArms = differences
    .filter(({ from, score }) => from === first && score === main)
    .map((one) => {
      const { kind, to, difference, perSeed } = one;
      const value = (arm: string) => figure(results.find((result) => result.kind === kind && result.arm === arm)!.scores[main]!.value); // biome-ignore format: one line
      const figures = `${of(kind)}, ${to} ${does(value(to))} and ${first} ${value(first)}${percent}`;
      const signs = perSeed.filter((seed) => Math.sign(seed.difference) === Math.sign(difference)).length;
      const every = seeds > 1 ? `, ${seeds} seeds, the same sign in ${signs === seeds ? 'each' : `${signs} of them`}` : once; // biome-ignore format: one line
      return verdict(figures, judgedOf(results, kind, seeds * count), one, every);
    });
  if (upsampling === undefined) return betweenArms;
  const { of: kind, longer, prompts: asked } = upsampling;
  const made = upsampling.arms.map((one) => verdict(`${of(kind)}, made longer (${longer} of ${asked} were), ${one.arm} ${does(figure(one.upsampled))} and as they were ${figure(one.short)}${percent}`, judgedOf(results, kind, seeds * count), one, once)); // biome-ignore format: one line
  return [...betweenArms, ...made];
}

/** Pictures whose captions are shown side by side. */
const CAPTIONED = 6;
/** Longest side of these, in pixels. */
const THUMBNAIL = 160;

/** Writes report.json and report.html. @returns the path of the page */
export async function writeReport(
  out: string,
  report: CompareReport,
  { learnt, arms, data }: { learnt: readonly Captioned[]; arms: readonly Arm[]; data: readonly string[] },
): Promise<string> {
  await writeJson(out, 'report.json', report);
  const images = new Map<string, string>();
  for (const { arms } of report.examples)
    for (const { picture } of arms)
      images.set(picture, dataUrl(await encodePng(await decodeImage(join(out, picture)))));
  const some = learnt.slice(0, CAPTIONED);
  const thumbnails = await thumbnailsOf(data, new Set(some.map(({ key }) => key)));
  const captioned = some.map((one) => ({
    key: one.key,
    picture: thumbnails.get(one.key),
    captions: arms.map((arm) => ({
      arm: arm.name,
      text: learntCaption(one, arm, report.comparison.seeds[0]),
    })),
  }));
  const path = join(out, 'report.html');
  await writeFileAtomic(path, reportPage(report, { captioned, images }));
  return path;
}

async function thumbnailsOf(
  places: readonly string[],
  keys: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const place of places) {
    const wanted = [...keys].filter((key) => !found.has(key));
    if (wanted.length === 0) break;
    const samples = withKeys(await openDataset(place), wanted);
    for await (const { sample, image } of loadImages(samples, { maxSide: THUMBNAIL }))
      found.set(sample.key, dataUrl(await encodePng(image)));
  }
  return found;
}

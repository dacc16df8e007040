import type { Command } from 'commander';
import {
  type Candidate,
  failureList,
  type OnFailure,
  type Paired,
  pairCaptions,
  type References,
  readCandidates,
  readReferences,
} from '../data/index.ts';
import { UsageError } from '../errors.ts';
import {
  type BootstrapOptions,
  bootstrap,
  CAPTION_METRICS,
  type CaptionMetric,
  type ClipScoreReport,
  type ClipScores,
  compareScores,
  pairedBootstrap,
  type ScoreReport,
  scoreCaptions,
  scoreIntervals,
} from '../metrics/index.ts';
import type { Device } from '../tensor/device.ts';
import { type ClipRequest, scoreWithClip } from './clip-scores.ts';
import { type Context, EXIT } from './main.ts';
import { deviceOption, wholeNumber } from './options.ts';
import { counted, type Output, printable } from './output.ts';
import { perImageLines, type Scores, scoreTable } from './score-tables.ts';

interface Options {
  references?: string;
  metrics?: CaptionMetric[];
  tokenized: boolean;
  compare?: string;
  clip?: string;
  images?: string;
  clipPrefix: string;
  device: Device;
  perImage: boolean;
  draws: number;
  seed: number;
}

export function registerScoreCaptions(score: Command, context: Context): void {
  score
    .command('captions')
    .summary(
      'compare captions with references (BLEU, METEOR, ROUGE-L, CIDEr, SPICE) and pictures (CLIPScore)',
    )
    .description(
      'Compares captions with references of the same images, and with the pictures by a CLIP, each score with its 95 % ' +
        'bootstrap interval over the images.',
    )
    .argument('<file>', 'JSON or JSON lines of {image_id, caption, references}, or COCO results')
    .option('--references <source>', 'file of references, COCO annotations, or any collection with captions')
    .option('--metrics <list>', `some of them, with commas: ${CAPTION_METRICS.join(',')}`, parseMetrics)
    .option('--tokenized', 'the texts are tokens with spaces between them already', false)
    .option(
      '--clip <ref>',
      'CLIPScore by a CLIP of the Hugging Face hub, by its folder, or by a captioner of ours',
    )
    .option('--images <source>', 'for --clip: the collection with the pictures (default: --references)')
    .option(
      '--clip-prefix <text>',
      'set before each caption; the paper of CLIPScore has "A photo depicts "',
      '',
    )
    .addOption(deviceOption())
    .option('--compare <file>', 'other captions of the same images, to be compared with the first')
    .option('--per-image', 'the scores of each image too', false)
    .option('--draws <n>', 'bootstrap samples', wholeNumber(10, 1_000_000), 1000)
    .option('--seed <k>', 'of the bootstrap: the same seed gives the same intervals', wholeNumber(0), 1)
    .addHelpText(
      'after',
      '\nExamples:\n  $ recaption score captions new.jsonl --references captions_val2017.json --compare old.jsonl\n' +
        '  $ recaption score captions new.jsonl --clip Xenova/clip-vit-base-patch32 --images photos',
    )
    .action((file: string, options: Options) => scoreCommand(file, options, context));
}

async function scoreCommand(file: string, options: Options, { output, exit }: Context): Promise<void> {
  const { draws, seed, compare } = options;
  const clip = clipRequest(options);
  const failures = failureList();
  const set = await readCandidates(file, failures.add);
  const other = compare === undefined ? undefined : await readCandidates(compare, failures.add);
  const beside = set.references.size > 0 ? set : (other ?? set);
  const references =
    options.references === undefined
      ? beside.references
      : await readReferences(options.references, failures.add);
  const sets = [set, ...(other ? [other] : [])].map(({ candidates }) => candidates);
  // With a CLIP, references are not needed.
  const text = clip && references.size === 0 ? undefined : await byText(sets, references, file, options);
  const seen = clip && (await byClip(sets, references, clip, options, failures.add, output));

  const warnings = [...(text?.warnings ?? []), ...(seen?.warnings ?? [])];
  for (const failure of failures.all()) output.failure(failure);
  for (const warning of warnings) output.note(`warning: ${printable(warning)}`);
  output.record({
    ...(text?.record ?? { metrics: {}, intervals: {}, n: 0 }),
    ...(seen && { clip: seen.record }),
    bootstrap: { draws, seed, level: 0.95 },
    warnings,
    notes: text?.notes ?? [],
    failed: failures.all().length,
  });
  const intervals = `95 % intervals from ${counted(draws, 'draw')}, seed ${seed}`;
  for (const part of [text, seen]) {
    if (part === undefined) continue;
    output.print(`${part.title}; ${intervals}`);
    for (const line of part.lines) output.print(line);
    for (const note of part.notes) output.print(output.dim(note));
  }
  if (failures.all().length > 0 || text?.leftOut || seen?.leftOut) exit(EXIT.doneWithFailures);
}

/** @throws UsageError where a CLIP is asked for and no picture is named, or the other way round. */
function clipRequest({ clip, images, references, clipPrefix, device }: Options): ClipRequest | undefined {
  if (clip === undefined) {
    if (images === undefined) return undefined;
    throw new UsageError('--images goes with --clip', { hint: 'Name a CLIP to compare the pictures with.' });
  }
  const place = images ?? references;
  if (place !== undefined) return { clip, images: place, prefix: clipPrefix, device };
  throw new UsageError('--clip needs the pictures', { hint: 'Name the collection that has them: --images' });
}

/** What a part of the report says, for people and for machines. */
interface Part {
  title: string;
  lines: string[];
  notes: string[];
  warnings: string[];
  /** Something is missing from the figures. */
  leftOut: boolean;
  record: object;
}

type Sets = readonly (readonly Candidate[])[];

async function byText(sets: Sets, references: References, file: string, options: Options): Promise<Part> {
  const { metrics, draws, seed, compare } = options;
  const paired = pairCaptions(sets, references, options.references ?? file);
  const tokenize = options.tokenized ? (text: string) => text.split(/\s+/).filter(Boolean) : undefined;
  const reports: ScoreReport[] = [];
  for (const candidates of paired.candidates)
    reports.push(await scoreCaptions(candidates, paired.references, { metrics, tokenize }));
  const [report, second] = reports;
  const intervals = scoreIntervals(report, { draws, seed });
  const compared = second && {
    metrics: second.metrics,
    differences: compareScores(report, second, { draws, seed }),
  };
  const perImage = perImageOf(options, paired.ids);
  const count = paired.references.reduce((sum, own) => sum + own.length, 0);
  return {
    title: `${counted(report.n, 'image')}, ${counted(count, 'reference')}`,
    lines: [
      ...scoreTable({ metrics: report.metrics, intervals }, compared),
      ...(options.perImage ? perImageLines(paired.ids, report.metrics, report.perImage) : []),
    ],
    notes: [...detailLines(report), ...report.notes],
    warnings: [...new Set([...pairingWarnings(paired), ...reports.flatMap(({ warnings }) => warnings)])],
    leftOut: paired.withoutReference.length + paired.withoutCounterpart.length > 0,
    record: {
      metrics: report.metrics,
      intervals,
      ...perImage(report),
      details: report.details,
      n: report.n,
      ...(compared && { compare: { file: compare, ...compared, ...perImage(second) } }),
    },
  };
}

async function byClip(
  sets: Sets,
  references: References,
  request: ClipRequest,
  options: Options,
  onFailure: OnFailure,
  output: Output,
): Promise<Part> {
  const start = performance.now();
  const { ids, reports } = await scoreWithClip(sets, references, request, {
    onFailure,
    onScored(done, total) {
      const rate = (1000 * done) / (performance.now() - start);
      const secondsLeft = (total - done) / rate;
      output.progress({ label: 'CLIP scores', done, total, unit: 'captions', rate, secondsLeft });
    },
  });
  const [report, second] = reports;
  const { model, n, cut } = report;
  const own = scoresOf(report, options);
  const compared = second && {
    metrics: scoresIn(second),
    differences: Object.fromEntries(
      namesOf(report)
        .filter((name) => second.additive[name] !== undefined)
        .map((name) => [name, pairedBootstrap(report.additive[name]!, second.additive[name]!, options)[0]]),
    ),
  };
  const perImage = perImageOf(options, ids);
  const missing = sets[0].length - n;
  const tooLong = cut.captions + (second?.cut.captions ?? 0);
  return {
    title: `${counted(n, 'picture')}, by ${printable(model)}`,
    lines: [
      ...scoreTable(own, compared),
      ...(options.perImage ? perImageLines(ids, scoresIn(report), report.perImage) : []),
    ],
    notes: [],
    warnings: [
      ...(missing > 0
        ? [`${counted(missing, 'caption')} left out of the CLIP scores, without a picture`]
        : []),
      ...(tooLong > 0
        ? [`${counted(tooLong, 'caption')} too long for ${model}, scored by the beginning`]
        : []),
    ],
    leftOut: missing > 0,
    record: {
      model,
      prefix: request.prefix,
      ...own,
      ...perImage(report),
      n,
      cut,
      ...(compared && { compare: { file: options.compare, ...compared, cut: second.cut, ...perImage(second) } }), // biome-ignore format: one line
    },
  };
}

const scoresIn = ({ metrics }: ClipScoreReport): Scores => ({ ...metrics });

const namesOf = ({ additive }: ClipScoreReport) => Object.keys(additive) as (keyof ClipScores)[];

const scoresOf = (report: ClipScoreReport, options: BootstrapOptions) => ({
  metrics: scoresIn(report),
  intervals: Object.fromEntries(
    namesOf(report).map((name) => [name, bootstrap(report.additive[name]!, options)[0]]),
  ),
});

/** The scores of each image under its id, where they are asked for. */
const perImageOf =
  ({ perImage }: Options, ids: readonly string[]) =>
  (report: { perImage: readonly object[] }) =>
    perImage && { perImage: Object.fromEntries(ids.map((id, i) => [id, report.perImage[i]])) };

/** "SPICE: Object 0.2570, Attribute 0.0415, …" */
const detailLines = ({ details }: ScoreReport): string[] =>
  Object.entries(details).map(([metric, parts]) => {
    const values = Object.entries(parts).map(([name, value]) => `${name} ${value.toFixed(4)}`);
    return `${metric}: ${values.join(', ')}`;
  });

/** What had to be left out, in sentences. */
function pairingWarnings({ withoutReference, withoutCounterpart, withoutCandidate }: Paired): string[] {
  const sentence = (ids: readonly string[], noun: string, what: string) =>
    ids.length === 0
      ? []
      : [`${counted(ids.length, noun)} ${what}: ${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ' …' : ''}`];
  return [
    ...sentence(withoutReference, 'caption', 'left out, without references'),
    ...sentence(withoutCounterpart, 'caption', 'left out, of images that only one of the files has'),
    ...sentence(withoutCandidate, 'image', 'with references but without a caption'),
  ];
}

/** `bleu,METEOR,cider-d`: case, hyphens and underscores do not matter; `bleu` is all four. */
function parseMetrics(list: string): CaptionMetric[] {
  const plain = (name: string) => name.toLowerCase().replace(/[-_ ]/g, '');
  return list.split(',').flatMap((name) => {
    const wanted = plain(name);
    const exact = CAPTION_METRICS.filter((metric) => plain(metric) === wanted);
    const found =
      exact.length > 0 || wanted === ''
        ? exact
        : CAPTION_METRICS.filter((metric) => plain(metric).replace(/[\dl]$/, '') === wanted);
    if (found.length > 0) return found;
    throw new UsageError(`there is no metric "${name}"`, {
      hint: `Choose from: ${CAPTION_METRICS.join(', ')}`,
    });
  });
}

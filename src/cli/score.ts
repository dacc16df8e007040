import type { Command } from 'commander';
import {
  type Failure,
  failureList,
  type Paired,
  pairCaptions,
  readAllCaptions,
  readCandidates,
  readReferences,
} from '../data/index.ts';
import { RecaptionError, UsageError } from '../errors.ts';
import {
  CAPTION_METRICS,
  type CaptionMetric,
  captionStyle,
  compareScores,
  compareStyles,
  countStyle,
  type StyleCounts,
  type StyledCaption,
  scoreCaptions,
  scoreIntervals,
} from '../metrics/index.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { wholeNumber } from './options.ts';
import { counted, type Output, printable } from './output.ts';
import { perImageLines, scoreTable, styleDifferenceLines, styleLines } from './score-tables.ts';

interface CaptionsOptions {
  references?: string;
  metrics?: CaptionMetric[];
  tokenized: boolean;
  compare?: string;
  perImage: boolean;
  draws: number;
  seed: number;
}

interface StyleOptions {
  top: number;
}

export const register: Register = (program, context) => {
  const score = program
    .command('score')
    .summary('measure captions: against references, or by their style')
    .description('Measures captions: against references that people gave, or by the way they are written.')
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption score captions captions.jsonl --references photos/metadata.jsonl',
    );
  registerCaptions(score, context);
  registerStyle(score, context);
};

function registerCaptions(score: Command, context: Context): void {
  score
    .command('captions')
    .summary('compare captions with references: BLEU, METEOR, ROUGE-L, CIDEr')
    .description(
      'Compares captions with references of the same images, each score with its 95 % bootstrap interval over the images.',
    )
    .argument('<file>', 'JSON or JSON lines of {image_id, caption, references}, or COCO results')
    .option('--references <source>', 'file of references, COCO annotations, or any collection with captions')
    .option('--metrics <list>', `some of them, with commas: ${CAPTION_METRICS.join(',')}`, parseMetrics)
    .option('--tokenized', 'the texts are tokens with spaces between them already', false)
    .option('--compare <file>', 'other captions of the same images, to be compared with the first')
    .option('--per-image', 'the scores of each image too', false)
    .option('--draws <n>', 'bootstrap samples', wholeNumber(10, 1_000_000), 1000)
    .option('--seed <k>', 'of the bootstrap: the same seed gives the same intervals', wholeNumber(0), 1)
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption score captions new.jsonl --references captions_val2017.json --compare old.jsonl',
    )
    .action((file: string, options: CaptionsOptions) => scoreCommand(file, options, context));
}

function registerStyle(score: Command, context: Context): void {
  score
    .command('style')
    .summary('how captions are written: case, openings, punctuation, length, repetition')
    .description(
      'Measures how captions are written, apart from what they say. With several files, each is compared with the first.',
    )
    .argument('<file...>', 'files of captions, or any collections with captions')
    .option('--top <n>', 'entries of each list', wholeNumber(1, 1000), 10)
    .addHelpText('after', '\nExample:\n  $ recaption score style captions.jsonl photos/metadata.jsonl')
    .action((files: string[], options: StyleOptions) => styleCommand(files, options, context));
}

async function scoreCommand(file: string, options: CaptionsOptions, context: Context): Promise<void> {
  const { output, exit } = context;
  const { metrics, draws, seed, compare } = options;
  const failures = failureList();
  const set = await readCandidates(file, failures.add);
  const other = compare === undefined ? undefined : await readCandidates(compare, failures.add);
  const beside = set.references.size > 0 ? set : (other ?? set);
  const references =
    options.references === undefined
      ? beside.references
      : await readReferences(options.references, failures.add);
  const sets = [set, ...(other ? [other] : [])].map(({ candidates }) => candidates);
  const paired = pairCaptions(sets, references, options.references ?? file);

  const tokenize = options.tokenized ? (text: string) => text.split(/\s+/).filter(Boolean) : undefined;
  const [report, second] = paired.candidates.map((candidates) =>
    scoreCaptions(candidates, paired.references, { metrics, tokenize }),
  );
  const intervals = scoreIntervals(report, { draws, seed });
  const compared = second && { report: second, differences: compareScores(report, second, { draws, seed }) };
  const warnings = [
    ...new Set([...pairingWarnings(paired), ...report.warnings, ...(second?.warnings ?? [])]),
  ];
  for (const failure of failures.all()) tellFailure(failure, output);
  for (const warning of warnings) output.note(`warning: ${printable(warning)}`);

  const perImage = (of: typeof report) =>
    options.perImage && {
      perImage: Object.fromEntries(paired.ids.map((id, i) => [id, of.perImage[i]])),
    };
  output.record({
    metrics: report.metrics,
    intervals,
    ...perImage(report),
    n: report.n,
    ...(compared && {
      compare: {
        file: compare,
        metrics: second.metrics,
        differences: compared.differences,
        ...perImage(second),
      },
    }),
    bootstrap: { draws, seed, level: 0.95 },
    warnings,
    notes: report.notes,
    failed: failures.all().length,
  });
  const count = paired.references.reduce((sum, own) => sum + own.length, 0);
  output.print(
    `${counted(report.n, 'image')}, ${counted(count, 'reference')}; 95 % intervals from ${counted(draws, 'draw')}, seed ${seed}`,
  );
  for (const line of scoreTable(report, intervals, compared)) output.print(line);
  if (options.perImage) for (const line of perImageLines(paired.ids, report)) output.print(line);
  for (const note of report.notes) output.print(output.dim(note));
  const leftOut = paired.withoutReference.length + paired.withoutCounterpart.length;
  if (failures.all().length + leftOut > 0) exit(EXIT.doneWithFailures);
}

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

async function styleCommand(files: string[], { top }: StyleOptions, context: Context): Promise<void> {
  const { output, exit } = context;
  const failures = failureList();
  const counts: StyleCounts[] = [];
  for (const file of files) {
    const captions: StyledCaption[] = [];
    for await (const caption of readAllCaptions(file, failures.add)) captions.push(caption);
    if (captions.length === 0)
      throw new RecaptionError('no-captions', 'there is no caption in it', { place: file });
    counts.push(countStyle(captions));
  }
  for (const failure of failures.all()) tellFailure(failure, output);
  const sets = files.map((file, i) => ({ file, ...captionStyle(counts[i], { top }) }));
  const comparisons = files
    .slice(1)
    .map((file, i) => ({ one: files[0], other: file, ...compareStyles(counts[0], counts[i + 1], { top }) }));
  output.record({ sets, comparisons, failed: failures.all().length });
  for (const set of sets) for (const line of styleLines(set.file, set)) output.print(line);
  for (const comparison of comparisons)
    for (const line of styleDifferenceLines(comparison)) output.print(line);
  if (failures.all().length > 0) exit(EXIT.doneWithFailures);
}

function tellFailure({ place, message }: Failure, output: Output): void {
  output.note(`warning: ${printable(message)} (${printable(place)})`);
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

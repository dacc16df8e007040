import type { Command } from 'commander';
import { failureList, readCandidates, readReferences } from '../data/index.ts';
import { UsageError } from '../errors.ts';
import { CAPTION_METRICS, type CaptionMetric } from '../metrics/index.ts';
import type { Device } from '../tensor/device.ts';
import { type Context, EXIT } from './main.ts';
import { deviceOption, wholeNumber } from './options.ts';
import { counted, printable } from './output.ts';
import { type ClipRequest, scoreByClip } from './score-clip.ts';
import { scoreObjects } from './score-objects.ts';
import type { Part } from './score-part.ts';
import { scoreTexts, type TextOptions } from './score-text.ts';
import { scoreTuples } from './score-tuples.ts';

interface Options extends TextOptions {
  references?: string;
  clip?: string;
  images?: string;
  clipPrefix: string;
  device: Device;
  objects?: string;
  tuples: boolean;
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
    .option('--objects <file>', 'CHAIR: JSON of {objects: {NAME: [SYNONYM …]}, images: {ID: [NAME …]}}')
    .option(
      '--tuples',
      'objects, attributes and relations said, true and hallucinated, and their recall',
      false,
    )
    .option('--compare <file>', 'other captions of the same images, to be compared with the first')
    .option('--per-image', 'the scores of each image too', false)
    .option('--draws <n>', 'bootstrap samples', wholeNumber(10, 1_000_000), 1000)
    .option('--seed <k>', 'of the bootstrap: the same seed gives the same intervals', wholeNumber(0), 1)
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption score captions new.jsonl --references captions_val2017.json --compare old.jsonl\n' +
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

  const objects =
    options.objects === undefined ? undefined : await scoreObjects(sets, options.objects, options);
  // With pictures or lists of objects, references are not needed.
  const dispensable = (clip !== undefined || objects !== undefined) && references.size === 0;
  const text = dispensable
    ? undefined
    : await scoreTexts(sets, references, options.references ?? file, options);
  const said = options.tuples
    ? await scoreTuples(sets, references, options.references ?? file, options)
    : undefined;
  const seen =
    clip && (await scoreByClip(sets, references, clip, options, { onFailure: failures.add, output }));

  const parts = [text, said, seen, objects].filter((part): part is Part => part !== undefined);
  const warnings = parts.flatMap((part) => part.warnings);
  for (const failure of failures.all()) output.failure(failure);
  for (const warning of warnings) output.note(`warning: ${printable(warning)}`);
  output.record({
    ...(text?.record ?? { metrics: {}, intervals: {}, n: 0 }),
    ...(said && { tuples: said.record }),
    ...(seen && { clip: seen.record }),
    ...(objects && { objects: objects.record }),
    bootstrap: { draws, seed, level: 0.95 },
    warnings,
    notes: parts.flatMap(({ notes }) => notes),
    failed: failures.all().length,
  });
  for (const { title, lines, notes } of parts) {
    output.print(`${title}; 95 % intervals from ${counted(draws, 'draw')}, seed ${seed}`);
    for (const line of lines) output.print(line);
    for (const note of notes) output.print(output.dim(note));
  }
  if (failures.all().length > 0 || parts.some(({ leftOut }) => leftOut)) exit(EXIT.doneWithFailures);
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

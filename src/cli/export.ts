import { join, resolve } from 'node:path';
import { Option } from 'commander';
import { type Blend, type BlendReport, blendCounts, drawCaptions, parseBlend } from '../data/blend.ts';
import {
  type Caption,
  type Dataset,
  failureList,
  openDataset,
  type Sample,
  writeFailures,
} from '../data/index.ts';
import { byPeople } from '../data/trainers/draw.ts';
import {
  BEST_FIRST,
  bestCaptions,
  exportDataset,
  lintExport,
  refuseInsideSource,
  TRAINER_PROFILES,
  TRAINERS,
  type Trainer,
} from '../data/trainers/index.ts';
import { makeFolder } from '../data/writers/target.ts';
import { RecaptionError, UsageError } from '../errors.ts';
import { captionStyle, compareStyles, countStyle, type StyledCaption } from '../metrics/index.ts';
import { type Reservoir, random, reservoir } from '../random.ts';
import { tellFindings } from './lint.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { required, wholeNumber } from './options.ts';
import { counted, type Output, printable } from './output.ts';
import { shortPath } from './places.ts';
import { styleDifferenceLines, styleLines } from './score-tables.ts';
import { sourceOrWorkspace } from './workspace.ts';

interface ExportCommandOptions {
  for?: Trainer;
  out?: string;
  blend?: Blend;
  where?: string;
  captionsPerImage: number;
  seed: number;
  link: boolean;
  resize?: number;
  overwrite: boolean;
}

const ABOUT = TRAINERS.map((name) => `  ${name.padEnd(12)}${TRAINER_PROFILES[name].about}`).join('\n');

export const register: Register = (program, context) => {
  program
    .command('export')
    .summary('write a collection as a trainer wants it')
    .description(
      'Writes pictures and captions in the form that a trainer reads, with its configuration, then looks for what it would ' +
        'stumble over. Captions are drawn once, by the shares of the blend; the collection itself is only read.',
    )
    .argument('[source]', 'a workspace, or any collection (default: the workspace here)')
    .addOption(new Option('--for <trainer>', 'who will read it; see below').choices(TRAINERS))
    .option('--out <dir>', 'folder to write to')
    .option(
      '--blend <shares>',
      'kinds of captions with their shares, as descriptive:0.95,alt:0.05 (default: the best caption there is)',
      blendOption,
    )
    .option('--where <query>', 'of a workspace, only the pictures that this finds: see recaption query')
    .option(
      '--captions-per-image <n>',
      'more than one where the trainer takes lists',
      wholeNumber(1, 1000),
      1,
    )
    .option('--seed <k>', 'the same seed draws the same captions', wholeNumber(0), 0)
    .option('--link', 'symbolic links instead of copies of the pictures', false)
    .addOption(
      new Option('--copy', 'copy the pictures; this happens without the option too').conflicts('link'),
    )
    .option(
      '--resize <n>',
      'shrink pictures until the longest side has at most so many pixels',
      wholeNumber(1),
    )
    .option(
      '--overwrite',
      'replace files that are there already, and remove what an earlier export has left there',
      false,
    )
    .addHelpText(
      'after',
      `\nTrainers:\n${ABOUT}\n\nExample:\n  $ recaption export workspace --for kohya --out training-set --blend descriptive:0.95,alt:0.05`,
    )
    .action(async (source: string | undefined, options: ExportCommandOptions) =>
      exportCommand(await sourceOrWorkspace(source), options, context),
    );
};

function blendOption(text: string): Blend {
  try {
    return parseBlend(text);
  } catch (error) {
    if (!(error instanceof RecaptionError)) throw error;
    throw new UsageError(error.message, { place: error.place, hint: error.hint });
  }
}

const MAX_TOLD = 5;
/** Captions of either side that the style is told from: enough for shares to half a percent, whatever the collection's size. */
const MAX_STYLED = 50_000;

async function exportCommand(source: string, options: ExportCommandOptions, context: Context): Promise<void> {
  const { output, exit } = context;
  const trainer = required(options.for, '--for <trainer>');
  const out = resolve(required(options.out, '--out <dir>'));
  const { blend, where, captionsPerImage: count, seed, link, resize, overwrite } = options;
  if (count > 1 && !TRAINER_PROFILES[trainer].lists) {
    const hint = `Leave --captions-per-image out; lists are taken by ${TRAINERS.filter((name) => TRAINER_PROFILES[name].lists).join(', ')}.`;
    throw new UsageError(`${trainer} takes one caption for each picture`, { hint });
  }
  await refuseInsideSource(source, out);
  if (blend === undefined)
    output.note(`Without --blend: the best caption of each picture, ${BEST_FIRST.join(' before ')}`);

  const failures = failureList();
  const counts = blendCounts();
  const styles: Styles = {
    originals: reservoir(MAX_STYLED, random(seed, 'originals')),
    result: reservoir(MAX_STYLED, random(seed, 'result')),
  };
  let leftovers = { removed: 0, strangers: 0 };
  const changed: string[] = [];
  let changes = 0;
  const draw = (sample: Sample): Caption[] => {
    const drawn = blend
      ? drawCaptions(sample, blend, { seed, count })
      : { captions: bestCaptions(sample, count), missing: [] };
    counts.add(drawn);
    const { key: image } = sample;
    for (const caption of sample.captions)
      if (byPeople(caption)) styles.originals.add({ image, text: caption.text });
    for (const { text } of drawn.captions) styles.result.add({ image, text });
    return drawn.captions;
  };
  const samples = await exportDataset(
    trainer,
    withProgress(await openDataset(source, { where, onFailure: failures.add }), context),
    {
      to: out,
      draw,
      several: count > 1,
      pictures: link ? 'link' : 'copy',
      resize,
      overwrite,
      onFailure: failures.add,
      onChange({ before, after }) {
        changes++;
        if (changed.length < EXAMPLES) changed.push(`"${shortened(before)}" as "${shortened(after)}"`);
      },
      onLeftovers(found) {
        leftovers = found;
      },
    },
  );

  const left = failures.all();
  await makeFolder(out);
  await writeFailures(join(out, 'failures.jsonl'), 'export', left); // one list, of the last export into this folder
  for (const failure of left) output.record({ kind: 'failure', failure });
  for (const failure of left.slice(0, MAX_TOLD)) output.failure(failure);
  if (left.length > MAX_TOLD)
    output.note(
      `warning: ${left.length - MAX_TOLD} more are listed in ${shortPath(join(out, 'failures.jsonl'))}`,
    );
  const report = counts.report(blend ?? BEST_FIRST.map((kind) => ({ kind, share: 1 / BEST_FIRST.length })));
  output.record({
    kind: 'exported',
    trainer,
    out,
    samples,
    leftOut: left.length,
    changed: changes,
    ...leftovers,
    drawn: blend ? report.kinds : report.kinds.map(({ kind, count, share }) => ({ kind, count, share })),
  });
  output.print(`${counted(samples, 'sample')} written: ${shortPath(out)}`);
  if (leftovers.removed > 0)
    output.print(`${counted(leftovers.removed, 'file')} of an earlier export removed`);
  if (leftovers.strangers > 0) {
    const them = leftovers.strangers === 1 ? 'picture or shard is' : 'pictures or shards are';
    output.note(
      `warning: ${leftovers.strangers.toLocaleString('en')} ${them} in the folder and not of this export; a trainer may learn them too`,
    );
  }
  for (const line of shareLines(report, blend !== undefined)) output.print(line);
  if (changes > 0) {
    output.print(
      `${counted(changes, 'caption')} written differently, so that ${trainer} reads the same words:`,
    );
    for (const line of changed) output.print(`  ${line}`);
  }
  if (samples === 0) exit(EXIT.doneWithFailures);
  else {
    tellStyles(styles, output);
    const { errors } = await tellFindings(lintExport(trainer, out, { several: count > 1 }), context);
    if (errors > 0) exit(EXIT.doneWithFailures);
  }
  if (left.length > 0) exit(EXIT.doneWithFailures);
}

const EXAMPLES = 3;
const shortened = (text: string): string => printable(text.length > 60 ? `${text.slice(0, 59)}…` : text);

async function* withProgress(dataset: Dataset, { output, signal }: Context): AsyncGenerator<Sample> {
  const started = performance.now();
  let done = 0;
  for await (const sample of dataset) {
    signal.throwIfAborted();
    yield sample;
    const rate = (1000 * ++done) / Math.max(1, performance.now() - started);
    output.progress({ label: 'exporting', done, unit: 'pictures', rate });
  }
}

/** A line for each kind that was drawn or asked for. */
function shareLines({ kinds }: BlendReport, isBlend: boolean): string[] {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  return kinds
    .filter(({ count }) => isBlend || count > 0)
    .map(({ kind, wanted, count, share, low, high, missing }) => {
      const drawn = `  ${kind}: ${counted(count, 'caption')}, ${percent(share)}`;
      if (!isBlend) return drawn;
      const lacking = missing > 0 ? `; ${counted(missing, 'time')} drawn where there was none` : '';
      return `${drawn} of ${percent(wanted)} asked for; by chance ${percent(low)} to ${percent(high)}${lacking}`;
    });
}

type Styles = Record<'originals' | 'result', Reservoir<StyledCaption>>;

/** How the captions are written that go out, beside those that people gave. */
function tellStyles(captions: Styles, output: Output): void {
  const [originals, result] = [countStyle(captions.originals.kept()), countStyle(captions.result.kept())];
  const top = 5;
  const sets = [
    { name: 'originals', counts: originals, of: captions.originals.seen() },
    { name: 'export', counts: result, of: captions.result.seen() },
  ].filter(({ counts }) => counts.captions > 0);
  for (const { name, counts, of } of sets) {
    if (of === counts.captions) continue;
    const drawn = counts.captions.toLocaleString('en');
    output.print(`${name}: style of ${drawn} captions, drawn from ${of.toLocaleString('en')}`);
  }
  const shown = sets.map(({ name, counts, of }) => ({
    name,
    ...(of > counts.captions && { drawnFrom: of }),
    ...captionStyle(counts, { top }),
  }));
  const difference = sets.length === 2 ? compareStyles(originals, result, { top }) : undefined;
  output.record({ kind: 'style', sets: shown, ...(difference && { difference }) });
  for (const { name, ...style } of shown) for (const line of styleLines(name, style)) output.print(line);
  if (difference) {
    const named = { one: 'originals', other: 'export', ...difference };
    for (const line of styleDifferenceLines(named)) output.print(line);
  }
}

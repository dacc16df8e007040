import type { Command } from 'commander';
import { failureList, readAllCaptions } from '../data/index.ts';
import { RecaptionError } from '../errors.ts';
import {
  captionStyle,
  compareStyles,
  countStyle,
  type StyleCounts,
  type StyledCaption,
} from '../metrics/index.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { wholeNumber } from './options.ts';
import { registerScoreCaptions } from './score-captions.ts';
import { styleDifferenceLines, styleLines } from './score-tables.ts';

interface StyleOptions {
  top: number;
}

export const register: Register = (program, context) => {
  const score = program
    .command('score')
    .summary('measure captions: against references and pictures, or by their style')
    .description(
      'Measures captions: against references that people gave, with the pictures, or by the way they are written.',
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption score captions captions.jsonl --references photos/metadata.jsonl',
    );
  registerScoreCaptions(score, context);
  registerStyle(score, context);
};

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
  for (const failure of failures.all()) output.failure(failure);
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

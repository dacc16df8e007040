import { statSync } from 'node:fs';
import { join } from 'node:path';
import { Option } from 'commander';
import { type Finding, lintExport, TRAINERS, type Trainer } from '../data/trainers/index.ts';
import { exists } from '../files.ts';
import { loadClipTokenizer } from '../text/clip-tokenizer.ts';
import { loadTokenizer, type Tokenizer } from '../text/tokenizer.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { required, wholeNumber } from './options.ts';
import { counted, printable } from './output.ts';
import { shortPath } from './places.ts';

interface LintCommandOptions {
  for?: Trainer;
  tokenizer?: string;
  maxTokens?: number;
}

export const register: Register = (program, context) => {
  program
    .command('lint')
    .summary('find what a trainer would stumble over')
    .description(
      'Looks through a folder as a trainer will read it, and names what it would misread, cut off or stop at. The exit ' +
        'status is 3 where something is wrong, 0 where there are warnings at most.',
    )
    .argument('<dir>', 'folder of a training set, whoever wrote it')
    .addOption(new Option('--for <trainer>', 'who will read it').choices(TRAINERS))
    .option(
      '--tokenizer <path>',
      'tokenizer.json, or a folder with it or with vocab.json and merges.txt (CLIP), to count tokens with; otherwise they are estimated',
    )
    .option(
      '--max-tokens <n>',
      "longest caption (default: what the trainer's usual text encoder takes)",
      wholeNumber(1),
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption lint training/photos --for kohya --tokenizer stable-diffusion/tokenizer',
    )
    .action((dir: string, options: LintCommandOptions) => lintCommand(dir, options, context));
};

async function lintCommand(dir: string, options: LintCommandOptions, context: Context): Promise<void> {
  const trainer = required(options.for, '--for <trainer>');
  const { tokenizer: path, maxTokens } = options;
  const tokenizer = path === undefined ? undefined : await openTokenizer(path);
  const countTokens = tokenizer && ((text: string) => tokenizer.encode(text).length);
  const { errors } = await tellFindings(lintExport(trainer, dir, { countTokens, maxTokens }), context);
  if (errors > 0) context.exit(EXIT.doneWithFailures);
}

async function openTokenizer(path: string): Promise<Tokenizer> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
  if (!isFolder) return loadTokenizer(path);
  const file = join(path, 'tokenizer.json');
  return (await exists(file)) ? loadTokenizer(file) : loadClipTokenizer(path);
}

const EXAMPLES = 3;

/** Prints findings by trap, errors first, with the first places of each. */
export async function tellFindings(
  findings: AsyncIterable<Finding>,
  { output, signal }: Pick<Context, 'output' | 'signal'>,
): Promise<{ errors: number; warnings: number }> {
  const groups = new Map<string, { first: Finding[]; count: number }>();
  const counts = { error: 0, warning: 0 };
  for await (const finding of findings) {
    signal.throwIfAborted();
    output.record({ kind: 'finding', ...finding });
    counts[finding.severity]++;
    const name = `${finding.severity} ${finding.trap}`;
    const group = groups.get(name) ?? { first: [], count: 0 };
    groups.set(name, group);
    group.count++;
    if (group.first.length < EXAMPLES) group.first.push(finding);
  }
  for (const severity of ['error', 'warning'] as const) {
    for (const { first, count } of groups.values()) {
      const [{ trap, hint }] = first;
      if (first[0].severity !== severity) continue;
      output.print(`${output.bold(`${severity} ${trap}`)} × ${count.toLocaleString('en')}`);
      for (const { place, message } of first)
        output.print(`  ${printable(shortPath(place))}: ${printable(message)}`);
      if (count > first.length) output.print(`  … and ${(count - first.length).toLocaleString('en')} more`);
      if (hint !== undefined) output.print(output.dim(`  hint: ${printable(hint)}`));
    }
  }
  const { error: errors, warning: warnings } = counts;
  output.record({ kind: 'linted', errors, warnings });
  const nothing = errors + warnings === 0;
  output.print(
    nothing ? 'Lint: nothing found' : `Lint: ${counted(errors, 'error')}, ${counted(warnings, 'warning')}`,
  );
  return { errors, warnings };
}

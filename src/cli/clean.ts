import { InvalidArgumentError } from 'commander';
import type { CaptionKind } from '../data/sample.ts';
import { UsageError } from '../errors.ts';
import { type CleanEvent, cleanWorkspace } from '../jobs/clean-job.ts';
import { RULE_NAMES } from '../text/hygiene/index.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { kindsOf, wholeNumber } from './options.ts';
import { counted, type Output, printable } from './output.ts';
import { withWorkspace, workspaceFolder, workspaceOption } from './workspace.ts';

interface CleanCommandOptions {
  workspace?: string;
  rules?: string[];
  without?: string[];
  kind?: CaptionKind[];
  where?: string;
  tokenizer?: string;
  maxTokens?: number;
  dryRun: boolean;
  samples: number;
}

export const register: Register = (program, context) => {
  program
    .command('clean')
    .summary('mend the captions of a workspace')
    .description(
      'Mends captions that captioners wrote: openings such as "The image shows", hedges, loops, refusals, markup, spaces and more. ' +
        `What there was stays in the history, and recaption revert takes the job back. Rules: ${RULE_NAMES.join(', ')}.`,
    )
    .argument('[workspace]', 'folder of the workspace')
    .addOption(workspaceOption())
    .option('--rules <names>', 'apply only these, with commas', names)
    .option('--without <names>', 'apply all but these', names)
    .option('--kind <kinds>', 'kinds to mend, with commas; also such as came with the pictures', kindsOf)
    .option('--where <query>', 'only of the pictures that this finds: see recaption query')
    .option('--tokenizer <file>', 'tokenizer.json that counts tokens, for too-long')
    .option('--max-tokens <n>', 'longest caption, for too-long', wholeNumber(1))
    .option('--dry-run', 'only show what would be done', false)
    .option('--samples <n>', 'changes to show for each rule', wholeNumber(0), 3)
    .addHelpText('after', '\nExample:\n  $ recaption clean workspace --rules spaces,opening --dry-run')
    .action(async (workspace: string | undefined, options: CleanCommandOptions) =>
      cleanCommand(await workspaceFolder(workspace ?? options.workspace), options, context),
    );
};

/** Parses `spaces,opening`. */
function names(text: string): string[] {
  const found = text.split(',').map((name) => name.trim());
  const unknown = found.find((name) => !RULE_NAMES.includes(name));
  if (unknown === undefined) return found;
  throw new InvalidArgumentError(`There is no rule "${unknown}"; the rules are ${RULE_NAMES.join(', ')}.`);
}

async function cleanCommand(
  workspace: string,
  options: CleanCommandOptions,
  { output, signal, exit }: Context,
): Promise<void> {
  const { rules = RULE_NAMES, without = [], kind, where, tokenizer, maxTokens, dryRun, samples } = options;
  if (maxTokens !== undefined && tokenizer === undefined)
    throw new UsageError('--max-tokens needs a --tokenizer that counts', { hint: 'Name a tokenizer.json.' });
  const counter = tokenizer === undefined ? undefined : await loadTokenizer(tokenizer);
  await withWorkspace(workspace, async (catalog) => {
    const shown = new Map<string, number>();
    const events = cleanWorkspace({
      catalog,
      rules: rules.filter((rule) => !without.includes(rule)),
      kinds: kind,
      where,
      ...(counter && { countTokens: (text: string) => counter.encode(text).length }),
      maxTokens,
      dryRun,
      signal,
    });
    for await (const event of events) {
      output.record(event);
      if (event.kind === 'change') showChange(event, shown, samples, output);
      else if (event.kind === 'progress')
        output.progress({ ...event, label: 'cleaning', unit: 'captions', rate: event.captionsPerSecond });
      else {
        summarise(event, dryRun, output);
        if (event.refused > 0 && !dryRun) exit(EXIT.doneWithFailures);
      }
    }
  });
}

/** The first few changes of each rule, before and after. */
function showChange(
  { key, captionKind, rules, before, after }: Extract<CleanEvent, { kind: 'change' }>,
  shown: Map<string, number>,
  samples: number,
  output: Output,
): void {
  if (rules.every((rule) => (shown.get(rule) ?? 0) >= samples)) return;
  for (const rule of rules) shown.set(rule, (shown.get(rule) ?? 0) + 1);
  output.print(`${output.bold(printable(key))}, ${captionKind}: ${rules.join(', ')}`);
  output.print(`  - ${JSON.stringify(before)}`);
  output.print(after === undefined ? '  + no caption' : `  + ${JSON.stringify(after)}`);
}

function summarise(event: Extract<CleanEvent, { kind: 'done' }>, dryRun: boolean, output: Output): void {
  const { job, captions, changed, refused, byRule } = event;
  for (const [rule, count] of Object.entries(byRule).sort(([, a], [, b]) => b - a))
    output.print(`${rule.padEnd(18)} ${count.toLocaleString('en').padStart(9)}`);
  const would = dryRun ? 'would be ' : '';
  output.print(
    `${counted(changed, 'caption')} of ${captions.toLocaleString('en')} ${would}changed, ${refused.toLocaleString('en')} of them ${would}taken out of use`,
  );
  if (job !== undefined && changed > 0) output.print(`To take it back: recaption revert --job ${job}`);
}

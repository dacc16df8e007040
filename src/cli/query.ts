import { type Catalog, samplesOf, select } from '../data/catalog/index.ts';
import { RecaptionError } from '../errors.ts';
import type { Context, Register } from './main.ts';
import { wholeNumber } from './options.ts';
import { counted, printable } from './output.ts';
import { withWorkspace, workspaceFolder, workspaceOption } from './workspace.ts';

interface QueryOptions {
  workspace?: string;
  limit: number;
  all: boolean;
}

export const register: Register = (program, context) => {
  program
    .command('query')
    .summary('find pictures of a workspace')
    .description(
      'Finds the pictures of a workspace that a query describes, and shows their captions. Words are looked for in captions; ' +
        'fields: kind, text, length, chars, author, score, job, written, has, no, key, path, format, width, height, size, added, failed, twin. ' +
        'Compare with : = != < <= > >=; * and ? stand for any text and any character; AND, OR, NOT, parentheses and quotes as usual.',
    )
    .argument('<query>', 'such as: kind:alt length<5 no:descriptive')
    .addOption(workspaceOption())
    .option('--limit <n>', 'show at most so many', wholeNumber(0), 20)
    .option('--all', 'show all', false)
    .addHelpText('after', '\nExample:\n  $ recaption query "kind:alt length<5 no:descriptive"')
    .action((query: string, options: QueryOptions) => queryCommand(query, options, context));
};

async function queryCommand(
  query: string,
  { workspace, limit, all }: QueryOptions,
  { output, signal }: Context,
): Promise<void> {
  const folder = await workspaceFolder(workspace);
  const work = async (catalog: Catalog) => {
    const found = select(catalog, { where: query });
    output.record({ kind: 'found', query, images: found.size });
    output.print(counted(found.size, 'picture'));
    const shown = all ? found.size : Math.min(limit, found.size);
    for await (const { key, image, captions } of samplesOf(catalog, found, shown)) {
      if (signal.aborted) return;
      output.record({ kind: 'image', key, image: image.name, captions });
      output.print(output.bold(printable(key)));
      for (const { kind, text } of captions) output.print(`  ${kind.padEnd(12)} ${printable(text)}`);
    }
    if (shown < found.size)
      output.note(`${(found.size - shown).toLocaleString('en')} more: --all or --limit N shows them`);
  };
  try {
    await withWorkspace(folder, work);
  } catch (error) {
    if (error instanceof RecaptionError && error.code === 'bad-query')
      output.note(pointAt(query, error.place));
    throw error;
  }
}

/** The query with a mark under the column that an error names. */
function pointAt(query: string, place = ''): string {
  const column = Number(/\d+$/.exec(place)?.[0] ?? 1);
  return `  ${printable(query)}\n  ${' '.repeat(column - 1)}^`;
}

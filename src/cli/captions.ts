import { type CaptionVersion, findImages, historyOf } from '../data/catalog/index.ts';
import { RecaptionError } from '../errors.ts';
import type { Context, Register } from './main.ts';
import { printable } from './output.ts';
import { withWorkspace, workspaceFolder, workspaceOption } from './workspace.ts';

export const register: Register = (program, context) => {
  program
    .command('captions')
    .summary('all captions that a picture of a workspace has had')
    .description(
      'Tells the history of a picture: every caption it has had, who wrote it and how, and what became of it.',
    )
    .argument('<key>', 'key of the picture, or its file')
    .addOption(workspaceOption())
    .addHelpText('after', '\nExample:\n  $ recaption captions holiday/beach-017')
    .action((key: string, options: { workspace?: string }) => captionsCommand(key, options, context));
};

async function captionsCommand(
  key: string,
  { workspace }: { workspace?: string },
  { output }: Context,
): Promise<void> {
  const folder = await workspaceFolder(workspace);
  await withWorkspace(folder, (catalog) => {
    const images = findImages(catalog, key);
    if (images.length === 0) {
      throw new RecaptionError('no-image', `there is no picture "${key}" in this workspace`, {
        place: folder,
        hint: `Look for it: recaption query "key:*${key.split('/').at(-1)}*"`,
      });
    }
    for (const { id, key, places, twins } of images) {
      const captions = historyOf(catalog, id);
      output.record({ kind: 'history', key, places, twins, captions });
      output.print(`${output.bold(printable(key))}  ${places.map(printable).join(', ')}`);
      if (twins.length > 0) output.print(`looks the same as ${twins.map(printable).join(', ')}`);
      for (const caption of captions) output.print(tell(caption, output.dim));
    }
  });
}

function tell(
  { id, kind, text, author, job, parent, score, written, state, request }: CaptionVersion,
  dim: (text: string) => string,
): string {
  const about = [
    `${id}${parent === undefined ? '' : ` after ${parent}`}`,
    new Date(written).toISOString().slice(0, 16).replace('T', ' '),
    `job ${job}`,
    `by ${author}`,
    ...(score === undefined ? [] : [`score ${score.toFixed(2)}`]),
    ...(request && Object.keys(request).length > 0 ? [JSON.stringify(request)] : []),
  ].join(', ');
  const mark = { current: '*', replaced: ' ', withdrawn: '-' }[state];
  return `${mark} ${kind.padEnd(12)} ${JSON.stringify(printable(text))}\n    ${dim(printable(about) + (state === 'current' ? '' : `, ${state}`))}`;
}

import { type JobRow, listFailures, statusOf } from '../data/catalog/index.ts';
import type { Context, Register } from './main.ts';
import { wholeNumber } from './options.ts';
import { counted, formatDuration, printable } from './output.ts';
import { shortPath } from './places.ts';
import { withWorkspace, workspaceFolder, workspaceOption } from './workspace.ts';

interface StatusOptions {
  workspace?: string;
  failures: boolean;
  limit: number;
}

export const register: Register = (program, context) => {
  program
    .command('status')
    .summary('what a workspace holds, and what is still to do')
    .description(
      'Tells what a workspace holds: pictures, captions of each kind, failures, and the last jobs.',
    )
    .addOption(workspaceOption())
    .option('--failures', 'list what failed, and why', false)
    .option('--limit <n>', 'list at most so many failures', wholeNumber(1), 100)
    .addHelpText('after', '\nExample:\n  $ recaption status --failures')
    .action((options: StatusOptions) => statusCommand(options, context));
};

async function statusCommand(
  { workspace, failures, limit }: StatusOptions,
  { output }: Context,
): Promise<void> {
  const folder = await workspaceFolder(workspace);
  await withWorkspace(folder, (catalog) => {
    const status = statusOf(catalog);
    const listed = failures ? listFailures(catalog, limit) : undefined;
    output.record({ kind: 'status', workspace: folder, ...status, ...(listed && { failed: listed }) });
    output.print(
      `${shortPath(folder)}: ${counted(status.images, 'picture')}, ${megabytes(status.bytes)}${status.copies > 0 ? `, and ${counted(status.copies, 'further place')} of the same files` : ''}`,
    );
    for (const { kind, captions, images, words } of status.kinds)
      output.print(
        `  ${kind.padEnd(12)} ${counted(images, 'picture')} (${percent(images / status.images)}), ${counted(captions, 'caption')} of ${words.toFixed(1)} words`,
      );
    if (status.twins > 0) output.print(`${counted(status.twins, 'picture')} that look the same as another`);
    for (const { code, count } of status.failures) output.print(`${counted(count, 'failure')}: ${code}`);
    for (const job of status.jobs) output.print(tellJob(job));
    for (const { place, code, message } of listed ?? [])
      output.print(`${printable(place)}: ${printable(message)} (${code})`);
  });
}

/** `job 3, 2026-11-26 10:15: short captions by starter@0.1.0, 640 captions` */
function tellJob({
  id,
  task,
  captioner,
  kind,
  started,
  finished,
  reverted,
  captions,
  standing,
  failures,
}: JobRow): string {
  const what = task === 'caption' ? `${kind} captions by ${captioner}` : task;
  const parts = [
    `job ${id}, ${new Date(started).toISOString().slice(0, 16).replace('T', ' ')}: ${what}`,
    counted(captions, 'caption'),
    ...(failures > 0 ? [counted(failures, 'failure')] : []),
    ...(reverted !== undefined
      ? [`taken back`]
      : captions > standing
        ? [`${captions - standing} taken back`]
        : []),
    finished === undefined ? 'not finished' : formatDuration((finished - started) / 1000),
  ];
  return parts.map(printable).join(', ');
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const megabytes = (bytes: number): string =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

import { setImmediate as turn } from 'node:timers/promises';
import { revertJob } from '../data/catalog/index.ts';
import type { Context, Register } from './main.ts';
import { required, wholeNumber } from './options.ts';
import { counted } from './output.ts';
import { withWorkspace, workspaceFolder, workspaceOption } from './workspace.ts';

export const register: Register = (program, context) => {
  program
    .command('revert')
    .summary('take back the captions of a job')
    .description(
      'Takes back the captions that a job wrote, and what was made of them since; the captions before them stand again. Nothing is ' +
        'deleted: recaption captions KEY still shows them.',
    )
    .option('--job <n>', 'number of the job, as recaption status lists it', wholeNumber(1))
    .addOption(workspaceOption())
    .addHelpText('after', '\nExample:\n  $ recaption revert --job 3')
    .action((options: { job?: number; workspace?: string }) => revertCommand(options, context));
};

async function revertCommand(
  options: { job?: number; workspace?: string },
  { output, signal }: Context,
): Promise<void> {
  const job = required(options.job, '--job <n>');
  const folder = await workspaceFolder(options.workspace);
  await withWorkspace(folder, async (catalog) => {
    for (const event of revertJob(catalog, job)) {
      await turn(); // Ctrl-C is heard between two pages; the same command goes on
      if (signal.aborted) return;
      output.record(event);
      if (event.kind === 'progress')
        output.progress({ ...event, label: 'taking back', unit: 'pictures', rate: event.imagesPerSecond });
      else {
        const { captions, images } = event;
        output.print(
          `Job ${job}: ${counted(captions, 'caption')} of ${counted(images, 'picture')} taken back`,
        );
      }
    }
  });
}

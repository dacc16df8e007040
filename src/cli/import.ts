import { mkdir } from 'node:fs/promises';
import { Option } from 'commander';
import { importSources } from '../data/catalog/index.ts';
import { CAPTION_KINDS, type CaptionKind } from '../data/sample.ts';
import { writeError } from '../files.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { counted, formatDuration } from './output.ts';
import { shortPath } from './places.ts';
import { withWorkspace, workspaceFolder, workspaceOption } from './workspace.ts';

interface ImportOptions {
  into?: string;
  kind: CaptionKind;
  images?: string;
  look: boolean;
}

export const register: Register = (program, context) => {
  program
    .command('import')
    .summary('collect pictures and their captions in a workspace')
    .description(
      'Collects pictures and their captions in a workspace: a folder with a catalog that remembers every caption a picture ever had. ' +
        'The pictures stay where they are, and nothing of theirs is changed. Import again to add what is new.',
    )
    .argument('<source...>', 'folders, .tar shards, metadata.jsonl, COCO json, Parquet')
    .addOption(workspaceOption('--into <dir>'))
    .addOption(
      new Option('--kind <kind>', 'what the captions are, where the source does not say')
        .choices(CAPTION_KINDS)
        .default('alt'),
    )
    .option('--images <dir>', 'where the pictures are, for sources that only name them')
    .option(
      '--no-look',
      'do not look at the pixels: faster, but finds neither broken pictures nor near-duplicates',
    )
    .addHelpText('after', '\nExample:\n  $ recaption import ~/photos ~/more-photos.tar --into workspace')
    .action((sources: string[], options: ImportOptions) => importCommand(sources, options, context));
};

async function importCommand(sources: string[], options: ImportOptions, context: Context): Promise<void> {
  const { output, signal, exit } = context;
  const { into, kind, images, look } = options;
  const folder = await workspaceFolder(into);
  await mkdir(folder, { recursive: true }).catch((error) => {
    throw writeError(folder, error);
  });
  const work = async (catalog: Parameters<typeof importSources>[0]) => {
    const started = performance.now();
    for await (const event of importSources(catalog, sources, { kind, images, look, signal })) {
      output.record(event);
      if (event.kind === 'failure') output.failure(event.failure);
      else if (event.kind === 'progress')
        output.progress({
          label: `importing ${shortPath(event.source)}:`,
          done: event.seen,
          unit: 'pictures',
          rate: event.imagesPerSecond,
          detail: event.failed > 0 ? `${event.failed} failed` : undefined,
        });
      else {
        const { seen, added, captions, copies, twins = 0, failed, stopped } = event;
        const took = formatDuration((performance.now() - started) / 1000);
        output.print(
          `${stopped ? 'Stopped: ' : ''}${counted(seen, 'picture')} seen, ${added.toLocaleString('en')} new, with ${counted(captions, 'new caption')}, in ${took}: ${shortPath(folder)}`,
        );
        if (copies > 0)
          output.print(`${counted(copies, 'picture')} there already under another name: kept once`);
        if (twins > 0)
          output.print(
            `${counted(twins, 'picture')} that look the same as another: recaption query twin:yes`,
          );
        if (failed > 0) {
          output.print(`${counted(failed, 'failure')}, listed by: recaption status --failures`);
          exit(EXIT.doneWithFailures);
        }
      }
    }
  };
  await withWorkspace(folder, work, { create: true });
}

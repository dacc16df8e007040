/**
 * Imports a folder into a workspace and captions it by two recipes with the fake captioner, to be killed from outside.
 * Arguments: folder, workspace, and a file that gets a line for each picture that a captioner was shown.
 */
import { appendFileSync } from 'node:fs';
import { importSources, openCatalog } from '../../src/data/catalog/index.ts';
import { captionWorkspace } from '../../src/jobs/workspace-job.ts';
import { fakeCaptioner } from './fake-captioner.ts';

const [source, folder, shown] = process.argv.slice(2);
const catalog = await openCatalog(folder, { create: true });
process.stdout.write('ready\n');
for await (const _ of importSources(catalog, [source]));
for (const kind of ['short', 'descriptive'] as const) {
  const fake = fakeCaptioner({ delayMs: 4, kind });
  const caption: typeof fake.caption = (images) => {
    appendFileSync(shown, images.map(({ data }) => `${kind} ${data[0] + 256 * data[1]}\n`).join(''));
    return fake.caption(images);
  };
  for await (const _ of captionWorkspace({
    catalog,
    captioner: { ...fake, caption },
    batch: 2,
    concurrency: 2,
  }));
}

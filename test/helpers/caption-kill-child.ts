/**
 * Captions a folder with the fake captioner, to be killed from outside.
 * Arguments: folder, output, and a file that gets a line for each picture the captioner was shown.
 */
import { appendFileSync } from 'node:fs';
import { openDataset } from '../../src/data/index.ts';
import { captionCollection } from '../../src/jobs/caption-job.ts';
import { fakeCaptioner } from './fake-captioner.ts';

const [source, out, shown] = process.argv.slice(2);
const fake = fakeCaptioner({ delayMs: 4 });

const job = captionCollection({
  open: (onFailure) => openDataset(source, { onFailure }),
  source,
  captioner: {
    ...fake,
    caption(images) {
      appendFileSync(shown, images.map(({ data }) => `${data[0]}\n`).join(''));
      return fake.caption(images);
    },
  },
  out,
  batch: 4,
});
process.stdout.write('ready\n');
for await (const event of job) if (event.kind === 'done') process.stdout.write(`${JSON.stringify(event)}\n`);

/**
 * Captions a second of a captioner, from decoded pictures to text: its detector, encoders and graph are part of it. Pictures are decoded
 * before the clock runs.
 *
 *     node bench/caption.ts MODEL_DIR SOURCE [--pictures 256] [--batch 32] [--beam 3]
 */
import { parseArgs } from 'node:util';
import { loadCaptioner } from '../src/captioners/load.ts';
import { loadImages, openDataset } from '../src/data/index.ts';
import type { Image } from '../src/image/image.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pictures: { type: 'string', default: '256' },
    batch: { type: 'string', default: '32' },
    beam: { type: 'string', default: '3' },
  },
});
const [model, source] = positionals;
const [pictures, batch, beam] = [values.pictures, values.batch, values.beam].map(Number);
const captioner = await loadCaptioner(model, { batch });
const images: Image[] = [];
for await (const { image } of loadImages(await openDataset(source), { maxSide: captioner.resolution })) {
  images.push(image);
  if (images.length === pictures) break;
}
await captioner.caption(images.slice(0, batch), { beam }); // graphs are compiled at first use
const start = performance.now();
for (let at = 0; at < images.length; at += batch)
  await captioner.caption(images.slice(at, at + batch), { beam });
const seconds = (performance.now() - start) / 1000;
console.log(`${captioner.id}: ${images.length} pictures, batch ${batch}, beam ${beam}`);
console.log(`${(images.length / seconds).toFixed(1)} captions a second`);
await captioner.close();

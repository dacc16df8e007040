/**
 * Caption metrics of 5,000 images with 5 references each: seconds of one processor for all of them, and how many times as fast
 * BLEU, ROUGE-L and CIDEr-D are as in plain Python, where they must give the same figures. Seconds are those that the
 * processes spent computing, whoever else is on the machine.
 *
 *     node bench/metrics.ts [SOURCE] [--images 5000] [--pairs 3]
 *
 * SOURCE is any collection with captions; five captions of a picture are its references, and the first of the next picture
 * is scored against them. Without one: the shared Flickr8k shards, or scenes of the world where there are none.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openDataset } from '../src/data/index.ts';
import type { Dataset } from '../src/data/sample.ts';
import { CAPTION_METRICS, ptbTokenize } from '../src/metrics/index.ts';
import { worldDataset } from '../src/world/index.ts';
import { compare, inPairs, median, ours, python, verdict } from './lib/lines.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { images: { type: 'string', default: '5000' }, pairs: { type: 'string', default: '3' } },
});
const [images, pairs] = [Number(values.images), Number(values.pairs)];
const REFERENCES = 5;
/** The same value to so many digits, relative to its size. */
const SAME = 1e-9;

const scratch = await mkdtemp(join(tmpdir(), 'recaption-bench-metrics-'));
const file = join(scratch, 'captions.json');
const { name, captions } = await collect();
const items = captions.map((referenceTexts, i) => {
  const candidateText = captions[(i + 1) % captions.length][0];
  return {
    candidateText,
    referenceTexts,
    candidate: ptbTokenize(candidateText),
    references: referenceTexts.map(ptbTokenize),
  };
});
await writeFile(file, JSON.stringify(items));
const [here, there] = [ours('metrics', { file }), python('metrics', { file })];
await compare([here, there], async () => {
  console.log(`${items.length} images with ${REFERENCES} references each, of ${name}`);
  const seconds = await inPairs([here, there], 'seconds', { pairs, warmups: 1 }, (one, other) => {
    console.log(
      `  ours ${one.toFixed(2)} s, Python ${other.toFixed(2)} s, ratio ${(other / one).toFixed(2)}`,
    );
  });
  for (const metric of ['Bleu_1', 'Bleu_2', 'Bleu_3', 'Bleu_4', 'ROUGE_L', 'CIDEr-D']) {
    const [one, other] = [await here.ask(metric), await there.ask(metric)];
    const same = Math.abs(one - other) <= SAME * Math.abs(other);
    if (!same) process.exitCode = 1;
    console.log(`  ${metric}: ${one.toFixed(6)}, Python ${other.toFixed(6)}${same ? '' : ', NOT THE SAME'}`);
  }
  const ratio = median(seconds.other.map((other, i) => other / seconds.one[i]));
  console.log(
    `BLEU, ROUGE-L, CIDEr-D: ours ${median(seconds.one).toFixed(2)} s, Python ${median(seconds.other).toFixed(2)} s, ` +
      `median ratio ${ratio.toFixed(2)}, ${verdict(ratio, { least: 4 })}`,
  );
  for (const metric of CAPTION_METRICS)
    console.log(`  ${metric} alone: ${(await here.ask(`only ${metric}`)).toFixed(2)} s of a processor`);
  const all = await here.ask('all');
  console.log(
    `all metrics from raw text (${CAPTION_METRICS.join(', ')}): ${all.toFixed(2)} s of a processor, ${verdict(all, { most: 6 })}`,
  );
  console.log(`their intervals, 1,000 draws: ${(await here.ask('bootstrap')).toFixed(2)} s of a processor`);
});
await rm(scratch, { recursive: true });

async function collect(): Promise<{ name: string; captions: string[][] }> {
  const shared = resolve(import.meta.dirname, '../../shared/data/flickr8k/*.tar');
  const place = positionals[0] ?? shared;
  const found = await openDataset(place).catch((error) => {
    if (positionals[0] !== undefined) throw error;
    return undefined;
  });
  if (found !== undefined) return { name: place, captions: await take(found) };
  return { name: 'the world', captions: await take(worldDataset({ count: 2 * images, size: 32, seed: 1 })) };
}

/** The first pictures' captions, as many as there must be references; those with fewer begin again with their first. */
async function take(dataset: Dataset): Promise<string[][]> {
  const captions: string[][] = [];
  for await (const { captions: own } of dataset) {
    if (captions.length === images) break;
    if (own.length === 0) continue;
    captions.push(Array.from({ length: REFERENCES }, (_, i) => own[i % own.length].text));
  }
  return captions;
}

/**
 * Puts a trained captioner into the package: `node scripts/ship-captioner.ts MODEL_DIR NAME CARD.md`. Weights become float16, the
 * configuration loses what only its training needed, and the model card is the given file.
 */
import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../src/files.ts';
import { captionerLoss } from '../src/models/captioner.ts';
import { parseCaptionerFile } from '../src/models/captioner-config.ts';
import { loadWeights, readJson, saveWeights, writeJson } from '../src/models/model-folder.ts';
import { params } from '../src/tensor/index.ts';

const [from, name, card] = process.argv.slice(2);
if (card === undefined) {
  console.error('usage: node scripts/ship-captioner.ts MODEL_DIR NAME CARD.md');
  process.exit(2);
}
const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
const to = join('assets/captioners', name);
await mkdir(to, { recursive: true });

const { model, seed, step } = (await readJson(join(from, 'config.json'))) as Record<string, unknown>;
const config = parseCaptionerFile({ model }, from).model;
const tree = params();
captionerLoss(tree, config, { batch: 1, length: config.maxTokens, captions: 1 });
const weights = await loadWeights(join(from, 'model.safetensors'), tree.all);
await saveWeights(join(to, 'model.safetensors'), weights, tree.all, { dtype: 'F16' });
await writeJson(to, 'config.json', {
  type: 'recaption-captioner',
  format: 1,
  id: `${name}@${version}`,
  model,
  seed,
  step,
});
await cp(join(from, 'tokenizer.json'), join(to, 'tokenizer.json'));
await writeFileAtomic(join(to, 'README.md'), await readFile(card, 'utf8'));

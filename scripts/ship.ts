/**
 * Puts a trained model into the package: `node scripts/ship.ts captioners|generators|prompt-writers MODEL_DIR NAME CARD.md`. Weights become float16, the
 * configuration loses what only its training needed, and the model card is the given file.
 */
import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../src/files.ts';
import { readJson, writeJson } from '../src/models/model-folder.ts';
import { fromFloat32, readSafetensors, toFloat32, writeSafetensors } from '../src/tensor/safetensors.ts';

const [kind, from, name, card] = process.argv.slice(2);
if (card === undefined || !['captioners', 'generators', 'prompt-writers'].includes(kind)) {
  console.error('usage: node scripts/ship.ts captioners|generators|prompt-writers MODEL_DIR NAME CARD.md');
  process.exit(2);
}
const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
const to = join('assets', kind, name);
await mkdir(to, { recursive: true });

const {
  training: _,
  type,
  format,
  ...config
} = (await readJson(join(from, 'config.json'))) as Record<string, unknown>;
const { tensors } = await readSafetensors(join(from, 'model.safetensors'));
const halves = [...tensors].map(
  ([key, tensor]) => [key, fromFloat32(toFloat32(tensor), tensor.shape, 'F16')] as const,
);
await writeSafetensors(join(to, 'model.safetensors'), new Map(halves), { format: 'recaption' });
await writeJson(to, 'config.json', { type, format, id: `${name}@${version}`, ...config });
await cp(join(from, 'tokenizer.json'), join(to, 'tokenizer.json'));
await writeFileAtomic(join(to, 'README.md'), await readFile(card, 'utf8'));

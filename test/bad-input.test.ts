/** Bad input through the command line: a clear sentence that names the place, nothing lost, the right exit status. */
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { writeDataset } from '../src/data/index.ts';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../src/tensor/safetensors.ts';
import { normaliseCaption } from '../src/text/normalise-caption.ts';
import { loadTokenizer } from '../src/text/tokenizer.ts';
import { worldDataset } from '../src/world/index.ts';
import { type Folder, picture, tarOf, temporaryFolder } from './helpers/collection.ts';
import { jsonLines, PROGRAM, runProgram, say } from './helpers/program.ts';

/** A network that is small enough to train in a test. */
const TINY = {
  model: {
    vision: { kind: 'patches', size: 32, patch: 16 },
    width: 32,
    heads: 2,
    imageLayers: 1,
    multimodalLayers: 1,
    vocabulary: 400,
    maxTokens: 16,
  },
  training: { batch: 4, packedTokens: 32, captionsPerImage: 2, warmup: 1 },
};

let temporary: Folder;
let root: string;
let config: string;
let scenes: string;
let model: string;
/** Of one test: empty at its start. */
let folder: string;
let tests = 0;

beforeAll(async () => {
  temporary = await temporaryFolder();
  root = temporary.path;
  process.env.RECAPTION_CACHE = join(root, 'cache');
  [config, scenes, model] = ['tiny.json', 'scenes', 'model'].map((name) => join(root, name));
  await writeFile(config, JSON.stringify(TINY));
  await writeDataset(worldDataset({ count: 6, size: 32, seed: 1 }), { to: scenes, format: 'imagefolder' });
  const { code, stderr } = await train(scenes, model);
  if (code !== 0) throw new Error(stderr);
});
afterAll(() => temporary.remove());
beforeEach(async () => {
  folder = join(root, `test-${tests++}`);
  await mkdir(folder);
});

const train = (data: string, out: string, ...more: string[]) =>
  say('train', 'captioner', '--data', data, '--out', out, '--config', config, '--steps', '2', ...more);
const caption = (source: string, out: string, ...more: string[]) =>
  say('caption', source, '--captioner', model, '--out', out, '--max-tokens', '4', ...more);

async function put(files: Record<string, string | Uint8Array>): Promise<string> {
  const place = join(folder, 'data');
  await mkdir(place, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(place, name), content);
  return place;
}

describe('an empty folder', () => {
  test.each([
    ['caption', (data: string, out: string) => caption(data, out)],
    ['train captioner', (data: string, out: string) => train(data, out)],
  ])('is named by %s, which fails and writes nothing', async (_, run) => {
    const data = await put({ 'notes.txt': 'no picture here' });
    const { code, stderr } = await run(data, join(folder, 'out'));
    expect(stderr).toBe(
      `error: no pictures found (${data})\n` +
        'hint:  Name a folder of pictures, .tar shards, a .jsonl or .parquet file, or a COCO or Karpathy .json file.\n',
    );
    expect(code).toBe(1);
    expect(await readdir(folder)).toEqual(['data']);
  });
});

test('pictures without captions cannot be learnt from; the hint says where captions may stand', async () => {
  const data = await put({ 'a.png': await picture(1), 'b.png': await picture(2), 'b.txt': ' \n' });
  const { code, stderr } = await train(data, join(folder, 'out'));
  expect(stderr).toContain(`error: no picture with a caption was found (${data})\nhint:  Training needs`);
  expect(code).toBe(1);
  expect(existsSync(join(folder, 'out'))).toBe(false);
});

test('captions whose pictures are all broken cannot be learnt from, and each picture is named', async () => {
  const data = await put({ 'a.png': 'no picture', 'a.txt': 'a cat' });
  const { code, stderr } = await train(data, join(folder, 'out'));
  expect(stderr).toContain(`(${join(data, 'a.png')})\nerror: not one of the pictures with captions`);
  expect(code).toBe(1);
});

describe('a shard with a broken picture, a damaged header and a key that occurs twice', () => {
  const codes = ['duplicate-key', 'image-unreadable', 'tar-corrupt'];
  let shard: string;
  beforeEach(async () => {
    const archive = await tarOf([
      ['a.png', await picture(1)],
      ['a.txt', 'a grey square'],
      ['b.png', 'no picture'],
      ['b.txt', 'a broken square'],
      ['c.png', await picture(3)],
      ['c.txt', 'a light square'],
      ['a.png', await picture(4)],
      ['a.txt', 'the same name again'],
      ['d.png', await picture(5)],
      ['d.txt', 'a bright square'],
    ]);
    archive.fill(0xff, archive.indexOf('c.txt'), archive.indexOf('c.txt') + 300);
    shard = join(await put({ 's.tar': archive }), 's.tar');
  });

  test('is captioned but for these, which are listed; the status is 3, also when run again', async () => {
    const out = join(folder, 'out.jsonl');
    for (const run of ['first', 'second']) {
      const { code, stderr } = await caption(shard, out);
      expect(code, run).toBe(3);
      expect(stderr).toMatch(/warning: .*\(.*s\.tar#b\.png\)/);
      const rows = jsonLines(await readFile(out, 'utf8'));
      expect(rows.map(({ key }) => key)).toEqual(['a', 'c', 'd']);
      const failures = jsonLines(await readFile(join(folder, 'failures.jsonl'), 'utf8'));
      expect(failures.map((failure) => failure.code).sort()).toEqual(codes);
      for (const { place, message } of failures) {
        expect(place).toContain(`${shard}#`);
        expect(message).toMatch(/\w+ \w+/);
      }
    }
  });

  test('can be learnt from but for these, which are listed; the status is 3', async () => {
    const out = join(folder, 'out');
    const { code, stdout } = await train(shard, out);
    expect(stdout).toContain('3 samples left out, listed in');
    expect(code).toBe(3);
    const failures = jsonLines(await readFile(join(out, 'failures.jsonl'), 'utf8'));
    expect(failures.map((failure) => failure.code).sort()).toEqual(codes);
    expect(existsSync(join(out, 'model.safetensors'))).toBe(true);
  });
});

test('captions in several scripts are learnt and written as they are', async () => {
  const captions = ['一只黑猫在垫子上', 'قطة على الحصير', 'кошка на ковре 🐈', 'แมวบนเสื่อ'];
  const files: [string, string | Uint8Array][] = [];
  let i = 0;
  for await (const { image } of worldDataset({ count: captions.length, size: 32, seed: 1 })) {
    files.push([`${i}.png`, await image.bytes()], [`${i}.txt`, captions[i]]);
    i++;
  }
  const data = await put(Object.fromEntries(files));
  const out = join(folder, 'out');
  await writeFile(
    join(folder, 'config.json'),
    JSON.stringify({
      model: { ...TINY.model, maxTokens: 32, dropout: 0, labelSmoothing: 0 },
      training: { ...TINY.training, packedTokens: 40, learningRate: 0.01, ema: 0 },
    }),
  );
  const args = ['--config', join(folder, 'config.json'), '--steps', '80'];
  const trained = await say('train', 'captioner', '--data', data, '--out', out, ...args);
  expect(trained.stderr).not.toContain('error');
  expect(trained.code).toBe(0);
  const tokenizer = await loadTokenizer(join(out, 'tokenizer.json'));
  for (const text of captions) expect(tokenizer.decode(tokenizer.encode(text))).toBe(normaliseCaption(text));

  const { code } = await say(
    'caption',
    data,
    '--captioner',
    out,
    '--out',
    join(folder, 'out.jsonl'),
    '--no-repeat-ngram',
    '0',
  );
  expect(code).toBe(0);
  const rows = jsonLines(await readFile(join(folder, 'out.jsonl'), 'utf8'));
  expect(rows.map((row) => row.caption)).toEqual(captions);
});

test('a caption of 10,000 words is learnt as far as it fits, with a warning', async () => {
  const long = Array.from({ length: 10_000 }, (_, i) => `word${i % 700}`).join(' ');
  const data = await put({
    'a.png': await picture(1),
    'a.txt': long,
    'b.png': await picture(2),
    'b.txt': 'short',
  });
  const { code, stderr } = await train(data, join(folder, 'out'));
  expect(stderr).toContain('warning: 1 caption is longer than 16 tokens; what is beyond is not learnt');
  expect(code).toBe(0);
  expect(await readFile(join(data, 'a.txt'), 'utf8')).toBe(long);
});

describe('a model folder', () => {
  let broken: string;
  beforeEach(async () => {
    broken = join(folder, 'broken model');
    await cp(model, broken, { recursive: true });
  });

  async function change(edit: (tensors: Map<string, StoredTensor>) => void): Promise<void> {
    const path = join(broken, 'model.safetensors');
    const { tensors, metadata } = await readSafetensors(path);
    edit(tensors);
    await writeSafetensors(path, tensors, metadata);
  }

  test.each<[string, RegExp, () => Promise<void>]>([
    [
      'with a missing tensor',
      /^error: the tensor "text\.head\.weight" is missing \(.*model\.safetensors\)\nhint: {2}/,
      () => change((tensors) => tensors.delete('text.head.weight')),
    ],
    [
      'with a tensor of another shape',
      /^error: the tensor "image\.norm\.bias" has shape \[16\], \[32\] is wanted \(.*model\.safetensors\)\nhint: {2}/,
      () =>
        change((tensors) =>
          tensors.set('image.norm.bias', { dtype: 'F32', shape: [16], data: new Uint8Array(64) }),
        ),
    ],
    [
      'whose weights are cut short',
      /^error: .*\(.*model\.safetensors.*\)\nhint: {2}/,
      async () => {
        const path = join(broken, 'model.safetensors');
        await writeFile(path, (await readFile(path)).subarray(0, 5000));
      },
    ],
    ...['config.json', 'model.safetensors', 'tokenizer.json'].map(
      (name): [string, RegExp, () => Promise<void>] => [
        `without ${name}`,
        new RegExp(`^error: the model folder has no ${name} \\(.*broken model\\)\nhint: {2}`),
        () => rm(join(broken, name)),
      ],
    ),
    [
      'with another configuration',
      /^error: model\.hieght: unknown key "hieght" \(.*config\.json\)\nhint: {2}/,
      async () => {
        const path = join(broken, 'config.json');
        const config = JSON.parse(await readFile(path, 'utf8'));
        config.model.hieght = 3;
        await writeFile(path, JSON.stringify(config));
      },
    ],
  ])('%s is refused before anything is written', async (_, sentence, damage) => {
    await damage();
    const { code, stderr } = await say(
      'caption',
      scenes,
      '--captioner',
      broken,
      '--out',
      join(folder, 'out', 'captions.jsonl'),
    );
    expect(stderr).toMatch(sentence);
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
    expect(code).toBe(1);
    expect(existsSync(join(folder, 'out'))).toBe(false);
  });
});

test.each([
  [{ model: { widht: 64 } }, 'model.widht: unknown key "widht"'],
  [{ training: { batch: 0 } }, 'training.batch: Too small'],
  [{ model: { width: 30, heads: 4 } }, 'model.width: it must be a multiple of "heads"'],
])('the config %j is refused: its file and the key are named, nothing is written', async (value, words) => {
  const file = join(folder, 'my config.json');
  await writeFile(file, JSON.stringify(value));
  const { code, stderr } = await train(scenes, join(folder, 'out'), '--config', file);
  expect(stderr).toContain(`error: ${words}`);
  expect(stderr).toContain(`(${file})\nhint:  docs/training.md`);
  expect(code).toBe(1);
  expect(existsSync(join(folder, 'out'))).toBe(false);
});

/** A disk of 8 MiB in a mount namespace of its own, as root of a user namespace: many systems allow it, not all. */
const onSmallDisk = (script: string) =>
  runProgram('unshare', [
    '--user',
    '--map-root-user',
    '--mount',
    'bash',
    '-c',
    `mount -t tmpfs -o size=8m tmpfs "$0" && cd "$0" && { ${script}\n}`,
    folder,
  ]);
const smallDisks = (await runProgram('unshare', ['--user', '--map-root-user', '--mount', 'bash', '-c', 'mount -t tmpfs tmpfs /tmp'])).code === 0; // biome-ignore format: one line

describe.skipIf(!smallDisks)('a full disk (skipped where no small one can be mounted)', () => {
  const recaption = () => `"${process.execPath}" "${PROGRAM}"`;

  test('stops captioning with a sentence; with room again, the same command goes on', async () => {
    const command = `${recaption()} caption "${scenes}" --captioner "${model}" --max-tokens 4 --batch 1 --out out.jsonl`;
    const { code, stdout, stderr } = await onSmallDisk(`
      head -c 9000000 /dev/zero > filler 2> /dev/null
      ${command}
      echo "status $?"
      rm filler
      ${command} && cat out.jsonl`);
    expect(stderr).toMatch(/error: the disk is full; nothing that was there before has been changed \(.*out/);
    expect(stderr).toContain('hint:  Free some space, then run the same command again');
    expect(stdout).toContain('status 1');
    expect(code).toBe(0);
    expect(stdout.match(/^\{"key"/gm)).toHaveLength(6);
  });

  test('stops a training with a sentence, and the model that was there stays whole', async () => {
    const { code, stdout, stderr } = await onSmallDisk(`
      cp -r "${model}" out
      sha256sum out/*.safetensors out/config.json > before
      head -c 9000000 /dev/zero > filler 2> /dev/null
      ${recaption()} train captioner --data "${scenes}" --out out --config "${config}" --steps 2 --resume
      echo "status $?"
      sha256sum --check --quiet before && ls out`);
    expect(stderr).toMatch(/error: the disk is full; nothing .* \(.*out/);
    expect(stdout).toContain('status 1');
    expect(code).toBe(0);
    expect(stdout).not.toContain('.tmp');
  });
});

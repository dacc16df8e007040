/** Training a generator, drawing with it and judging what it drew, as a user types it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeDataset } from '../src/data/index.ts';
import { decodeImage, encodePng, readPngText } from '../src/image/index.ts';
import { random } from '../src/random.ts';
import { readSafetensors, writeSafetensors } from '../src/tensor/safetensors.ts';
import { captionScene, renderScene, sampleScene, worldDataset } from '../src/world/index.ts';
import { type Folder, temporaryFolder } from './helpers/collection.ts';
import { jsonLines, PROGRAM, say } from './helpers/program.ts';
import { writeTinyT5 } from './helpers/tiny-t5.ts';

const TINY = {
  model: {
    size: 32,
    patch: 8,
    width: 32,
    layers: 1,
    heads: 2,
    text: { width: 16, layers: 1, heads: 2, window: 1, vocabulary: 300, maxTokens: 48 },
  },
  training: { batch: 4, warmup: 2, validateEvery: 10, previews: 4 },
  draw: { steps: 4 },
};

let temporary: Folder;
let folder: string;
let scenes: string;
let config: string;
let model: string;
beforeAll(async () => {
  temporary = await temporaryFolder();
  folder = temporary.path;
  process.env.RECAPTION_CACHE = join(folder, 'cache');
  [scenes, config, model] = ['scenes', 'tiny.json', 'model'].map((name) => join(folder, name));
  await writeDataset(worldDataset({ count: 8, size: 32, seed: 1 }), { to: scenes, format: 'webdataset' });
  await writeFile(config, JSON.stringify(TINY));
  const { code, stderr } = await train('--out', model, '--steps', '6');
  if (code !== 0) throw new Error(stderr);
});
afterAll(() => temporary.remove());

const train = (...args: string[]) =>
  say(
    'train',
    'generator',
    '--data',
    scenes,
    '--captions',
    'descriptive:0.9,alt:0.1',
    '--config',
    config,
    ...args,
  );
const generate = (out: string, ...args: string[]) =>
  say('generate', '--model', model, '--out', join(folder, out), ...args);
const file = (...path: string[]) => readFile(join(folder, ...path));

describe('recaption generate', () => {
  test('writes a picture with all that it was made from, an index, and a grid', async () => {
    const { code, stdout } = await generate('first', 'a red circle', 'two blue stars', '--count', '2', '--seed', '7', '--grid', '--negative', 'a green heart'); // biome-ignore format: one line
    expect(code).toBe(0);
    expect(stdout).toContain('4 pictures drawn');
    expect((await readdir(join(folder, 'first'))).sort()).toEqual(['00000-0.png', '00000-1.png', '00001-0.png', '00001-1.png', 'grid.png', 'index.jsonl', 'preview.png']); // biome-ignore format: one line
    const rows = jsonLines(`${await file('first', 'index.jsonl')}`);
    expect(rows[3]).toMatchObject({ file: '00001-1.png', prompt: 'two blue stars', negative: 'a green heart', seed: 8, steps: 4, guidance: 3 }); // biome-ignore format: one line
    const texts = readPngText(await file('first', '00001-1.png'));
    expect(JSON.parse(texts.recaption)).toEqual(rows[3]);
    expect(texts.parameters).toBe(`two blue stars\nNegative prompt: a green heart\nSteps: 4, Sampler: euler, CFG scale: 3, Seed: 8, Size: 32x32, Model: ${rows[3].model}`); // biome-ignore format: one line
    expect(await decodeImage(join(folder, 'first', 'grid.png'))).toMatchObject({
      width: 2 * 34 + 2,
      height: 2 * 34 + 2,
    });
  });

  test('draws a picture alike in any company, in any batch, and again', async () => {
    await generate('company', 'a red circle', 'two blue stars', 'a moon', '--seed', '3');
    await generate('alone', 'two blue stars', '--seed', '3', '--batch', '3');
    expect((await decodeImage(join(folder, 'alone', '00000.png'))).data).toEqual((await decodeImage(join(folder, 'company', '00001.png'))).data); // biome-ignore format: one line
    await generate('other-seed', 'two blue stars', '--seed', '4');
    expect((await file('other-seed', '00000.png')).equals(await file('alone', '00000.png'))).toBe(false);
  });

  test.each(['euler', 'heun', 'dpm++', 'ddim', 'ddpm', 'consistency'])(
    'draws with the sampler %s, the same each time',
    async (sampler) => {
      for (const out of ['one', 'two'])
        await generate(`${sampler}-${out}`, 'a red circle', '--sampler', sampler, '--steps', '3');
      expect(
        (await file(`${sampler}-one`, '00000.png')).equals(await file(`${sampler}-two`, '00000.png')),
      ).toBe(true);
    },
  );

  test('leaves what is there alone, and refuses to replace what was made otherwise', async () => {
    await generate('kept', 'a red circle');
    const again = await generate('kept', 'a red circle');
    expect(again.stdout).toContain('Already there: 1 picture');
    const other = await generate('kept', 'a blue circle');
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('made from something else');
    const replaced = await generate('kept', 'a blue circle', '--overwrite');
    expect(replaced.code).toBe(0);
    expect(JSON.parse(readPngText(await file('kept', '00000.png')).recaption).prompt).toBe('a blue circle');
  });

  test('leaves pictures of others alone, and keeps the rows of other commands', async () => {
    const out = join(folder, 'shared');
    expect((await generate('shared', 'a red circle')).code).toBe(0);
    expect((await generate('shared', 'a red circle', '--count', '2')).code).toBe(0);
    const rows = jsonLines(`${await file('shared', 'index.jsonl')}`);
    expect(rows.map((row) => row.file)).toEqual(['00000.png', '00000-0.png', '00000-1.png']);
    await rm(join(out, 'index.jsonl'));
    expect((await generate('shared', 'a red circle')).code).toBe(0); // it carries its own row
    expect(jsonLines(`${await file('shared', 'index.jsonl')}`)).toHaveLength(1);
    await temporary.write({ 'foreign/00000.png': await encodePng(renderScene(sampleScene(1, 1), 32)) });
    const before = await file('foreign', '00000.png');
    const refused = await generate('foreign', 'a red circle');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('a picture of this name was made from something else');
    expect((await file('foreign', '00000.png')).equals(before)).toBe(true);
  });

  test('killed, it goes on where it was: every picture once, the same as of one left alone', async () => {
    const prompts = join(folder, 'many.txt');
    await writeFile(prompts, Array.from({ length: 12 }, (_, i) => `${i + 1} red circles`).join('\n'));
    const words = [
      'generate',
      '--model',
      model,
      '--prompts',
      prompts,
      '--batch',
      '2',
      '--steps',
      '20',
      '--json',
    ];
    const killed = join(folder, 'killed');
    for (const kill of [2, 4]) {
      const child = spawn(process.execPath, [PROGRAM, ...words, '--out', killed], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const ended = once(child, 'exit');
      let pictures = 0;
      for await (const line of createInterface({ input: child.stdout }))
        if (JSON.parse(line).kind === 'picture' && ++pictures === kill) child.kill('SIGKILL');
      await ended;
    }
    const last = await say(...words, '--out', killed);
    expect(last.code).toBe(0);
    expect(jsonLines(last.stdout).at(-1)).toMatchObject({ pictures: 12 });
    expect(jsonLines(last.stdout).at(-1).added).toBeLessThan(12);
    await say(...words, '--out', join(folder, 'unhurt'));
    for (const name of [...Array(12).keys()].map((i) => `${String(i).padStart(5, '0')}.png`))
      expect((await file('killed', name)).equals(await file('unhurt', name)), name).toBe(true);
    expect(`${await file('killed', 'index.jsonl')}`).toBe(`${await file('unhurt', 'index.jsonl')}`);
  });
});

test('a training that is killed twice and resumed has, byte for byte, the weights of one left alone', {
  timeout: 60_000,
}, async () => {
  const words = [
    'train',
    'generator',
    '--data',
    scenes,
    '--val',
    scenes,
    '--captions',
    'descriptive:0.9,alt:0.1',
    '--config',
    config,
    '--steps',
    '60',
    '--resume',
    '--json',
  ];
  const run = async (out: string, killAt?: number) => {
    const child = spawn(process.execPath, [PROGRAM, ...words, '--out', join(folder, out)], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, RECAPTION_CACHE: join(folder, 'cache') },
    });
    const ended = once(child, 'exit');
    let resumedFrom = -1;
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line);
      if (event.kind === 'plan') resumedFrom = event.resumedFrom;
      if (event.kind === 'step' && event.step === killAt) child.kill('SIGKILL');
    }
    await ended;
    return resumedFrom;
  };
  await run('killed-run', 17); // a new best is saved every ten steps
  expect(await run('killed-run', 38)).toBeGreaterThanOrEqual(10);
  expect(await run('killed-run')).toBeGreaterThanOrEqual(20);
  expect(await run('whole-run')).toBe(0);
  for (const name of ['model.safetensors', 'tokenizer.json', 'config.json', 'preview.png'])
    expect((await file('killed-run', name)).equals(await file('whole-run', name)), name).toBe(true);
});

describe('what cannot be drawn', () => {
  test.each([
    [['--sampler', 'magic', 'a circle'], 2, 'Allowed choices are euler'],
    [[], 2, 'what shall be drawn?'],
    [['a circle', '--prompts', 'x.txt'], 2, 'not both'],
    [[' '], 1, 'the prompt is empty'],
    [['a red circle '.repeat(40)], 1, 'this generator reads'],
    [['--prompts', 'nowhere.txt'], 1, 'no such file'],
  ])('%j is told in one sentence', async (args, code, sentence) => {
    const said = await generate('never', ...args);
    expect(said.code).toBe(code);
    expect(said.stderr).toContain(sentence);
    expect(said.stderr).not.toContain('this should not have happened');
  });

  test('a prompt of emoji is drawn: the tokenizer knows every byte', async () => {
    expect((await generate('emoji', '🦊🔴')).code).toBe(0);
  });

  test('bad lines of a file are told with their place, and the others are drawn', async () => {
    const prompts = join(folder, 'some.jsonl');
    await writeFile(
      prompts,
      ['{"prompt": "a red circle"}', 'no json', '{"text": "a star"}', '{"prompt": ""}', '{"other": 1}'].join(
        '\n',
      ),
    );
    const { code, stderr } = await generate('some', '--prompts', prompts);
    expect(code).toBe(3);
    for (const line of [2, 4, 5]) expect(stderr).toContain(`some.jsonl:${line}`);
    expect(jsonLines(`${await file('some', 'index.jsonl')}`).map(({ prompt }) => prompt)).toEqual([
      'a red circle',
      'a star',
    ]);
  });

  test('a model that is not there, or not whole, or whose weights are of another configuration', async () => {
    const nowhere = await say(
      'generate',
      'a circle',
      '--model',
      join(folder, 'nowhere'),
      '--out',
      join(folder, 'x'),
    );
    expect(nowhere).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no generator') });
    const broken = join(folder, 'broken');
    await train('--out', broken, '--steps', '1');
    const weights = join(broken, 'model.safetensors');
    const { tensors } = await readSafetensors(weights);
    const parsed = JSON.parse(`${await file('broken', 'config.json')}`);
    await writeFile(
      join(broken, 'config.json'),
      JSON.stringify({ ...parsed, model: { ...parsed.model, width: 64 } }),
    );
    const misfit = await say('generate', 'a circle', '--model', broken, '--out', join(folder, 'x'));
    expect(misfit).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/the tensor "net\.\S+" has shape .* is wanted/),
    });
    await writeFile(join(broken, 'config.json'), JSON.stringify(parsed));
    tensors.delete('net.out.weight');
    await writeSafetensors(weights, tensors);
    const missing = await say('generate', 'a circle', '--model', broken, '--out', join(folder, 'x'));
    expect(missing).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"net.out.weight" is missing'),
    });
    await rm(join(broken, 'tokenizer.json'));
    const wordless = await say('generate', 'a circle', '--model', broken, '--out', join(folder, 'x'));
    expect(wordless).toMatchObject({ code: 1, stderr: expect.stringContaining('no tokenizer.json') });
  });
});

describe('what cannot be trained', () => {
  test('a mix that is none', async () => {
    const { code, stderr } = await say('train', 'generator', '--data', scenes, '--captions', 'vivid', '--out', join(folder, 'x')); // biome-ignore format: one line
    expect([code, stderr]).toEqual([1, expect.stringContaining('"vivid" is no kind of caption')]);
  });

  test('on a T5 without a tokenizer', async () => {
    const t5 = await writeTinyT5(join(folder, 'mute-t5'), 1, { tokenizer: false });
    const { code, stderr } = await train('--text', t5, '--out', join(folder, 'x'), '--steps', '1');
    expect([code, stderr]).toEqual([1, expect.stringContaining('the T5 has no tokenizer.json')]);
  });

  test('what does not fit into memory is told before it is tried, with what would fit', async () => {
    const huge = join(folder, 'huge.json');
    await writeFile(
      huge,
      JSON.stringify({
        model: { size: 1024, patch: 2, width: 1024, layers: 24, heads: 16 },
        training: { batch: 4096 },
      }),
    );
    const { code, stderr } = await say('train', 'generator', '--data', scenes, '--captions', 'descriptive', '--config', huge, '--out', join(folder, 'x')); // biome-ignore format: one line
    expect(code).toBe(1);
    expect(stderr).toMatch(/a step would need about [\d,]+ GB/);
  });
});

describe('recaption evaluate scenes', () => {
  test('judges pictures by the index beside them, per skill, and tells people and programs alike', async () => {
    const out = join(folder, 'judged');
    const rows = [];
    for (let i = 0; i < 4; i++) {
      const scene = sampleScene(61, i, { textures: 0, letters: 0, gradients: 0, overlaps: 0, maxObjects: 2 });
      await temporary.write({
        [`judged/0000${i}.png`]: await encodePng(renderScene(i < 3 ? scene : sampleScene(62, i), 40)),
      });
      rows.push({ file: `0000${i}.png`, prompt: captionScene(scene, 'descriptive', random(61, i)), seed: 0, model: 'truth', steps: 1, guidance: 1, sampler: 'euler', shift: 1 }); // biome-ignore format: one line
    }
    await temporary.write({ 'judged/index.jsonl': rows.map((row) => JSON.stringify(row)).join('\n') });
    const { code, stdout } = await say('evaluate', 'scenes', '--images', out);
    expect(code).toBe(0);
    expect(stdout).toMatch(/all met +75\.0 % +\[[\d.]+, [\d.]+\] +of 4/);
    const prompts = join(folder, 'judged.txt');
    await writeFile(prompts, rows.map(({ prompt }) => prompt).join('\n'));
    const said = await say('evaluate', 'scenes', '--images', out, '--prompts', prompts, '--json');
    expect(jsonLines(said.stdout).at(-1)).toMatchObject({
      kind: 'scores',
      prompts: 4,
      images: 4,
      met: { rate: 0.75 },
    });
    await rm(join(out, 'index.jsonl'));
    const unknown = await say('evaluate', 'scenes', '--images', out);
    expect(unknown.stderr).toContain('nothing says what its prompt was');
  });

  test('draws for itself what it judges, when given a model', async () => {
    const prompts = join(folder, 'two.txt');
    await writeFile(prompts, 'a red circle\na blue square on a white background\n');
    const { code, stdout } = await say('evaluate', 'scenes', '--model', model, '--prompts', prompts, '--count', '2', '--steps', '2', '--json'); // biome-ignore format: one line
    expect(code).toBe(0);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ prompts: 2, images: 4 });
    expect((await say('evaluate', 'scenes')).code).toBe(2);
  });

  test('asks for the captions of a collection, and gives each of several snapshots a row', async () => {
    const weights = join(model, 'model.safetensors');
    const { code, stdout } = await say('evaluate', 'scenes', '--model', model, '--weights', weights, weights, '--prompts', scenes, '--kind', 'short', '--limit', '3', '--count', '1', '--steps', '1'); // biome-ignore format: one line
    expect(code).toBe(0);
    expect(stdout.split('\n').filter((row) => /\d %.* {2}model\.safetensors$/.test(row))).toHaveLength(2);
    const none = await say('generate', '--model', model, '--prompts', scenes, '--kind', 'human', '--out', join(folder, 'none')); // biome-ignore format: one line
    expect(none.stderr).toContain('no caption of kind human');
  });
});

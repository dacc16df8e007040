import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { jsonLines, say } from '../../test/helpers/program.ts';
import { sharedData } from '../../test/shared.ts';
import { writeDataset } from '../data/index.ts';
import { worldDataset } from '../world/index.ts';

let folder: Folder;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const put = (name: string, ...rows: unknown[]) =>
  folder.write({
    [name]: name.endsWith('l') ? rows.map((row) => JSON.stringify(row)).join('\n') : JSON.stringify(rows),
  });
const score = async (...args: string[]) => {
  const { code, stdout, stderr } = await say('score', 'captions', ...args, '--draws', '20', '--json');
  return { code, stderr, result: jsonLines(stdout)[0] };
};

const ROWS = [
  { image_id: 1, candidate: 'a dog runs on grass', references: ['a dog runs over the grass', 'the dog'] },
  { image_id: 2, candidate: 'two cats', references: ['two cats sit on a bed'] },
];

describe('score captions', () => {
  test('prints every metric with its interval, and says in what METEOR differs', async () => {
    const file = await put('rows.jsonl', ...ROWS);
    const { code, stdout, stderr } = await say('score', 'captions', file, '--metrics', 'bleu,METEOR,cider-d');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^2 images, 3 references; 95 % intervals from 1,000 draws, seed 1$/m);
    for (const name of ['Bleu_1', 'Bleu_4', 'METEOR', 'CIDEr-D'])
      expect(stdout).toMatch(new RegExp(`^${name} +\\d\\.\\d{4} {2}\\d\\.\\d{4} to \\d+\\.\\d{4}$`, 'm'));
    expect(stdout).not.toContain('ROUGE');
    expect(stdout).toMatch(/without its table of paraphrases/);
  });

  test('--json holds metrics, intervals and n, and the scores of images only when asked', async () => {
    const file = await put('rows.json', ...ROWS);
    const { result } = await score(file);
    expect(Object.keys(result.metrics)).toEqual(
      expect.arrayContaining(['Bleu_1', 'Bleu_4', 'METEOR', 'ROUGE_L', 'CIDEr', 'CIDEr-D']),
    );
    expect(result).toMatchObject({ n: 2, warnings: [], failed: 0, bootstrap: { draws: 20, seed: 1 } });
    expect(result.intervals.METEOR[0]).toBeLessThanOrEqual(result.metrics.METEOR);
    expect(result).not.toHaveProperty('perImage');
    const { result: whole } = await score(file, '--per-image', '--metrics', 'rouge');
    expect(Object.keys(whole.perImage)).toEqual(['1', '2']);
    expect(whole.perImage[2]).toEqual({ ROUGE_L: expect.any(Number) });
    const { stdout } = await say('score', 'captions', file, '--per-image', '--metrics', 'bleu_1');
    expect(stdout).toMatch(/^image\tBleu_1\n1\t\d\.\d{4}\n2\t1?\d?\.\d{4}$/m);
  });

  test('compares two files of the same images, with difference, interval and p', async () => {
    const rows = Array.from({ length: 12 }, (_, i) => ({
      id: i,
      caption: 'a dog',
      references: [`a dog and ${i} cats`],
    }));
    const one = await put('one.json', ...rows);
    const other = await put('other.json', ...rows.map(({ id, references: [caption] }) => ({ id, caption })));
    const { code, result } = await score(one, '--compare', other);
    expect(code).toBe(0);
    const { difference, interval, p } = result.compare.differences.METEOR;
    expect(difference).toBeCloseTo(result.compare.metrics.METEOR - result.metrics.METEOR, 12);
    expect(interval[0]).toBeGreaterThan(0);
    expect(p).toBeLessThan(0.1);
    const { stdout } = await say('score', 'captions', one, '--compare', other);
    expect(stdout).toMatch(/score +interval +other +difference +interval +p$/m);
    expect(stdout).toMatch(/^ROUGE_L .*\+0\.\d{4} +\+0\.\d{4} to \+0\.\d{4} +0\.002$/m);
  });

  test('takes --tokenized texts as they are', async () => {
    const file = await put('rows.json', { id: 1, caption: "dog 's . ,", references: ["dog 's . ,"] });
    expect((await score(file, '--tokenized')).result.metrics.Bleu_4).toBeCloseTo(1, 6);
    expect((await score(file)).result.metrics.Bleu_4).toBeLessThan(0.01);
  });

  test('leaves out captions without references and says so, with status 3', async () => {
    const file = await put('rows.jsonl', ...ROWS, { image_id: 3, candidate: 'x' }, { image_id: 4 });
    const { code, result, stderr } = await score(file);
    expect(code).toBe(3);
    expect(result).toMatchObject({ n: 2, failed: 1 });
    expect(stderr).toMatch(/warning: 1 caption left out, without references: 3$/m);
    expect(stderr).toMatch(/warning: the row has no .*rows\.jsonl:4/);
  });

  test('warns of references without a caption, of empty captions and of a single image', async () => {
    const file = await put('one.jsonl', { image_id: 1, caption: '' });
    const references = await put(
      'refs.jsonl',
      { id: 1, captions: ['a dog'] },
      { id: 2, captions: ['a cat'] },
    );
    const { code, result } = await score(file, '--references', references);
    expect(code).toBe(0);
    expect(result.metrics['CIDEr-D']).toBe(0);
    expect(result.warnings).toEqual([
      expect.stringMatching(/^1 image with references but without a caption: 2$/),
      expect.stringMatching(/0 by definition/),
      expect.stringMatching(/have no words/),
    ]);
  });

  test.each([
    ['no references at all', [{ id: 1, caption: 'a' }], 'no-references', /--references/],
    ['one image twice', [ROWS[0], ROWS[0]], 'duplicate-key', /one caption for each image/],
    ['no captions', [{ id: 1, references: ['a'] }], 'no-captions', undefined],
  ])('refuses %s with one sentence', async (_, rows, code, hint) => {
    const { code: status, result } = await score(await put('rows.jsonl', ...rows));
    expect(status).toBe(1);
    expect(result.error.code).toBe(code);
    if (hint) expect(result.error.hint).toMatch(hint);
  });

  test.each([
    [['--metrics', 'BLUE'], /there is no metric "BLUE"/],
    [['--draws', '1'], /whole number from 10/],
    [['--metric', 'bleu'], /unknown option/],
  ])('%j is bad usage', async (args, sentence) => {
    const { code, stderr } = await say('score', 'captions', await put('rows.json', ...ROWS), ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(sentence);
  });

  const golden = sharedData('metrics/fakecap.json');
  test.skipIf(golden === undefined)('gives the reference figures of the shared captions', async () => {
    const { code, result } = await score(golden!, '--tokenized', '--metrics', 'bleu,cider-d');
    expect(code).toBe(0);
    expect(result.n).toBe(500);
    expect(result.metrics.Bleu_4).toBeCloseTo(0.19005618, 6);
    expect(result.metrics['CIDEr-D']).toBeCloseTo(0.59570367, 6);
  });
});

describe('score style', () => {
  test('describes each file and compares the others with the first', async () => {
    const one = await put('one.jsonl', { id: 1, caption: 'A dog runs.' }, { id: 2, caption: 'A dog runs.' });
    const other = await put('other.json', { id: 1, captions: ['two cats', 'three cats'] });
    const { code, stdout } = await say('score', 'style', one, other);
    expect(code).toBe(0);
    expect(stdout).toMatch(/one\.jsonl: 2 captions of 2 images/);
    expect(stdout).toMatch(/letter case +sentence 100\.0 %$/m);
    expect(stdout).toMatch(/of several images +100\.0 %: "a dog runs" 100\.0 %$/m);
    expect(stdout).toMatch(/other\.json: how far apart/);
    expect(stdout).toMatch(/^ +closing +1\.000$/m);

    const told = await say('--json', 'score', 'style', one, other, '--top', '1');
    const [{ sets, comparisons }] = jsonLines(told.stdout);
    expect(sets[0]).toMatchObject({ file: one, captions: 2, images: 2, length: { mean: 3 } });
    expect(comparisons).toEqual([expect.objectContaining({ one, other })]);
    expect(comparisons[0].openings).toHaveLength(1);
  });

  test('of a file without captions is refused', async () => {
    const { code, stderr } = await say('score', 'style', await put('none.jsonl'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: there is no caption in it .*none\.jsonl/);
  });

  test('shows what files hold without letting it move the cursor', async () => {
    const file = await put('odd.json', { id: 1, caption: 'a\u001b[2J dog' });
    const { stdout } = await say('score', 'style', file);
    expect(stdout).not.toContain('\u001b');
    expect((await say('score', 'style', join(folder.path, 'no.json'))).code).toBe(1);
  });
});

describe('score captions --clip', () => {
  const world = async () => {
    const dataset = worldDataset({ count: 12, size: 64, seed: 5, kinds: ['descriptive'] });
    const rows: { id: string; caption: string }[] = [];
    for await (const { key, captions } of dataset) rows.push({ id: key, caption: captions[0].text });
    await writeDataset(dataset, { format: 'webdataset', to: join(folder.path, 'scenes') });
    return { rows, images: join(folder.path, 'scenes') };
  };

  test('tells captions of the pictures from the same captions of others, without references', async () => {
    const { rows, images } = await world();
    const right = await put('right.jsonl', ...rows);
    const wrong = await put('wrong.jsonl', ...rows.map(({ id }, i) => ({ id, caption: rows[(i + 1) % 12].caption }))); // biome-ignore format: one line
    const { code, result } = await score(right, '--clip', 'world', '--images', images, '--compare', wrong);
    expect(code).toBe(0);
    expect(result.clip).toMatchObject({ model: expect.stringMatching(/^world@/), n: 12, prefix: '' });
    expect(result.clip.metrics.CLIPScore).toBeCloseTo((2.5 * result.clip.metrics.CLIP_cosine) / 100, 1);
    expect(result.clip.metrics).not.toHaveProperty('RefCLIPScore');
    const { difference, interval } = result.clip.compare.differences.CLIP_cosine;
    expect(difference).toBeLessThan(0);
    expect(interval[1]).toBeLessThan(0);
    const { stdout } = await say('score', 'captions', right, '--clip', 'world', '--images', images);
    expect(stdout).toMatch(/^12 pictures, by world@0\.1\.0; 95 % intervals/m);
    expect(stdout).toMatch(/^CLIP_cosine +\d+\.\d{4} +\d+\.\d{4} to \d+\.\d{4}$/m);
  });

  test('scores beside references, leaves out captions without a picture, and says which were too long', async () => {
    const { rows, images } = await world();
    const long = Array.from({ length: 300 }, () => 'red circle').join(' ');
    const file = await put('rows.jsonl', ...rows.slice(1), { id: rows[0].id, caption: long }, { id: 'x', caption: 'a' }); // biome-ignore format: one line
    const { code, result, stderr } = await score(
      ...[file, '--references', images, '--clip', 'world', '--metrics', 'bleu_1', '--per-image'],
    );
    expect(code).toBe(3);
    expect(result).toMatchObject({ n: 12, clip: { n: 12, cut: { captions: 1 } } });
    expect(result.clip.metrics.RefCLIPScore).toBeGreaterThan(0);
    expect(Object.keys(result.clip.perImage)).toEqual(rows.map(({ id }) => id));
    expect(stderr).toMatch(/1 caption left out of the CLIP scores, without a picture/);
    expect(stderr).toMatch(/1 caption too long for world@/);
  });

  test('wants pictures, and pictures that the captions are of', async () => {
    const { images } = await world();
    const file = await put('rows.jsonl', { id: 'elsewhere', caption: 'a' });
    const bare = await say('score', 'captions', file, '--clip', 'world');
    expect(bare.code).toBe(2);
    expect(bare.stderr).toMatch(/--clip needs the pictures/);
    const { code, result } = await score(file, '--clip', 'world', '--images', images);
    expect(code).toBe(1);
    expect(result.error).toMatchObject({ code: 'no-images', hint: expect.stringMatching(/elsewhere/) });
  });
});

describe('score captions --objects', () => {
  const rows = [
    { id: 1, caption: 'a man on a sofa' },
    { id: 2, caption: 'two dogs and a hot dog' },
  ];
  const objects = {
    objects: { person: ['man', 'woman'], couch: ['sofa'], dog: [], 'hot dog': [] },
    images: { 1: ['person'], 2: ['dogs', 'hot dog'] },
  };

  test('counts what is mentioned and not there, without references', async () => {
    const file = await put('rows.jsonl', ...rows);
    await folder.write({ 'objects.json': JSON.stringify(objects) });
    const { code, result } = await score(file, '--objects', join(folder.path, 'objects.json'), '--per-image');
    expect(code).toBe(0);
    expect(result.objects).toMatchObject({
      n: 2,
      metrics: { CHAIR_i: 1 / 4, CHAIR_s: 1 / 2 },
      perImage: { 1: { mentioned: ['person', 'couch'], hallucinated: ['couch'] } },
    });
    expect(result.objects.intervals.CHAIR_s[0]).toBeLessThanOrEqual(0.5);
    const { stdout } = await say('score', 'captions', file, '--objects', join(folder.path, 'objects.json'));
    expect(stdout).toMatch(/^2 images with listed objects; 95 %/m);
    expect(stdout).toMatch(/^CHAIR_i +0\.2500 +0\.\d{4} to 0\.\d{4}$/m);
  });

  test('compares two sets, and says what is wrong with a file of objects', async () => {
    const file = await put('rows.jsonl', ...rows);
    const better = await put('better.jsonl', { id: 1, caption: 'a man' }, rows[1]);
    await folder.write({
      'objects.json': JSON.stringify(objects),
      'bad.json': '{"objects": {"dog": "hound"}}',
    });
    const { result } = await score(file, '--objects', join(folder.path, 'objects.json'), '--compare', better);
    expect(result.objects.compare.differences.CHAIR_s.difference).toBe(-0.5);
    const bad = await score(file, '--objects', join(folder.path, 'bad.json'));
    expect(bad.code).toBe(1);
    expect(bad.result.error).toMatchObject({
      code: 'bad-objects',
      message: expect.stringMatching(/^objects\.dog/),
    });
  });
});

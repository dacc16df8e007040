import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Folder, temporaryFolder } from '../../test/helpers/collection.ts';
import { tinyConfig, tinyWeights } from '../../test/helpers/tiny-captioner.ts';
import { TINY, tinyVision } from '../../test/helpers/tiny-vision.ts';
import type { Image } from '../image/index.ts';
import { captionerLoss } from '../models/captioner.ts';
import { saveWeights, writeJson } from '../models/model-folder.ts';
import { random } from '../random.ts';
import { params } from '../tensor/index.ts';
import { trainBpe } from '../text/bpe.ts';
import { createTokenizer } from '../text/tokenizer.ts';
import type { Captioner } from './captioner.ts';
import { loadCaptioner } from './load.ts';
import { openVision } from './vision.ts';

const json = trainBpe(['a red circle left of a blue square', 'two red squares'], { vocabSize: 280 });
const config = tinyConfig({ vocabulary: Object.keys(json.model.vocab).length, kind: 'short' });
const weights = tinyWeights(config, 4);
const specs = (() => {
  const tree = params();
  captionerLoss(tree, config, { batch: 1, length: 8, captions: 1 });
  return tree.all;
})();

let folder: Folder;
let place: string;
let made = 0;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());
beforeEach(async () => {
  place = join(folder.path, `model-${made++}`);
  await writeJson(place, 'config.json', {
    type: 'recaption-captioner',
    format: 1,
    model: config,
    more: 'is fine',
  });
  await writeJson(place, 'tokenizer.json', json);
  await saveWeights(join(place, 'model.safetensors'), weights, specs);
});

const pictures = Array.from({ length: 5 }, (_, i): Image => {
  const draw = random(i, 'picture');
  const [width, height] = [8 + 3 * i, 20 - i];
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => draw.int(256)) };
});
async function using<T>(captioner: Captioner, work: (captioner: Captioner) => Promise<T>): Promise<T> {
  try {
    return await work(captioner);
  } finally {
    await captioner.close();
  }
}
const written = (batch: number, images: Image[], request = {}) =>
  loadCaptioner(place, { batch }).then((captioner) => using(captioner, (it) => it.caption(images, request)));
const texts = (results: { text: string }[]) => results.map(({ text }) => text);

describe('a saved captioner', () => {
  it('is named after its folder and weights, and says what it writes', async () => {
    await using(await loadCaptioner(place), async ({ id, kind, resolution }) => {
      expect(id).toMatch(new RegExp(`^model-${made - 1}-[0-9a-f]{10}$`));
      expect(kind).toBe('short');
      expect(resolution).toBeGreaterThanOrEqual(8);
    });
    const same = await using(await loadCaptioner(place), async ({ id }) => id);
    await saveWeights(join(place, 'model.safetensors'), tinyWeights(config, 5), specs);
    expect(await using(await loadCaptioner(place), async ({ id }) => id)).not.toBe(same);
  });

  it('repeats itself where it describes, and nowhere else unless it is told that it may', async () => {
    const word = createTokenizer(json).encode('a red')[1];
    const loud = new Map(weights).set(
      'text.head.bias',
      Float32Array.from({ length: config.vocabulary }, (_, token) => (token === word ? 1e4 : 0)),
    );
    await saveWeights(join(place, 'model.safetensors'), loud, specs);
    const red = 'red '.repeat(config.maxTokens).trim();
    const some = pictures.slice(0, 1);
    expect(texts(await written(1, some))).not.toEqual([red]);
    expect(texts(await written(1, some, { noRepeatNgram: 0 }))).toEqual([red]);
    const model = { ...config, kind: 'descriptive' };
    await writeJson(place, 'config.json', { type: 'recaption-captioner', format: 1, model });
    expect(texts(await written(1, some))).toEqual([red]);
    const told = { ...model, decode: { noRepeatNgram: 1 } };
    await writeJson(place, 'config.json', { type: 'recaption-captioner', format: 1, model: told });
    expect(texts(await written(1, some))).not.toEqual([red]);
    expect(texts(await written(1, some, { noRepeatNgram: 0 }))).toEqual([red]);
  });

  it('captions pictures differently, and the same ones the same again', async () => {
    const first = await written(2, pictures);
    expect(first).toHaveLength(5);
    expect(new Set(texts(first)).size).toBeGreaterThan(1);
    expect(await written(2, pictures)).toEqual(first);
    for (const { score } of first) expect(score).toBeLessThan(0);
  });

  it('captions a picture the same in any batch and any order', async () => {
    for (const request of [{}, { beam: 1 }, { temperature: 1, seed: 7 }]) {
      const expected = texts(await written(5, pictures, request));
      for (const batch of [1, 2, 3]) expect(texts(await written(batch, pictures, request))).toEqual(expected);
      const turned = texts(await written(3, pictures.toReversed(), request));
      expect(turned).toEqual(expected.toReversed());
    }
  });

  it('draws another caption with another seed, the same with the same', async () => {
    const drawn = (seed: number) => written(5, pictures, { temperature: 2, seed }).then(texts);
    expect(await drawn(1)).toEqual(await drawn(1));
    expect(await drawn(2)).not.toEqual(await drawn(1));
  });

  it('needs half the bytes in half precision and says nearly the same', async () => {
    const full = await written(5, pictures, { beam: 1 });
    const path = join(place, 'model.safetensors');
    const { length } = await readFile(path);
    await saveWeights(path, weights, specs, { dtype: 'F16' });
    expect((await readFile(path)).length / length).toBeLessThan(0.6);
    const half = await written(5, pictures, { beam: 1 });
    const same = half.filter(({ text }, i) => text === full[i].text);
    expect(same.length).toBeGreaterThanOrEqual(4);
    for (const one of same)
      expect(one.score).toBeCloseTo(full.find(({ text }) => text === one.text)!.score!, 1);
  });

  it.each([{ beam: 0 }, { maxTokens: 1.5 }, { topP: 0 }, { temperature: -1 }])(
    'refuses a request of %j, naming the field',
    async (request) => {
      await expect(written(2, pictures, request)).rejects.toMatchObject({
        code: 'bad-config',
        message: expect.stringContaining(Object.keys(request)[0]),
      });
    },
  );

  it('has nothing to say about no pictures', async () => {
    expect(await written(4, [])).toEqual([]);
  });
});

describe('a captioner that sees through an encoder', () => {
  const description = JSON.stringify({
    input: { name: 'pixels', size: TINY.side },
    outputs: [{ kind: 'grid', name: 'cells', tensor: 'grid', side: 2, channels: 5 }],
  });
  const encoder = async (name: string, seed: number) => {
    await folder.write({ [`${name}.json`]: description });
    return folder.write({ [`${name}.onnx`]: tinyVision('pixels', { grid: 'grid' }, seed) });
  };

  it('finds it where --vision says, if it was moved, and takes no other', async () => {
    const old = await encoder('old/eye', 1);
    const opened = await openVision(old);
    const { id, groups } = opened;
    await opened.close();
    const seeing = tinyConfig({
      ...config,
      vision: { kind: 'frozen', groups: groups.map(({ grid: _, ...group }) => ({ encoder: id, ...group })) },
    });
    const tree = params();
    captionerLoss(tree, seeing, { batch: 1, length: 8, captions: 1 });
    await saveWeights(join(place, 'model.safetensors'), tinyWeights(seeing), tree.all);
    const vision = [{ ref: old, id, groups }];
    await writeJson(place, 'config.json', { type: 'recaption-captioner', format: 1, model: seeing, vision });
    const before = texts(await written(2, pictures));

    const moved = await encoder('new/eye', 1);
    await rm(old);
    await expect(loadCaptioner(place)).rejects.toMatchObject({ place: old });
    const captioner = await loadCaptioner(place, { vision: [moved] });
    expect(texts(await using(captioner, (it) => it.caption(pictures)))).toEqual(before);
    const other = await encoder('other/eye', 2);
    await expect(loadCaptioner(place, { vision: [other] })).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringContaining(id),
      place: expect.stringContaining(other),
    });
  });
});

describe('a folder that is no captioner gets a sentence naming the place', () => {
  const refused = async (details: object) => {
    const error = await loadCaptioner(place).catch((thrown) => thrown);
    expect(error).toMatchObject({ name: 'RecaptionError', ...details });
  };

  it('when it is not there', async () => {
    place = join(folder.path, 'nowhere');
    await refused({ code: 'no-captioner', message: expect.stringContaining('nowhere'), place });
  });

  it.each(['config.json', 'model.safetensors', 'tokenizer.json'])('when it has no %s', async (name) => {
    await rm(join(place, name));
    await refused({ code: 'bad-model', message: expect.stringContaining(name) });
  });

  it('when a tensor is missing', async () => {
    const fewer = new Map(weights);
    fewer.delete('pool.query');
    await saveWeights(join(place, 'model.safetensors'), fewer, specs);
    await refused({
      code: 'bad-weights',
      message: 'the tensor "pool.query" is missing',
      place: join(place, 'model.safetensors'),
    });
  });

  it('when a tensor has another shape', async () => {
    const flat = new Map(specs);
    flat.delete('pool.query');
    await saveWeights(join(place, 'model.safetensors'), weights, flat);
    await refused({
      code: 'bad-weights',
      message: 'the tensor "pool.query" has shape [16], [1,1,16] is wanted',
    });
  });

  it('when the weights are cut short', async () => {
    const path = join(place, 'model.safetensors');
    await writeFile(path, (await readFile(path)).subarray(0, 5000));
    await refused({ code: 'bad-safetensors', place: path });
  });

  it('when the configuration has an unknown key, or is of another kind of model', async () => {
    const path = join(place, 'config.json');
    const file = { type: 'recaption-captioner', format: 1, model: { ...config, colour: 'red' } };
    await writeJson(place, 'config.json', file);
    await refused({ code: 'bad-config', message: expect.stringContaining('model.colour'), place: path });
    await writeJson(place, 'config.json', { ...file, type: 'gpt2', model: config });
    await refused({ code: 'bad-config', message: expect.stringContaining('type'), place: path });
    await writeFile(path, '{"type": ');
    await refused({ code: 'bad-model', place: path });
  });

  it('when the tokenizer belongs to another model', async () => {
    await writeJson(place, 'tokenizer.json', trainBpe(['x'], { vocabSize: 262 }));
    await refused({
      code: 'bad-model',
      message: expect.stringMatching(/the tokenizer has \d+ tokens, the network \d+/),
    });
  });

  it('when it saw through an encoder that it does not name', async () => {
    const frozen = { kind: 'frozen', groups: [{ encoder: 'e', name: 'g', tokens: 4, width: 16 }] };
    const blind = tinyConfig({ ...config, vision: frozen as typeof config.vision });
    const tree = params();
    captionerLoss(tree, blind, { batch: 1, length: 8, captions: 1 });
    await writeJson(place, 'config.json', {
      type: 'recaption-captioner',
      format: 1,
      model: blind,
      vision: [],
    });
    await saveWeights(join(place, 'model.safetensors'), tinyWeights(blind), tree.all);
    await refused({ code: 'bad-model', message: expect.stringContaining('"g"') });
  });
});

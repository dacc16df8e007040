import { describe, expect, it } from 'vitest';
import {
  pixelsOf,
  textOf,
  tinyConfig,
  tinyPictures,
  tinyWeights,
} from '../../test/helpers/tiny-captioner.ts';
import { cosineSchedule, trainStep } from '../nn/index.ts';
import { random } from '../random.ts';
import { type Arrays, compile, params, type Weights } from '../tensor/index.ts';
import { trainBpe } from '../text/bpe.ts';
import { createTokenizer } from '../text/tokenizer.ts';
import { captionScene, renderScene, sampleScene } from '../world/index.ts';
import { captionDecoder } from './caption-decoder.ts';
import { captionerLoss, encodeImage, imageEmbedding, type LossInputs, textEmbedding } from './captioner.ts';
import { captionerConfigSchema, parseCaptionerFile } from './captioner-config.ts';
import { DECODE_DEFAULTS } from './search.ts';

const config = tinyConfig();
const weights = tinyWeights(config);
const pictures = tinyPictures(config, 2);
const captions = [
  [
    [5, 9, 11, 2],
    [7, 4, 2],
    [20, 21, 22, 23, 4, 2],
  ],
  [
    [6, 2],
    [13, 14, 15, 2],
    [8, 8, 8, 8, 2],
  ],
];

async function losses(
  shape: Omit<LossInputs, 'batch'> & { batch: number },
  feeds: Arrays,
  values: Weights = weights,
): Promise<{ loss: number; caption: number; contrastive: number }> {
  const { loss, caption, contrastive } = captionerLoss(params(), config, shape);
  const program = await compile({ outputs: { loss, caption, contrastive }, frozen: values });
  const out = await program.run(feeds);
  await program.dispose();
  return {
    loss: Number(out.loss[0]),
    caption: Number(out.caption[0]),
    contrastive: Number(out.contrastive[0]),
  };
}

describe('captions packed into one sequence', () => {
  const packed = { ...pixelsOf(pictures), ...textOf(captions, 16, 3) };

  it('cost what each would cost alone', async () => {
    const together = await losses({ batch: 2, length: 16, captions: 3 }, packed);
    let nats = 0;
    let count = 0;
    for (const [i, row] of captions.entries()) {
      for (const caption of row) {
        const feeds = { ...pixelsOf([pictures[i]]), ...textOf([[caption]], 8, 1) };
        nats += (await losses({ batch: 1, length: 8, captions: 1 }, feeds)).caption * caption.length;
        count += caption.length;
      }
    }
    expect(together.caption).toBeCloseTo(nats / count, 4);
  });

  it('do not see what stands in the padding', async () => {
    const noisy = structuredClone(packed);
    for (const [i, segment] of (noisy.segments as Int32Array).entries()) {
      if (segment > 0) continue;
      noisy.tokens[i] = 17;
      noisy.targets[i] = 5;
      noisy.positions[i] = 3;
    }
    const shape = { batch: 2, length: 16, captions: 3 };
    expect(await losses(shape, noisy)).toEqual(await losses(shape, packed));
  });

  it('weigh both losses as the configuration says', async () => {
    const { loss, caption, contrastive } = await losses({ batch: 2, length: 16, captions: 3 }, packed);
    expect(loss).toBeCloseTo(caption + config.contrastive * contrastive, 4);
  });
});

describe('captions that are reinforced', () => {
  it('cost their nats times their advantages, per token, and nothing else', async () => {
    const packed = { ...pixelsOf(pictures), ...textOf(captions, 16, 3) };
    const worth = [1, -0.5, 2];
    const advantages = Float32Array.from(packed.segments as Int32Array, (k) => (k > 0 ? worth[k - 1] : 7));
    const shape = { batch: 2, length: 16, captions: 3, reinforce: { temperature: 1 } };
    const { loss, caption } = await losses(shape, { ...packed, advantages });
    let [sum, count] = [0, 0];
    for (const [i, row] of captions.entries()) {
      for (const [k, tokens] of row.entries()) {
        const feeds = { ...pixelsOf([pictures[i]]), ...textOf([[tokens]], 8, 1) };
        const alone = await losses({ batch: 1, length: 8, captions: 1 }, feeds);
        sum += worth[k] * alone.caption * tokens.length;
        count += tokens.length;
      }
    }
    expect(caption).toBeCloseTo(sum / count, 4);
    expect(loss).toBe(caption);
  });
});

describe('the contrastive loss', () => {
  const shape = { batch: 2, length: 16, captions: 3 };

  it('leaves out captions that an image does not have', async () => {
    const fewer = [captions[0].slice(0, 2), captions[1]];
    const feeds = { ...pixelsOf(pictures), ...textOf(fewer, 16, 3) };
    const elsewhere = structuredClone(feeds);
    elsewhere.ends[2] = 20; // where the missing caption is said to end
    expect((await losses(shape, elsewhere)).contrastive).toBeCloseTo(
      (await losses(shape, feeds)).contrastive,
      5,
    );
  });

  it('is the logarithm of the number of choices when all look alike', async () => {
    const blind = new Map(weights);
    blind.set('contrastive.text.weight', new Float32Array(weights.get('contrastive.text.weight')!.length));
    const feeds = { ...pixelsOf(pictures), ...textOf(captions, 16, 3) };
    const { contrastive } = await losses(shape, feeds, blind);
    expect(contrastive).toBeCloseTo((Math.log(2) + Math.log(6)) / 2, 4); // text among 2 images, image among 6 texts
  });
});

describe('words that the image says', () => {
  const { vocabulary } = config;
  const cells = 4;
  const say = async (
    extra: Pick<LossInputs, 'words' | 'regions'>,
    feeds: Arrays,
    table: (word: number) => number,
  ) => {
    const shape = { batch: 2, length: 16, captions: 3, ...extra };
    const { words, regions } = captionerLoss(params(), config, shape);
    const values = new Map(weights);
    values.set(
      'words.bias',
      Float32Array.from({ length: vocabulary }, (_, word) => table(word)),
    );
    values.set('words.weight', new Float32Array(vocabulary * config.width));
    const loss = (words ?? regions)!;
    const program = await compile({ outputs: { loss }, frozen: values });
    const out = await program.run({ ...pixelsOf(pictures), ...feeds });
    await program.dispose();
    return Number(out.loss[0]);
  };
  const oneHot = (rows: number, hot: number[], width: number) => {
    const out = new Float32Array(rows * width);
    hot.forEach((column, row) => {
      if (column >= 0) out[row * width + column] = 1;
    });
    return out;
  };
  const loud = (word: number) => (word === 7 ? Math.log(vocabulary) : 0);
  /** Cross-entropy of word 7 where it is V times as likely as each other. */
  const heard = Math.log(2 * vocabulary - 1) - Math.log(vocabulary);

  it('cost the logarithm of the vocabulary while nothing is said, and less once the right one is', async () => {
    const feeds = { words: oneHot(2, [7, 7], vocabulary) };
    expect(await say({ words: 1 }, feeds, () => 0)).toBeCloseTo(Math.log(vocabulary), 4);
    expect(await say({ words: 1 }, feeds, loud)).toBeCloseTo(heard, 4);
  });

  it('cost the same for regions, and images without regions do not count', async () => {
    const feeds = {
      'regions.cells': oneHot(4, [0, 3, -1, -1], cells),
      'regions.words': oneHot(4, [7, 7, -1, -1], vocabulary),
    };
    const regions = { count: 2, weight: 1 };
    expect(await say({ regions }, feeds, () => 0)).toBeCloseTo(Math.log(vocabulary), 4);
    expect(await say({ regions }, feeds, loud)).toBeCloseTo(heard, 4);
  });
});

describe('the image encoder', () => {
  it('puts one pooled embedding before the cells', () => {
    expect(encodeImage(params(), config, { batch: 2 }).shape).toEqual([2, 1 + 4, 16]);
  });
});

describe('embeddings of pictures and captions', () => {
  const own = [[captions[0][0]], [captions[1][1]]];
  const embed = async (outputs: ReturnType<typeof imageEmbedding>, feeds: Arrays) => {
    const program = await compile({ outputs: { vectors: outputs }, frozen: weights });
    const { vectors } = await program.run(feeds);
    await program.dispose();
    return [0, 1].map((i) => Array.from(vectors as Float32Array).slice(16 * i, 16 * (i + 1)));
  };
  const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);

  it('are what the contrastive loss compares', async () => {
    const images = await embed(imageEmbedding(params(), config, { batch: 2 }), pixelsOf(pictures));
    const { tokens, ends } = textOf(own, 8, 1);
    const texts = await embed(textEmbedding(params(), config, { batch: 2 }), { tokens, ends });
    for (const vector of [...images, ...texts]) expect(dot(vector, vector)).toBeCloseTo(1, 4);

    const scale = Math.exp(weights.get('contrastive.scale')![0]);
    const logits = images.map((image) => texts.map((text) => scale * dot(image, text)));
    const nats = (row: number[], right: number) =>
      Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[right];
    const toText = logits.map((row, i) => nats(row, i));
    const toImage = [0, 1].map((i) => nats([logits[0][i], logits[1][i]], i));
    const expected = [...toText, ...toImage].reduce((a, b) => a + b) / 4;
    const { contrastive } = await losses(
      { batch: 2, length: 8, captions: 1 },
      { ...pixelsOf(pictures), ...textOf(own, 8, 1) },
    );
    expect(contrastive).toBeCloseTo(expected, 4);
  });
});

describe('training', () => {
  it('with token dropout blanks other tokens at every step, the same for the same key', async () => {
    const blanking = { ...config, tokenDropout: 0.5 };
    const { loss } = captionerLoss(params(), blanking, { batch: 2, length: 16, captions: 3 });
    const program = await compile({ outputs: { loss }, frozen: weights });
    const feeds = { ...pixelsOf(pictures), ...textOf(captions, 16, 3) };
    const at = async (random: number) => Number((await program.run(feeds, { random })).loss[0]);
    expect(await at(1)).toBe(await at(1));
    expect(await at(2)).not.toBeCloseTo(await at(1), 4);
    await program.dispose();
  });

  it('moves every parameter', async () => {
    const tree = params();
    const { loss } = captionerLoss(tree, config, { batch: 2, length: 16, captions: 3 });
    const network = await trainStep({ params: tree, loss, weights, optimiser: { weightDecay: 0, ema: 0.9 } });
    await network.run({ ...pixelsOf(pictures), ...textOf(captions, 16, 3) }, 0.1, 0);
    const still = [...network.weights()].filter(([path, now]) =>
      now.every((x, i) => x === weights.get(path)![i]),
    );
    await network.dispose();
    expect(still.map(([path]) => path)).toEqual([]);
  });

  it('overfits one batch: its greedy captions of four scenes are the ones it was taught', async () => {
    const scenes = [0, 1, 2, 3].map((index) => sampleScene(7, index));
    const texts = scenes.map((scene, i) => captionScene(scene, 'short', random(7, i)));
    const tokenizer = createTokenizer(trainBpe(texts, { vocabSize: 300 }));
    const special = {
      bos: tokenizer.specialId('<bos>'),
      eos: tokenizer.specialId('<eos>'),
      never: [tokenizer.specialId('<pad>')],
    };
    const rows = texts.map((text) => [[...tokenizer.encode(text), special.eos]]);
    const length = Math.max(...rows.map(([tokens]) => tokens.length));
    const small = tinyConfig({
      vision: { kind: 'patches', size: 32, patch: 8 },
      width: 32,
      vocabulary: tokenizer.vocabSize,
      maxTokens: length,
    });
    const feeds = {
      ...pixelsOf(scenes.map((scene) => renderScene(scene, 32).data)),
      ...textOf(rows, length, 1),
    };
    const tokens = feeds.tokens as Int32Array;
    for (let i = 0; i < tokens.length; i += length) tokens[i] = special.bos;
    const tree = params();
    const { loss } = captionerLoss(tree, small, { batch: 4, length, captions: 1 });
    const network = await trainStep({ params: tree, loss, optimiser: { betas: [0.9, 0.98] } });
    const steps = 80;
    const rate = cosineSchedule(5, 0.1);
    let last = 0;
    for (let step = 0; step < steps; step++)
      last = (await network.run(feeds, 8e-3 * rate(step, step / steps), 0)).loss;
    expect(last).toBeLessThan(0.1);

    const decoder = await captionDecoder(small, network.weights(), special, { batch: 4 });
    const found = await decoder.decode({ pixels: feeds.pixels }, 4, {
      ...DECODE_DEFAULTS,
      beam: 1,
      noRepeatNgram: 0,
    });
    expect(found.map((one) => tokenizer.decode(one.tokens))).toEqual(
      texts.map((text) => tokenizer.decode(tokenizer.encode(text))),
    );
    await decoder.dispose();
    await network.dispose();
  });
});

describe('a configuration', () => {
  it('is complete from nothing', () => {
    const { model, training } = parseCaptionerFile(undefined, 'config.json');
    expect(model).toEqual(captionerConfigSchema.parse({}));
    expect(training.batch).toBeGreaterThan(0);
  });

  it.each([
    [{ model: { widht: 256 } }, 'model.widht: unknown key "widht"'],
    [{ training: { batch: 0 } }, 'training.batch'],
    [{ model: { vision: { kind: 'patches', chanels: [1] } } }, 'model.vision.chanels'],
    [{ extra: 1 }, 'extra'],
    [[], 'the configuration'],
  ])('names the key that is wrong in %j', (value, key) => {
    expect(() => parseCaptionerFile(value, 'my.json')).toThrow(
      expect.objectContaining({
        code: 'bad-config',
        message: expect.stringContaining(key),
        place: 'my.json',
      }),
    );
  });
});

import { describe, expect, test } from 'vitest';
import { random } from '../random.ts';
import { compile, initialise, params } from '../tensor/index.ts';
import { type LanguageModelConfig, languageLoss, languageModel } from './language-model.ts';

const config: LanguageModelConfig = {
  vocabulary: 11,
  width: 8,
  layers: 2,
  heads: 2,
  maxTokens: 7,
  dropout: 0,
};
const tree = params();
const loss = languageLoss(tree, config, 1);
const weights = initialise(tree.all, 1);

/** Log-probability of each token of a text after those before it, from the loss of that token alone. */
async function logps(text: readonly number[]): Promise<number[]> {
  const program = await compile({ outputs: { loss }, frozen: weights });
  const found: number[] = [];
  for (let k = 1; k < text.length; k++) {
    const [tokens, targets, counts] = [new Int32Array(7), new Int32Array(7), new Float32Array(7)];
    tokens.set(text.slice(0, -1));
    targets.set(text.slice(1));
    counts[k - 1] = 1;
    const out = await program.run({ tokens, targets, counts });
    found.push(-Number(out.loss[0]));
  }
  await program.dispose();
  return found;
}

describe('a language model', () => {
  test('writes with a cache what the loss says without one', async () => {
    const text = [1, 4, 7, 2, 9, 3];
    const expected = await logps(text);
    const model = await languageModel(config, weights, { batch: 2 });
    const seen: number[] = [];
    const other = [5, 5, 8];
    await model.goOn([text.slice(0, 2), other], (i, logp, added) => {
      if (i === 1) return added.length < 2 ? 6 : undefined;
      const next = text[2 + added.length];
      if (next === undefined) return undefined;
      seen.push(logp[next]);
      return next;
    });
    await model.dispose();
    expect(seen).toHaveLength(4);
    for (const [i, value] of seen.entries()) expect(value).toBeCloseTo(expected[1 + i], 4);
  });

  test('writes the same whatever is written beside it, and ends where it is told to or has no room', async () => {
    const model = await languageModel(config, weights, { batch: 2 });
    const greedy = (_: number, logp: Float32Array) => logp.indexOf(Math.max(...logp));
    const [alone] = await model.goOn([[1, 2]], greedy);
    const draw = random(1, 'beside');
    const [beside, short] = await model.goOn([[1, 2], [draw.int(11), 3, 4]], (i, logp, added) => (i === 1 && added.length === 1 ? undefined : greedy(i, logp))); // biome-ignore format: one line
    await model.dispose();
    expect(beside).toEqual(alone);
    expect(alone).toHaveLength(6); // the last is written from the seventh place
    expect(short).toHaveLength(1);
  });
});

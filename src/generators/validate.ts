import { diffusionLosses, drawTimes } from '../models/diffusion-transformer/process.ts';
import { fillNormal, random, streamKey } from '../random.ts';
import { compile, type Device, params, type Weights } from '../tensor/index.ts';
import type { GeneratorFile } from './config.ts';
import type { Pictures } from './pictures.ts';
import { feedWords, type Reading, WORDLESS, wordInputs } from './words.ts';

/** Pictures that are looked at together. */
const BATCH = 32;

export interface Validator {
  /** Mean loss of weights. */
  loss(weights: Weights): Promise<number>;
  close(): Promise<void>;
}

/** The loss of pictures that are not trained on: with the same captions, times and noise each time that it is asked for. */
export async function validator(
  images: readonly { hash: string; reading: Reading }[],
  { model, training }: Pick<GeneratorFile, 'model' | 'training'>,
  pictures: Pictures,
  device: Device,
): Promise<Validator> {
  const batch = Math.min(BATCH, images.length);
  const numbers = model.size * model.size * model.channels;
  const tree = params();
  const conditions = wordInputs(tree, model, batch);
  const losses = diffusionLosses(tree.at('net'), model, pictures.tensor(batch), conditions);
  const program = await compile({ outputs: { losses }, device });
  const draw = random(0, 'validation');
  const all = drawTimes(draw, images.length, { mean: training.timeMean, deviation: training.timeDeviation });
  return {
    async loss(weights) {
      const given = Object.fromEntries(weights);
      let sum = 0;
      for (let at = 0; at < images.length; at += batch) {
        const part = images.slice(at, at + batch);
        const noise = new Float32Array(batch * numbers);
        for (const i of part.keys())
          fillNormal(noise.subarray(i * numbers, (i + 1) * numbers), streamKey(0, 'validation', at + i));
        const t = new Float32Array(batch).fill(0.5);
        t.set(all.subarray(at, at + part.length));
        const shown = pictures.feed(
          part.map(({ hash }) => hash),
          batch,
        );
        const rows = Array.from({ length: batch }, (_, i) => part[i]?.reading ?? WORDLESS);
        const { losses: found } = await program.run({
          ...given,
          ...shown,
          noise,
          t,
          ...feedWords(rows, model),
        });
        for (const i of part.keys()) sum += Number(found[i]);
      }
      return sum / images.length;
    },
    close: () => program.dispose(),
  };
}

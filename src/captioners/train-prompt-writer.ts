/** Trains the language model that makes prompts longer, on pairs of something short and a description of the same. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { RecaptionError } from '../errors.ts';
import { writeError } from '../files.ts';
import { parseConfig } from '../models/captioner-config.ts';
import { type LanguageModelConfig, languageLoss } from '../models/language-model.ts';
import { saveWeights, writeJson } from '../models/model-folder.ts';
import { type CheckpointEvent, type StepEvent, statePath, trainingLoop } from '../models/training/loop.ts';
import { startRun } from '../models/training/run.ts';
import { type RunOptions, savedState } from '../models/training/run-folder.ts';
import { cosineSchedule, trainStep } from '../nn/index.ts';
import { type Arrays, compile, countParameters, params } from '../tensor/index.ts';
import { trainBpe } from '../text/bpe.ts';
import { createTokenizer, loadTokenizer, type Tokenizer } from '../text/tokenizer.ts';

export interface Pair {
  prompt: string;
  description: string;
}

export interface TrainPromptWriterOptions extends RunOptions {
  pairs: readonly Pair[];
  /** `{ model, training }`. */
  config?: unknown;
  steps?: number;
  minutes?: number;
  seed: number;
}

const count = z.int().positive();
const fileSchema = z.strictObject({
  model: z
    .strictObject({
      vocabulary: count.default(3000),
      width: count.default(192),
      layers: count.default(4),
      heads: count.default(4),
      maxTokens: count.default(144),
      dropout: z.number().min(0).max(0.9).default(0.1),
    })
    .prefault({}),
  training: z
    .strictObject({
      batch: count.default(32),
      learningRate: z.number().positive().default(2e-3),
      warmup: z.int().nonnegative().default(100),
      weightDecay: z.number().nonnegative().default(0.05),
      ema: z.number().min(0).max(0.99999).default(0.995),
      validateEvery: count.default(250),
    })
    .prefault({}),
});

export type PromptWriterEvent =
  | { kind: 'plan'; pairs: number; parameters: number; steps?: number; resumedFrom: number; cut: number }
  | StepEvent
  | CheckpointEvent
  /** Cross-entropy of descriptions that are not learnt, in nats a token. */
  | { kind: 'validation'; step: number; loss: number; best: boolean }
  | { kind: 'done'; step: number; path: string; minutes: number; loss: number; stopped: boolean };

/** Pairs that are validated on: one in so many, at most so many. */
const APART = { every: 50, most: 256 };

/** Leaves config.json, model.safetensors (the best averaged weights), tokenizer.json and the state to go on from. */
export async function* trainPromptWriter(
  options: TrainPromptWriterOptions,
): AsyncGenerator<PromptWriterEvent> {
  const { pairs, out, seed, device } = options;
  const { model, training } = parseConfig(fileSchema, options.config ?? {}, 'config', 'See the fields of a prompt writer.'); // biome-ignore format: one line
  const asked = { ...options, pairs: pairs.length }; // their number stands for them
  const saved = await savedState(statePath(out), asked);
  await mkdir(out, { recursive: true }).catch((error) => {
    throw writeError(out, error);
  });
  const tokenizer = saved
    ? await loadTokenizer(join(out, 'tokenizer.json'))
    : createTokenizer(trainBpe(pairs.flatMap(({ prompt, description }) => [prompt, description]), { vocabSize: model.vocabulary })); // biome-ignore format: one line
  const config: LanguageModelConfig = { ...model, vocabulary: tokenizer.vocabSize };
  const read = pairs.map((pair) => beginAndEnd(pair, tokenizer));
  const fits = read.filter(({ tokens }) => tokens.length <= config.maxTokens + 1);
  const apart = fits.filter((_, i) => i % APART.every === 0).slice(0, APART.most);
  const learnt = fits.filter((_, i) => i % APART.every !== 0);
  if (learnt.length === 0) throw new RecaptionError('no-captions', 'there is no pair of a prompt and a description to learn from'); // biome-ignore format: one line

  const batch = Math.min(training.batch, learnt.length);
  const tree = params();
  const network = await trainStep({
    params: tree,
    loss: languageLoss(tree, config, batch),
    optimiser: { weightDecay: training.weightDecay, clip: 1, ema: training.ema },
    device,
    seed,
  });
  const still = params();
  const validation = await compile({
    outputs: { loss: languageLoss(still, { ...config, dropout: 0 }, batch) },
    device,
  });
  try {
    const run = startRun(network, saved, { options: asked, epochs: 10, images: learnt.length, perStep: batch, better: 'lower' }); // biome-ignore format: one line
    yield { kind: 'plan', pairs: learnt.length, parameters: countParameters(tree.all), steps: run.clock.steps, resumedFrom: network.step, cut: read.length - fits.length }; // biome-ignore format: one line
    const look = async function* (): AsyncGenerator<PromptWriterEvent> {
      const weights = Object.fromEntries(network.averaged());
      let [sum, batches] = [0, 0];
      for (let at = 0; at < Math.max(1, apart.length); at += batch) {
        const rows = apart.length > 0 ? apart.slice(at, at + batch) : learnt.slice(0, batch);
        const { loss } = await validation.run({ ...weights, ...feed(rows, config, batch) });
        sum += Number(loss[0]);
        batches++;
      }
      const loss = sum / batches;
      const isBest = run.improves(loss);
      if (isBest) {
        await writeJson(out, 'tokenizer.json', tokenizer.toJSON());
        await saveWeights(join(out, 'model.safetensors'), network.averaged(), tree.all, { dtype: 'F16', metadata: { step: `${network.step}` } }); // biome-ignore format: one line
        await writeJson(out, 'config.json', { type: 'recaption-prompt-writer', format: 1, model: config, training, seed, step: network.step, loss }); // biome-ignore format: one line
      }
      yield { kind: 'validation', step: network.step, loss, best: isBest };
    };
    yield* trainingLoop<PromptWriterEvent>({
      network,
      run,
      seed,
      images: learnt.length,
      batch,
      learningRate: training.learningRate,
      schedule: cosineSchedule(training.warmup),
      batchAt: ({ chosen }) =>
        feed(
          chosen.map((i) => learnt[i]),
          config,
          batch,
        ),
      fields: () => ({}),
      every: training.validateEvery,
      look,
      beforeSave: () => writeJson(out, 'tokenizer.json', tokenizer.toJSON()),
    });
    yield { kind: 'done', ...run.ending(), loss: run.best ?? Number.POSITIVE_INFINITY };
  } finally {
    await network.dispose();
    await validation.dispose();
  }
}

interface Read {
  tokens: number[];
  /** Where the description begins. */
  from: number;
}

/** How a model is asked: begin, prompt, begin again; then it writes. */
export function beginning(prompt: string, tokenizer: Tokenizer): number[] {
  const bos = tokenizer.specialId('<bos>');
  return [bos, ...tokenizer.encode(prompt), bos];
}

function beginAndEnd({ prompt, description }: Pair, tokenizer: Tokenizer): Read {
  const begin = beginning(prompt, tokenizer);
  return {
    tokens: [...begin, ...tokenizer.encode(description), tokenizer.specialId('<eos>')],
    from: begin.length,
  };
}

/** Only the description is learnt, not the prompt. */
function feed(rows: readonly Read[], { maxTokens: t }: LanguageModelConfig, batch: number): Arrays {
  const [tokens, targets] = [new Int32Array(batch * t), new Int32Array(batch * t)];
  const counts = new Float32Array(batch * t);
  for (const [i, { tokens: all, from }] of rows.entries())
    for (let k = 0; k + 1 < all.length; k++) {
      tokens[i * t + k] = all[k];
      targets[i * t + k] = all[k + 1];
      counts[i * t + k] = Number(k + 1 >= from);
    }
  return { tokens, targets, counts };
}

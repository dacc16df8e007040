import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { writeDataset } from '../src/data/index.ts';
import { random } from '../src/random.ts';
import { worldDataset } from '../src/world/index.ts';
import { temporaryFolder } from './helpers/collection.ts';
import { PROGRAM } from './helpers/program.ts';

const STEPS = 40;
/** Steps between two validations; a new best is saved at once. */
const VALIDATE = 5;
const CONFIG = {
  model: {
    vision: { kind: 'patches', size: 32, patch: 16 },
    width: 32,
    heads: 2,
    imageLayers: 0,
    unimodalLayers: 0,
    multimodalLayers: 1,
    vocabulary: 300,
    maxTokens: 32,
    dropout: 0.1,
  },
  training: {
    batch: 8,
    packedTokens: 32,
    captionsPerImage: 1,
    learningRate: 3e-3,
    warmup: 5,
    validateEvery: VALIDATE / 4, // in epochs, of four batches
    validateImages: 4,
    beam: 1,
    minCrop: 0.8,
    ema: 0.5,
  },
};

test('a training that is killed, stopped, killed and resumed has, byte for byte, the weights of one left alone', async () => {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  const [data, val, config] = ['train', 'val', 'config.json'].map((name) => join(folder.path, name));
  const scenes = { size: 32, kinds: ['short'] } as const;
  await writeDataset(worldDataset({ ...scenes, count: 32, seed: 1 }), { to: data, format: 'imagefolder' });
  await writeDataset(worldDataset({ ...scenes, count: 4, seed: 2 }), { to: val, format: 'imagefolder' });
  await writeFile(config, JSON.stringify(CONFIG));

  /** Trains in a process of its own, which gets a signal some milliseconds after it told of a step. */
  async function train(out: string, end?: { signal: NodeJS.Signals; step: number; afterMs: number }) {
    const options = ['--data', data, '--val', val, '--config', config, '--steps', `${STEPS}`, '--seed', '3'];
    const words = ['train', 'captioner', ...options, '--out', join(folder.path, out), '--resume', '--json'];
    const child = spawn(process.execPath, [PROGRAM, ...words], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, RECAPTION_CACHE: join(folder.path, 'cache') },
    });
    const ended = once(child, 'exit');
    let [resumedFrom, step] = [-1, -1];
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line);
      if (event.kind === 'plan') resumedFrom = event.resumedFrom;
      if (event.kind !== 'step') continue;
      step = event.step;
      if (step !== end?.step) continue;
      await setTimeout(end.afterMs);
      child.kill(end.signal);
    }
    const [code, signal] = await ended;
    return { code, signal, resumedFrom, step };
  }

  expect(await train('alone')).toEqual({ code: 0, signal: null, resumedFrom: 0, step: STEPS });

  const draw = random(5, 'kill');
  const soon = () => ({ afterMs: draw.int(10) });
  // Only a new best is saved by itself in so short a time, and the first one is; the orderly stop saves as well.
  const first = await train('troubled', { signal: 'SIGKILL', step: VALIDATE + 1 + draw.int(6), ...soon() });
  expect(first).toMatchObject({ signal: 'SIGKILL', resumedFrom: 0 });
  const second = await train('troubled', { signal: 'SIGINT', step: 14 + draw.int(6), ...soon() });
  expect(second.code).toBe(130);
  expect(second.resumedFrom).toBeGreaterThanOrEqual(VALIDATE);
  const third = await train('troubled', { signal: 'SIGKILL', step: 27 + draw.int(6), ...soon() });
  expect(third).toMatchObject({ signal: 'SIGKILL', resumedFrom: second.step });
  const last = await train('troubled');
  expect(last).toMatchObject({ code: 0, step: STEPS });
  expect(last.resumedFrom).toBeGreaterThanOrEqual(second.step);

  for (const name of ['model.safetensors', 'last.safetensors', 'tokenizer.json', 'config.json']) {
    const [one, other] = await Promise.all(
      ['alone', 'troubled'].map((out) => readFile(join(folder.path, out, name))),
    );
    expect(one.equals(other), name).toBe(true);
  }
});

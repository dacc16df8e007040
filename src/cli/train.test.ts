import { expect, test } from 'vitest';
import { fakeContext } from '../../test/helpers/terminal.ts';
import type { TrainEvent } from '../captioners/train-events.ts';
import { draw } from './train.ts';

function drawn(...events: TrainEvent[]) {
  const { context, told } = fakeContext();
  for (const event of events) draw(event, context.output);
  return told;
}

test('a step shows loss, rate and time left on stderr', () => {
  const { stderr, stdout } = drawn({
    kind: 'step',
    step: 40,
    steps: 200,
    epoch: 2,
    loss: 3.0519,
    captionLoss: 2.5,
    contrastiveLoss: 0.64,
    learningRate: 1e-3,
    gradientNorm: 0.7,
    imagesPerSecond: 120.4,
    secondsLeft: 75,
  });
  expect(stderr).toBe('epoch 2: 40/200 steps · 120 images/s · 1 min 15 s left · loss 3.052\n');
  expect(stdout).toBe('');
});

test('a validation shows its scores and two captions beside what people wrote', () => {
  const samples = ['a', 'b', 'c'].map((key) => ({
    key,
    caption: `caption ${key}`,
    references: [`people on ${key}`],
  }));
  const { stdout } = drawn({
    kind: 'validation',
    step: 100,
    ciderD: 0.4567,
    bleu4: 0.123,
    captionLoss: 2.5,
    best: true,
    samples,
  });
  expect(stdout).toBe(
    'step 100: CIDEr-D 0.457, BLEU-4 0.123, loss 2.500, the best so far\n' +
      '  a: caption a\n    people wrote: people on a\n' +
      '  b: caption b\n    people wrote: people on b\n',
  );
});

test('captions from files cannot write control characters to the terminal', () => {
  const samples = [{ key: 'k', caption: 'red\x1b[31m', references: ['\x07bell'] }];
  const scores = { ciderD: 0, bleu4: 0, captionLoss: 0 };
  const { stdout } = drawn({ kind: 'validation', step: 1, ...scores, best: false, samples });
  expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
});

test('the end says where the model is, and how to use it', () => {
  const done = {
    kind: 'done',
    step: 200,
    path: 'my model',
    minutes: 2.5,
    ciderD: 0.5,
    failed: 0,
    stopped: false,
  } as const;
  const { stdout } = drawn(done);
  expect(stdout).toContain('Trained 200 steps in 2 min 30 s, CIDEr-D 0.500: my model');
  expect(stdout).toContain("--captioner 'my model'");
  expect(drawn({ ...done, stopped: true }).stdout).not.toContain('--captioner');
});

/**
 * One training step (forward, backward, clipping, AdamW) of a small language model, here and in PyTorch.
 *
 *     node bench/train-step.ts [--pairs 20]
 *
 * Each side is a process of its own. After a warm-up they take turns, one step here, one step there, and the ratio is the
 * median over the pairs. GFLOPS count the matrix products alone, forward and backward.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { compare, inPairs, median, ours, pytorch, verdict } from './lib/lines.ts';
import { LM } from './models.ts';

const { values } = parseArgs({ options: { pairs: { type: 'string', default: '20' } } });
const pairs = Number(values.pairs);
const threads = availableParallelism();

/** Matrix products of a step: two floating-point operations a multiplication, and the backward pass has two products for each. */
function flops({ vocabulary, width, layers, batch, length }: typeof LM): number {
  const rows = batch * length;
  const projections = 2 * rows * width * (3 * width + width + 4 * width + 4 * width);
  const attention = 2 * (2 * batch * length * length * width);
  return 3 * (layers * (projections + attention) + 2 * rows * width * vocabulary);
}

const sizes = { ...LM, threads };
const [here, there] = [ours('train-step', sizes), pytorch('train_step', threads, sizes)];
await compare([here, there], async () => {
  console.log(`${threads} threads, ${pairs} pairs; ${JSON.stringify(LM)}`);
  const steps = await inPairs([here, there], 'step', { pairs, warmups: 4 }, (one, other) => {
    console.log(
      `  ours ${one.toFixed(0)} ms, PyTorch ${other.toFixed(0)} ms, ratio ${(one / other).toFixed(3)}`,
    );
  });
  const memory = { one: await here.ask('memory'), other: await there.ask('memory') };
  const bare = await inPairs([here, there], 'matmul', { pairs: 5, warmups: 1 });

  const rate = (milliseconds: number[]) => flops(LM) / (median(milliseconds) / 1000) / 1e9;
  const ratio = median(steps.one.map((one, i) => one / steps.other[i]));
  const share = rate(steps.one) / median(bare.one);
  const size = memory.one / memory.other;
  console.log(`step: ours ${median(steps.one).toFixed(0)} ms, PyTorch ${median(steps.other).toFixed(0)} ms`);
  console.log(`  median ratio ${ratio.toFixed(3)}, ${verdict(ratio, { most: 0.75 })}`);
  console.log(`GFLOPS: ours ${rate(steps.one).toFixed(0)}, PyTorch ${rate(steps.other).toFixed(0)}`);
  console.log(
    `bare MatMul: ONNX Runtime ${median(bare.one).toFixed(0)}, PyTorch ${median(bare.other).toFixed(0)}`,
  );
  console.log(`  our step reaches ${share.toFixed(3)} of the bare MatMul, ${verdict(share, { least: 0.8 })}`);
  console.log(`peak memory: ours ${memory.one.toFixed(0)} MB, PyTorch ${memory.other.toFixed(0)} MB`);
  console.log(`  ratio ${size.toFixed(3)}, ${verdict(size, { most: 1.5 })}`);
});

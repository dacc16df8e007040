/**
 * One training step of the graph captioner (forward, backward, clipping, AdamW), cross-entropy of words and kinds, here and in PyTorch.
 *
 *     node bench/graph-step.ts [--pairs 10]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { compare, inPairs, median, ours, pytorch, verdict } from './lib/lines.ts';
import { GRAPH } from './models.ts';

const { values } = parseArgs({ options: { pairs: { type: 'string', default: '10' } } });
const pairs = Number(values.pairs);
const threads = availableParallelism();
const sizes = { ...GRAPH, threads };
const [here, there] = [ours('graph-step', sizes), pytorch('graph_step', threads, sizes)];
await compare([here, there], async () => {
  console.log(`${threads} threads, ${pairs} pairs; ${JSON.stringify(GRAPH)}`);
  const steps = await inPairs([here, there], 'step', { pairs, warmups: 2 }, (one, other) => {
    console.log(
      `  ours ${one.toFixed(0)} ms, PyTorch ${other.toFixed(0)} ms, ratio ${(one / other).toFixed(3)}`,
    );
  });
  const memory = { one: await here.ask('memory'), other: await there.ask('memory') };
  const ratio = median(steps.one.map((one, i) => one / steps.other[i]));
  console.log(`step: ours ${median(steps.one).toFixed(0)} ms, PyTorch ${median(steps.other).toFixed(0)} ms`);
  console.log(`  median ratio ${ratio.toFixed(3)}, ${verdict(ratio, { most: 0.75 })}`);
  console.log(`peak memory: ours ${memory.one.toFixed(0)} MB, PyTorch ${memory.other.toFixed(0)} MB`);
});

/**
 * One training step of the default generator (diffusion transformer and its text encoder; AdamW, clipping, averaged weights), here and
 * in PyTorch.
 *
 *     node bench/generator-step.ts [--pairs 20]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { compare, inPairs, median, ours, pytorch, verdict } from './lib/lines.ts';
import { GENERATOR } from './models.ts';

const { values } = parseArgs({ options: { pairs: { type: 'string', default: '20' } } });
const threads = availableParallelism();
const sizes = { ...GENERATOR, threads };
const [here, there] = [ours('generator', sizes), pytorch('generator', threads, sizes)];
await compare([here, there], async () => {
  const parameters = [await here.ask('parameters'), await there.ask('parameters')];
  console.log(
    `${threads} threads, ${values.pairs} pairs; parameters: ours ${parameters[0]}, PyTorch ${parameters[1]}`,
  );
  const steps = await inPairs(
    [here, there],
    'step',
    { pairs: Number(values.pairs), warmups: 3 },
    (one, other) => {
      console.log(
        `  ours ${one.toFixed(0)} ms, PyTorch ${other.toFixed(0)} ms, ratio ${(one / other).toFixed(3)}`,
      );
    },
  );
  const memory = [await here.ask('memory'), await there.ask('memory')];
  const ratio = median(steps.one.map((one, i) => one / steps.other[i]));
  const size = memory[0] / memory[1];
  console.log(`step: ours ${median(steps.one).toFixed(0)} ms, PyTorch ${median(steps.other).toFixed(0)} ms`);
  console.log(`  median ratio ${ratio.toFixed(3)}, ${verdict(ratio, { most: 0.75 })}`);
  console.log(`peak memory: ours ${memory[0].toFixed(0)} MB, PyTorch ${memory[1].toFixed(0)} MB`);
  console.log(`  ratio ${size.toFixed(3)}, ${verdict(size, { most: 1.5 })}`);
});

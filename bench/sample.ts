/**
 * Pictures drawn a second by the default generator, 30 steps under guidance, here and in PyTorch.
 *
 *     node bench/sample.ts [--pairs 10]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { compare, inPairs, median, ours, pytorch, verdict } from './lib/lines.ts';
import { GENERATOR } from './models.ts';

const { values } = parseArgs({ options: { pairs: { type: 'string', default: '10' } } });
const threads = availableParallelism();
const sizes = { ...GENERATOR, threads };
const [here, there] = [ours('generator', sizes), pytorch('generator', threads, sizes)];
await compare([here, there], async () => {
  const times = await inPairs(
    [here, there],
    'sample',
    { pairs: Number(values.pairs), warmups: 1 },
    (one, other) => {
      console.log(
        `  ours ${one.toFixed(0)} ms, PyTorch ${other.toFixed(0)} ms, ratio ${(other / one).toFixed(3)}`,
      );
    },
  );
  const rate = (milliseconds: number[]) => (1000 * GENERATOR.drawn) / median(milliseconds);
  const ratio = median(times.one.map((one, i) => times.other[i] / one));
  console.log(`${GENERATOR.drawn} pictures, ${GENERATOR.steps} steps, guidance; ${threads} threads`);
  console.log(
    `pictures a second: ours ${rate(times.one).toFixed(2)}, PyTorch ${rate(times.other).toFixed(2)}`,
  );
  console.log(`  median ratio ${ratio.toFixed(3)}, ${verdict(ratio, { least: 1.5 })}`);
});

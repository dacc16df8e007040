/**
 * Captions a second of the captioner of the Flickr8k figures, from frozen features of 32 images to tokens, here and in PyTorch,
 * both with a key–value cache and as many steps.
 *
 *     node bench/decode.ts [--pairs 10] [--tokens 20]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { DECODE_SIZES } from './lib/decode-sizes.ts';
import { compare, inPairs, median, ours, pytorch, verdict } from './lib/lines.ts';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '10' },
    tokens: { type: 'string', default: `${DECODE_SIZES.tokens}` },
  },
});
const pairs = Number(values.pairs);
const threads = availableParallelism();
const sizes = { ...DECODE_SIZES, tokens: Number(values.tokens), threads };

const [here, there] = [ours('decode', sizes), pytorch('decode', threads, sizes)];
await compare([here, there], async () => {
  const counts = [await here.ask('parameters'), await there.ask('parameters')];
  if (counts[0] !== counts[1]) throw new Error(`not the same network: ${counts.join(' and ')} parameters`);
  console.log(
    `${threads} threads, ${pairs} pairs, ${sizes.batch} images, ${sizes.tokens} tokens each, ${counts[0]} parameters`,
  );
  for (const beam of [1, 3]) {
    const name = beam === 1 ? 'greedy' : `beam ${beam}`;
    const rates = await inPairs([here, there], `${beam}`, { pairs, warmups: 2 }, (one, other) => {
      const ratio = (one / other).toFixed(3);
      console.log(`  ${name}: ours ${one.toFixed(1)}/s, PyTorch ${other.toFixed(1)}/s, ratio ${ratio}`);
    });
    const ratio = median(rates.one.map((one, i) => one / rates.other[i]));
    const each = `ours ${median(rates.one).toFixed(1)}/s, PyTorch ${median(rates.other).toFixed(1)}/s`;
    console.log(`${name}: ${each}, median ratio ${ratio.toFixed(3)}, ${verdict(ratio, { least: 1.5 })}`);
  }
});

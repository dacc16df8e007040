/** Our side of `bench/train-step`, asked like `bench/peers/train_step.py`: "step", "matmul", "memory". */
import { trainStep } from '../../src/nn/index.ts';
import { random } from '../../src/random.ts';
import { compile, input, matmul, params } from '../../src/tensor/index.ts';
import { peakMemory, serve } from '../lib/lines.ts';
import { type LM, languageModel } from '../models.ts';

const SQUARE = 2048;

await serve<typeof LM & { threads: number }>(async (sizes) => {
  const tree = params();
  const network = await trainStep({ params: tree, loss: languageModel(tree, sizes), optimiser: { clip: 1 } });
  const draw = random(0, 'bench');
  const ids = () => Int32Array.from({ length: sizes.batch * sizes.length }, () => draw.int(sizes.vocabulary));
  const batch = { tokens: ids(), targets: ids() };

  const shape = [SQUARE, SQUARE];
  const product = async () => {
    const program = await compile({ outputs: { y: matmul(input('a', shape), input('b', shape)) } });
    const square = () => Float32Array.from({ length: SQUARE ** 2 }, () => draw.uniform());
    const feeds = { a: square(), b: square() };
    const into = { y: new Float32Array(SQUARE ** 2) };
    return () => program.run(feeds, { into });
  };
  let multiply: (() => Promise<unknown>) | undefined;

  return async (request) => {
    if (request === 'memory') return peakMemory();
    if (request === 'matmul') multiply ??= await product();
    const start = performance.now();
    if (request === 'matmul') {
      await multiply!();
      return (2 * SQUARE ** 3) / ((performance.now() - start) / 1000) / 1e9;
    }
    await network.run(batch, 3e-4, network.step);
    return performance.now() - start;
  };
});

/** Our side of `bench/graph-step`, asked like `bench/peers/graph_step.py`: "step", "memory". */
import {
  BOX_NUMBERS,
  graphCaptionerConfigSchema,
  graphCaptionerLoss,
} from '../../src/models/graph-captioner/index.ts';
import { trainStep } from '../../src/nn/index.ts';
import { random } from '../../src/random.ts';
import { params } from '../../src/tensor/index.ts';
import { peakMemory, serve } from '../lib/lines.ts';
import type { GRAPH } from '../models.ts';

await serve<typeof GRAPH & { threads: number }>(async (sizes) => {
  const { batch, captions, regions, side, channels, edges, labels, predicates, vocabulary, length } = sizes;
  const map = { encoder: 'bench', name: 'map', tokens: side * side, width: channels, grid: { side, lead: 0, fit: 'fill' } }; // biome-ignore format: one line
  const config = graphCaptionerConfigSchema.parse({
    regions: { most: regions, labels, maps: [map] },
    predicates,
    edges,
    vocabulary,
    maxTokens: length,
    width: sizes.width,
    wordWidth: sizes.wordWidth,
    attentionWidth: sizes.attentionWidth,
    dropout: sizes.dropout,
    labelSmoothing: 0.2,
  });
  const tree = params();
  const { loss } = graphCaptionerLoss(tree, config, { batch, captions });
  const network = await trainStep({ params: tree, loss, optimiser: { clip: 1 } });
  const draw = random(0, 'bench');
  const ints = (count: number, below: number) => Int32Array.from({ length: count }, () => draw.int(below));
  const floats = (count: number) => Float32Array.from({ length: count }, () => draw.uniform());
  const tokens = batch * captions * length;
  const [subjects, objects] = [0, 1].map(() => {
    const rows = new Float32Array(batch * edges * regions);
    for (let row = 0; row < batch * edges; row++) rows[row * regions + draw.int(regions)] = 1;
    return rows;
  });
  const feeds = {
    'features.map': new Uint16Array(batch * side * side * channels).map(() => 0x3000 + draw.int(2048)),
    'regions.cells.map': floats(batch * regions * side * side),
    'regions.labels': ints(batch * regions, labels + 1),
    'regions.boxes': floats(batch * regions * BOX_NUMBERS),
    'regions.present': new Float32Array(batch * regions).fill(1),
    'edges.predicates': ints(batch * edges, predicates + 1),
    'edges.subjects': subjects,
    'edges.objects': objects,
    tokens: ints(tokens, vocabulary),
    targets: ints(tokens, vocabulary),
    kinds: ints(tokens, 3),
    weights: new Float32Array(tokens).fill(1),
  };
  return async (request) => {
    if (request === 'memory') return peakMemory();
    const start = performance.now();
    await network.run(feeds, 3e-4, network.step);
    return performance.now() - start;
  };
});

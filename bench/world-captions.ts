/**
 * Share of unseen scenes of the world whose caption names every object with colour and shape, and no other; and how many of the
 * relations are true that the captions state between things that are there.
 *
 *     node bench/world-captions.ts MODEL_DIR [--count 500] [--seed 9000001] [--size 64] [--beam 3]
 */
import { parseArgs } from 'node:util';
import { loadCaptioner } from '../src/captioners/load.ts';
import { RecaptionError } from '../src/errors.ts';
import { additiveMean, bootstrap } from '../src/metrics/index.ts';
import {
  groupRelations,
  groupsOf,
  type Mention,
  namesAllObjects,
  readRelations,
  renderScene,
  type Scene,
  sampleScene,
} from '../src/world/index.ts';
import { verdict } from './lib/lines.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '500' },
    seed: { type: 'string', default: '9000001' },
    size: { type: 'string', default: '64' },
    beam: { type: 'string', default: '3' },
  },
});
const [count, seed, size, beam] = [values.count, values.seed, values.size, values.beam].map(Number);
const EXAMPLES = 10;
const BATCH = 50;

if (positionals.length !== 1) {
  console.error('Name the folder of a captioner: npm run bench -- world-captions MODEL_DIR');
  process.exit(2);
}
try {
  const captioner = await loadCaptioner(positionals[0]);
  const hits: number[] = [];
  const relations: boolean[] = [];
  for (let at = 0; at < count; at += BATCH) {
    const indices = Array.from({ length: Math.min(BATCH, count - at) }, (_, i) => at + i);
    const scenes: Scene[] = indices.map((index) => sampleScene(seed, index));
    const captions = await captioner.caption(
      scenes.map((scene) => renderScene(scene, size)),
      { beam },
    );
    for (const [i, { text }] of captions.entries()) {
      const hit = namesAllObjects(scenes[i], text);
      hits.push(+hit);
      relations.push(...statedRelations(scenes[i], text));
      if (hits.length <= EXAMPLES) console.log(`  ${hit ? 'all named' : 'not all  '}  ${text}`);
    }
  }
  const share = hits.reduce((sum, hit) => sum + hit, 0) / hits.length;
  const [[low, high]] = bootstrap(additiveMean(hits), { draws: 2000 });
  const per = (value: number) => `${(100 * value).toFixed(1)} %`;
  console.log(`${captioner.id}: ${count} scenes of seed ${seed} at ${size} px, beam ${beam}`);
  console.log(
    `all objects named in ${per(share)} (95 % interval ${per(low)} to ${per(high)}), ${verdict(share, { least: 0.9 })}`,
  );
  console.log(`relations stated: ${relations.filter(Boolean).length} of ${relations.length} are true`);
  await captioner.close();
} catch (error) {
  if (!(error instanceof RecaptionError)) throw error;
  console.error([error.message, error.place, error.hint].filter(Boolean).join('\n'));
  process.exitCode = 1;
}

/** For each relation that a caption states between two things that are there: whether it is true. */
function statedRelations(scene: Scene, caption: string): boolean[] {
  const groups = groupsOf(scene);
  const meant = ({ color, shape }: Mention) =>
    groups.find((group) => group.color === color && group.shape === shape);
  return readRelations(caption).flatMap(({ subject, relation, object }) => {
    const [a, b] = [meant(subject), meant(object)];
    if (a === undefined || b === undefined || a === b) return [];
    if (relation === 'behind') return [groupRelations(scene, b, a).includes('in front of')];
    return [groupRelations(scene, a, b).includes(relation)];
  });
}

/**
 * Learns what the scene-graph parser knows from captions with annotated graphs, FACTUAL's CSV:
 *
 *     node scripts/learn-scene-graphs.ts TRAIN.csv [--out assets/scene-graph]
 *     node scripts/learn-scene-graphs.ts TRAIN.csv --hold-out 4000 --out DIR    leaves out the last 4,000 and prints how it fares on them
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writeFileAtomic } from '../src/files.ts';
import { agreement } from '../src/text/scene-graph/agreement.ts';
import { writeFactual } from '../src/text/scene-graph/factual.ts';
import type { LexiconFile, SceneGraphModel } from '../src/text/scene-graph/model.ts';
import { createParser } from '../src/text/scene-graph/parser.ts';
import { phrasesOf } from '../src/text/scene-graph/phrases.ts';
import { loadTagger, type Tagger } from '../src/text/scene-graph/token.ts';
import { alignAll } from './scene-graphs/align.ts';
import { countNames, countPatterns, countVerbs, prunePatterns } from './scene-graphs/count.ts';
import { type AnnotatedCaption, readAnnotated } from './scene-graphs/read-csv.ts';
import { trainWeights } from './scene-graphs/train.ts';

/** 2¹⁹ weights of a byte each. */
const WEIGHTS = 2 ** 19;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'hold-out': { type: 'string', default: '0' },
    epochs: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'assets/scene-graph' },
  },
});
if (positionals.length !== 1) {
  console.error('usage: node scripts/learn-scene-graphs.ts TRAIN.csv [--hold-out N] [--epochs N] [--seed K]');
  process.exit(2);
}
const captions = await readAnnotated(positionals[0]);
const tagger = await loadTagger();
const holdOut = Number(values['hold-out']);
const { lexicon, weights, model } = learn(captions.slice(0, captions.length - holdOut), tagger);

if (holdOut > 0) {
  const parser = createParser(model, tagger);
  const pairs = captions
    .slice(captions.length - holdOut)
    .map(({ caption, graph }) => ({ parsed: writeFactual(parser.parse(caption)), annotated: graph }));
  console.log(agreement(pairs));
}
await mkdir(values.out, { recursive: true });
await writeFileAtomic(join(values.out, 'lexicon.json'), `${JSON.stringify(lexicon)}\n`);
await writeFileAtomic(join(values.out, 'weights.bin'), new Uint8Array(weights.buffer));

function learn(
  annotated: readonly AnnotatedCaption[],
  tagger: Tagger,
): { lexicon: LexiconFile; weights: Int8Array; model: SceneGraphModel } {
  const aligned = alignAll(annotated, tagger);
  const verbs = countVerbs(aligned);
  const phrases = aligned.map(({ tokens, roles }) => phrasesOf(tokens, roles, verbs));
  const { names, attributes } = countNames(aligned);
  const all = countPatterns(aligned, phrases);
  const exact = trainWeights(aligned, phrases, all, {
    epochs: Number(values.epochs),
    seed: Number(values.seed),
    size: WEIGHTS,
    onEpoch: (epoch, loss) => console.log(`epoch ${epoch + 1}: loss ${loss.toFixed(4)} a caption`),
  });
  const patterns = prunePatterns(all);
  const scale = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
  const weights = Int8Array.from(exact, (value) => Math.round(value / scale));
  console.log(`${aligned.length} captions, ${patterns.size} patterns, scale ${scale.toFixed(4)}`);
  return {
    lexicon: {
      format: 1,
      scale,
      verbs: Object.fromEntries(verbs.forms),
      bases: [...verbs.bases],
      names: Object.fromEntries(names),
      attributes: Object.fromEntries(attributes),
      patterns: Object.fromEntries(
        [...patterns].map(([key, { total, relations }]) => [
          key,
          [total, ...relations.flatMap(({ relation, count }) => [relation, count])],
        ]),
      ),
    },
    weights,
    model: { verbs, names, attributes, patterns, weights: { values: weights, scale } },
  };
}

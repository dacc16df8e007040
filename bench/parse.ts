/**
 * How far parsed scene graphs agree with annotated ones, and how many captions are parsed a second on one thread. The CSV is
 * FACTUAL's: columns `caption` and `scene_graph`.
 *
 *     node bench/parse.ts FILE.csv
 */
import { readAnnotated } from '../scripts/scene-graphs/read-csv.ts';
import { agreement, loadSceneGraphParser, writeFactual } from '../src/text/scene-graph/index.ts';
import { verdict } from './lib/lines.ts';

const [path] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: node bench/parse.ts FILE.csv');
  process.exit(2);
}
const annotated = await readAnnotated(path);
const parser = await loadSceneGraphParser();
for (const { caption } of annotated.slice(0, 200)) parser.parse(caption); // warm up

const started = performance.now();
const graphs = annotated.map(({ caption }) => parser.parse(caption));
const rate = (1000 * annotated.length) / (performance.now() - started);

const { setMatch, tupleF1, factF1 } = agreement(
  graphs.map((graph, i) => ({ parsed: writeFactual(graph), annotated: annotated[i].graph })),
);
const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
console.log(`${annotated.length} captions`);
console.log(`set match: ${percent(setMatch)}, ${verdict(setMatch, { least: 0.66 })}`);
console.log(
  `tuple F1 (objects, attributes, relations): ${percent(tupleF1)}, ${verdict(tupleF1, { least: 0.86 })}`,
);
console.log(`F1 of the facts alone: ${percent(factF1)}`);
console.log(`captions a second: ${rate.toFixed(0)}, ${verdict(rate, { least: 300 })}`);

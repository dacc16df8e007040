/**
 * The evidence for the graph captioner: what graph, convolution, kinds of words and rewards are worth, each against the same captioner without it.
 * Every training, every file of captions and every score is kept in OUT; run again, it goes on, and prints the tables of what is there.
 *
 *     npm run bench -- graph-evidence OUT --data 'flickr8k/train-{00000..00005}.tar' --val flickr8k/dev-00000.tar \
 *       --regions yolox_nano.onnx --vision mobilenet_v2_224.onnx --vision yolox_nano.onnx [--only weak,regions] [--seeds 3]
 *
 * Without `--data`, scenes of the world and their descriptions, of which the true graph is known too; `--vision` says what things look like.
 */
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDataset } from '../src/data/index.ts';
import { exists } from '../src/files.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string', multiple: true },
    val: { type: 'string' },
    regions: { type: 'string', default: 'world' },
    vision: { type: 'string', multiple: true, default: [] },
    seeds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const [out, ...others] = positionals;
if (out === undefined || others.length > 0) {
  console.error('Name one folder for the trainings: npm run bench -- graph-evidence OUT');
  process.exit(2);
}
const photos = values.data !== undefined;

interface Row {
  name: string;
  what: string;
  edges?: 'network' | 'prior' | 'truth';
  model?: object;
  /** Trained once more, from the captioner of this row, by rewards. */
  from?: string;
  /** With as many seeds as are asked for, instead of one. */
  often?: true;
  /** The captioner without any graph, of `train captioner`. */
  plain?: true;
}

/** The first is what the others are compared with. */
const ROWS: Row[] = [
  { name: 'weak', what: 'the whole: graph learnt from captions', edges: 'network', often: true },
  { name: 'regions', what: 'regions alone', often: true },
  { name: 'prior', what: 'edges by the labels of their ends', edges: 'prior', often: true },
  ...(photos ? [] : [{ name: 'truth', what: 'the true edges', edges: 'truth', often: true } as const]),
  { name: 'one-way', what: 'objects take nothing in from their edges', edges: 'network', model: { objectConvolution: false } }, // biome-ignore format: one line
  { name: 'layers-0', what: 'no layer of convolution', edges: 'network', model: { layers: 0 } },
  { name: 'layers-2', what: 'two layers', edges: 'network', model: { layers: 2 } },
  { name: 'kinds-none', what: 'no kinds of words', edges: 'network', model: { kinds: 'none' } },
  { name: 'kinds-beside', what: 'kinds learnt beside, steering nothing', edges: 'network', model: { kinds: 'auxiliary' } }, // biome-ignore format: one line
  {
    name: 'transformer',
    what: 'the transformer body',
    edges: 'network',
    model: { body: 'transformer', heads: 8 },
  },
  { name: 'weak-rewarded', what: '… then by rewards', from: 'weak' },
  { name: 'regions-rewarded', what: 'regions alone, then by rewards', from: 'regions' },
  ...(photos ? [{ name: 'plain', what: 'the captioner without graphs (CoCa), on the same features and more', plain: true } as const] : []), // biome-ignore format: one line
];
const METRICS = ['CIDEr-D', 'Bleu_4', 'METEOR', 'SPICE', 'ROUGE_L'];
const CONFIG = photos ? 'flickr8k-graph' : 'world-graph';

const program = join(import.meta.dirname, '../bin/recaption.js');
const recaption = (args: string[], quiet = false): Promise<string> =>
  new Promise((resolve, reject) => {
    if (!quiet) console.log(`$ recaption ${args.join(' ')}`);
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', quiet ? 'pipe' : 'inherit', 'inherit'] }); // biome-ignore format: one line
    let text = '';
    child.stdout?.on('data', (part) => {
      text += part;
    });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 || code === 3 ? resolve(text) : reject(new Error(`recaption ${args[0]} ended with ${code}`)))); // biome-ignore format: one line
  });
const at = (...names: string[]): string => join(out, ...names);
const config = async (name: string): Promise<{ model?: object; training?: object }> =>
  JSON.parse(await readFile(join(import.meta.dirname, `captioners/${name}.json`), 'utf8'));

/** Trains into a folder whatever of it is still to do. */
async function train(folder: string, args: string[]): Promise<void> {
  const done = join(folder, 'done');
  if (await exists(done)) return;
  const resume = (await exists(join(folder, 'training-state.safetensors'))) ? ['--resume'] : [];
  const started = Date.now();
  await recaption(['train', ...args, '--out', folder, ...resume]);
  await writeFile(done, `${((Date.now() - started) / 60_000).toFixed(1)} minutes\n`);
}

let data = values.data ?? [];
let val = values.val ?? '';
if (!photos) {
  [data, val] = [[at('scenes')], at('scenes-val')];
  for (const [to, count, seed] of [[data[0], '3000', '21'], [val, '500', '12']]) // biome-ignore format: one line
    if (!(await exists(to))) await recaption(['world', '--count', count, '--size', '64', '--seed', seed, '--objects', '2-4', '--wordings', '2', '--out', to]); // biome-ignore format: one line
}
const kind = photos ? 'human' : 'descriptive';
const sources = ['--data', ...data, '--val', val];
const sight = ['--regions', values.regions, ...(values.vision.length > 0 ? ['--vision', ...values.vision] : [])]; // biome-ignore format: one line
await mkdir(out, { recursive: true });
const references = at('references.jsonl');
if (!(await exists(references))) {
  const lines: string[] = [];
  for await (const { key, captions } of await openDataset(val))
    lines.push(JSON.stringify({ image_id: key, references: captions.filter((one) => one.kind === kind).map(({ text }) => text) })); // biome-ignore format: one line
  await writeFile(references, `${lines.join('\n')}\n`);
}

const only = values.only?.split(',');
const rows = ROWS.filter(({ name }) => only === undefined || only.includes(name));
const runs = rows.flatMap((row) => (row.often ? Array.from({ length: Number(values.seeds) }, (_, i) => i + 1) : [1]).map((seed) => ({ row, seed }))); // biome-ignore format: one line
await train(at('relations'), ['relations', ...sources, ...sight, '--seed', '1', ...(photos ? [] : ['--epochs', '12'])]); // biome-ignore format: one line
for (const { row, seed } of runs.sort((a, b) => a.seed - b.seed)) {
  const name = `${row.name}-${seed}`;
  const captions = at(`${name}.jsonl`);
  if (await exists(captions)) continue;
  const chosen = at(`${name}.json`);
  if (row.plain) {
    await train(at(name), ['captioner', ...sources, '--vision', ...new Set([values.regions, ...values.vision]), '--config', join(import.meta.dirname, 'captioners/flickr8k.json'), '--minutes', '30', '--seed', `${seed}`]); // biome-ignore format: one line
  } else {
    const { model, training } = await config(row.from === undefined ? CONFIG : `${CONFIG}-reward`);
    await writeFile(chosen, JSON.stringify({ model: { ...model, ...row.model }, training }));
    const edges = row.edges === 'truth' ? [] : ['--relations', at('relations')];
    const graph = row.from !== undefined ? ['--init', at(`${row.from}-${seed}`)] : row.edges === undefined ? [] : [...edges, '--edges', row.edges]; // biome-ignore format: one line
    await train(at(name), ['graph-captioner', ...sources, ...sight, '--kind', kind, ...graph, '--config', chosen, '--seed', `${seed}`]); // biome-ignore format: one line
  }
  await recaption([
    'caption',
    val,
    '--captioner',
    at(name),
    '--beam',
    '3',
    '--batch',
    '32',
    '--out',
    captions,
  ]);
}

interface Compared {
  metrics: Record<string, number>;
  intervals: Record<string, [number, number]>;
  compare?: { differences: Record<string, { difference: number; interval: [number, number] }> };
}
/** Of the captions of a run, beside those of another. */
async function scoresOf(name: string, base: string): Promise<Compared & { tuples: Compared }> {
  const other = name === base || !(await exists(at(`${base}.jsonl`))) ? undefined : at(`${base}.jsonl`);
  const kept = at(`${name}.scores${other ? '' : '-alone'}.json`);
  if (!(await exists(kept))) {
    const compare = other === undefined ? [] : ['--compare', other];
    const text = await recaption(['score', 'captions', at(`${name}.jsonl`), '--references', references, '--metrics', METRICS.join(','), '--tuples', ...compare, '--json'], true); // biome-ignore format: one line
    await writeFile(kept, text);
  }
  return JSON.parse(await readFile(kept, 'utf8'));
}

const ends = ([low, high]: [number, number]): string => `(${low.toFixed(3)} to ${high.toFixed(3)})`;
/** What a run has more than the one that it is compared with. */
const gain = ({ compare }: Compared, metric: string): string => {
  if (compare === undefined) return '';
  const { difference, interval } = compare.differences[metric]; // of the other
  return `${(-difference).toFixed(3)} ${ends([-interval[1], -interval[0]])}`;
};
const table = (heads: string[], lines: string[][]): void => {
  console.log(`\n| | ${heads.join(' | ')} |\n|${' --- |'.repeat(heads.length + 1)}`);
  for (const line of lines) console.log(`| ${line.join(' | ')} |`);
};
/** How well kinds of words are told, and how often predicates are looked at for words of objects and of predicates: of the best validation. */
async function kindsOf(name: string): Promise<string[]> {
  const lines = (await readFile(at(name, 'metrics.jsonl'), 'utf8')).split('\n').filter((line) => line.includes('"validation"')); // biome-ignore format: one line
  const kinds = lines.map((line) => JSON.parse(line)).filter(({ best }) => best).at(-1)?.kinds; // biome-ignore format: one line
  if (kinds === undefined) return ['', '', ''];
  const { accuracy, looksAtPredicates } = kinds;
  return [accuracy, looksAtPredicates.object, looksAtPredicates.predicate].map((share) => `${(100 * share).toFixed(1)} %`); // biome-ignore format: one line
}

const TUPLES = ['True', 'Recall', 'Recall_Relation'];
const [scores, said]: string[][][] = [[], []];
for (const { row, seed } of runs.sort(
  (a, b) => rows.indexOf(a.row) - rows.indexOf(b.row) || a.seed - b.seed,
)) {
  const name = `${row.name}-${seed}`;
  const one = await scoresOf(name, `${row.from ?? 'weak'}-${seed}`);
  const what = `${row.what}${row.often ? `, seed ${seed}` : ''}`;
  const cell = ({ metrics, intervals }: Compared) => (metric: string) => `${metrics[metric].toFixed(3)} ${ends(intervals[metric])}`; // biome-ignore format: one line
  scores.push([what, ...METRICS.map(cell(one)), gain(one, 'CIDEr-D')]);
  said.push([what, ...TUPLES.map(cell(one.tuples)), gain(one.tuples, 'Recall_Relation'), ...(await kindsOf(name))]); // biome-ignore format: one line
}
table([...METRICS, 'CIDEr-D more than the whole, or than before rewards'], scores);
table(['true tuples', 'recall of tuples', 'of relations', 'more than the whole', 'kinds of words right', 'looks at predicates for words of objects', 'for words of predicates'], said); // biome-ignore format: one line

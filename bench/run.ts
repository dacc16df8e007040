/** `npm run bench -- NAME [OPTIONS]`: runs one measurement against its peer. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const BENCHMARKS: Record<string, string> = {
  'train-step': 'a training step of a transformer, against PyTorch',
  'generator-step': 'a training step of the default generator, against PyTorch',
  'graph-step': 'a training step of the graph captioner, against PyTorch',
  'graph-evidence':
    'what graph, convolution, kinds of words and rewards are worth to the graph captioner: OUT',
  sample: 'pictures drawn a second, against PyTorch',
  'scene-reader': 'share of unseen scenes that are read back right, clean and spoilt',
  caption: 'captions a second of any captioner, from decoded pictures: MODEL_DIR SOURCE',
  decode: 'captions written a second, greedy and with a beam, against PyTorch with a cache',
  catalog: 'a workspace of a million pictures: import, queries, memory, against sqlite3 in Python',
  jobs: 'a captioning job against a plain loop over the same captioner',
  'server-jobs': 'captions a second through a server that answers after 100 ms, against the ideal; memory',
  evaluate: 'pictures evaluated by CLIP a second, against the bare encoder; memory over 10,000',
  load: 'pictures read and decoded a second, against bare sharp',
  metrics: 'seconds for all caption metrics of 5,000 images, against plain Python: [SOURCE]',
  parse: 'scene graphs against annotated ones, and captions parsed a second: FILE.csv',
  'world-captions': 'share of unseen scenes whose caption names every object: MODEL_DIR',
};

const [name, ...rest] = process.argv.slice(2);
if (name !== undefined && name in BENCHMARKS) {
  const child = spawn(process.execPath, [join(import.meta.dirname, `${name}.ts`), ...rest], {
    stdio: 'inherit',
  });
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 1 : (code ?? 1);
  });
} else {
  const width = Math.max(...Object.keys(BENCHMARKS).map(({ length }) => length));
  const list = Object.entries(BENCHMARKS).map(([one, what]) => `  ${one.padEnd(width)}  ${what}`);
  console.log(
    `${name === undefined ? 'Name one' : `There is no "${name}"`}: npm run bench -- NAME\n${list.join('\n')}`,
  );
  process.exitCode = name === undefined ? 0 : 2;
}

import { Option } from 'commander';
import { decodeUtf8, readLines } from '../data/lines.ts';
import { RecaptionError, UsageError } from '../errors.ts';
import {
  compareGraphs,
  loadSceneGraphParser,
  type SceneGraph,
  type SceneGraphParser,
  type Tuple,
  writeFactual,
} from '../text/scene-graph/index.ts';
import { type Context, EXIT, type Register } from './main.ts';
import { printable } from './output.ts';

const FORMS = ['graph', 'factual'] as const;

interface ParseOptions {
  file?: string;
  form: (typeof FORMS)[number];
  diff: boolean;
}

const EXAMPLES = `
Example:
  $ recaption parse --diff "a dog" "two brown dogs on a beach"
  $ recaption parse --file captions.txt > graphs.jsonl
  $ recaption parse "a man in a red hat rides two brown horses"`;

export const register: Register = (program, context) => {
  program
    .command('parse')
    .summary('make scene graphs of captions')
    .description('Says which objects a caption names, what they are like, and how they stand to each other.')
    .argument('[text...]', 'a caption, in quotes; with --diff two of them')
    .option('--file <file>', 'parse every line of a text file, and print a line of JSON for each')
    .addOption(
      new Option(
        '--form <form>',
        'factual: the linear form of FACTUAL, ( man , wear , hat ) , ( hat , is , red )',
      )
        .choices(FORMS)
        .default('graph'),
    )
    .option('--diff', 'what the second caption says that the first does not, and the other way round', false)
    .addHelpText('after', EXAMPLES)
    .action((texts: string[], options: ParseOptions) => parseCommand(texts, options, context));
};

async function parseCommand(texts: string[], options: ParseOptions, context: Context): Promise<void> {
  const { file, form, diff } = options;
  const wanted = file !== undefined ? 0 : diff ? 2 : 1;
  if (texts.length !== wanted || (file !== undefined && diff)) throw wrongTexts(texts.length, options);
  const parser = await loadSceneGraphParser();
  if (file !== undefined) await parseFile(file, form, parser, context);
  else if (diff) printDifference(texts.map(parser.parse), context);
  else if (form === 'factual') printFactual(parser.parse(texts[0]), context);
  else printGraph(parser.parse(texts[0]), context);
}

function wrongTexts(given: number, { file, diff }: ParseOptions): UsageError {
  const hint = 'Put each caption in quotes. See: recaption parse --help';
  if (file !== undefined) {
    return new UsageError(
      `--file takes its captions from the file, not from ${diff ? '--diff' : 'the command line'}`,
      {
        hint: 'Leave one of the two out.',
      },
    );
  }
  if (diff) return new UsageError(`--diff compares two captions, but ${given} were given`, { hint });
  return new UsageError(given === 0 ? 'there is no caption to parse' : `one caption is parsed at a time, but ${given} were given`, { hint }); // biome-ignore format: one line
}

/** A line out for every line in, so that the two files go together: a bad line gets an empty graph, and is told of. */
async function parseFile(
  path: string,
  form: ParseOptions['form'],
  parser: SceneGraphParser,
  { output, signal, exit }: Context,
): Promise<void> {
  const started = performance.now();
  let done = 0;
  for await (const { number, bytes } of readLines(path)) {
    signal.throwIfAborted();
    let text = '';
    try {
      if (bytes === undefined) throw new RecaptionError('row-invalid', 'the line is too long');
      text = decodeUtf8(bytes);
    } catch (error) {
      if (!(error instanceof RecaptionError)) throw error;
      output.note(`warning: ${error.message} (${printable(path)}:${number})`);
      exit(EXIT.doneWithFailures);
    }
    const graph = parser.parse(text);
    if (form === 'factual') printFactual(graph, { output });
    else if (output.json) output.record(graph);
    else output.print(JSON.stringify(graph));
    const rate = (1000 * ++done) / Math.max(1, performance.now() - started);
    output.progress({ label: 'parsing', done, unit: 'captions', rate });
  }
}

function printFactual(graph: SceneGraph, { output }: Pick<Context, 'output'>): void {
  const linear = writeFactual(graph);
  output.record({ factual: linear });
  output.print(linear);
}

/** For people: a line for each object with its number and attributes; below it, what it does. */
function printGraph(graph: SceneGraph, { output }: Context): void {
  output.record(graph);
  if (graph.objects.length === 0) output.print('The text names nothing that could be seen.');
  for (const { id, count } of graph.objects) {
    const attributes = graph.attributes
      .filter(({ object }) => object === id)
      .map(({ attribute }) => attribute);
    const number = count === undefined ? '' : ` × ${count}`;
    const like = attributes.length === 0 ? '' : `: ${attributes.join(', ')}`;
    output.print(`${output.bold(printable(id))}${number}${printable(like)}`);
    for (const { predicate, object } of graph.relations.filter(({ subject }) => subject === id))
      output.print(printable(`  ${predicate} ${object}`));
  }
}

function printDifference([before, after]: SceneGraph[], { output }: Context): void {
  const difference = compareGraphs(before, after);
  output.record(difference);
  const lines = (sign: string, tuples: readonly Tuple[]) =>
    tuples.map((tuple) => `${sign} ${tuple.length === 2 ? `${tuple[0]} is ${tuple[1]}` : tuple.join(' ')}`);
  const { matched, missing, extra } = difference;
  for (const line of [...lines('+', extra), ...lines('-', missing)]) output.print(printable(line));
  for (const line of lines(' ', matched)) output.print(output.dim(printable(line)));
}

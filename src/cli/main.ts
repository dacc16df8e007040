/** The command line: finds the command, runs it, turns whatever happens into words and an exit status. */
import { Command, CommanderError } from 'commander';
import { UsageError } from '../errors.ts';
import { packageVersion } from '../provenance.ts';
import { commandToGoOn, type Interrupt, listenForInterrupt } from './interrupt.ts';
import { createOutput, type Output, type Surroundings } from './output.ts';

export const EXIT = { done: 0, failed: 1, usage: 2, doneWithFailures: 3, interrupted: 130 } as const;

/** What a command gets to work with. */
export interface Context {
  output: Output;
  /** Aborted by the first Ctrl-C: finish the current write and return. */
  signal: AbortSignal;
  /** The exit status, unless the command throws or is interrupted. */
  exit(status: number): void;
}

/** Adds one command (with its options, help and action) to the program. */
export type Register = (program: Command, context: Context) => void;

/** Only the command that is asked for is loaded: `--help` needs neither image library nor runtime. */
const COMMANDS: Record<string, { summary: string; load: () => Promise<{ register: Register }> }> = {
  start: {
    summary: 'see what better captions are worth, or caption the pictures of a folder',
    load: () => import('./start.ts'),
  },
  caption: {
    summary: 'write a caption for every picture of a collection',
    load: () => import('./caption.ts'),
  },
  import: {
    summary: 'collect pictures and their captions in a workspace',
    load: () => import('./import.ts'),
  },
  status: { summary: 'what a workspace holds, and what is still to do', load: () => import('./status.ts') },
  captions: {
    summary: 'all captions that a picture of a workspace has had',
    load: () => import('./captions.ts'),
  },
  query: { summary: 'find pictures of a workspace', load: () => import('./query.ts') },
  revert: { summary: 'take back the captions of a job', load: () => import('./revert.ts') },
  clean: { summary: 'mend the captions of a workspace', load: () => import('./clean.ts') },
  export: { summary: 'write a collection as a trainer wants it', load: () => import('./export.ts') },
  lint: { summary: 'find what a trainer would stumble over', load: () => import('./lint.ts') },
  make: { summary: 'make captions to learn from', load: () => import('./make.ts') },
  train: { summary: 'train a model on your own data', load: () => import('./train.ts') },
  generate: { summary: 'draw pictures of prompts', load: () => import('./generate.ts') },
  upsample: {
    summary: 'make prompts longer, for generators that learnt descriptions',
    load: () => import('./upsample.ts'),
  },
  evaluate: { summary: 'measure what models draw and find', load: () => import('./evaluate.ts') },
  compare: {
    summary: 'find out which captions make the better generator',
    load: () => import('./compare.ts'),
  },
  experiment: {
    summary: "the paper's experiments, on scenes",
    load: () => import('./experiment.ts'),
  },
  score: {
    summary: 'measure captions: against references, or by their style',
    load: () => import('./score.ts'),
  },
  parse: { summary: 'make scene graphs of captions', load: () => import('./parse.ts') },
  graph: {
    summary: 'find regions in pictures, and how they stand to each other',
    load: () => import('./graph.ts'),
  },
  serve: {
    summary: 'offer captioners and generators to other programs, as an OpenAI-compatible server',
    load: () => import('./serve.ts'),
  },
  world: { summary: 'draw a collection of scenes with true captions', load: () => import('./world.ts') },
};

/**
 * Runs one command line, without the program's name.
 * @returns the exit status: 0 all done, 1 failed, 2 bad usage, 3 done with failures, 130 interrupted.
 */
export async function main(argv: string[], around: Surroundings = processSurroundings()): Promise<number> {
  const end = argv.indexOf('--');
  const json = argv.slice(0, end === -1 ? argv.length : end).includes('--json');
  const output = createOutput({ json }, around);
  const interrupt = listenForInterrupt(output);
  try {
    return await run(argv, output, interrupt, around);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done; // help or version was asked for
    if (interrupt.signal.aborted && error === interrupt.signal.reason)
      return sayHowToGoOn(argv, output, around);
    const told = error instanceof CommanderError ? usageError(error) : error;
    output.error(told);
    return told instanceof UsageError ? EXIT.usage : EXIT.failed;
  } finally {
    interrupt.stopListening();
  }
}

async function run(
  argv: string[],
  output: Output,
  interrupt: Interrupt,
  around: Surroundings,
): Promise<number> {
  let status: number = EXIT.done;
  const context: Context = {
    output,
    signal: interrupt.signal,
    exit: (wanted) => {
      status = wanted;
    },
  };
  const program = createProgram(around);
  const wanted = argv.find((word) => Object.hasOwn(COMMANDS, word));
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    if (name === wanted) (await load()).register(program, context);
    else program.command(name).summary(summary).description(summary);
  }
  await program.parseAsync(argv, { from: 'user' });
  return interrupt.signal.aborted ? sayHowToGoOn(argv, output, around) : status;
}

function sayHowToGoOn(argv: string[], output: Output, around: Surroundings): number {
  const command = commandToGoOn(argv, around.env);
  output.record({ kind: 'interrupted', command });
  output.note(`Stopped. To go on:\n  ${command}`);
  return EXIT.interrupted;
}

function createProgram({ stdout, stderr }: Surroundings): Command {
  return new Command('recaption')
    .description('Better captions for image collections: write them, train on them, measure them.')
    .version(packageVersion(), '--version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .option('--json', 'one JSON object a line on stdout, and nothing else there')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      outputError: () => {}, // told once, by main
    })
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', EXAMPLE);
}

const EXAMPLE = `
Every command has its own help: recaption caption --help

Example:
  $ recaption start ~/photos`;

/** Commander's words as one sentence, its suggestion as the hint. */
function usageError(error: CommanderError): UsageError {
  if (error.code === 'commander.help') return new UsageError('which command? The help above names them');
  const [sentence, suggestion] = error.message.replace(/^error: /, '').split('\n', 2);
  const guess = suggestion?.match(/Did you mean (.+)\?/)?.[1];
  return new UsageError(sentence.replace(/\.$/, ''), {
    hint: guess === undefined ? 'See: recaption --help' : `Did you mean ${guess}?`,
  });
}

function processSurroundings(): Surroundings {
  // A reader that has seen enough (`recaption … | head`) is no error. Every write to disk is atomic or a journal line,
  // so that leaving at once loses nothing.
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.done);
    throw error;
  });
  // Nobody watches any more; the work and its results go on.
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return { stdout: process.stdout, stderr: process.stderr, env: process.env, now: () => performance.now() };
}

/** Ctrl-C: the first asks the work to finish its current write, the second leaves at once. */
import { basename, relative } from 'node:path';
import { RecaptionError } from '../errors.ts';
import type { Output } from './output.ts';

export interface Interrupt {
  signal: AbortSignal;
  stopListening(): void;
}

const INTERRUPTED = 130;

export function listenForInterrupt(output: Output): Interrupt {
  const controller = new AbortController();
  const listener = () => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort(new RecaptionError('interrupted', 'the command was interrupted'));
    output.note('Stopping after the current write … (Ctrl-C again stops at once)');
  };
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  return {
    signal: controller.signal,
    stopListening() {
      process.off('SIGINT', listener);
      process.off('SIGTERM', listener);
    },
  };
}

/** What to add to a command that was interrupted so that it goes on, or writes anew over what is there of it. */
const GO_ON: Record<string, string> = {
  caption: '--resume',
  train: '--resume',
  compare: '--resume',
  experiment: '--resume',
  world: '--overwrite',
  export: '--overwrite',
  make: '--overwrite',
};

/** The command line that continues the one that was interrupted, ready to paste. */
export function commandToGoOn(
  argv: string[],
  env: Record<string, string | undefined>,
  script = process.argv[1] ?? 'recaption',
): string {
  const command = argv.find((word) => !word.startsWith('-')) ?? '';
  const flag = Object.hasOwn(GO_ON, command) ? GO_ON[command] : undefined;
  const words = flag === undefined || argv.includes(flag) ? argv : [...argv, flag];
  if (env.npm_lifecycle_event === 'start' && argv[0] === 'start') {
    return words.length === 1 ? 'npm start' : `npm start -- ${words.slice(1).map(shellWord).join(' ')}`;
  }
  return [...program(env, script), ...words].map(shellWord).join(' ');
}

function program(env: Record<string, string | undefined>, script: string): string[] {
  if (env.npm_command === 'exec') return ['npx', 'recaption'];
  return basename(script) === 'recaption' ? ['recaption'] : ['node', relative('', script)];
}

/** One word for a POSIX shell. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

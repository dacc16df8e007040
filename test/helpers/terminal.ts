/** A terminal that remembers what it was told. */
import type { Context } from '../../src/cli/main.ts';
import { createOutput } from '../../src/cli/output.ts';

export function fakeContext({ json = false } = {}) {
  const told = { stdout: '', stderr: '', exit: 0 };
  const sink = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      told[name] += text;
    },
  });
  const around = { stdout: sink('stdout'), stderr: sink('stderr'), env: {}, now: () => performance.now() };
  const context: Context = {
    output: createOutput({ json }, around),
    signal: new AbortController().signal,
    exit: (status) => {
      told.exit = status;
    },
  };
  return { context, told };
}

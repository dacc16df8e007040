/** Prompts out of files. */
import { readFile } from 'node:fs/promises';
import { parseJson } from '../data/lines.ts';
import { UsageError } from '../errors.ts';
import { readError } from '../files.ts';
import { type Context, EXIT } from './main.ts';

/**
 * Prompts of a file, a line each or JSON lines with `prompt`. Those that `check` throws at are told, and the exit status says so.
 * @throws UsageError where there is none
 */
export async function promptsOf(
  path: string,
  { check }: { check(prompt: string): void },
  { output, exit }: Context,
): Promise<string[]> {
  const lines = (await readFile(path, 'utf8').catch((error) => { throw readError(path, error); })).split(/\r?\n/); // biome-ignore format: one line
  const rows = /\.jsonl$/i.test(path);
  const prompts: string[] = [];
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const place = `${path}:${i + 1}`;
    try {
      const prompt = rows ? promptOf(parseJson(Buffer.from(line))) : line.trim();
      check(prompt);
      prompts.push(prompt);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
      output.failure({ message: error.message, place });
      output.record({
        kind: 'failure',
        failure: { key: '', place, code: error.code, message: error.message },
      });
      exit(EXIT.doneWithFailures);
    }
  }
  if (prompts.length > 0) return prompts;
  throw new UsageError('no prompt was found in this file', {
    place: path,
    hint: 'A prompt is a line of text or, in a .jsonl, an object with "prompt".',
  });
}

function promptOf(row: unknown): string {
  const { prompt, caption, text } = (row ?? {}) as Record<string, unknown>;
  const found = prompt ?? caption ?? text;
  if (typeof found === 'string') return found;
  throw new UsageError('the line has no "prompt"');
}

/** Prompts out of files and collections. */
import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import { openDataset } from '../data/index.ts';
import { parseJson } from '../data/lines.ts';
import { CAPTION_KINDS, type CaptionKind } from '../data/sample.ts';
import { UsageError } from '../errors.ts';
import { readError } from '../files.ts';
import { type Context, EXIT } from './main.ts';

export const kindOption = (
  about = '--prompts is a collection; ask for its captions of this kind, one of each picture',
) => new Option('--kind <kind>', about).choices(CAPTION_KINDS);

/**
 * Prompts of a file, a line each or JSON lines with `prompt`; with `kind`, of a collection: the first caption of this kind of each picture.
 * Those that `check` throws at are told, and the exit status says so.
 * @throws UsageError where there is none
 */
export async function promptsOf(
  path: string,
  kind: CaptionKind | undefined,
  { check }: { check(prompt: string): void },
  { output, exit }: Context,
): Promise<string[]> {
  const prompts: string[] = [];
  const told = kind === undefined ? linesOf(path) : captionsOf(path, kind);
  for await (const { read, place } of told) {
    try {
      const prompt = read();
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
  throw new UsageError(
    kind === undefined ? 'no prompt was found in this file' : `no caption of kind ${kind} was found`,
    {
      place: path,
      hint:
        kind === undefined
          ? 'A prompt is a line of text or, in a .jsonl, an object with "prompt".'
          : `The kinds are ${CAPTION_KINDS.join(', ')}.`,
    },
  );
}

interface Found {
  read(): string;
  place: string;
}

async function* linesOf(path: string): AsyncGenerator<Found> {
  const lines = (await readFile(path, 'utf8').catch((error) => { throw readError(path, error); })).split(/\r?\n/); // biome-ignore format: one line
  const rows = /\.jsonl$/i.test(path);
  for (const [i, line] of lines.entries())
    if (line.trim() !== '')
      yield {
        read: () => (rows ? promptOf(parseJson(Buffer.from(line))) : line.trim()),
        place: `${path}:${i + 1}`,
      };
}

async function* captionsOf(source: string, kind: CaptionKind): AsyncGenerator<Found> {
  for await (const { key, captions } of await openDataset(source)) {
    const text = captions.find((caption) => caption.kind === kind)?.text;
    if (text !== undefined) yield { read: () => text, place: `${source}, ${key}` };
  }
}

function promptOf(row: unknown): string {
  const { prompt, caption, text } = (row ?? {}) as Record<string, unknown>;
  const found = prompt ?? caption ?? text;
  if (typeof found === 'string') return found;
  throw new UsageError('the line has no "prompt"');
}

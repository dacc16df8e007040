import { glob } from 'node:fs/promises';
import { RecaptionError, UsageError } from '../errors.ts';
import { exists } from '../files.ts';

/** More places than this are a slip of the pen. */
const MAX_PLACES = 1_000_000;

/**
 * The paths that a place means: itself where it exists, otherwise with braces (`a-{00000..00005}.tar`, `{train,dev}.tar`)
 * and wildcards (`*`, `?`, `[…]`, `**`) expanded, in order.
 * @throws RecaptionError `file-not-found` for every path that is named and not there
 */
export async function expandPlace(place: string): Promise<string[]> {
  if (await exists(place)) return [place];
  const paths: string[] = [];
  for (const path of expandBraces(place)) {
    if (/[*?[]/.test(path)) paths.push(...(await matches(path)));
    else if (await exists(path)) paths.push(path);
    else throw missing(path);
  }
  if (paths.length === 0) throw missing(place);
  return paths;
}

/** `a-{0..2}` → `a-0 a-1 a-2`; numbers keep the width they are written with; braces may nest and repeat. */
export function expandBraces(pattern: string): string[] {
  const innermost = /\{([^{}]*(?:,|\.\.)[^{}]*)\}/.exec(pattern);
  if (!innermost) return [pattern];
  const [whole, inner] = innermost;
  const before = pattern.slice(0, innermost.index);
  const after = pattern.slice(innermost.index + whole.length);
  const range = /^(\d+)\.\.(\d+)$/.exec(inner);
  const parts = range ? count(range[1], range[2]) : inner.split(',');
  const found = new Set(parts.flatMap((part) => expandBraces(before + part + after)));
  if (found.size > MAX_PLACES) throw new UsageError(`the braces of "${pattern}" stand for too many files`);
  return [...found];
}

function count(from: string, to: string): string[] {
  const [first, last] = [Number(from), Number(to)];
  const length = Math.abs(last - first) + 1;
  if (length > MAX_PLACES) throw new UsageError(`the range {${from}..${to}} stands for too many files`);
  const step = Math.sign(last - first);
  const width = Math.max(from.length, to.length);
  const padded = from.startsWith('0') || to.startsWith('0') ? width : 0;
  return Array.from({ length }, (_, i) => String(first + i * step).padStart(padded, '0'));
}

async function matches(pattern: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of glob(pattern)) paths.push(path);
  return paths.sort();
}

function missing(place: string): RecaptionError {
  return new RecaptionError('file-not-found', 'there is no such file or folder', {
    place,
    hint: 'Check the path; wildcards and braces are understood, within quotes.',
  });
}

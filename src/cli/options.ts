/** Values of options, checked where they are typed. */
import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, Option } from 'commander';
import { CAPTION_KINDS } from '../data/sample.ts';
import { RecaptionError, reason, UsageError } from '../errors.ts';
import { readError } from '../files.ts';
import { DEVICES } from '../tensor/device.ts';

/** Parses a whole number from `least` to `most`. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a whole number ${range}.`);
  };
}

/** Parses `3` or `1-3`, from `least` to `most`, to its two ends. */
export function wholeRange(least: number, most: number): (text: string) => [number, number] {
  return (text) => {
    const [from, to = from] = text.split('-').map((end) => (/^\d+$/.test(end) ? Number(end) : Number.NaN));
    if (text.split('-').length <= 2 && from >= least && to >= from && to <= most) return [from, to];
    throw new InvalidArgumentError(
      `It must be a whole number from ${least} to ${most}, or two such as ${least}-${most}.`,
    );
  };
}

/** Parses a number for which `fits` holds; `range` says so in words: `above 0`. */
export function number(range: string, fits: (value: number) => boolean): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && fits(value)) return value;
    throw new InvalidArgumentError(`It must be a number ${range}.`);
  };
}

/**
 * An option that must be given. Asked after parsing, not by the parser: that would tell the user of `--cuont` that `--count`
 * is missing, before it knows that `--cuont` is not an option.
 */
export function required<T>(value: T | undefined, flags: string): T {
  if (value !== undefined) return value;
  throw new UsageError(`required option '${flags}' not specified`, { hint: 'See: recaption --help' });
}

/** Parses `short,descriptive`, each once. @param what they are, in words: `kinds of captions` */
export function choicesOf<T extends string>(
  known: readonly T[],
  what: string,
): (text: string, before?: T[]) => T[] {
  return (text, before = []) => {
    const names = text.split(',').map((name) => name.trim());
    const found = known.filter((kind) => names.includes(kind));
    if (found.length === names.length)
      return known.filter((kind) => found.includes(kind) || before.includes(kind));
    throw new InvalidArgumentError(`It must be ${what}, each once: ${known.join(', ')}.`);
  };
}

export const kindsOf = choicesOf(CAPTION_KINDS, 'kinds of captions');

/** Collects an option that may be given several times. */
export const several = (value: string, before: string[] = []): string[] => [...before, value];

export function deviceOption(): Option {
  return new Option('--device <device>', 'where to compute').choices(DEVICES).default('cpu');
}

/** @throws RecaptionError `file-not-found`, `read-failed`, `bad-config` */
export async function readJsonFile(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error) => {
    throw readError(path, error);
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RecaptionError('bad-config', `this is not JSON: ${reason(error)}`, {
      place: path,
      hint: 'Check commas and quotes near that position.',
    });
  }
}

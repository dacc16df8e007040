/** The pictures of a suite's prompts, in a folder that somebody else may have filled: found by the names that each suite's own code gives them. */
import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { RecaptionError } from '../errors.ts';
import { readError } from '../files.ts';
import { isImageName } from '../image/index.ts';
import type { Suite, SuiteName } from './suites.ts';

export interface SuitePictures {
  /** Of each prompt, in the order of the suite: its pictures, in the order of their samples. Empty where there is none. */
  pictures: string[][];
  /** Pictures that are nobody's, relative to the folder. */
  strange: string[];
}

/** Which prompt a file is of, and which of its pictures; both from the path within the folder, with `/` and without the ending. */
type Reading = { of: string; sample: number } | undefined;

/** `3`, `0003`, `3_1`, `3-1`: the prompt's number or name, and the picture's. */
const NUMBERED = /^(.+?)(?:[_-](\d{1,4}))?$/;
const plainName = (name: string, known: (id: string) => boolean): Reading => {
  if (known(name)) return { of: name, sample: 0 };
  const [, of, sample] = NUMBERED.exec(name) ?? [];
  return sample !== undefined && known(of) ? { of, sample: Number(sample) } : undefined;
};
/** Letters of a prompt that a name is made of; file systems take no more than 255 bytes. */
const MOST_LETTERS = 150;
/** What is left of a prompt in the name of a file, on any system. */
const fileName = (prompt: string): string =>
  prompt.replace(/[^\p{L}\p{N} ,.'-]/gu, ' ').slice(0, MOST_LETTERS);
const letters = (prompt: string): string => fileName(prompt).toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim(); // biome-ignore format: one line

/** Where a suite's own code looks for the k-th picture of prompt `i`, of `count` pictures each. */
export function suitePictureName({ name, prompts }: Suite, i: number, k: number, count: number): string {
  const { id, prompt } = prompts[i];
  if (name === 'geneval') return `${id}/samples/${String(k).padStart(4, '0')}.png`;
  if (name === 't2i-compbench') return `${fileName(prompt)}_${String(i * count + k).padStart(6, '0')}.png`; // biome-ignore format: one line
  return `${id}_${k}.png`;
}

/** Where pictures lie, by suite: how a path is read, and what a prompt is called there. */
const NAMING: Partial<Record<SuiteName, (path: string, known: (id: string) => boolean) => Reading>> = {
  /** `00000/samples/0000.png` */
  geneval(path, known) {
    const [of, folder, name, ...more] = path.split('/');
    return folder === 'samples' && more.length === 0 && /^\d+$/.test(name ?? '') && known(of) ? { of, sample: Number(name) } : undefined; // biome-ignore format: one line
  },
  /** `a green bench and a blue bowl_000004.png`: the number runs through all pictures */
  't2i-compbench'(path, known) {
    const [, prompt, sample] = /([^/]+)_(\d+)$/.exec(path) ?? [];
    const of = letters(prompt ?? '');
    return sample !== undefined && known(of) ? { of, sample: Number(sample) } : undefined;
  },
};

/**
 * Finds a suite's pictures. A folder whose files are numbered from 1 to as many as there are prompts is taken to count from 1, as one published
 * folder of DrawBench does.
 * @throws RecaptionError `same-picture` where two files are one picture of a prompt; `no-images` where nothing in the folder is of this suite, `file-not-found`
 */
export async function findSuitePictures({ name, prompts }: Suite, dir: string): Promise<SuitePictures> {
  const entries = await readdir(dir, { recursive: true }).catch((error) => {
    throw readError(dir, error);
  });
  const files = entries.filter(isImageName).sort();
  const byPrompt = name === 't2i-compbench';
  const stems = files.map((file) =>
    file
      .split(sep)
      .join('/')
      .replace(/\.[^./]+$/, ''),
  );
  const numbered = name === 'drawbench' || name === 'parti' || name === 'lines';
  const first = numbered ? firstNumber(stems, prompts.length) : 0;
  const places = new Map<string, number>();
  /** Prompts that another one before is the same as, by that one. */
  const again = new Map<number, number[]>();
  for (const [i, { id, prompt }] of prompts.entries()) {
    const called = byPrompt ? letters(prompt) : numbered ? `${i + first}` : id;
    const before = places.get(called);
    if (before === undefined) places.set(called, i);
    else again.set(before, [...(again.get(before) ?? []), i]);
  }
  const read = NAMING[name] ?? ((path, known) => plainName(path.replace(/^.*\//, ''), known));
  const unpadded = (id: string) => (/^\d+$/.test(id) && !places.has(id) ? `${Number(id)}` : id);
  const found: { path: string; sample: number }[][] = prompts.map(() => []);
  const strange: string[] = [];
  for (const [i, file] of files.entries()) {
    const reading = read(stems[i], (id) => places.has(unpadded(id)));
    const place = reading && places.get(unpadded(reading.of));
    if (place === undefined) strange.push(file);
    else found[place].push({ path: join(dir, file), sample: reading?.sample ?? 0 });
  }
  for (const own of found) {
    own.sort((a, b) => a.sample - b.sample || (a.path < b.path ? -1 : 1));
    const twin = own.find(({ sample }, i) => i > 0 && sample === own[i - 1].sample);
    if (twin) throw new RecaptionError('same-picture', `two files are the same picture of a prompt, one of them ${own[own.indexOf(twin) - 1].path}`, { place: twin.path, hint: 'Evaluate one folder of pictures at a time.' }); // biome-ignore format: one line
  }
  // Prompts that a suite has twice share a name; the numbers run through all pictures, so the first come first.
  for (const [before, others] of again) {
    const all = found[before].splice(0);
    const each = Math.ceil(all.length / (others.length + 1));
    for (const [k, place] of [before, ...others].entries())
      found[place] = all.slice(k * each, (k + 1) * each);
  }
  if (strange.length === files.length) throw new RecaptionError('no-images', files.length === 0 ? 'the folder holds no pictures' : `none of the ${files.length} pictures in this folder is named as those of the suite "${name}" are`, {
    place: dir,
    hint: `They are named ${EXAMPLE[name] ?? EXAMPLE.lines}.`,
  }); // biome-ignore format: one line
  return {
    pictures: found.map((own) => own.map(({ path }) => path)),
    strange,
  };
}

const EXAMPLE: Partial<Record<SuiteName, string>> & { lines: string } = {
  geneval: '00000/samples/0000.png, the number of the prompt first',
  't2i-compbench': 'PROMPT_000000.png',
  dsg: 'ITEM.png or ITEM_0.png, as the column item_id has it',
  dpg: 'NAME.png or NAME_0.png, as the files of the prompts are',
  lines: '0.png or 0_0.png: the number of the prompt, then that of its picture',
};

/** 1 where no picture is of number 0 and one is of the number after the last, else 0. */
function firstNumber(stems: readonly string[], count: number): 0 | 1 {
  const numbers = new Set(stems.map((stem) => Number(/(?:^|\/)(\d+)(?:[_-]\d{1,4})?$/.exec(stem)?.[1] ?? Number.NaN))); // biome-ignore format: one line
  return !numbers.has(0) && numbers.has(count) ? 1 : 0;
}

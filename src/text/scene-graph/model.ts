import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { RecaptionError, reason } from '../../errors.ts';
import { readError } from '../../files.ts';
import { hash, type Weights } from './log-linear.ts';
import type { Verbs } from './verbs.ts';

/** What the parser has learnt from annotated captions; `scripts/learn-scene-graphs.ts` makes it. */
export interface SceneGraphModel {
  verbs: Verbs;
  /** Names of objects that differ from their words: `side walk` is `sidewalk`. */
  names: ReadonlyMap<string, string>;
  /** The same of attributes: `wood` is `wooden`. */
  attributes: ReadonlyMap<string, string>;
  patterns: ReadonlyMap<string, Outcomes>;
  weights: Weights;
}

/** What the words around two objects have meant. */
export interface Outcomes {
  /** How often the pattern was seen. */
  total: number;
  /** Most frequent first. */
  relations: Counted[];
}

export interface Counted {
  relation: string;
  count: number;
  /** `hash(relation)`. */
  mark: number;
}

const entries = z.record(z.string(), z.string());
const lexiconSchema = z.object({
  format: z.literal(1),
  /** Of the int8 weights. */
  scale: z.number().positive(),
  verbs: entries,
  bases: z.array(z.string()),
  names: entries,
  attributes: entries,
  /** `[total, relation, count, relation, count …]`. */
  patterns: z.record(z.string(), z.tuple([z.int().positive()], z.union([z.string(), z.int().positive()]))),
});
export type LexiconFile = z.input<typeof lexiconSchema>;

/**
 * Reads `lexicon.json` and `weights.bin` of a folder.
 * @throws RecaptionError `file-not-found`, `read-failed`, `bad-lexicon`.
 */
export async function readModel(folder: URL): Promise<SceneGraphModel> {
  const read = (name: string) => {
    const place = new URL(name, folder);
    return readFile(place).catch((error) => {
      throw readError(place.pathname, error);
    });
  };
  const [json, weights] = await Promise.all([read('lexicon.json'), read('weights.bin')]);
  try {
    const lexicon = lexiconSchema.parse(JSON.parse(json.toString('utf8')));
    if (weights.length < 2 || (weights.length & (weights.length - 1)) !== 0)
      throw new Error(`${weights.length} weights are no power of two`);
    return {
      verbs: { forms: new Map(Object.entries(lexicon.verbs)), bases: new Set(lexicon.bases) },
      names: new Map(Object.entries(lexicon.names)),
      attributes: new Map(Object.entries(lexicon.attributes)),
      patterns: new Map(Object.entries(lexicon.patterns).map(([key, row]) => [key, outcomes(row)])),
      weights: {
        values: new Int8Array(weights.buffer, weights.byteOffset, weights.length),
        scale: lexicon.scale,
      },
    };
  } catch (cause) {
    throw new RecaptionError(
      'bad-lexicon',
      `the lexicon of the scene-graph parser is damaged (${reason(cause)})`,
      {
        place: folder.pathname,
        hint: 'Install the package again.',
        cause,
      },
    );
  }
}

function outcomes([total, ...row]: [number, ...(string | number)[]]): Outcomes {
  const relations: Counted[] = [];
  for (let i = 0; i + 1 < row.length; i += 2) {
    const relation = String(row[i]);
    relations.push({ relation, count: Number(row[i + 1]), mark: hash(relation) });
  }
  return { total, relations };
}

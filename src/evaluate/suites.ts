/** Suites of prompts, from the files as they are published; nobody else's prompts come with this package. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { parseCsv } from '../data/csv.ts';
import { tryJson } from '../data/lines.ts';
import { RecaptionError } from '../errors.ts';
import { readError } from '../files.ts';

export const SUITES = ['drawbench', 'parti', 't2i-compbench', 'geneval', 'dsg', 'dpg', 'lines'] as const;
export type SuiteName = (typeof SUITES)[number];

/** Prompts of the suites that are one file or folder, as they were published. */
export const PUBLISHED: Partial<Record<SuiteName, number>> = { drawbench: 200, parti: 1632, geneval: 553, dsg: 1060, dpg: 1065 }; // biome-ignore format: one line

export interface SuitePrompt {
  /** Name of its pictures' files begins with this, where pictures are named as the suite has it. */
  id: string;
  prompt: string;
  category?: string;
  /** What GenEval asks of its picture. */
  geneval?: GenevalAsked;
  /** Questions of a Davidsonian scene graph. */
  questions?: Question[];
}

export interface Suite {
  name: SuiteName;
  prompts: SuitePrompt[];
}

const include = z.object({
  class: z.string().min(1),
  count: z.int().min(1),
  color: z.string().optional(),
  position: z.tuple([z.enum(['left of', 'right of', 'above', 'below']), z.int().min(0)]).optional(),
});
const genevalSchema = z.object({
  tag: z.string(),
  include: z.array(include).min(1),
  exclude: z.array(z.object({ class: z.string(), count: z.int().min(1) })).optional(),
  prompt: z.string().min(1),
});
/** Objects that must be there, and counts that must not be reached. */
export type GenevalAsked = Pick<z.infer<typeof genevalSchema>, 'tag' | 'include' | 'exclude'>;

/** A yes-or-no question, which counts only where those that it depends on were answered with yes. */
export interface Question {
  id: number;
  parents: number[];
  category: string;
  text: string;
}

type Reader = (path: string) => Promise<SuitePrompt[]>;

async function read(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error) => {
    throw readError(path, error);
  });
  if (!/[\0\uFFFD]/.test(text.slice(0, 10_000))) return text;
  throw new RecaptionError('bad-suite', 'this is no text', {
    place: path,
    hint: 'Suites are text in UTF-8.',
  });
}
const lines = (text: string): string[] =>
  text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trim());

const READERS: Record<SuiteName, Reader> = {
  async drawbench(path) {
    if (path.endsWith('.txt')) return READERS.lines(path);
    if (!path.endsWith('.csv'))
      throw notThe('drawbench', path, 'it is a CSV, or a text with a prompt a line');
    return parseCsv(await read(path), ['prompt', 'category'], path).map(({ prompt, category }, i) => ({ id: `${i}`, prompt, category })); // biome-ignore format: one line
  },
  /** A table with tabs, in which quotes stand for themselves. */
  async parti(path) {
    const [header, ...rows] = (await read(path)).replace(/^\uFEFF/, '').split(/\r?\n/).map((line) => line.split('\t')); // biome-ignore format: one line
    const [prompt, category] = ['Prompt', 'Category'].map((name) => header.indexOf(name));
    if (prompt < 0 || category < 0) throw notThe('parti', path, 'its first line must name Prompt and Category, with tabs between'); // biome-ignore format: one line
    const cut = rows.findIndex((row) => row.length > 1 && row.length < header.length);
    if (cut >= 0) throw notThe('parti', `${path}:${cut + 2}`, 'this line has fewer columns than the first');
    return rows.filter((row) => row[prompt]?.trim()).map((row, i) => ({ id: `${i}`, prompt: row[prompt].trim(), category: row[category] })); // biome-ignore format: one line
  },
  /** A list of one sort of prompts, or a folder of such lists: the full ones, without their parts. */
  async 't2i-compbench'(path) {
    const isFolder = (
      await stat(path).catch((error) => {
        throw readError(path, error);
      })
    ).isDirectory();
    const files = isFolder ? (await readdir(path)).filter((name) => /^(?!.*_(?:train|val)).*\.txt$/.test(name)).sort().map((name) => join(path, name)) : [path]; // biome-ignore format: one line
    const all = await Promise.all(
      files.map(async (file) => {
        const category = basename(file, '.txt').replace(/_(?:train|val).*$/, '');
        return (await READERS.lines(file)).map(({ prompt }) => ({ prompt, category }));
      }),
    );
    return all.flat().map((one, i) => ({ id: `${i}`, ...one }));
  },
  async geneval(path) {
    return (await rowsOf(path)).map(({ row, place }, i) => {
      const { data, error } = genevalSchema.safeParse(row);
      if (!data)
        throw notThe('geneval', place, `${error.issues[0].path.join('.')}: ${error.issues[0].message}`);
      const { prompt, tag, include, exclude } = data;
      return { id: String(i).padStart(5, '0'), prompt, category: tag, geneval: { tag, include, exclude } };
    });
  },
  async dsg(path) {
    const wanted = [
      'item_id',
      'text',
      'proposition_id',
      'dependency',
      'question_natural_language',
      'category_broad',
    ];
    const byItem = new Map<string, SuitePrompt & { questions: Question[] }>();
    for (const row of parseCsv(await read(path), wanted, path)) {
      const item = byItem.get(row.item_id) ?? { id: row.item_id, prompt: row.text, category: row.item_id.replace(/_\d+$/, ''), questions: [] }; // biome-ignore format: one line
      byItem.set(row.item_id, item);
      const parents = row.dependency.split(',').map(Number).filter((id) => id > 0); // biome-ignore format: one line
      item.questions.push({ id: Number(row.proposition_id), parents, category: row.category_broad, text: row.question_natural_language }); // biome-ignore format: one line
    }
    return [...byItem.values()];
  },
  /** A folder with a file of text for each prompt. */
  async dpg(path) {
    const names = await readdir(path).catch((error) => {
      if (error.code === 'ENOTDIR')
        throw notThe('dpg', path, 'it is a folder with a text file for each prompt');
      throw readError(path, error);
    });
    const files = names.filter((name) => name.endsWith('.txt')).sort();
    return Promise.all(files.map(async (name) => ({ id: basename(name, '.txt'), prompt: (await read(join(path, name))).trim() }))); // biome-ignore format: one line
  },
  /** A prompt a line, or JSON lines with "prompt" and perhaps "category". */
  async lines(path) {
    if (/\.(csv|tsv)$/i.test(path)) throw new RecaptionError('bad-suite', 'a table is no list of prompts', { place: path, hint: 'Published tables are read by --suite NAME --prompts FILE; of one of yours, keep the prompts, one a line.' }); // biome-ignore format: one line
    if (path.endsWith('.jsonl')) {
      return (await rowsOf(path)).map(({ row, place }, i) => {
        const { prompt, category } = row as { prompt?: unknown; category?: unknown };
        if (typeof prompt !== 'string' || prompt.trim() === '')
          throw notThe('lines', place, 'there is no "prompt"');
        return { id: `${i}`, prompt, ...(typeof category === 'string' && { category }) };
      });
    }
    return lines(await read(path))
      .filter((prompt) => prompt !== '')
      .map((prompt, i) => ({ id: `${i}`, prompt }));
  },
};

async function rowsOf(path: string): Promise<{ row: object; place: string }[]> {
  return lines(await read(path)).flatMap((line, i) => {
    if (line === '') return [];
    const row = tryJson(line);
    const place = `${path}:${i + 1}`;
    if (typeof row === 'object' && row !== null) return [{ row, place }];
    throw new RecaptionError('bad-suite', 'this line is no JSON object', {
      place,
      hint: 'The file may have been cut, or be of another suite.',
    });
  });
}

const notThe = (suite: SuiteName, place: string, what: string): RecaptionError =>
  new RecaptionError(
    'bad-suite',
    suite === 'lines' ? `these are no prompts (${what})` : `this is not the suite "${suite}" (${what})`,
    {
      place,
      hint: 'Give the file as it was published, or name the suite that it is of.',
    },
  );

/** @throws RecaptionError `bad-suite` with file and line, `bad-csv`, `file-not-found` */
export async function readSuite(name: SuiteName, path: string): Promise<Suite> {
  const prompts = await READERS[name](path);
  if (prompts.length > 0) return { name, prompts };
  throw notThe(name, path, 'it has no prompts');
}

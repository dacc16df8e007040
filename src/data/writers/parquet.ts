import { createHash } from 'node:crypto';
import { dirname, extname, join } from 'node:path';
import { ByteWriter, parquetWriteRows, type SchemaElement } from 'hyparquet-writer';
import { writeAtomic } from '../../files.ts';
import { measureImage } from '../../image/decode.ts';
import { countWords } from '../../text/count-words.ts';
import { mapAhead } from '../ahead.ts';
import { TABLE_FILE } from '../open.ts';
import type { Caption, CaptionKind, Dataset, Sample } from '../sample.ts';
import { wayToPicture } from './jsonl.ts';
import { imageFile, makeFolder, refuseExisting, type WriteOptions } from './target.ts';

/** Held in memory before they are written: some ten megabytes of captions. */
const ROWS_PER_GROUP = 5000;
/** Pictures that are read and measured at a time. */
const AHEAD = 16;

/**
 * Parquet in the form of Recap-DataComp, old and new captions side by side: `key`, `path` (from the file's folder), `re_caption`
 * (the first descriptive caption, or short one), `org_caption` (the first of kind alt, or human), `sha256`, `width`, `height` of
 * the picture, `re_length` and `org_length` in words; then all captions in the lists `captions`, `kinds`, `sources`, in step, and
 * `meta` as JSON. Pictures stay where they are, as with `writeJsonl`. Rows keep their order, and are written by the group.
 * @param to a `.parquet` file, or a folder for a `captions.parquet`
 * @returns the number of samples written
 */
export async function writeParquet(
  dataset: Dataset,
  to: string,
  options: WriteOptions = {},
): Promise<number> {
  const path = extname(to).toLowerCase() === '.parquet' ? to : join(to, TABLE_FILE);
  const folder = dirname(path);
  await refuseExisting(path, options.overwrite);
  await makeFolder(folder);
  let written = 0;
  async function* rows() {
    for await (const row of mapAhead(dataset, AHEAD, (sample) => rowOf(sample, folder, options))) {
      if (!row) continue;
      yield row;
      written++;
    }
  }
  await writeAtomic(path, async (write) => {
    const buffer = new ByteWriter();
    const flush = async () => {
      await write(buffer.getBytes());
      buffer.index = 0;
    };
    await parquetWriteRows({
      writer: Object.assign(buffer, { flush, finish: flush }),
      rows: rows(),
      columns: COLUMNS.map(({ name }) => ({ name })),
      schema: SCHEMA,
      rowGroupSize: ROWS_PER_GROUP,
      createdBy: 'recaption',
    });
  });
  return written;
}

const text = (name: string): SchemaElement[] => [
  { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
];
const whole = (name: string): SchemaElement[] => [{ name, type: 'INT32', repetition_type: 'OPTIONAL' }];
/** The three levels that the format's own description asks for. */
const texts = (name: string): SchemaElement[] => [
  { name, converted_type: 'LIST', repetition_type: 'OPTIONAL', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  ...text('element'),
];
const ELEMENTS = [
  text('key'),
  text('path'),
  text('re_caption'),
  text('org_caption'),
  text('sha256'),
  whole('width'),
  whole('height'),
  whole('re_length'),
  whole('org_length'),
  texts('captions'),
  texts('kinds'),
  texts('sources'),
  text('meta'),
];
const COLUMNS = ELEMENTS.map(([column]) => column);
const SCHEMA: SchemaElement[] = [{ name: 'schema', num_children: COLUMNS.length }, ...ELEMENTS.flat()];

async function rowOf(sample: Sample, folder: string, options: WriteOptions) {
  const { key, captions, meta } = sample;
  const file = await imageFile(sample, options.onFailure);
  if (!file) return undefined;
  const path = await wayToPicture(sample, folder, options);
  if (path === undefined) return undefined;
  const size = await measureImage(file.bytes).catch(() => undefined); // whoever trains on it will be told
  const rewritten = firstOf(captions, 'descriptive', 'short');
  const original = firstOf(captions, 'alt', 'human');
  return {
    key,
    path,
    re_caption: rewritten,
    org_caption: original,
    sha256: createHash('sha256').update(file.bytes).digest('hex'),
    width: size?.width,
    height: size?.height,
    re_length: rewritten === undefined ? undefined : countWords(rewritten),
    org_length: original === undefined ? undefined : countWords(original),
    captions: captions.map(({ text }) => text),
    kinds: captions.map(({ kind }) => kind),
    sources: captions.map(({ source }) => source),
    meta: meta && JSON.stringify(meta),
  };
}

function firstOf(captions: Caption[], ...kinds: CaptionKind[]): string | undefined {
  for (const kind of kinds) {
    const found = captions.find((caption) => caption.kind === kind);
    if (found) return found.text;
  }
  return undefined;
}

import { basename, dirname, extname, join } from 'node:path';
import { z } from 'zod';
import { RecaptionError } from '../../errors.ts';
import { exists } from '../../files.ts';
import type { ImageSource } from '../../image/image.ts';
import { mapAhead } from '../ahead.ts';
import { asDataset, asFailure, type ReadOptions } from '../dataset.ts';
import { tryJson } from '../lines.ts';
import {
  openParquet,
  type ParquetFile,
  type ParquetRow,
  type PlacedRow,
  readParquetRows,
} from '../parquet.ts';
import { keyOf } from '../paths.ts';
import { complaint, readRow } from '../rows.ts';
import type { Caption, CaptionKind, Dataset, Failure, Sample } from '../sample.ts';
import { memberImage } from '../tar.ts';
import { type FindMember, findSource, tarMembers } from './jsonl.ts';

const AHEAD = 32;
/** Columns that hold pictures: Hugging Face's `image`, and img2dataset's, which are named after their format. */
const PICTURES = ['image', 'jpg', 'png', 'webp'];

/** Columns that lead to pictures. */
const WAYS = ['path', 'file_name', 'image'];

const rowSchema = z.looseObject({
  key: z.union([z.string(), z.number().transform(String)]).nullish(),
  org_caption: z.string().nullish(),
  re_caption: z.string().nullish(),
  // These follow from the captions; kept, they would soon be wrong.
  org_length: z.unknown().optional(),
  re_length: z.unknown().optional(),
  meta: z.unknown().optional(),
});

/**
 * Parquet: what `writeParquet` writes, Recap-DataComp (`org_caption` is an `alt`, `re_caption` a `descriptive` caption),
 * img2dataset, Hugging Face datasets. Captions also in `captions`, `caption`, `text`, as in JSON lines; other columns become
 * `meta`. A picture lies in the row (`image` or `image.bytes`; `jpg`, `png`, `webp`), or `path`, `file_name` or `image` leads to
 * it as in `readJsonl`, or it is the member `KEY.jpg` of the `.tar` of the same name. Rows are read group by group; a group
 * that is damaged is reported as `parquet-corrupt`.
 * @param path a file, or several
 * @throws RecaptionError while iterating: `parquet-corrupt` for a file that is no Parquet or cut short, `read-failed`
 */
export function readParquet(
  path: string | readonly string[],
  { kind = 'human', images, onFailure }: ReadOptions = {},
): Dataset {
  const paths = [path].flat();
  return asDataset(paths.join(', '), onFailure, async function* (fail) {
    for (const path of paths) {
      const file = await openParquet(path);
      const stem = basename(path, extname(path));
      const shard = join(dirname(path), `${stem}.tar`);
      const source: Source = {
        roots: images === undefined ? [dirname(path)] : [dirname(path), images],
        shard: (await exists(shard)) ? shard : undefined,
        member: tarMembers(),
        inside: picturesOf(file),
        nameOf: namesOf(stem),
      };
      const read = (row: PlacedRow) => readEntry(row, source, kind);
      for await (const found of mapAhead(readParquetRows(path, file, fail), AHEAD, read)) {
        if ('code' in found) fail(found);
        else yield found;
      }
    }
  });
}

interface Source {
  roots: string[];
  /** The archive of img2dataset beside the file. */
  shard: string | undefined;
  member: FindMember;
  inside(row: PlacedRow, column: string): ImageSource;
  nameOf(row: PlacedRow, name: string | undefined): string;
}

async function readEntry(row: PlacedRow, source: Source, kind: CaptionKind): Promise<Sample | Failure> {
  const cells = row.value;
  let key = typeof cells.key === 'string' ? cells.key : '';
  try {
    const parsed = rowSchema.safeParse(cells);
    if (!parsed.success) throw new RecaptionError('row-invalid', complaint(parsed.error));
    const {
      key: given,
      org_caption,
      re_caption,
      org_length: _,
      re_length: __,
      meta,
      ...others
    } = parsed.data;
    const { captions, meta: columns, sourceKey } = readRow(others, kind);
    const picture = pictureOf(cells);
    const named = () => (picture?.inside ? source.nameOf(row, picture.name) : keyOf(picture?.name ?? ''));
    key = sourceKey || given || named();
    const image = picture?.inside
      ? source.inside(row, picture.column)
      : await findPicture(key, picture?.name, cells, source);
    const all = withPair(captions, org_caption, re_caption);
    return { key, image, captions: all, ...metaOf(columns, meta, picture?.column) };
  } catch (error) {
    return asFailure(error, key, row.place);
  }
}

interface Picture {
  column: string;
  /** Whether its bytes lie in the row. */
  inside: boolean;
  /** Its file, as the row has it. */
  name?: string;
}

function pictureOf(cells: ParquetRow): Picture | undefined {
  const inside = PICTURES.find((column) => bytesOf(cells[column]) !== undefined);
  if (inside !== undefined) return { column: inside, inside: true, name: nameIn(cells[inside]) };
  const column = WAYS.find((column) => nameIn(cells[column]) !== undefined);
  return column === undefined ? undefined : { column, inside: false, name: nameIn(cells[column]) };
}

/** `{bytes, path}` is Hugging Face's form. Bytes that are a text are no picture, and decoding it will say so. */
function bytesOf(cell: unknown): Uint8Array | undefined {
  const bytes = isObject(cell) ? cell.bytes : cell;
  if (bytes instanceof Uint8Array) return bytes;
  return isObject(cell) && typeof bytes === 'string' && bytes !== '' ? Buffer.from(bytes) : undefined;
}

function nameIn(cell: unknown): string | undefined {
  const name = isObject(cell) ? cell.path : cell;
  return typeof name === 'string' && name !== '' ? name : undefined;
}

/** @throws RecaptionError `unsafe-path`, `image-missing` */
async function findPicture(
  key: string,
  name: string | undefined,
  { status, error_message: why }: ParquetRow,
  { roots, shard, member }: Source,
): Promise<ImageSource> {
  if (name !== undefined) return findSource(name, roots, member);
  for (const extension of shard === undefined ? [] : ['jpg', 'png', 'webp']) {
    const found = await member(shard!, `${key}.${extension}`);
    if (found) return memberImage(shard!, found);
  }
  if (typeof status === 'string' && status !== 'success')
    throw new RecaptionError('image-missing', `the picture was not downloaded (${why ?? status})`);
  throw new RecaptionError('image-missing', 'the row has no picture, and no archive beside the file has it');
}

/** Recap-DataComp's two captions, where the row does not have them already. */
function withPair(captions: Caption[], original?: string | null, rewritten?: string | null): Caption[] {
  const pair: Caption[] = [
    { text: original ?? '', kind: 'alt', source: 'file' },
    { text: rewritten ?? '', kind: 'descriptive', source: 'file' },
  ];
  const known = new Set(captions.map(({ text }) => text));
  return [...captions, ...pair.filter(({ text }) => text.trim() !== '' && !known.has(text))];
}

/** The columns that nothing else took, and what our writer keeps as JSON. Bytes are no metadata. */
function metaOf(
  columns: Record<string, unknown> = {},
  ours: unknown,
  taken: string | undefined,
): Pick<Sample, 'meta'> {
  const kept = Object.entries(columns).filter(([name, cell]) => name !== taken && !holdsBytes(cell));
  const nested = typeof ours === 'string' ? tryJson(ours) : ours;
  const meta = {
    ...Object.fromEntries(kept),
    ...(isObject(nested) ? nested : ours != null && { meta: ours }),
  };
  return Object.keys(meta).length > 0 ? { meta } : {};
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
const holdsBytes = (cell: unknown): boolean =>
  cell instanceof Uint8Array ||
  (typeof cell === 'object' && cell !== null && Object.values(cell).some(holdsBytes));

/** Groups whose pictures stay in memory: the one that is read, and the one before it, which is still being decoded. */
const GROUPS_KEPT = 2;

/** Pictures that lie in the file. Holding many of them is holding places: those of other groups are read again. */
function picturesOf({ readGroup }: ParquetFile): Source['inside'] {
  const recent = new Map<number, ParquetRow[] | Promise<ParquetRow[]>>();
  const keep = (group: number, rows: ParquetRow[] | Promise<ParquetRow[]>) => {
    recent.set(group, rows);
    for (const oldest of recent.keys()) if (recent.size > GROUPS_KEPT) recent.delete(oldest);
    return rows;
  };
  return ({ group, rows, index, place }, column) => {
    if (!recent.has(group)) keep(group, rows);
    return {
      name: place,
      async bytes() {
        const found = await (recent.get(group) ?? keep(group, readGroup(group)));
        const bytes = bytesOf(found[index]?.[column]);
        if (bytes) return bytes;
        throw new RecaptionError('image-missing', 'the picture is no longer there', { place });
      },
    };
  };
}

/** Keys for rows that have none: after the file and the picture's name or, where that is missing or taken, the row's number. */
function namesOf(stem: string): Source['nameOf'] {
  const taken = new Set<string>();
  return ({ number }, name) => {
    const named = name && `${stem}/${keyOf(name.split(/[/\\]/).at(-1)!)}`;
    if (!named || taken.has(named)) return `${stem}/${String(number).padStart(9, '0')}`;
    taken.add(named);
    return named;
  };
}

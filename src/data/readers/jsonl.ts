import { dirname, isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { RecaptionError } from '../../errors.ts';
import { exists } from '../../files.ts';
import type { ImageSource } from '../../image/image.ts';
import { mapAhead } from '../ahead.ts';
import { asDataset, asFailure, type ReadOptions } from '../dataset.ts';
import { type Row, readJsonLines } from '../lines.ts';
import { fileImage, isInside, keyOf, unsafePath } from '../paths.ts';
import { complaint, readRow } from '../rows.ts';
import type { CaptionKind, Dataset, Failure, Sample } from '../sample.ts';
import { memberImage, readTar, type TarMember } from '../tar.ts';

const AHEAD = 32;
const rowSchema = z.looseObject({
  key: z.string().min(1).optional(),
  image: z.string().min(1),
  meta: z.record(z.string(), z.unknown()).optional(),
});

/**
 * Our own JSON lines: `{key?, image, captions | caption, kind?, captioner?, meta?, …}`. `image` is a file, relative to this
 * one, or a member of a shard (`shard.tar#a.jpg`). Other columns become `meta`. A picture outside this file's folder is
 * only read when it lies in `images`: a file that somebody sends you must not reach the rest of your disk.
 */
export function readJsonl(path: string, { kind = 'human', images, onFailure }: ReadOptions = {}): Dataset {
  return asDataset(path, onFailure, async function* (fail) {
    const roots = images === undefined ? [dirname(path)] : [dirname(path), images];
    const member = tarMembers();
    const read = (row: Row) => readEntry(row, { roots, kind, member });
    for await (const found of mapAhead(readJsonLines(path, fail), AHEAD, read)) {
      if ('code' in found) fail(found);
      else yield found;
    }
  });
}

export type FindMember = (shard: string, name: string) => Promise<TarMember | undefined>;

async function readEntry(
  { place, value }: Row,
  { roots, kind, member }: { roots: string[]; kind: CaptionKind; member: FindMember },
): Promise<Sample | Failure> {
  let key = '';
  try {
    const parsed = rowSchema.safeParse(value);
    if (!parsed.success) throw new RecaptionError('row-invalid', complaint(parsed.error));
    const { image, key: given, meta: nested, ...row } = parsed.data;
    key = given ?? keyOf(image);
    const { captions, meta: columns } = readRow(row, kind);
    const meta = columns || nested ? { ...columns, ...nested } : undefined;
    return { key, image: await findSource(image, roots, member), captions, ...(meta && { meta }) };
  } catch (error) {
    return asFailure(error, key, place);
  }
}

/**
 * The picture that somebody's file names: a file or a member of a shard, below one of the `roots`.
 * @throws RecaptionError `unsafe-path`, `image-missing`
 */
export async function findSource(image: string, roots: string[], member: FindMember): Promise<ImageSource> {
  const [, shard, name] = /^(.+\.tar)#(.+)$/i.exec(image) ?? [];
  const file = shard ?? image;
  const candidates = isAbsolute(file) ? [resolve(file)] : roots.map((root) => resolve(root, file));
  const allowed = candidates.filter((path) => roots.some((root) => isInside(root, path)));
  if (image.includes('\0') || allowed.length === 0) {
    const { code, message } = unsafePath(image);
    throw new RecaptionError(code, `${message}; say where they are (images) if you trust it`);
  }
  for (const path of allowed) {
    if (!(await exists(path))) continue;
    if (name === undefined) return fileImage(path);
    const found = await member(path, name);
    if (found) return memberImage(path, found);
  }
  throw new RecaptionError('image-missing', `the picture "${image}" is not there`);
}

/** Finds members by name; each shard is looked through once. */
export function tarMembers(): FindMember {
  const shards = new Map<string, Promise<Map<string, TarMember>>>();
  return async (shard, name) => {
    const members = shards.get(shard) ?? index(shard);
    shards.set(shard, members);
    return (await members).get(name);
  };
}

async function index(shard: string): Promise<Map<string, TarMember>> {
  const members = new Map<string, TarMember>();
  const damageShowsAsMissing = () => {};
  for await (const member of readTar(shard, () => false, damageShowsAsMissing)) {
    if (!members.has(member.name)) members.set(member.name, member);
  }
  return members;
}

/** Pictures in the catalog: what they are, and where they lie. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { RecaptionError } from '../../errors.ts';
import type { ImageSource } from '../../image/image.ts';
import { countWords } from '../../text/count-words.ts';
import { fileImage } from '../paths.ts';
import type { Caption } from '../sample.ts';
import { memberImage } from '../tar.ts';
import type { Catalog } from './catalog.ts';

/** Where a picture lies: a file, or a member of an archive (`archive.tar#member`, from byte `start`). */
export interface Place {
  path: string;
  start?: number;
  /** When the file or the archive was last written, in milliseconds. */
  modified: number;
  /** Size of the file, where it is one of its own. */
  size?: number;
}

/** A picture as it comes to the catalog. */
export interface NewImage {
  /** As its source has it; a picture of other content that has the key already makes us add a few letters to it. */
  key: string;
  /** SHA-256 of the encoded file: 32 bytes. */
  hash: Uint8Array;
  /** Size of the encoded file. */
  bytes: number;
  width?: number;
  height?: number;
  format?: string;
  /** Whether somebody has looked at the pixels, and the perceptual hash that they have: 8 bytes, or none. */
  looked?: boolean;
  likeness?: Uint8Array;
  meta?: Record<string, unknown>;
  place: Place;
  captions: readonly Caption[];
}

export interface Added {
  /** Pictures that the catalog did not have. */
  images: number;
  captions: number;
  /** Pictures that it had from another place: the same file, byte by byte. */
  copies: number;
}

/** Adds pictures and captions that are not there yet, all of them in one transaction. */
export function addImages(
  { db }: Catalog,
  images: readonly NewImage[],
  { job, now = Date.now() }: { job: number; now?: number },
): Added {
  const added: Added = { images: 0, captions: 0, copies: 0 };
  db.transaction(() => {
    const failed = db.get('SELECT 1 FROM failures LIMIT 1') !== undefined;
    for (const image of images) {
      if (failed) forgetFailures(image);
      const known = db.get<{ id: number }>('SELECT id FROM images WHERE hash = ?', image.hash);
      const id = known?.id ?? insertImage(image);
      if (known && image.looked) look(id, image.likeness);
      if (!known) added.images++;
      else if (!db.get('SELECT 1 FROM places WHERE path = ? AND image = ?', image.place.path, id)) {
        added.copies += Number(db.get('SELECT 1 FROM places WHERE image = ?', id) !== undefined);
      }
      place(id, image.place);
      for (const caption of image.captions) added.captions += addOriginal(id, caption, !known);
    }
  });
  return added;

  function insertImage({
    key,
    hash,
    bytes,
    width,
    height,
    format,
    looked,
    likeness,
    meta,
  }: NewImage): number {
    const insert = (name: string) =>
      db.get<{ id: number }>(
        `INSERT INTO images (key, hash, bytes, width, height, format, looked, likeness, meta, added)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING id`,
        name,
        hash,
        bytes,
        width ?? null,
        height ?? null,
        format ?? null,
        Number(looked ?? false),
        likeness ?? null,
        meta === undefined ? null : JSON.stringify(meta),
        now,
      );
    const name = Buffer.from(hash).toString('hex', 0, 6);
    return (insert(key) ?? insert(`${key}~${name}`) ?? insert(`${key}~${Buffer.from(hash).toString('hex')}`))!
      .id;
  }

  /** What failed there when it was imported, or when it was another picture. */
  function forgetFailures({ place: { path }, hash }: NewImage): void {
    db.run(
      'DELETE FROM failures WHERE place = ? AND (recipe = 0 OR image NOT IN (SELECT id FROM images WHERE hash = ?))',
      path,
      hash,
    );
  }

  function look(id: number, likeness: Uint8Array | undefined): void {
    db.run('UPDATE images SET looked = 1, likeness = ? WHERE id = ? AND looked = 0', likeness ?? null, id);
  }

  function place(id: number, { path, start, modified }: Place): void {
    db.run(
      `INSERT INTO places (path, image, start, modified) VALUES (?, ?, ?, ?)
       ON CONFLICT (path) DO UPDATE SET image = excluded.image, start = excluded.start, modified = excluded.modified`,
      path,
      id,
      start ?? null,
      modified,
    );
  }

  function addOriginal(id: number, { text, kind, source }: Caption, fresh: boolean): number {
    const known =
      !fresh &&
      db.get(
        'SELECT 1 FROM captions WHERE image = ? AND kind = ? AND text = ? AND recipe IS NULL AND derived = 0',
        id,
        kind,
        text,
      );
    if (known) return 0;
    return db.run(
      'INSERT INTO captions (image, kind, text, words, author, job, written) VALUES (?, ?, ?, ?, ?, ?, ?)',
      id,
      kind,
      text,
      countWords(text),
      source,
      job,
      now,
    );
  }
}

/** The picture that lies at a place, unless the file there has been written since, and whether somebody has looked at it. */
export function imageAtPlace(
  { db }: Catalog,
  { path, start, modified, size }: Place,
): { id: number; hash: Uint8Array; bytes: number; looked: number } | undefined {
  return db.get(
    `SELECT images.id, hash, bytes, looked FROM places JOIN images ON images.id = image
     WHERE path = ? AND start IS ? AND modified = ? AND coalesce(?, bytes) = bytes`,
    path,
    start ?? null,
    modified,
    size ?? null,
  );
}

/** A place as the catalog has it. */
export type KnownPlace = Pick<Place, 'path' | 'modified'> & { start: number | null };

/** What a picture is known by. */
export interface Content {
  /** SHA-256 of the encoded file, and its size. */
  hash: Uint8Array;
  bytes: number;
}

/**
 * The encoded picture, from the first of its places where it still lies. It may lie nowhere any more: then reading it fails, and so it
 * does where a file has been written since and holds something else.
 * @param folder of the workspace, where pictures lie that have no other place
 */
export async function openPlaces(
  key: string,
  places: readonly KnownPlace[],
  { folder, ...content }: Content & { folder: string },
): Promise<ImageSource> {
  const sources = places.map((place) => openPlace(resolve(folder, place.path), place, content));
  if (sources.length === 0) return nowhere(key);
  for (const source of sources.length > 1 ? sources : []) {
    const sound = await source.verify!().then(
      () => true,
      () => false,
    );
    if (sound) return source;
  }
  return sources[0];
}

function openPlace(path: string, { start, modified }: KnownPlace, { hash, bytes }: Content): ImageSource {
  const [archive, name] = start === null ? [path, ''] : splitMember(path);
  const source =
    start === null ? fileImage(path) : memberImage(archive, { name, offset: start, size: bytes });
  /** The picture where it had to be read to know that it is the one that was meant; undefined where its time and size say so. */
  const readIfWritten = async (): Promise<Uint8Array | undefined> => {
    const found = await stat(archive).catch(() => undefined);
    if (
      found !== undefined &&
      Math.trunc(found.mtimeMs) === modified &&
      (start !== null || found.size === bytes)
    )
      return undefined;
    // A copy of a file has another time; what counts is what it holds.
    const now = await source.bytes();
    if (createHash('sha256').update(now).digest().equals(hash)) return now;
    throw new RecaptionError('image-changed', 'the file has been written since it was imported', {
      place: source.name,
      hint: 'Import it again: what is there now is another picture.',
    });
  };
  return {
    ...source,
    async verify() {
      await readIfWritten();
    },
    bytes: async () => (await readIfWritten()) ?? source.bytes(),
  };
}

const nowhere = (key: string): ImageSource => ({
  name: key,
  async bytes() {
    throw new RecaptionError('image-missing', 'where this picture lay is another one now', { place: key });
  },
});

/** The archive and the member of a place such as `a/b.tar#c.jpg`. */
export function splitMember(path: string): [archive: string, member: string] {
  const at = path.search(/\.tar#/i) + '.tar'.length;
  return [path.slice(0, at), path.slice(at + 1)];
}

export interface FoundImage {
  id: number;
  key: string;
  places: string[];
  /** Keys of pictures that look the same. */
  twins: string[];
}

/** The pictures of a key, or of a file (also of one that another picture has as its first place). */
export function findImages({ db }: Catalog, name: string): FoundImage[] {
  const rows = db.all<{ id: number; key: string; first: number }>(
    `SELECT id, key, coalesce(twin, id) AS first FROM images
     WHERE key = ? OR id IN (SELECT image FROM places WHERE path IN (?, ?)) ORDER BY id`,
    name,
    name,
    resolve(name),
  );
  const column = (sql: string, ...values: number[]) =>
    db.all<{ value: string }>(sql, ...values).map(({ value }) => value);
  return rows.map(({ id, key, first }) => ({
    id,
    key,
    places: column('SELECT path AS value FROM places WHERE image = ? ORDER BY path', id),
    twins: column(
      'SELECT key AS value FROM images WHERE (id = ? OR twin = ?) AND id <> ? ORDER BY id',
      first,
      first,
      id,
    ),
  }));
}

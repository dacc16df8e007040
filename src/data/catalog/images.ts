/** Pictures in the catalog: what they are, and where they lie. */
import { resolve } from 'node:path';
import { RecaptionError } from '../../errors.ts';
import type { ImageSource } from '../../image/image.ts';
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
  /** Perceptual hash, 8 bytes. */
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
    for (const image of images) {
      const known = db.get<{ id: number }>('SELECT id FROM images WHERE hash = ?', image.hash);
      const id = known?.id ?? insertImage(image);
      if (!known) added.images++;
      else if (!db.get('SELECT 1 FROM places WHERE path = ? AND image = ?', image.place.path, id)) {
        added.copies += Number(db.get('SELECT 1 FROM places WHERE image = ?', id) !== undefined);
      }
      place(id, image.place);
      for (const caption of image.captions) added.captions += addOriginal(id, caption, !known);
    }
  });
  return added;

  function insertImage({ key, hash, bytes, width, height, format, likeness, meta }: NewImage): number {
    const insert = (name: string) =>
      db.get<{ id: number }>(
        `INSERT INTO images (key, hash, bytes, width, height, format, likeness, meta, added)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING RETURNING id`,
        name,
        hash,
        bytes,
        width ?? null,
        height ?? null,
        format ?? null,
        likeness ?? null,
        meta === undefined ? null : JSON.stringify(meta),
        now,
      );
    const name = Buffer.from(hash).toString('hex', 0, 6);
    return (insert(key) ?? insert(`${key}~${name}`) ?? insert(`${key}~${Buffer.from(hash).toString('hex')}`))!
      .id;
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
      !fresh && db.get('SELECT 1 FROM captions WHERE image = ? AND kind = ? AND text = ?', id, kind, text);
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

/** Runs of characters without white space. */
export const countWords = (text: string): number => text.match(/\S+/g)?.length ?? 0;

/** The picture that lies at a place, unless the file there has been written since. */
export function imageAtPlace({ db }: Catalog, { path, start, modified }: Place): number | undefined {
  return db.get<{ image: number }>(
    'SELECT image FROM places WHERE path = ? AND start IS ? AND modified = ?',
    path,
    start ?? null,
    modified,
  )?.image;
}

/** The encoded picture, from the first of its places where it still lies; it may have none when its file was written over. */
export function openPlaces(
  key: string,
  places: readonly Pick<Place, 'path' | 'start'>[],
  bytes: number,
): ImageSource {
  const sources = places.map(({ path, start }) => {
    if (start == null) return fileImage(path);
    const [archive, name] = splitMember(path);
    return memberImage(archive, { name, offset: start, size: bytes });
  });
  if (sources.length === 1) return sources[0];
  return {
    name: sources[0]?.name ?? key,
    async bytes() {
      let missing: unknown = new RecaptionError(
        'image-missing',
        'where this picture lay is another one now',
        {
          place: key,
        },
      );
      for (const source of sources) {
        try {
          return await source.bytes();
        } catch (error) {
          missing = error;
        }
      }
      throw missing;
    },
  };
}

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

/** Tar archives as streams of members. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { type ExtractEvents, extract } from 'tar-stream';
import { RecaptionError, reason } from '../errors.ts';
import type { ImageSource } from '../image/image.ts';
import type { OnFailure } from './sample.ts';

type Entry = ExtractEvents['entry'][1];

const BLOCK = 512;
/** Read this much at once: a shard is one long file, and few large reads leave the main thread alone. */
const CHUNK = 2 ** 20;
/** A member is held in memory whole; no picture and no caption is larger than this. */
const MAX_MEMBER_BYTES = 2 ** 29;

export interface TarMember {
  name: string;
  /** Where its contents start in the archive, in bytes. */
  offset: number;
  size: number;
  /** Its contents, where they were asked for. */
  bytes?: Buffer;
}

/**
 * The files of an archive, in order. Damage is reported as `tar-corrupt` with the member it hit, or the last one before it;
 * after a damaged header, reading goes on at the next sound one.
 * @param wanted whose contents to read; the others come without `bytes`
 */
export async function* readTar(
  path: string,
  wanted: (name: string) => boolean,
  fail: OnFailure,
): AsyncGenerator<TarMember> {
  for (let start: number | undefined = 0; start !== undefined; ) {
    const members = extract();
    const file = createReadStream(path, { start, highWaterMark: CHUNK });
    file.on('error', (error) => members.destroy(error));
    file.pipe(members);
    let current: TarMember | undefined; // being read
    let last: TarMember | undefined; // read
    try {
      for await (const entry of members) {
        current = describe(entry, start);
        const wants = isFile(entry) && wanted(current.name);
        if (wants && current.size <= MAX_MEMBER_BYTES) current.bytes = await contents(entry);
        else await drain(entry);
        last = current;
        current = undefined;
        if (wants && last.bytes === undefined)
          fail(corrupt(path, last, 'it is far too large for a caption or a picture'));
        else if (isFile(entry)) yield last;
      }
      return;
    } catch (error) {
      fail(corrupt(path, current ?? last, sentence(error, current !== undefined)));
      if (current !== undefined) return; // the archive ends within a member
      const end: number = last ? last.offset + Math.ceil(last.size / BLOCK) * BLOCK : start;
      start = await nextHeader(path, end + BLOCK);
    } finally {
      file.destroy();
      members.destroy();
    }
  }
}

/**
 * A picture inside an archive. Its bytes stay in memory only as long as there is room for them; afterwards they are read
 * again from where they lie, so that holding a million samples is holding a million names.
 */
export function memberImage(path: string, { name, offset, size, bytes }: TarMember): ImageSource {
  const recent = bytes && new WeakRef(bytes);
  return {
    name: `${path}#${name}`,
    start: offset,
    bytes: async () => recent?.deref() ?? readMember(path, { name, offset, size }),
  };
}

export async function readMember(path: string, { name, offset, size }: TarMember): Promise<Buffer> {
  const file = await open(path).catch((cause) => {
    throw new RecaptionError('image-missing', `the archive cannot be opened (${reason(cause)})`, {
      place: path,
      cause,
    });
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, offset);
    if (bytesRead === size) return buffer;
    throw new RecaptionError('tar-corrupt', 'the archive has become shorter', { place: `${path}#${name}` });
  } finally {
    await file.close();
  }
}

function describe({ header }: Entry, start: number): TarMember {
  // tar-stream counts from where its stream began; its types do not know the field yet.
  const { byteOffset } = header as typeof header & { byteOffset: number };
  return { name: header.name, offset: start + byteOffset, size: header.size };
}

function isFile({ header }: Entry): boolean {
  return header.type === 'file' || header.type === 'contiguous-file';
}

async function contents(entry: Entry): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks); // a copy: a slice would keep its whole chunk alive
}

async function drain(entry: Entry): Promise<void> {
  for await (const _ of entry);
}

function corrupt(path: string, member: TarMember | undefined, message: string) {
  return { key: '', place: member ? `${path}#${member.name}` : path, code: 'tar-corrupt', message };
}

function sentence(error: unknown, within: boolean): string {
  if ((error as NodeJS.ErrnoException).code !== undefined)
    return `the archive cannot be read (${reason(error)})`;
  return within ? 'the archive ends within this member' : 'the archive is damaged after this member';
}

/** Where the next sound header starts: the `ustar` mark and a checksum that holds. */
async function nextHeader(path: string, from: number): Promise<number | undefined> {
  const file = await open(path).catch(() => undefined);
  try {
    for (let at = from; file; ) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(CHUNK), 0, CHUNK, at);
      for (let i = 0; i + BLOCK <= bytesRead; i += BLOCK) {
        if (isHeader(buffer.subarray(i, i + BLOCK))) return at + i;
      }
      if (bytesRead < BLOCK) return undefined;
      at += bytesRead - (bytesRead % BLOCK);
    }
    return undefined;
  } finally {
    await file?.close();
  }
}

function isHeader(block: Buffer): boolean {
  if (block.toString('latin1', 257, 262) !== 'ustar') return false;
  let sum = 8 * 0x20; // the checksum field itself counts as spaces
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += block[i];
  return Number.parseInt(block.toString('latin1', 148, 156), 8) === sum;
}

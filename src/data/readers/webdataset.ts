import { isImageExtension } from '../../image/format.ts';
import { asDataset, asFailure, type ReadOptions } from '../dataset.ts';
import { decodeUtf8, parseJson } from '../lines.ts';
import { type RowContents, readRow } from '../rows.ts';
import type { CaptionKind, Dataset, OnFailure, Sample } from '../sample.ts';
import { memberImage, readMember, readTar, type TarMember } from '../tar.ts';

interface Group {
  key: string;
  image?: TarMember;
  texts: TarMember[];
  /** Of a picture that was there before. */
  duplicate?: boolean;
}

/**
 * WebDataset shards: `KEY.jpg` with `KEY.json` (`captions`, `caption` or `text`; other columns become `meta`) or `KEY.txt`
 * (one caption). The key ends at the first dot of the base name. One pass over each shard, in the order given; a shard with
 * pictures whose texts stand elsewhere in it is searched a second time.
 */
export function readWebDataset(shards: string[], { kind = 'human', onFailure }: ReadOptions = {}): Dataset {
  return asDataset(shards.join(', '), onFailure, async function* (fail) {
    for (const shard of shards) yield* readShard(shard, kind, fail);
  });
}

async function* readShard(shard: string, kind: CaptionKind, fail: OnFailure): AsyncGenerator<Sample> {
  const apart = new Map<string, TarMember[]>(); // texts that came without their picture
  const done = new Set<string>();
  const reunited = new Set<string>();
  let everyText: Promise<Map<string, TarMember[]>> | undefined;

  const finish = async ({ key, image, texts, duplicate }: Group): Promise<Sample | undefined> => {
    if (duplicate) return undefined;
    if (!image) {
      apart.set(key, [...(apart.get(key) ?? []), ...texts]);
      return undefined;
    }
    done.add(key);
    if (texts.length === 0) {
      everyText ??= indexTexts(shard);
      texts = (await everyText).get(key) ?? [];
      reunited.add(key);
    }
    const { captions, meta, sourceKey } = await readTexts(shard, texts, { key, kind, fail });
    return { key: sourceKey ?? key, image: memberImage(shard, image), captions, ...(meta && { meta }) };
  };

  let group: Group = { key: '', texts: [] };
  for await (const member of readTar(shard, isWanted, fail)) {
    if (!member.bytes) continue;
    const { key, extension } = splitName(member.name);
    if (key !== group.key) {
      const sample = await finish(group);
      if (sample) yield sample;
      group = { key, texts: [] };
    }
    if (!isImageExtension(extension)) {
      group.texts.push(member);
    } else if (group.image || done.has(key)) {
      const message = `the key "${key}" has a picture already; this one is skipped`;
      fail({ key, place: `${shard}#${member.name}`, code: 'duplicate-key', message });
      group.duplicate = done.has(key);
    } else {
      group.image = member;
    }
  }
  const sample = await finish(group);
  if (sample) yield sample;

  for (const [key, [text]] of apart) {
    if (text === undefined || reunited.has(key)) continue;
    const place = `${shard}#${text.name}`;
    if (!done.has(key)) fail({ key, place, code: 'image-missing', message: 'this text has no picture' });
    else
      fail({
        key,
        place,
        code: 'member-apart',
        message: 'this text stands apart from its picture and is not read',
      });
  }
}

/** The key, and what follows its dot: `dir/a.seg.png` is the member `seg.png` of the sample `dir/a`. */
export function splitName(name: string): { key: string; extension: string } {
  const base = name.lastIndexOf('/') + 1;
  const dot = name.indexOf('.', base);
  if (dot <= base) return { key: '', extension: '' }; // hidden, such as the `._` companions that macOS leaves
  return { key: name.slice(0, dot).replace(/^\.\//, ''), extension: name.slice(dot + 1).toLowerCase() };
}

function isText(extension: string): boolean {
  return extension === 'json' || extension === 'txt';
}

function isWanted(name: string): boolean {
  const { extension } = splitName(name);
  return isText(extension) || isImageExtension(extension);
}

async function indexTexts(shard: string): Promise<Map<string, TarMember[]>> {
  const texts = new Map<string, TarMember[]>();
  const reportedAlready = () => {};
  for await (const member of readTar(shard, () => false, reportedAlready)) {
    const { key, extension } = splitName(member.name);
    if (isText(extension)) texts.set(key, [...(texts.get(key) ?? []), member]);
  }
  return texts;
}

/** Captions of the JSON member; where it has none, the text member. */
async function readTexts(
  shard: string,
  texts: TarMember[],
  { key, kind, fail }: { key: string; kind: CaptionKind; fail: OnFailure },
): Promise<RowContents> {
  let found: RowContents = { captions: [], meta: undefined, sourceKey: undefined };
  const inOrder = texts.toSorted((a, b) => Number(a.name.endsWith('.txt')) - Number(b.name.endsWith('.txt')));
  for (const member of inOrder) {
    try {
      const bytes = member.bytes ?? (await readMember(shard, member));
      if (splitName(member.name).extension === 'json') {
        found = readRow(parseJson(bytes), kind);
      } else if (found.captions.length === 0) {
        found = { ...found, captions: readRow({ text: decodeUtf8(bytes).trim() }, kind).captions };
      }
    } catch (error) {
      fail(asFailure(error, key, `${shard}#${member.name}`));
    }
  }
  return found;
}

/** Captions under test and the references of the same images, brought together. */
import { RecaptionError } from '../errors.ts';
import { type CaptionRow, isCaptionFile, readCaptionRows } from './caption-rows.ts';
import { openDataset } from './open.ts';
import type { OnFailure, Sample } from './sample.ts';

/** References by every name of their image. */
export type References = ReadonlyMap<string, { id: string; texts: string[] }>;

export interface Candidate {
  /** As the file has it. */
  id: string;
  /** Names under which references may be found. */
  names: string[];
  text: string;
}

export interface CandidateSet {
  candidates: Candidate[];
  /** Those that the rows bring along. */
  references: References;
}

/**
 * One caption for each image, with the references that stand beside it.
 * @throws RecaptionError `duplicate-key` for a second caption of an image, `no-captions`, and those of `readCaptionRows`.
 */
export async function readCandidates(place: string, fail: OnFailure): Promise<CandidateSet> {
  const candidates: Candidate[] = [];
  const seen = new Set<string>();
  const references = new Map<string, { id: string; texts: string[] }>();
  for await (const row of readCaptionRows(place, fail)) {
    const [id] = row.ids;
    const text = candidateOf(row, fail);
    if (text === undefined) continue;
    const names = row.ids.map(canonicalId);
    if (seen.has(names[0])) {
      throw new RecaptionError('duplicate-key', `the image "${id}" has a second caption`, {
        place: row.place,
        hint: 'Give one caption for each image; references go into "references".',
      });
    }
    seen.add(names[0]);
    candidates.push({ id, names, text });
    if (row.references !== undefined) addReferences(references, row.ids, row.references);
  }
  if (candidates.length === 0)
    throw new RecaptionError('no-captions', 'there is no caption to be scored', { place });
  return { candidates, references };
}

/**
 * All captions by image, from a file of rows or from any collection of pictures that `openDataset` reads.
 * @throws RecaptionError those of `readCaptionRows` and `openDataset`.
 */
export async function readReferences(place: string, fail: OnFailure): Promise<References> {
  const references = new Map<string, { id: string; texts: string[] }>();
  for await (const { ids, texts } of captionsOf(place, fail)) addReferences(references, ids, texts);
  return references;
}

/** Every caption of a file or a collection, with a name of its image: of rows that have both, the captions under test. */
export async function* readAllCaptions(
  place: string,
  fail: OnFailure,
): AsyncGenerator<{ image: string; text: string }> {
  for await (const { ids, texts, own } of captionsOf(place, fail)) {
    for (const text of own.length > 0 ? own : texts) yield { image: ids[0], text };
  }
}

/** Captions and references of the same images, side by side in the order of the first set. */
export interface Paired {
  ids: string[];
  references: string[][];
  /** A list for each set. */
  candidates: string[][];
  /** Ids of captions that are left out because their image has no reference. */
  withoutReference: string[];
  /** Ids of captions that are left out because another set has none of that image. */
  withoutCounterpart: string[];
  /** Ids of images that have references and no caption. */
  withoutCandidate: string[];
}

/**
 * Brings one or several sets of captions together with the references of their images.
 * @param place of the references, for errors.
 * @throws RecaptionError `no-references` when no caption has one, `no-captions` when the sets have no image in common.
 */
export function pairCaptions(
  sets: readonly (readonly Candidate[])[],
  references: References,
  place: string,
): Paired {
  const [first, ...others] = sets;
  const texts = others.map((set) => new Map(set.map(({ names, text }) => [names[0], text])));
  const own = new Set(first.map(({ names }) => names[0]));
  const paired: Paired = {
    ids: [],
    references: [],
    candidates: sets.map(() => []),
    withoutReference: [],
    withoutCounterpart: others.flatMap((set) =>
      set.filter(({ names }) => !own.has(names[0])).map(({ id }) => id),
    ),
    withoutCandidate: [],
  };
  const used = new Set<object>();
  for (const { id, names, text } of first) {
    const entry = names.map((name) => references.get(name)).find((found) => found !== undefined);
    const counterparts = texts.map((byName) => byName.get(names[0]));
    if (entry === undefined || entry.texts.length === 0) paired.withoutReference.push(id);
    else {
      used.add(entry);
      if (counterparts.includes(undefined)) paired.withoutCounterpart.push(id);
      else {
        paired.ids.push(id);
        paired.references.push(entry.texts);
        for (const [k, one] of [text, ...counterparts].entries()) paired.candidates[k].push(one!);
      }
    }
  }
  if (used.size === 0) throw noReferences(first, references, place);
  if (paired.ids.length === 0) {
    throw new RecaptionError('no-captions', 'the two sets of captions have no image in common', {
      hint: 'Compare captions of the same images, under the same ids.',
    });
  }
  for (const entry of new Set(references.values()))
    if (!used.has(entry) && entry.texts.length > 0) paired.withoutCandidate.push(entry.id);
  return paired;
}

function noReferences(
  candidates: readonly Candidate[],
  references: References,
  place: string,
): RecaptionError {
  const [known] = references.values();
  if (known === undefined) {
    return new RecaptionError('no-references', 'there are no references to compare the captions with', {
      place,
      hint: 'Name them with --references, or give the rows a list "references".',
    });
  }
  return new RecaptionError('no-references', 'none of the captions has a reference', {
    place,
    hint: `The captions are of images such as "${candidates[0].id}", the references of such as "${known.id}".`,
  });
}

function candidateOf({ place, ids, candidate, caption }: CaptionRow, fail: OnFailure): string | undefined {
  if (candidate !== undefined) return candidate;
  if (caption.length === 1) return caption[0];
  const message =
    caption.length === 0
      ? 'the row has no caption to be scored ("candidate" or "caption")'
      : `the row has ${caption.length} captions, and one is scored`;
  fail({ key: ids[0], place, code: 'row-invalid', message });
  return undefined;
}

async function* captionsOf(
  place: string,
  fail: OnFailure,
): AsyncGenerator<{ ids: string[]; texts: string[]; own: string[] }> {
  if (isCaptionFile(place.replace(/@[^@/\\]+$/, ''))) {
    for await (const { ids, candidate, caption, references } of readCaptionRows(place, fail))
      yield { ids, texts: references ?? caption, own: candidate === undefined ? caption : [candidate] };
  } else {
    for await (const sample of await openDataset(place, { onFailure: fail }))
      yield { ids: idsOf(sample), texts: sample.captions.map(({ text }) => text), own: [] };
  }
}

/** The key of a sample, and what its collection calls the image besides. */
function idsOf({ key, meta }: Sample): string[] {
  const others = [meta?.image_id, meta?.id, meta?.coco_id].filter(
    (id) => typeof id === 'string' || typeof id === 'number',
  );
  return [key, ...others.map(String)];
}

/** The names under which captions of a sample's image may be found, as candidates and references have them. */
export const sampleNames = (sample: Sample): string[] => idsOf(sample).map(canonicalId);

function addReferences(
  to: Map<string, { id: string; texts: string[] }>,
  ids: readonly string[],
  texts: readonly string[],
): void {
  const names = ids.map(canonicalId);
  const entry = to.get(names[0]) ?? { id: ids[0], texts: [] };
  entry.texts.push(...texts.filter((text) => text.trim() !== ''));
  for (const name of names) if (!to.has(name)) to.set(name, entry);
}

/** COCO writes 391895 in its lists, and 000000391895 or COCO_val2014_000000391895 in its file names. */
export function canonicalId(id: string): string {
  const digits = /^(?:COCO_\w+_)?0*(\d+)$/.exec(id);
  return digits === null ? id : digits[1];
}

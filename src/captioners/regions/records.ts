/** Proposed regions as records of one size, cached by the picture's content. */
import { cacheOf, type Recorder } from '../../models/training/prepare.ts';
import type { ProposedRegion, RegionProposer } from './proposer.ts';

/** What is known of a picture's regions. */
export interface PictureRegions {
  regions: ProposedRegion[];
  /** Width / height of the picture. */
  aspect: number;
}

/** Numbers of a region: box, label, score. */
const FIELDS = 6;
/** Numbers before the first region: how many there are, and the aspect. */
const LEAD = 2;

const recordLength = ({ most }: RegionProposer): number => LEAD + most * FIELDS;

/** Regions of pictures and of their mirror images. */
export async function regionRecorder(proposer: RegionProposer): Promise<Recorder> {
  return {
    cache: await cacheOf('regions', `${proposer.id}-${proposer.most}`, recordLength(proposer) * 4),
    name: proposer.id,
    maxSide: proposer.resolution,
    flips: true,
    async record(views) {
      const found = await proposer.propose(views);
      return views.map(({ image: { width, height } }, i) =>
        writeRecord({ regions: found[i], aspect: width / height }, proposer),
      );
    },
  };
}

export function writeRecord({ regions, aspect }: PictureRegions, proposer: RegionProposer): Uint8Array {
  const record = new Float32Array(recordLength(proposer));
  const kept = regions.slice(0, proposer.most);
  record.set([kept.length, aspect]);
  for (const [i, { box, label, score }] of kept.entries())
    record.set([box.x, box.y, box.width, box.height, label, score], LEAD + i * FIELDS);
  return new Uint8Array(record.buffer);
}

export function readRecord(bytes: Uint8Array): PictureRegions {
  const record = new Float32Array(bytes.slice().buffer);
  const [count, aspect] = record;
  const regions = Array.from({ length: count }, (_, i): ProposedRegion => {
    const [x, y, width, height, label, score] = record.subarray(LEAD + i * FIELDS);
    return { box: { x, y, width, height }, label, score };
  });
  return { regions, aspect };
}

/** Reads a picture's regions from the cache; `key` is its hash, with `:flip` for the mirror image. */
export function cachedRegions({ cache }: Recorder): (key: string) => PictureRegions {
  const bytes = new Uint8Array(cache.recordBytes);
  return (key) => {
    if (!cache.readInto(key, bytes)) throw new Error(`no regions are cached for ${key}`);
    return readRecord(bytes);
  };
}

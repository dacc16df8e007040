import { describe, expect, it } from 'vitest';
import { loadImages } from '../../data/index.ts';
import { regionsOf } from '../../data/regions.ts';
import { worldDataset } from '../../world/index.ts';
import { openRegions } from './open.ts';
import { readRecord, writeRecord } from './records.ts';

const grey = { width: 20, height: 10, data: new Uint8Array(600) };

describe('the grid', () => {
  it('has the cells of every scale, without labels', async () => {
    const proposer = await openRegions('grid:1,2');
    const [regions] = await proposer.propose([{ image: grey, regions: [] }]);
    expect(proposer.labels).toEqual([]);
    expect(regions.map(({ box }) => [box.x, box.y, box.width])).toEqual([
      [0, 0, 1],
      [0, 0, 0.5],
      [0.5, 0, 0.5],
      [0, 0.5, 0.5],
      [0.5, 0.5, 0.5],
    ]);
    expect(regions.every(({ label }) => label === -1)).toBe(true);
  });

  it.each(['grid:', 'grid:0', 'grid:1.5', 'grid:99', 'grid:a'])('"%s" is refused', async (ref) => {
    await expect(openRegions(ref)).rejects.toMatchObject({ code: 'bad-regions' });
  });
});

describe('the regions of the world', () => {
  it('are what a sample tells of, and what is read from the picture where it tells nothing', async () => {
    const proposer = await openRegions('world');
    for await (const { sample, image } of loadImages(worldDataset({ count: 6, size: 64, seed: 3, overlaps: 0 }))) {
      const known = regionsOf(sample.meta);
      const [told, seen] = await proposer.propose([
        { image, regions: known },
        { image, regions: [] },
      ]);
      expect(told.map(({ box }) => box)).toEqual(known.map(({ box }) => box));
      expect(told.map(({ label }) => proposer.labels[label])).toEqual(known.map(({ name }) => name));
      for (const { label, box } of told) {
        const same = seen.find((one) => one.label === label && Math.abs(one.box.x - box.x) < 0.05 && Math.abs(one.box.y - box.y) < 0.05); // biome-ignore format: one line
        expect(same).toBeDefined();
      }
    } // biome-ignore format: one line
  });
});

describe('a record of regions', () => {
  it('gives back what was written, and no more than a proposer says it proposes', async () => {
    const proposer = await openRegions('grid:2');
    const [regions] = await proposer.propose([{ image: grey, regions: [] }]);
    const bytes = writeRecord({ regions: [...regions, ...regions], aspect: 2 }, proposer);
    expect(readRecord(bytes)).toEqual({ regions, aspect: 2 });
    expect(readRecord(writeRecord({ regions: [], aspect: 0.5 }, proposer)).regions).toEqual([]);
  });
});

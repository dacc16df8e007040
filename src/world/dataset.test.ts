import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Dataset, Sample } from '../data/sample.ts';
import { type WorldOptions, worldDataset } from './dataset.ts';
import { renderScene } from './render.ts';
import { parseScene } from './scene.ts';

const options: WorldOptions = { count: 4, size: 32, seed: 9 };

async function all(world: Dataset): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of world) samples.push(sample);
  return samples;
}

function samples(options: WorldOptions): Promise<Sample[]> {
  return all(worldDataset(options));
}

describe('worldDataset', () => {
  it('yields samples with sorted keys, three kinds of caption and the truth', async () => {
    const drawn = await samples({ ...options, offset: 9 });
    expect(drawn.map(({ key }) => key)).toEqual([
      'scene-000009',
      'scene-000010',
      'scene-000011',
      'scene-000012',
    ]);
    expect(drawn[0].captions.map(({ kind }) => kind)).toEqual(['alt', 'short', 'descriptive']);
    expect(drawn[0].captions.every(({ source, text }) => source === 'world' && text.length > 0)).toBe(true);
    expect(drawn[0].meta).toMatchObject({ seed: 9, index: 9, graph: { objects: expect.any(Array) } });
  });

  it('gives as image a PNG of the scene', async () => {
    const [sample] = await samples(options);
    const png = await sample.image.bytes();
    const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 32, height: 32, channels: 3 });
    expect(new Uint8Array(data)).toEqual(renderScene(parseScene(sample.meta?.scene), 32).data);
    expect((await sharp(png).metadata()).format).toBe('png');
  });

  it('gives scene 12 the same content whatever range it is asked for in', async () => {
    const plain = (sample: Sample) => ({ key: sample.key, captions: sample.captions, meta: sample.meta });
    const long = await samples({ ...options, count: 15 });
    const short = await samples({ ...options, offset: 12, count: 1 });
    expect(plain(short[0])).toEqual(plain(long[12]));
  });

  it('can be iterated twice, and passes options on', async () => {
    const world = worldDataset({ ...options, kinds: ['short'], maxObjects: 1, letters: 0 });
    const [first, second] = [await all(world), await all(world)];
    expect(second.map(({ captions }) => captions)).toEqual(first.map(({ captions }) => captions));
    expect(first.every(({ captions }) => captions.length === 1)).toBe(true);
    expect(first.every(({ meta }) => parseScene(meta?.scene).objects.length === 1)).toBe(true);
  });

  it('words a kind anew when it comes again, the first time as alone', async () => {
    const [once, thrice] = await Promise.all(
      [1, 3].map((n) => all(worldDataset({ ...options, kinds: Array(n).fill('descriptive') }))),
    );
    for (const [i, { captions }] of thrice.entries()) {
      expect(captions[0]).toEqual(once[i].captions[0]);
      expect(new Set(captions.map(({ text }) => text)).size).toBeGreaterThan(1);
    }
  });

  it('refuses a wrong size or option at once, before anything is drawn', () => {
    expect(() => worldDataset({ ...options, size: 3 })).toThrow(/3 pixels/);
    expect(() => worldDataset({ ...options, maxObjects: 9 })).toThrow(/maxObjects/);
  });

  it('refuses ranges beyond its keys', () => {
    expect(() => worldDataset({ ...options, offset: 999_999 })).toThrow(/999999 to 1000002/);
    expect(() => worldDataset({ ...options, count: -1 })).toThrow(/no scenes/);
    expect(() => worldDataset({ ...options, count: 1.5 })).toThrow(/no scenes/);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tinyConfig } from '../../test/helpers/tiny-captioner.ts';
import type { RecordCache } from '../data/index.ts';
import { epochOrder } from '../models/training/epoch-order.ts';
import { random } from '../random.ts';
import type { Arrays } from '../tensor/index.ts';
import {
  drawMirrored,
  featureFeeder,
  packCaptions,
  pixelFeeder,
  regionInputs,
  type TokenisedImage,
  wordRarity,
  wordWeights,
} from './batches.ts';

const SPECIAL = { bos: 1, eos: 2 };
const config = tinyConfig({ maxTokens: 6 });
const sizes = { batch: 3, packedTokens: 12, captionsPerImage: 3 };

const image = (key: string, tokens: number[][] = [], sided = false): TokenisedImage => ({
  key,
  hash: key,
  captions: [],
  references: [],
  kinds: [],
  tokens,
  regions: [],
  sided,
});

/** A cache in memory. */
function cacheOf(records: Record<string, Uint8Array>): RecordCache {
  return {
    size: Object.keys(records).length,
    recordBytes: Object.values(records)[0].length,
    has: (key) => key in records,
    readInto(key, target) {
      if (!(key in records)) return false;
      target.set(records[key]);
      return true;
    },
    append: async () => {},
    flush: async () => {},
    close: async () => {},
  };
}

/** What a row of the packed arrays says: each segment's inputs, targets and places. */
function readRow(packed: ReturnType<typeof packCaptions>, row: number, { packedTokens: t } = sizes) {
  const part = (name: string) => [...(packed[name] as Int32Array).subarray(row * t, (row + 1) * t)];
  const segments = part('segments');
  return [...new Set(segments)]
    .filter((segment) => segment > 0)
    .map((segment) => {
      const at = segments.flatMap((value, i) => (value === segment ? [i] : []));
      const pick = (name: string) => at.map((i) => part(name)[i]);
      return {
        tokens: pick('tokens'),
        targets: pick('targets'),
        positions: pick('positions'),
        last: row * t + at.at(-1)!,
      };
    });
}

describe('captions of an image are packed', () => {
  it('one after the other, each with begin, end and places of its own', () => {
    const captions = [[10, 11], [12], [13, 14, 15]];
    const packed = packCaptions([image('a', captions)], config, sizes, SPECIAL, random(1));
    const found = readRow(packed, 0);
    expect(found.map(({ targets }) => targets.slice(0, -1)).toSorted()).toEqual(captions.toSorted());
    for (const [k, { tokens, targets, positions, last }] of found.entries()) {
      expect(targets.at(-1)).toBe(SPECIAL.eos);
      expect(tokens).toEqual([SPECIAL.bos, ...targets.slice(0, -1)]);
      expect(positions).toEqual(tokens.map((_, i) => i));
      expect(packed.ends[k]).toBe(last);
    }
    expect([...packed.present]).toEqual([1, 1, 1, 0, 0, 0, 0, 0, 0]); // rows beyond the images are empty
    expect(readRow(packed, 1)).toEqual([]);
  });

  it('as many as may and as fit, whole ones only, whatever their lengths', () => {
    const captions = fc.array(fc.array(fc.integer({ min: 4, max: 23 }), { maxLength: 9 }), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(captions, { minLength: 1, maxLength: 3 }), fc.nat(), (rows, seed) => {
        const images = rows.map((tokens, i) => image(`${i}`, tokens));
        const packed = packCaptions(images, config, sizes, SPECIAL, random(seed));
        for (const [row, tokens] of rows.entries()) {
          const found = readRow(packed, row);
          expect(found.length).toBeLessThanOrEqual(sizes.captionsPerImage);
          if (tokens.length > 0) expect(found.length).toBeGreaterThan(0);
          const left = tokens.map((caption) => [...caption, SPECIAL.eos].slice(0, config.maxTokens).join());
          for (const { targets } of found) {
            expect(left).toContain(targets.join());
            left.splice(left.indexOf(targets.join()), 1); // each at most once
          }
          const present = [...packed.present].slice(3 * row, 3 * row + 3);
          expect(present).toEqual([0, 1, 2].map((k) => (k < found.length ? 1 : 0)));
        }
      }),
    );
  });

  it('and one that is longer than a caption may be is cut, without an end', () => {
    const long = [10, 11, 12, 13, 14, 15, 16, 17];
    const [found] = readRow(packCaptions([image('a', [long])], config, sizes, SPECIAL, random(1)), 0);
    expect(found.targets).toEqual(long.slice(0, 6));
  });

  it('with the advantage that each has, where they have any', () => {
    const captions = [[10, 11], [12], [13, 14, 15]];
    const images = [{ ...image('a', captions), advantages: [0.5, -1, 2] }, image('b', [[16]])];
    const { tokens, advantages, segments } = packCaptions(images, config, sizes, SPECIAL, random(1));
    const of = new Map([
      [10, 0.5],
      [11, 0.5],
      [12, -1],
      [13, 2],
      [14, 2],
      [15, 2],
    ]); // prettier-ignore
    for (const [cell, token] of (tokens as Int32Array).entries()) {
      if (of.has(token)) expect(advantages[cell]).toBe(of.get(token));
      if (segments[cell] === 0 || token === 16) expect(advantages[cell]).toBe(0);
    }
  });

  it('in another order and choice with every draw, the same with the same', () => {
    const captions = Array.from({ length: 8 }, (_, i) => [10 + i]);
    const packed = (seed: number) =>
      packCaptions([image('a', captions)], config, sizes, SPECIAL, random(seed)).tokens;
    expect(packed(1)).toEqual(packed(1));
    expect(new Set([1, 2, 3, 4].map((seed) => packed(seed).join())).size).toBeGreaterThan(1);
  });
});

describe('frozen features', () => {
  // Two encoders; the record of the first holds two groups.
  const halves = (...values: number[]) => new Uint8Array(Uint16Array.from(values).buffer);
  const caches = [
    {
      cache: cacheOf({
        a: halves(1, 2, 3, 4, 5),
        'a:flip': halves(21, 22, 23, 24, 25),
        b: halves(6, 7, 8, 9, 10),
        'b:flip': halves(26, 27, 28, 29, 30),
      }),
      groups: [
        { name: 'grid', tokens: 2, width: 2 },
        { name: 'pooled', tokens: 1, width: 1 },
      ],
    },
    {
      cache: cacheOf({ a: halves(100), 'a:flip': halves(120), b: halves(200), 'b:flip': halves(220) }),
      groups: [{ name: 'other', tokens: 1, width: 1 }],
    },
  ];

  it('go to the input of their group; rows beyond the images repeat the last', () => {
    const fed = featureFeeder(caches).feed([image('a'), image('b')], 3);
    expect(fed).toEqual({
      'features.grid': Uint16Array.of(1, 2, 3, 4, 6, 7, 8, 9, 6, 7, 8, 9),
      'features.pooled': Uint16Array.of(5, 10, 10),
      'features.other': Uint16Array.of(100, 200, 200),
    });
  });

  it('of mirrored images are those of the mirror image, in every encoder', () => {
    const fed = featureFeeder(caches).feed([image('a'), image('b')], 2, {
      draw: random(1),
      mirrored: [false, true],
    });
    expect(fed['features.pooled']).toEqual(Uint16Array.of(5, 30));
    expect(fed['features.other']).toEqual(Uint16Array.of(100, 220));
  });

  it('of teachers have inputs of their own', () => {
    expect(Object.keys(featureFeeder(caches, 'teacher').feed([image('a')], 1))).toEqual([
      'teacher.grid',
      'teacher.pooled',
      'teacher.other',
    ]);
  });
});

describe('pixels', () => {
  const side = 4;
  const picture = (seed: number) => {
    const draw = random(seed, 'pixels');
    return Uint8Array.from({ length: side * side * 3 }, () => draw.int(256));
  };
  const cache = cacheOf({ a: picture(1), b: picture(2), grey: new Uint8Array(side * side * 3).fill(100) });
  const plain = { minCrop: 1, colourJitter: 0 };
  const pixels = (...args: Parameters<ReturnType<typeof pixelFeeder>['feed']>) =>
    (pixelFeeder(cache, side, side, plain).feed(...args).pixels as Uint8Array).slice();

  it('are those of the cache while nothing is changed', () => {
    expect(pixels([image('a'), image('b')], 2)).toEqual(Uint8Array.of(...picture(1), ...picture(2)));
  });

  it('are mirrored where told', () => {
    const fed = pixels([image('a'), image('b')], 2, { draw: random(1), mirrored: [true, false] });
    const expected = picture(1);
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const [from, to] = [(y * side + side - 1 - x) * 3, (y * side + x) * 3];
        expected.set(picture(1).subarray(from, from + 3), to);
      }
    }
    expect(fed).toEqual(Uint8Array.of(...expected, ...picture(2)));
  });

  it('of an even picture stay even when cropped and resized', () => {
    for (const size of [2, 4, 7]) {
      const feeder = pixelFeeder(cache, side, size, { minCrop: 0.3, colourJitter: 0 });
      const fed = feeder.feed([image('grey')], 1, { draw: random(3), mirrored: [true] }).pixels as Uint8Array;
      expect(fed).toEqual(new Uint8Array(size * size * 3).fill(100));
    }
  });

  it('change with the draw, the same way with the same', () => {
    const feeder = pixelFeeder(cache, side, side, { minCrop: 0.3, colourJitter: 0.4 });
    const fed = (seed: number) =>
      (feeder.feed([image('a')], 1, { draw: random(seed), mirrored: [false] }).pixels as Uint8Array).slice();
    expect(fed(1)).toEqual(fed(1));
    expect(fed(1)).not.toEqual(fed(2));
  });
});

describe('the words to find in an image', () => {
  const [DOG, CAT, A] = [3, 4, 5];
  const images = [
    image('dog', [
      [A, DOG],
      [A, DOG, DOG, CAT],
    ]),
    image('cat', [[A, CAT]]),
    image('nothing', [[A]]),
  ];
  const rarity = wordRarity(images, 6);

  it('are the rarer the fewer images have them in any caption', () => {
    expect(rarity[DOG]).toBeCloseTo(Math.log(3));
    expect(rarity[CAT]).toBeCloseTo(Math.log(3 / 2));
    expect([...rarity].filter((value, token) => token !== DOG && token !== CAT && value !== 0)).toEqual([]);
  });

  it('weigh by rarity and by how many of its captions have them, and sum to one', () => {
    const weights = wordWeights(images, rarity);
    const [dog, cat] = [2 * rarity[DOG], rarity[CAT]];
    expect(weights[DOG]).toBeCloseTo(dog / (dog + cat));
    expect(weights[CAT]).toBeCloseTo(cat / (dog + cat));
    expect([...weights.subarray(6, 12)]).toEqual([0, 0, 0, 0, 1, 0]);
    expect([...weights.subarray(12)]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe('regions', () => {
  const RED = 3;
  const SQUARE = 4;
  const region = (x: number, y: number, side: number, tokens: number[]) => ({
    name: '',
    text: '',
    box: { x, y, width: side, height: side },
    tokens,
  });
  const inputs = (regions: TokenisedImage['regions'], mirrored = false) =>
    regionInputs([{ ...image('a'), regions }], { regions: 2, cells: 16, vocabulary: 6 }, [mirrored]);
  const cellsOf = (arrays: Arrays, row: number) =>
    [...(arrays['regions.cells'] as Float32Array).subarray(16 * row, 16 * row + 16)].flatMap((share, cell) =>
      share > 0 ? [cell] : [],
    );

  it('are the cells whose centres lie in the box, mirrored with the picture', () => {
    const top = [region(0, 0, 0.5, [RED])];
    expect(cellsOf(inputs(top), 0)).toEqual([0, 1, 4, 5]);
    expect(cellsOf(inputs(top, true), 0)).toEqual([2, 3, 6, 7]);
  });

  it('give a cell to the smallest box around it', () => {
    const arrays = inputs([region(0, 0, 1, [RED]), region(0.25, 0.25, 0.5, [SQUARE])]);
    expect(cellsOf(arrays, 1)).toEqual([5, 6, 9, 10]);
    expect(cellsOf(arrays, 0)).toEqual([0, 1, 2, 3, 4, 7, 8, 11, 12, 13, 14, 15]);
  });

  it('share out a weight of one over their cells and their words', () => {
    const { 'regions.cells': cells, 'regions.words': words } = inputs([
      region(0, 0, 0.5, [RED, SQUARE, RED]),
    ]) as Record<string, Float32Array>;
    expect(cells[0]).toBeCloseTo(1 / 4);
    expect([...words]).toEqual([0, 0, 0, 0.5, 0.5, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('count for nothing where no cell has its centre in the box, or there is no word', () => {
    const arrays = inputs([region(0.9, 0.9, 0.05, [RED]), region(0, 0, 1, [])]);
    for (const values of Object.values(arrays)) expect(values.every((value) => value === 0)).toBe(true);
  });
});

describe('an epoch', () => {
  it('has every image once, in another order than the last', () => {
    const [first, second] = [epochOrder(50, 1, 0), epochOrder(50, 1, 1)];
    expect([...first].toSorted((a, b) => a - b)).toEqual([...Array(50).keys()]);
    expect(second).not.toEqual(first);
    expect(epochOrder(50, 1, 0)).toEqual(first);
    expect(epochOrder(50, 2, 0)).not.toEqual(first);
  });

  it('mirrors half of the images, but none whose captions speak of sides', () => {
    const images = Array.from({ length: 400 }, (_, i) => image(`${i}`, [], i % 4 === 0));
    const mirrored = drawMirrored(images, random(1));
    expect(mirrored.filter((yes, i) => yes && images[i].sided)).toEqual([]);
    const share = mirrored.filter(Boolean).length / 300;
    expect(Math.abs(share - 0.5)).toBeLessThan(0.12);
  });
});

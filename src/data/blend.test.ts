import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../random.ts';
import { type Blend, blendCounts, drawCaptions, parseBlend } from './blend.ts';
import { CAPTION_KINDS, type Caption, type CaptionKind, type Sample } from './sample.ts';

const caption = (kind: CaptionKind, text: string): Caption => ({ kind, text, source: 'file' });
const sampleOf = (key: string, kinds: readonly CaptionKind[]): Sample => ({
  key,
  image: { name: key, bytes: async () => new Uint8Array() },
  captions: kinds.map((kind, i) => caption(kind, `${kind} ${i}`)),
});
const samples = (count: number, kinds: readonly CaptionKind[] = CAPTION_KINDS) =>
  Array.from({ length: count }, (_, i) => sampleOf(`shard/${i}`, kinds));

const mostly = parseBlend('descriptive:0.95,alt:0.05');
const textsOf = (all: Sample[], blend: Blend, options: Parameters<typeof drawCaptions>[2]) =>
  all.map((sample) =>
    drawCaptions(sample, blend, options)
      .captions.map(({ text }) => text)
      .join('|'),
  );

describe('parseBlend', () => {
  test('reads kinds and shares, in their order and with spaces', () => {
    expect(parseBlend(' descriptive : 0.95, alt:.05')).toEqual([
      { kind: 'descriptive', share: 0.95 },
      { kind: 'alt', share: 0.05 },
    ]);
  });

  test('takes a single kind for all of it', () => {
    expect(parseBlend('short')).toEqual([{ kind: 'short', share: 1 }]);
  });

  test('takes shares that were rounded', () => {
    expect(parseBlend('alt:0.333,human:0.333,short:0.333')).toHaveLength(3);
  });

  test.each([
    ['', 'part 1 of ""', '"" is no kind of caption'],
    ['short:1,', 'part 2 of "short:1,"', '"" is no kind of caption'],
    ['descriptiv:1', 'part 1 of "descriptiv:1"', '"descriptiv" is no kind'],
    ['short:0.5,Alt:0.5', 'part 2 of "short:0.5,Alt:0.5"', '"Alt" is no kind'],
    ['alt:0.5,alt:0.5', 'part 2 of "alt:0.5,alt:0.5"', 'alt has a share already'],
    ['short,alt:0.5', 'part 1 of "short,alt:0.5"', 'the share of short must'],
    ['alt:', 'part 1 of "alt:"', 'the share of alt must'],
    ['alt:0', 'part 1 of "alt:0"', 'not "0"'],
    ['alt:1.01', 'part 1 of "alt:1.01"', 'not "1.01"'],
    ['alt:-1', 'part 1 of "alt:-1"', 'not "-1"'],
    ['alt:0x1', 'part 1 of "alt:0x1"', 'not "0x1"'],
    ['alt:0.5:1', 'part 1 of "alt:0.5:1"', 'not "0.5:1"'],
    ['alt:0.5', '"alt:0.5"', 'the shares sum to 0.5, not to 1'],
    ['alt:0.5,short:0.502', '"alt:0.5,short:0.502"', 'the shares sum to 1.002'],
  ])('says what is wrong with "%s", and where', (text, place, message) => {
    expect(() => parseBlend(text)).toThrow(
      expect.objectContaining({ code: 'bad-blend', place, message: expect.stringContaining(message) }),
    );
  });
});

describe('drawCaptions', () => {
  test.each([1, 3])('keeps to the shares over 20,000 samples, %i at a time', (count) => {
    const blend = parseBlend('descriptive:0.6,short:0.25,human:0.1,alt:0.05');
    const counts = new Map<CaptionKind, number>();
    for (const sample of samples(20_000)) {
      for (const { kind } of drawCaptions(sample, blend, { seed: 5, count }).captions)
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    const drawn = 20_000 * count;
    expect([...counts.values()].reduce((a, b) => a + b)).toBe(drawn);
    for (const { kind, share } of blend) {
      const error = Math.sqrt((share * (1 - share)) / drawn);
      expect(Math.abs((counts.get(kind) ?? 0) / drawn - share)).toBeLessThan(4 * error);
    }
  });

  test('depends on the sample alone, not on the order or on what was drawn before', () => {
    const all = samples(500);
    const inOrder = textsOf(all, mostly, { seed: 1, epoch: 2 });
    const shuffled = random(3).shuffle(all);
    const drawn = new Map(
      textsOf(shuffled, mostly, { seed: 1, epoch: 2 }).map((text, i) => [shuffled[i].key, text]),
    );
    expect(all.map(({ key }) => drawn.get(key))).toEqual(inOrder);
    const resumed = [...textsOf(all.slice(0, 123), mostly, { seed: 1, epoch: 2 }), ...textsOf(all.slice(123), mostly, { seed: 1, epoch: 2 })]; // biome-ignore format: one line
    expect(resumed).toEqual(inOrder);
  });

  test('draws anew in another epoch, and with another seed', () => {
    const half = parseBlend('descriptive:0.5,alt:0.5');
    const all = samples(2000);
    const first = textsOf(all, half, { seed: 1 });
    expect(textsOf(all, half, { seed: 1, epoch: 0 })).toEqual(first);
    for (const options of [
      { seed: 1, epoch: 1 },
      { seed: 2, epoch: 0 },
    ]) {
      const agreeing = textsOf(all, half, options).filter((text, i) => text === first[i]).length;
      expect(Math.abs(agreeing - 1000)).toBeLessThan(4 * Math.sqrt(500)); // as two coins agree
    }
  });

  test('takes every caption of a kind as often as the others', () => {
    const counts = new Map<string, number>();
    for (const text of textsOf(samples(9000, ['human', 'human', 'human']), parseBlend('human'), { seed: 4 }))
      counts.set(text, (counts.get(text) ?? 0) + 1);
    expect(counts.size).toBe(3);
    for (const count of counts.values()) expect(Math.abs(count - 3000)).toBeLessThan(4 * Math.sqrt(2000));
  });

  test('draws again among the kinds that a sample has, by their shares, and tells which it lacks', () => {
    const blend = parseBlend('descriptive:0.5,short:0.3,alt:0.2');
    const drawn = samples(5000, ['short', 'alt']).map((sample) => drawCaptions(sample, blend, { seed: 7 }));
    expect(drawn.every(({ captions }) => captions.length === 1)).toBe(true);
    const lacking = drawn.filter(({ missing }) => missing.length > 0);
    expect(new Set(lacking.flatMap(({ missing }) => missing))).toEqual(new Set(['descriptive']));
    expect(Math.abs(lacking.length - 2500)).toBeLessThan(4 * Math.sqrt(1250));
    const short = drawn.filter(({ captions: [{ kind }] }) => kind === 'short').length;
    expect(Math.abs(short - 3000)).toBeLessThan(4 * Math.sqrt(1200));
  });

  test('gives nothing where a sample has none of the kinds, and says so', () => {
    expect(drawCaptions(sampleOf('a', ['human']), parseBlend('alt'), { seed: 1, count: 2 })).toEqual({
      captions: [],
      missing: ['alt', 'alt'],
    });
  });

  test('of several, gives each kind its share rounded down or up, and repeats none before all have come', () => {
    const kinds = fc.uniqueArray(fc.constantFrom(...CAPTION_KINDS), { minLength: 1 });
    const weights = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 4, maxLength: 4 });
    const has = fc.array(fc.constantFrom(...CAPTION_KINDS), { maxLength: 12 });
    fc.assert(
      fc.property(
        kinds,
        weights,
        has,
        fc.nat(),
        fc.integer({ min: 1, max: 9 }),
        (kinds, weights, has, seed, count) => {
          const sum = kinds.reduce((sum, _, i) => sum + weights[i], 0);
          const blend = kinds.map((kind, i) => ({ kind, share: weights[i] / sum }));
          const sample = sampleOf('a', has);
          const { captions, missing } = drawCaptions(sample, blend, { seed, count });
          const available = sample.captions.filter(({ kind }) => kinds.includes(kind));
          expect(captions).toHaveLength(available.length > 0 ? count : 0);
          for (const { kind, share } of blend) {
            const own = available.filter((caption) => caption.kind === kind);
            const given = captions.filter((caption) => caption.kind === kind);
            const first = own.length > 0 ? given.length : missing.filter((other) => other === kind).length;
            if (own.length === 0 || missing.length === 0)
              expect(Math.abs(first - share * count)).toBeLessThan(1 + 1e-9);
            expect(new Set(given).size).toBe(Math.min(given.length, own.length));
          }
        },
      ),
    );
  });
});

describe('blendCounts', () => {
  test('counts captions, kinds that were missing and samples with none', () => {
    const counts = blendCounts();
    counts.add({ captions: [caption('descriptive', 'a')], missing: [] });
    counts.add({ captions: [caption('alt', 'b')], missing: ['descriptive'] });
    counts.add({ captions: [], missing: ['alt'] });
    const report = counts.report(mostly);
    expect(report).toMatchObject({ samples: 3, captions: 2, without: 1 });
    expect(report.kinds).toMatchObject([
      { kind: 'descriptive', wanted: 0.95, count: 1, share: 0.5, missing: 1 },
      { kind: 'alt', wanted: 0.05, count: 1, share: 0.5, missing: 1 },
    ]);
  });

  test('gives the exact binomial range', () => {
    const counts = blendCounts();
    for (let i = 0; i < 20; i++) counts.add({ captions: [caption('alt', 'a')], missing: [] });
    const [half] = counts.report(parseBlend('alt:0.5,short:0.5')).kinds;
    // Of 20 fair coins, 5 or fewer show heads with probability 0.0207, 6 or fewer with 0.0577 (any table).
    expect([half.low * 20, half.high * 20]).toEqual([6, 14]);
    const [all] = counts.report(parseBlend('alt')).kinds;
    expect([all.low, all.high]).toEqual([1, 1]);
    expect(blendCounts().report(mostly).kinds[0]).toMatchObject({ share: 0, low: 0, high: 0 });
  });

  test.each([1, 2, 7])('gives a range that 19 of 20 draws lie in, of %i captions each', (count) => {
    const all = samples(200);
    let within = 0;
    for (let seed = 0; seed < 400; seed++) {
      const counts = blendCounts();
      for (const sample of all)
        counts.add(drawCaptions(sample, parseBlend('alt:0.3,human:0.7'), { seed, count }));
      const [{ share, low, high }] = counts.report(parseBlend('alt:0.3,human:0.7')).kinds;
      if (share >= low && share <= high) within++;
    }
    expect(within / 400).toBeGreaterThan(0.91);
    expect(within / 400).toBeLessThan(0.99);
  });

  test('comes to the normal range where there are many draws', () => {
    const counts = blendCounts();
    const many = { captions: [caption('alt', 'a')], missing: [] };
    for (let i = 0; i < 1_000_000; i++) counts.add(many);
    const [{ low, high }] = counts.report(parseBlend('alt:0.5,short:0.5')).kinds;
    expect(low).toBeCloseTo(0.5 - 1.96 * 0.0005, 5);
    expect(high).toBeCloseTo(0.5 + 1.96 * 0.0005, 5);
  });
});

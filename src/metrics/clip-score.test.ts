import { describe, expect, it } from 'vitest';
import { type ClipEncoder, clipScoreOf, clipScores, cosine, refClipScoreOf } from './clip-score.ts';

const vector = (...numbers: number[]) => Float32Array.from(numbers);
const image = (value: number) => ({ width: 1, height: 1, data: Uint8Array.of(value, 0, 0) });

/** Pictures lie at an angle of their first byte in degrees, texts at that of the number they hold. */
const fake: ClipEncoder = {
  id: 'fake',
  resolution: 8,
  embedImages: async (images) => images.map(({ data }) => at(data[0])),
  embedTexts: async (texts) => ({
    embeddings: texts.map((text) => at(Number(/-?\d+/.exec(text)?.[0]))),
    cut: texts.filter((text) => text.includes('long')).length,
  }),
  close: async () => {},
};
const at = (degrees: number) =>
  vector(3 * Math.cos((degrees * Math.PI) / 180), 3 * Math.sin((degrees * Math.PI) / 180));

describe('CLIPScore', () => {
  it('is 2.5 times the cosine, and never negative', () => {
    expect(cosine(vector(3, 4), vector(4, 3))).toBeCloseTo(24 / 25, 6);
    expect(clipScoreOf(vector(3, 4), vector(4, 3))).toBeCloseTo(2.5 * (24 / 25), 6);
    expect(clipScoreOf(vector(1, 0), vector(-1, 0))).toBe(0);
    expect(cosine(vector(0, 0), vector(1, 0))).toBe(0);
  });

  it('with references is the harmonic mean with the closest one', () => {
    // cos with the image 0.5: 1.25; with the references 0.8 and 0.6: 2 · 1.25 · 0.8 / 2.05.
    const caption = vector(1, 0);
    const picture = vector(0.5, Math.sqrt(0.75));
    const references = [vector(0.6, 0.8), vector(0.8, 0.6)];
    expect(refClipScoreOf(picture, caption, references)).toBeCloseTo((2 * 1.25 * 0.8) / 2.05, 6);
    expect(refClipScoreOf(picture, caption, [vector(-1, 0)])).toBe(0);
  });

  it('refuses embeddings of different models', () => {
    expect(() => cosine(vector(1), vector(1, 2))).toThrow(expect.objectContaining({ code: 'shape' }));
  });
});

describe('the scores of a set', () => {
  it('are means over the images, with the model and the number of texts cut', async () => {
    const items = [
      { image: image(60), caption: '0', references: ['0 long', '90'] },
      { image: image(0), caption: '90 long', references: ['30'] },
      { image: image(10), caption: '10', references: ['10'] },
    ];
    const report = await clipScores(fake, items, { batch: 2 });
    expect(report).toMatchObject({ model: 'fake', n: 3, cut: { captions: 1, references: 1 } });
    expect(report.metrics.CLIP_cosine).toBeCloseTo((100 * (0.5 + 0 + 1)) / 3, 4);
    expect(report.metrics.CLIPScore).toBeCloseTo((2.5 * (0.5 + 0 + 1)) / 3, 5);
    expect(report.perImage[0].RefCLIPScore).toBeCloseTo((2 * 1.25 * 1) / 2.25, 5);
    expect(report.additive.CLIPScore?.rows).toHaveLength(6);
  });

  it('leave RefCLIPScore out where an image has no references, and put the prefix before every text', async () => {
    const read: string[] = [];
    const listening: ClipEncoder = {
      ...fake,
      embedTexts: (texts) => {
        read.push(...texts);
        return fake.embedTexts(texts);
      },
    };
    const items = [
      { image: image(60), caption: '0', references: ['1'] },
      { image: image(0), caption: '2' },
    ];
    const { metrics } = await clipScores(listening, items, { prefix: 'A photo depicts ' });
    expect(Object.keys(metrics)).toEqual(['CLIP_cosine', 'CLIPScore']);
    expect(read).toEqual(['A photo depicts 0', 'A photo depicts 2', 'A photo depicts 1']);
    expect(await clipScores(fake, [])).toMatchObject({ n: 0, metrics: { CLIPScore: 0 } });
  });
});

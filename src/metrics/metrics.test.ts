import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { correlation } from '../../test/helpers/correlation.ts';
import { sharedData } from '../../test/shared.ts';
import {
  bleu,
  CAPTION_METRICS,
  cider,
  ciderD,
  compareScores,
  documentFrequencies,
  type MetricItem,
  meteor,
  rougeL,
  scoreCaptions,
  scoreIntervals,
} from './index.ts';

const words = (text: string) => text.split(' ').filter((word) => word !== '');
const item = (candidate: string, ...references: string[]): MetricItem => ({
  candidate: words(candidate),
  references: references.map(words),
});

describe('BLEU', () => {
  it('clips matches and multiplies precisions as worked out by hand', () => {
    // "the" 7 times against at most 2 in one reference: 2/7 (Papineni et al. 2002, example 2); no bigram matches.
    const { perImage } = bleu([
      item('the the the the the the the', 'the cat is on the mat', 'there is a cat on the mat'),
    ]);
    expect(perImage[0][0]).toBeCloseTo(2 / 7, 8);
    expect(perImage[0][1]).toBeCloseTo(Math.sqrt((2 / 7) * (1e-15 / 6)), 12);
  });

  it('takes the closest reference length, of two the shorter, and punishes shortness', () => {
    // 3 words; references of 2 and 4 words: 2 counts, no penalty.
    expect(bleu([item('a b c', 'a b', 'a b c d')]).corpus[0]).toBeCloseTo(1, 8);
    // 3 words against 4: exp(1 − 4/3).
    expect(bleu([item('a b c', 'a b c d')]).corpus[0]).toBeCloseTo(Math.exp(-1 / 3), 8);
  });

  it('sums statistics over the corpus instead of averaging images', () => {
    // matches 1 of 2 and 4 of 4: 5/6, where the mean would be 3/4.
    const { corpus, perImage } = bleu([item('a x', 'a b'), item('a b c d', 'a b c d')]);
    expect(corpus[0]).toBeCloseTo(5 / 6, 8);
    expect(perImage.map(([one]) => one)).toEqual([expect.closeTo(0.5, 8), expect.closeTo(1, 8)]);
  });

  it('is 0 for an empty caption and for no images', () => {
    expect(bleu([item('', 'a b')]).corpus).toEqual([0, 0, 0, 0]);
    expect(bleu([]).corpus).toEqual([0, 0, 0, 0]);
  });
});

describe('ROUGE-L', () => {
  it('combines the best precision and the best recall as worked out by hand', () => {
    // LCS with "police killed the gunman": "police the gunman" = 3; P = 3/4, R = 3/4.
    expect(rougeL([item('police kill the gunman', 'police killed the gunman')]).corpus).toBeCloseTo(0.75, 12);
    // LCS 2 with each: P = 2/4; R = max(2/2, 2/5) = 1; F = 2.44 · 0.5 / (1 + 1.44 · 0.5).
    expect(rougeL([item('a b c d', 'a b', 'c d x y z')]).corpus).toBeCloseTo(1.22 / 1.72, 12);
  });

  it('is 0 where nothing is shared or nothing is said', () => {
    expect(rougeL([item('a', 'b'), item('', 'a'), item('a', '')]).perImage).toEqual([0, 0, 0]);
  });
});

describe('CIDEr', () => {
  // Two images; every n-gram of "a b" occurs in one image only, so all idf = ln 2 and cancel.
  const other = item('z', 'z');

  it('is 10 × the mean cosine over the four orders', () => {
    // unigrams {a, b} alike: cosine 1; one bigram alike: 1; no trigrams, no 4-grams: 0.
    expect(cider([item('a b', 'a b'), other]).perImage[0]).toBeCloseTo(10 * (2 / 4), 12);
    // unigrams: a·a / (√2·√2) = 1/2, bigrams differ.
    expect(cider([item('a c', 'a b'), other]).perImage[0]).toBeCloseTo(10 * (0.5 / 4), 12);
  });

  it('weighs an n-gram by the images it does not occur in', () => {
    // "a" occurs in both images: idf 0. "b" in one: ln 2; "c" in none: ln 2. Unigram cosine: only b counts.
    const { perImage } = cider([item('a b', 'a b'), item('a c', 'a d')]);
    expect(perImage[0]).toBeCloseTo(10 * (2 / 4), 12);
    expect(perImage[1]).toBe(0);
  });

  it('clips repetition and damps length in CIDEr-D, and does neither in CIDEr', () => {
    // h = (a 2, b 1), r = (a 1, b 1). Unigrams: CIDEr-D min(2,1)·1 + 1 = 2, CIDEr 3; norms √5·√2.
    // Bigrams {aa, ab} against {ab}: 1/√2. Bigram counts 2 and 1: exp(−1/72).
    const items = [item('a a b', 'a b'), other];
    const damping = Math.exp(-1 / 72);
    expect(cider(items).perImage[0]).toBeCloseTo(10 * damping * ((2 / Math.sqrt(10) + Math.SQRT1_2) / 4), 12);
    expect(cider(items, { variant: 'CIDEr' }).perImage[0]).toBeCloseTo(
      10 * ((3 / Math.sqrt(10) + Math.SQRT1_2) / 4),
      12,
    );
  });

  it('averages over the references', () => {
    expect(cider([item('a b', 'a b', 'c d'), other]).perImage[0]).toBeCloseTo(10 * (2 / 4 / 2), 12);
  });

  it('is 0 for a single image and for empty captions', () => {
    expect(cider([item('a b c d', 'a b c d')]).corpus).toBe(0);
    expect(cider([item('', 'a b'), other]).perImage[0]).toBe(0);
  });

  it('scores caption by caption against given frequencies as it does a whole set, and does not grow', () => {
    const set = [
      item('a dog runs fast fast', 'a dog runs', 'the dog'),
      item('unseen words unseen words', 'a cat sits'),
      other,
    ];
    const frequencies = documentFrequencies(set.map(({ references }) => references));
    const scorer = ciderD(frequencies);
    const prepared = set.map(({ references }) => scorer.prepare(references));
    const once = set.map(({ candidate }, i) => scorer.score(candidate, prepared[i]));
    expect(once).toEqual(cider(set).perImage);
    expect(set.map(({ candidate }, i) => scorer.score(candidate, prepared[i]))).toEqual(once);
  });

  it('counts a repeated n-gram that no reference has as one n-gram', () => {
    // h = (a 1, x 2), r = (a 1): unigrams 1/√5; nothing else matches. Bigrams 2 against 0: exp(−4/72).
    const frequencies = documentFrequencies([[['a']], [['z']]]);
    const scorer = ciderD(frequencies);
    expect(scorer.score(['a', 'x', 'x'], scorer.prepare([['a']]))).toBeCloseTo(
      (10 / 4) * (1 / Math.sqrt(5)) * Math.exp(-4 / 72),
      12,
    );
  });
});

describe('every metric', () => {
  const caption = fc.array(fc.constantFrom(...'abcde'), { maxLength: 8 });
  const items = fc.array(
    fc.record({ candidate: caption, references: fc.array(caption, { minLength: 1, maxLength: 3 }) }),
    { minLength: 1, maxLength: 6 },
  );

  it('stays in its range and does not care for the order of images and references', () => {
    fc.assert(
      fc.property(items, (set) => {
        const turned = set.map((one) => ({ ...one, references: one.references.toReversed() })).reverse();
        const measure = (of: MetricItem[]) => [...bleu(of).corpus, rougeL(of).corpus, cider(of).corpus / 10];
        const values = measure(set);
        for (const value of values) expect(value).toBeGreaterThanOrEqual(0);
        for (const value of values) expect(value).toBeLessThanOrEqual(1 + 1e-9);
        measure(turned).forEach((value, i) => {
          expect(value).toBeCloseTo(values[i], 10);
        });
      }),
    );
  });

  it('METEOR too, but of references that are equally good the first counts', () => {
    fc.assert(
      fc.property(items, (set) => {
        const { corpus, perImage } = meteor(set);
        for (const value of [corpus, ...perImage]) expect(value).toBeGreaterThanOrEqual(0);
        for (const value of [corpus, ...perImage]) expect(value).toBeLessThanOrEqual(1 + 1e-9);
        expect(meteor(set.toReversed()).corpus).toBeCloseTo(corpus, 10);
        const turned = set.map((one) => ({ ...one, references: one.references.toReversed() }));
        expect(meteor(turned).perImage).toEqual(perImage.map((value) => expect.closeTo(value, 10)));
      }),
    );
  });

  it('names the item that has no reference', () => {
    for (const metric of [bleu, rougeL, cider, meteor]) {
      expect(() => metric([item('a', 'a'), item('a')])).toThrow(
        expect.objectContaining({ code: 'no-references', place: 'item 1' }),
      );
    }
  });
});

describe('scoreCaptions', () => {
  it('scores raw text like its tokens', async () => {
    const { metrics, n, warnings } = await scoreCaptions(
      ['A dog runs.', 'Two cats'],
      [['a dog runs!'], ['Two cats .']],
    );
    expect(n).toBe(2);
    expect(warnings).toEqual([]);
    expect(metrics.Bleu_2).toBeCloseTo(1, 6);
    expect(metrics.ROUGE_L).toBe(1);
  });

  it('says why the CIDEr of one image is 0', async () => {
    const { metrics, warnings } = await scoreCaptions(['a dog'], [['a dog']]);
    expect(metrics['CIDEr-D']).toBe(0);
    expect(warnings).toEqual([expect.stringMatching(/single image/)]);
  });

  it('warns of captions without words, and of scripts it cannot split or does not know', async () => {
    const { metrics, warnings } = await scoreCaptions(
      ['', 'two dogs run', '一只狗', 'собака бежит'],
      [['a dog'], ['two dogs run'], ['一只狗在跑'], ['собака бежит']],
    );
    expect(metrics.METEOR).toBeGreaterThan(0);
    expect(warnings).toEqual([
      expect.stringMatching(/^1 of 4 captions have no words; they score 0/),
      expect.stringMatching(/^1 of 4 images .* without spaces/),
      expect.stringMatching(/^2 of 4 images .* METEOR and SPICE know English alone/),
    ]);
    const latin = await scoreCaptions(['собака'], [['собака']], { metrics: ['ROUGE_L'] });
    expect(latin.warnings).toEqual([]);
  });

  it('computes the metrics that are asked for, and no others', async () => {
    const { metrics, perImage, notes } = await scoreCaptions(['a dog'], [['a dog']], {
      metrics: ['ROUGE_L', 'Bleu_1'],
    });
    expect(Object.keys(metrics)).toEqual(['Bleu_1', 'ROUGE_L']);
    expect(Object.keys(perImage[0])).toEqual(['Bleu_1', 'ROUGE_L']);
    expect(notes).toEqual([]);
    const { metrics: all } = await scoreCaptions(['a'], [['a']]);
    expect(Object.keys(all)).toEqual([...CAPTION_METRICS]);
  });

  it('gives every metric an interval around it, and the difference of two sets', async () => {
    const references = Array.from({ length: 40 }, (_, i) => [`dog ${i} runs on green grass`, 'a dog']);
    const one = references.map((_, i) => (i % 3 ? 'a dog runs' : `dog ${i} runs on grass`));
    const other = references.map(([whole]) => whole);
    const [first, second] = await Promise.all(
      [one, other].map((captions) => scoreCaptions(captions, references)),
    );
    const intervals = scoreIntervals(first);
    for (const name of CAPTION_METRICS) {
      expect(intervals[name][0], name).toBeLessThanOrEqual(first.metrics[name]);
      expect(intervals[name][1], name).toBeGreaterThanOrEqual(first.metrics[name]);
      expect(intervals[name][1], name).toBeGreaterThan(intervals[name][0]);
    }
    const compared = compareScores(first, second);
    expect(Object.keys(compared)).toEqual([...CAPTION_METRICS]);
    expect(compared.METEOR.difference).toBeCloseTo(second.metrics.METEOR - first.metrics.METEOR, 12);
    expect(compared.METEOR.interval[0]).toBeGreaterThan(0);
    expect(compared.METEOR.p).toBeLessThan(0.01);
  });

  it('refuses lists of different lengths', async () => {
    await expect(scoreCaptions(['a'], [])).rejects.toMatchObject({ code: 'unequal-lengths' });
  });
});

const shared = sharedData('metrics/fakecap.json');
describe.skipIf(!shared)('against the reference programs on 500 images', () => {
  interface Expected {
    corpus: Record<string, number>;
    per_image: Record<string, number>[];
  }
  const load = () => {
    const images: { candidate: string; references: string[] }[] = JSON.parse(readFileSync(shared!, 'utf8'));
    const expected: Expected = JSON.parse(readFileSync(sharedData('metrics/fakecap_expected.json')!, 'utf8'));
    return { images, expected };
  };
  const names = {
    Bleu_1: 'BLEU-1',
    Bleu_2: 'BLEU-2',
    Bleu_3: 'BLEU-3',
    Bleu_4: 'BLEU-4',
    ROUGE_L: 'ROUGE-L',
    'CIDEr-D': 'CIDEr-D',
  } as const;
  const ours = Object.keys(names) as (keyof typeof names)[];

  it('gives the same BLEU, ROUGE-L and CIDEr-D, for the corpus and for each image', async () => {
    const { images, expected } = load();
    const report = await scoreCaptions(
      images.map(({ candidate }) => candidate),
      images.map(({ references }) => references),
      { tokenize: words, metrics: ours },
    );
    for (const name of ours) {
      expect(Math.abs(report.metrics[name] - expected.corpus[names[name]]), name).toBeLessThan(1e-6);
      for (let i = 0; i < 500; i++) {
        expect(
          Math.abs(report.perImage[i][name] - expected.per_image[i][names[name]]),
          `${name} ${i}`,
        ).toBeLessThan(1e-6);
      }
    }
  });

  it('gives the corpus values within 1e-3 through its own tokeniser', async () => {
    const { images, expected } = load();
    const sentence = (text: string) => `${text[0].toUpperCase()}${text.slice(1)}.`;
    const report = await scoreCaptions(
      images.map(({ candidate }) => sentence(candidate)),
      images.map(({ references }) => references.map(sentence)),
      { metrics: ours },
    );
    for (const name of ours) {
      expect(Math.abs(report.metrics[name] - expected.corpus[names[name]]), name).toBeLessThan(1e-3);
    }
  });

  it('gives METEOR within 0.003 of its corpus values with each set of modules, and per image with a correlation above 0.98', () => {
    const { images, expected } = load();
    const items = images.map(({ candidate, references }) => item(candidate, ...references));
    const wanted = expected.corpus.METEOR as unknown as Record<string, number>;
    const modules = ['exact', 'stem', 'synonym'] as const;
    for (const count of [1, 2, 3]) {
      const chosen = modules.slice(0, count);
      const { corpus } = meteor(items, { modules: chosen });
      // With synonyms, WordNet 3.1 stands where the reference has 3.0.
      expect(Math.abs(corpus - wanted[chosen.join('+')])).toBeLessThan(count < 3 ? 1e-4 : 1e-3);
    }
    const ours = meteor(items).perImage;
    const theirs = expected.per_image.map(({ METEOR }) => METEOR);
    expect(correlation(ours, theirs)).toBeGreaterThan(0.997);
    expect(ours.filter((value, i) => Math.abs(value - theirs[i]) < 1e-4).length).toBeGreaterThan(480);
  });
});

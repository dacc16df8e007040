import { describe, expect, it } from 'vitest';
import { alignedRegions, labelMatcher, MOST_ALIGNED } from './grounding.ts';
import { countNames, groundTriplets } from './triplets.ts';

const labels = ['person', 'dog', 'bird', 'bicycle', 'motorcycle', 'sports ball', 'dining table', 'couch', 'potted plant', 'car']; // biome-ignore format: one line
const matcher = labelMatcher(labels);
const match = (noun: string) => matcher.match(noun).map((i) => labels[i]);

describe('a noun', () => {
  it.each([
    ['dogs', ['dog']],
    ['person', ['person']],
    ['sofa', ['couch']],
    ['automobile', ['car']],
    ['ball', ['sports ball']],
    ['soccer ball', ['sports ball']],
    ['bike', ['bicycle', 'motorcycle']],
  ])('%s is a label of the same meaning', (noun, wanted) => {
    expect(match(noun)).toEqual(wanted);
  });

  it.each(['man', 'women', 'girl', 'people', 'skateboarder', 'toddler'])('%s is a kind of person', (noun) => {
    expect(match(noun)).toEqual(['person']);
  });

  it('of a wider meaning is any label that is a kind of it', () => {
    expect(match('animal')).toEqual(['dog', 'bird']);
    expect(match('vehicle')).toEqual(expect.arrayContaining(['bicycle', 'motorcycle', 'car']));
  });

  it.each(['snow', 'thing', 'object', 'zzyzx', '', 'hand'])('"%s" is none of them', (noun) => {
    expect(match(noun)).toEqual([]);
  });
});

describe('regions of a noun', () => {
  it('are the surest with its labels, and no more than a few', () => {
    const regions = [0.5, 0.9, 0.2, 0.7, 0.8].map((score, i) => ({ score, label: i === 3 ? 1 : 0 }));
    expect(MOST_ALIGNED).toBe(3);
    expect(alignedRegions([0], regions)).toEqual([1, 4, 0]);
    expect(alignedRegions([1, 0], regions)).toEqual([1, 4, 3]);
    expect(alignedRegions([], regions)).toEqual([]);
  });
});

describe('a triplet', () => {
  const regions = [
    { label: 0, score: 0.9 },
    { label: 0, score: 0.8 },
    { label: 1, score: 0.7 },
  ];

  it('may speak of any pair of regions of its nouns, but of none with itself', () => {
    const ground = (subject: string, object: string) => groundTriplets([{ subject, predicate: 'near', object }], regions, matcher); // biome-ignore format: one line
    expect(ground('man', 'puppy')).toEqual([{ predicate: 'near', pairs: [[0, 2], [1, 2]] }]); // biome-ignore format: one line
    expect(ground('man', 'woman')).toEqual([{ predicate: 'near', pairs: [[0, 1], [1, 0]] }]); // biome-ignore format: one line
    expect(ground('dog', 'dog')).toEqual([]);
    expect(ground('man', 'beach')).toEqual([]);
  });
});

describe('names', () => {
  it('are counted once a picture, the commonest first', () => {
    expect(countNames([['on', 'on', 'ride'], ['on'], ['hold', 'ride']])).toEqual([
      { name: 'on', count: 2 },
      { name: 'ride', count: 2 },
      { name: 'hold', count: 1 },
    ]);
  });
});

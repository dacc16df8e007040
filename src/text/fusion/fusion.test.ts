import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { readAll } from '../../../test/helpers/collection.ts';
import { sharedData } from '../../../test/shared.ts';
import { openDataset } from '../../data/index.ts';
import {
  compareGraphs,
  loadSceneGraphParser,
  type SceneGraph,
  type SceneGraphParser,
  tuplesOf,
} from '../scene-graph/index.ts';
import { descriptiveCaption, shortCaption } from './index.ts';

let parser: SceneGraphParser;
beforeAll(async () => {
  parser = await loadSceneGraphParser();
});
const short = (...captions: string[]) => shortCaption(captions, parser);
const descriptive = (...captions: string[]) => descriptiveCaption(captions, parser);

describe('a short caption', () => {
  test('is the main subject with its attributes and what it does', () => {
    expect(short('A brown dog is running through the grass while a child watches it .')).toBe(
      'a brown dog running through the grass',
    );
  });

  test('is of the caption that agrees most with the others', () => {
    expect(
      short('Some trees stand behind a house .', 'A man rides a horse .', 'A man on a horse rides a horse .'),
    ).toMatch(/^a man/);
  });

  test('has an article where the caption left it out', () => {
    expect(short('Old woman feeding a horse')).toBe('an old woman feeding a horse');
  });

  test('says what the subject has with "with", and nothing that somebody else does', () => {
    expect(short('A large kitchen has a stove and an oven')).toBe('a large kitchen with a stove and an oven');
    expect(short('A man on a horse with some children watching .')).toBe('a man on a horse');
    expect(short('This is a brown horse eating grass .')).toBe('a brown horse eating grass');
  });

  test('of nothing is nothing', () => {
    expect(short()).toBeUndefined();
    expect(short(' . ')).toBeUndefined();
  });
});

describe('a descriptive caption', () => {
  test('adds what further captions say, the main subject first', () => {
    expect(
      descriptive(
        'A dog is running through the water .',
        'A brown dog with a red collar is running .',
        'Dog runs near a fence',
      ),
    ).toBe(
      'A brown dog with a red collar is running. The dog is running through the water. The dog runs near a fence.',
    );
  });

  test('says the same thing once', () => {
    expect(descriptive('A man rides a horse .', 'A man is riding a horse .', 'Man riding horse')).toMatch(
      /^A man [a-z ]+ horse\.$/,
    );
  });

  test('says of a thing only what its own caption says of it', () => {
    expect(
      descriptive('Two men at a table eating and laughing .', 'Some guys are sitting at a table .'),
    ).toBe('Two men at a table are eating and laughing. The men are sitting at the table.');
    expect(descriptive('A room with many decorations hanging')).toBe(
      'There is a room with many decorations hanging.',
    );
  });

  test('leaves out a caption whose verb would be taken for a noun', () => {
    const text = descriptive('A red bus is parked near a shop .', 'A bus stops to pick up some people .');
    expect(text).toBe('A red bus is parked near a shop.');
  });

  test('leaves out what was said for the most part', () => {
    const text = descriptive(
      'A man in a white shirt and tie is holding up a hand .',
      'A man in a shirt and tie motioning with a hand .',
    );
    expect(text).toBe('A man in a white shirt and tie is holding up a hand.');
  });

  test('gives an adjective to no other of the same name', () => {
    const text = descriptive(
      'A baby zebra is drinking milk from its mother .',
      'A baby zebra drinking from an adult zebra .',
    );
    expect(text).toBe('A baby zebra is drinking milk from its mother.');
  });

  test('knows a participle from the past', () => {
    expect(descriptive('A bike locked to a pole')).toBe('A bike is locked to a pole.');
    expect(descriptive('A man walked to a pole')).toBe('A man walked to a pole.');
    expect(descriptive('A table with plates set up')).toBe('There is a table with plates set up.');
  });

  test('gives a caption without a verb one, and closes with a full stop', () => {
    expect(descriptive('two boys with a ball playing in the park .')).toBe(
      'Two boys with a ball are playing in the park.',
    );
    expect(descriptive('A street with parked cars')).toBe('There is a street with parked cars.');
  });

  test('settles colours and numbers by majority', () => {
    const colours = descriptive(
      'A red car is parked .',
      'A blue car is parked .',
      'A blue car on a street .',
    );
    expect(colours).toContain('blue');
    expect(colours).not.toContain('red');
    const numbers = descriptive(
      'Two girls play on a beach .',
      'Three girls play on a beach .',
      'Two girls run along the beach .',
    );
    expect(numbers).toMatch(/^Two girls/);
    expect(numbers).not.toMatch(/three/i);
  });

  test('calls a person by what most say', () => {
    expect(
      descriptive('A person is riding a bike on a road .', 'A woman rides a bike .', 'A woman on a bike .'),
    ).toMatch(/^A woman/);
  });

  test('of captions that nobody can read is the first that has words', () => {
    expect(descriptive('', 'wow')).toBe('Wow.');
    expect(descriptive('', ' . ')).toBeUndefined();
  });

  test('is the same each time, ends in a full stop and never fails', () => {
    const captions = fc.array(
      fc.oneof(fc.string({ unit: 'grapheme', maxLength: 80 }), fc.lorem({ maxCount: 30 })),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(captions, (texts) => {
        const text = descriptive(...texts);
        expect(text).toBe(descriptive(...texts));
        if (text !== undefined) expect(text).toMatch(/\.$/);
        expect(short(...texts)).not.toBe('');
      }),
      { numRuns: 60 },
    );
  });
});

const shard = sharedData('flickr8k/dev-00000.tar');
test.skipIf(!shard)('60 photographs: what is said was said, most of it, and little twice', async () => {
  const { captions } = await readAll((options) => openDataset(shard!, options));
  let [said, found, theirs, hit, words] = [0, 0, 0, 0, 0];
  for (const texts of Object.values(captions).slice(0, 60)) {
    const text = descriptiveCaption(texts, parser)!;
    const all = together(texts.map(parser.parse));
    const { matched, missing, extra } = compareGraphs(all, parser.parse(text));
    said += matched.length + extra.length;
    found += matched.length + extra.filter((tuple) => tuplesOf(all).some((other) => other.join() === tuple.join())).length; // biome-ignore format: one line
    theirs += matched.length + missing.length;
    hit += matched.length;
    words += text.split(' ').length / 60;
    const sentences = text.split('. ');
    expect(new Set(sentences).size).toBe(sentences.length);
  }
  expect(found / said).toBeGreaterThan(0.85);
  expect(hit / theirs).toBeGreaterThan(0.5);
  expect(words).toBeGreaterThan(25);
  expect(words).toBeLessThan(60);
});

/** All graphs as one, nothing merged. */
const together = (graphs: readonly SceneGraph[]): SceneGraph => {
  const named = graphs.map((graph, i) => JSON.parse(JSON.stringify(graph), (key, value) => (/^(?:id|object|subject)$/.test(key) ? `${i} ${value}` : value)) as SceneGraph); // biome-ignore format: one line
  return {
    objects: named.flatMap(({ objects }) => objects),
    attributes: named.flatMap(({ attributes }) => attributes),
    relations: named.flatMap(({ relations }) => relations),
  };
};

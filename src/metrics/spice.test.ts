import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { correlation } from '../../test/helpers/correlation.ts';
import { sharedData } from '../../test/shared.ts';
import { loadSceneGraphParser, type SceneGraph, type SceneGraphParser } from '../text/scene-graph/index.ts';
import { spice } from './spice.ts';

/** Graphs written by hand, under the texts that they stand for. */
const parserOf = (graphs: Record<string, SceneGraph>): SceneGraphParser => ({
  parse: (text) => graphs[text],
});

const item = (candidateText: string, ...referenceTexts: string[]) => ({
  candidateText,
  referenceTexts,
});

const graph = (
  objects: SceneGraph['objects'],
  attributes: SceneGraph['attributes'] = [],
  relations: SceneGraph['relations'] = [],
): SceneGraph => ({ objects, attributes, relations });
const object = (name: string, count?: number) => ({ id: name, name, ...(count !== undefined && { count }) });

describe('spice', () => {
  const parser = parserOf({
    nothing: graph([]),
    'a red car': graph([object('car')], [{ object: 'car', attribute: 'red' }]),
    'an automobile on a street': graph(
      [object('automobile'), object('street')],
      [],
      [{ subject: 'automobile', predicate: 'on', object: 'street' }],
    ),
    'two dogs': graph([object('dogs', 2)]),
    'a dog': graph([object('dog')]),
    'a tennis racket': graph([object('tennis racket')]),
    'a racket': graph([object('racket')]),
  });

  it('is the F1 of tuples, where synonyms are one', () => {
    // (car) is (automobile); (car, red), (street) and (automobile, on, street) have no counterpart.
    const { corpus, categories } = spice([item('a red car', 'an automobile on a street')], parser);
    expect(corpus).toBeCloseTo((2 * 1) / (2 + 3), 12);
    expect(categories).toMatchObject({ Object: (2 * 1) / (1 + 2), Attribute: 0, Color: 0, Relation: 0 });
    expect(categories).not.toHaveProperty('Size');
  });

  it('takes what all references say together, each thing once', () => {
    const { corpus } = spice([item('a red car', 'an automobile on a street', 'a red car')], parser);
    expect(corpus).toBeCloseTo((2 * 2) / (2 + 4), 12);
  });

  it('knows a plural by its base form, and counts the number as something said', () => {
    const { corpus, categories } = spice([item('two dogs', 'a dog')], parser);
    expect(corpus).toBeCloseTo((2 * 1) / (2 + 1), 12);
    expect(categories).toMatchObject({ Object: 1, Cardinality: 0 });
  });

  it('reads a compound as its head, which the other words describe', () => {
    const { corpus } = spice([item('a tennis racket', 'a racket')], parser);
    expect(corpus).toBeCloseTo((2 * 1) / (2 + 1), 12);
  });

  it('gives 0 to a caption that says nothing, and means the images', () => {
    const { corpus, perImage } = spice([item('nothing', 'a dog'), item('a dog', 'a dog')], parser);
    expect(perImage).toEqual([0, 1]);
    expect(corpus).toBe(0.5);
  });

  it('asks for references', () => {
    expect(() => spice([item('a dog')], parser)).toThrow(expect.objectContaining({ code: 'no-references' }));
  });
});

const shared = sharedData('metrics/fakecap.json');
describe.skipIf(!shared)('spice against the published values of 500 images', () => {
  it('agrees per image with a correlation above 0.8, and for the corpus within 0.02', async () => {
    const images: { candidate: string; references: string[] }[] = JSON.parse(readFileSync(shared!, 'utf8'));
    const expected: { per_image: { SPICE: { All: number } }[]; corpus: { SPICE: number } } = JSON.parse(
      readFileSync(sharedData('metrics/fakecap_expected.json')!, 'utf8'),
    );
    const items = images.map(({ candidate, references }) => item(candidate, ...references));
    const { corpus, perImage } = spice(items, await loadSceneGraphParser());
    const theirs = expected.per_image.map(({ SPICE }) => SPICE.All);
    expect(correlation(perImage, theirs)).toBeGreaterThan(0.8);
    expect(Math.abs(corpus - expected.corpus.SPICE)).toBeLessThan(0.02);
  });
});

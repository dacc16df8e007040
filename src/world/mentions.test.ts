import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { random } from '../random.ts';
import { captionScene } from './captions.ts';
import { namesAllObjects, readMentions, readRelations } from './mentions.ts';
import { sampleScene } from './sample-scene.ts';
import type { Scene, SceneObject } from './scene.ts';

const object = (color: SceneObject['color'], shape: SceneObject['shape']): SceneObject => ({
  shape,
  color,
  size: 'small',
  texture: 'solid',
  x: 0.5,
  y: 0.5,
  extent: 0.28,
});
const scene = (...objects: SceneObject[]): Scene => ({ background: { color: 'white' }, objects });
const names = (text: string) => readMentions(text).map(({ start, end, ...said }) => said);

describe('readMentions', () => {
  it('reads number, size, texture, colour and shape', () => {
    expect(names('Three tiny, striped red circles and the big blue square with dots.')).toEqual([
      { count: 3, size: 'small', texture: 'striped', color: 'red', shape: 'circle', definite: false },
      { count: 1, size: 'large', texture: 'dotted', color: 'blue', shape: 'square', definite: true },
    ]);
  });

  it('keeps a background out of the next object', () => {
    expect(names('the background is light blue, red circle')).toEqual([
      { count: 1, color: 'red', shape: 'circle', definite: false },
    ]);
    expect(names('a plain white background')).toEqual([]);
  });

  it('passes over quoted letters and unknown words', () => {
    expect(names('at the top it says "A B" in red. une étoile 星')).toEqual([]);
  });
});

describe('readRelations', () => {
  it('reads a prompt', () => {
    const [said, ...rest] = readRelations('three small red circles left of a blue square, white background');
    expect(rest).toEqual([]);
    expect(said.subject).toMatchObject({ count: 3, color: 'red', shape: 'circle' });
    expect(said.relation).toBe('left of');
    expect(said.object).toMatchObject({ count: 1, color: 'blue', shape: 'square' });
  });

  it('reads sentences with a verb, and none where two objects are only listed', () => {
    expect(readRelations('The red star sits behind the green moon.')[0].relation).toBe('behind');
    expect(readRelations('a red star is on the left, a green moon is on the right')).toEqual([]);
  });
});

describe('namesAllObjects', () => {
  const two = scene(object('red', 'circle'), object('red', 'circle'));
  const pair = scene(object('red', 'circle'), object('blue', 'star'));

  it('respects counts', () => {
    expect(namesAllObjects(two, 'two red circles on a white background')).toBe(true);
    expect(namesAllObjects(two, 'a red circle at the top and another red circle below')).toBe(true);
    expect(namesAllObjects(two, 'the two red circles')).toBe(true);
    expect(namesAllObjects(two, 'a red circle')).toBe(false);
    expect(namesAllObjects(two, 'three red circles')).toBe(false);
    expect(namesAllObjects(two, 'red circles')).toBe(false);
  });

  it('does not count again what is spoken of with "the"', () => {
    expect(
      namesAllObjects(pair, 'A red circle and a blue star. The red circle is left of the blue star.'),
    ).toBe(true);
  });

  it('wants colour and shape of each, and no object that is not there', () => {
    expect(namesAllObjects(pair, 'a red circle')).toBe(false);
    expect(namesAllObjects(pair, 'a red star and a blue circle')).toBe(false);
    expect(namesAllObjects(pair, 'a circle and a star, red and blue')).toBe(false);
    expect(namesAllObjects(pair, 'a red circle, a blue star and a green moon')).toBe(false);
    expect(namesAllObjects(pair, '')).toBe(false);
  });

  it('accepts descriptive captions of the same scene only', () => {
    const key = ({ objects }: Scene) =>
      objects
        .map(({ color, shape }) => `${color} ${shape}`)
        .sort()
        .join();
    fc.assert(
      fc.property(fc.nat(50_000), fc.nat(50_000), (i, j) => {
        const [a, b] = [sampleScene(21, i), sampleScene(21, j, { maxObjects: 1 + (j % 4) })];
        const caption = captionScene(b, 'descriptive', random(j));
        expect(namesAllObjects(a, caption)).toBe(key(a) === key(b));
      }),
      { numRuns: 400 },
    );
  });

  it('rejects a true caption once one colour, shape or number in it is changed', () => {
    for (let i = 0; i < 200; i++) {
      const drawn = sampleScene(22, i);
      const caption = captionScene(drawn, 'descriptive', random(i)).toLowerCase();
      const { color, shape } = drawn.objects[0];
      const other = color === 'green' ? 'purple' : 'green';
      const recolored = caption.replace(new RegExp(`${color} ${shape}`), `${other} ${shape}`);
      expect(recolored).not.toBe(caption);
      expect(namesAllObjects(drawn, recolored), recolored).toBe(false);
    }
  });

  it('takes any text at all', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(namesAllObjects(pair, text)).toBe(false);
      }),
    );
  });
});

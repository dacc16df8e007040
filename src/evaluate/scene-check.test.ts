import { describe, expect, test } from 'vitest';
import { random } from '../random.ts';
import { captionScene, readClaims, type Scene, type SceneObject, sampleScene } from '../world/index.ts';
import { checkScene, type Skill } from './scene-check.ts';

const object = (given: Partial<SceneObject>): SceneObject => ({
  shape: 'circle',
  color: 'red',
  size: 'small',
  texture: 'solid',
  x: 0.2,
  y: 0.2,
  extent: 0.29,
  ...given,
});
const circle = object({});
const square = object({ shape: 'square', color: 'blue', size: 'large', x: 0.7, extent: 0.44 });
const scene = (objects: SceneObject[], rest: Partial<Scene> = {}): Scene => ({
  background: { color: 'white' },
  objects,
  ...rest,
});

/** The skills that were asked for, and how many of each were met. */
const judged = (caption: string, shown: Scene): Record<string, unknown> => {
  const { tally, met } = checkScene(readClaims(caption), shown);
  const asked = (Object.keys(tally) as Skill[]).filter((skill) => tally[skill].asked > 0);
  return {
    met,
    ...Object.fromEntries(asked.map((skill) => [skill, `${tally[skill].met}/${tally[skill].asked}`])),
  };
};

const PROMPT =
  'a small red circle is left of a large blue square. the red circle is at the top left. the background is white.';

test('a picture that shows all of it meets the prompt', () => {
  expect(judged(PROMPT, scene([circle, square]))).toEqual({
    met: true,
    object: '2/2',
    shape: '2/2',
    colour: '2/2',
    size: '2/2',
    count: '2/2',
    place: '1/1',
    relation: '1/1',
    background: '1/1',
  });
});

describe('what is wrong is told by its skill:', () => {
  test.each([
    [
      'another colour',
      scene([{ ...circle, color: 'green' }, square]),
      { object: '1/2', colour: '1/2', shape: '2/2', count: '1/2' },
    ],
    [
      'another shape',
      scene([{ ...circle, shape: 'star' }, square]),
      { object: '1/2', shape: '1/2', colour: '2/2' },
    ],
    [
      'another size',
      scene([{ ...circle, size: 'large' }, square]),
      { object: '1/2', size: '1/2', count: '2/2' },
    ],
    ['another place', scene([{ ...circle, y: 0.8 }, square]), { object: '2/2', place: '0/1' }],
    [
      'the other way round',
      scene([
        { ...circle, x: 0.8 },
        { ...square, x: 0.3 },
      ]),
      { relation: '0/1' },
    ],
    [
      'another background',
      scene([circle, square], { background: { color: 'gray' } }),
      { background: '0/1', object: '2/2' },
    ],
    ['one too many', scene([circle, { ...circle, y: 0.8 }, square]), { count: '1/2', object: '2/2' }],
    ['one missing', scene([square]), { object: '1/2', count: '1/2', relation: '0/1', place: '0/1' }],
    ['nothing at all', scene([]), { object: '0/2', colour: '0/2', count: '0/2' }],
  ])('%s', (_, shown, expected) => {
    expect(judged(PROMPT, shown)).toMatchObject({ met: false, ...expected });
  });
});

test('what was not asked for is not held against the picture', () => {
  expect(judged('a red circle', scene([circle, square])).met).toBe(true);
});

test('of objects that are alike, each counts once', () => {
  const three = [0.2, 0.5, 0.8].map((x) => object({ x }));
  expect(judged('three red circles', scene(three))).toMatchObject({ met: true, object: '3/3', count: '1/1' });
  expect(judged('three red circles', scene(three.slice(1)))).toMatchObject({ object: '2/3', count: '0/1' });
  expect(judged('red circles', scene(three)).met).toBe(true);
  expect(
    judged(
      'two red circles, one at the top left and one on the right',
      scene([object({}), object({ x: 0.8, y: 0.5 })]),
    ).met,
  ).toBe(true);
});

test('in front of needs the right one on top', () => {
  const [under, over] = [object({ x: 0.5, y: 0.5, extent: 0.44 }), { ...square, x: 0.65, y: 0.5 }];
  const says = 'a blue square is in front of a red circle';
  expect(judged(says, scene([under, over])).relation).toBe('1/1');
  expect(judged(says, scene([over, under])).relation).toBe('0/1');
  expect(judged('a red circle is behind a blue square', scene([under, over])).relation).toBe('1/1');
});

test('letters count with their colour and place', () => {
  const letters = { text: 'AB', color: 'red', place: 'top', x: 0.5, y: 0.15 } as const;
  expect(judged('at the top it says "A B" in red', scene([circle], { letters })).letters).toBe('1/1');
  for (const wrong of [
    'at the top it says "A C" in red',
    'at the bottom it says "A B" in red',
    'at the top it says "A B" in blue',
  ])
    expect(judged(wrong, scene([circle], { letters })).letters).toBe('0/1');
});

test('a caption is met by its own scene, and hardly ever by another', () => {
  let crossed = 0;
  for (let index = 0; index < 300; index++) {
    const claims = readClaims(captionScene(sampleScene(8, index), 'descriptive', random(8, index)));
    expect(checkScene(claims, sampleScene(8, index)).met).toBe(true);
    crossed += Number(checkScene(claims, sampleScene(9, index)).met);
  }
  expect(crossed).toBeLessThan(3);
});

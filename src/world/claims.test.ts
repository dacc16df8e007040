import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkScene } from '../evaluate/scene-check.ts';
import { random } from '../random.ts';
import { captionScene } from './captions.ts';
import { readClaims } from './claims.ts';
import { sampleScene } from './sample-scene.ts';
import { groupsOf } from './scene.ts';

describe('what a caption claims', () => {
  test('is read in full', () => {
    const caption =
      'There are two tiny green squares with stripes and a big dotted yellow heart. The green squares are spread out, one on the left side and one on the right side. ' +
      'The yellow heart appears above the green squares. At the top it says "A B" in red. The background is light blue.';
    expect(readClaims(caption)).toEqual({
      groups: [
        {
          shape: 'square',
          color: 'green',
          size: 'small',
          texture: 'striped',
          count: 2,
          places: [
            { zone: 'middle left', count: 1 },
            { zone: 'middle right', count: 1 },
          ],
        },
        { shape: 'heart', color: 'yellow', size: 'large', texture: 'dotted', count: 1, places: [] },
      ],
      relations: [{ subject: 1, relation: 'above', object: 0 }],
      background: { color: 'light blue' },
      letters: { text: 'AB', color: 'red', place: 'top' },
    });
  });

  test('leaves open what it does not say', () => {
    expect(readClaims('circles')).toEqual({
      groups: [{ shape: 'circle', count: 'several', places: [] }],
      relations: [],
    });
    expect(readClaims('three small red circles left of a blue square, white background')).toMatchObject({
      groups: [{ count: 3 }, { shape: 'square' }],
      relations: [{ subject: 0, relation: 'left of', object: 1 }],
      background: { color: 'white' },
    });
  });

  test('knows a background that fades', () => {
    const fades = { color: 'gray', fadesTo: 'cream' };
    expect(readClaims('a star on a background that fades from gray to cream').background).toEqual(fades);
    expect(readClaims('the background is gray at the top and cream at the bottom').background).toEqual(fades);
  });

  test('is nothing where it says nothing of the world', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { groups, relations } = readClaims(`${text.replace(/[a-z]/gi, '')} 🦊 une étoile`);
        expect([groups, relations]).toEqual([[], []]);
      }),
    );
  });
});

test('every descriptive caption claims all that is in its scene, and nothing else', () => {
  for (let index = 0; index < 400; index++) {
    const scene = sampleScene(7, index);
    const claims = readClaims(captionScene(scene, 'descriptive', random(7, index)));
    expect(checkScene(claims, scene)).toMatchObject({ met: true });
    expect(claims.groups).toHaveLength(groupsOf(scene).length);
    expect(claims.background).toEqual(scene.background);
    expect(claims.letters?.text).toBe(scene.letters?.text);
  }
});

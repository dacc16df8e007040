import { describe, expect, it } from 'vitest';
import { worldDataset } from '../world/index.ts';
import { regionsOf } from './regions.ts';

const box = { x: 0, y: 0.5, width: 0.25, height: 0.5 };

describe('regions of a sample', () => {
  it('are the objects of the world with their looks and boxes', async () => {
    for await (const { meta } of worldDataset({ count: 5, size: 32, seed: 1 })) {
      const { objects } = meta!.graph as { objects: { name: string; attributes: string[]; box: object }[] };
      expect(regionsOf(meta)).toEqual(
        objects.map(({ name, attributes, box }) => ({ name, text: [...attributes, name].join(' '), box })),
      );
    }
  });

  it('are none where the metadata is something else', () => {
    for (const meta of [undefined, null, 7, 'graph', {}, { graph: null }, { graph: { objects: 'many' } }])
      expect(regionsOf(meta)).toEqual([]);
  });

  it('leave out objects without a name or with a box outside of the picture', () => {
    const objects = [
      { name: 'dog', box },
      { name: '', box },
      { name: 'cat', box: { ...box, x: 2 } },
      { name: 'owl' },
      null,
    ];
    expect(regionsOf({ graph: { objects } })).toEqual([{ name: 'dog', text: 'dog', box }]);
  });
});

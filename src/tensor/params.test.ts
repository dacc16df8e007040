import { describe, expect, it } from 'vitest';
import { countParameters, initialise, normal, ones, type Params, params, uniform, zeros } from './index.ts';

const moments = (values: Float32Array) => {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, std: Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length) };
};

describe('a tree of parameters', () => {
  it('names a parameter by the path at which it was asked for', () => {
    const tree = params();
    const at = tree.at('blocks').at(3).at('mlp.in');
    at.get('weight', [2, 3], zeros);
    expect(at.path).toBe('blocks.3.mlp.in');
    expect([...tree.all.keys()]).toEqual(['blocks.3.mlp.in.weight']);
    expect(at.all).toBe(tree.all);
  });

  it('shares weights: the same path gives the same tensor', () => {
    const tree = params();
    const first = tree.at('a').get('w', [2], ones);
    expect(tree.get('a.w', [2], zeros)).toBe(first);
    expect(tree.all.size).toBe(1);
    expect(tree.all.get('a.w')!.init).toEqual(ones);
  });

  it('refuses a path that is declared with two shapes, naming both and the path', () => {
    const tree = params();
    tree.get('w', [2, 3], zeros);
    expect(() => tree.get('w', [3, 2], zeros)).toThrow(
      expect.objectContaining({ code: 'shape', place: 'w', message: 'declared as [2,3] and as [3,2]' }),
    );
  });

  it('counts its values', () => {
    const tree = params();
    tree.get('matrix', [4, 5], zeros);
    tree.get('scalar', [], zeros);
    expect(countParameters(tree.all)).toBe(21);
  });
});

describe('starting values', () => {
  const declare = (...names: string[]): Params => {
    const tree = params();
    for (const name of names) tree.get(name, [10_000], normal(0.02));
    return tree;
  };

  it('have the distribution they were declared with', () => {
    const tree = params();
    tree.get('zeros', [3], zeros);
    tree.get('ones', [3], ones);
    tree.get('constant', [2], { kind: 'constant', value: 2.5 });
    tree.get('normal', [10_001], normal(0.5));
    tree.get('uniform', [10_000], uniform(0.3));
    const weights = initialise(tree.all, 1);
    expect([...weights.get('zeros')!, ...weights.get('ones')!]).toEqual([0, 0, 0, 1, 1, 1]);
    expect([...weights.get('constant')!]).toEqual([2.5, 2.5]);
    const gauss = moments(weights.get('normal')!);
    expect(gauss.mean).toBeCloseTo(0, 1);
    expect(gauss.std).toBeCloseTo(0.5, 1.5);
    const flat = weights.get('uniform')!;
    expect(moments(flat).std).toBeCloseTo(0.3 / Math.sqrt(3), 2);
    expect(Math.max(...flat)).toBeLessThanOrEqual(0.3);
    expect(Math.min(...flat)).toBeGreaterThanOrEqual(-0.3);
    expect(Math.min(...flat)).toBeLessThan(-0.29);
  });

  it('depend on the seed and the path alone, not on what else is declared', () => {
    const alone = initialise(declare('b').all, 7).get('b');
    expect(initialise(declare('a', 'b', 'c').all, 7).get('b')).toEqual(alone);
    expect(initialise(declare('b').all, 8).get('b')).not.toEqual(alone);
    const both = initialise(declare('b', 'c').all, 7);
    expect(both.get('c')).not.toEqual(both.get('b'));
  });
});

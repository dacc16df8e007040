import { readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { floorOf, violations } from './layers.ts';

const at = (...parts: string[]) => parts.join(sep);

describe('floorOf', () => {
  it('is that of the folder directly below src', () => {
    expect(floorOf(at('tensor', 'ops', 'conv.ts'))).toBe(1);
    expect(floorOf(at('captioners', 'load.ts'))).toBe(4);
    expect(floorOf(at('cli', 'main.ts'))).toBe(6);
  });
  it('is the ground for what everybody may use, and the roof for the public index alone', () => {
    expect(floorOf('errors.ts')).toBe(0);
    expect(floorOf('index.ts')).toBe(7);
    expect(floorOf(at('data', 'index.ts'))).toBe(2);
  });
  it('knows every folder that there is', () => {
    const folders = readdirSync(join(import.meta.dirname, '../src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    expect(folders.filter((name) => floorOf(at(name, 'x.ts')) === undefined)).toEqual([]);
  });
});

describe('violations', () => {
  const file = at('models', 'captioner.ts');

  it('lets a file import from its own floor and from below', () => {
    const source = `
      import { encode } from './vision/encoder.ts';
      import { linear } from '../nn/layers.ts';
      import { reason } from '../errors.ts';
      import { z } from 'zod';`;
    expect(violations(file, source)).toEqual([]);
  });

  it.each([
    ["import { load } from '../captioners/load.ts';"],
    ["import type { Captioner } from '../captioners/load.ts';"],
    ["import {\n  a,\n  b,\n} from '../captioners/load.ts';"],
    ['import "../captioners/load.ts";'],
    ["export * from '../captioners/load.ts';"],
    ["const { load } = await import('../captioners/load.ts');"],
  ])('finds %j', (source) => {
    expect(violations(file, source)).toEqual([
      `src/${file} (floor 3) imports src/${at('captioners', 'load.ts')} (floor 4)`,
    ]);
  });

  it('finds each of several, and the public index as a target', () => {
    const source = "import '../cli/main.ts';\nimport '../data/open.ts';\nexport * from '../index.ts';";
    expect(violations(file, source).map((line) => line.slice(-9))).toEqual(['(floor 6)', '(floor 7)']);
    expect(violations('errors.ts', "import { random } from './tensor/index.ts';")).toHaveLength(1);
  });

  it('asks for a floor for a folder that nobody declared', () => {
    expect(violations(at('attic', 'box.ts'), '')).toEqual([
      `src/${at('attic', 'box.ts')}: its folder is on no floor; declare it in scripts/layers.ts`,
    ]);
  });

  it('lets tests import anything', () => {
    expect(violations(at('models', 'captioner.test.ts'), "import '../cli/main.ts';")).toEqual([]);
  });
});

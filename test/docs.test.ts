/** What the pages promise is what the program does. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { graphFileSchema } from '../src/captioners/graph/train.ts';
import { relationConfigFileSchema } from '../src/captioners/relations/train.ts';
import { recipeSchema } from '../src/captioners/server/recipe.ts';
import { FIELDS } from '../src/data/catalog/index.ts';
import { TRAINERS } from '../src/data/trainers/index.ts';
import { generatorConfigSchema } from '../src/generators/config.ts';
import { captionerConfigSchema, trainingConfigSchema } from '../src/models/captioner-config.ts';
import { descriptionSchema } from '../src/models/vision/description.ts';
import { RULE_NAMES } from '../src/text/hygiene/index.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** Keys and defaults of a schema, as paths; the branches of a union one after the other, each with its own. */
function keysOf(schema: object, path: string): [key: string, fallback: string | undefined][] {
  const { properties, required = [] } = schema as {
    properties: Record<
      string,
      {
        default?: unknown;
        type?: string;
        anyOf?: object[];
        oneOf?: object[];
        items?: { properties?: object };
      }
    >;
    required?: string[];
  };
  return Object.entries(properties).flatMap(([name, property]) => {
    const key = `${path}${name}`;
    const branches = property.oneOf ?? property.anyOf;
    if (branches?.some((branch) => 'properties' in branch))
      return branches.flatMap((branch) => keysOf(branch, `${key}.`));
    if (property.type === 'object') return keysOf(property, `${key}.`);
    const own: [string, string | undefined] = [key, undefined];
    if (property.items?.properties) return [own, ...keysOf(property.items, `${key}.`)];
    const optional = !required.includes(name);
    return [[key, optional && property.default !== undefined ? JSON.stringify(property.default) : undefined]];
  });
}
const input = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });

describe('docs/training.md', () => {
  const rows = [
    ...read('docs/training.md').matchAll(
      /^\| `((?:model|training)\.[\w.]+)`\s*\|[^|]*\|\s*(?:`([^`]*)`|none|below)\s*\|/gm,
    ),
  ].map(([, key, fallback]) => `${key} ${fallback}`);
  const keys = [
    ...keysOf(input(captionerConfigSchema), 'model.'),
    ...keysOf(input(trainingConfigSchema), 'training.'),
  ];
  // Nobody writes the groups of frozen encoders by hand; and a kind of vision is its own default.
  const expected = keys
    .filter(([key]) => !key.startsWith('model.vision.groups') && key !== 'model.vision.kind')
    .map(([key, fallback]) => `${key} ${fallback}`);

  test('has a row for every key of a configuration, with its default', () => {
    expect(expected.length).toBeGreaterThan(25);
    expect(expected.filter((row) => !rows.includes(row))).toEqual([]);
  });

  test('has no row for a key that does not exist', () => {
    expect(rows.filter((row) => !expected.includes(row))).toEqual(['model.vision.kind "patches"']);
  });
});

test('docs/generating.md has a row for every key of a configuration, with its default, and no other', () => {
  const rows = [...read('docs/generating.md').matchAll(/^\| `((?:model|training|draw)\.[\w.]+)` \|[^|]*\| (?:`([^`]*)`|none) \|/gm)].map(([, key, fallback]) => `${key} ${fallback}`); // biome-ignore format: one line
  const { properties } = input(generatorConfigSchema) as { properties: Record<string, object> };
  const keys = Object.entries(properties).flatMap(([name, part]) => keysOf(part, `${name}.`));
  expect(keys.length).toBeGreaterThan(30);
  expect(rows.sort()).toEqual(keys.map(([key, fallback]) => `${key} ${fallback}`).sort());
});

test.each([
  ['docs/relations.md', relationConfigFileSchema, 15],
  ['docs/graph-captioner.md', graphFileSchema, 30],
])('%s has a row for every key of a configuration, with its default, and no other', (page, schema, least) => {
  const rows = [...read(page).matchAll(/^\| `((?:model|training)\.[\w.]+)` \|[^|]*\| (?:`([^`]*)`|none) \|/gm)].map(([, key, fallback]) => `${key} ${fallback}`); // biome-ignore format: one line
  const { properties } = input(schema) as { properties: Record<string, object> };
  const keys = Object.entries(properties).flatMap(([name, part]) => keysOf(part, `${name}.`));
  expect(keys.length).toBeGreaterThanOrEqual(least);
  expect(rows.sort()).toEqual(keys.map(([key, fallback]) => `${key} ${fallback}`).sort());
});

test('docs/recipes.md has a row for every key of a recipe, with its default, and no other', () => {
  const rows = [...read('docs/recipes.md').matchAll(/^\| `([\w.]+)` \|[^|]*\|[^|]*\|[^|]*\|$/gm)].map(([row, key]) => `${key} ${/\| `([^`]*)` \|[^|]*\|$/.exec(row)?.[1]}`); // biome-ignore format: one line
  expect(rows.sort()).toEqual(keysOf(input(recipeSchema), '').map(([key, fallback]) => `${key} ${fallback}`).sort());
}); // biome-ignore format: one line

test('docs/vision-encoders.md explains every key of a description', () => {
  const text = read('docs/vision-encoders.md');
  const { properties } = input(descriptionSchema) as {
    properties: Record<string, { items?: { oneOf: object[] } }>;
  };
  const { outputs, ...rest } = properties;
  const keys = keysOf({ properties: rest }, '').map(([key]) => key);
  const ofOutputs = outputs.items!.oneOf.flatMap((branch) => keysOf(branch, '')).map(([key]) => key);
  expect(ofOutputs).toContain('overlap');
  // The parts of a level are explained in its row.
  const ownRows = ofOutputs.filter((key) => key !== 'kind' && !key.startsWith('levels.'));
  for (const key of [...keys, ...ownRows])
    expect(text).toMatch(new RegExp(`^\\| \`${key.replace('.', '\\.')}\`\\s*\\|`, 'm'));
  for (const file of readdirSync(join(ROOT, 'assets/vision')))
    expect(text).toContain(file.replace(/\.json$/, '.onnx'));
});

const PAGES = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`)]; // biome-ignore format: one line
test.each(PAGES.filter((name) => name.endsWith('.md')))('every link of %s leads somewhere', (page) => {
  const links = [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target);
  const files = links.filter((target) => !/^[a-z]+:/.test(target));
  expect(files.filter((target) => !existsSync(join(ROOT, dirname(page), target)))).toEqual([]);
});

test('hints that name a page name one that exists', () => {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  const named = sources
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => [...read(join('src', path)).matchAll(/docs\/[\w-]+\.md/g)].map(([page]) => page));
  expect(named.length).toBeGreaterThan(2);
  expect(named.filter((page) => !existsSync(join(ROOT, page)))).toEqual([]);
});

test('docs/workspaces.md has a line for every field of queries, and for none that does not exist', () => {
  const rows = [
    ...read('docs/workspaces.md').matchAll(/^\| ((?:`\w+`(?:, )?)+) +\| a (?:caption|picture) /gm),
  ];
  const named = rows.flatMap(([, names]) => names.split(', ').map((name) => name.replaceAll('`', '')));
  expect(named.sort()).toEqual(Object.keys(FIELDS).sort());
});

test('docs/hygiene.md has a line for every rule', () => {
  const named = [...read('docs/hygiene.md').matchAll(/^\| `([\w-]+)` +\| [^|]+\| [^|]+\| /gm)].map(
    ([, name]) => name,
  );
  expect(named).toEqual([...RULE_NAMES]);
});

test('docs/exporting.md has a line for every trainer', () => {
  const text = read('docs/exporting.md');
  for (const trainer of TRAINERS) expect(text).toMatch(new RegExp(`^\\| \`${trainer}\` +\\|`, 'm'));
});

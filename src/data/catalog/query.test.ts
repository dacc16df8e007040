import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Folder, temporaryFolder } from '../../../test/helpers/collection.ts';
import { keysWhere, original, workspaceOf } from '../../../test/helpers/workspace.ts';
import { RecaptionError } from '../../errors.ts';
import { type Catalog, countImages, filterOf } from './index.ts';

let folder: Folder;
let catalog: Catalog;
beforeAll(async () => {
  folder = await temporaryFolder();
  catalog = await workspaceOf(folder.path, {
    dog: [original('a dog'), original('A brown dog runs over the green grass', 'descriptive')],
    cat: [original('IMG_0042.JPG'), original('two cats on a sofa', 'human')],
    'trip/100%': [original('50% off (today)')],
    'trip/boat': [original('a red boat on the water', 'short'), original('boat "Anna"')],
    empty: [],
  });
});
afterAll(async () => {
  catalog.close();
  await folder.remove();
});

function find(query: string): string[] {
  const { sql, values } = filterOf(query);
  return keysWhere(catalog, sql, values);
}

test.each([
  ['', ['dog', 'cat', 'trip/100%', 'trip/boat', 'empty']],
  ['dog', ['dog']],
  ['DOG', ['dog']],
  ['kind:alt', ['dog', 'cat', 'trip/100%', 'trip/boat']],
  ['kind:alt length<3', ['dog', 'cat', 'trip/boat']],
  ['kind:alt length<5 no:descriptive', ['cat', 'trip/100%', 'trip/boat']],
  ['has:descriptive OR has:short', ['dog', 'trip/boat']],
  ['no:alt', ['empty']],
  ['has!=alt', ['empty']],
  ['text:"on the water"', ['trip/boat']],
  ['text:a*', ['dog', 'trip/boat']],
  ['text:"a ???"', ['dog']],
  ['text:"boat \\"Anna\\""', ['trip/boat']],
  ['50%', ['trip/100%']],
  ['"(today)"', ['trip/100%']],
  ['key:trip/*', ['trip/100%', 'trip/boat']],
  ['key:trip/100%', ['trip/100%']],
  ['path:photos/trip', ['trip/100%', 'trip/boat']],
  ['size>2k size<=4000', ['trip/100%', 'trip/boat']],
  ['width>=640 height=480 format:JPEG', ['dog', 'cat', 'trip/100%', 'trip/boat', 'empty']],
  ['width>1k', []],
  ['added:2026-11-26', ['dog', 'cat', 'trip/100%', 'trip/boat', 'empty']],
  ['added<2026-11-26', []],
  ['added<=2026-11-26 added>2026-11-25', ['dog', 'cat', 'trip/100%', 'trip/boat', 'empty']],
  ['failed:yes', []],
  ['twin:no', ['dog', 'cat', 'trip/100%', 'trip/boat', 'empty']],
  ['author:file job:1', ['dog', 'cat', 'trip/100%', 'trip/boat']],
])('%s finds %j', (query, keys) => {
  expect(find(query)).toEqual(keys);
  expect(countImages(catalog, query)).toBe(keys.length);
});

describe('AND, OR and NOT', () => {
  test('bind as in logic, and may be grouped', () => {
    expect(find('key:dog OR key:cat key:nothing')).toEqual(['dog']);
    expect(find('(key:dog OR key:cat) kind:human')).toEqual(['cat']);
    expect(find('NOT key:dog AND NOT key:trip/*')).toEqual(['cat', 'empty']);
    expect(find('-key:dog -(key:cat OR key:trip/*)')).toEqual(['empty']);
  });

  test('conditions on captions that stand together speak of one caption', () => {
    expect(find('kind:alt grass')).toEqual([]);
    expect(find('kind:descriptive grass')).toEqual(['dog']);
    expect(find('(kind:short OR kind:descriptive) length>6')).toEqual(['dog']);
    expect(find('kind:alt NOT text:dog')).toEqual(['cat', 'trip/100%', 'trip/boat']);
  });

  test('NOT alone is said of all captions of a picture', () => {
    expect(find('NOT text:a')).toEqual(['empty']);
    expect(find('NOT dog')).toEqual(['cat', 'trip/100%', 'trip/boat', 'empty']);
  });
});

test.each([
  ['kind:alt lenght<5', 10, 'there is no field "lenght"'],
  ['length<five', 8, '"length" is compared with a number, not with "five"'],
  ['kind:long', 6, 'not "long"'],
  ['text<5', 1, '"text" is a text'],
  ['added:yesterday', 7, 'a day such as'],
  ['(dog', 1, 'not closed'],
  ['dog)', 4, 'never opened'],
  ['dog AND', 8, 'ends where a condition should follow'],
  ['OR dog', 1, 'before "OR"'],
  ['text:"dog', 6, 'quotation mark is not closed'],
  ['text:', 6, 'a value should follow'],
  [`${'('.repeat(200)}dog`, 101, 'too deeply'],
])('%s is refused at column %i', (query, column, message) => {
  expect(() => filterOf(query)).toThrow(
    expect.objectContaining({
      code: 'bad-query',
      place: `query, column ${column}`,
      message: expect.stringContaining(message),
    }),
  );
});

test('upper and lower case are alike in every script', async () => {
  const other = await temporaryFolder();
  const words = await workspaceOf(other.path, {
    a: [original('Ärger im BÜRO')],
    b: [original('КОШКА')],
    c: [original('100% Öl')],
  });
  const keys = (query: string) => keysWhere(words, filterOf(query).sql, filterOf(query).values);
  expect([keys('ärger'), keys('text:*büro'), keys('кошка'), keys('"% ÖL"')]).toEqual([
    ['a'],
    ['a'],
    ['b'],
    ['c'],
  ]);
  words.close();
  await other.remove();
});

test('a query of a thousand conditions is refused before the database sees it', () => {
  const code = { code: 'bad-query', place: expect.stringMatching(/^query, column \d+$/) };
  expect(() => filterOf(Array.from({ length: 1000 }, () => 'dog').join(' OR '))).toThrow(
    expect.objectContaining(code),
  );
  expect(() => filterOf('x'.repeat(60_000))).toThrow(expect.objectContaining(code));
  expect(find(Array.from({ length: 150 }, () => 'dog').join(' OR '))).toEqual(['dog']);
});

test('whatever is typed is answered, or refused with a column', () => {
  const words = fc.constantFrom(
    'dog',
    'kind:alt',
    'length',
    '<',
    ':',
    '"',
    '(',
    ')',
    '-',
    'NOT',
    'AND',
    'OR',
    '*',
    '%',
    '\\',
    ' ',
    "'",
    ';',
  );
  const typed = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(words, { maxLength: 12 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(typed, (query) => {
      try {
        find(query);
      } catch (error) {
        expect(error).toBeInstanceOf(RecaptionError);
        expect(error).toMatchObject({
          code: 'bad-query',
          place: expect.stringMatching(/^query, column \d+$/),
        });
      }
    }),
    { numRuns: 500 },
  );
});

test('a quoted text is found as it stands', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (text) => {
      const quoted = text.replace(/["\\]/g, '\\$&');
      const { sql, values } = filterOf(`text:"${quoted}"`);
      const plain = !/[*?]/.test(text);
      expect(sql).toContain('LIKE');
      if (plain) expect(values).toEqual([`%${text.replace(/[\\%_]/g, '\\$&')}%`]);
    }),
  );
});

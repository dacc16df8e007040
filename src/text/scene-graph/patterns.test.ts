import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fillSlots, mayMean, openSlots, type Pattern, patternsOf } from './patterns.ts';
import { phrasesOf } from './phrases.ts';
import { Role } from './roles.ts';
import { loadTagger } from './token.ts';

const tagger = await loadTagger();
const verbs = { forms: new Map<string, string>(), bases: new Set(['carry', 'sit']) };

/** Objects are written in capitals, attributes with a star. */
function phrases(text: string) {
  const roles = text.split(' ').map((word) => (word.startsWith('*') ? Role.attribute : /^[A-Z]/.test(word) ? Role.object : Role.other)); // biome-ignore format: one line
  const [tokens] = tagger(text.replaceAll('*', ''));
  return phrasesOf(tokens, roles, verbs);
}
const keys = (text: string, a: number, b: number) => patternsOf(phrases(text), a, b).map(({ key }) => key);

test('what stands between two objects is a key, exact and with its verbs as slots', () => {
  expect(keys('a MAN is carrying the *red BAG', 0, 1)).toEqual([
    'between|be carry',
    'betweenv|be V1',
    'pair|man bag',
  ]);
});

test('with objects between, so are the words after the last and before the first of them', () => {
  expect(keys('MAN with BAG on BENCH', 0, 2)).toEqual([
    'between|with N on',
    'last1|on',
    'first1|with',
    'pair|man bench',
  ]);
});

test('words before the first and after the second are seen', () => {
  expect(keys('in front of the CAR is a MAN that sits', 0, 1)).toEqual([
    'between|be',
    'after|be # sit',
    'afterv|be # V1',
    'before|in front of # be',
    'pair|car man',
  ]);
});

const pattern = (over: Partial<Pattern>): Pattern => ({
  kind: 'between',
  key: '',
  verbs: [],
  spelled: false,
  ...over,
});

test('slots are filled with verbs of the text', () => {
  expect(fillSlots('>$1 on', pattern({ verbs: ['sit'] }))).toBe('>sit on');
  expect(fillSlots('<$2', pattern({ verbs: ['wait', 'ride'] }))).toBe('<ride');
  expect(openSlots('>sit on', pattern({ verbs: ['sit'] }))).toBe('>$1 on');
});

test('opened slots are filled as they were', () => {
  const word = fc.stringMatching(/^[a-z]{1,5}$/);
  fc.assert(
    fc.property(
      fc.uniqueArray(word, { minLength: 1, maxLength: 9 }),
      fc.array(word, { minLength: 1 }),
      (slots, words) => {
        const relation = `>${words.join(' ')}`;
        expect(fillSlots(openSlots(relation, pattern({ verbs: slots })), pattern({ verbs: slots }))).toBe(
          relation,
        );
      },
    ),
  );
});

test('a verb must come from the text', () => {
  expect(mayMean(pattern({}), '>ride')).toBe(false);
  expect(mayMean(pattern({}), '>wear')).toBe(true);
  expect(mayMean(pattern({}), '>$1 on')).toBe(true);
  expect(mayMean(pattern({ spelled: true }), '>wear')).toBe(true);
  expect(mayMean(pattern({ spelled: true }), '<cover')).toBe(true);
});

import { RecaptionError } from '../../errors.ts';
import { foreignScript } from './foreign-script.ts';
import { hedge } from './hedge.ts';
import { lettering } from './lettering.ts';
import { markup } from './markup.ts';
import { opening } from './opening.ts';
import { refusal } from './refusal.ts';
import { loop, repeatedSentence } from './repetition.ts';
import type { HygieneOptions, HygieneRule } from './rule.ts';
import { empty, spaces } from './spaces.ts';
import { thinking } from './thinking.ts';
import { tooLong } from './too-long.ts';

const repeatedAnswer: HygieneRule = {
  name: 'repeated-answer',
  about:
    'refuses an answer that suspiciously many images of a collection have; it needs the whole collection',
};

/** In the order in which they are applied. */
export const HYGIENE_RULES: readonly HygieneRule[] = [
  thinking,
  markup,
  refusal,
  opening,
  hedge,
  loop,
  repeatedSentence,
  lettering,
  foreignScript,
  spaces,
  tooLong,
  empty,
  repeatedAnswer,
];
export const RULE_NAMES: readonly string[] = HYGIENE_RULES.map(({ name }) => name);

export interface Cleaned {
  /** undefined: this is no caption (a refusal, nothing left), and must not be used. */
  text: string | undefined;
  /** Names of the rules that changed or refused it, in order. */
  rules: string[];
}

/** One mend may lay open the next fault; captions settle in two or three passes. What never settles was made to trouble us. */
const MAX_PASSES = 10;

/**
 * Applies the rules until none finds a fault, so that cleaning a cleaned caption changes nothing.
 * @param options.rules names of the rules to apply; all of them if absent
 * @throws RecaptionError `unknown-rule`
 */
export function cleanCaption(
  text: string,
  { rules: names = RULE_NAMES, ...options }: HygieneOptions & { rules?: readonly string[] } = {},
): Cleaned {
  const active = rulesNamed(names);
  if (text === '') return { text: undefined, rules: [empty.name] };
  const rules = new Set<string>();
  let caption = text;
  for (let pass = 0, settled = false; !settled; pass++) {
    settled = true;
    for (const { name, mend } of active) {
      const mended = mend?.(caption, options) ?? caption;
      if (mended === caption) continue;
      rules.add(name);
      if (mended === '' || pass === MAX_PASSES) return { text: undefined, rules: [...rules] };
      caption = mended;
      settled = false;
    }
  }
  return { text: caption, rules: [...rules] };
}

function rulesNamed(names: readonly string[]): HygieneRule[] {
  const unknown = names.find((name) => !RULE_NAMES.includes(name));
  if (unknown !== undefined)
    throw new RecaptionError('unknown-rule', `there is no rule "${unknown}"`, {
      hint: `The rules are ${RULE_NAMES.join(', ')}.`,
    });
  return HYGIENE_RULES.filter(({ name }) => names.includes(name));
}

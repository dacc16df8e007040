/** Rules that mend, or refuse, the captions that captioners write: see `docs/hygiene.md`. */
export { type Cleaned, cleanCaption, HYGIENE_RULES, RULE_NAMES } from './clean.ts';
export { answerKey, repeatedAnswers } from './repeated-answers.ts';
export type { HygieneOptions, HygieneRule } from './rule.ts';

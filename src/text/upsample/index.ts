/** Prompts made longer: people type few words, a generator that learnt descriptions expects many (paper A, section 3; papers.md A3). */
export { fault } from './contained.ts';
export { askedFor } from './follow-up.ts';
export { type PromptWriter, type Turn, type Upsampled, type UpsampleOptions, upsample } from './upsample.ts';

/** Captions for fine-tuning, made of all that people wrote about a picture. */
export { descriptiveCaption } from './descriptive-caption.ts';
export { shortCaption } from './short-caption.ts';

/** What is compared: ways to caption the same pictures. */
import { type Blend, parseBlend } from '../data/blend.ts';
import { RecaptionError } from '../errors.ts';
import type { Reword } from '../generators/train-setup.ts';

export interface Arm {
  /** As reports call it. */
  name: string;
  captions: Blend;
  /** What is learnt in place of a caption, where that is part of what is compared. */
  reword?: Reword;
}

/** `A=descriptive:0.95,alt:0.05`. @throws RecaptionError `bad-arm`, `bad-blend` */
export function parseArm(text: string): Arm {
  const at = text.indexOf('=');
  const name = text.slice(0, at).trim();
  if (at > 0 && NAME.test(name)) return { name, captions: parseBlend(text.slice(at + 1)) };
  throw new RecaptionError('bad-arm', 'captions to compare need a name and a mix', {
    place: `"${text}"`,
    hint: 'Write --captions A=alt --captions B=descriptive:0.95,alt:0.05; names are letters, digits, - and _.',
  });
}

/** Names become folders. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}_-]{0,39}$/u;

/** @throws RecaptionError `bad-arm` unless there are two and more, each of its own name */
export function checkArms(arms: readonly Arm[]): void {
  const names = arms.map(({ name }) => name.toLowerCase());
  const twice = arms.find((_, i) => names.indexOf(names[i]) !== i)?.name;
  const wrong = arms.find(({ name }) => !NAME.test(name))?.name;
  if (arms.length > 1 && twice === undefined && wrong === undefined) return;
  throw new RecaptionError(
    'bad-arm',
    arms.length < 2
      ? 'a comparison needs captions of at least two kinds'
      : twice === undefined
        ? `"${wrong}" is no name for captions`
        : `"${twice}" is there twice`,
    { hint: 'Write --captions A=alt --captions B=descriptive:0.95,alt:0.05.' },
  );
}

/** `descriptive 95 %, alt 5 %`. */
export const mixInWords = (blend: Blend): string =>
  blend.map(({ kind, share }) => (share < 1 ? `${kind} ${+(100 * share).toFixed(1)} %` : kind)).join(', ');

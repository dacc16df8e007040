/** The pictures that are learnt, and the prompts that nobody was trained on. */
import { openDataset } from '../data/index.ts';
import {
  CAPTION_KINDS,
  type Caption,
  type CaptionKind,
  type OnFailure,
  type Sample,
} from '../data/sample.ts';
import { RecaptionError } from '../errors.ts';
import { random } from '../random.ts';
import { normaliseCaption } from '../text/normalise-caption.ts';
import { parseScene, readClaims, type Scene } from '../world/index.ts';
import type { Arm } from './arms.ts';

/**
 * `upsampled`: short ones that a language model has made longer; `as-learnt`: descriptive ones, written as each arm's captions are; `rare`:
 * descriptive ones of what is hardly ever learnt.
 */
export const PROMPT_KINDS = [...CAPTION_KINDS, 'upsampled', 'as-learnt', 'rare'] as const;
export type PromptKind = (typeof PROMPT_KINDS)[number];

export interface Prompt {
  /** Of the picture that it describes. */
  key: string;
  /** What is drawn. */
  text: string;
  /** What was asked for, and is judged: the text, or what was upsampled to it. */
  asked: string;
}

/** A picture as far as its captions go. */
export interface Captioned {
  key: string;
  captions: Caption[];
  /** What is in it, where it is a scene of the world: everything can be read back. */
  scene?: Scene;
}

export async function readCaptioned(places: readonly string[], onFailure: OnFailure): Promise<Captioned[]> {
  const found = new Map<string, Captioned>();
  for (const place of places)
    for await (const { key, captions, meta, image } of await openDataset(place, { onFailure })) {
      if (found.has(key))
        onFailure({
          key,
          place: image.name,
          code: 'duplicate-key',
          message: 'another source has this key; the first was kept',
        });
      else found.set(key, { key, captions, scene: sceneOf(meta) });
    }
  return [...found.values()];
}

function sceneOf(meta: Sample['meta']): Scene | undefined {
  if (meta?.scene === undefined) return undefined;
  try {
    return parseScene(meta.scene);
  } catch {
    return undefined; // somebody else's idea of a scene
  }
}

export interface SplitOptions {
  arms: readonly Arm[];
  kinds: readonly PromptKind[];
  /** Pictures whose captions become prompts; where there is no collection of its own for that. */
  heldOut: number;
  /** Prompts of each kind, at most. */
  most: number;
  seed: number;
  /** Whether a prompt is short enough for the text encoder. */
  fits(text: string): boolean;
  /** Whether a descriptive prompt is of the kind `rare`; the others are then without these. */
  rare?: (text: string) => boolean;
  upsample?: (prompts: readonly string[]) => Promise<string[]>;
}

export interface Split {
  /** Keys of pictures that are learnt by no arm: those held out, those that some arm has no caption of, those that say a prompt. */
  leaveOut: ReadonlySet<string>;
  learnt: number;
  /** Left out because a caption of theirs is a prompt or a prompt is of them, or because an arm has none of its kinds. */
  sayAPrompt: number;
  withoutKind: number;
  prompts: Map<PromptKind, Prompt[]>;
  /** Prompts too long for the encoder. */
  tooLong: number;
  /** All prompts are of scenes of the world. */
  scenes: boolean;
  /** … and some ask for what can be read back from a picture. */
  readable: boolean;
}

/**
 * Takes the prompts out of `test`, or out of some of the pictures of `data` where there is no `test`, and everything out of what is learnt
 * that would give a prompt away: these pictures, and every other whose captions, in any arm, say a prompt word for word. What the fewest
 * pictures say is asked first, so that few are lost: "a blue heart" is said by hundreds, and without them nobody learns what is simple.
 * @throws RecaptionError `no-prompts`, `too-few-pictures`
 */
export async function splitCollection(
  data: readonly Captioned[],
  test: readonly Captioned[] | undefined,
  { arms, kinds, heldOut, most, seed, fits, rare, upsample }: SplitOptions,
): Promise<Split> {
  const learnable = data.filter((one) => arms.every((arm) => captionsOf(one, arm).length > 0));
  if (learnable.length === 0) {
    const lacking = arms.find((arm) => data.every((one) => captionsOf(one, arm).length === 0));
    const there = CAPTION_KINDS.filter((kind) => data.some(({ captions }) => captionOf(captions, kind)));
    throw new RecaptionError('no-captions', lacking ? `no picture has a caption that "${lacking.name}" could learn` : 'no picture has a caption for each of these', { hint: there.length > 0 ? `There are captions of the kinds ${there.join(', ')}.` : 'The pictures have no captions at all.' });
  } // biome-ignore format: one line
  const asked =
    test ??
    inOrder(
      data,
      new Set(
        random(seed, 'held-out')
          .shuffle(learnable.map(({ key }) => key))
          .slice(0, heldOut),
      ),
    );
  const prompts = new Map<PromptKind, Prompt[]>();
  const outside = new Set(test ? [] : asked.map(({ key }) => key));
  /** Pictures that could be learnt, by what their captions say in any arm. */
  const sayers = new Map<string, Set<string>>();
  for (const one of learnable) {
    if (outside.has(one.key)) continue;
    for (const words of arms.flatMap((arm) => captionsOf(one, arm)).map(said))
      sayers.set(words, (sayers.get(words) ?? new Set()).add(one.key));
  }
  const sayersOf = ({ text }: Prompt): number => sayers.get(said(text))?.size ?? 0;
  let tooLong = 0;
  for (const kind of kinds) {
    const own = kindAsked(kind, asked);
    const known = new Set<string>();
    const candidates: Prompt[] = [];
    for (const { key, captions } of asked) {
      const text = captionOf(captions, own);
      if (text === undefined || known.has(said(text)) || (rare && own === 'descriptive' && rare(text) !== (kind === 'rare'))) continue; // biome-ignore format: one line
      known.add(said(text));
      const texts = kind === 'as-learnt' ? arms.map((arm) => asLearnt(arm, { key, text })) : [text];
      if (texts.every(fits)) candidates.push({ key, text, asked: text });
      else tooLong++;
    }
    const found = candidates.toSorted((a, b) => sayersOf(a) - sayersOf(b)).slice(0, most);
    if (found.length === 0 && tooLong > 0)
      throw new RecaptionError('no-prompts', `every ${own} caption that could be a prompt is longer than the text encoder reads`, { place: `--prompts ${kind}`, hint: 'Raise model.text.maxTokens in --config, or take another kind of prompts.' }); // biome-ignore format: one line
    if (found.length === 0) {
      const there = CAPTION_KINDS.filter((one) => asked.some(({ captions }) => captionOf(captions, one)));
      throw new RecaptionError('no-prompts', `no picture that was held out has a ${own} caption to be a prompt`, {
        place: `--prompts ${kind}`,
        hint: there.length > 0 ? `There are captions of the kind ${there.join(', ')}.` : 'They have no captions at all.',
      }); // biome-ignore format: one line
    }
    if (kind === 'upsampled') {
      if (!upsample) throw new RecaptionError('no-prompts', 'nobody is there to upsample prompts', { place: '--prompts upsampled' }); // biome-ignore format: one line
      const texts = await upsample(found.map(({ asked }) => asked));
      for (const [i, prompt] of found.entries()) if (fits(texts[i])) prompt.text = texts[i];
    }
    prompts.set(kind, found);
  }
  const able = new Set(learnable);
  const lacking = data.filter((one) => !outside.has(one.key) && !able.has(one)).map(({ key }) => key);
  const all = [...prompts.values()].flat();
  const told = all.flatMap(({ text, asked }) => [text, asked]).flatMap((words) => [...(sayers.get(said(words)) ?? [])]); // biome-ignore format: one line
  // A picture of `test` that is in `data` as well: its prompt may be of a kind that no arm learns.
  const sources = new Set(all.map(({ key }) => key));
  const identity = ({ key, captions }: Captioned): string => JSON.stringify([key, captions.map(({ kind, text }) => [kind, text])]); // biome-ignore format: one line
  const asking = new Set(asked.filter(({ key }) => sources.has(key)).map(identity));
  const same = learnable
    .filter((one) => !outside.has(one.key) && asking.has(identity(one)))
    .map(({ key }) => key);
  const telling = new Set([...told, ...same]);
  const leaveOut = new Set([...outside, ...lacking, ...telling]);
  const [sayAPrompt, withoutKind] = [telling.size, lacking.length];
  const learnt = data.length - leaveOut.size;
  if (learnt < LEAST) {
    throw new RecaptionError('too-few-pictures', `${learnt} pictures are left to be learnt`, {
      hint: `${outside.size} of ${data.length} are held out for prompts, ${withoutKind} lack a caption of some arm, ${sayAPrompt} say what is a prompt: add pictures, or hold out fewer with --held-out.`,
    }); // biome-ignore format: one line
  }
  const scenes = asked.length > 0 && asked.every(({ scene }) => scene !== undefined);
  const readable = scenes && all.some(({ asked }) => asksForSomething(asked));
  return { leaveOut, learnt, sayAPrompt, withoutKind, prompts, tooLong, scenes, readable };
}

/** Whether anything that a text says can be read back from a picture of the world. */
function asksForSomething(text: string): boolean {
  const { groups, background, letters } = readClaims(text);
  return groups.length > 0 || background !== undefined || letters !== undefined;
}

/** Pictures that a comparison needs at least. */
const LEAST = 2;

/** What an arm may learn of a picture. */
export const captionsOf = ({ key, captions }: Captioned, { captions: blend, reword }: Arm): string[] =>
  captions
    .filter(({ kind, text }) => blend.some((share) => share.kind === kind) && normaliseCaption(text) !== '')
    .map(({ text, kind }) => (reword ? reword(text, { key, kind }) : text));

/** A prompt written as the arm's descriptive captions are. */
const asLearnt = ({ reword }: Arm, { key, text }: Pick<Prompt, 'key' | 'text'>): string =>
  reword ? reword(text, { key, kind: 'descriptive' }) : text;

/** The prompts as an arm gets them. */
export const promptsFor = (arm: Arm, all: Split['prompts']): Split['prompts'] =>
  new Map(
    [...all].map(([kind, own]) => [
      kind,
      kind === 'as-learnt' ? own.map((prompt) => ({ ...prompt, text: asLearnt(arm, prompt) })) : own,
    ]),
  );

const captionOf = (captions: readonly Caption[], kind: CaptionKind): string | undefined =>
  captions.find((caption) => caption.kind === kind && normaliseCaption(caption.text) !== '')?.text;

/** The kind of caption that prompts of a kind are. */
const kindAsked = (kind: PromptKind, asked: readonly Captioned[]): CaptionKind =>
  kind === 'upsampled' ? briefKind(asked) : kind === 'as-learnt' || kind === 'rare' ? 'descriptive' : kind;

/** What people would type: what they wrote themselves, or something short. */
const briefKind = (asked: readonly Captioned[]): CaptionKind =>
  asked.some(({ captions }) => captionOf(captions, 'human')) ? 'human' : 'short';

/** The words of a caption, however they are typed. */
const said = (text: string): string => normaliseCaption(text).toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim(); // biome-ignore format: one line

const inOrder = (all: readonly Captioned[], keys: ReadonlySet<string>): Captioned[] =>
  all.filter(({ key }) => keys.has(key));

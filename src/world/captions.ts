/** Captions of a scene. Short and descriptive ones are true; alt ones are what web pages say. */
import type { CaptionKind } from '../data/sample.ts';
import type { Random } from '../random.ts';
import { altCaption } from './alt.ts';
import * as say from './phrases.ts';
import { type Group, groupsOf, type Scene } from './scene.ts';

export const WORLD_KINDS = ['alt', 'short', 'descriptive'] as const satisfies readonly CaptionKind[];
export type WorldCaptionKind = (typeof WORLD_KINDS)[number];

/**
 * A caption of the scene in words drawn from `random`.
 * - `short`: the main subject only, after paper A's SSC;
 * - `descriptive`: every object with colour, shape, size and texture, counts, places, relations, background and
 *   letters, after its DSC;
 * - `alt`: incomplete, noisy, sometimes about something else or wrong.
 */
export function captionScene(scene: Scene, kind: WorldCaptionKind, random: Random): string {
  if (kind === 'alt') return altCaption(scene, random);
  return kind === 'short' ? shortCaption(scene, random) : descriptiveCaption(scene, random);
}

/** The group that covers most of the canvas. */
export function mainGroup(scene: Scene): Group {
  const area = ({ objects }: Group) => objects.reduce((sum, { extent }) => sum + extent ** 2, 0);
  return groupsOf(scene).reduce((main, group) => (area(group) > area(main) ? group : main));
}

/** Where the leftmost object of a group has its centre. */
const leftEnd = ({ objects }: Group): number => Math.min(...objects.map(({ x }) => x));

function shortCaption(scene: Scene, random: Random): string {
  const details = { size: random.uniform() < 0.5, texture: random.uniform() < 0.6 };
  const subject = say.introduce(mainGroup(scene), details, random);
  const text = random.uniform() < 0.3 ? `${subject} ${say.onBackground(scene.background, random)}` : subject;
  return random.uniform() < 0.5 ? text : `${capitalized(text)}.`;
}

function descriptiveCaption(scene: Scene, random: Random): string {
  const sentences = describe(scene, random);
  return (random.uniform() < 0.5 ? sentences : sentences.map(capitalized)).map((s) => `${s}.`).join(' ');
}

function capitalized(sentence: string): string {
  return sentence[0].toUpperCase() + sentence.slice(1);
}

/**
 * Sentences without capital or full stop: an opening that may name all at once, then whatever it left open. Things come in the
 * order in which one reads, from the left, as people who describe a picture go about it too. In an order drawn at random, what
 * comes next could not be known, and a captioner that learns from that says the size of one thing and the colour of another.
 */
function describe(scene: Scene, random: Random): string[] {
  const groups = groupsOf(scene).sort((a, b) => leftEnd(a) - leftEnd(b));
  const sentences: string[] = [];
  const named = new Set<Group>();
  const placed = new Set<Group>();
  let related: say.Statement | undefined; // what the opening told of the first two
  let background = false;

  /** In full at the first mention, "the red circle" at later ones. */
  const name = (group: Group) => {
    if (named.has(group)) return say.refer(group);
    named.add(group);
    return say.introduce(group, { size: true, texture: true }, random);
  };
  const place = (group: Group) => {
    placed.add(group);
    return say.placeOf(group, random);
  };
  const sit = (group: Group, where: () => string) => `${name(group)} ${say.verb(group, random)} ${where()}`;
  const state = ({ subject, words, object }: say.Statement) => sit(subject, () => `${words} ${name(object)}`);

  const opening = random.pick(['list', 'list', 'relation', 'prompt', 'none'] as const);
  if (opening === 'list') {
    const start = random.pick([
      '',
      '',
      'this picture shows ',
      groups[0].objects.length > 1 ? 'there are ' : 'there is ',
    ]);
    background = random.uniform() < 0.6;
    const end = background ? ` ${say.onBackground(scene.background, random)}` : '';
    sentences.push(start + say.list(groups.map(name)) + end);
  } else if (opening === 'relation' && groups.length > 1) {
    related = say.relate(scene, groups[0], groups[1], random);
    if (related !== undefined) sentences.push(state(related));
  } else if (opening === 'prompt') {
    background = scene.background.fadesTo === undefined;
    const parts = groups.map((group) => `${name(group)} ${place(group)}`);
    if (background) parts.push(`${scene.background.color} background`);
    sentences.push(parts.join(', '));
  }
  if (!background && random.uniform() < 0.3) {
    background = true;
    sentences.push(say.backgroundIs(scene.background, random));
  }

  for (const [i, group] of groups.entries()) {
    const before = groups.slice(0, i);
    const under = before.find((other) => say.overlapping(scene, group, other));
    const partner = under ?? before.at(-1);
    const told = i === 1 && related !== undefined;
    let relation: say.Statement | undefined;
    if (partner !== undefined && !told && (under !== undefined || random.uniform() < 0.7)) {
      relation = say.relate(scene, group, partner, random);
    }
    if (relation !== undefined) sentences.push(state(relation));
    // Whatever stands in no relation has a place; the rest often has.
    const anchored = told || relation !== undefined;
    if (!placed.has(group) && (!anchored || random.uniform() < 0.7)) {
      sentences.push(sit(group, () => place(group)));
    }
  }
  if (scene.letters !== undefined) sentences.push(say.lettersSay(scene.letters, random));
  if (!background) sentences.push(say.backgroundIs(scene.background, random));
  return sentences;
}

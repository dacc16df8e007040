/** Reads captions of the world back into everything that they say of a picture, as a judge would list it. */
import { COUNTS, type Mention, RELATIONS, readMentions, tokenize, VERB } from './mentions.ts';
import { ZONE_WORDS } from './phrases.ts';
import type { Background, Letters } from './scene.ts';
import { BACKDROP_NAMES, type Backdrop, COLORS, type Color, type Relation } from './vocabulary.ts';

export type ZoneName = keyof typeof ZONE_WORDS;

/** Objects that a caption speaks of as one: "three small red circles". What it does not say is absent. */
export interface GroupClaim extends Pick<Mention, 'shape' | 'color' | 'size' | 'texture'> {
  /** 1 for a singular; for a plural without a number, at least 2. */
  count: number | 'several';
  /** Where they are said to be: how many in which part of the picture, `all` for all of them. */
  places: { zone: ZoneName; count: number | 'all' }[];
}

export interface Claims {
  groups: GroupClaim[];
  /** Numbers are places in `groups`. */
  relations: { subject: number; relation: Relation | 'behind'; object: number }[];
  background?: Background;
  letters?: Pick<Letters, 'text'> & Partial<Pick<Letters, 'color' | 'place'>>;
}

const ZONES = (Object.keys(ZONE_WORDS) as ZoneName[])
  .flatMap((zone) => ZONE_WORDS[zone].map((words) => ({ zone, words })))
  .sort((a, b) => b.words.length - a.words.length); // "at the top left" before "at the top"

/** What a caption or a prompt says, in the words of the world; anything else in it is passed over. */
export function readClaims(caption: string): Claims {
  const tokens = tokenize(caption);
  const mentions = readMentions(caption);
  const groups: GroupClaim[] = [];
  const groupOf = mentions.map((mention) => {
    const known = groups.findIndex((group) => mention.definite && isSame(group, mention));
    const index = known === -1 ? groups.push(claimOf(mention)) - 1 : known;
    groups[index].places.push(...placesAfter(tokens, mention.end));
    return index;
  });
  const relations = mentions.slice(1).flatMap((object, i) => {
    const between = `${tokens.slice(mentions[i].end, object.start).join(' ')} `.replace(VERB, '').trim();
    const relation = RELATIONS.get(between);
    return relation === undefined ? [] : [{ subject: groupOf[i], relation, object: groupOf[i + 1] }];
  });
  return { groups, relations, ...backgroundOf(tokens.join(' ')), ...lettersOf(caption) };
}

const claimOf = ({ shape, color, size, texture, count }: Mention): GroupClaim => ({
  shape,
  ...(color && { color }),
  ...(size && { size }),
  ...(texture && { texture }),
  count: count ?? 'several',
  places: [],
});

/** Whether "the red circle" may speak of a group named before. */
const isSame = (group: GroupClaim, { shape, color, size, texture }: Mention): boolean =>
  group.shape === shape &&
  (color === undefined || group.color === color) &&
  (size === undefined || group.size === undefined || group.size === size) &&
  (texture === undefined || group.texture === undefined || group.texture === texture);

/** "is at the top left", or "are spread out, two on the left and one in the center". */
function placesAfter(tokens: string[], end: number): GroupClaim['places'] {
  let rest = `${tokens.slice(end).join(' ')} `.replace(VERB, '');
  const spread = /^spread out , /.exec(rest);
  if (!spread) {
    const found = zoneAt(rest);
    return found === undefined ? [] : [{ zone: found.zone, count: 'all' }];
  }
  rest = rest.slice(spread[0].length);
  const places: GroupClaim['places'] = [];
  for (;;) {
    const word = rest.split(' ', 1)[0];
    const found = COUNTS.has(word) ? zoneAt(rest.slice(word.length + 1)) : undefined;
    if (found === undefined) return places;
    places.push({ zone: found.zone, count: COUNTS.get(word)! });
    rest = rest.slice(word.length + 1 + found.words.length).replace(/^ (, |and )/, '');
  }
}

const zoneAt = (text: string) => ZONES.find(({ words }) => text.startsWith(`${words} `));

const NAMES = [...BACKDROP_NAMES].sort((a, b) => b.length - a.length).join('|');
const FADES = [
  new RegExp(`fades from (${NAMES}) to (${NAMES})`),
  new RegExp(`background is (?:plain )?(${NAMES}) at the top and (${NAMES}) at the bottom`),
];
const FLAT = [
  new RegExp(`background is (?:plain )?(${NAMES})`),
  new RegExp(`(?:plain )?(${NAMES}) background`),
];

function backgroundOf(text: string): { background?: Background } {
  for (const pattern of FADES) {
    const [, color, fadesTo] = pattern.exec(text) ?? [];
    if (color) return { background: { color: color as Backdrop, fadesTo: fadesTo as Backdrop } };
  }
  for (const pattern of FLAT) {
    const [, color] = pattern.exec(text) ?? [];
    if (color) return { background: { color: color as Backdrop } };
  }
  return {};
}

const INK = COLORS.join('|');

/** What is quoted, and its colour and place where the same sentence says so. */
function lettersOf(caption: string): { letters?: Claims['letters'] } {
  const sentence = caption.split(/[.]\s|[.]$/).find((part) => part.includes('"')) ?? '';
  const text = /"([a-z ]+)"/i.exec(sentence)?.[1].replaceAll(' ', '').toUpperCase();
  if (!text) return {};
  const around = sentence.toLowerCase().replace(/"[^"]*"/, '');
  const color = new RegExp(`\\b(${INK})\\b`).exec(around)?.[1] as Color | undefined;
  const place = /at the (top|bottom)/.exec(around)?.[1] as Letters['place'] | undefined;
  return { letters: { text, ...(color && { color }), ...(place && { place }) } };
}

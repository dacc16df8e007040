/** Finds the words of a caption from which its annotated graph was made. */
import { factsOf } from '../../src/text/scene-graph/factual.ts';
import { numberOf } from '../../src/text/scene-graph/numbers.ts';
import { NONE, type Relation } from '../../src/text/scene-graph/patterns.ts';
import { pairKey } from '../../src/text/scene-graph/relations.ts';
import { Role } from '../../src/text/scene-graph/roles.ts';
import type { Tagger, Token } from '../../src/text/scene-graph/token.ts';
import type { AnnotatedCaption } from './read-csv.ts';

export interface Span {
  start: number;
  end: number;
  /** What the annotation calls it. */
  name: string;
}

export interface Aligned {
  tokens: Token[];
  roles: Role[];
  /** In the order of the text. */
  objects: Span[];
  attributes: (Span & { object: Span })[];
  relations: Map<string, Relation>;
  /** Predicates of the annotation, aligned or not. */
  predicates: string[];
  /** Names of objects and attributes that no word was found for. */
  lost: string[];
  /** Whether a word has no role. */
  free: boolean[];
}

/** How a name is written otherwise: surface by name, with the number of captions. */
type Substitutes = Map<string, Map<string, number>>;

/**
 * Aligns all captions twice: what the first pass could not place teaches the second which words stand for which names ("guy"
 * for `person`, "they" for `people`).
 */
export function alignAll(captions: readonly AnnotatedCaption[], tagger: Tagger): Aligned[] {
  const tokens = captions.map(({ caption }) => tagger(caption).flat());
  const substitutes: Substitutes = new Map();
  captions.forEach(({ graph }, i) => {
    const { lost, free } = align(tokens[i], graph, new Map());
    for (const name of lost) {
      for (const surface of freePhrases(tokens[i], free)) {
        const known = substitutes.get(name) ?? new Map<string, number>();
        substitutes.set(name, known.set(surface, (known.get(surface) ?? 0) + 1));
      }
    }
  });
  return captions.map(({ graph }, i) => align(tokens[i], graph, substitutes));
}

const FUNCTION_WORD = /^(?:an?|the|of|on|in|and|is|are|to|with|at|that|this|his|her|'s|by|has|\W+)$/;
const LONGEST = 3;

function* freePhrases(tokens: readonly Token[], free: readonly boolean[]): Generator<string> {
  for (let start = 0; start < tokens.length; start++) {
    if (FUNCTION_WORD.test(tokens[start].text)) continue;
    for (let end = start + 1; end <= start + LONGEST && free[end - 1]; end++)
      yield textOf(tokens, start, end);
  }
}

function align(tokens: Token[], graph: string, substitutes: Substitutes): Aligned {
  const free = tokens.map(() => true);
  const facts = factsOf(graph).map((fact) => fact.split(' , '));
  const said = facts
    .filter(([, predicate]) => predicate === 'is')
    .map(([object, , name]) => ({ object, name }));
  const told = facts.filter((fact) => fact.length === 3 && fact[1] !== 'is');
  const names = new Set([...facts.map(([name]) => name), ...told.map(([, , name]) => name)]);
  const objects = new Map<string, Span[]>();
  const attributes: Aligned['attributes'] = [];
  const lost: string[] = [];
  const claim = ({ start, end }: Span) => free.fill(false, start, end);

  // Exact words first, long names before short ones, so that nothing takes the words of another.
  const byLength = (a: string, b: string) => b.split(' ').length - a.split(' ').length || b.length - a.length;
  const late: string[] = [];
  for (const name of [...names].sort(byLength)) {
    const found = occurrences(tokens, name, free);
    // "a glass of glass": the first is the attribute.
    const spans = found.length > 1 ? found.slice(said.filter((one) => one.name === name).length) : found;
    if (spans.length === 0) late.push(name);
    else objects.set(name, spans);
    spans.forEach(claim);
  }
  const place = ({ object, name }: (typeof said)[number], found: Span[]): boolean => {
    const owners = objects.get(object) ?? [];
    const pairs = found.flatMap((span) => owners.map((owner) => ({ span, owner })));
    if (pairs.length === 0) return false;
    const { span, owner } = pairs.reduce((best, pair) => (distance(pair) < distance(best) ? pair : best));
    attributes.push({ ...span, name, object: owner });
    claim(span);
    return true;
  };
  const lateSaid = said
    .sort((a, b) => byLength(a.name, b.name))
    .filter(
      (one) => !place(one, [...occurrences(tokens, one.name, free), ...numerals(tokens, one.name, free)]),
    );

  const otherwise = (name: string): Span[] => {
    const known = [...(substitutes.get(name) ?? [])].filter(([, count]) => count > 1);
    for (const [surface] of known.sort((a, b) => b[1] - a[1])) {
      const found = occurrences(tokens, surface, free).map((span) => ({ ...span, name }));
      if (found.length > 0) return found;
    }
    return misspelt(tokens, name, free);
  };
  for (const name of late) {
    const [span] = otherwise(name);
    if (span) {
      objects.set(name, [span]);
      claim(span);
    } else {
      lost.push(name);
    }
  }
  for (const one of lateSaid) {
    // The first "two" of "two boys riding skateboards" may be said of both; a word belongs to one.
    if (attributes.some(({ name }) => name === one.name)) continue;
    const exact = [...occurrences(tokens, one.name, free), ...numerals(tokens, one.name, free)];
    if (!place(one, exact) && !place(one, otherwise(one.name))) lost.push(one.name);
  }

  const inOrder = [...objects.values()].flat().sort((a, b) => a.start - b.start);
  return {
    tokens,
    roles: rolesOf(tokens, inOrder, attributes),
    objects: inOrder,
    attributes,
    relations: relationsOf(told, inOrder),
    predicates: told.map(([, predicate]) => predicate),
    lost,
    free,
  };
}

/** Attributes stand before their object; after it they are rarer. */
function distance({ span, owner }: { span: Span; owner: Span }): number {
  return span.end <= owner.start ? owner.start - span.end : 3 + span.start - owner.end;
}

function rolesOf(tokens: readonly Token[], objects: readonly Span[], attributes: readonly Span[]): Role[] {
  const roles: Role[] = tokens.map(() => Role.other);
  const mark = ({ start, end }: Span, first: Role, rest: Role) => roles.fill(rest, start, end).fill(first, start, start + 1); // biome-ignore format: one line
  for (const span of attributes) mark(span, Role.attribute, Role.attributeGoesOn);
  for (const span of objects) mark(span, Role.object, Role.objectGoesOn);
  return roles;
}

/** Of several places with the names of a relation, the nearest. A relation of an object with itself has no place. */
function relationsOf(told: readonly string[][], objects: readonly Span[]): Map<string, Relation> {
  const relations = new Map<string, Relation>();
  for (const [subject, predicate, object] of told) {
    const pairs = objects.flatMap((one, i) =>
      objects.flatMap((other, j) =>
        i !== j && one.name === subject && other.name === object ? [[i, j]] : [],
      ),
    );
    if (pairs.length === 0) continue;
    const gap = ([i, j]: number[]) => 2 * Math.abs(i - j) + (i > j ? 1 : 0);
    const [i, j] = pairs.reduce((best, pair) => (gap(pair) < gap(best) ? pair : best));
    const key = pairKey(Math.min(i, j), Math.max(i, j));
    if ((relations.get(key) ?? NONE) === NONE) relations.set(key, `${i < j ? '>' : '<'}${predicate}`);
  }
  return relations;
}

const textOf = (tokens: readonly Token[], start: number, end: number) =>
  tokens
    .slice(start, end)
    .map(({ text }) => text)
    .join(' ');
const solid = (text: string) => text.replace(/[\s-]+/g, '');

/** Free spans that read as `name`; failing that, those that do so without spaces and hyphens ("side walk"). */
function occurrences(tokens: readonly Token[], name: string, free: readonly boolean[]): Span[] {
  const spans = (most: number, fits: (text: string) => boolean) => {
    const found: Span[] = [];
    for (let start = 0; start < tokens.length; start++) {
      for (let end = start + 1; end <= start + most && free[end - 1]; end++) {
        if (fits(textOf(tokens, start, end))) found.push({ start, end, name });
      }
    }
    return found;
  };
  const exact = spans(name.split(' ').length, (text) => text === name);
  return exact.length > 0 ? exact : spans(LONGEST, (text) => solid(text) === solid(name));
}

function numerals(tokens: readonly Token[], name: string, free: readonly boolean[]): Span[] {
  if (!/^\d+$/.test(name)) return [];
  return tokens.flatMap(({ text }, i) =>
    free[i] && numberOf(text) === Number(name) ? [{ start: i, end: i + 1, name }] : [],
  );
}

/** Spans whose last word is a form or a slip of the name's last word, the others close to equal. */
function misspelt(tokens: readonly Token[], name: string, free: readonly boolean[]): Span[] {
  const words = name.split(' ');
  const head = words.pop()!;
  return tokens.flatMap(({ text }, i) => {
    if (!free[i] || !alike(text, head)) return [];
    let start = i;
    for (let k = words.length - 1; k >= 0 && free[start - 1]; k--) {
      if (edits(tokens[start - 1].text, words[k]) > 1) break;
      start--;
    }
    return words.length === 0 || start < i ? [{ start, end: i + 1, name }] : [];
  });
}

const stem = (word: string) => word.replace(/ies$/, 'y').replace(/(?:es|s|ing|ed|en|y)$/, '');

/** Whether one may be a form or a slip of the other. */
export function alike(a: string, b: string): boolean {
  if (a.length < 3) return false;
  const shorter = Math.min(a.length, b.length);
  return (
    stem(a) === stem(b) ||
    (shorter >= 5 && edits(a, b) <= 2) ||
    (shorter >= 4 && (a.startsWith(b) || b.startsWith(a)))
  );
}

/** Levenshtein distance. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}

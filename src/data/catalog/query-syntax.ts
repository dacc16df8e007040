/** The filter language as text: words, comparisons, AND, OR, NOT, parentheses, quotes. docs/workspaces.md has the grammar. */
import { RecaptionError } from '../../errors.ts';

export type Operator = ':' | '=' | '!=' | '<' | '<=' | '>' | '>=';

export interface Term {
  type: 'term';
  /** Undefined for a word alone. */
  field: string | undefined;
  operator: Operator;
  value: string;
  /** Where field and value begin, columns counted from 1. */
  column: number;
  valueColumn: number;
}

export type Query = Term | { type: 'and' | 'or'; parts: Query[] } | { type: 'not'; part: Query };

/** @throws RecaptionError `bad-query` with the column */
export function badQuery(message: string, column: number, hint?: string): RecaptionError {
  return new RecaptionError('bad-query', message, {
    place: `query, column ${column}`,
    hint: hint ?? 'An example: kind:alt length<5 no:descriptive',
  });
}

/** Parentheses within parentheses, conditions and characters, at most: whoever writes more means harm. */
const MAX_DEPTH = 100;
const MAX_CONDITIONS = 200;
const MAX_LENGTH = 20_000;

/**
 * Reads a query; undefined for one that is empty. Terms side by side must all hold (AND); NOT binds closer than AND, and AND closer
 * than OR.
 * @throws RecaptionError `bad-query` with the column
 */
export function parseQuery(text: string): Query | undefined {
  if (text.length > MAX_LENGTH)
    throw badQuery(`the query is longer than ${MAX_LENGTH} characters`, MAX_LENGTH);
  const tokens = tokenise(text);
  const joints = ['AND', 'OR', 'NOT'];
  const conditions = tokens.filter(
    (token) =>
      token.type === 'term' ||
      token.type === 'quoted' ||
      (token.type === 'word' && !joints.includes(token.text)),
  );
  if (conditions.length > MAX_CONDITIONS)
    throw badQuery(
      `the query has more than ${MAX_CONDITIONS} words and conditions`,
      conditions[MAX_CONDITIONS].column,
    );
  let at = 0;
  let depth = 0;
  const next = (): Token | undefined => tokens[at];
  const is = (word: string) => next()?.type === 'word' && (next() as WordToken).text === word;
  const end = text.length + 1;

  function either(): Query {
    const parts = [all()];
    while (is('OR')) {
      at++;
      parts.push(all());
    }
    return parts.length === 1 ? parts[0] : { type: 'or', parts };
  }

  function all(): Query {
    const parts = [one()];
    for (;;) {
      if (is('AND')) at++;
      else if (next() === undefined || next()!.type === ')' || is('OR')) break;
      parts.push(one());
    }
    return parts.length === 1 ? parts[0] : { type: 'and', parts };
  }

  function one(): Query {
    const token = next();
    if (token === undefined) throw badQuery('the query ends where a condition should follow', end);
    if (token.type === 'minus' || is('NOT')) {
      at++;
      return nested(token, () => ({ type: 'not', part: one() }));
    }
    if (token.type === '(') {
      at++;
      return nested(token, () => {
        const inner = either();
        if (next()?.type !== ')') throw badQuery('this parenthesis is not closed', token.column);
        at++;
        return inner;
      });
    }
    const joint = token.type === ')' ? ')' : ['AND', 'OR'].find(is);
    if (joint !== undefined) throw badQuery(`a condition should stand before "${joint}"`, token.column);
    at++;
    return token.type === 'term' ? token : word(token as WordToken);
  }

  function nested(token: Token, read: () => Query): Query {
    if (++depth > MAX_DEPTH) throw badQuery('the query is nested too deeply', token.column);
    const query = read();
    depth--;
    return query;
  }

  if (tokens.length === 0) return undefined;
  const query = either();
  if (next() !== undefined) throw badQuery('this parenthesis was never opened', next()!.column);
  return query;
}

const word = ({ text, column }: WordToken): Term => ({
  type: 'term',
  field: undefined,
  operator: ':',
  value: text,
  column,
  valueColumn: column,
});

interface WordToken {
  type: 'word' | 'quoted';
  text: string;
  column: number;
}
type Token = WordToken | Term | { type: '(' | ')' | 'minus'; column: number };

const FIELD = /([\p{L}_-]+)(!=|<=|>=|[:=<>])/uy;
const WORD = /[^\s()"]+/uy;
const SPACE = /\s*/uy;

function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const quoted = (): string => {
    const start = at++;
    let value = '';
    for (; at < text.length; at++) {
      if (text[at] === '\\' && /["\\]/.test(text[at + 1] ?? '')) value += text[++at];
      else if (text[at] === '"') {
        at++;
        return value;
      } else value += text[at];
    }
    throw badQuery(
      'this quotation mark is not closed',
      start + 1,
      'Write \\" for a quotation mark within quotes.',
    );
  };
  for (take(SPACE); at < text.length; take(SPACE)) {
    const column = at + 1;
    const char = text[at];
    if (char === '(' || char === ')') {
      tokens.push({ type: char, column });
      at++;
      continue;
    }
    if (char === '-' && /[^\s-]/.test(text[at + 1] ?? '')) {
      tokens.push({ type: 'minus', column });
      at++;
      continue;
    }
    if (char === '"') {
      tokens.push({ type: 'quoted', text: quoted(), column });
      continue;
    }
    const named = take(FIELD);
    if (!named) {
      tokens.push({ type: 'word', text: take(WORD)![0], column });
      continue;
    }
    const [, field, operator] = named;
    const valueColumn = at + 1;
    const value = text[at] === '"' ? quoted() : take(WORD)?.[0];
    if (value === undefined) throw badQuery(`a value should follow "${field}${operator}"`, valueColumn);
    tokens.push({ type: 'term', field, operator: operator as Operator, value, column, valueColumn });
  }
  return tokens;
}

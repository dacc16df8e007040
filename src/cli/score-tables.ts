/** Figures of captions as people read them. */
import type { CaptionStyle, Difference, Frequent, Interval, StyleDifference } from '../metrics/index.ts';
import { counted, printable } from './output.ts';

/** Values by the name of their metric. */
export type Scores = { readonly [name: string]: number };

/** A line a metric: score and interval, and beside another set's score the difference with its interval and p. */
export function scoreTable(
  { metrics, intervals }: { metrics: Scores; intervals: Record<string, Interval> },
  compared?: { metrics: Scores; differences: Record<string, Difference> },
): string[] {
  const header = ['', 'score', 'interval', ...(compared ? ['other', 'difference', 'interval', 'p'] : [])];
  const rows = Object.keys(metrics).map((name) => {
    const own = [name, score(metrics[name]), range(intervals[name])];
    if (compared === undefined) return own;
    // A metric that the other set has not: RefCLIPScore where some of its pictures have no references.
    if (!(name in compared.differences)) return [...own, '', '', '', ''];
    const { difference, interval, p } = compared.differences[name];
    return [
      ...own,
      score(compared.metrics[name]),
      signed(difference),
      range(interval, signed),
      p < 0.001 ? '<0.001' : p.toFixed(3),
    ];
  });
  return columns([header, ...rows]);
}

/** A line an image, tab-separated under a header. */
export function perImageLines(
  ids: readonly string[],
  metrics: Scores,
  perImage: readonly object[],
): string[] {
  const names = Object.keys(metrics);
  const rows = perImage.map((scores, i) => [
    printable(ids[i]),
    ...names.map((name) => score((scores as Scores)[name])),
  ]);
  return [['image', ...names], ...rows].map((row) => row.join('\t'));
}

export function styleLines(name: string, style: CaptionStyle): string[] {
  const { letterCase, whiteSpace, length, vocabulary, distinct, repetition, duplicates } = style;
  const cases = Object.entries(letterCase)
    .filter(([, share]) => share > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([text, share]) => `${text} ${percent(share)}`);
  const rows = [
    ['letter case', cases.join(', ')],
    ['closing', list(style.closing)],
    [
      'white space',
      `before ${percent(whiteSpace.leading)}, behind ${percent(whiteSpace.trailing)}, doubled or broken ${percent(whiteSpace.inside)}`,
    ],
    [
      'words',
      `mean ${length.mean.toFixed(1)} ± ${length.deviation.toFixed(1)}, median ${length.median}, 90 % from ${length.p5} to ${length.p95}, all from ${length.least} to ${length.most}`,
    ],
    ['first words', list(style.firstWords)],
    ['openings', list(style.openings)],
    [
      'vocabulary',
      `${vocabulary.words.toLocaleString('en')} words, ${percent(vocabulary.once)} of them once; the 100 commonest are ${percent(vocabulary.top100)} of the text`,
    ],
    ['distinct-1, -2, -3', distinct.map((share) => share.toFixed(3)).join(', ')],
    [
      'repetition',
      `a word twice in a row ${percent(repetition.doubledWord)}, three words twice ${percent(repetition.repeatedTrigram)}`,
    ],
    ['of several images', [percent(duplicates.share), list(duplicates.most)].filter(Boolean).join(': ')],
  ];
  return [
    `${printable(name)}: ${counted(style.captions, 'caption')} of ${counted(style.images, 'image')}`,
    ...columns(rows.map((row) => ['', ...row])),
  ];
}

export function styleDifferenceLines({
  one,
  other,
  distance,
  firstWords,
  openings,
  vocabulary,
}: StyleDifference & { one: string; other: string }): string[] {
  const changes = (all: StyleDifference['openings']) =>
    all
      .map(({ text, one, other }) => `"${printable(text)}" ${percent(one)} and ${percent(other)}`)
      .join(', ');
  const rows = [
    ['letter case', distance.letterCase.toFixed(3)],
    ['closing', distance.closing.toFixed(3)],
    ['words', distance.length.toFixed(3)],
    ['first words', [distance.firstWords.toFixed(3), changes(firstWords)].filter(Boolean).join(': ')],
    ['openings', [distance.openings.toFixed(3), changes(openings)].filter(Boolean).join(': ')],
    [
      'vocabulary',
      `${distance.words.toFixed(3)}: ${vocabulary.shared.toLocaleString('en')} words in common, ${percent(vocabulary.ofOne)} and ${percent(vocabulary.ofOther)} of each`,
    ],
  ];
  return [
    `${printable(one)} and ${printable(other)}: how far apart, from 0 (alike) to 1 (nothing in common)`,
    ...columns(rows.map((row) => ['', ...row])),
  ];
}

const score = (value: number): string => value.toFixed(4);
const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
const range = ([low, high]: Interval, write = score): string => `${write(low)} to ${write(high)}`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const list = (all: readonly Frequent[]): string =>
  all.map(({ text, share }) => `"${printable(text)}" ${percent(share)}`).join(', ');

/** Rows as columns of even width, two spaces apart; the first row may be a header. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, k) => Math.max(...rows.map((row) => row[k].length)));
  return rows.map((row) =>
    row
      .map((cell, k) => cell.padEnd(widths[k]))
      .join('  ')
      .trimEnd(),
  );
}

/** Scores of captions against references. */
import { type Paired, pairCaptions, type References } from '../data/index.ts';
import { type CaptionMetric, type ScoreReport, scoreCaptions } from '../metrics/index.ts';
import { counted } from './output.ts';
import { type Part, type PartOptions, type Sets, tell } from './score-part.ts';
import { perImageLines } from './score-tables.ts';

export interface TextOptions extends PartOptions {
  metrics?: CaptionMetric[];
  tokenized: boolean;
}

/** @param place of the references, for errors. */
export async function scoreTexts(
  sets: Sets,
  references: References,
  place: string,
  options: TextOptions,
): Promise<Part> {
  const { metrics } = options;
  const paired = pairCaptions(sets, references, place);
  const tokenize = options.tokenized ? (text: string) => text.split(/\s+/).filter(Boolean) : undefined;
  const reports: ScoreReport[] = [];
  for (const candidates of paired.candidates)
    reports.push(await scoreCaptions(candidates, paired.references, { metrics, tokenize }));
  const [report] = reports;
  const told = reports.map((one) => ({ ...one, besides: { details: one.details } }));
  const { table, record } = tell(told, paired.ids, options);
  const count = paired.references.reduce((sum, own) => sum + own.length, 0);
  return {
    title: `${counted(report.n, 'image')}, ${counted(count, 'reference')}`,
    lines: [
      ...table,
      ...(options.perImage ? perImageLines(paired.ids, report.metrics, report.perImage) : []),
    ],
    notes: [...detailLines(report), ...report.notes],
    warnings: [...new Set([...pairingWarnings(paired), ...reports.flatMap(({ warnings }) => warnings)])],
    leftOut: paired.withoutReference.length + paired.withoutCounterpart.length > 0,
    record,
  };
}

/** "SPICE: Object 0.2570, Attribute 0.0415, …" */
const detailLines = ({ details }: ScoreReport): string[] =>
  Object.entries(details).map(([metric, parts]) => {
    const values = Object.entries(parts).map(([name, value]) => `${name} ${value.toFixed(4)}`);
    return `${metric}: ${values.join(', ')}`;
  });

/** What had to be left out, in sentences. */
function pairingWarnings({ withoutReference, withoutCounterpart, withoutCandidate }: Paired): string[] {
  const sentence = (ids: readonly string[], noun: string, what: string) =>
    ids.length === 0
      ? []
      : [`${counted(ids.length, noun)} ${what}: ${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ' …' : ''}`];
  return [
    ...sentence(withoutReference, 'caption', 'left out, without references'),
    ...sentence(withoutCounterpart, 'caption', 'left out, of images that only one of the files has'),
    ...sentence(withoutCandidate, 'image', 'with references but without a caption'),
  ];
}

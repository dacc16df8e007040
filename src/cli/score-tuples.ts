/** What captions say, counted in tuples of their scene graphs. */
import { pairCaptions, type References } from '../data/index.ts';
import { tupleFigures } from '../metrics/index.ts';
import { loadSceneGraphParser } from '../text/scene-graph/index.ts';
import { counted } from './output.ts';
import { type Part, type PartOptions, type Sets, tell } from './score-part.ts';

/**
 * Captions without references are left out; the part of the texts tells of them.
 * @param place of the references, for errors.
 */
export async function scoreTuples(
  sets: Sets,
  references: References,
  place: string,
  options: PartOptions,
): Promise<Part> {
  const paired = pairCaptions(sets, references, place);
  const parser = await loadSceneGraphParser();
  const reports = paired.candidates.map((texts) => {
    const items = texts.map((candidateText, i) => ({ candidateText, referenceTexts: paired.references[i] }));
    const { metrics, perImage, additive } = tupleFigures(items, parser);
    return { metrics: { ...metrics }, parts: [{ names: Object.keys(metrics), additive }], perImage };
  });
  const { table, record } = tell(reports, paired.ids, options);
  return {
    title: `${counted(paired.ids.length, 'image')}, by what their captions say`,
    lines: table,
    notes: ['Words to True: per caption. Hallucination: share of what is said that no reference says.'],
    warnings: [],
    leftOut: paired.withoutReference.length + paired.withoutCounterpart.length > 0,
    record,
  };
}

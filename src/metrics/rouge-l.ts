import { additiveMean } from './additive.ts';
import { type MetricItem, type MetricResult, mean, requireReferences } from './item.ts';

const BETA = 1.2;

/**
 * ROUGE-L (Lin 2004) as the COCO evaluation has it: F-measure with β = 1.2 of the longest common subsequence, precision
 * and recall each from the reference that is best for it. In [0, 1]; the corpus value is the mean.
 * @throws RecaptionError `no-references`.
 */
export function rougeL(items: readonly MetricItem[]): MetricResult {
  requireReferences(items);
  const perImage = items.map(score);
  return { corpus: mean(perImage), perImage, additive: additiveMean(perImage) };
}

function score({ candidate, references }: MetricItem): number {
  let precision = 0;
  let recall = 0;
  for (const reference of references) {
    const common = longestCommonSubsequence(candidate, reference);
    if (common === 0) continue;
    precision = Math.max(precision, common / candidate.length);
    recall = Math.max(recall, common / reference.length);
  }
  if (precision === 0) return 0;
  return ((1 + BETA ** 2) * precision * recall) / (recall + BETA ** 2 * precision);
}

function longestCommonSubsequence(a: readonly string[], b: readonly string[]): number {
  const row = new Int32Array(b.length + 1); // row[j]: of a's words so far and the first j of b
  for (const word of a) {
    let diagonal = 0;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j];
      row[j] = word === b[j - 1] ? diagonal + 1 : Math.max(above, row[j - 1]);
      diagonal = above;
    }
  }
  return row[b.length];
}

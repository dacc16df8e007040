/**
 * Scores of a set of images that follow from sums over the images: what each image adds, and the scores of a total. Whoever
 * has this can score any resampling of the set without looking at a caption again.
 */
export interface Additive {
  /** (images, width): a row of summands for each image. */
  rows: Float64Array;
  width: number;
  /** The scores of a sum of rows; NaN where these rows say nothing of a score: such draws are left out of intervals. */
  scores(sum: Float64Array): number[];
}

export function additive(
  rows: readonly (readonly number[])[],
  width: number,
  scores: (sum: Float64Array) => number[],
): Additive {
  const all = new Float64Array(rows.length * width);
  for (const [i, row] of rows.entries()) all.set(row, i * width);
  return { rows: all, width, scores };
}

/** The plain mean over the images; 0 for no images. */
export function additiveMean(perImage: readonly number[]): Additive {
  const rows = perImage.map((value) => [value, 1]);
  return additive(rows, 2, ([sum, count]) => [sum / Math.max(1, count)]);
}

/** The sum of all rows, or of those of the images `chosen`, each as often as it is there. */
export function sumRows({ rows, width }: Additive, chosen?: Int32Array): Float64Array {
  const sum = new Float64Array(width);
  const count = chosen === undefined ? rows.length / width : chosen.length;
  for (let i = 0; i < count; i++) {
    const start = (chosen === undefined ? i : chosen[i]) * width;
    for (let k = 0; k < width; k++) sum[k] += rows[start + k];
  }
  return sum;
}

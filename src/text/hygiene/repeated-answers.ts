/** By which answers are the same: Unicode form, case, white space, and punctuation at both ends do not count. */
export function answerKey(text: string): string {
  return text
    .normalize('NFC')
    .toLowerCase()
    .replace(/\s+/gu, ' ')
    .replace(/^[\p{P}\s]+|(?<![\p{P}\s])[\p{P}\s]+$/gu, '');
}

const AT_LEAST = 5;

/**
 * The answers that suspiciously many images have, by `answerKey`. Suspicious is more than the square root of the number
 * of images, and at least 5: 10 of 100, 100 of 10,000, 1,000 of a million. People who described 6,000 photos of a narrow
 * field, many of them of dogs in grass, gave no caption of 36,000 more than 7 times; a captioner that repeats itself
 * honestly does so for some images of a kind, while a stuck one does for a share of all. The root lies far from both.
 * @param counts number of images by `answerKey`
 * @param total number of images that have an answer
 * @param options `images`: from how many images on an answer is suspicious, instead of the root
 */
export function repeatedAnswers(
  counts: ReadonlyMap<string, number>,
  total: number,
  { images = Math.max(AT_LEAST, Math.floor(Math.sqrt(total)) + 1) }: { images?: number } = {},
): Set<string> {
  return new Set([...counts].filter(([, count]) => count >= images).map(([key]) => key));
}

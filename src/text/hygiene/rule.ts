export interface HygieneOptions {
  /** Counts the tokens of a text, for `too-long`. */
  countTokens?(text: string): number;
  /** Most tokens that a caption may have; `too-long` does nothing without it and `countTokens`. */
  maxTokens?: number;
}

/**
 * Mends one kind of fault. No rule invents words: what it leaves was in the caption, apart from letter case and a form of
 * "be" where `hedge` puts one. Each takes time linear in the text.
 */
export interface HygieneRule {
  name: string;
  /** One line for people: what it does, with an example. */
  about: string;
  /**
   * The mended text; '' when nothing worth keeping is left; the same string when there is no fault. A rule without it
   * needs the whole collection.
   */
  mend?(text: string, options: HygieneOptions): string;
}

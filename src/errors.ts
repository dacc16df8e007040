/** Options that say where something went wrong and what the user can do about it. */
export interface ErrorDetails {
  /** File, line, key or tensor name. */
  place?: string;
  /** One sentence: what to do next. */
  hint?: string;
  cause?: unknown;
}

/**
 * Every failure a user can cause or meet. `code` is stable and documented in `docs/errors.md`; the message is one
 * sentence. Anything else that is thrown is a defect of ours.
 */
export class RecaptionError extends Error {
  readonly code: string;
  readonly place: string | undefined;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'RecaptionError';
    this.code = code;
    this.place = details.place;
    this.hint = details.hint;
  }
}

/** The command was typed wrongly (exit status 2): an unknown option, a value out of range, a missing argument. */
export class UsageError extends RecaptionError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('usage', message, details);
    this.name = 'UsageError';
  }
}

/** The words of any thrown value, for embedding in a sentence of ours: the first line, without the class name. */
export function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0].trim();
}

/** What an error goes back to: the last of its causes. */
export function rootOf(error: unknown): Error & { code?: string } {
  let root = error as Error & { code?: string };
  while (root?.cause instanceof Error) root = root.cause as Error & { code?: string };
  return root ?? new Error('unknown');
}

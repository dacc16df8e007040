import { countWords } from '../count-words.ts';
import { fault, type GraphReader, shareObjects, unreadable } from './contained.ts';
import { askedFor } from './follow-up.ts';

/** Somebody who describes what prompts ask for: our language model, or one behind a server. */
export interface PromptWriter {
  /** Names it and its weights. */
  id: string;
  /** A description of each prompt; another one for another seed. */
  write(prompts: readonly string[], seeds: readonly number[]): Promise<string[]>;
}

/** What was asked and answered before. */
export interface Turn {
  prompt: string;
  /** The prompt with what earlier turns had said of it. */
  asked: string;
  upsampled: string;
}

export interface Upsampled extends Turn {
  /** A description that was written; the prompt with one behind it; the prompt, where none did. */
  how: 'written' | 'joined' | 'kept';
  /** Descriptions that were asked for. */
  tries: number;
  /** Why the last one that did not do did not. */
  fault?: string;
}

export interface UpsampleOptions {
  writer: PromptWriter;
  parser: GraphReader;
  /** Of one conversation, the last turn last; for a single prompt. */
  history?: readonly Turn[];
  seed?: number;
  /** Descriptions that are asked for, at most. */
  tries?: number;
}

/** Paper A's bounds on what is written. */
export const WORDS = { least: 15, most: 80 };

/**
 * Makes prompts longer. What comes out says every object, attribute, number and relation of what was asked for and nothing against it, in
 * 15 to 80 words; where no description does, the prompt stays as it is, and so does one that says what shall not be there: nobody could check that.
 */
export async function upsample(
  prompts: readonly string[],
  { writer, parser, history = [], seed = 0, tries = 4 }: UpsampleOptions,
): Promise<Upsampled[]> {
  const last = history.at(-1)?.asked;
  const results = prompts.map((prompt): Upsampled => {
    const asked = askedFor(prompt, last, parser);
    const why = countWords(asked) > 0 ? unreadable(asked, parser) : undefined;
    return { prompt, asked, upsampled: asked, how: 'kept', tries: 0, ...(why && { fault: why }) };
  });
  let open = [...results.keys()].filter(
    (i) =>
      countWords(prompts[i]) > 0 &&
      countWords(results[i].asked) < WORDS.most &&
      results[i].fault === undefined,
  );
  for (let k = 0; k < tries && open.length > 0; k++) {
    const written = await writer.write(
      open.map((i) => results[i].asked),
      open.map(() => seed + k),
    );
    for (const [n, i] of open.entries()) {
      const result = results[i];
      result.tries++;
      for (const [how, text] of forms(result.asked, written[n], parser)) {
        result.fault = faultOf(result.asked, text, parser);
        if (result.fault !== undefined) continue;
        Object.assign(result, { upsampled: text, how });
        break;
      }
    }
    open = open.filter((i) => results[i].how === 'kept');
  }
  for (const result of results) if (result.fault === undefined) delete result.fault;
  return results;
}

/** What was written, and the published form of upsampled prompts: the prompt, a full stop, and that, where it speaks of the same things. */
function forms(asked: string, written: string, parser: GraphReader): ['written' | 'joined', string][] {
  const joined = `${asked.trim().replace(/[.!?]+$/, '')}. ${written}`;
  return [['written', written], ...(shareObjects(asked, written, parser) ? [['joined', joined] as ['joined', string]] : [])]; // biome-ignore format: one line
}

function faultOf(asked: string, text: string, parser: GraphReader): string | undefined {
  const words = countWords(text);
  if (words < WORDS.least || words > WORDS.most) return `${words} words`;
  return fault(asked, text, parser);
}

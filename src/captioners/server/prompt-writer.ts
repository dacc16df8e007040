/** A language model behind a server, making prompts longer: the same contract as our own. */
import type { OpenAI } from 'openai';
import { RecaptionError } from '../../errors.ts';
import { type ConnectionOptions, connect } from '../../remote/connection.ts';
import { dialect } from '../../remote/dialect.ts';
import { keyOf, serverRef } from '../../remote/reference.ts';
import { Unusable } from '../../remote/unusable.ts';
import type { PromptWriter } from '../../text/upsample/index.ts';
import { captionIn, isRefusal } from './answer.ts';

/** What paper A asks of its upsampler (section 3.4 and appendix C, in words of ours). */
const INSTRUCTIONS = `You make short prompts for an image generator longer. Answer with the description alone: one paragraph of 15 to 80 words of plain English.
Keep everything that the prompt asks for, in its own words where you can: things, their number, colours, sizes, materials, places and relations, any quoted text, any style.
Add only what the prompt leaves open and what fits it: how the things look, where they are, the background, the light, the medium. Never contradict the prompt, never change a number or a side.
Do not address anybody, do not say "image of", do not explain.`;

/** Tokens that a description takes at most. */
const MOST_TOKENS = 220;
const TEMPERATURE = 0.7;

/** @throws RecaptionError `bad-server`, `server-*` */
export function serverPromptWriter(ref: string, options: ConnectionOptions = {}): PromptWriter & { close(): Promise<void> } {
  const server = serverRef(ref);
  const connection = connect(server, { key: keyOf(process.env, server.url), ...options });
  const own = dialect();
  const writeOne = async (prompt: string, seed: number): Promise<string> => {
    let text = '';
    const body = {
      model: server.model,
      messages: [
        { role: 'system' as const, content: INSTRUCTIONS },
        { role: 'user' as const, content: prompt },
      ],
      temperature: TEMPERATURE,
      max_tokens: MOST_TOKENS,
      seed,
    };
    const check = (answer: OpenAI.Chat.ChatCompletion) => {
      const message = answer?.choices?.[0]?.message;
      text = message ? captionIn(message) : '';
      if (text === '') throw new Unusable('empty', 'its answer is empty');
    };
    await own
      .speak(body, (spoken) => connection.send((client, signal) => client.chat.completions.create(spoken, { signal }), MOST_TOKENS, check))
      .catch((error) => {
        // Of what the server will not have described the prompt stays as it is.
        const filtered = error instanceof RecaptionError && error.code === 'server-refused' && /content|policy|safety|filter|moderation/i.test(error.message);
        if (!filtered) throw error;
      });
    return isRefusal(text) ? '' : text.replace(/\s+/g, ' ');
  };
  return {
    id: `${server.model}@${server.url}`,
    write: (prompts, seeds) => Promise.all(prompts.map((prompt, i) => writeOne(prompt, seeds[i]))),
    close: async () => {},
  };
} // biome-ignore format: one line

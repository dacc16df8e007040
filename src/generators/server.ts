/** A server's text-to-image model, as a generator: `openai:MODEL@URL`. */
import { z } from 'zod';
import { RecaptionError } from '../errors.ts';
import { decodeImage } from '../image/index.ts';
import { type ConnectionOptions, connect } from '../remote/connection.ts';
import { keyOf, serverRef } from '../remote/reference.ts';
import { Unusable } from '../remote/unusable.ts';
import type { GenerateRequest, Generator } from './generator.ts';

export interface ServerGeneratorOptions extends ConnectionOptions {
  /** Width and height asked for, in pixels; default: the server's own, told by its first picture. */
  size?: number;
  /** Pictures under way at once. */
  batch?: number;
}

const BATCH = 4;
/** A picture in base64, and some room. */
const MOST_BYTES = 64 * 2 ** 20;
/** Letters of a prompt that servers take at least. */
const LONGEST_PROMPT = 4000;

const answerSchema = z.object({ data: z.array(z.object({ b64_json: z.string().min(1) })).min(1) });

/** @throws RecaptionError `bad-server`, `server-*` */
export async function openServerGenerator(
  ref: string,
  options: ServerGeneratorOptions = {},
): Promise<Generator> {
  const server = serverRef(ref);
  const connection = connect(server, { key: keyOf(process.env), ...options }, MOST_BYTES);
  const { size, batch = BATCH } = options;
  const wanted = size === undefined ? undefined : (`${size}x${size}` as const);
  const drawOne = async (prompt: string, seed: number) => {
    const body = { model: server.model, prompt, n: 1, response_format: 'b64_json', seed, ...(wanted && { size: wanted }) }; // biome-ignore format: one line
    let data = '';
    await connection.send(
      (client, signal) => client.post('/images/generations', { body, signal }),
      0,
      (answer) => {
        const read = answerSchema.safeParse(answer);
        if (!read.success) throw new Unusable('answer', 'its answer has no picture in base64');
        data = read.data.data[0].b64_json;
      },
    );
    return decodeImage(Buffer.from(data, 'base64'));
  };
  const models = await connection.models();
  if (models && models.length > 0 && !models.includes(server.model)) {
    throw new RecaptionError('server-no-model', `the server has no model "${server.model}"`, {
      place: server.url,
      hint: `It has ${models.slice(0, 8).map((one) => `"${one}"`).join(', ')}.`,
    }); // biome-ignore format: one line
  }
  return {
    id: `${server.model}@${server.url}`,
    size: size ?? 0,
    batch,
    defaults: {},
    check(prompt) {
      if (prompt.trim() === '') throw new RecaptionError('prompt-empty', 'a prompt has no words', { hint: 'Say what is to be drawn.' }); // biome-ignore format: one line
      if (prompt.length > LONGEST_PROMPT) throw new RecaptionError('prompt-too-long', `a prompt has ${prompt.length} letters`, { hint: `Servers take ${LONGEST_PROMPT}.` }); // biome-ignore format: one line
    },
    generate: (prompts, { seeds = prompts.map((_, i) => i) }: GenerateRequest = {}) =>
      Promise.all(prompts.map((prompt, i) => drawOne(prompt, seeds[i]))),
    close: async () => {},
  };
}

/** A server's text-to-image model, as a generator: `openai:MODEL@URL`. */
import { z } from 'zod';
import { RecaptionError } from '../errors.ts';
import { decodeImage, type Image } from '../image/index.ts';
import { type ConnectionOptions, connect, mustHaveModel } from '../remote/connection.ts';
import { dialect } from '../remote/dialect.ts';
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
  const connection = connect(server, { key: keyOf(process.env, server.url), ...options }, MOST_BYTES);
  const { size, batch = BATCH } = options;
  const wanted = size === undefined ? undefined : (`${size}x${size}` as const);
  const own = dialect();
  const drawOne = async (prompt: string, seed: number) => {
    const body = { model: server.model, prompt, n: 1, response_format: 'b64_json', seed, ...(wanted && { size: wanted }) }; // biome-ignore format: one line
    let data = '';
    const check = (answer: unknown) => {
      const read = answerSchema.safeParse(answer);
      if (!read.success && /"url":/.test(JSON.stringify(answer ?? null).slice(0, 500))) throw new RecaptionError('server-refused', 'the server sends addresses of pictures, not pictures', { place: server.url, hint: 'Set it up to answer with b64_json.' }); // biome-ignore format: one line
      if (!read.success) throw new Unusable('answer', 'its answer has no picture in base64');
      data = read.data.data[0].b64_json;
    };
    await own.speak(body, (spoken) =>
      connection.send(
        (client, signal) => client.post('/images/generations', { body: spoken, signal }),
        0,
        check,
      ),
    );
    return decodeImage(Buffer.from(data, 'base64')).catch((cause) => {
      throw new RecaptionError('server-failed', 'what the server sends is no picture', {
        place: server.url,
        hint: "The server's log may say more.",
        cause,
      });
    });
  };
  /** Pictures that were drawn together with one that was refused: they will be asked for again. */
  const paid = new Map<string, Image>();
  await mustHaveModel(connection);
  return {
    id: `${server.model}@${server.url}`,
    size: size ?? 0,
    batch,
    defaults: {},
    check(prompt) {
      if (prompt.trim() === '') throw new RecaptionError('prompt-empty', 'a prompt has no words', { hint: 'Say what is to be drawn.' }); // biome-ignore format: one line
      if (prompt.length > LONGEST_PROMPT) throw new RecaptionError('prompt-too-long', `a prompt has ${prompt.length} letters`, { hint: `Servers take ${LONGEST_PROMPT}.` }); // biome-ignore format: one line
    },
    async generate(prompts, { seeds = prompts.map((_, i) => i) }: GenerateRequest = {}) {
      const keys = prompts.map((prompt, i) => `${seeds[i]} ${prompt}`);
      const drawn = await Promise.allSettled(prompts.map((prompt, i) => paid.get(keys[i]) ?? drawOne(prompt, seeds[i]))); // biome-ignore format: one line
      for (const key of keys) paid.delete(key);
      const refused = drawn.find((one) => one.status === 'rejected');
      if (!refused) return drawn.map((one) => (one as PromiseFulfilledResult<Image>).value);
      for (const [i, one] of drawn.entries()) if (one.status === 'fulfilled') paid.set(keys[i], one.value);
      throw refused.reason;
    },
    close: async () => {},
  };
}

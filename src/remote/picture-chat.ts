/** Asks a vision-language model behind a server about pictures: what each server takes is found out once, what is spent is counted. */
import type { OpenAI } from 'openai';
import { RecaptionError } from '../errors.ts';
import { encodeJpeg, type Image, resizeImage } from '../image/index.ts';
import type { Connection } from './connection.ts';
import { dialect } from './dialect.ts';
import { Unusable } from './unusable.ts';

export interface PictureQuestion {
  system?: string;
  prompt: string;
  /** Tokens of the answer at most. */
  maxTokens: number;
  temperature?: number;
  topP?: number;
  seed?: number;
  /** Schema of an answer in JSON, by the name it goes under. */
  structured?: { name: string; schema: Record<string, unknown> };
  /** Also how sure the model is of each token, and of so many others in its place. */
  logprobs?: boolean | number;
}

/** With the mean log-probability of a token, where a server of ours says it. */
export type PictureAnswer = OpenAI.Chat.ChatCompletion.Choice & { score?: number };

/** What requests took so far. */
export interface Cost {
  requests: number;
  /** Requests that had to be made again, by what went wrong. */
  faults: Record<string, number>;
  tokensIn: number;
  tokensOut: number;
  /** In the currency of the prices that were given; absent where none were. */
  price?: number;
}

export interface PictureChatOptions {
  /** Longest side that pictures are sent with, in pixels. */
  maxSide?: number;
  /** Of a million tokens, in any currency. */
  prices?: { in: number; out: number };
}

export interface PictureChat {
  model: string;
  url: string;
  /**
   * @param read what an answer says; throws `Unusable` for one that says nothing, and another is asked for
   * @param tokens that it will probably take, for the limits
   * @throws RecaptionError those of `Connection.send`, and `server-no-vision`
   */
  ask<T>(image: Image, question: PictureQuestion, tokens: number, read: (answer: PictureAnswer) => T): Promise<T>; // biome-ignore format: one line
  cost(): Cost;
}

/** Longest side of a picture that is sent. */
export const MAX_SIDE = 1024;
/** Pixels along a side that models take for a token of a picture, about; only estimates need it. */
const PATCH = 28;
/** Letters of a token, about. */
const LETTERS = 4;

/** Tokens that a picture and some text will probably take. */
export function expectedTokens({ width, height }: { width: number; height: number }, letters: number, maxSide = MAX_SIDE): number {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  const picture = Math.ceil((width * scale) / PATCH) * Math.ceil((height * scale) / PATCH);
  return picture + Math.ceil(letters / LETTERS);
} // biome-ignore format: one line

export function pictureChat(connection: Connection, { maxSide = MAX_SIDE, prices }: PictureChatOptions = {}): PictureChat {
  const { model, url, traffic } = connection;
  const spent = { in: 0, out: 0 };
  const own = dialect();
  return {
    model,
    url,
    async ask(image, question, tokens, read) {
      const picture = await jpegUrl(image, maxSide);
      let result: { read: ReturnType<typeof read> } | undefined;
      const send = (body: Body) => {
        const check = (answer: OpenAI.Chat.ChatCompletion) => {
          const { usage } = answer ?? {};
          if (usage) {
            const [sent, received] = [usage.prompt_tokens ?? 0, usage.completion_tokens ?? 0];
            spent.in += sent;
            spent.out += received;
            connection.settle(tokens, sent + received);
          }
          const choice = answer?.choices?.[0];
          if (!choice?.message) throw new Unusable('answer', 'its answer has no message');
          const score = (answer as { recaption?: { score?: unknown } }).recaption?.score; // of a server of ours
          result = { read: read({ ...choice, ...(typeof score === 'number' && { score }) }) };
        };
        return connection.send((client, signal) => client.chat.completions.create(body, { signal }), tokens, check); // biome-ignore format: one line
      };
      await own.speak(bodyOf(model, question, picture), send).catch((error) => {
        throw visionless(error, url, model);
      });
      return result!.read;
    },
    cost: () => ({
      requests: traffic.requests,
      faults: { ...traffic.faults },
      tokensIn: spent.in,
      tokensOut: spent.out,
      ...(prices && { price: (spent.in * prices.in + spent.out * prices.out) / 1e6 }),
    }),
  };
} // biome-ignore format: one line

function visionless(error: unknown, url: string, model: string): unknown {
  if (!(error instanceof RecaptionError) || error.code !== 'server-refused') return error;
  if (!/image|vision|multimodal|mmproj|content.*(string|type)/i.test(error.message)) return error;
  return new RecaptionError('server-no-vision', `the model "${model}" does not look at pictures (${error.message})`, {
    place: url,
    hint: 'Name a vision-language model; llama.cpp wants its --mmproj as well.',
  }); // biome-ignore format: one line
}

type Body = OpenAI.Chat.ChatCompletionCreateParamsNonStreaming;

function bodyOf(model: string, question: PictureQuestion, picture: string): Body {
  const { system, prompt, maxTokens, temperature, topP, seed, structured, logprobs } = question;
  return {
    model,
    messages: [
      ...(system ? [{ role: 'system' as const, content: system }] : []),
      {
        role: 'user',
        content: [
          { type: 'text', text: prompt },
          { type: 'image_url', image_url: { url: picture } },
        ],
      },
    ],
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(seed !== undefined && { seed }),
    max_tokens: maxTokens,
    ...(logprobs && { logprobs: true, ...(typeof logprobs === 'number' && { top_logprobs: logprobs }) }),
    ...(structured && { response_format: { type: 'json_schema' as const, json_schema: { strict: true, ...structured } } }), // biome-ignore format: one line
  };
}

async function jpegUrl(image: Image, maxSide: number): Promise<string> {
  const scale = maxSide / Math.max(image.width, image.height);
  const size = { width: Math.max(1, Math.round(image.width * scale)), height: Math.max(1, Math.round(image.height * scale)) }; // biome-ignore format: one line
  const jpeg = await encodeJpeg(scale < 1 ? await resizeImage(image, size) : image);
  return `data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}`;
}

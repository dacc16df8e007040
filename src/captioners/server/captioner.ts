/** A vision-language model behind an OpenAI-compatible server, as a captioner. */
import { createHash } from 'node:crypto';
import type { OpenAI } from 'openai';
import { RecaptionError } from '../../errors.ts';
import { encodeJpeg, type Image, resizeImage } from '../../image/index.ts';
import { type Connection, type ConnectionOptions, connect, Unusable } from '../../remote/connection.ts';
import { keyOf, serverRef } from '../../remote/reference.ts';
import type { CaptionCost, Captioner, CaptionRequest, CaptionResult, PictureContext } from '../captioner.ts';
import { captionIn, isRefusal } from './answer.ts';
import { loadRecipe, type PromptRecipe, promptFor, refines } from './recipe.ts';

export interface ServerCaptionerOptions extends ConnectionOptions {
  /** Recipe, by name or file. */
  recipe?: string;
  /** Longest side that pictures are sent with, in pixels. */
  maxSide?: number;
  /** Requests under way at once. */
  concurrency?: number;
  /** Of a million tokens, in any currency. */
  prices?: { in: number; out: number };
}

export const SERVER_DEFAULTS = { recipe: 'descriptive', maxSide: 1024, concurrency: 8 };

/** Pixels along a side that models take for a token of a picture, about; only estimates need it. */
const PATCH = 28;
/** Letters of a token, about. */
const LETTERS = 4;
/** So many pictures in a row without an answer: nobody is there any more, and the job shall stop before it has failed them all. */
const MOST_FAILED = 12;

/** Tokens that a picture will probably take: those that are sent, and those that come back. */
export function expectedTokens(
  recipe: PromptRecipe,
  { width, height }: { width: number; height: number },
  maxSide: number,
): { in: number; out: number } {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  const picture = Math.ceil((width * scale) / PATCH) * Math.ceil((height * scale) / PATCH);
  const letters = (recipe.system ?? '').length + promptFor(recipe, undefined).length;
  const words = recipe.words?.most ?? recipe.maxTokens / 2;
  return { in: picture + Math.ceil(letters / LETTERS), out: Math.ceil(Math.min(recipe.maxTokens, words * 1.4)) }; // biome-ignore format: one line
}

/**
 * Opens `openai:MODEL@URL`, and sees that the server has that model.
 * @throws RecaptionError `bad-server`, `no-recipe`, `bad-recipe`, `server-*`
 */
export async function openServerCaptioner(ref: string, options: ServerCaptionerOptions = {}): Promise<Captioner & { recipe: PromptRecipe }> {
  const server = serverRef(ref);
  const name = options.recipe ?? SERVER_DEFAULTS.recipe;
  const recipe = await loadRecipe(name);
  const connection = connect(server, { key: keyOf(process.env), ...options });
  await mustHave(connection);
  return serverCaptioner(connection, recipe, options);
} // biome-ignore format: one line

/** Servers that do not list their models are believed. */
async function mustHave(connection: Connection): Promise<void> {
  const { model, url } = connection;
  const models = await connection.models();
  if (!models || models.length === 0 || models.includes(model)) return;
  const shown = models.slice(0, 8).map((one) => `"${one}"`).join(', '); // biome-ignore format: one line
  throw new RecaptionError('server-no-model', `the server has no model "${model}"`, {
    place: url,
    hint: `It has ${shown}${models.length > 8 ? ' and others' : ''}.`,
  });
}

export function serverCaptioner(
  connection: Connection,
  recipe: PromptRecipe,
  { maxSide = SERVER_DEFAULTS.maxSide, concurrency = SERVER_DEFAULTS.concurrency, prices }: ServerCaptionerOptions, // biome-ignore format: one line
): Captioner & { recipe: PromptRecipe } {
  const { model, url, traffic } = connection;
  const { about: _, ...deciding } = recipe;
  const digest = createHash('sha256').update(JSON.stringify(deciding)).digest('hex').slice(0, 8);
  const spent = { in: 0, out: 0 };
  /** What the server has shown that it does not take. */
  const dialect = { newLimit: false, structured: recipe.structured, logprobs: recipe.logprobs };
  let failedInARow = 0;

  const ask = async (
    image: Image,
    request: CaptionRequest,
    context?: PictureContext,
  ): Promise<CaptionResult> => {
    const tokens = expectedTokens(recipe, image, maxSide);
    const picture = await jpegUrl(image, maxSide);
    const body = () => requestBody(model, recipe, dialect, request, promptFor(recipe, context), picture);
    let refused: string | undefined;
    const check = (answer: Answer) => {
      const { usage } = answer ?? {};
      if (usage) {
        spent.in += usage.prompt_tokens ?? 0;
        spent.out += usage.completion_tokens ?? 0;
        connection.settle(
          tokens.in + tokens.out,
          (usage.prompt_tokens ?? 0) + (usage.completion_tokens ?? 0),
        );
      }
      const message = answer?.choices?.[0]?.message;
      if (!message) throw new Unusable('answer', 'its answer has no message');
      refused = message.refusal ?? undefined;
      if (refused || answer.choices[0].finish_reason === 'content_filter') return;
      if (captionIn(message, dialect.structured) === '') throw new Unusable('empty', 'its answer is empty');
    };
    const send = (): Promise<Answer> =>
      connection.send((client, signal) => client.chat.completions.create(body(), { signal }), tokens.in + tokens.out, check); // biome-ignore format: one line
    const answer = await send().catch((error) => {
      if (!(error instanceof RecaptionError) || error.code !== 'server-refused') throw error;
      if (!adapt(dialect, error.message)) throw visionless(error, url, model);
      return send();
    });
    const [choice] = answer.choices;
    const text = captionIn(choice.message, dialect.structured);
    const why = refused ?? (choice.finish_reason === 'content_filter' ? 'the server filtered its answer' : isRefusal(text) ? text : undefined); // biome-ignore format: one line
    if (why !== undefined) return { text: '', failure: { code: 'refused', message: `the model refuses: ${why.slice(0, 200)}` } }; // biome-ignore format: one line
    const score = scoreOf(choice.logprobs);
    return { text, ...(score !== undefined && { score }) };
  };

  return {
    id: `${model}@${url} ${recipe.kind}-${digest}`,
    kind: recipe.kind,
    recipe,
    resolution: maxSide,
    batch: 1,
    concurrency,
    caption: (images, request = {}, contexts = []) =>
      Promise.all(
        images.map(async (image, i) => {
          const context = contexts[i];
          if (refines(recipe) && (context?.captions.length ?? 0) === 0)
            return { text: '', failure: { code: 'nothing-to-refine', message: 'the picture has no caption that could be refined' } }; // biome-ignore format: one line
          try {
            const result = await ask(image, request, context);
            failedInARow = 0;
            return result;
          } catch (error) {
            if (!(error instanceof RecaptionError) || !ONE_PICTURE.includes(error.code)) throw error;
            failedInARow++;
            if (failedInARow >= Math.max(MOST_FAILED, 2 * concurrency)) throw error;
            const empty = /\(empty:/.test(error.message);
            return {
              text: '',
              failure: { code: empty ? 'empty-caption' : error.code, message: error.message },
            };
          }
        }),
      ),
    cost: (): CaptionCost => ({
      requests: traffic.requests,
      faults: { ...traffic.faults },
      tokensIn: spent.in,
      tokensOut: spent.out,
      ...(prices && { price: (spent.in * prices.in + spent.out * prices.out) / 1e6 }),
    }),
    close: async () => {},
  };
}

/** What may go wrong with one picture while others succeed. */
const ONE_PICTURE = ['server-failed', 'server-refused'];

type Answer = OpenAI.Chat.ChatCompletion;
interface Dialect {
  newLimit: boolean;
  structured: boolean;
  logprobs: boolean;
}

/** Leaves out what the server says that it does not take. @returns false where it says nothing of the kind */
function adapt(dialect: Dialect, said: string): boolean {
  if (/max_completion_tokens/.test(said) && !dialect.newLimit) dialect.newLimit = true;
  else if (/response_format|json_schema/.test(said) && dialect.structured) dialect.structured = false;
  else if (/logprobs/.test(said) && dialect.logprobs) dialect.logprobs = false;
  else return false;
  return true;
}

function visionless(error: RecaptionError, url: string, model: string): RecaptionError {
  if (!/image|vision|multimodal|content.*(string|type)/i.test(error.message)) return error;
  return new RecaptionError('server-no-vision', `the model "${model}" does not look at pictures (${error.message})`, {
    place: url,
    hint: 'Name a vision-language model; llama.cpp wants its --mmproj as well.',
  }); // biome-ignore format: one line
}

function requestBody(
  model: string,
  recipe: PromptRecipe,
  { newLimit, structured, logprobs }: Dialect,
  { temperature, topP, maxTokens, seed }: CaptionRequest,
  prompt: string,
  picture: string,
): OpenAI.Chat.ChatCompletionCreateParamsNonStreaming {
  const limit = maxTokens ?? recipe.maxTokens;
  return {
    model,
    messages: [
      ...(recipe.system ? [{ role: 'system' as const, content: recipe.system }] : []),
      {
        role: 'user',
        content: [
          { type: 'text', text: prompt },
          { type: 'image_url', image_url: { url: picture } },
        ],
      },
    ],
    temperature: temperature ?? recipe.temperature,
    ...(topP !== undefined && { top_p: topP }),
    ...(seed !== undefined && { seed }),
    ...(newLimit ? { max_completion_tokens: limit } : { max_tokens: limit }),
    ...(logprobs && { logprobs: true }),
    ...(structured && { response_format: CAPTION_FORMAT }),
  };
}

const CAPTION_FORMAT = {
  type: 'json_schema' as const,
  json_schema: {
    name: 'caption',
    strict: true,
    schema: {
      type: 'object',
      properties: { caption: { type: 'string' } },
      required: ['caption'],
      additionalProperties: false,
    },
  },
};

async function jpegUrl(image: Image, maxSide: number): Promise<string> {
  const scale = maxSide / Math.max(image.width, image.height);
  const size = { width: Math.max(1, Math.round(image.width * scale)), height: Math.max(1, Math.round(image.height * scale)) }; // biome-ignore format: one line
  const jpeg = await encodeJpeg(scale < 1 ? await resizeImage(image, size) : image);
  return `data:image/jpeg;base64,${Buffer.from(jpeg).toString('base64')}`;
}

function scoreOf(logprobs: Answer['choices'][number]['logprobs']): number | undefined {
  const all = (logprobs?.content ?? []).map(({ logprob }) => logprob).filter((one) => Number.isFinite(one));
  return all.length > 0 ? all.reduce((a, b) => a + b, 0) / all.length : undefined;
}

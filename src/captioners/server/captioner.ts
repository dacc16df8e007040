/** A vision-language model behind an OpenAI-compatible server, as a captioner. */
import { RecaptionError } from '../../errors.ts';
import type { Image } from '../../image/index.ts';
import {
  type Connection,
  type ConnectionOptions,
  connect,
  forgiving,
  mustHaveModel,
} from '../../remote/connection.ts';
import {
  expectedTokens,
  MAX_SIDE,
  type PictureAnswer,
  type PictureChatOptions,
  type PictureQuestion,
  pictureChat,
} from '../../remote/picture-chat.ts';
import { keyOf, serverRef } from '../../remote/reference.ts';
import { Unusable } from '../../remote/unusable.ts';
import type { Captioner, CaptionRequest, CaptionResult, PictureContext } from '../captioner.ts';
import { captionIn, isBlind, isRefusal, wholeSentences } from './answer.ts';
import { loadRecipe, type PromptRecipe, promptFor, recipeDigest, refines } from './recipe.ts';

export interface ServerCaptionerOptions extends ConnectionOptions, PictureChatOptions {
  /** Recipe, by name or file. */
  recipe?: string;
}

export const SERVER_DEFAULTS = { recipe: 'descriptive', maxSide: MAX_SIDE, concurrency: 8 };

/** So many pictures in a row without an answer: nobody is there any more, and the job shall stop before it has failed them all. */
const MOST_FAILED = 12;

/** Tokens that a picture will probably take: those that are sent, and those that come back. */
export function captionTokens(
  recipe: PromptRecipe,
  size: { width: number; height: number },
  maxSide?: number,
): { in: number; out: number } {
  const { system = '', prompt } = promptFor(recipe);
  const letters = system.length + prompt.length;
  const words = recipe.words?.most ?? recipe.maxTokens / 2;
  return {
    in: expectedTokens(size, letters, maxSide),
    out: Math.ceil(Math.min(recipe.maxTokens, words * 1.4)),
  };
}

/**
 * Opens `openai:MODEL@URL`, and sees that the server has that model.
 * @throws RecaptionError `bad-server`, `no-recipe`, `bad-recipe`, `server-*`
 */
export async function openServerCaptioner(ref: string, options: ServerCaptionerOptions = {}): Promise<Captioner & { recipe: PromptRecipe }> {
  const server = serverRef(ref);
  const name = options.recipe ?? SERVER_DEFAULTS.recipe;
  const recipe = await loadRecipe(name);
  const { concurrency = SERVER_DEFAULTS.concurrency } = options;
  const connection = connect(server, { key: keyOf(process.env, server.url), ...options, concurrency });
  await mustHaveModel(connection);
  return serverCaptioner(connection, recipe, { ...options, concurrency });
} // biome-ignore format: one line

export function serverCaptioner(
  connection: Connection,
  recipe: PromptRecipe,
  { maxSide = SERVER_DEFAULTS.maxSide, concurrency = SERVER_DEFAULTS.concurrency, prices }: ServerCaptionerOptions, // biome-ignore format: one line
): Captioner & { recipe: PromptRecipe } {
  const chat = pictureChat(connection, { maxSide, prices });
  const { model, url } = chat;
  const mustSee = sight(url, model);
  const forgive = forgiving(Math.max(MOST_FAILED, 2 * concurrency));

  const ask = async (
    image: Image,
    request: CaptionRequest,
    context?: PictureContext,
  ): Promise<CaptionResult> => {
    const { temperature = recipe.temperature, topP, maxTokens = recipe.maxTokens, seed } = request;
    const question: PictureQuestion = {
      ...promptFor(recipe, context),
      logprobs: recipe.logprobs,
      ...{ maxTokens, temperature, topP, seed },
      structured: recipe.structured ? CAPTION_FORMAT : undefined,
    };
    const tokens = captionTokens(recipe, image, maxSide);
    return mustSee(await chat.ask(image, question, tokens.in + tokens.out, readCaption));
  };

  return {
    id: `${model}@${url} ${recipe.kind}-${recipeDigest(recipe)}`,
    kind: recipe.kind,
    recipe,
    resolution: maxSide,
    batch: 1,
    // As many are made ready while these are under way: the server shall not wait for us.
    concurrency: 2 * concurrency,
    caption: (images, request = {}, contexts = []) =>
      Promise.all(
        images.map(async (image, i) => {
          const context = contexts[i];
          if (refines(recipe) && (context?.captions.length ?? 0) === 0)
            return { text: '', failure: { code: 'nothing-to-refine', message: 'the picture has no caption that could be refined' } }; // biome-ignore format: one line
          return forgive(
            () => ask(image, request, context),
            ({ code, message }) => ({
              text: '',
              failure: { code: /\(empty:/.test(message) ? 'empty-caption' : code, message },
            }),
          );
        }),
      ),
    cost: chat.cost,
    close: async () => {},
  };
}

function readCaption({ message, finish_reason, logprobs, score }: PictureAnswer): CaptionResult {
  const fails = (code: string, why: string): CaptionResult => ({ text: '', failure: { code, message: why } });
  const filtered = finish_reason === 'content_filter';
  const cut = finish_reason === 'length';
  const answer = captionIn(message);
  const text = cut ? wholeSentences(answer) : answer;
  if (cut && text === '') return fails('caption-unfinished', 'the answer was cut before a sentence was finished: raise maxTokens in the recipe, or --max-tokens'); // biome-ignore format: one line
  if (!message.refusal && !filtered && text === '') throw new Unusable('empty', 'its answer is empty');
  const why = message.refusal || (filtered ? 'the server filtered its answer' : isRefusal(text) ? text : undefined); // biome-ignore format: one line
  if (isBlind(why || text)) return fails(NO_PICTURE, `the model says that it sees no picture: ${text.slice(0, 200)}`); // biome-ignore format: one line
  if (why) return fails('refused', `the model refuses: ${why.slice(0, 200)}`);
  const all = (logprobs?.content ?? []).map(({ logprob }) => logprob).filter((one) => Number.isFinite(one));
  const mean = all.length > 0 ? all.reduce((a, b) => a + b, 0) / all.length : score;
  return { text, ...(mean !== undefined && { score: mean }) };
}

const NO_PICTURE = 'no-picture-seen';
/** So many first answers without a picture: the model does not look at any. */
const FIRST_LOOKS = 3;

/** Throws where a model has never seen a picture, in so many answers. */
function sight(url: string, model: string) {
  let blind = 0;
  let sees = false;
  return (result: CaptionResult): CaptionResult => {
    if (result.failure?.code !== NO_PICTURE) sees ||= result.text !== '';
    else if (!sees && ++blind >= FIRST_LOOKS)
      throw new RecaptionError('server-no-vision', `the model "${model}" says of every picture that it sees none`, {
        place: url,
        hint: 'Name a vision-language model; llama.cpp wants its --mmproj as well.',
      }); // biome-ignore format: one line
    return result;
  };
}

const CAPTION_FORMAT = {
  name: 'caption',
  schema: {
    type: 'object',
    properties: { caption: { type: 'string' } },
    required: ['caption'],
    additionalProperties: false,
  },
};

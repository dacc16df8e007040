/** A vision-language model behind a server that says whether pictures show what was asked for (papers.md A4). */
import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import type { Image } from '../image/image.ts';
import { type ConnectionOptions, connect, forgiving } from '../remote/connection.ts';
import { type Cost, expectedTokens, MAX_SIDE, type PictureChatOptions, type PictureQuestion, pictureChat } from '../remote/picture-chat.ts'; // biome-ignore format: one line
import { keyOf, serverRef } from '../remote/reference.ts';
import { type Alternative, readYesNo, yesProbability } from './questions.ts';
import { readVerdict, type Verdict } from './verdict.ts';

/** What a judge answered. Without a verdict or a yes or no, it said neither however often it was asked. */
export interface Judgement {
  /** Its words. */
  response: string;
  verdict?: Verdict;
  yes?: boolean;
  /** Of yes against no, where the server tells how sure the model is. */
  probability?: number;
  /** Why there is no answer at all. */
  failure?: { code: string; message: string };
}

export interface Judge {
  /** Changes whenever the answers would: the model, and what it is told. */
  id: string;
  /** Longest side of a picture, in pixels, that it is sent. */
  resolution: number;
  /** Whether the picture is faithful to the prompt. Another seed judges anew. */
  verdict(image: Image, prompt: string, seed: number): Promise<Judgement>;
  /** A question that is answered with yes or no. */
  yes(image: Image, question: string): Promise<Judgement>;
  cost(): Cost;
}

/** What the judge is told, with the structure of DALL-E 3's (papers.md A4), in words of ours. */
const VERDICT = `You check pictures that an image generator made. You get one picture and the caption it was made for, and decide one thing only: is the picture faithful to the caption?

Captions are made to be hard, in one of these ways:
- spelling: letters or words of the caption are scrambled or misspelt; the picture should show what was meant.
- colour: things have the colours that the caption gives them, however unusual.
- counting: there are as many of a thing as the caption says.
- conflict: things stand together that one never sees together.
- description: a thing is described without its name; the picture should show that very thing.
- rare words: a word that few people know; the picture should show what it means.
- text: the picture should hold the quoted words, letter by letter.

Work like this. First say which of these the caption tests. Then go through each thing, number, colour, place, relation and text that the caption asks for, and say whether it is in the picture. It is incorrect only where you can name something asked for that is missing or different. Things that nobody asked for, an odd style, or slightly misshapen things do not make it incorrect.

End with a line that holds one word and nothing else: correct, or incorrect.`;
const ASK = 'Caption: ';
const YES = ' Answer with yes or no.';

/** Tokens of an answer at most: it thinks aloud. */
const VERDICT_TOKENS = 600;
const YES_TOKENS = 5;
/** Likeliest first words that a server is asked for; OpenAI gives 20 at most. */
const ALTERNATIVES = 10;
/** Times that a judge is asked that does not decide. */
const TIMES = 3;
/** Above 0, that repeated judgements are not the same by construction. */
const TEMPERATURE = 0.2;
/** So many failures in a row, and nobody is there. */
const MOST_FAILED = 24;

export interface JudgeOptions extends ConnectionOptions, PictureChatOptions {
  /** Requests under way at once. */
  concurrency?: number;
}

/** Requests under way at once. */
export const CONCURRENCY = 8;

/** @throws RecaptionError `bad-server`; later `server-*` */
export function openJudge(ref: string, { concurrency = CONCURRENCY, ...options }: JudgeOptions = {}): Judge {
  const server = serverRef(ref);
  const chat = pictureChat(connect(server, { key: keyOf(process.env, server.url), ...options }), options);
  const limit = pLimit(concurrency);
  const digest = createHash('sha256').update(JSON.stringify([VERDICT, ASK, YES, VERDICT_TOKENS, TEMPERATURE])).digest('hex').slice(0, 8); // biome-ignore format: one line
  const forgive = forgiving(MOST_FAILED);
  let broken: unknown;

  /** Asks until it is decided, or often enough. */
  async function ask(image: Image, question: PictureQuestion, seed: number, read: (text: string, alternatives: Alternative[], cut: boolean) => Omit<Judgement, 'response'> | undefined): Promise<Judgement> {
    const letters = (question.system ?? '').length + question.prompt.length;
    const tokens = expectedTokens(image, letters, options.maxSide) + question.maxTokens / 2;
    let [last, refused] = ['', 0];
    for (let time = 0; time < TIMES; time++) {
      const anew = { ...question, seed: seed * TIMES + time };
      const found = await chat.ask(image, anew, tokens, ({ message, logprobs, finish_reason: finish }) => {
        last = message.refusal || message.content || '';
        if (message.refusal || finish === 'content_filter') {
          refused++;
          return undefined;
        }
        const [first] = logprobs?.content ?? [];
        const alternatives = first?.top_logprobs?.length ? first.top_logprobs : first ? [first] : [];
        return read(last, alternatives, finish === 'length');
      });
      if (found) return { response: last, ...found };
    }
    return { response: last, ...(refused === TIMES && { failure: { code: 'refused', message: `the judge refuses: ${last.slice(0, 200)}` } }) };
  } // biome-ignore format: one line

  /** A few at once; after what no other picture would fare better with, none. */
  const patiently = (work: () => Promise<Judgement>): Promise<Judgement> =>
    limit(async () => {
      if (broken) throw broken; // who still waits need not ask
      try {
        return await forgive(work, ({ code, message }) => ({ response: '', failure: { code, message } }));
      } catch (error) {
        broken = error;
        throw error;
      }
    });

  return {
    id: `${server.model}@${server.url} ${digest}`,
    resolution: options.maxSide ?? MAX_SIDE,
    verdict: (image, prompt, seed) =>
      patiently(() =>
        ask(
          image,
          { system: VERDICT, prompt: `${ASK}${prompt}`, maxTokens: VERDICT_TOKENS, temperature: TEMPERATURE },
          seed,
          (text, _, cut) => {
            const verdict = readVerdict(text, cut);
            return verdict && { verdict };
          },
        ),
      ),
    yes: (image, question) =>
      patiently(() =>
        ask(
          image,
          { prompt: question + YES, maxTokens: YES_TOKENS, temperature: 0, logprobs: ALTERNATIVES },
          0,
          (text, alternatives) => {
            const probability = yesProbability(alternatives);
            const yes = readYesNo(text) ?? (probability === undefined ? undefined : probability >= 0.5);
            return yes === undefined ? undefined : { yes, ...(probability !== undefined && { probability }) };
          },
        ),
      ),
    cost: chat.cost,
  };
}

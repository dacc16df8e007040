import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { tryJson } from '../data/lines.ts';
import { RecaptionError, UsageError } from '../errors.ts';
import { exists, readError, writeFileAtomic } from '../files.ts';
import type { Device } from '../tensor/device.ts';
import { countWords } from '../text/count-words.ts';
import type { Turn } from '../text/upsample/index.ts';
import {
  addPatienceOptions,
  connectionOptions,
  refuseWithoutServer,
  type ServerPatience,
} from './caption-server.ts';
import type { Context, Register } from './main.ts';
import { deviceOption, wholeNumber } from './options.ts';
import { counted, printable } from './output.ts';
import { promptsOf } from './prompts.ts';

interface Options extends ServerPatience {
  prompts?: string;
  history?: string;
  with: string;
  tries: number;
  seed: number;
  device: Device;
}

export const register: Register = (program, context) => {
  const upsample = program
    .command('upsample')
    .summary('make prompts longer, for generators that learnt descriptions')
    .description(
      'Makes short prompts into descriptions of 15 to 80 words, which is what a generator expects that was trained on descriptive captions. All that a prompt asks for is kept, ' +
        'and nothing is said against it; a prompt that no description does for stays as it is.',
    )
    .argument('[prompt...]', 'what is to be drawn; with --history each is a turn of the conversation')
    .option('--prompts <file>', 'prompts: a line each, or JSON lines with "prompt"')
    .option(
      '--history <file>',
      'JSON lines of a conversation, read and gone on with: "make it blue" changes what was asked before',
    )
    .option(
      '--with <ref>',
      'language model: a folder, a name that comes with the package, or openai:MODEL@URL',
      'starter',
    )
    .option('--tries <n>', 'descriptions to ask for, at most', wholeNumber(1, 100), 4)
    .option('--seed <k>', 'the same seed writes the same', wholeNumber(0), 0)
    .addOption(deviceOption())
    .addHelpText('after', '\nExample:\n  $ recaption upsample "a small red circle"')
    .action((prompts: string[], options: Options) => upsampleCommand(prompts, options, context));
  addPatienceOptions(upsample);
};

async function upsampleCommand(words: string[], options: Options, context: Context): Promise<void> {
  const { output, signal } = context;
  const { prompts: file, history: place, with: ref, device, seed, tries } = options;
  if (words.length > 0 === (file !== undefined)) {
    throw new UsageError(
      words.length > 0 ? 'give prompts, or --prompts, not both' : 'which prompt shall become longer?',
      {
        hint: 'For example: recaption upsample "a small red circle"',
      },
    );
  }
  if (words.some((prompt) => prompt.trim() === ''))
    throw new UsageError('a prompt is empty', { hint: 'Say what is to be drawn, such as "a small red circle".' }); // biome-ignore format: one line
  if (place !== undefined && !(await exists(dirname(resolve(place)))))
    throw new UsageError('the folder of the conversation does not exist', { place, hint: 'Make it first, or name another file by --history.' }); // biome-ignore format: one line
  const prompts = file === undefined ? words : await promptsOf(file, undefined, { check: () => {} }, context);
  const history = place === undefined ? [] : await readHistory(place);
  const patience = { rpm: options.rpm, timeout: options.timeout }; // its tries are of descriptions
  refuseWithoutServer([ref], patience, '--with');
  const { loadPromptWriter } = await import('../captioners/prompt-writer.ts');
  const { loadSceneGraphParser } = await import('../text/scene-graph/index.ts');
  const { upsample } = await import('../text/upsample/index.ts');
  const writer = await loadPromptWriter(ref, { device, server: { ...connectionOptions(patience), signal } }); // biome-ignore format: one line
  try {
    const parser = await loadSceneGraphParser();
    const started = performance.now();
    // Turns follow from one another; other prompts are written together, a few at a time.
    const together = place === undefined ? AT_ONCE : 1;
    for (let at = 0; at < prompts.length && !signal.aborted; at += together) {
      const part = prompts.slice(at, at + together);
      for (const result of await upsample(part, { writer, parser, seed, tries, history })) {
        output.record({ kind: 'upsampled', writer: writer.id, seed, ...result });
        output.print(printable(result.upsampled.replace(/\s+/g, ' '))); // a line each, for --prompts
        if (result.how === 'kept' && countWords(result.asked) < LONG)
          output.note(
            `"${printable(result.asked)}" stays as it is: no description did (${result.fault ?? 'none was asked for'})`,
          );
        const { prompt, asked, upsampled } = result;
        if (asked === history.at(-1)?.asked && prompt !== asked) output.note(`"${printable(prompt)}" changes nothing that is understood: what was asked before stays`); // biome-ignore format: one line
        if (place === undefined) continue;
        history.push({ prompt, asked, upsampled });
        await writeFileAtomic(place, history.map((turn) => `${JSON.stringify(turn)}\n`).join(''));
      }
      const done = at + part.length;
      const rate = (1000 * done) / (performance.now() - started);
      if (prompts.length > AT_ONCE) output.progress({ label: 'writing', done, total: prompts.length, unit: 'prompts', rate, secondsLeft: (prompts.length - done) / rate }); // biome-ignore format: one line
    }
    if (prompts.length > AT_ONCE && !signal.aborted)
      output.note(`${counted(prompts.length, 'prompt')} by ${writer.id}`);
  } finally {
    await writer.close();
  }
}

const AT_ONCE = 16;
/** Prompts of so many words are long enough. */
const LONG = 80;

const turnSchema = z.object({ prompt: z.string(), asked: z.string(), upsampled: z.string() });

/** None where there is no file yet. @throws RecaptionError `bad-history` */
async function readHistory(place: string): Promise<Turn[]> {
  const text = await readFile(place, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return '';
    throw readError(place, error);
  });
  return text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .flatMap((line, i) => {
      if (line.trim() === '') return [];
      const { data } = turnSchema.safeParse(tryJson(line));
      if (data) return [data];
      throw new RecaptionError('bad-history', 'this line is no turn of a conversation', {
        place: `${place}:${i + 1}`,
        hint: 'A turn is an object with "prompt", "asked" and "upsampled", as `recaption upsample --history` writes it.',
      });
    });
}

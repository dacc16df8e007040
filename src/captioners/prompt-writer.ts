import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { RecaptionError } from '../errors.ts';
import { exists } from '../files.ts';
import { parseConfig } from '../models/captioner-config.ts';
import { languageLoss, languageModel } from '../models/language-model.ts';
import { hashOfWeights, loadWeights, modelFiles, readJson } from '../models/model-folder.ts';
import { random } from '../random.ts';
import type { ConnectionOptions } from '../remote/connection.ts';
import { isServerRef } from '../remote/reference.ts';
import { type Device, params } from '../tensor/index.ts';
import { loadTokenizer } from '../text/tokenizer.ts';
import type { PromptWriter } from '../text/upsample/index.ts';
import { serverPromptWriter } from './server/prompt-writer.ts';
import { beginning } from './train-prompt-writer.ts';

/** Prompt writers that come with the package, by name. */
const SHIPPED = fileURLToPath(new URL('../../assets/prompt-writers/', import.meta.url));

const count = z.int().positive();
const fileSchema = z.looseObject({
  type: z.literal('recaption-prompt-writer'),
  format: z.literal(1),
  model: z.strictObject({ vocabulary: count.max(1_000_000), width: count.max(16_384), layers: count.max(100), heads: count.max(1024), maxTokens: count.max(4096), dropout: z.number() }), // biome-ignore format: one line
  /** Name and version of one that comes with the package. */
  id: z.string().optional(),
});

const BATCH = 16;
/** How much is left to chance: the likeliest words alone repeat themselves. */
const SHARE = 0.4;

/**
 * The language model that makes prompts longer, by folder or name, or one of a server (`openai:MODEL@URL`); by default the one that comes with the package.
 * @throws RecaptionError `no-prompt-writer`, `bad-model`, `bad-weights`
 */
export async function loadPromptWriter(
  ref = 'starter',
  { device = 'cpu', server }: { device?: Device; server?: ConnectionOptions } = {},
): Promise<PromptWriter & { close(): Promise<void> }> {
  if (isServerRef(ref)) return serverPromptWriter(ref, server);
  const folder = await placeOf(ref);
  const files = await modelFiles(folder);
  const hint = 'The file was changed, or is of another kind or version: copy the whole model folder again.';
  const { model, id } = parseConfig(
    fileSchema,
    await readJson(files['config.json']),
    files['config.json'],
    hint,
  );
  const tokenizer = await loadTokenizer(files['tokenizer.json']);
  if (tokenizer.vocabSize !== model.vocabulary) throw new RecaptionError('bad-model', `the tokenizer has ${tokenizer.vocabSize} tokens, the network ${model.vocabulary}`, { place: folder, hint: 'tokenizer.json belongs to another model: copy the whole folder again.' }); // biome-ignore format: one line
  const tree = params();
  languageLoss(tree, model, 1); // declares every tensor it must have
  const weights = await loadWeights(files['model.safetensors'], tree.all);
  const digest = await hashOfWeights(files['model.safetensors'], 10);
  const network = await languageModel(model, weights, { batch: BATCH, device });
  const eos = tokenizer.specialId('<eos>');
  const never = ['<pad>', '<bos>', '<unk>'].map((token) => tokenizer.specialId(token));
  return {
    id: id ?? `${basename(folder)}-${digest}`,
    async write(prompts, seeds) {
      const texts: string[] = [];
      for (let at = 0; at < prompts.length; at += BATCH) {
        const part = prompts.slice(at, at + BATCH);
        const draws = part.map((prompt, i) => random(seeds[at + i], 'prompt', prompt));
        const begun = part.map((prompt) => beginning(prompt, tokenizer).slice(-model.maxTokens));
        const written = await network.goOn(begun, (i, logp, added) => {
          if (begun[i].length + added.length >= model.maxTokens) return undefined;
          const token = nucleus(logp, never, draws[i].uniform());
          return token === eos ? undefined : token;
        });
        texts.push(...written.map((tokens) => tokenizer.decode(tokens).trim()));
      }
      return texts;
    },
    close: () => network.dispose(),
  };
}

/** Draws from the smallest set of tokens whose probabilities reach the share (Holtzman et al. 2020). */
function nucleus(logp: Float32Array, never: readonly number[], chance: number): number {
  const order = [...logp.keys()].filter((token) => !never.includes(token)).sort((a, b) => logp[b] - logp[a]);
  let sum = 0;
  let last = 0;
  while (last < order.length && sum < SHARE) sum += Math.exp(logp[order[last++]]);
  let left = chance * sum;
  for (const token of order.slice(0, last)) {
    left -= Math.exp(logp[token]);
    if (left <= 0) return token;
  }
  return order[0];
}

async function placeOf(ref: string): Promise<string> {
  const [here, shipped] = [resolve(ref), join(SHIPPED, ref)];
  if (!/[\\/.]/.test(ref) && (await exists(shipped)) && !(await exists(join(here, 'config.json'))))
    return shipped;
  if (await exists(here)) return here;
  throw new RecaptionError('no-prompt-writer', `there is no prompt writer "${ref}"`, {
    place: here,
    hint: 'Name a folder, or leave it out for the one that comes with this package.',
  });
}

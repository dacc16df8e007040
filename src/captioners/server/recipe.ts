/** Prompt recipes: what a vision-language model is asked, as a file that can be shared. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { CAPTION_KINDS } from '../../data/sample.ts';
import { RecaptionError, reason } from '../../errors.ts';
import { exists, readError } from '../../files.ts';
import { parseConfig } from '../../models/captioner-config.ts';
import type { PictureContext } from '../captioner.ts';

const count = z.number().int().positive();

export const recipeSchema = z.strictObject({
  about: z.string().optional(),
  /** Kind of caption that comes of it. */
  kind: z.enum(CAPTION_KINDS),
  /** Who the model is to be. */
  system: z.string().optional(),
  /** What it is asked, with `{caption}`, `{filename}`, `{folder}`, `{tags}` where these are wanted. */
  prompt: z.string().refine((text) => text.trim() !== '', 'it says nothing'),
  /** Words asked for, put at the end of the prompt. */
  words: z.strictObject({ least: count.optional(), most: count.optional() }).refine(({ least = 1, most = least }) => least <= most, '"least" is more than "most"').optional(), // biome-ignore format: one line
  temperature: z.number().min(0).max(2).default(0.2),
  maxTokens: count.max(100_000).default(512),
  /** Ask for an answer in JSON, of servers that can be held to it. */
  structured: z.boolean().default(false),
  /** Ask how sure the model is of its words. */
  logprobs: z.boolean().default(false),
});
export type PromptRecipe = z.infer<typeof recipeSchema>;

const VARIABLES = ['caption', 'filename', 'folder', 'tags'] as const;
const SHIPPED = fileURLToPath(new URL('../../../assets/recipes/', import.meta.url));

/**
 * A recipe by the name of one that comes with the package, or by its file.
 * @throws RecaptionError `no-recipe`, `bad-recipe`
 */
export async function loadRecipe(ref: string): Promise<PromptRecipe> {
  const shipped = join(SHIPPED, `${ref}.json`);
  const place = /^[\w-]+$/.test(ref) && (await exists(shipped)) ? shipped : resolve(ref);
  const text = await readFile(place, 'utf8').catch((error) => {
    if (error.code !== 'ENOENT') throw readError(place, error);
    throw new RecaptionError('no-recipe', `there is no recipe "${ref}"`, {
      place,
      hint: 'Name a JSON file, or one that comes with this package: short, descriptive, tags, refine.',
    });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new RecaptionError('bad-recipe', `the recipe is no JSON (${reason(cause)})`, {
      place,
      hint: 'Check quotes, commas and braces.',
      cause,
    });
  }
  return checkRecipe(
    parseConfig(recipeSchema, json, place, 'docs/recipes.md explains every key.', 'bad-recipe'),
    place,
  );
}

/** @throws RecaptionError `bad-recipe` for a variable that nobody fills */
export function checkRecipe(recipe: PromptRecipe, place = 'the recipe'): PromptRecipe {
  for (const text of [recipe.prompt, recipe.system ?? '']) {
    for (const [whole, name] of text.matchAll(/\{([^{}\n]*)\}/g)) {
      if ((VARIABLES as readonly string[]).includes(name)) continue;
      throw new RecaptionError('bad-recipe', `the recipe asks for ${whole}, which nobody knows`, {
        place,
        hint: `There are ${VARIABLES.map((one) => `{${one}}`).join(', ')}.`,
      });
    }
  }
  return recipe;
}

/** Whether it is of use only for pictures that have a caption already. */
export const refines = ({ prompt, system = '' }: PromptRecipe): boolean =>
  /\{caption\}/.test(prompt + system);

/** What the model is asked of a picture, and who it is to be. What is not known is left empty. */
export function promptFor({ prompt, system, words }: PromptRecipe, context?: PictureContext): { prompt: string; system?: string } {
  const parts = (context?.name ?? '').split(/[\\/]/);
  const file = parts.pop() ?? '';
  const values: Record<(typeof VARIABLES)[number], string> = {
    caption: context?.captions[0]?.text ?? '',
    filename: file.replace(/\.[^.]*$/, ''),
    folder: parts.pop() ?? '',
    tags: (context?.tags ?? []).join(', '),
  };
  const filled = (text: string) => text.replace(/\{(\w+)\}/g, (_, name) => values[name as keyof typeof values]);
  return { prompt: `${filled(prompt)}${lengthOf(words)}`, ...(system && { system: filled(system) }) };
} // biome-ignore format: one line

/** A hash of what decides about captions: a note does not. */
export function recipeDigest({ about: _, ...deciding }: PromptRecipe): string {
  return createHash('sha256').update(JSON.stringify(deciding)).digest('hex').slice(0, 8);
}

function lengthOf(words: PromptRecipe['words']): string {
  const { least, most } = words ?? {};
  if (least !== undefined && most !== undefined) return ` Use ${least} to ${most} words.`;
  if (least !== undefined) return ` Use at least ${least} words.`;
  return most === undefined ? '' : ` Use at most ${most} words.`;
}

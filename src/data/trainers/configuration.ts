/** Configurations that may lie in a folder: what they name, and what is wrong with them. */
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { reason } from '../../errors.ts';
import { complaint } from '../rows.ts';
import type { Finding } from './profile.ts';

/** Whether a folder is there. */
export const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** A configuration that its trainer cannot use. */
export const badConfig = (place: string, message: string, hint?: string): Finding => ({
  place,
  trap: 'bad-config',
  severity: 'error',
  message,
  ...(hint !== undefined && { hint }),
});

/** The text of a configuration, or undefined where the folder has none: then it lies elsewhere. */
export const configText = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch(() => undefined);

/** An absolute folder that a configuration names and that is not there; where a relative one would be, the trainer alone knows. */
export async function goneFolder(place: string, folder: string | undefined): Promise<Finding[]> {
  if (folder === undefined || !isAbsolute(folder) || (await isFolder(folder))) return [];
  return [badConfig(place, `the folder "${folder}" is not there`, 'Name the folder where it lies now.')];
}

/** A value of TOML or YAML on one line, without its quotes. */
export function unquoted(value: string): string {
  if (value.startsWith("'")) return value.slice(1, -1);
  try {
    return value.startsWith('"') ? (JSON.parse(value) as string) : value;
  } catch {
    return value.slice(1, -1); // an escape that TOML has and JSON has not
  }
}

/**
 * Checks a configuration that may lie in a folder: a JSON list of what `schema` says, with folders that are there.
 * @returns the entries, none where there is no such file, and what is wrong with it
 */
export async function readEntries<T>(
  dir: string,
  file: string,
  schema: z.ZodType<T>,
  folderOf: (entry: T) => string | undefined,
): Promise<{ entries: T[]; findings: Finding[] }> {
  const path = join(dir, file);
  const text = await configText(path);
  if (text === undefined) return { entries: [], findings: [] };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { entries: [], findings: [badConfig(path, `this is not JSON (${reason(error)})`)] };
  }
  const parsed = z.array(schema).safeParse(value);
  if (!parsed.success) return { entries: [], findings: [badConfig(path, complaint(parsed.error))] };
  const findings: Finding[] = [];
  for (const folder of parsed.data.map(folderOf)) findings.push(...(await goneFolder(path, folder)));
  return { entries: parsed.data, findings };
}

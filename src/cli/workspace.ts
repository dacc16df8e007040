/** Which workspace a command means. */
import { join, resolve } from 'node:path';
import { Option } from 'commander';
import { CATALOG_FILE, type Catalog, explained, isWorkspace, openCatalog } from '../data/catalog/index.ts';
import { UsageError } from '../errors.ts';

const DEFAULT = 'workspace';

export function workspaceOption(flags = '--workspace <dir>'): Option {
  return new Option(
    flags,
    `folder of the workspace (default: the working directory if it is one, else ${DEFAULT}/)`,
  );
}

/** The folder that is named; where none is, the working directory if it is a workspace, else `workspace/`. */
export async function workspaceFolder(named: string | undefined, cwd = process.cwd()): Promise<string> {
  if (named !== undefined) return resolve(cwd, named);
  return (await isWorkspace(cwd)) ? cwd : join(cwd, DEFAULT);
}

/** A source that is named or, where none is, the workspace that is meant. @throws UsageError when there is none either */
export async function sourceOrWorkspace(named: string | undefined, cwd = process.cwd()): Promise<string> {
  const folder = await workspaceFolder(named, cwd);
  if (named !== undefined || (await isWorkspace(folder))) return named ?? folder;
  throw new UsageError("missing required argument 'source'", {
    hint: 'Name pictures, or call it where a workspace is. See: recaption --help',
  });
}

/** Opens a workspace, works with it and closes it, however that ends. @throws RecaptionError those of `openCatalog` */
export async function withWorkspace<T>(
  folder: string,
  work: (catalog: Catalog) => T | Promise<T>,
  { create = false } = {},
): Promise<T> {
  const catalog = await openCatalog(folder, { create });
  try {
    return await work(catalog);
  } catch (error) {
    throw explained(error, join(folder, CATALOG_FILE));
  } finally {
    catalog.close();
  }
}

/** kohya's dataset configuration, as far as it says what becomes of captions. */
import { isAbsolute, join, resolve } from 'node:path';
import { badConfig, configText, goneFolder, isFolder, unquoted } from './configuration.ts';
import type { Finding } from './profile.ts';

export const KOHYA_CONFIG = 'dataset.toml';

/** Pictures with captions of one form. What a subset does not say, its dataset says, or the general section. */
export interface Subset {
  /** As the configuration has it. */
  imageDir?: string;
  /** Its place, where it is there. */
  folder?: string;
  /** Of caption files, with the dot. */
  extension?: string;
  /** JSON with the captions, instead of files beside the pictures. */
  metadataFile?: string;
  /** Each line is a caption, and braces are a choice. */
  wildcards: boolean;
  /** That captions are taken apart at. */
  separators: string[];
}

/** @returns undefined where the folder has no configuration: then it lies elsewhere */
export async function readKohyaConfig(
  dir: string,
): Promise<{ path: string; subsets: Subset[]; findings: Finding[] } | undefined> {
  const path = join(dir, KOHYA_CONFIG);
  const toml = await configText(path);
  if (toml === undefined) return undefined;
  const subsets: Subset[] = [];
  const findings: Finding[] = [];
  for (const values of subsetValues(toml)) {
    const imageDir = values.get('image_dir');
    const metadataFile = values.get('metadata_file');
    if (imageDir === undefined && metadataFile === undefined) continue;
    findings.push(...(await goneFolder(path, imageDir)));
    const folder = imageDir === undefined ? undefined : resolve(dir, imageDir);
    subsets.push({
      imageDir,
      folder: folder !== undefined && (await isFolder(folder)) ? folder : undefined,
      extension: values.get('caption_extension'),
      metadataFile,
      wildcards: values.get('enable_wildcard') === 'true',
      separators: ['keep_tokens_separator', 'secondary_separator'].flatMap((key) => values.get(key) || []),
    });
  }
  if (subsets.length === 0)
    findings.push(badConfig(path, 'it names no [[datasets.subsets]] with an image_dir or a metadata_file'));
  return { path, subsets, findings };
}

/** Where a file of the configuration lies: paths that are not absolute count from where the trainer is started, mostly from here. */
export const besideConfig = (dir: string, file: string): string =>
  isAbsolute(file) ? file : resolve(dir, file);

type Values = Map<string, string>;

/** The keys of each subset, with those of the sections above it. Values that go over several lines are none that matter here. */
function subsetValues(toml: string): Values[] {
  const general: Values = new Map();
  const subsets: { dataset: Values; own: Values }[] = [];
  let dataset: Values = new Map();
  let section: Values = new Map(); // what stands above all sections is nothing that the trainer knows
  for (const line of toml.split(/\r\n|\n/)) {
    const [, name] = /^\s*\[+\s*([\w.\s]+?)\s*\]+/.exec(line) ?? [];
    if (name !== undefined) {
      if (name === 'general') section = general;
      else if (name === 'datasets') section = dataset = new Map();
      else if (name === 'datasets.general') section = dataset;
      else {
        section = new Map();
        if (name === 'datasets.subsets') subsets.push({ dataset, own: section });
      }
      continue;
    }
    const [, key, value] = /^\s*(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#]+)/.exec(line) ?? [];
    if (key !== undefined) section.set(key, unquoted(value));
  }
  return subsets.map(({ dataset, own }) => new Map([...general, ...dataset, ...own]));
}

import { join } from 'node:path';
import { badConfig, configText, goneFolder, unquoted } from './configuration.ts';
import type { FolderRules } from './lint-folder.ts';
import type { Finding } from './profile.ts';
import { type Layout, sidecarProfile } from './sidecar-profile.ts';
import { CLIP_TOKENS } from './tokens.ts';

const FILE = 'dataset.toml';

/**
 * kohya sd-scripts: `KEY.txt` and a `dataset.toml` for `--dataset_config`, with a subset for each folder, since subfolders are not
 * searched. Where pictures have several captions, `enable_wildcard` makes the trainer choose a line. That option also reads `{a|b}` as
 * a choice: there, braces become parentheses.
 */
export const kohya = sidecarProfile({
  name: 'kohya',
  about: 'KEY.txt beside each picture, dataset.toml (sd-scripts)',
  lists: true,
  extension: '.txt',
  adaptList: (line) => line.replaceAll('{', '(').replaceAll('}', ')'),
  configuration: { file: FILE, write: datasetToml },
  rules: {
    extensions: ['.txt', '.caption'],
    missing: {
      severity: 'error',
      message: 'the picture has no caption file: the trainer stops, or uses class_tokens',
    },
    empty: { severity: 'error', message: 'the caption file is empty: the trainer stops' },
    lines: {
      severity: 'error',
      message: 'only the first line is read, the rest is lost',
      hint: 'Write one line, or set enable_wildcard = true where each line is a caption.',
    },
    text: (caption, place) => ownTraps(caption, place, { wildcards: false, separators: [] }),
    maxTokens: CLIP_TOKENS,
  },
  configured,
});

function datasetToml({ folders, several }: Layout): string {
  // TOML's basic strings are JSON's, as far as file names go.
  const subsets = folders.map((folder) =>
    [
      '[[datasets.subsets]]',
      `image_dir = ${JSON.stringify(folder)}`,
      'caption_extension = ".txt"',
      ...(several ? ['enable_wildcard = true'] : []),
    ].join('\n'),
  );
  return `${['[[datasets]]', ...subsets].join('\n\n')}\n`;
}

interface Settings {
  wildcards: boolean;
  /** That the configuration splits captions at. */
  separators: string[];
}

function ownTraps(caption: string, place: string, { wildcards, separators }: Settings): Finding[] {
  const found: Finding[] = [];
  if (/\{[^}]+\}/.test(caption.replaceAll('{{', '').replaceAll('}}', ''))) {
    found.push({
      place,
      trap: 'braces',
      severity: wildcards ? 'error' : 'warning',
      message: wildcards
        ? 'what stands in braces is read as a choice of words'
        : 'what stands in braces is read as a choice of words, should enable_wildcard be set',
      hint: 'Write parentheses, or double the braces.',
    });
  }
  const separator = [...separators, '|||', ';;;'].find((one) => caption.includes(one));
  if (separator !== undefined) {
    const isSet = separators.includes(separator);
    found.push({
      place,
      trap: 'separator',
      severity: isSet ? 'error' : 'warning',
      message: isSet
        ? `the caption is taken apart at "${separator}"`
        : `the caption is taken apart at "${separator}", should it be set as a separator`,
      hint: 'Take the marks out of the caption.',
    });
  }
  return found;
}

/** The few keys that matter here are found by name: no other key of a dataset configuration ends like them. */
async function configured(dir: string, rules: FolderRules) {
  const path = join(dir, FILE);
  const toml = await configText(path);
  if (toml === undefined) return { rules, findings: [] };
  const findings: Finding[] = [];
  const values = (key: string) =>
    [...toml.matchAll(new RegExp(`^\\s*${key}\\s*=\\s*("(?:[^"\\\\]|\\\\.)*"|'[^']*'|\\w+)`, 'gm'))].map(
      ([, value]) => unquoted(value),
    );
  const folders = values('image_dir');
  if (!/^\s*\[\[\s*datasets\.subsets\s*\]\]/m.test(toml) || folders.length === 0)
    findings.push(badConfig(path, 'it names no [[datasets.subsets]] with an image_dir'));
  for (const folder of folders) findings.push(...(await goneFolder(path, folder)));
  const [extension] = values('caption_extension');
  const wildcards = values('enable_wildcard').includes('true');
  const separators = [...values('keep_tokens_separator'), ...values('secondary_separator')].filter(Boolean);
  return {
    findings,
    rules: {
      ...rules,
      ...(extension && { extensions: [extension] }),
      ...(wildcards && { lines: undefined }),
      text: (caption: string, place: string) => ownTraps(caption, place, { wildcards, separators }),
    },
  };
}

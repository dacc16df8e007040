import { KOHYA_CONFIG } from './kohya-config.ts';
import { KOHYA_RULES, lintKohya } from './kohya-lint.ts';
import { type Layout, sidecarProfile } from './sidecar-profile.ts';

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
  configuration: { file: KOHYA_CONFIG, write: datasetToml },
  rules: KOHYA_RULES,
  lint: lintKohya,
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

import { basename, join } from 'node:path';
import { z } from 'zod';
import { badConfig, readEntries } from './configuration.ts';
import { sidecarProfile } from './sidecar-profile.ts';
import { T5_TOKENS } from './tokens.ts';

const FILE = 'multidatabackend.json';
const backendSchema = z.looseObject({
  id: z.string().min(1),
  type: z.string().min(1),
  dataset_type: z.string().optional(),
  instance_data_dir: z.string().optional(),
  caption_strategy: z.string().optional(),
  disable_multiline_split: z.boolean().optional(),
});

/**
 * SimpleTuner: `KEY.txt`, every line of which is a caption, and a `multidatabackend.json` with `caption_strategy` `textfile`. The
 * caches it names lie where the trainer runs.
 */
export const simpletuner = sidecarProfile({
  name: 'simpletuner',
  about: 'KEY.txt beside each picture, multidatabackend.json',
  lists: true,
  extension: '.txt',
  configuration: {
    file: FILE,
    write: ({ folder }) => {
      const id = basename(folder);
      const pictures = {
        id,
        type: 'local',
        dataset_type: 'image',
        instance_data_dir: folder,
        caption_strategy: 'textfile',
        metadata_backend: 'discovery',
        cache_dir_vae: `cache/vae/${id}`,
      };
      const texts = {
        id: `${id}-texts`,
        type: 'local',
        dataset_type: 'text_embeds',
        default: true,
        cache_dir: `cache/text/${id}`,
      };
      return `${JSON.stringify([pictures, texts], null, 2)}\n`;
    },
  },
  rules: {
    extensions: ['.txt'],
    missing: {
      severity: 'error',
      message: 'the picture has no caption file: the trainer stops, or takes the file name for a caption',
    },
    empty: { severity: 'error', message: 'the caption file is empty: the picture has no caption' },
    lines: {
      severity: 'warning',
      message: 'every line is taken for a caption of its own',
      hint: 'Write one line where it is one caption, or set disable_multiline_split.',
    },
    maxTokens: T5_TOKENS,
  },
  async configured(dir, rules) {
    const { entries, findings } = await readEntries(
      dir,
      FILE,
      backendSchema,
      (entry) => entry.instance_data_dir,
    );
    const images = entries.filter((entry) => (entry.dataset_type ?? 'image') === 'image');
    const ignored = images
      .filter(({ caption_strategy: strategy }) => strategy !== 'textfile')
      .map(({ id, caption_strategy: strategy }) =>
        badConfig(
          join(dir, FILE),
          `the caption files of "${id}" are not read: caption_strategy is ${strategy ? `"${strategy}"` : 'missing'}`,
          'Set caption_strategy to "textfile".',
        ),
      );
    if (entries.length > 0 && !entries.some((entry) => entry.dataset_type === 'text_embeds'))
      ignored.push(badConfig(join(dir, FILE), 'it has no entry of dataset_type "text_embeds"'));
    const whole = images.length > 0 && images.every((entry) => entry.disable_multiline_split);
    return { rules: whole ? { ...rules, lines: undefined } : rules, findings: [...findings, ...ignored] };
  },
});

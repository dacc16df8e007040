import { basename, join } from 'node:path';
import { z } from 'zod';
import { badConfig, readEntries } from './configuration.ts';
import { PICTURES_READ } from './pictures.ts';
import { sidecarProfile } from './sidecar-profile.ts';
import { CLIP_TOKENS } from './tokens.ts';

const FILE = 'concepts.json';
const conceptSchema = z.looseObject({
  path: z.string().min(1),
  text: z.looseObject({ prompt_source: z.string().optional() }).optional(),
});

/** OneTrainer: `KEY.txt`, every line of which is a caption, and a `concepts.json` with one concept for the whole folder. */
export const onetrainer = sidecarProfile({
  name: 'onetrainer',
  about: 'KEY.txt beside each picture, concepts.json',
  lists: true,
  extension: '.txt',
  configuration: {
    file: FILE,
    write: ({ folder }) => {
      const concept = {
        name: basename(folder),
        path: folder,
        enabled: true,
        include_subdirectories: true,
        text: { prompt_source: 'sample' },
      };
      return `${JSON.stringify([concept], null, 2)}\n`;
    },
  },
  rules: {
    reads: PICTURES_READ.onetrainer,
    extensions: ['.txt'],
    missing: { severity: 'warning', message: 'the picture has no caption file: it is learnt without a text' },
    empty: {
      severity: 'warning',
      message: 'the caption file is empty: the picture is learnt without a text',
    },
    lines: {
      severity: 'warning',
      message: 'every line is taken for a caption of its own',
      hint: 'Write one line where it is one caption.',
    },
    maxTokens: CLIP_TOKENS,
  },
  async configured(dir, rules) {
    const { entries, findings } = await readEntries(dir, FILE, conceptSchema, ({ path }) => path);
    const others = entries.filter(({ text }) => (text?.prompt_source ?? 'sample') !== 'sample');
    const ignored = others.map(({ path, text }) =>
      badConfig(
        join(dir, FILE),
        `the captions of "${path}" are not read: prompt_source is "${text?.prompt_source}"`,
        'Set prompt_source to "sample".',
      ),
    );
    return { rules, findings: [...findings, ...ignored] };
  },
});

import { basename } from 'node:path';
import { sidecarProfile } from './sidecar-profile.ts';
import { lintSimpletuner, SIMPLETUNER_CONFIG, SIMPLETUNER_RULES } from './simpletuner-lint.ts';

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
    file: SIMPLETUNER_CONFIG,
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
  rules: SIMPLETUNER_RULES,
  lint: lintSimpletuner,
});

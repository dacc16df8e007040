import { PICTURES_READ } from './pictures.ts';
import { sidecarProfile } from './sidecar-profile.ts';

/** No trainer in particular: `KEY.txt`, one caption a line. */
export const sidecar = sidecarProfile({
  name: 'sidecar',
  about: 'KEY.txt beside each picture, one caption a line',
  lists: true,
  extension: '.txt',
  rules: {
    reads: PICTURES_READ.sidecar,
    extensions: ['.txt', '.caption'],
    missing: { severity: 'warning', message: 'the picture has no caption file' },
    empty: { severity: 'error', message: 'the caption file is empty: some trainers stop at one' },
    lines: {
      severity: 'warning',
      message: 'trainers take every line for a caption of its own, or read the first alone',
      hint: 'Write one line where it is one caption.',
    },
  },
});

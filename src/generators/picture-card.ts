import type { PictureRun } from './train-pictures.ts';

export interface PictureCard {
  title: string;
  what: string;
  command: string;
  options: PictureRun;
  images: number;
  parameters: number;
  step: number;
  minutes: number;
  psnr?: number;
}

/** The README.md of an autoencoder or a decoder. Only facts of this run. */
export function pictureCard({
  title,
  what,
  command,
  options,
  images,
  parameters,
  step,
  minutes,
  psnr,
}: PictureCard): string {
  return `---
pipeline_tag: image-to-image
library_name: recaption
---

# ${title}

Trained with \`recaption ${command}\`. ${what}; ${(parameters / 1e6).toFixed(1)} M parameters.

| | |
|---|---|
| data | ${options.data.join(', ')} |
| images | ${images}, ${options.size} × ${options.size} pixels |
| steps | ${step} of ${options.minutes ? `${options.minutes} minutes` : 'the schedule'}, ${minutes.toFixed(1)} minutes so far |
| seed | ${options.seed} |
| PSNR | ${psnr === undefined ? 'not measured: no validation set was given' : `${psnr.toFixed(2)} dB on ${options.val}`} |

The terms of the data apply to what was learnt from them.
`;
}

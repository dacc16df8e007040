/** CLIP scores of captions with the pictures they are of. */
import { openClip } from '../captioners/clip.ts';
import { loadImages, type OnFailure, openDataset, type References, sampleNames } from '../data/index.ts';
import { RecaptionError } from '../errors.ts';
import { type ClipItem, type ClipScoreReport, clipScores } from '../metrics/index.ts';
import type { Device } from '../tensor/device.ts';
import { counted, type Output, printable } from './output.ts';
import { type Part, type PartOptions, type SetReport, type Sets, tell } from './score-part.ts';
import { perImageLines } from './score-tables.ts';

export interface ClipRequest {
  /** A captioner of ours, or a CLIP of the hub. */
  clip: string;
  /** Collection with the pictures. */
  images: string;
  prefix: string;
  device: Device;
}

export async function scoreByClip(
  sets: Sets,
  references: References,
  request: ClipRequest,
  options: PartOptions,
  around: { onFailure: OnFailure; output: Output },
): Promise<Part> {
  const { ids, reports } = await clipReports(sets, references, request, around);
  const [{ model, n }] = reports;
  const told = reports.map(toldOf);
  const { table, record } = tell(told, ids, options);
  const missing = sets[0].length - n;
  const tooLong = reports.reduce((sum, { cut }) => sum + cut.captions, 0);
  return {
    title: `${counted(n, 'picture')}, by ${printable(model)}`,
    lines: [...table, ...(options.perImage ? perImageLines(ids, told[0].metrics, told[0].perImage) : [])],
    notes: [],
    warnings: [
      ...(missing > 0
        ? [`${counted(missing, 'caption')} left out of the CLIP scores, without a picture`]
        : []),
      ...(tooLong > 0
        ? [`${counted(tooLong, 'caption')} too long for ${model}, scored by the beginning`]
        : []),
    ],
    leftOut: missing > 0,
    record: { model, prefix: request.prefix, ...record },
  };
}

const toldOf = ({ metrics, additive, perImage, cut }: ClipScoreReport): SetReport => ({
  metrics: { ...metrics },
  parts: Object.entries(additive).map(([name, of]) => ({ names: [name], additive: of })),
  perImage,
  besides: { cut },
});

/**
 * A report for each set of captions, on the pictures that all sets speak of, and the images' ids in the order of the collection.
 * Pictures are decoded as they come and not kept.
 * @throws RecaptionError `no-images` when no caption has a picture, and those of the collection and the model.
 */
async function clipReports(
  sets: Sets,
  references: References,
  { clip, images, prefix, device }: ClipRequest,
  { onFailure, output }: { onFailure: OnFailure; output: Output },
): Promise<{ ids: string[]; reports: ClipScoreReport[] }> {
  const byName = sets.map((set) => new Map(set.flatMap((one) => one.names.map((name) => [name, one] as const)))); // biome-ignore format: one line
  const start = performance.now();
  const total = sets.length * sets[0].length;
  let done = 0;
  const progress = () => {
    const rate = (1000 * ++done) / (performance.now() - start);
    const secondsLeft = (total - done) / rate;
    output.progress({ label: 'CLIP scores', done, total, unit: 'captions', rate, secondsLeft });
  };
  const encoder = await openClip(clip, device);
  try {
    const reports: ClipScoreReport[] = [];
    const ids: string[] = [];
    for (const [k, own] of byName.entries()) {
      const items = async function* (): AsyncGenerator<ClipItem> {
        const fail = k === 0 ? onFailure : undefined; // a picture that cannot be read is told of once
        const dataset = await openDataset(images, { onFailure: fail });
        for await (const { sample, image } of loadImages(dataset, {
          maxSide: encoder.resolution,
          onFailure: fail,
        })) {
          const names = sampleNames(sample);
          const find = <T>(map: ReadonlyMap<string, T>) =>
            names.map((name) => map.get(name)).find((found) => found !== undefined);
          const found = find(own);
          if (found === undefined || byName.some((other) => find(other) === undefined)) continue;
          if (k === 0) ids.push(found.id);
          yield { image, caption: found.text, references: find(references)?.texts };
          progress();
        }
      };
      reports.push(await clipScores(encoder, items(), { prefix }));
    }
    if (ids.length > 0) return { ids, reports };
    throw new RecaptionError('no-images', 'none of the captions is of a picture in the collection', {
      place: images,
      hint: `The captions are of images such as "${sets[0][0].id}".`,
    });
  } finally {
    await encoder.close();
  }
}

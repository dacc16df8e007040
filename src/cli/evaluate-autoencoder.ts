import { type Command, Option } from 'commander';
import { loadImages, openDataset } from '../data/index.ts';
import { UsageError } from '../errors.ts';
import { type Image, psnr, sharpness, ssim } from '../image/index.ts';
import { additiveMean } from '../metrics/additive.ts';
import { bootstrap, type Interval } from '../metrics/bootstrap.ts';
import { type Codec, checkSize, openCodec } from '../models/autoencoder/codec.ts';
import { SAMPLERS, type Sampler } from '../models/diffusion-transformer/solve.ts';
import type { Device } from '../tensor/device.ts';
import { type Context, EXIT } from './main.ts';
import { deviceOption, required, wholeNumber } from './options.ts';
import { counted } from './output.ts';

interface Options {
  latent?: string;
  images?: string;
  size: number;
  steps?: number;
  sampler?: Sampler;
  limit?: number;
  device: Device;
}

export function registerAutoencoder(evaluate: Command, context: Context): void {
  evaluate
    .command('autoencoder')
    .summary('measure how well pictures come back from their latents')
    .description(
      'Encodes pictures and decodes them again: PSNR, SSIM, and sharpness as the quotient of what came back by the original, means with 95 % intervals.',
    )
    .option('--latent <dir>', 'an autoencoder, or a decoder of its latents')
    .option('--images <source>', 'pictures: a folder, .tar shards, metadata.jsonl')
    .option('--size <pixels>', 'width and height that pictures are resized to', wholeNumber(16, 2048), 64)
    .option('--steps <n>', 'steps of a diffusion decoder (default: its own)', wholeNumber(1, 1000))
    .addOption(new Option('--sampler <name>', 'sampler of a diffusion decoder').choices(SAMPLERS))
    .option('--limit <n>', 'only the first pictures', wholeNumber(1))
    .addOption(deviceOption())
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption evaluate autoencoder --latent codec --images photos/ --size 64',
    )
    .action((options: Options) => measure(options, context));
}

const BATCH = 8;

async function measure(options: Options, { output, exit, signal }: Context): Promise<void> {
  const latent = required(options.latent, '--latent <dir>');
  const source = required(options.images, '--images <source>');
  const { size, steps, sampler, device } = options;
  const draw = { ...(steps && { steps }), ...(sampler && { sampler }) };
  const codec = await openCodec(latent, { device, draw });
  checkSize(codec, size);
  const rows: { psnr: number; ssim: number; sharpness: number }[] = [];
  const started = performance.now();
  let failed = 0;
  try {
    const dataset = await openDataset(source);
    const onFailure = (failure: { message: string; place: string }) => {
      failed++;
      output.failure(failure);
    };
    let batch: Image[] = [];
    const flush = async () => {
      for (const [i, back] of (await roundTrip(codec, batch)).entries())
        rows.push({ psnr: psnr(batch[i], back), ssim: ssim(batch[i], back), sharpness: sharpness(back) / Math.max(1e-9, sharpness(batch[i])) }); // biome-ignore format: one line
      batch = [];
      const rate = (1000 * rows.length) / (performance.now() - started);
      output.progress({
        label: 'measuring',
        done: rows.length,
        total: options.limit,
        unit: 'pictures',
        rate,
      });
    };
    for await (const { image } of loadImages(dataset, { size: { width: size, height: size }, onFailure })) {
      if (signal.aborted) return;
      batch.push(image);
      if (batch.length === BATCH) await flush();
      if (rows.length + batch.length === options.limit) break;
    }
    if (batch.length > 0) await flush();
  } finally {
    await codec.close();
  }
  if (rows.length === 0) throw new UsageError('there was no picture to measure', { place: source, hint: 'Name a folder of pictures.' }); // biome-ignore format: one line
  const mean = (name: keyof (typeof rows)[number]): { mean: number; interval: Interval } => {
    const values = rows.map((row) => row[name]);
    return {
      mean: values.reduce((a, b) => a + b) / values.length,
      interval: bootstrap(additiveMean(values))[0],
    };
  };
  const scores = { psnr: mean('psnr'), ssim: mean('ssim'), sharpness: mean('sharpness') };
  output.record({ kind: 'scores', codec: codec.id, images: rows.length, size, ...draw, ...scores });
  output.print(`${counted(rows.length, 'picture')} of ${size} × ${size} pixels through ${codec.id}`);
  const line = (
    name: string,
    { mean: value, interval: [low, high] }: typeof scores.psnr,
    digits: number,
    unit = '',
  ) =>
    output.print(
      `${name.padEnd(10)} ${value.toFixed(digits)}${unit}  [${low.toFixed(digits)}, ${high.toFixed(digits)}]`,
    );
  line('PSNR', scores.psnr, 2, ' dB');
  line('SSIM', scores.ssim, 4);
  line('sharpness', scores.sharpness, 3);
  if (failed > 0) exit(EXIT.doneWithFailures);
}

async function roundTrip(codec: Codec, images: readonly Image[]): Promise<Image[]> {
  return codec.decode(await codec.encode(images), images[0].width / codec.factor);
}

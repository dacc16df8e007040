/** `train autoencoder` and `train decoder`: what learns from pictures alone. */
import type { Command } from 'commander';
import type { DecoderRun } from '../generators/train-decoder.ts';
import type { PictureEvent, PictureRun } from '../generators/train-pictures.ts';
import type { Context } from './main.ts';
import { readJsonFile, required, wholeNumber } from './options.ts';
import { counted, type Output, printable } from './output.ts';
import { shortPath } from './places.ts';
import { drawCommon, drawDone, follow, millions, planned, runOptions, stepProgress } from './training.ts';

type Options = Partial<Pick<DecoderRun, 'data' | 'out'>> &
  Omit<DecoderRun, 'data' | 'out' | 'config' | 'configPlace' | 'signal'> & { config?: string };

export function registerPictures(train: Command, context: Context): void {
  pictureOptions(
    train
      .command('autoencoder')
      .summary('train an autoencoder, whose latents a generator can draw')
      .description('Trains an autoencoder on pictures. The folder it writes is what --latent takes.'),
  )
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption train autoencoder --data photos/ --size 64 --minutes 5 --out codec',
    )
    .action(async (options: Options) => {
      const { trainAutoencoder } = await import('../generators/train-autoencoder.ts');
      await follow(trainAutoencoder(await runOf(options, context)), draw, context);
    });
  pictureOptions(
    train
      .command('decoder')
      .summary("train a diffusion decoder of an autoencoder's latents")
      .description(
        "Trains a diffusion model that draws the pictures of given latents, in place of the autoencoder's own decoder; with --teacher, one that does so in two steps. " +
          'The folder it writes is what --latent takes.',
      ),
  )
    .option('--latent <dir>', 'the autoencoder: trained here, or of the TAESD family')
    .option('--teacher <dir>', 'decoder to learn from: draw in two steps what it draws in many')
    .addHelpText(
      'after',
      '\nExample:\n  $ recaption train decoder --latent codec --data photos/ --size 64 --minutes 15 --out decoder',
    )
    .action(async (options: Options) => {
      const { trainDecoder } = await import('../generators/train-decoder.ts');
      const { latent, teacher } = options;
      await follow(trainDecoder({ ...(await runOf(options, context)), latent, teacher }), draw, context);
    });
}

const pictureOptions = (command: Command): Command =>
  runOptions(
    command
      .option(
        '--data <source...>',
        'pictures: folders, .tar shards, metadata.jsonl, workspaces; captions are not needed',
      )
      .option('--val <source>', 'pictures kept apart, to measure PSNR while it trains')
      .option('--out <dir>', 'folder for the model, its previews, checkpoints and metrics.jsonl')
      .option('--size <pixels>', 'width and height that pictures are resized to', wholeNumber(8, 1024), 64)
      .option('--config <file>', 'JSON file: sizes of the network, learning rate, batch'),
  );

async function runOf(
  { config, latent: _, teacher: __, ...rest }: Options,
  { signal }: Context,
): Promise<PictureRun> {
  const data = required(rest.data, '--data <source...>');
  const out = required(rest.out, '--out <dir>');
  return { ...rest, data, out, config: config && (await readJsonFile(config)), configPlace: config, signal };
}

function draw(event: PictureEvent, output: Output): void {
  switch (event.kind) {
    case 'plan': {
      output.print(
        `${counted(event.images, 'image')}, ${millions(event.parameters)} parameters${planned(event)}`,
      );
      break;
    }
    case 'step':
      output.progress(stepProgress(event, { digits: 4 }));
      break;
    case 'validation':
      output.print(
        `step ${event.step}: PSNR ${event.psnr.toFixed(2)} dB${event.best ? '' : ', not the best so far'}`,
      );
      break;
    case 'preview':
      output.note(output.dim(`preview: ${printable(shortPath(event.path))}`));
      break;
    case 'done': {
      const measured = event.psnr === undefined ? '' : `, PSNR ${event.psnr.toFixed(2)} dB`;
      drawDone(event, measured, output);
      break;
    }
    default:
      drawCommon(event, output);
  }
}

import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Box } from '../../data/regions.ts';
import { RecaptionError } from '../../errors.ts';
import type { Image } from '../../image/image.ts';
import { letterboxOf } from '../../image/index.ts';
import type { Description, DetectionOutput } from '../../models/vision/description.ts';
import { decodeDetections } from '../../models/vision/detections.ts';
import { headLevels } from '../../models/vision/onnx.ts';
import { openOnnxModel } from '../../models/vision/onnx-model.ts';
import type { Device } from '../../tensor/device.ts';
import { clipped, type RegionProposer } from './proposer.ts';

/**
 * The detections of an ONNX detector whose description has an output of the kind `detections`; see docs/vision-encoders.md.
 * @throws RecaptionError `bad-config` where it has none or its labels do not fit, and those of `openOnnxModel`
 */
export async function onnxRegions(ref: string, device: Device = 'cpu'): Promise<RegionProposer> {
  const { description, path, id, run, close } = await openOnnxModel(ref, device, ({ outputs }, place) =>
    detectionsOf(outputs, place).levels.map(({ tensor }) => tensor),
  );
  const { input, outputs } = description;
  const output = { ...detectionsOf(outputs, path), features: 0 };
  const levels = output.levels.map(({ tensor, stride }) => ({ tensor, stride }));
  const labels = await labelsOf(output, path).catch(async (error) => {
    await close();
    throw error;
  });
  return {
    id,
    ref: resolve(ref),
    labels,
    most: output.count,
    resolution: Math.max(input.size, 384),
    async propose(views) {
      const answers = await run(views.map(({ image }) => image));
      return answers.map((answer, i) => {
        const found = decodeDetections(headLevels(answer, { ...output, levels }, path), output);
        const fromSquare = squareToPicture(input, views[i].image);
        return found.flatMap(({ label, score, box: { x, y, width, height } }) => {
          const box = clipped(fromSquare({ x: x - width / 2, y: y - height / 2, width, height }));
          return box ? [{ box, label, score }] : [];
        });
      });
    },
    close,
  };
}

function detectionsOf(outputs: Description['outputs'], place: string): DetectionOutput {
  const output = outputs.find((one) => one.kind === 'detections');
  if (output) return output;
  throw new RecaptionError('bad-config', 'the model has no detections to take regions from', {
    place,
    hint: 'Describe its head by an output of the kind "detections", see docs/vision-encoders.md; or name another --regions.',
  });
}

async function labelsOf({ labels, classes }: DetectionOutput, path: string): Promise<string[]> {
  const place = typeof labels === 'string' ? join(dirname(path), labels) : path;
  const names = typeof labels === 'string' ? await labelLines(place) : labels;
  if (names.length === classes) return names;
  throw new RecaptionError('bad-config', `there are ${names.length} labels for ${classes} classes`, {
    place,
  });
}

async function labelLines(place: string): Promise<string[]> {
  const text = await readFile(place, 'utf8').catch((cause) => {
    throw new RecaptionError('file-not-found', 'the names of the classes are not there', {
      place,
      hint: 'Put the file beside the model, one name a line, or list the names in the description.',
      cause,
    });
  });
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Boxes in pixels of the square that the network saw, as shares of the picture. */
function squareToPicture({ size, fit }: Description['input'], image: Image): (box: Box) => Box {
  if (fit === 'fill')
    return ({ x, y, width, height }) => ({ x: x / size, y: y / size, width: width / size, height: height / size }); // biome-ignore format: one line
  const { scale, offsetX, offsetY } = letterboxOf(image, size);
  const [w, h] = [image.width * scale, image.height * scale];
  return ({ x, y, width, height }) => ({
    x: (x - offsetX) / w,
    y: (y - offsetY) / h,
    width: width / w,
    height: height / h,
  });
}

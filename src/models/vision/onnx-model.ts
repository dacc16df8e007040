/** An ONNX file with the description beside it: what pictures it is fed, and what can be taken from it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RecaptionError, reason } from '../../errors.ts';
import { exists } from '../../files.ts';
import { type Image, letterbox, resizeImage } from '../../image/index.ts';
import { type Device, deviceError, loadRuntime } from '../../tensor/device.ts';
import { extractOnnx } from '../../tensor/onnx/extract.ts';
import { parseConfig } from '../captioner-config.ts';
import { type Description, descriptionSchema } from './description.ts';

/** What a model says of one picture. */
export interface Answer {
  /** A tensor of the graph, without the axis of pictures. */
  of(tensor: string): Float32Array;
}

export interface OnnxModel {
  description: Description;
  path: string;
  /** Changes with the weights and with the description. */
  id: string;
  run(images: readonly Image[]): Promise<Answer[]>;
  close(): Promise<void>;
}

/** Descriptions of known models that come with the package; the weights do not. */
const known = (name: string) =>
  fileURLToPath(new URL(`../../../assets/vision/${name}.json`, import.meta.url));

/**
 * Opens a model, cut to the tensors that are asked for. `ref` is the model (its description lies beside it under the same name with `.json`,
 * or is one that we know by its name) or the description itself.
 * @throws RecaptionError `file-not-found`, `bad-config`, `bad-onnx`.
 */
export async function openOnnxModel(
  ref: string,
  device: Device,
  tensorsOf: (description: Description, place: string) => string[],
): Promise<OnnxModel> {
  const { description, path } = await locate(ref);
  const model = await readFile(path).catch(() => {
    throw noModel(path);
  });
  const { input } = description;
  const cut = extractOnnx(model, {
    inputs: { [input.name]: ['N', 3, input.size, input.size] },
    outputs: tensorsOf(description, path),
    place: path,
  });
  const { InferenceSession, Tensor } = await loadRuntime();
  const session = await InferenceSession.create(cut, {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    logSeverityLevel: 3,
  }).catch(async (cause) => {
    const refused = new RecaptionError('bad-onnx', `ONNX Runtime cannot use the model (${reason(cause)})`, {
      place: path,
      cause,
    });
    throw (await deviceError(device, cause)) ?? refused;
  });
  if (session.inputNames.join() !== input.name) {
    const names = session.inputNames.map((name) => `"${name}"`).join(', ');
    throw new RecaptionError(
      'bad-onnx',
      `the model reads ${names}; its description speaks of "${input.name}"`,
      {
        place: path,
        hint: 'Put the name of its one input into the description beside it.',
      },
    );
  }
  const digest = createHash('sha256')
    .update(model)
    .update(JSON.stringify(description))
    .digest('hex')
    .slice(0, 12);

  const ask = async (images: readonly Image[]): Promise<Answer[]> => {
    const n = images.length;
    const pixels = await pixelsOf(images, input);
    const feeds = { [input.name]: new Tensor('float32', pixels, [n, 3, input.size, input.size]) };
    const results = await session.run(feeds, { logSeverityLevel: 4 }); // what fails is told by what is thrown
    return images.map((_, i) => ({
      of(tensor) {
        const all = results[tensor].data as Float32Array;
        return all.subarray((i * all.length) / n, ((i + 1) * all.length) / n);
      },
    }));
  };
  const askEach = async (images: readonly Image[]) => {
    const answers: Answer[] = [];
    for (const image of images) answers.push(...(await ask([image])));
    return answers;
  };
  let alone = false; // many a graph was made for one picture, and says so only when it is run

  return {
    description,
    path,
    id: `${basename(path, '.onnx')}-${digest}`,
    async run(images) {
      if (alone) return askEach(images);
      try {
        return await ask(images);
      } catch (error) {
        if (images.length < 2) throw error;
        const answers = await askEach(images);
        alone = true;
        return answers;
      }
    },
    close: () => session.release(),
  };
}

const noModel = (place: string): RecaptionError =>
  new RecaptionError('file-not-found', 'the vision model does not exist', {
    place,
    hint: 'Where it was moved, name its place now by --vision or --regions.',
  });

/** Pictures as the model wants them: (N, 3, size, size). */
async function pixelsOf(images: readonly Image[], input: Description['input']): Promise<Float32Array> {
  const plane = input.size * input.size;
  const pixels = new Float32Array(images.length * 3 * plane);
  const squares = await Promise.all(images.map((image) => toSquare(image, input)));
  for (const [i, { data }] of squares.entries()) {
    for (let c = 0; c < 3; c++) {
      const from = input.order === 'rgb' ? c : 2 - c;
      const [mean, scale] = [input.mean[c], 1 / input.std[c]];
      const at = (i * 3 + c) * plane;
      for (let k = 0; k < plane; k++) pixels[at + k] = (data[k * 3 + from] - mean) * scale;
    }
  }
  return pixels;
}

async function toSquare(image: Image, { size, fit, fill }: Description['input']): Promise<Image> {
  return fit === 'fill'
    ? resizeImage(image, { width: size, height: size })
    : (await letterbox(image, size, fill)).image;
}

async function locate(ref: string): Promise<{ description: Description; path: string }> {
  const isModel = ref.endsWith('.onnx');
  if (isModel && !(await exists(ref))) throw noModel(ref);
  const beside = isModel ? ref.replace(/\.onnx$/, '.json') : ref;
  const place = !isModel || (await exists(beside)) ? beside : known(basename(ref, '.onnx'));
  const text = await readFile(place, 'utf8').catch(() => {
    throw new RecaptionError('file-not-found', `no description lies beside the vision model`, {
      place: beside,
      hint: 'Write a JSON with its input, preprocessing and outputs; see docs/vision-encoders.md.',
    });
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new RecaptionError('bad-config', `the description is no JSON (${reason(cause)})`, { place, cause });
  }
  const description = parseConfig(
    descriptionSchema,
    json,
    place,
    'docs/vision-encoders.md explains every key of a description.',
  );
  return {
    description,
    path: isModel ? ref : resolve(dirname(place), description.model ?? `${basename(place, '.json')}.onnx`),
  };
}

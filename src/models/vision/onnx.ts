import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RecaptionError, reason } from '../../errors.ts';
import { exists } from '../../files.ts';
import { type Image, letterbox, resizeImage } from '../../image/index.ts';
import { type Device, deviceError, loadRuntime } from '../../tensor/device.ts';
import { toHalf } from '../../tensor/half.ts';
import { extractOnnx } from '../../tensor/onnx/extract.ts';
import { parseConfig } from '../captioner-config.ts';
import { type Description, descriptionSchema } from './description.ts';
import { decodeDetections, detectionWidth, writeDetectionTokens } from './detections.ts';
import { type FeatureGroup, featureLength, type VisionEncoder } from './encoder.ts';

/** Descriptions of known models that come with the package; the weights do not. */
const known = (name: string) =>
  fileURLToPath(new URL(`../../../assets/vision/${name}.json`, import.meta.url));

/**
 * Any ONNX vision model by file. `ref` is the model (its description lies beside it under the same name with `.json`, or is
 * one that we know by its name) or the description itself.
 * @throws RecaptionError `file-not-found`, `bad-config`, `bad-onnx`.
 */
export async function openOnnxVision(ref: string, device: Device = 'cpu'): Promise<VisionEncoder> {
  const { description, modelPath } = await locate(ref);
  const model = await readFile(modelPath).catch(() => {
    throw new RecaptionError('file-not-found', 'the vision model does not exist', { place: modelPath });
  });
  const { input, outputs } = description;
  const tensors = outputs.flatMap((o) =>
    o.kind === 'detections' ? o.levels.flatMap((l) => [l.tensor, l.features]) : [o.tensor],
  );
  const cut = extractOnnx(model, {
    inputs: { [input.name]: ['N', 3, input.size, input.size] },
    outputs: tensors,
    place: modelPath,
  });
  const { InferenceSession, Tensor } = await loadRuntime();
  const session = await InferenceSession.create(cut, {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    logSeverityLevel: 3,
  }).catch(async (cause) => {
    const refused = new RecaptionError('bad-onnx', `ONNX Runtime cannot use the model (${reason(cause)})`, {
      place: modelPath,
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
        place: modelPath,
        hint: 'Put the name of its one input into the description beside it.',
      },
    );
  }

  const groups: FeatureGroup[] = outputs.map((o) => {
    if (o.kind === 'grid') return { name: o.name, tokens: o.side * o.side, width: o.channels };
    if (o.kind === 'tokens') return { name: o.name, tokens: o.tokens, width: o.width };
    return { name: o.name, tokens: o.count, width: detectionWidth(o) };
  });
  const digest = createHash('sha256')
    .update(model)
    .update(JSON.stringify(description))
    .digest('hex')
    .slice(0, 12);
  const length = featureLength({ groups });

  return {
    id: `${basename(modelPath, '.onnx')}-${digest}`,
    ref: resolve(ref),
    groups,
    resolution: Math.max(input.size, 384),
    async encode(images) {
      const n = images.length;
      const plane = input.size * input.size;
      const pixels = new Float32Array(n * 3 * plane);
      const squares = await Promise.all(images.map((image) => toSquare(image, input)));
      for (const [i, { data }] of squares.entries()) {
        for (let c = 0; c < 3; c++) {
          const from = input.order === 'rgb' ? c : 2 - c;
          const [mean, scale] = [input.mean[c], 1 / input.std[c]];
          const at = (i * 3 + c) * plane;
          for (let k = 0; k < plane; k++) pixels[at + k] = (data[k * 3 + from] - mean) * scale;
        }
      }
      const results = await session.run({
        [input.name]: new Tensor('float32', pixels, [n, 3, input.size, input.size]),
      });
      const of = (name: string, i: number) => {
        const all = results[name].data as Float32Array;
        return all.subarray((i * all.length) / n, ((i + 1) * all.length) / n);
      };
      return images.map((_, i) => {
        const out = new Float32Array(length);
        let at = 0;
        for (const [g, output] of outputs.entries()) {
          const { tokens, width } = groups[g];
          const target = out.subarray(at, at + tokens * width);
          if (output.kind === 'detections') {
            const levels = output.levels.map(({ tensor, features, stride }) => {
              const [values, map] = [of(tensor, i), of(features, i)];
              const side = Math.sqrt(values.length / (5 + output.classes));
              if (!Number.isInteger(side) || map.length !== output.features * side * side) {
                throw new RecaptionError(
                  'bad-config',
                  `"${tensor}" and "${features}" have ${values.length} and ${map.length} numbers an image; that does not fit ${output.classes} classes and ${output.features} features`,
                  { place: modelPath },
                );
              }
              return { values, features: map, stride, side };
            });
            writeDetectionTokens(target, decodeDetections(levels, output), levels, output, input.size);
          } else {
            const values = of(output.tensor, i);
            if (values.length !== tokens * width) {
              throw new RecaptionError(
                'bad-config',
                `"${output.tensor}" has ${values.length} numbers an image; the description says ${tokens} × ${width}`,
                { place: modelPath },
              );
            }
            if (output.kind === 'tokens') target.set(values);
            else
              for (let c = 0; c < width; c++)
                for (let k = 0; k < tokens; k++) target[k * width + c] = values[c * tokens + k];
          }
          at += tokens * width;
        }
        return toHalf(out);
      });
    },
    close: () => session.release(),
  };
}

async function toSquare(image: Image, { size, fit, fill }: Description['input']): Promise<Image> {
  return fit === 'fill'
    ? resizeImage(image, { width: size, height: size })
    : (await letterbox(image, size, fill)).image;
}

async function locate(ref: string): Promise<{ description: Description; modelPath: string }> {
  const isModel = ref.endsWith('.onnx');
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
    modelPath: isModel
      ? ref
      : resolve(dirname(place), description.model ?? `${basename(place, '.json')}.onnx`),
  };
}

import { resolve } from 'node:path';
import { RecaptionError } from '../../errors.ts';
import type { Device } from '../../tensor/device.ts';
import { toHalf } from '../../tensor/half.ts';
import type { DetectionOutput } from './description.ts';
import { decodeDetections, detectionWidth, type HeadLevel, writeDetectionTokens } from './detections.ts';
import { type FeatureGroup, featureLength, type VisionEncoder } from './encoder.ts';
import { type Answer, openOnnxModel } from './onnx-model.ts';

/**
 * Any ONNX vision model by file; see `openOnnxModel`.
 * @throws RecaptionError `file-not-found`, `bad-config`, `bad-onnx`.
 */
export async function openOnnxVision(ref: string, device: Device = 'cpu'): Promise<VisionEncoder> {
  const { description, id, path, run, close } = await openOnnxModel(ref, device, ({ outputs }) =>
    outputs.flatMap((o) =>
      o.kind === 'detections' ? o.levels.flatMap((l) => [l.tensor, l.features ?? []]).flat() : [o.tensor],
    ),
  );
  const { input, outputs } = description;
  const groups: FeatureGroup[] = outputs.map((o) => {
    if (o.kind === 'grid') {
      const grid = { side: o.side, lead: 0, fit: input.fit };
      return { name: o.name, tokens: o.side * o.side, width: o.channels, grid };
    }
    if (o.kind === 'tokens') return { name: o.name, tokens: o.tokens, width: o.width };
    return { name: o.name, tokens: o.count, width: detectionWidth(o) };
  });
  const length = featureLength({ groups });

  return {
    id,
    ref: resolve(ref),
    groups,
    resolution: Math.max(input.size, 384),
    async encode(images) {
      return (await run(images)).map((answer) => {
        const out = new Float32Array(length);
        let at = 0;
        for (const [g, output] of outputs.entries()) {
          const { tokens, width } = groups[g];
          const target = out.subarray(at, at + tokens * width);
          if (output.kind === 'detections') {
            const levels = headLevels(answer, output, path);
            writeDetectionTokens(target, decodeDetections(levels, output), levels, output, input.size);
          } else {
            const values = answer.of(output.tensor);
            if (values.length !== tokens * width) {
              throw new RecaptionError(
                'bad-config',
                `"${output.tensor}" has ${values.length} numbers an image; the description says ${tokens} × ${width}`,
                { place: path },
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
    close,
  };
}

/** The levels of a detector's head. @throws RecaptionError `bad-config` where they do not fit the description */
export function headLevels(
  answer: Answer,
  { levels, classes, features }: DetectionOutput,
  place: string,
): (HeadLevel & { features: Float32Array })[] {
  return levels.map(({ tensor, features: name, stride }) => {
    const values = answer.of(tensor);
    const map = name === undefined ? new Float32Array() : answer.of(name);
    const side = Math.sqrt(values.length / (5 + classes));
    if (!Number.isInteger(side) || map.length !== features * side * side) {
      const what = name === undefined ? `"${tensor}" has ${values.length}` : `"${tensor}" and "${name}" have ${values.length} and ${map.length}`; // biome-ignore format: one line
      throw new RecaptionError(
        'bad-config',
        `${what} numbers an image; that does not fit ${classes} classes and ${features} features`,
        { place },
      );
    }
    return { values, features: map, stride, side };
  });
}

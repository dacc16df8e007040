import { RecaptionError, reason } from '../errors.ts';
import { emitOnnx } from './onnx/emit.ts';
import { input } from './tensor.ts';

export const DEVICES = ['cpu', 'webgpu', 'cuda'] as const;
export type Device = (typeof DEVICES)[number];

type Runtime = typeof import('onnxruntime-node');
let runtime: Promise<Runtime> | undefined;

/** ONNX Runtime, loaded at first use (its native library takes a moment). */
export function loadRuntime(): Promise<Runtime> {
  runtime ??= import('onnxruntime-node').catch((cause) => {
    throw new RecaptionError('no-runtime', `ONNX Runtime could not be loaded (${reason(cause)})`, {
      hint: 'Run `npm ci` again on this machine: the native library belongs to one platform.',
      cause,
    });
  });
  return runtime;
}

/** Devices that graphs can be run on here, found by trying: a build may name a provider whose library or driver is missing. */
export async function availableDevices(): Promise<Device[]> {
  const { InferenceSession } = await loadRuntime();
  const { model } = emitOnnx({ y: input('x', [1]) });
  const runs = async (device: Device) => {
    const options = { executionProviders: [device], logSeverityLevel: 4 } as const;
    try {
      await (await InferenceSession.create(model, options)).release();
      return true;
    } catch {
      return false;
    }
  };
  const found: Device[] = [];
  for (const device of DEVICES) if (await runs(device)) found.push(device);
  return found;
}

/** What to throw when the device is not there, naming those that are; undefined when it is and the trouble lies elsewhere. */
export async function deviceError(device: Device, cause: unknown): Promise<RecaptionError | undefined> {
  const others = device === 'cpu' ? [device] : await availableDevices();
  if (others.includes(device)) return undefined;
  return new RecaptionError('no-device', `the device "${device}" is not available (${reason(cause)})`, {
    hint: `This installation offers: ${others.join(', ')}. See docs/devices.md.`,
    cause,
  });
}

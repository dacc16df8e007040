import { RecaptionError, reason } from '../errors.ts';

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

/** Devices that this build of ONNX Runtime brings a provider for; a driver may still be missing. */
export async function availableDevices(): Promise<Device[]> {
  const { listSupportedBackends } = await loadRuntime();
  const names = listSupportedBackends().map((backend) => backend.name);
  return DEVICES.filter((device) => names.includes(device));
}

/** Turns the runtime's refusal of a device into a sentence that names what is there. */
export async function deviceError(device: Device, cause: unknown): Promise<RecaptionError> {
  const others = (await availableDevices()).filter((name) => name !== device);
  return new RecaptionError('no-device', `the device "${device}" is not available (${reason(cause)})`, {
    hint: `This installation offers: ${others.join(', ') || 'none'}. See docs/devices.md.`,
    cause,
  });
}

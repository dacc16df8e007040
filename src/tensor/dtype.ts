/** Element types of tensors, with their ONNX codes and the arrays that hold them in memory. */
export type DType = 'float32' | 'float16' | 'int64' | 'int32' | 'uint8' | 'bool';

/** `float16` values travel as their 16 bits. */
export type TensorData = Float32Array | Uint16Array | BigInt64Array | Int32Array | Uint8Array;

interface DTypeInfo {
  /** `TensorProto.DataType` of the ONNX specification. */
  onnx: number;
  bytes: number;
}

export const DTYPES: Record<DType, DTypeInfo> = {
  float32: { onnx: 1, bytes: 4 },
  uint8: { onnx: 2, bytes: 1 },
  int32: { onnx: 6, bytes: 4 },
  int64: { onnx: 7, bytes: 8 },
  bool: { onnx: 9, bytes: 1 },
  float16: { onnx: 10, bytes: 2 },
};

/** The kind of array that holds elements of a type. */
export function arrayOf(dtype: DType) {
  switch (dtype) {
    case 'float32':
      return Float32Array;
    case 'float16':
      return Uint16Array;
    case 'int64':
      return BigInt64Array;
    case 'int32':
      return Int32Array;
    default:
      return Uint8Array;
  }
}

/** A zero-filled array for `count` elements. */
export const allocate = (dtype: DType, count: number): TensorData => new (arrayOf(dtype))(count);

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dim of shape) size *= dim;
  return size;
}

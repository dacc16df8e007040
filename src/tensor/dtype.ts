/** Element types of tensors, with their ONNX codes and the arrays that hold them in memory. */
export type DType = 'float32' | 'float16' | 'int64' | 'int32' | 'uint8' | 'bool';

/** `float16` values travel as their 16 bits. */
export type TensorData = Float32Array | Uint16Array | BigInt64Array | Int32Array | Uint8Array;

/** `TensorProto.DataType` of the ONNX specification. */
export const ONNX_TYPES: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
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

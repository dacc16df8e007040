/** Differentiable tensors on ONNX Runtime: trace, differentiate, compile, run. */
export { availableDevices, DEVICES, type Device } from './device.ts';
export { allocate, type DType, sizeOf, type TensorData } from './dtype.ts';
export { gradients } from './gradient.ts';
export { emitOnnx } from './onnx/emit.ts';
export * from './ops/conv.ts';
export {
  abs,
  add,
  and,
  cast,
  cos,
  div,
  dropout,
  equal,
  erf,
  exp,
  gelu,
  geluTanh,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  not,
  pow,
  quickGelu,
  reciprocal,
  relu,
  sigmoid,
  silu,
  sin,
  sqrt,
  stopGradient,
  sub,
  tanh,
  where,
} from './ops/elementwise.ts';
export * from './ops/index-ops.ts';
export * from './ops/loss.ts';
export { linear, type MatmulOptions, matmul } from './ops/matmul.ts';
export * from './ops/normalise.ts';
export { argmax, max, mean, type ReduceOptions, sum, sumSquares } from './ops/reduce.ts';
export { rotate } from './ops/rotary.ts';
export {
  concat,
  expand,
  pad,
  patchify,
  reshape,
  slice,
  split,
  stack,
  transpose,
  unpatchify,
} from './ops/shape.ts';
export * from './params.ts';
export { type Arrays, type CompileOptions, compile, type Program } from './program.ts';
export { constant, type Distribution, input, parameter, randomLike, type Shape, Tensor } from './tensor.ts';

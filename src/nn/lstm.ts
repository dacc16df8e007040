import { add, mul, sigmoid, split, type Tensor, tanh } from '../tensor/index.ts';

/** A long short-term memory's state, each (R, H). */
export interface LstmState {
  h: Tensor;
  c: Tensor;
}

/**
 * One step of an LSTM (Hochreiter & Schmidhuber 1997) from the sum of its inputs' and its state's projections, (R, 4H), in the order input,
 * forget, candidate, output. It remembers at first: 1 is added to the forget gate (Jozefowicz et al. 2015).
 */
export function lstmCell(gates: Tensor, { c }: Pick<LstmState, 'c'>): LstmState {
  const width = c.shape[1];
  const [i, f, g, o] = split(gates, 1, [width, width, width, width]);
  const next = add(mul(sigmoid(add(f, 1)), c), mul(sigmoid(i), tanh(g)));
  return { h: mul(sigmoid(o), tanh(next)), c: next };
}

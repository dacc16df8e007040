import { add } from './ops/elementwise.ts';
import { constant, type Node, shapeError, type Tensor } from './tensor.ts';

/**
 * Reverse-mode derivatives of a scalar with respect to each of `wrt`, as tensors of the same graph. A tensor that the loss
 * does not depend on gets `undefined`. First derivatives only: some rules use operators that have none, so differentiating the
 * result once more would miss terms.
 */
export function gradients(loss: Tensor, wrt: readonly Tensor[]): (Tensor | undefined)[] {
  if (loss.rank !== 0) throw shapeError('gradients', `the loss must be a scalar, not [${loss.shape}]`);
  const order = topological([loss]);
  const wanted = new Set(wrt);
  const depends = new Set<Node>(); // nodes through which a derivative must flow
  const carries = (x: Tensor | undefined) =>
    x !== undefined && (wanted.has(x) || (x.node !== undefined && depends.has(x.node)));
  for (const node of order) if (node.inputs.some(carries)) depends.add(node);

  const total = new Map<Tensor, Tensor>([[loss, constant(1)]]);
  for (const node of order.toReversed()) {
    if (!depends.has(node)) continue;
    const dys = node.outputs.map((output) => total.get(output));
    const dy = dys.find((d) => d !== undefined);
    if (!dy || !node.gradient) continue;
    for (const [i, dx] of node.gradient(dys[0] ?? dy, dys).entries()) {
      const x = node.inputs[i];
      if (!dx || !x || !carries(x)) continue;
      if (dx.shape.length !== x.rank || dx.shape.some((dim, axis) => dim !== x.shape[axis])) {
        throw shapeError(node.op, `its gradient has shape [${dx.shape}] for an input of [${x.shape}]`);
      }
      const sofar = total.get(x);
      total.set(x, sofar ? add(sofar, dx) : dx);
    }
  }
  return wrt.map((x) => total.get(x));
}

/** Every node that `outputs` depend on, inputs before their users. Iterative: graphs are thousands of nodes deep. */
export function topological(outputs: readonly Tensor[]): Node[] {
  const order: Node[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  const stack = outputs.flatMap((output) => output.node ?? []).reverse();
  while (stack.length > 0) {
    const node = stack[stack.length - 1];
    if (state.get(node) === undefined) {
      state.set(node, 'open');
      for (const x of node.inputs.toReversed()) {
        if (x?.node && state.get(x.node) === undefined) stack.push(x.node);
      }
    } else {
      stack.pop();
      if (state.get(node) === 'open') {
        state.set(node, 'done');
        order.push(node);
      }
    }
  }
  return order;
}

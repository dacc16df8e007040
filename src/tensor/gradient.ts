import { sizeOf } from './dtype.ts';
import { add } from './ops/elementwise.ts';
import { matmul } from './ops/matmul.ts';
import { concat } from './ops/shape.ts';
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

  const terms = new Map<Tensor, Tensor[]>([[loss, [constant(1)]]]);
  /** The derivative for a tensor all of whose uses have been seen. */
  const settled = (x: Tensor): Tensor | undefined => {
    const own = terms.get(x);
    if (own === undefined) return undefined;
    const sum = total(own);
    terms.set(x, [sum]);
    return sum;
  };
  for (const node of order.toReversed()) {
    if (!depends.has(node)) continue;
    const dys = node.outputs.map(settled);
    const dy = dys.find((d) => d !== undefined);
    if (!dy || !node.gradient) continue;
    for (const [i, dx] of node.gradient(dys[0] ?? dy, dys).entries()) {
      const x = node.inputs[i];
      if (!dx || !x || !carries(x)) continue;
      if (dx.shape.length !== x.rank || dx.shape.some((dim, axis) => dim !== x.shape[axis])) {
        throw shapeError(node.op, `its gradient has shape [${dx.shape}] for an input of [${x.shape}]`);
      }
      const sofar = terms.get(x);
      if (sofar) sofar.push(dx);
      else terms.set(x, [dx]);
    }
  }
  return wrt.map(settled);
}

/** The sum of what each use of a tensor adds to its derivative. */
function total(terms: readonly Tensor[]): Tensor {
  const products: Product[] = [];
  const rest: Tensor[] = [];
  for (const term of terms) {
    const product = asProduct(term);
    if (product) products.push(product);
    else rest.push(term);
  }
  return [...rest, ...joined(products)].reduce((sum, term) => add(sum, term));
}

interface Product {
  result: Tensor;
  a: Tensor;
  b: Tensor;
}

/** What a weight gets from a use of it: aᵀ·b, (…, R, K) and (…, R, N). */
function asProduct(result: Tensor): Product | undefined {
  const { op, inputs, attributes } = result.node ?? {};
  const [a, b, bias] = inputs ?? [];
  if ((op !== 'Gemm' && op !== 'FusedMatMul') || !a || !b || bias) return undefined;
  const { transA, transB, alpha } = attributes as {
    transA: number;
    transB: number;
    alpha: { float: number };
  };
  if (transA !== 1 || transB !== 0 || alpha.float !== 1) return undefined;
  const lead = result.shape.slice(0, -2).join();
  return [a, b].every(({ shape }) => shape.slice(0, -2).join() === lead) ? { result, a, b } : undefined;
}

/**
 * Σ aᵢᵀ·bᵢ as one product of all rows: a weight that is used at every step of a recurrent network is written once instead of once a step. Where there are
 * many rows and few uses, to gather the rows would cost more than the sums do.
 */
function joined(products: readonly Product[]): Tensor[] {
  const results = products.map(({ result }) => result);
  if (products.length < 2) return results;
  const moved = products.reduce((all, { a, b }) => all + 2 * (sizeOf(a.shape) + sizeOf(b.shape)), 0);
  const summed = (products.length - 1) * 4 * sizeOf(results[0].shape); // the sum is read twice and written, and so is the product
  if (moved >= summed) return results;
  const [a, b] = [concat(products.map((one) => one.a), -2), concat(products.map((one) => one.b), -2)]; // biome-ignore format: one line
  return [matmul(a, b, { transposeA: true })];
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

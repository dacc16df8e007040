/**
 * Learning to draw in a few steps what a teacher draws in many: consistency distillation (Song et al. 2023), with the teacher's guidance
 * learnt at the same time (Meng et al. 2023; together as in Luo et al. 2023, "latent consistency models").
 */
import {
  add,
  div,
  greater,
  input,
  maximum,
  mul,
  type Params,
  randomLike,
  reshape,
  stopGradient,
  sub,
  type Tensor,
  where,
} from '../../tensor/index.ts';
import type { DiffusionConfig } from './config.ts';
import { expected, guided, mixtureAt, noised } from './process.ts';
import type { Conditions } from './transformer.ts';

export interface Lesson {
  student: { net: Params; conditions: Conditions };
  teacher: {
    net: Params;
    config: DiffusionConfig;
    /** With guidance of 2 B rows: those that are asked for, then those without. */
    conditions: Conditions;
    guided: boolean;
  };
}

/**
 * Wherever the student stands on the teacher's way, it is to expect the same picture as one step further down that way:
 * f(x_t, t) = f(x_s, s), where the teacher goes from x_t to x_s; at s = 0 what the teacher arrives at. Inputs `t` and `s` < t (B), and,
 * of a teacher that is guided, `guidance` (1).
 */
export function consistencyLoss(c: DiffusionConfig, x: Tensor, { student, teacher }: Lesson): Tensor {
  const [b] = x.shape;
  const [t, s] = [input('t', [b]), input('s', [b])];
  const xt = noised(c, x, randomLike(x.shape, { kind: 'normal' }), t);
  const { net, config, conditions } = teacher;
  const aim = teacher.guided
    ? guided(net, config, xt, t, input('guidance', [1]), conditions)
    : expected(net, config, xt, t, conditions);
  const [from, to] = [mixtureAt(c, t), mixtureAt(c, s)];
  const noise = div(sub(xt, mul(aim, from.alpha)), maximum(from.sigma, 1e-3));
  const xs = add(mul(aim, to.alpha), mul(noise, to.sigma)); // DDIM
  const further = expected(student.net, c, xs, s, student.conditions);
  const there = greater(reshape(s, [b, 1, 1, 1]), 0);
  const target = stopGradient(where(there, further, xs));
  return sub(expected(student.net, c, xt, t, student.conditions), target)
    .square()
    .mean();
}

/** Requests and tokens a minute: whoever asks for more waits. */
import { setTimeout } from 'node:timers/promises';

export interface RateLimits {
  requestsPerMinute?: number;
  tokensPerMinute?: number;
}

export interface RateLimiter {
  /** Returns when a request of so many tokens may be sent. */
  wait(tokens: number, signal?: AbortSignal): Promise<void>;
  /** What a request really took, beside what was thought. */
  settle(expected: number, taken: number): void;
  /** Nobody sends anything for so long: the server said so. */
  pause(milliseconds: number): void;
}

export interface Clock {
  /** Milliseconds, monotonic. */
  now(): number;
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

export const CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => setTimeout(milliseconds, undefined, { signal }),
};

const MINUTE = 60_000;

/**
 * Two buckets that fill evenly; each holds what falls into it in `burst` milliseconds, so that a job does not begin by sending a minute's
 * worth at once.
 */
export function rateLimiter(
  { requestsPerMinute, tokensPerMinute }: RateLimits,
  clock: Clock = CLOCK,
  burst = 2000,
): RateLimiter {
  const buckets = [bucket(requestsPerMinute, clock, burst), bucket(tokensPerMinute, clock, burst)];
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let turn: Promise<void> = Promise.resolve();
  return {
    wait(tokens, signal) {
      // One after the other: who came first goes first.
      const mine = turn.then(async () => {
        for (;;) {
          const delay = Math.max(pausedUntil - clock.now(), buckets[0].delay(), buckets[1].delay());
          if (delay <= 0) break;
          await clock.sleep(delay, signal);
        }
        buckets[0].take(1);
        buckets[1].take(tokens);
      });
      turn = mine.catch(() => {});
      return mine;
    },
    settle: (expected, taken) => buckets[1].take(taken - expected),
    pause(milliseconds) {
      pausedUntil = Math.max(pausedUntil, clock.now() + milliseconds);
    },
  };
}

/** Its level may go below zero: a request larger than the bucket is sent when it is full, and then others wait for longer. */
function bucket(perMinute: number | undefined, clock: Clock, burst: number) {
  if (perMinute === undefined) return { delay: () => 0, take: () => {} };
  const room = Math.max(1, (perMinute * burst) / MINUTE);
  let level = room;
  let at = clock.now();
  const fill = () => {
    const now = clock.now();
    level = Math.min(room, level + ((now - at) * perMinute) / MINUTE);
    at = now;
  };
  const least = Math.min(room, 1);
  return {
    delay() {
      fill();
      return level >= least - 1e-9 ? 0 : Math.max(1, ((least - level) * MINUTE) / perMinute);
    },
    take(amount: number) {
      fill();
      level -= amount;
    },
  };
}

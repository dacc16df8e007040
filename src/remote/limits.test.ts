import { describe, expect, it } from 'vitest';
import { rateLimiter } from './limits.ts';
import { isServerRef, serverRef } from './reference.ts';

/** A clock that goes on as it is waited for. */
function standing() {
  let time = 0;
  return {
    now: () => time,
    sleep: async (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

describe('limits', () => {
  it('let through as many requests a minute as they say, evenly', async () => {
    const clock = standing();
    const limiter = rateLimiter({ requestsPerMinute: 60 }, clock);
    const times: number[] = [];
    for (let i = 0; i < 121; i++) {
      await limiter.wait(0);
      times.push(clock.now());
    }
    expect(times[1]).toBe(0); // two seconds' worth at once
    expect(times[120] / 1000).toBeCloseTo(119, 0);
    const gaps = times.slice(3).map((time, i) => time - times[i + 2]);
    expect(Math.max(...gaps)).toBeLessThan(1010);
  });

  it('count tokens, and what a request really took', async () => {
    const clock = standing();
    const limiter = rateLimiter({ tokensPerMinute: 6000 }, clock); // 100 a second
    for (let i = 0; i < 20; i++) {
      await limiter.wait(500);
      limiter.settle(500, 250);
    }
    expect(clock.now() / 1000).toBeGreaterThan(42);
    expect(clock.now() / 1000).toBeLessThan(52); // 250 each, less what was in the bucket
  });

  it('stand still where a server has asked for it, and are none where nobody set any', async () => {
    const clock = standing();
    const limiter = rateLimiter({}, clock);
    for (let i = 0; i < 1000; i++) await limiter.wait(1e6);
    expect(clock.now()).toBe(0);
    limiter.pause(5000);
    await limiter.wait(1);
    expect(clock.now()).toBe(5000);
  });
});

describe("a server's model, by reference", () => {
  it('is split at the last address, whatever is in its name', () => {
    expect(serverRef('openai:qwen/qwen2.5-vl:7b@http://localhost:8000/v1/')).toEqual({
      model: 'qwen/qwen2.5-vl:7b',
      url: 'http://localhost:8000/v1',
    });
    expect(serverRef('openai:starter@0.1.0@http://127.0.0.1:8484/v1').model).toBe('starter@0.1.0');
    expect(serverRef('openai:gpt-4o').url).toBe('https://api.openai.com/v1');
    expect(isServerRef('openai-model')).toBe(false);
  });

  it.each([
    'openai:',
    'openai:@http://localhost/v1',
    'openai:m@http://',
    'openai:m@http://user:key@localhost/v1',
  ])('%s is none', (ref) => {
    expect(() => serverRef(ref)).toThrow(expect.objectContaining({ code: 'bad-server' }));
  });
});

#!/usr/bin/env node
// Plain JavaScript, so that even a Node that is too old can say so, or hand over to the one in node_modules.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';

// Pictures are decoded on libuv's threads: one for each core, and two for those that wait for the disk. libuv looks here
// when it is first given work, which is later than this line.
process.env.UV_THREADPOOL_SIZE ??= String(cpus().length + 2);

const [major, minor] = process.versions.node.split('.').map(Number);
const source = new URL('../src/cli/main.ts', import.meta.url);

if (major > 22 || (major === 22 && minor >= 18)) {
  // A checkout runs its sources as they stand; the published package has `dist/` alone.
  const { main } = await import(existsSync(source) ? source.href : '../dist/cli/main.js');
  process.exitCode = await main(process.argv.slice(2));
} else {
  let node;
  try {
    node = createRequire(import.meta.url).resolve('node/bin/node');
  } catch {
    process.stderr.write(
      `recaption needs Node 22.18 or newer; this is ${process.versions.node}. Run \`npm ci\` in the checkout, or install a newer Node.\n`,
    );
    process.exit(1);
  }
  process.on('SIGINT', () => {}); // the other one answers Ctrl-C, and this one must still be here to say how it ended
  const { status, signal } = spawnSync(node, process.argv.slice(1), { stdio: 'inherit' });
  if (signal) process.kill(process.pid, signal);
  process.exitCode = status ?? 1;
}

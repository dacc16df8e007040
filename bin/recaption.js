#!/usr/bin/env node
// Plain JavaScript, so that even a Node that is too old can say so, or hand over to the one in node_modules.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';

const [major, minor] = process.versions.node.split('.').map(Number);
const source = new URL('../src/cli/main.ts', import.meta.url);

if (major > 22 || (major === 22 && minor >= 18)) {
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
  const { status, signal } = spawnSync(node, process.argv.slice(1), { stdio: 'inherit' });
  if (signal) process.kill(process.pid, signal);
  process.exitCode = status ?? 1;
}

// Installs what is missing, so that `npm start` and `npm test` work in a fresh clone. Plain JavaScript: the machine's
// own Node may be too old for the rest of the project.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

const lock = 'package-lock.json';
const installed = 'node_modules/.package-lock.json';
const fresh =
  existsSync(installed) &&
  existsSync('node_modules/.bin/node') &&
  statSync(installed).mtimeMs >= statSync(lock).mtimeMs;

if (!fresh) {
  process.stderr.write('Installing packages from the npm registry (once) …\n');
  const { status } = spawnSync('npm', ['ci', '--loglevel=error', '--no-progress'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    process.stderr.write('Could not install the packages. Is the npm registry reachable? Try: npm ci\n');
    process.exit(1);
  }
}

/** What a figure came from, apart from its data: the program, the runtime and the machine. */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../', import.meta.url);

export interface Provenance {
  version: string;
  /** Of the checkout that it ran in; absent where the package was installed. */
  commit?: string;
  node: string;
  processor: string;
  cores: number;
  /** ISO 8601. */
  date: string;
}

export function provenance(now = new Date()): Provenance {
  const commit = checkedOut();
  const processors = cpus();
  return {
    version: packageVersion(),
    ...(commit && { commit }),
    node: process.versions.node,
    processor: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    date: now.toISOString(),
  };
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { version: string }).version;
}

/** The commit that HEAD names, in ten digits; undefined where there is no checkout. */
function checkedOut(): string | undefined {
  const read = (path: string) => {
    try {
      return readFileSync(fileURLToPath(new URL(`.git/${path}`, ROOT)), 'utf8').trim();
    } catch {
      return undefined;
    }
  };
  const head = read('HEAD');
  const ref = head?.startsWith('ref: ') ? head.slice(5) : undefined;
  const commit =
    ref === undefined
      ? head
      : (read(ref) ??
        read('packed-refs')
          ?.split('\n')
          .find((line) => line.endsWith(` ${ref}`))
          ?.slice(0, 40));
  return /^[0-9a-f]{40}$/.test(commit ?? '') ? commit?.slice(0, 10) : undefined;
}

import { readFile } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { RecaptionError, reason } from '../errors.ts';
import type { ImageSource } from '../image/image.ts';

/** A picture that is a file of its own. */
export function fileImage(path: string): ImageSource {
  return {
    name: path,
    path: resolve(path),
    async bytes() {
      try {
        return await readFile(path);
      } catch (error) {
        const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
        throw new RecaptionError(
          missing ? 'image-missing' : 'image-unreadable',
          missing ? 'there is no such picture' : `the picture cannot be read (${reason(error)})`,
          { place: path, cause: error },
        );
      }
    },
  };
}

/** The key of a picture: its path below the collection's root, without the extension, with `/` on every system. */
export function keyOf(relativePath: string): string {
  return relativePath.replaceAll(sep, '/').replace(/(?<=[^/])\.[^./]*$/, '');
}

export function isInside(root: string, path: string): boolean {
  const way = relative(resolve(root), resolve(path));
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/**
 * The file that a name from somebody else's metadata means, or undefined when it would lead out of `root`: absolute
 * paths, `..`, drive letters.
 */
export function pathInside(root: string, name: string): string | undefined {
  const slashed = name.replaceAll('\\', '/');
  if (name.includes('\0') || slashed.startsWith('/') || /^[a-z]:/i.test(name)) return undefined;
  if (!isInside(root, resolve(root, slashed))) return undefined;
  return resolve(root, name);
}

/** Whether a name may be looked for, and what to tell whoever wrote it otherwise. */
export function unsafePath(name: string): RecaptionError {
  return new RecaptionError('unsafe-path', `the file name "${name}" leads out of the folder of the pictures`);
}

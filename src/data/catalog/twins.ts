/** Pictures that look the same: found by their perceptual hashes, every pair of them without comparing every pair. */
import type { Catalog } from './catalog.ts';

/**
 * Bits in which the hashes of two pictures that look the same may differ. Of 111 photos compressed anew, shrunk, squeezed, brightened or
 * made grey, nearly all stayed within 6 bits of the original; of two different ones, the most alike were 16 apart.
 */
const NEAR = 7;

/** Hashes are cut into so many parts of 16 bits: of two within `NEAR` bits, one part differs in at most one bit. */
const PARTS = 4;

/**
 * Finds groups of pictures that look the same, and notes in each (`twin`) the first of its group. Only pairs with a picture that has
 * not been compared yet are looked for; the others are known.
 * @returns the number of pictures that have an earlier twin, among those not compared before
 */
export function findTwins({ db }: Catalog): number {
  const groups = unions();
  const { n } = db.get<{ n: number }>('SELECT count(likeness) AS n FROM images')!;
  // Of each hash, its first picture: typed arrays, since there may be millions.
  const ids = new Uint32Array(n);
  const parts = new Uint16Array(n * PARTS);
  const fresh = new Uint8Array(n);
  let different = 0;
  let last: Uint8Array | undefined;
  const rows = db.iterate<{ id: number; likeness: Uint8Array; twin: number | null; looked: number }>(
    'SELECT id, likeness, twin, looked FROM images WHERE likeness IS NOT NULL ORDER BY likeness, id',
  );
  for (const { id, likeness, twin, looked } of rows) {
    if (twin !== null) groups.join(twin, id);
    if (last !== undefined && Buffer.compare(last, likeness) === 0) groups.join(ids[different - 1], id);
    else {
      for (let i = 0; i < PARTS; i++)
        parts[different * PARTS + i] = likeness[2 * i] | (likeness[2 * i + 1] << 8);
      fresh[different] = Number(looked === 1);
      ids[different++] = id;
    }
    last = likeness;
  }
  for (let part = 0; part < PARTS; part++) {
    const { starts, order } = byPart(parts, part, different);
    for (let i = 0; i < different; i++) {
      if (fresh[i] === 0) continue;
      for (const like of within1(parts[i * PARTS + part]))
        for (let at = starts[like]; at < starts[like + 1]; at++)
          if (order[at] !== i && distance(parts, i, order[at]) <= NEAR) groups.join(ids[order[at]], ids[i]);
    }
  }
  return db.transaction(() => {
    for (const [id, first] of groups.members())
      db.run('UPDATE images SET twin = ? WHERE id = ? AND twin IS NOT ?', first, id, first);
    const fresh = db.get<{ twins: number }>('SELECT count(twin) AS twins FROM images WHERE looked = 1')!;
    db.run('UPDATE images SET looked = 2 WHERE looked = 1');
    return fresh.twins;
  });
}

/** Counting sort of the hashes by one of their parts: those with part p are `order[starts[p]]` to before `order[starts[p + 1]]`. */
function byPart(parts: Uint16Array, part: number, n: number) {
  const starts = new Uint32Array(2 ** 16 + 1);
  for (let i = 0; i < n; i++) starts[parts[i * PARTS + part] + 1]++;
  for (let p = 0; p < 2 ** 16; p++) starts[p + 1] += starts[p];
  const next = starts.slice();
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[next[parts[i * PARTS + part]]++] = i;
  return { starts, order };
}

/** A 16-bit number and all that differ from it in one bit. */
function* within1(part: number): Generator<number> {
  yield part;
  for (let bit = 0; bit < 16; bit++) yield part ^ (1 << bit);
}

/** Bits in which hashes i and j differ. */
function distance(parts: Uint16Array, i: number, j: number): number {
  let bits = 0;
  for (let k = 0; k < PARTS; k++)
    for (let x = parts[i * PARTS + k] ^ parts[j * PARTS + k]; x > 0; x &= x - 1) bits++;
  return bits;
}

/** Groups that grow together (union–find), each known by its smallest member. */
function unions() {
  const up = new Map<number, number>();
  const first = (id: number): number => {
    let root = id;
    for (let next = up.get(root); next !== undefined; next = up.get(root)) root = next;
    for (let next = up.get(id); next !== undefined && next !== root; next = up.get(id)) {
      up.set(id, root);
      id = next;
    }
    return root;
  };
  return {
    join(a: number, b: number): void {
      const [one, other] = [first(a), first(b)];
      if (one !== other) up.set(Math.max(one, other), Math.min(one, other));
    },
    /** All that are not the first of their group, with that one. */
    *members(): Generator<[id: number, first: number]> {
      for (const id of up.keys()) yield [id, first(id)];
    },
  };
}

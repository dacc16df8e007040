const EMPTY = -1;

/**
 * Small whole numbers under pairs of such (0 to 2³¹ − 1): an open hash table in flat arrays, several times as fast as a `Map` of
 * combined keys, which makes an object of every key beyond 31 bits.
 */
export class PairTable {
  #first = new Int32Array(1024).fill(EMPTY);
  #second = new Int32Array(1024);
  #values = new Int32Array(1024);
  #size = 0;

  /** Undefined where there is none. */
  get(first: number, second: number): number | undefined {
    const slot = this.#slot(first, second);
    return this.#first[slot] === EMPTY ? undefined : this.#values[slot];
  }

  set(first: number, second: number, value: number): void {
    const slot = this.#slot(first, second);
    if (this.#first[slot] === EMPTY) this.#size++;
    this.#first[slot] = first;
    this.#second[slot] = second;
    this.#values[slot] = value;
    if (2 * this.#size > this.#first.length) this.#grow();
  }

  /** Where the pair is, or would be. There is always an empty slot, so that the search ends. */
  #slot(first: number, second: number): number {
    const last = this.#first.length - 1;
    let hash = Math.imul(first, 0x9e3779b1) ^ Math.imul(second, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    let slot = (hash ^ (hash >>> 13)) & last;
    while (this.#first[slot] !== EMPTY && (this.#first[slot] !== first || this.#second[slot] !== second))
      slot = (slot + 1) & last;
    return slot;
  }

  #grow(): void {
    const [first, second, values] = [this.#first, this.#second, this.#values];
    const length = 2 * first.length;
    this.#first = new Int32Array(length).fill(EMPTY);
    this.#second = new Int32Array(length);
    this.#values = new Int32Array(length);
    this.#size = 0;
    for (let i = 0; i < first.length; i++) if (first[i] !== EMPTY) this.set(first[i], second[i], values[i]);
  }
}

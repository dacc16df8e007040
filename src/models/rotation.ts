/**
 * Rotary positions in two dimensions, for patches row by row: of the pairs of a head of `width` numbers one half turns with the row, the
 * other with the column. Angles (side², width / 2) for `rotate`.
 */
export function gridAngles(side: number, width: number): Float32Array {
  const pairs = width / 4; // for each direction
  return Float32Array.from({ length: side * side * 2 * pairs }, (_, at) => {
    const [place, pair] = [Math.floor(at / (2 * pairs)), at % (2 * pairs)];
    const along = pair < pairs ? Math.floor(place / side) : place % side;
    return along * 100 ** (-(pair % pairs) / pairs);
  });
}

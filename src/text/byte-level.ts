/** The byte-level alphabet and the splitting of text that GPT-2 introduced and `tokenizer.json` calls `ByteLevel`. */

/**
 * A visible character for each of the 256 bytes: printable Latin-1 stands for itself, the others are moved, in order,
 * to U+0100 and up.
 */
export const BYTE_CHARACTERS: readonly string[] = byteCharacters();

function byteCharacters(): string[] {
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let moved = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : moved++));
}

/** English contractions, or one optional space and a run of letters, of digits or of other signs, or white space. */
const PIECE = /'(?:[stmd]|re|ve|ll)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** Cuts text into the pieces within which tokens may be formed; joined, they are the text. */
export function splitPieces(text: string): string[] {
  return text.match(PIECE) ?? [];
}

/** Texts within PNG files: what a picture was made from travels with it. */
import { crc32 } from 'node:zlib';

const SIGNATURE = 8;
/** Length, name and checksum of a chunk, beside its data. */
const AROUND = 12;

/** A copy of a PNG file with texts in `iTXt` chunks (PNG specification, 11.3.3.4), UTF-8 and not compressed, before the pixels. */
export function withPngText(png: Uint8Array, texts: Readonly<Record<string, string>>): Uint8Array {
  const header = SIGNATURE + AROUND + viewOf(png).getUint32(SIGNATURE); // where IHDR ends
  const chunks = Object.entries(texts).map(([keyword, text]) => {
    const name = Buffer.from(keyword, 'latin1');
    return chunk('iTXt', Buffer.concat([name, Buffer.of(0, 0, 0, 0, 0), Buffer.from(text, 'utf8')]));
  });
  return Buffer.concat([png.subarray(0, header), ...chunks, png.subarray(header)]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const out = Buffer.alloc(AROUND + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

/** The uncompressed texts of a PNG file, `tEXt` and `iTXt`, by keyword; none for a file that is cut off or is no PNG. */
export function readPngText(png: Uint8Array): Record<string, string> {
  const texts: Record<string, string> = {};
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  for (let at = SIGNATURE; at + AROUND <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (data.length < length || type === 'IDAT') break;
    const end = data.indexOf(0);
    const keyword = data.toString('latin1', 0, end);
    if (type === 'tEXt' && end > 0) texts[keyword] = data.toString('latin1', end + 1);
    if (type === 'iTXt' && end > 0 && data[end + 1] === 0) {
      const language = data.indexOf(0, end + 3);
      const translated = data.indexOf(0, language + 1);
      texts[keyword] = data.toString('utf8', translated + 1);
    }
    at += AROUND + length;
  }
  return texts;
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

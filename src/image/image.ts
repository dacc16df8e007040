/** Decoded picture: interleaved 8-bit RGB, row by row, no alpha. `data.length === width * height * 3`. */
export interface Image {
  width: number;
  height: number;
  data: Uint8Array;
}

/** Where an encoded picture comes from. `bytes` reads the whole encoded file (JPEG, PNG, WebP …) each time it is called. */
export interface ImageSource {
  /** For people and for failure lists: a path, or `shard.tar#member.jpg`. */
  name: string;
  /** Absolute path where the picture is a file of its own, otherwise absent. */
  path?: string;
  /** First byte within its archive, where it is a member of one that is not compressed (`name` is `archive.tar#member`). */
  start?: number;
  bytes(): Promise<Uint8Array>;
  /** Throws when what lies there is no longer the picture that was meant; where `path` is read directly, ask first. */
  verify?(): Promise<void>;
}

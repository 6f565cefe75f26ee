/** Longest name of a stream or a consumer, in bytes; file systems have the same bound for one name. */
export const ASSET_NAME_BYTES_MAX = 255;

/** Longest description of a stream or a consumer, in bytes. */
export const DESCRIPTION_BYTES_MAX = 4 * 1024;

/** All metadata of a stream or a consumer together, in bytes. */
export const METADATA_BYTES_MAX = 128 * 1024;

const FORBIDDEN = /[ \t\r\n\f.*>\\/]/;

/** Whether a stream or a consumer may be called so: neither empty nor with what subjects, files or text give a meaning. A wire string. */
export function isAssetName(name: string): boolean {
  return name !== "" && !FORBIDDEN.test(name);
}

/** Bytes of all names and values. */
export function metadataBytes(metadata: ReadonlyMap<string, string>): number {
  let bytes = 0;
  for (const [name, value] of metadata) bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  return bytes;
}

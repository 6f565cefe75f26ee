/** `1.50 GB`, with powers of 1,024, as the reference's log has sizes. */
export function friendlyBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const power = Math.min(Math.floor(Math.log(bytes) / Math.log(1_024)), UNITS.length);
  return `${(bytes / 1_024 ** power).toFixed(2)} ${UNITS[power - 1]}B`;
}

const UNITS = "KMGTPE";

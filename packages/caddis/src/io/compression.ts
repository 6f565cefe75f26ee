/** Packs what is sent to those who ask for it packed. */
export interface Compression {
  /** As a gzip file. Never rejects for lack of sense: any bytes can be packed. */
  gzip(bytes: Uint8Array): Promise<Uint8Array>;
}

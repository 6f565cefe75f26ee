const WORD_BYTES = 4;
/** Below this many bytes the way over words costs more than it saves. */
const WORDS_FROM_BYTES = 32;

/** Takes the mask off `data`, in place: byte `i` is XORed with byte `i % 4` of `mask` (RFC 6455, 5.3). */
export function unmask(data: Uint8Array, mask: Uint8Array): void {
  const { buffer, byteOffset, length } = data;
  // Words lie at multiples of their size.
  const head = length < WORDS_FROM_BYTES ? length : (WORD_BYTES - (byteOffset & 3)) & 3;
  for (let i = 0; i < head; i++) data[i] ^= mask[i & 3];
  if (head === length) return;
  const key = new Uint32Array(
    Uint8Array.from({ length: WORD_BYTES }, (_, i) => mask[(head + i) & 3]).buffer,
  )[0];
  const words = new Uint32Array(buffer, byteOffset + head, (length - head) >> 2);
  for (let i = 0; i < words.length; i++) words[i] ^= key;
  for (let i = head + words.length * WORD_BYTES; i < length; i++) data[i] ^= mask[i & 3];
}

/** CRC-32C (RFC 3309 appendix B.2: the polynomial of Castagnoli), as TLV 3 has it. */
const POLYNOMIAL = 0x82f63b78;

const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value;
});

/** The checksum of `bytes`, those from `zeroAt` on taken as four zeros. */
export function crc32c(bytes: Uint8Array, zeroAt: number): number {
  let sum = 0xffff_ffff;
  for (let index = 0; index < bytes.length; index++) {
    const byte = index >= zeroAt && index < zeroAt + 4 ? 0 : bytes[index]!;
    sum = TABLE[(sum ^ byte) & 0xff]! ^ (sum >>> 8);
  }
  return (sum ^ 0xffff_ffff) >>> 0;
}

import type { FieldSection } from "../protocol/http1/field-section.js";

/** Fields of a message, in their order, duplicates included. Names in any case of letters. */
export type Fields = Pick<FieldSection, "fieldCount" | "get" | "getAll" | "has" | "entries"> &
  Iterable<[name: string, value: string]>;

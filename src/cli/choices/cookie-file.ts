import type { CookieStore } from "../../http/index.js";

/** Cookies that are kept in a file, in HP-Socket's format. */
export interface CookieFile {
  readonly store: CookieStore;
  /** Writes them back; session cookies are left out. */
  save(): Promise<void>;
}

/** Reads cookies from a file, which need not be there yet. Rejects as `CookieStore.loadFile`. */
export async function cookieFile(path: string): Promise<CookieFile> {
  // Cookies need a package that nothing else here does.
  const { CookieStore } = await import("../../http/index.js");
  const store = new CookieStore();
  await store.loadFile(path, { mayBeMissing: true });
  return { store, save: () => store.saveFile(path) };
}

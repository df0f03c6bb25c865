/** The bits that the states of all sockets have. Those of each kind start at `1 << FIRST_FREE_BIT`. */

/** It closes, or has closed. */
export const CLOSING = 1;
/** It does not keep the process alive. */
export const UNREFERENCED = 2;
/** It is gone. */
export const GONE = 4;
export const FIRST_FREE_BIT = 3;

/** Error numbers of the kernel, by name. */
import { constants } from "node:os";
import { getSystemErrorName } from "node:util";
import type { NetError, Operation } from "../../../errors.js";
import { systemError } from "../../system-error.js";

const { errno } = constants;

/** The ones that the engine decides by; negative, as the kernel answers them. */
export const EINTR: number = -errno.EINTR;
export const EAGAIN: number = -errno.EAGAIN;
export const EBUSY: number = -errno.EBUSY;
export const EMFILE: number = -errno.EMFILE;
export const ENOMEM: number = -errno.ENOMEM;
export const EINVAL: number = -errno.EINVAL;
export const EPERM: number = -errno.EPERM;
export const ENOSYS: number = -errno.ENOSYS;
export const ENOBUFS: number = -errno.ENOBUFS;
export const ECANCELED: number = -errno.ECANCELED;
export const EADDRINUSE: number = -errno.EADDRINUSE;
export const ECONNREFUSED: number = -errno.ECONNREFUSED;
export const ENOTCONN: number = -errno.ENOTCONN;
export const EPIPE: number = -errno.EPIPE;
export const ECONNRESET: number = -errno.ECONNRESET;

/** The name (`ECONNRESET`) of what a system call answered; `ERRNO_n` where Node knows none. */
export function errnoName(result: number): string {
  const name = getSystemErrorName(result);
  return name.startsWith("E") ? name : `ERRNO_${-result}`;
}

/** The NetError for what a system call answered. `where` is put into its message. */
export function callError(result: number, operation: Operation, where?: string): NetError {
  return systemError(errnoName(result), operation, undefined, where);
}

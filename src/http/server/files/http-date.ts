/** Dates in fields (RFC 9110 §5.6.7): one form is sent, two older ones are understood. */

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
const MONTH = `(${MONTHS.replaceAll(" ", "|")})`;
const TIME = "(\\d\\d):(\\d\\d):(\\d\\d)";

/** `Sun, 06 Nov 1994 08:49:37 GMT` */
const FIXED = new RegExp(`^[A-Z][a-z]{2}, (\\d\\d) ${MONTH} (\\d{4}) ${TIME} GMT$`);
/** `Sunday, 06-Nov-94 08:49:37 GMT` */
const RFC850 = new RegExp(`^[A-Z][a-z]+, (\\d\\d)-${MONTH}-(\\d\\d) ${TIME} GMT$`);
/** `Sun Nov  6 08:49:37 1994` */
const ASCTIME = new RegExp(`^[A-Z][a-z]{2} ${MONTH} ([ \\d]\\d) ${TIME} (\\d{4})$`);

/** The moment as a field has it, in whole seconds. */
export function httpDate(epochMs: number): string {
  return new Date(epochMs).toUTCString();
}

/** Milliseconds since 1970 UTC; undefined for what is no date. `nowMs` decides on a century. */
export function parseHttpDate(text: string, nowMs: number): number | undefined {
  const fixed = FIXED.exec(text);
  if (fixed !== null) return moment(fixed[3], fixed[2], fixed[1], fixed.slice(4));
  const ascii = ASCTIME.exec(text);
  if (ascii !== null) return moment(ascii[6], ascii[1], ascii[2], ascii.slice(3, 6));
  const old = RFC850.exec(text);
  if (old === null) return undefined;
  const thisYear = new Date(nowMs).getUTCFullYear();
  let year = thisYear - (thisYear % 100) + Number(old[3]);
  // More than 50 years ahead means the past century.
  if (year > thisYear + 50) year -= 100;
  return moment(String(year), old[2], old[1], old.slice(4));
}

function moment(
  year: string | undefined,
  month: string | undefined,
  day: string | undefined,
  time: readonly string[],
): number | undefined {
  const monthIndex = MONTHS.indexOf(`${month}`) / 4;
  const [hours, minutes, seconds] = time.map(Number) as [number, number, number];
  const epochMs = Date.UTC(Number(year), monthIndex, Number(day), hours, minutes, seconds);
  const isReal = new Date(epochMs).getUTCDate() === Number(day) && hours < 24 && minutes < 60;
  return isReal && seconds <= 60 ? epochMs : undefined;
}

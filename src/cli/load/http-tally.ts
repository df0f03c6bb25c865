import { LoadTally } from "./load-tally.js";
import type { PreparedRequest } from "./prepared-request.js";

const STATUSES = 1_000;

/** What the connections of a load of an HTTP server have in common. */
export class HttpTally extends LoadTally {
  readonly request: PreparedRequest;
  /** Responses in the measured time, by status. */
  readonly statusCounts: Float64Array = new Float64Array(STATUSES);
  /** Bytes that came in the measured time, and those of bodies among them. */
  receivedBytes = 0;
  bodyBytes = 0;

  constructor(request: PreparedRequest, depth: number) {
    super(depth);
    this.request = request;
  }

  /** Counts by status, those that came. */
  statuses(): readonly (readonly [status: number, count: number])[] {
    return [...this.statusCounts.entries()].filter(([, count]) => count > 0);
  }

  /** Also where a response had a status of 400 or above. */
  override get hasFailed(): boolean {
    return super.hasFailed || this.statuses().some(([status]) => status >= 400);
  }
}

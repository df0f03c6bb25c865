/**
 * The sessions of a thread that keep their buffers of records while they are empty, because they are
 * busy: to make and free two buffers of 16 KiB for each record costs about a tenth of a small message
 * (`bench tls`). There are at most {@link MAX_BUSY} of them, so that what they keep is bounded.
 *
 * They have places in a ring. A session that wants a place looks at the next few, and takes the first whose owner has
 * read nothing since it was last looked at. So a busy owner does nothing to keep its place.
 */

/** Sessions of a thread that keep their buffers: 33 KiB each. */
export const MAX_BUSY: number = 128;

/** Places that a session looks at when it wants one. */
const LOOKS = 4;

/** No place. */
export const NO_PLACE: number = -1;

/** A session, as it is seen here. */
export interface BusySession {
  /** Where it sits, or {@link NO_PLACE}. */
  place: number;
  /** It has read since another session last looked at its place. */
  wasBusy: boolean;
  keepBuffers(): void;
  releaseBuffers(): void;
}

/** The sessions that keep their buffers. */
export class BusySessions {
  private readonly places: (BusySession | undefined)[] = [];
  private next = 0;

  /** Lets `session` keep its buffers, if there is a place. */
  add(session: BusySession): boolean {
    for (let looks = 0; looks < LOOKS; looks++) {
      const place = this.next;
      this.next = (place + 1) % MAX_BUSY;
      const owner = this.places[place];
      if (owner?.wasBusy === true) {
        owner.wasBusy = false;
        continue;
      }
      if (owner !== undefined) {
        owner.place = NO_PLACE;
        owner.releaseBuffers();
      }
      this.places[place] = session;
      session.place = place;
      session.keepBuffers();
      return true;
    }
    return false;
  }

  /** `session` is gone. */
  remove(session: BusySession): void {
    if (session.place === NO_PLACE) return;
    this.places[session.place] = undefined;
    session.place = NO_PLACE;
  }
}

/**
 * Sends of one datagram socket that wait because the kernel has no room for them: a list in the order in which they
 * were made. Those that were tried and found no room come back to their place.
 */

/** A send that can wait. */
export interface WaitingSend<Send> {
  /** The place of the send among all of its socket. */
  order: number;
  /** The one that waits behind it. */
  next: Send | undefined;
}

/** Sends of one datagram socket that wait for room, the oldest first. */
export class SendBacklog<Send extends WaitingSend<Send>> {
  private first: Send | undefined = undefined;
  private last: Send | undefined = undefined;

  get isEmpty(): boolean {
    return this.first === undefined;
  }

  /** Puts a send in its place. */
  add(send: Send): void {
    const { first, last } = this;
    if (last === undefined || first === undefined) {
      this.first = send;
      this.last = send;
    } else if (send.order > last.order) {
      last.next = send;
      this.last = send;
    } else if (send.order < first.order) {
      send.next = first;
      this.first = send;
    } else this.insert(first, send);
  }

  /** Who comes back was one of the oldest: its place is near the beginning. */
  private insert(first: Send, send: Send): void {
    let before = first;
    while (before.next !== undefined && before.next.order < send.order) before = before.next;
    send.next = before.next;
    before.next = send;
  }

  /** Takes the oldest out. */
  take(): Send | undefined {
    const { first } = this;
    if (first === undefined) return undefined;
    this.first = first.next;
    if (first.next === undefined) this.last = undefined;
    first.next = undefined;
    return first;
  }
}

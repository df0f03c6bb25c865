/**
 * Who is subscribed to what, for one component. Publishing costs by the subscribers of one topic, leaving by
 * the topics of one subscriber. Topics are exact names, are there while somebody is subscribed, and know
 * nothing of messages: what is published is made once by whoever publishes, and given to each subscriber.
 */
import { assertText, NetError } from "../../errors.js";

/** Most topics of one component. */
export const MAX_TOPICS: number = 1_000_000;

/** Longest name of a topic, in UTF-16 units. */
export const MAX_TOPIC_LENGTH: number = 1_024;

/** A call of `publish` that is not over: handlers that it calls may subscribe, and publish on. */
interface Delivery<Subscriber> {
  readonly subscribers: Set<Subscriber>;
  /** Subscribed since it began, at the end of `subscribers`: they get what is published next. */
  late: Set<Subscriber> | undefined;
}

/** The topics of one component. `Subscriber`: who is subscribed to them. */
export class TopicTable<Subscriber extends object> {
  private readonly maxTopics: number;
  private readonly subscribers: Map<string, Set<Subscriber>> = new Map();
  private readonly ownTopics: Map<Subscriber, Set<string>> = new Map();
  /** Deliveries under way, each made by a handler that the one before it called. */
  private readonly deliveries: Delivery<Subscriber>[] = [];

  constructor(maxTopics: number = MAX_TOPICS) {
    this.maxTopics = maxTopics;
  }

  /** Topics with subscribers. */
  get topicCount(): number {
    return this.subscribers.size;
  }

  /** Their names. */
  topics(): string[] {
    return [...this.subscribers.keys()];
  }

  /** Subscribers of a topic. */
  count(topic: string): number {
    return this.subscribers.get(topic)?.size ?? 0;
  }

  /** Topics of a subscriber. */
  topicsOf(subscriber: Subscriber): string[] {
    return [...(this.ownTopics.get(subscriber) ?? [])];
  }

  /**
   * Subscribes; false where it is so already. `maxOwn`: topics that it may have. Throws `TOPIC_LIMIT`, and
   * `INVALID_ARGUMENT` for what is no name.
   */
  subscribe(subscriber: Subscriber, topic: string, maxOwn: number): boolean {
    assertTopic(topic);
    const own = this.ownTopics.get(subscriber);
    if (own?.has(topic) === true) return false;
    if ((own?.size ?? 0) >= maxOwn)
      throw limit(`the connection has as many as maxTopics (${maxOwn})`);
    const subscribers = this.subscribers.get(topic);
    if (subscribers !== undefined) {
      subscribers.add(subscriber);
      this.noteLate(subscribers, subscriber);
    } else if (this.subscribers.size < this.maxTopics) {
      this.subscribers.set(topic, new Set([subscriber]));
    } else throw limit(`the component has ${this.maxTopics}, as many as there may be`);
    if (own === undefined) this.ownTopics.set(subscriber, new Set([topic]));
    else own.add(topic);
    return true;
  }

  /** Takes that back; false where it was not so. */
  unsubscribe(subscriber: Subscriber, topic: string): boolean {
    const own = this.ownTopics.get(subscriber);
    if (own?.delete(topic) !== true) return false;
    if (own.size === 0) this.ownTopics.delete(subscriber);
    this.remove(subscriber, topic);
    return true;
  }

  /** The subscriber is gone. */
  leave(subscriber: Subscriber): void {
    const own = this.ownTopics.get(subscriber);
    if (own === undefined) return;
    this.ownTopics.delete(subscriber);
    for (const topic of own) this.remove(subscriber, topic);
  }

  private remove(subscriber: Subscriber, topic: string): void {
    const subscribers = this.subscribers.get(topic);
    subscribers?.delete(subscriber);
    if (subscribers?.size === 0) this.subscribers.delete(topic);
  }

  private noteLate(subscribers: Set<Subscriber>, subscriber: Subscriber): void {
    for (const delivery of this.deliveries) {
      if (delivery.subscribers !== subscribers) continue;
      delivery.late ??= new Set();
      delivery.late.add(subscriber);
    }
  }

  /**
   * Gives something to each subscriber but `except`, in the order in which they subscribed. Returns how many took it,
   * which `deliver` says. Who subscribes meanwhile, again or for the first time, gets what is published next. Throws
   * `INVALID_ARGUMENT` for what is no name.
   */
  publish(
    topic: string,
    except: Subscriber | undefined,
    deliver: (subscriber: Subscriber) => boolean,
  ): number {
    assertTopic(topic);
    const subscribers = this.subscribers.get(topic);
    if (subscribers === undefined) return 0;
    const delivery: Delivery<Subscriber> = { subscribers, late: undefined };
    this.deliveries.push(delivery);
    let count = 0;
    try {
      // One that is ended by what it is given leaves the set meanwhile; one that comes is put at its end.
      for (const subscriber of subscribers) {
        if (delivery.late?.has(subscriber)) break;
        if (subscriber !== except && deliver(subscriber)) count++;
      }
    } finally {
      this.deliveries.pop();
    }
    return count;
  }
}

function assertTopic(topic: unknown): void {
  assertText("topic", topic);
  if ((topic as string).length <= MAX_TOPIC_LENGTH) return;
  const { length } = topic as string;
  const text = `a topic has at most ${MAX_TOPIC_LENGTH} characters, not ${length}`;
  throw new NetError("INVALID_ARGUMENT", text);
}

function limit(why: string): NetError {
  return new NetError("TOPIC_LIMIT", `no more topics can be subscribed to: ${why}`);
}

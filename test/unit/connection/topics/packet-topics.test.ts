import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Member } from "#src/connection/member.js";
import { PacketTopics } from "#src/connection/topics/packet-topics.js";
import { delimiter } from "#src/receive/delimiter.js";
import { pack } from "#src/receive/pack.js";
import type { Encoder } from "#src/receive/receive-model.js";

/** What topics look at of a connection. */
interface Subscriber extends Pick<Member, "encoder"> {
  isOpen: boolean;
  readonly sent: Uint8Array[];
  /** What happens when something is sent. */
  onSend: () => void;
  sendBytes(bytes: Uint8Array): boolean;
}

function subscriber(topics: PacketTopics<Member>, encoder?: Encoder): Subscriber {
  const made: Subscriber = {
    encoder,
    isOpen: true,
    sent: [],
    onSend: () => {},
    sendBytes(bytes) {
      made.sent.push(bytes);
      made.onSend();
      return true;
    },
  };
  topics.table.subscribe(made as unknown as Member, "news", 10);
  return made;
}

const texts = ({ sent }: Subscriber): string[] =>
  sent.map((bytes) => Buffer.from(bytes).toString());

describe("PacketTopics", () => {
  it("makes one packet for all that have the same model", () => {
    const topics = new PacketTopics<Member>();
    const { encoder } = delimiter();
    const [one, other] = [subscriber(topics, encoder), subscriber(topics, encoder)];
    const packed = subscriber(topics, pack({ flag: 1 }).encoder);
    const plain = subscriber(topics);

    assert.equal(topics.send("news", "text"), 4);

    assert.equal(one.sent[0], other.sent[0]);
    assert.deepEqual([texts(one), texts(plain)], [["text\n"], ["text"]]);
    assert.equal(Buffer.from(packed.sent[0] ?? []).toString("hex"), "0400400074657874");
  });

  it("sends what it was given, however the application changes it afterwards", () => {
    const topics = new PacketTopics<Member>();
    const plain = subscriber(topics);
    const data = Buffer.from("before");

    topics.send("news", data);
    data.fill("x");

    assert.deepEqual(texts(plain), ["before"]);
  });

  it("leaves out the one that publishes, those that are not open, and other topics", () => {
    const topics = new PacketTopics<Member>();
    const [author, closed, reader] = [0, 0, 0].map(() => subscriber(topics)) as [
      Subscriber,
      Subscriber,
      Subscriber,
    ];
    closed.isOpen = false;

    const count = topics.send("news", "x", author as unknown as Member);

    assert.deepEqual([count, topics.send("other", "x")], [1, 0]);
    assert.deepEqual([author, closed, reader].map(texts), [[], [], ["x"]]);
  });

  it("does not count a subscriber that is ended by what it is sent", () => {
    const topics = new PacketTopics<Member>();
    const slow = subscriber(topics);
    slow.onSend = () => {
      slow.isOpen = false;
    };

    assert.equal(topics.send("news", "x"), 0);
  });

  it("throws for what can't be a packet, and for what is no data", () => {
    const topics = new PacketTopics<Member>();
    subscriber(topics, delimiter().encoder);

    assert.throws(() => topics.send("news", "a\nb"), { code: "PACKET_INVALID" });
    assert.throws(() => topics.send("news", 5 as never), { code: "INVALID_ARGUMENT" });
  });
});

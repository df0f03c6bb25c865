import type { Encoder } from "../../receive/receive-model.js";
import type { Data } from "../connection.js";
import { bytesOf } from "../data.js";
import type { Member } from "../member.js";
import { TopicTable } from "./topic-table.js";

/**
 * The topics of connections with packets: what is published becomes one packet for all that have
 * the same model.
 */
export class PacketTopics<Subscriber extends Member> {
  readonly table: TopicTable<Subscriber> = new TopicTable<Subscriber>();

  /** Sends `data` to each subscriber but `except`. Returns to how many. Throws as `Connection.send` does. */
  send(topic: string, data: Data, except?: Subscriber): number {
    const bytes = Buffer.from(bytesOf(data));
    const packets = new Map<Encoder | undefined, Buffer>();
    return this.table.publish(topic, except, (subscriber) => {
      if (!subscriber.isOpen) return false;
      const { encoder } = subscriber;
      let packet = packets.get(encoder);
      if (packet === undefined) {
        packet = encoder === undefined ? bytes : packetOf(encoder, bytes);
        packets.set(encoder, packet);
      }
      subscriber.sendBytes(packet);
      return subscriber.isOpen;
    });
  }
}

function packetOf(encoder: Encoder, bytes: Buffer): Buffer {
  encoder.assertSendable([bytes], bytes.length);
  const headBytes = encoder.headBytes(bytes.length);
  const head = Buffer.allocUnsafe(headBytes);
  encoder.writeHead(head, 0, bytes.length);
  const tail = encoder.tail ?? Buffer.alloc(0);
  return Buffer.concat([head, bytes, tail]);
}

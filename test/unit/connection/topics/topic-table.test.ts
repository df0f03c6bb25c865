import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MAX_TOPIC_LENGTH, TopicTable } from "#src/connection/topics/topic-table.js";

interface Subscriber {
  readonly name: string;
}

const ANN: Subscriber = { name: "ann" };
const BOB: Subscriber = { name: "bob" };

describe("a table of topics", () => {
  it("knows who is subscribed to what, once each", () => {
    const table = new TopicTable<Subscriber>();

    const first = table.subscribe(ANN, "news", 10);
    const again = table.subscribe(ANN, "news", 10);
    table.subscribe(BOB, "news", 10);
    table.subscribe(BOB, "sport", 10);

    assert.deepEqual([first, again], [true, false]);
    assert.deepEqual([table.count("news"), table.count("sport"), table.count("none")], [2, 1, 0]);
    assert.deepEqual(table.topics(), ["news", "sport"]);
    assert.deepEqual(table.topicsOf(BOB), ["news", "sport"]);
  });

  it("gives what is published to all but one, and counts who took it", () => {
    const table = new TopicTable<Subscriber>();
    for (const one of [ANN, BOB]) table.subscribe(one, "news", 10);
    const got: string[] = [];
    const take = ({ name }: Subscriber): boolean => got.push(name) > 0 && name !== "bob";

    const counts = [
      table.publish("news", undefined, take),
      table.publish("news", ANN, take),
      table.publish("sport", undefined, take),
    ];

    assert.deepEqual(got, ["ann", "bob", "bob"]);
    assert.deepEqual(counts, [1, 0, 0]);
  });

  it("forgets topics that nobody is subscribed to, and subscribers that leave", () => {
    const table = new TopicTable<Subscriber>();
    for (const one of [ANN, BOB]) table.subscribe(one, "news", 10);
    table.subscribe(ANN, "sport", 10);

    const answers = [table.unsubscribe(BOB, "news"), table.unsubscribe(BOB, "news")];
    table.leave(ANN);
    table.leave(ANN);

    assert.deepEqual(answers, [true, false]);
    assert.equal(table.topicCount, 0);
    assert.deepEqual(table.topicsOf(ANN), []);
  });

  it("lets subscribers leave, and come, while something is published", () => {
    const table = new TopicTable<Subscriber>();
    for (const one of [ANN, BOB]) table.subscribe(one, "news", 10);
    const got: string[] = [];

    table.publish("news", undefined, ({ name }) => {
      got.push(name);
      table.leave(BOB);
      return true;
    });

    assert.deepEqual(got, ["ann"]);
  });

  it("gives what is published once to one that subscribes again, or newly, meanwhile", () => {
    const table = new TopicTable<Subscriber>();
    const eve: Subscriber = { name: "eve" };
    for (const one of [ANN, BOB]) table.subscribe(one, "news", 10);
    const got: string[] = [];

    table.publish("news", undefined, ({ name }) => {
      if (got.push(name) > 9) return false;
      table.unsubscribe(ANN, "news");
      table.subscribe(ANN, "news", 10);
      table.subscribe(eve, "news", 10);
      return true;
    });
    table.publish("news", undefined, ({ name }) => got.push(name) > 0);

    assert.deepEqual(got, ["ann", "bob", "bob", "eve", "ann"]);
  });

  it("gives those that came during a delivery what is published inside it", () => {
    const table = new TopicTable<Subscriber>();
    const eve: Subscriber = { name: "eve" };
    for (const one of [ANN, BOB]) table.subscribe(one, "news", 10);
    const got: string[] = [];

    table.publish("news", undefined, ({ name }) => {
      got.push(`outer ${name}`);
      if (name !== "ann") return true;
      table.subscribe(eve, "news", 10);
      table.publish("news", undefined, (one) => {
        if (got.push(`inner ${one.name}`) > 9) return false;
        table.unsubscribe(ANN, "news");
        table.subscribe(ANN, "news", 10);
        return true;
      });
      return true;
    });

    assert.deepEqual(got, ["outer ann", "inner ann", "inner bob", "inner eve", "outer bob"]);
  });

  it("is bounded for each subscriber and in all", () => {
    const table = new TopicTable<Subscriber>(2);
    table.subscribe(ANN, "one", 1);

    assert.throws(() => table.subscribe(ANN, "two", 1), { code: "TOPIC_LIMIT" });
    table.subscribe(BOB, "two", 9);
    assert.throws(() => table.subscribe(BOB, "three", 9), { code: "TOPIC_LIMIT" });
    table.subscribe(BOB, "one", 9);
    assert.deepEqual(table.topicsOf(ANN), ["one"]);
    assert.equal(table.topicCount, 2);
  });

  it("refuses names that are none", () => {
    const table = new TopicTable<Subscriber>();
    const long = "x".repeat(MAX_TOPIC_LENGTH + 1);

    for (const name of [long, 7 as unknown as string]) {
      assert.throws(() => table.subscribe(ANN, name, 9), { code: "INVALID_ARGUMENT" });
    }
    assert.equal(table.subscribe(ANN, long.slice(1), 9), true);
  });
});

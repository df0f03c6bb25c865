/**
 * The parser beside Node's own. Where the two differ must be in the table of differences; the corpus
 * must show no other.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { readProjectFile } from "../../support/document.js";
import { fuzzRuns } from "../../support/fuzz-runs.js";
import { type Direction, messageStream, requestMethods } from "../../support/http1-corpus.js";
import { DIFFERENCES } from "../../support/http1-differences.js";
import {
  latin1,
  readRequests,
  readResponses,
  type Seen,
  type SeenMessage,
} from "../../support/http1-recorder.js";
import { readByNode, type SeenByNode } from "../../support/node-http-parser.js";
import { Random } from "../../support/random.js";

/** The differences are those to this parser; others refuse more, or less. */
const LLHTTP = "9.3";

const CASES = Math.max(5_000, fuzzRuns(20_000));
const DOCUMENT = "src/protocol/http1/differences-to-node.md";

/** Faults with which this parser may refuse what Node takes. */
const STRICTER: ReadonlySet<unknown> = new Set(
  DIFFERENCES.filter(({ node }) => node === undefined).map(({ ours }) => ours),
);

/** Errors with which Node may refuse what this parser takes. */
const LOOSER: readonly string[] = DIFFERENCES.flatMap(({ node }) => node ?? []);

/** Streams in which the two part ways, so that what follows can't be compared. */
const PARTED = /^connection:[^\r\n]*\t[ \t]*\r|^HTTP\/1\.. 1(?!0[0-3])\d\d/im;

function readByUs(bytes: Buffer, direction: Direction, methods: readonly string[]): Seen {
  return direction === "request" ? readRequests([bytes]) : readResponses([bytes], { methods });
}

/** A request that Node upgrades at its head, and this parser behind its body or not at all. */
function upgradesEarly({ startLine, fields }: SeenMessage): boolean {
  return (
    startLine.endsWith("HTTP/1.0") ||
    fields.some((line) => /^(content-length|transfer-encoding):/i.test(line))
  );
}

/** What is wrong with the pair; undefined when nothing is. */
function disagreement(ours: Seen, node: SeenByNode): string | undefined {
  const last = node.messages.at(-1);
  const partsAtLast = node.isUpgraded && last !== undefined && upgradesEarly(last);
  const comparableCount = node.messages.length - (partsAtLast ? 1 : 0);
  const count = Math.min(ours.messages.length, comparableCount);
  for (let index = 0; index < count; index += 1) {
    const [mine, theirs] = [ours.messages[index], node.messages[index]];
    if (JSON.stringify(mine) !== JSON.stringify(theirs)) return `message ${index} differs`;
  }
  if (partsAtLast || (ours.fault !== undefined && node.error !== undefined)) return undefined;
  if (ours.fault !== undefined) {
    return STRICTER.has(ours.fault) ? undefined : `refused: ${ours.fault}`;
  }
  if (node.error !== undefined) {
    const isKnown = LOOSER.some((code) => node.error?.startsWith(code));
    return isKnown ? undefined : `Node refuses: ${node.error}`;
  }
  if ((ours.events.at(-1) === "upgrade") !== node.isUpgraded) return "an upgrade";
  return ours.messages.length === node.messages.length ? undefined : "count of messages";
}

const { llhttp = "none" } = process.versions;
const skip = llhttp.startsWith(`${LLHTTP}.`)
  ? false
  : `this Node has llhttp ${llhttp}, not ${LLHTTP}`;

describe("the parser and Node's", { skip }, () => {
  it("agree on a corpus of sound and broken streams, but for the known differences", () => {
    let acceptedCount = 0;
    let refusedCount = 0;

    for (let seed = 1; seed <= CASES; seed += 1) {
      const random = new Random(seed);
      const direction: Direction = random.next() < 0.6 ? "request" : "response";
      const bytes = messageStream(random, direction);
      if (PARTED.test(bytes.toString("latin1"))) continue;
      const methods = requestMethods(random);
      const ours = readByUs(bytes, direction, methods);
      const node = readByNode(bytes, direction, methods);
      const wrong = disagreement(ours, node);
      if (wrong !== undefined) {
        assert.fail(`seed ${seed}: ${wrong}: ${JSON.stringify(bytes.toString("latin1"))}`);
      }
      if (ours.fault === undefined) acceptedCount += 1;
      else if (node.error !== undefined) refusedCount += 1;
    }

    assert.ok(acceptedCount > CASES / 10, `${acceptedCount} streams were sound`);
    assert.ok(refusedCount > CASES / 10, `${refusedCount} streams were broken`);
  });

  for (const { what, direction, ours, node, text, methods } of DIFFERENCES) {
    it(`differ in ${what}`, () => {
      const bytes = latin1(text);

      const mine = readByUs(bytes, direction, methods ?? ["GET"]);
      const theirs = readByNode(bytes, direction, methods ?? ["GET"]);

      assert.equal(mine.fault, ours);
      assert.equal(theirs.error?.startsWith(node ?? "HPE") ?? false, node !== undefined);
      if (ours === undefined && node === undefined) {
        const agree = JSON.stringify(mine.messages) === JSON.stringify(theirs.messages);
        assert.ok(!agree || (mine.events.at(-1) === "upgrade") !== theirs.isUpgraded);
      }
    });
  }

  it("differ in what the document lists, and in nothing else", () => {
    const lines = readProjectFile(DOCUMENT).split("\n");
    const rows = lines.filter((line) => line.startsWith("|") && !/^\| (difference|---)/.test(line));

    const listed = rows.map((line) => line.split("|")[1]?.trim());

    assert.deepEqual(listed.sort(), DIFFERENCES.map(({ what }) => what).sort());
  });
});

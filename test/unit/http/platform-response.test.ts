/** What is read of a Response of the platform's, where Node shows it and where it does not. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";

const PlainResponse = Response;

/** The module as a process has it that has not looked at a Response yet. */
async function freshModule(
  name: string,
): Promise<typeof import("#src/http/server/fetch/platform-response.js")> {
  return import(`#src/http/server/fetch/platform-response.js?${name}`);
}

describe("takePlatformParts", () => {
  it("looks once for what Node shows, also where it shows nothing", async (context) => {
    const { takePlatformParts } = await freshModule("hidden");
    let madeCount = 0;
    class HiddenResponse {
      constructor() {
        madeCount++;
      }
    }
    globalThis.Response = HiddenResponse as unknown as typeof Response;
    context.after(() => {
      globalThis.Response = PlainResponse;
    });
    const response = new HiddenResponse();
    for (let turn = 0; turn < 3; turn++) assert.equal(takePlatformParts(response), undefined);
    assert.equal(madeCount, 2, "the one that was given, and the one that was looked at");
  });
});

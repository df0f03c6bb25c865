import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  asksForHelp,
  choiceOption,
  integerOption,
  listOption,
  optionHelp,
  readCommandLine,
  secondsOption,
  switchOption,
  textOption,
  UsageError,
  withShort,
} from "#src/cli/command-line.js";

const TABLE = {
  name: textOption("TEXT", "a name"),
  count: integerOption("how many (default: 3)", { min: 1, max: 10 }, 3),
  time: secondsOption("how long", { min: 0.5, max: 60 }, 5),
  kind: choiceOption(["big", "small"], "which", "big"),
  json: switchOption("JSON"),
};

function usageError(argv: readonly string[], maxPositionals = 0): string {
  let message = "";
  assert.throws(
    () => readCommandLine(TABLE, argv, maxPositionals),
    (error) => {
      assert.ok(error instanceof UsageError);
      message = error.message;
      return true;
    },
  );
  return message;
}

describe("readCommandLine", () => {
  it("fills in what was left out", () => {
    const { options, positionals } = readCommandLine(TABLE, [], 0);

    assert.deepEqual(options, { name: undefined, count: 3, time: 5, kind: "big", json: false });
    assert.deepEqual(positionals, []);
  });

  it("reads values behind a space or an equals sign, between other words", () => {
    const argv = [
      "--name",
      "n",
      "a",
      "--count=7",
      "--time",
      ".75",
      "--kind",
      "small",
      "--json",
      "b",
    ];

    const { options, positionals } = readCommandLine(TABLE, argv, 2);

    assert.deepEqual(options, { name: "n", count: 7, time: 0.75, kind: "small", json: true });
    assert.deepEqual(positionals, ["a", "b"]);
  });

  it("reads whole numbers in hexadecimal", () => {
    assert.equal(readCommandLine(TABLE, ["--count", "0xA"], 0).options.count, 10);
    assert.equal(readCommandLine(TABLE, ["--count=0X0a"], 0).options.count, 10);
  });

  it("says of options that belong elsewhere where they belong", () => {
    const others = { table: { far: switchOption("") }, text: "goes elsewhere" };

    assert.throws(() => readCommandLine(TABLE, ["--far"], 0, others), {
      message: "--far goes elsewhere",
    });
  });

  for (const [argv, message] of [
    [["--count", "0"], '--count must be a whole number from 1 to 10, not "0"'],
    [["--count", "1.5"], '--count must be a whole number from 1 to 10, not "1.5"'],
    [["--count", "0x"], '--count must be a whole number from 1 to 10, not "0x"'],
    [["--count", "0xB"], '--count must be a whole number from 1 to 10, not "0xB"'],
    [["--count", "-1"], '--count must be a whole number from 1 to 10, not "-1"'],
    [["--tiem", "1"], "there is no option --tiem; did you mean --time?"],
    [["--count", ""], '--count must be a whole number from 1 to 10, not ""'],
    [["--time", "61"], '--time must be a number of seconds from 0.5 to 60, not "61"'],
    [["--time", "1e1"], '--time must be a number of seconds from 0.5 to 60, not "1e1"'],
    [["--kind", "Big"], '--kind must be one of big, small, not "Big"'],
    [["--name", ""], "--name must not be empty"],
    [["--name"], "--name needs a value"],
    [["--json=yes"], "--json takes no value"],
    [["--name", "-x"], "--name needs a value; one that begins with a dash is written --name=VALUE"],
    [["--other"], "there is no option --other"],
    [["-q"], "there is no option -q"],
    [["word"], 'what is "word" for?'],
  ] as const) {
    it(`refuses ${argv.join(" ")}`, () => {
      assert.equal(usageError(argv), message);
    });
  }

  it("says what is wrong in one line", () => {
    assert.doesNotMatch(usageError(["--name", "--json"]), /\n/);
    assert.doesNotMatch(usageError(["two\nlines"]), /\n/);
  });
});

describe("options with a letter, and lists", () => {
  const table = {
    field: withShort("F", listOption("FIELD", "a field", refuseSpaces)),
    quiet: withShort("q", switchOption("nothing")),
  };

  it("gather all that was given, in its order, by either name", () => {
    const { options } = readCommandLine(table, ["-F", "a", "--field=b", "-Fc", "-q"], 0);

    assert.deepEqual(options, { field: ["a", "b", "c"], quiet: true });
    assert.deepEqual(readCommandLine(table, [], 0).options, { field: [], quiet: false });
  });

  it("are checked one by one", () => {
    assert.throws(() => readCommandLine(table, ["-F", "a", "-F", "b c"], 0), {
      name: "UsageError",
      message: "--field has a space",
    });
  });

  it("are shown with the letter first", () => {
    const [first, second] = optionHelp(table).split("\n");

    assert.equal(first, "  -F, --field FIELD         a field");
    assert.equal(second, "  -q, --quiet               nothing");
  });
});

function refuseSpaces(text: string, name: string): void {
  if (text.includes(" ")) throw new UsageError(`${name} has a space`);
}

describe("asksForHelp", () => {
  it("looks at the words before --", () => {
    assert.ok(asksForHelp(["a", "--help"]));
    assert.ok(asksForHelp(["-h"]));
    assert.ok(!asksForHelp(["a", "--", "--help"]));
    assert.ok(!asksForHelp([]));
  });
});

describe("optionHelp", () => {
  it("has a row for each option, and one for --help", () => {
    const rows = optionHelp(TABLE).split("\n");

    assert.equal(rows.length, 6);
    assert.equal(rows[1], "  --count N                 how many (default: 3)");
    assert.equal(rows[3], "  --kind big|small          which");
    assert.equal(rows[5], "  --help                    show this");
  });
});

import { expect, test } from "vitest";
import { edit } from "../src/learn/typing";

/** The text after a key; `|` and `^` stand where the selection begins and ends. */
function after(text: string, key: string, ctrlKey = false): string {
  const start = text.indexOf("|");
  const bare = text.replace("|", "");
  const end = bare.includes("^") ? bare.indexOf("^") : start;
  const value = bare.replace("^", "");
  const made = edit({ value, selectionStart: start, selectionEnd: end, setSelectionRange: () => {} }, { key, ctrlKey, metaKey: false });
  return made ? value.slice(0, made.start) + made.text + value.slice(made.end) : "the browser's";
}

test("Enter keeps the indentation, and adds a step behind a colon", () => {
  expect(after("    x = 1|", "Enter")).toBe("    x = 1\n    ");
  expect(after("def f(x):|", "Enter")).toBe("def f(x):\n    ");
  expect(after("    if x:  # so|", "Enter")).toBe("    if x:  # so\n        ");
  expect(after("a = b[1:|]", "Enter")).toBe("a = b[1:\n    ]");
});

test("Backspace takes a step of the indentation away", () => {
  expect(after("        |x", "Backspace")).toBe("    x");
  expect(after("      |x", "Backspace")).toBe("    x");
  expect(after("  x|", "Backspace")).toBe("the browser's");
  expect(after("|x", "Backspace")).toBe("the browser's");
});

test("lines are moved, and Tab goes on to the next control", () => {
  expect(after("a\n|b\nc^\nd", "]", true)).toBe("a\n    b\n    c\nd");
  expect(after("    a\n  |b^", "[", true)).toBe("    a\nb");
  expect(after("a|", "Tab")).toBe("the browser's");
});

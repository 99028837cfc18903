import { expect, test } from "vitest";
import { readMoment } from "../../src/tasks/when.ts";

/** Wednesday, in whatever zone the test runs. */
const now = new Date(2026, 4, 13, 15, 45, 30);

function local(...parts: [number, number, number, number?, number?, number?]): string {
  const [year, month, day, hour = 0, minute = 0, second = 0] = parts;
  return new Date(year, month - 1, day, hour, minute, second).toISOString();
}

test.for<[string, string]>([
  ["2026-05-01", local(2026, 5, 1)],
  ["2026-05-01T12:00", local(2026, 5, 1, 12)],
  ["2026-05-01T12:00:00Z", "2026-05-01T12:00:00.000Z"],
  ["2026-05-01 12:00+02:00", "2026-05-01T10:00:00.000Z"],
  ["now", now.toISOString()],
  ["today", local(2026, 5, 13)],
  ["Yesterday", local(2026, 5, 12)],
  ["tomorrow", local(2026, 5, 14)],
  ["the day before yesterday", local(2026, 5, 11)],
  ["yesterday at 14:30", local(2026, 5, 12, 14, 30)],
  ["yesterday 2pm", local(2026, 5, 12, 14)],
  ["9:05", local(2026, 5, 13, 9, 5)],
  ["12 am", local(2026, 5, 13)],
  ["this morning", local(2026, 5, 13, 5)],
  ["monday", local(2026, 5, 11)],
  ["last friday", local(2026, 5, 8)],
  ["wednesday", local(2026, 5, 13)],
  ["this week", local(2026, 5, 11)],
  ["this month", local(2026, 5, 1)],
  ["2 hours ago", local(2026, 5, 13, 13, 45, 30)],
  ["an hour ago", local(2026, 5, 13, 14, 45, 30)],
  ["30 minutes ago", local(2026, 5, 13, 15, 15, 30)],
  ["3 days ago", local(2026, 5, 10, 15, 45, 30)],
  ["last week", local(2026, 5, 6, 15, 45, 30)],
  ["the last 24 hours", local(2026, 5, 12, 15, 45, 30)],
  ["past month", local(2026, 4, 13, 15, 45, 30)],
])("%s is %s", ([text, at]) => {
  expect(readMoment("since", text, now).at).toBe(at);
});

test.for([
  "",
  "some day",
  "2026-02-30",
  "2026-13-01",
  "2026-05-01T25:00",
  "yesterday 25:00",
  "day",
  "5 hours",
  "99",
])("%j is refused by name, with what works and the zone", (text) => {
  expect(() => readMoment("before", text, now)).toThrow(
    /^before: expected a time such as .*"yesterday 14:30".* got .*\. This server's zone is \S+\.$/,
  );
});

test("what was understood is said in this server's zone", () => {
  const { local: words } = readMoment("since", "yesterday", now);

  expect(words).toBe(`2026-05-12 00:00 (${Intl.DateTimeFormat().resolvedOptions().timeZone})`);
});

import { AppError } from "../errors.ts";
import { cut } from "../words.ts";

/** A moment that a caller named. */
export interface Moment {
  /** ISO 8601, UTC. */
  at: string;
  /** The same where this server is, for the answer: "2026-05-01 00:00 (Europe/Berlin)". */
  local: string;
}

/**
 * Reads a time as people say it: ISO 8601, "today", "yesterday 14:30", "monday", "2 hours ago",
 * "last week", "now". What names no zone is in this server's. A day is its first moment. Throws
 * `invalid_input` naming the parameter.
 */
export function readMoment(parameter: string, text: string, now = new Date()): Moment {
  const words = text.trim().toLowerCase().replace(/\s+/g, " ");
  const found = isoMoment(text.trim()) ?? ago(words, now) ?? dayAndTime(words, now);
  if (found) return { at: found.toISOString(), local: wordMoment(found) };
  throw new AppError(
    "invalid_input",
    `${parameter}: expected a time such as 2026-05-01, 2026-05-01T12:00Z, "today", "yesterday 14:30", "monday" or "2 hours ago", got ${JSON.stringify(cut(text, 40))}. This server's zone is ${zone()}.`,
  );
}

/** A moment in this server's zone, with the zone. */
export function wordMoment(moment: Date): string {
  const two = (part: number) => String(part).padStart(2, "0");
  const day = [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join("-");
  return `${day} ${two(moment.getHours())}:${two(moment.getMinutes())} (${zone()})`;
}

function zone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const iso =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;

function isoMoment(text: string): Date | undefined {
  const [, day, time = "00:00", offset = ""] = iso.exec(text) ?? [];
  if (day === undefined) return undefined;
  // Date.parse takes 30 February for 2 March.
  const isDay = new Date(`${day}T00:00Z`);
  if (Number.isNaN(isDay.getTime()) || !isDay.toISOString().startsWith(day)) return undefined;
  const moment = new Date(`${day}T${time}${offset.toUpperCase()}`);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}

type Unit = "second" | "minute" | "hour" | "day" | "week" | "month" | "year";

const units: Readonly<Record<Unit, (moment: Date, count: number) => void>> = {
  second: (moment, count) => moment.setSeconds(moment.getSeconds() - count),
  minute: (moment, count) => moment.setMinutes(moment.getMinutes() - count),
  hour: (moment, count) => moment.setHours(moment.getHours() - count),
  day: (moment, count) => moment.setDate(moment.getDate() - count),
  week: (moment, count) => moment.setDate(moment.getDate() - 7 * count),
  month: (moment, count) => moment.setMonth(moment.getMonth() - count),
  year: (moment, count) => moment.setFullYear(moment.getFullYear() - count),
};

/** "2 hours ago", "an hour ago", "last 30 minutes", "last week", "past day". */
function ago(words: string, now: Date): Date | undefined {
  const match =
    /^(?:(?:the )?(?:last|past) )?(\d{1,6}|an?|one|two|three)? ?(second|minute|hour|day|week|month|year)s?( ago)?$/.exec(
      words,
    );
  const [, count = "1", unit, isAgo] = match ?? [];
  if (!unit || (isAgo === undefined && !/last|past/.test(words))) return undefined;
  const spelled: Record<string, number> = { a: 1, an: 1, one: 1, two: 2, three: 3 };
  const moment = new Date(now);
  units[unit as Unit](moment, spelled[count] ?? Number(count));
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}

const weekdays = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** "today", "yesterday at 14:30", "monday", "this morning", "14:30". */
function dayAndTime(words: string, now: Date): Date | undefined {
  if (words === "now") return new Date(now);
  const match = /^([a-z ]+?)?(?: ?(?:at )?(\d{1,2})(?::(\d{2}))? ?(am|pm)?)?$/.exec(words);
  if (!match || words === "") return undefined;
  const [, day = "today", hours, minutes = "0", half] = match;
  const moment = startOf(day.replace(/ at$/, ""), now);
  if (!moment) return undefined;
  if (hours === undefined) return moment;
  const isTime = Number(hours) <= (half ? 12 : 24) && Number(minutes) < 60;
  if (!isTime) return undefined;
  const hour = half ? (Number(hours) % 12) + (half === "pm" ? 12 : 0) : Number(hours);
  moment.setHours(hour, Number(minutes), 0, 0);
  return moment;
}

function startOf(day: string, now: Date): Date | undefined {
  const midnight = new Date(now);
  midnight.setHours(0, 0, 0, 0);
  const back = daysBack(day.replace(/^(on|this|last) (?=[a-z]+day$)/, ""), now);
  if (back === undefined) return undefined;
  midnight.setDate(midnight.getDate() - back);
  if (day === "this morning") midnight.setHours(5);
  if (day === "tonight" || day === "this evening") midnight.setHours(18);
  return midnight;
}

function daysBack(day: string, now: Date): number | undefined {
  const sinceMonday = (now.getDay() + 6) % 7;
  const fixed: Record<string, number> = {
    today: 0,
    "this morning": 0,
    "this evening": 0,
    tonight: 0,
    yesterday: 1,
    tomorrow: -1,
    "the day before yesterday": 2,
    "this week": sinceMonday,
    "this month": now.getDate() - 1,
  };
  if (Object.hasOwn(fixed, day)) return fixed[day];
  const weekday = weekdays.indexOf(day);
  return weekday === -1 ? undefined : (now.getDay() - weekday + 7) % 7;
}

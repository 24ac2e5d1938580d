// Days and moments in their reader's time zone. If this fails, yesterday's talk stands under today, or a link ends at an hour of the server's.

import { describe, expect, test } from "bun:test";
import type { ListedConversation } from "../../src/domain/conversation.ts";
import { ListBody } from "../../views/list.tsx";
import { periodOf, Time, zoneOf } from "../../views/time.tsx";
import { wordsOf } from "../../views/words.ts";

const at = Date.parse("2026-11-25T20:30:00Z");

test("a moment is shown by the reader's clock; without one by the server's, which is named", () => {
  const shown = (zone: string | null, language: "en" | "de" = "en") =>
    String(<Time at={at} words={wordsOf(language, zone)} />);
  expect(shown("Asia/Tokyo")).toBe('<time datetime="2026-11-25T20:30:00.000Z">Nov 26, 2026, 05:30 AM</time>');
  expect(shown("America/New_York", "de")).toBe(
    '<time datetime="2026-11-25T20:30:00.000Z">25. Nov. 2026, 15:30</time>',
  );
  expect(shown(null)).toMatch(/ (UTC|GMT|[A-Z]{3,4})([+-]\d+)?<\/time>$/);
});

describe("days", () => {
  const names = (zone: string, ...times: string[]) =>
    times.map((time) => periodOf(Date.parse(time), at, wordsOf("en", zone)).name);
  test("begin at the reader's midnight", () => {
    expect(names("UTC", "2026-11-25T00:00:00Z", "2026-11-24T23:59:59Z", "2026-11-23T12:00:00Z")).toEqual([
      "Today",
      "Yesterday",
      "Last 7 days",
    ]);
    expect(
      names("Asia/Tokyo", "2026-11-25T15:00:00Z", "2026-11-25T14:59:00Z", "2026-11-24T14:59:00Z"),
    ).toEqual(["Today", "Yesterday", "Last 7 days"]);
    expect(
      names(
        "UTC",
        "2026-11-18T00:00:00Z",
        "2026-11-17T23:59:00Z",
        "2026-10-26T00:00:00Z",
        "2026-10-25T12:00:00Z",
      ),
    ).toEqual(["Last 7 days", "Last 30 days", "Last 30 days", "October"]);
    expect(names("UTC", "2025-11-25T00:00:00Z")).toEqual(["November 2025"]);
  });

  test("yesterday is the day before, also where a clock was put back", () => {
    // 25 October 2026 has 25 hours in Berlin
    const words = wordsOf("de", "Europe/Berlin");
    const late = Date.parse("2026-10-25T22:30:00Z");
    expect(periodOf(Date.parse("2026-10-24T22:30:00Z"), late, words).name).toBe("Heute");
    expect(periodOf(Date.parse("2026-10-24T21:30:00Z"), late, words).name).toBe("Gestern");
  });

  test("of the list are the reader's", () => {
    const entry = {
      id: "x",
      title: "late",
      updatedAt: Date.parse("2026-11-25T14:30:00Z"),
      pinned: false,
      active: false,
    } as ListedConversation;
    const list = (zone: string) =>
      String(<ListBody list={[entry]} open="" now={at} words={wordsOf("en", zone)} />).replace(
        /<(?!h2)[^>]*>/g,
        "",
      );
    expect(list("UTC")).toContain("<h2>Today</h2>late".replace("</h2>", ""));
    expect(list("Asia/Tokyo")).toContain("<h2>Yesterdaylate");
  });
});

test("what is no zone is none", () => {
  for (const odd of [null, undefined, "", "Nowhere/Town", "x".repeat(1_000), "<script>"])
    expect(zoneOf(odd)).toBeNull();
  expect(zoneOf("europe/berlin")).toBe("Europe/Berlin");
});

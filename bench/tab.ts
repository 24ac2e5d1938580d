// A tab of the browser in a context of its own, with Chromium's own counts of what it costs (CDP: Performance, Network,
// HeapProfiler). Used by the benchmarks that have a browser in them.

import type { BrowserContext, CDPSession, Page } from "playwright-core";
import { theBrowser } from "../test/e2e/stage.ts";

/** Counts since the tab was opened. */
export interface Counts {
  readonly mainMs: number;
  readonly scriptMs: number;
  /** Style and layout. */
  readonly layoutMs: number;
  readonly heapMb: number;
  readonly nodes: number;
}

export interface Tab {
  readonly page: Page;
  readonly devtools: CDPSession;
  counts(): Promise<Counts>;
  /** The counts when garbage has been collected: what is left is held. */
  held(): Promise<Counts>;
  /** Bytes that have arrived: payloads of WebSockets, and of HTTP as it was transferred. */
  wire(): number;
  /** Resolves when the main thread has had next to nothing to do for half a second. */
  quiet(): Promise<void>;
}

/** A context whose pages are all new to it. The UI's service worker would fetch all of its files a second time: it is kept out. */
export const newContext = async (): Promise<BrowserContext> =>
  (await theBrowser()).newContext({
    viewport: { width: 1100, height: 800 },
    locale: "en-GB",
    serviceWorkers: "block",
  });

/** A new context is a new window to Chromium, which then loads pages of its own (its address field's): they are let finish. */
const settleMs = 1_500;

export async function openTab(context: BrowserContext): Promise<Tab> {
  const page = await context.newPage();
  await Bun.sleep(settleMs);
  const devtools = await context.newCDPSession(page);
  await devtools.send("Performance.enable");
  await devtools.send("Network.enable");
  let wire = 0;
  devtools.on("Network.webSocketFrameReceived", ({ response }) => {
    wire += Buffer.byteLength(response.payloadData);
  });
  const inParts = new Map<string, number>();
  devtools.on("Network.dataReceived", ({ requestId, encodedDataLength }) => {
    inParts.set(requestId, (inParts.get(requestId) ?? 0) + encodedDataLength);
    wire += encodedDataLength;
  });
  devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    wire += encodedDataLength - (inParts.get(requestId) ?? 0); // the head of the answer is counted only here
  });
  const counts = async (): Promise<Counts> => {
    const { metrics } = await devtools.send("Performance.getMetrics");
    const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? 0;
    return {
      mainMs: of("TaskDuration") * 1000,
      scriptMs: of("ScriptDuration") * 1000,
      layoutMs: (of("LayoutDuration") + of("RecalcStyleDuration")) * 1000,
      heapMb: of("JSHeapUsedSize") / 1e6,
      nodes: of("Nodes"),
    };
  };
  return {
    page,
    devtools,
    counts,
    async held() {
      await devtools.send("HeapProfiler.collectGarbage");
      return counts();
    },
    wire: () => wire,
    async quiet() {
      for (let before = (await counts()).mainMs, still = 0; still < 2; ) {
        await Bun.sleep(250);
        const now = (await counts()).mainMs;
        still = now - before < 5 ? still + 1 : 0;
        before = now;
      }
    },
  };
}

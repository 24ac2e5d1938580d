// The demo model with Eye, its picture encoder, on the real llama-server; and what llama-server does with pictures
// that parlor relies on. If this fails, pictures are sent that no model can read, or tests of them test nothing.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { pictureTokens } from "./eye.ts";
import { modelFile } from "./models.ts";
import { picture } from "./picture.ts";
import { pictureText, textOf } from "./recitals.ts";
import { type Llama, startLlama } from "./server.ts";

let llama: Llama;
beforeAll(async () => {
  llama = await startLlama({ args: ["--mmproj", await modelFile("eye")] });
});
afterAll(() => llama.stop());

const text = (text: string) => ({ type: "text", text });
const image = (url: string) => ({ type: "image_url", image_url: { url } });
/** What somebody says, with pictures before it, each on a line of its own. */
const user = (question: string, ...urls: string[]) => ({
  role: "user",
  content: [...urls.flatMap((url) => [image(url), text("\n")]), text(question)],
});

const post = (path: string, messages: readonly object[], more: object = {}): Promise<Response> =>
  fetch(llama.url + path, { method: "POST", body: JSON.stringify({ messages, ...more }) });

async function answer(...messages: object[]): Promise<{ text: string; promptTokens: number }> {
  const response = await post("/v1/chat/completions", messages);
  const { choices, usage } = (await response.json()) as {
    choices: { message: { content: string } }[];
    usage: { prompt_tokens: number };
  };
  return { text: choices[0]?.message.content as string, promptTokens: usage.prompt_tokens };
}

test("llama-server says that it takes pictures", async () => {
  const props = (await (await fetch(`${llama.url}/props`)).json()) as { modalities: object };
  expect(props.modalities).toMatchObject({ vision: true, audio: false });
});

test("JPEG and PNG go to the model, and it says how many pictures it was shown", async () => {
  const [jpeg, png] = [await picture("jpeg"), await picture("png")];
  expect((await answer(user("story", jpeg))).text).toBe(pictureText(1));
  expect((await answer(user("What is this?", png, jpeg))).text).toBe(pictureText(2));
  expect((await answer(user("story"))).text).toBe(textOf("story"));
});

test("pictures of earlier messages are still there when it is asked for them", async () => {
  const earlier = [user("Look", await picture("png")), { role: "assistant", content: pictureText(1) }];
  expect((await answer(...earlier, user("How many pictures?"))).text).toBe(pictureText(1));
  expect((await answer(...earlier, user("And this?", await picture("jpeg")))).text).toBe(pictureText(2));
  expect((await answer(...earlier, user("story"))).text).toBe(textOf("story"));
});

test("a picture costs its own tokens, and counting tells them before", async () => {
  const question = user("story", await picture("png"));
  const { promptTokens } = await answer(question);
  expect(promptTokens - (await answer(user("\nstory"))).promptTokens).toBe(pictureTokens);
  const counted = await post("/v1/chat/completions/input_tokens", [question]);
  expect(await counted.json()).toMatchObject({ input_tokens: promptTokens });
});

test("two pictures with nothing between them break a later request that begins with the first", async () => {
  // where a model puts no tokens around a picture, llama-server cannot go back in its cache to between two
  const [jpeg, png] = [await picture("jpeg"), await picture("png")];
  const slot = { id_slot: 0 };
  const ask = async (...content: object[]) =>
    (await post("/v1/chat/completions", [{ role: "user", content }], slot)).json();
  await ask(image(png), image(jpeg), text("story"));
  expect(await ask(image(png), text("story"))).toMatchObject({
    error: { code: 500, message: expect.stringContaining("Chunk not found") },
  });
});

test("WebP and what is no picture are refused", async () => {
  for (const url of [await picture("webp"), "data:image/png;base64,bm8gcGljdHVyZQ=="]) {
    const response = await post("/v1/chat/completions", [user("What is this?", url)]);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { message: expect.stringContaining("Failed to load image or audio file") },
    });
  }
});

test("llama-server fetches an address by itself, which is why none may be passed on; a path is refused", async () => {
  const bytes = await (await fetch(await picture("png"))).bytes();
  let fetched = 0;
  const elsewhere = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => {
      fetched++;
      return new Response(bytes);
    },
  });
  expect((await answer(user("Look", `http://127.0.0.1:${elsewhere.port}/a.png`))).text).toBe(pictureText(1));
  expect(fetched).toBe(1);
  await elsewhere.stop(true);
  const response = await post("/v1/chat/completions", [user("Look", "file:///etc/hostname")]);
  expect(response.status).toBe(400);
});

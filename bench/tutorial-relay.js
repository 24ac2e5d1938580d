// A relay of the tutorial's shape, for Node and ws: each event is parsed, each token a frame of its own, nothing is bounded. One of bench/relay.ts'
// contenders. Run: node bench/tutorial-relay.js UPSTREAM-URL (with ws beside it in node_modules); prints its port.

import { createServer } from "node:http";
import { createRequire } from "node:module";

const [upstream, modules] = process.argv.slice(2);
const { WebSocketServer } = createRequire(modules)("ws");
const server = createServer();

new WebSocketServer({ server }).on("connection", (socket) => {
  socket.on("message", async (question) => {
    try {
      const response = await fetch(`${upstream}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ stream: true, messages: [{ role: "user", content: String(question) }] }),
      });
      const decoder = new TextDecoder();
      let rest = "";
      for await (const chunk of response.body) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
        rest = lines.pop();
        for (const line of lines) {
          if (!line.startsWith("data: ")) continue;
          const data = line.slice(6);
          if (data === "[DONE]") return socket.send("[DONE]");
          const token = JSON.parse(data).choices[0]?.delta?.content;
          if (token) socket.send(token);
        }
      }
    } catch (error) {
      socket.send(`[ERROR] ${error.message}`);
    }
  });
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));

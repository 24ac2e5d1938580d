// Development only: imports the page's files as text, so that `bun --watch` starts parlor again when they change.

import "../views/assets/app.css" with { type: "text" };
import "../views/assets/app.js" with { type: "text" };
import "../src/main.ts";

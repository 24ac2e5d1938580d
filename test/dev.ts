// Development only: imports the page's files as text, so that `bun --watch` starts parlor again when they change.

import "../views/assets/tokens.css" with { type: "text" };
import "../views/assets/base.css" with { type: "text" };
import "../views/assets/page.css" with { type: "text" };
import "../views/assets/forms.css" with { type: "text" };
import "../views/assets/list.css" with { type: "text" };
import "../views/assets/thread.css" with { type: "text" };
import "../views/assets/welcome.css" with { type: "text" };
import "../views/assets/settings.css" with { type: "text" };
import "../views/assets/door.css" with { type: "text" };
import "../views/assets/admin.css" with { type: "text" };
import "../views/assets/markdown.css" with { type: "text" };
import "../views/assets/code.css" with { type: "text" };
import "../views/assets/composer.css" with { type: "text" };
import "../views/assets/media.css" with { type: "text" };
import "../views/assets/app.js" with { type: "text" };
import "../src/main.ts";

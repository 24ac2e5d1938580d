// The table of options for people: the text of `--help`, and the table of docs/operate/options.md.

import { boundOptions } from "./config.ts";
import { type Option, options } from "./options.ts";

/** The text of `--help`. */
export function help(version: string): string {
  const line = (option: Option) => {
    const flag = `  --${option.flag}${option.value ? ` ${option.value}` : ""}`;
    const rest = [
      option.default && `default ${option.default}`,
      option.env,
      option.repeatable && "repeatable",
    ]
      .filter(Boolean)
      .join(", ");
    return `${flag.padEnd(30)} ${option.doc}${rest ? `\n${" ".repeat(31)}${rest}` : ""}`;
  };
  return `parlor ${version}: the front room of a llama-server

Usage: parlor [options]                    serve
       parlor ask "…" [-c]                 ask the parlor that serves at --host and --port, or at PARLOR_URL,
                                           with the key in PARLOR_KEY; the text can also come on standard
                                           input; -c goes on with the conversation of the question before
       parlor doctor [options]             what stands before parlor and behind it, and what would be better;
                                           with --model the model is loaded to be looked at
       parlor extract FILE [options]       print the text that parlor finds in a document, page by page
       parlor backup FILE [--data DIR]     copy the conversations to FILE, also while parlor runs
       parlor check [--data DIR]           verify the file that holds them
       parlor migrate --from FILE.db --to postgres://USER@HOST/NAME
                                           move everything to PostgreSQL, or, the other way round, back; an
                                           interrupted move goes on
       parlor export FILE [--data DIR]     write all conversations as JSON Lines, also while parlor runs
       parlor user list [--data DIR]       who there is
       parlor user add NAME [ROLE]         an account (admin, member or guest); its password is read from
                                           standard input, if there is one
       parlor user passwd NAME             another password, read from standard input
       parlor user role NAME ROLE          another role
       parlor user remove NAME             may not come in any more; what they said stays
       parlor erase NAME                   delete somebody with everything of theirs
       parlor index FOLDER [--data DIR]    read the documents in a folder, to be searched; again: what has
                                           changed in it
       parlor search "…" [--data DIR]      passages of these documents that hold the words
       parlor collection list              the collections of documents
       parlor collection remove NAME [PERSON]
                                           forget one of the house, or of a person; files of a folder stay
       parlor import FILE [--data DIR]     bring in such a file, or an export of llama-server's UI or of
                                           ChatGPT

A flag wins over the environment, the environment over parlor.toml in the data folder (the flags' names
without dashes: port = 8090).

${Object.values<Option>(options).map(line).join("\n")}
  --help                         this text
  --version                      the version

Bounds:
${boundOptions.map(line).join("\n")}
`;
}

/** The table of docs/operate/options.md (`make options` writes it). */
export function markdownTable(): string {
  const code = (text: string | null) => (text ? `\`${text}\`` : "");
  const row = ({ flag, value, env, default: standard, doc, repeatable }: Option) => {
    const name = code(`--${flag}${value ? ` ${value}` : ""}`);
    return `| ${name} | ${code(env)} | ${code(standard)} | ${doc}${repeatable ? "; repeatable" : ""} |`;
  };
  return [
    "| flag | environment | default | meaning |",
    "|---|---|---|---|",
    ...Object.values<Option>(options).map(row),
    ...boundOptions.map(row),
  ].join("\n");
}

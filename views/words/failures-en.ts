// The sentence for each failure, in English.

import type { Sampling } from "../../src/domain/persona.ts";
import type { FailureSentences } from "./catalogue.ts";
import { houseEn } from "./house-en.ts";
import { after, shortNumber, size } from "./numbers.ts";

/** Names of the sampling settings, as the form and its failures show them. */
export const samplingEn: Readonly<Record<keyof Sampling, string>> = {
  temperature: "Temperature",
  topP: "Top-p",
  maxTokens: "Maximum answer length, in tokens",
};

const number = (value: unknown) => shortNumber(Number(value), "en");
const sizeIn = (bytes: unknown) => size(Number(bytes), "en");
const whole = (value: unknown) => Number(value).toLocaleString("en");

export const failuresEn: FailureSentences = {
  upstream_absent: ({ url }) => `No llama-server answers at ${url}. Start it, then try again.`,
  upstream_loading: () => "llama-server is still loading its model. Try again in a moment.",
  upstream_unauthorized: () =>
    "llama-server requires an API key, or a different one. Start parlor with --llama-api-key.",
  upstream_refused: ({ status, detail }) =>
    `llama-server refused the request (${status})${detail ? `: ${detail}` : "."}`,
  upstream_error: ({ status, detail }) =>
    `llama-server reported an error (${status})${detail ? `: ${detail}` : "."} ` +
    "Try again; if the error persists, check llama-server's log.",
  upstream_cut: () =>
    "The connection to llama-server was lost in the middle of the answer. The text received so far is kept.",
  upstream_stalled: ({ seconds }) =>
    `llama-server sent nothing for ${seconds} seconds, so parlor stopped waiting. ` +
    "The text received so far is kept.",
  upstream_garbled: () =>
    "parlor could not understand llama-server's response. Is there really a llama-server at that address?",
  upstream_line_too_long: ({ limitBytes }) =>
    `llama-server sent a line of more than ${number(limitBytes)} bytes. The text received so far is kept.`,
  answer_too_long: ({ limitChars }) =>
    `The answer exceeded ${number(limitChars)} characters, so parlor ended it. The text so far is kept.`,
  no_reranker: () =>
    "No llama-server here ranks texts. The operator can start parlor with --rerank-llama or --rerank-model.",
  model_missing: ({ model, models }) =>
    `No llama-server has the model ${model}. ` +
    `Choose another, then try again${models ? `; available: ${models}.` : "."}`,
  model_failed: ({ model }) =>
    `llama-server could not load the model ${model}. ` +
    "Choose another at the top; llama-server's log says what went wrong.",
  context_overflow: ({ promptTokens, contextTokens, roomTokens = contextTokens }) =>
    `Your question, together with the text that must accompany it, has ${number(promptTokens)} tokens; ` +
    `the model has room for ${number(roomTokens)}. ` +
    "Shorten it, send it in parts, or give llama-server a larger context (-c).",
  context_full: ({ promptTokens, contextTokens }) =>
    `This conversation has ${number(promptTokens)} tokens. ` +
    `The model's context of ${number(contextTokens)} tokens has no room left for an answer, ` +
    "and this persona does not leave out old messages. " +
    "Start a new chat, delete messages you no longer need, or choose another persona at the top.",
  persona_missing: ({ persona, enforced }) =>
    `The persona ${persona} no longer exists. ` +
    (enforced
      ? "It is set for everybody here, so an admin must restore it or choose another."
      : "Choose another at the top, then try again."),
  collection_missing: ({ name }) =>
    `This persona answers from the collection ${name}, which you do not have. The operator can read it ` +
    "in with `parlor index`; or choose another persona at the top.",
  collection_unknown: ({ name }) =>
    name === undefined
      ? "This conversation answers from a collection that no longer exists. Choose its collections again."
      : `There is no collection ${name} that you can search.`,
  persona_broken: ({ persona, enforced }) =>
    `The persona ${persona} can't be used: its file has an error, which parlor's log describes. ` +
    (enforced
      ? "It is set for everybody here, so an admin must fix it or choose another."
      : "Choose another at the top, or try again once it is fixed."),
  persona_enforced: ({ persona }) =>
    `The persona ${persona} is set for everybody here, and this request would bypass it. ` +
    'Use /ask, or /chat without "raw".',
  bad_setting: ({ name, least, most }) =>
    `${samplingEn[name as keyof Sampling]} must be a ${name === "maxTokens" ? "whole " : ""}number ` +
    `from ${number(least)} to ${number(most)}.`,
  store_damaged: () =>
    "parlor's database file is damaged. " +
    "The operator of this parlor finds its name, and what to do, in the log.",
  store_unwritable: () =>
    "parlor can't write to its database: the disk is full or read-only. " +
    "Your text is kept; try again once there is space.",
  message_empty: () => "There is nothing to send yet.",
  message_too_long: ({ bytes, limitBytes }) =>
    `This message has ${number(bytes)} bytes; the limit is ${number(limitBytes)}. ` +
    "Shorten it or send it in parts.",
  conversation_busy: () =>
    "An answer is still being written here. Wait for it or stop it; your text is kept.",
  queue_full: ({ waiting, seconds }) =>
    `${number(waiting)} others are already waiting. Try again ${after(seconds ?? 60)}; your text is kept.`,
  too_many_waiting: ({ waiting }) =>
    `${number(waiting)} of your questions are already in the queue. ` +
    "Send this one when one of them has been answered; your text is kept.",
  runs_limit: ({ limit, seconds }) =>
    `You have reached your limit of ${number(limit)} ` +
    `${Number(limit) === 1 ? "question" : "questions"} per minute. ` +
    `Try again ${after(seconds)}; your text is kept.`,
  tokens_limit: ({ tokens, limit, seconds }) =>
    `You have used ${whole(tokens)} of ${whole(limit)} tokens today. ` +
    `The count resets ${after(seconds)}; your text is kept.`,
  file_empty: ({ name }) => `${name} is empty.`,
  file_in_use: () => "This file belongs to a message. To delete the file, delete the message.",
  files_full: ({ usedBytes, limitBytes, bytes }) =>
    `This file has ${sizeIn(bytes)}, and your files already take ${sizeIn(usedBytes)} of ` +
    `${sizeIn(limitBytes)}, so it does not fit. ` +
    "Delete conversations with files that you no longer need.",
  too_many_files: ({ limit }) => `A question can have at most ${number(limit)} files.`,
  picture_unsupported: () => "parlor cannot read this picture. It reads JPEG, PNG, GIF and WebP.",
  picture_too_large: ({ limitPixels }) =>
    `This picture is too large: the limit is ${number(limitPixels)} pixels.`,
  no_vision: () =>
    "This model does not see pictures. Remove the picture, or choose a model with vision; your text is kept.",
  no_hearing: () =>
    "This model does not hear recordings. Remove the recording, or choose a model that hears; your text is kept.",
  not_found: () => "This does not exist, or no longer exists.",
  conversation_removed: () =>
    "This conversation was deleted. Undo that, or start a new chat; your text is kept.",
  bad_frame: () => "parlor could not understand that message. Reload the page and try again.",
  bad_request: ({ detail }) => `parlor could not understand that request${detail ? `: ${detail}` : "."}`,
  import_busy: () => "Another import is running. Try again when it has finished.",
  import_slow: ({ seconds }) =>
    `Reading the file took longer than ${number(seconds)} s. Everything read until then was imported.`,
  file_unsupported: () =>
    "parlor cannot read this file: it is neither text nor one of the documents that parlor knows " +
    "(PDF, docx, pptx, xlsx, odt, odp, ods, EPUB, HTML).",
  file_unreadable: () => "This file can't be read: it is damaged, or locked with a password.",
  file_locked: () => "This file is protected by a password. Remove the protection and try again.",
  file_too_large: ({ limitBytes, limitPages, limitChars }) =>
    "This file is too large: the limit is " +
    (limitPages
      ? `${number(limitPages)} pages.`
      : limitChars
        ? `${number(limitChars)} characters of text.`
        : `${number(limitBytes)} bytes of unpacked content.`),
  file_heavy: ({ limitBytes }) =>
    `This file was not read: that would take more than ${number(limitBytes)} bytes of memory.`,
  file_slow: ({ seconds }) => `This file was not read: it took longer than ${number(seconds)} s.`,
  collection_full: ({ limitDocuments }) =>
    `A collection may hold ${number(limitDocuments)} documents. Divide this one into several.`,
  collection_read_only: ({ name }) =>
    `The collection ${name} is read from a folder. Change the files there; parlor follows.`,
  too_many_collections: ({ limit }) => `You can have at most ${number(limit)} collections.`,
  too_large: ({ limitBytes }) => `This is larger than the limit of ${number(limitBytes)} bytes.`,
  unsupported_encoding: ({ coding }) =>
    `parlor does not support the Content-Encoding ${coding}. ` +
    "Send the body uncompressed, or with gzip, deflate, br or zstd.",
  bodies_full: () => "parlor is handling too many large requests at the moment. Try again in a few seconds.",
  body_slow: ({ seconds }) =>
    `The rest of the request did not arrive within ${number(seconds)} seconds. Send it again.`,
  no_such_address: ({ path, known }) => `There is nothing at ${path}. Programs can use: ${known}.`,
  wrong_method: ({ path, method }) => `${path} takes ${method}.`,
  too_many_sockets: ({ limit }) =>
    `There are already ${number(limit)} open connections from this address. Close some tabs.`,
  foreign_origin: ({ origin, host }) =>
    `Pages of ${origin} may not talk to parlor, which was addressed as ${host}. ` +
    `If ${origin} is parlor itself behind a proxy, have the proxy pass on the host name and port ` +
    "(nginx: proxy_set_header Host $http_host). " +
    `To allow another site, start parlor with --allow-origin ${origin}.`,
  unknown_host: ({ host }) =>
    `parlor is not known by the name ${host}. ` +
    `To allow that name, start parlor with --allow-origin http://${host}.`,
  not_signed_in: () => "You are not signed in. Sign in, then reload this page.",
  bad_key: () => "This key is unknown or was revoked. Its owner can create a new one on the account page.",
  key_scope: ({ scope }) => `This key lacks the scope ${scope}. Create one that has it on the account page.`,
  not_admin: () => "Only an admin may do that.",
  wrong_password: () => "The name or the password is wrong.",
  too_many_attempts: ({ seconds }) => `Too many attempts. Try again ${after(seconds)}.`,
  proxy_untrusted: ({ address }) =>
    `A user name came from ${address}, which is not a trusted proxy. ` +
    `If it should be, start parlor with --trusted-proxy ${address}.`,
  person_removed: () => "This account has been removed. Ask the operator of this parlor.",
  name_taken: ({ name }) => `The name ${name} is already taken. Choose another.`,
  bad_name: () => "A name has 1 to 64 characters.",
  bad_password: ({ least }) =>
    `A password has at least ${number(least)} characters, and at most 1,024 bytes.`,
  bad_address: ({ address }) =>
    `${address || "This"} is not a valid address. An address looks like http://192.168.0.5:8080.`,
  bad_limit: ({ name, least, most }) =>
    `${houseEn.limitNames[name as keyof typeof houseEn.limitNames]}: ` +
    `enter a number from ${number(least)} to ${whole(most)}, or leave the field empty for no limit.`,
  last_admin: () => "There must be at least one admin. Make somebody else an admin first.",
  provider_failed: () =>
    "parlor can't use the sign-in service's response. " +
    "The operator of this parlor finds the reason in parlor's log.",
  provider_down: () => "The sign-in service is not responding. Try again in a few minutes.",
  provider_denied: () =>
    "The sign-in service did not let you in, or you cancelled. " +
    "Try again, or ask its operator whether your account may use parlor.",
  provider_lost: () =>
    "This sign-in began in another browser, was already used, or took longer than ten minutes. Start again.",
  read_only: () => "A shared link lets you read, not write.",
  stopped: () => "The operator of this parlor stopped this request.",
  shutting_down: () => "parlor is shutting down or restarting. Try again in a moment; your text is kept.",
  no_leader: () => "parlor is moving to another of its processes. Try again in a moment; your text is kept.",
  internal: () => "Something went wrong inside parlor. Try again; if the error persists, check parlor's log.",
};

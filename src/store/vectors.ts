// Contract of the vectors of passages, which are made some time after the passages are stored. Passages,
// documents, collections and models have numbers here, which mean nothing elsewhere. Compares no vectors.

import type { PassageHit } from "../domain/document.ts";
import type { CollectionId } from "../domain/id.ts";

/** What vectors are made by. */
export interface VectorModel {
  readonly name: string;
  readonly prefix: string;
  readonly dims: number;
}

/** A model that vectors are compared by. */
export interface IndexedModel {
  readonly number: number;
  readonly dims: number;
}

export interface PassageVector {
  readonly passage: number;
  /** A number of the vector is a value times this; 0 for a passage that has none. */
  readonly scale: number;
  readonly values: Int8Array;
}

/** A passage whose vector is not made. */
export interface LackingPassage {
  readonly passage: number;
  readonly path: string;
  readonly title: string | null;
  readonly headings: readonly string[];
  readonly text: string;
}

/** A document that has all its vectors. */
export interface VectorDocument {
  readonly document: number;
  readonly collection: number;
  /** Another one whenever its vectors are other ones, or it is another document with the same number. */
  readonly mark: number;
}

/** Passages that are near a question. */
export interface Near {
  /** The nearest first. */
  readonly passages: readonly number[];
  /** Cosines of the angles to the question, in the same order. */
  readonly scores: readonly number[];
  /** Mean of the cosines of all other passages that were looked at, or of some of them. */
  readonly mean: number;
}

/** Vectors that the database itself compares. */
export interface NearestVectors {
  /** Longest vectors that it compares. */
  readonly dimsMax: number;
  /** Makes vectors of a model comparable whose passages come after `after`: some, in a moment. Null: all are. */
  prepare(model: IndexedModel, after: number): Promise<number | null>;
  /** The passages of some collections that are nearest to a question, at most `limit`, by their cosine above 0. */
  search(
    model: IndexedModel,
    question: Int8Array,
    collections: readonly number[],
    limit: number,
  ): Promise<Near>;
}

export interface Vectors {
  /** Null where the database compares none. */
  readonly nearest: NearestVectors | null;
  /** The number of a model, which it gets if it is new. */
  model(model: VectorModel): Promise<number>;
  /** Some passages of searchable documents without a vector of a model, at most `limit`; none: all have one. */
  lacking(model: number, limit: number): Promise<readonly LackingPassage[]>;
  /** Stores vectors, in place of those that another model made. Those of passages that are gone are left out. */
  add(model: number, vectors: readonly PassageVector[]): Promise<void>;
  /** How many passages there are, and how many belong to documents that have all their vectors. */
  progress(model: number): Promise<{ readonly done: number; readonly total: number }>;
  /** A value that is another one when `documents` would answer otherwise. */
  state(model: number): Promise<string>;
  /** Documents that have all their vectors of a model, by ascending numbers, from the one after `after`. */
  documents(model: number, after: number, limit: number): Promise<readonly VectorDocument[]>;
  /** Vectors of a document by ascending numbers of their passages, from the one after `after`. */
  of(document: number, after: number, limit: number): Promise<readonly PassageVector[]>;
  /** The numbers of collections; unknown ones are left out. */
  collections(ids: readonly CollectionId[]): Promise<readonly number[]>;
  /** The passages with these numbers that are in one of the collections and can be found; in no order. */
  passages(
    numbers: readonly number[],
    collections: readonly number[],
  ): Promise<ReadonlyMap<number, Omit<PassageHit, "score">>>;
}
